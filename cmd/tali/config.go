package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tali/configs"
)

func newConfig() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Print an example configuration, or check one"}
	c.AddCommand(
		&cobra.Command{
			Use: "example", Short: "Print a commented configuration file", Args: cobra.NoArgs,
			Run: func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), configs.Example()) },
		},
		&cobra.Command{
			Use: "check FILE", Short: "Say what is wrong with a configuration file", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				_, profile, err := loadConfig(args[0])
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is right: election %s, %d ballots, phase %s\n",
					args[0], profile.ID, len(profile.Ballots), profile.Phase)
				return nil
			},
		},
	)
	return c
}
