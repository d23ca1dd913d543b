package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"tali/configs"
)

func newConfig() *cobra.Command {
	return groupOf(
		&cobra.Command{
			Use: "config", Short: "Print an example configuration, or check one",
			Long: `config helps with the one configuration file of tali. Without a file, tali works
with built-in values; every key may also come from the environment.`,
			Example: `  tali config example > /etc/tali/tali.yaml
  tali config check /etc/tali/tali.yaml`,
		},
		&cobra.Command{
			Use: "example", Short: "Print a commented configuration file", Args: cobra.NoArgs,
			Long: `example prints a file with every key, its default and what it is for. It is a
right configuration as it stands: keep what you change, delete the rest.`,
			Example: `  tali config example > /etc/tali/tali.yaml`,
			Run:     func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), configs.Example()) },
		},
		&cobra.Command{
			Use: "check FILE", Short: "Say what is wrong with a configuration file", Args: oneArg("one FILE"),
			Long: `check reads the file, TALI_... variables and the election profile exactly as serve
would, and opens nothing: no port, no modem, no database. Every problem is one
line with place, key, value and remedy.`,
			Example: `  tali config check /etc/tali/tali.yaml`,
			RunE: func(cmd *cobra.Command, args []string) error {
				cfg, profile, err := loadConfig(args[0])
				if err != nil {
					return err
				}
				if _, err := readRegencyKey(cfg.Auth, profile); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is right: election %s, %d ballots, phase %s, %d modems\n",
					args[0], profile.ID, len(profile.Ballots), profile.Phase, len(cfg.Gateway.Modems))
				for _, m := range cfg.Gateway.Modems {
					if m.Number == "" {
						fmt.Fprintf(cmd.OutOrStdout(), "note: gateway.modems %s has no number: without it no heartbeat SMS prove that its SIM receives; write number: \"+62...\"\n", m.Name)
					}
				}
				return nil
			},
		},
	)
}
