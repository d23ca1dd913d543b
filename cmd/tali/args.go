package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// oneArg demands one argument and says what it should have been.
func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%d arguments given, needs %s; see %s --help", len(args), what, c.CommandPath())
	}
}

// groupOf makes a command of its subcommands: alone it prints its help, and a
// word that is none of them is an error, which cobra would let pass.
func groupOf(c *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(subcommands...)
	return c
}
