package main

import (
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tali/parser"
)

func newKey() *cobra.Command {
	return groupOf(
		&cobra.Command{
			Use:   "key",
			Short: "Make the master key, or derive the key of one regency from it",
			Long: `key makes the secrets that station cards and authenticity codes derive from. The
master key stays at the centre; a gateway gets the key of its own election and
regency and nothing else, so that a stolen gateway endangers no other.

A key file is a line of 64 hexadecimal digits, mode 0600; that of a regency has a
second line that names it. It is never overwritten: cards in the hands of officers
depend on it.`,
			Example: `  tali key new /etc/tali/master.key
  tali key derive --election pilkada-2024 --regency 7108 /etc/tali/master.key bolmut.key`,
		},
		newKeyNew(), newKeyDerive(),
	)
}

func newKeyNew() *cobra.Command {
	return &cobra.Command{
		Use: "new FILE", Short: "Make a new master key", Args: oneArg("one FILE, which must not exist yet"),
		Long: `new writes 32 random bytes to FILE. Name it in auth.master_key_file. Keep a copy
in a safe place: without it no card can be printed again, and whoever has it can
make the codes of every station.`,
		Example: `  tali key new /etc/tali/master.key`,
		RunE: func(cmd *cobra.Command, args []string) error {
			key := make([]byte, keySize)
			if _, err := rand.Read(key); err != nil {
				return fmt.Errorf("random bytes: %w", err)
			}
			if err := writeKey(args[0], keyFile{key: key}); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "new master key in %s: keep a copy in a safe place, and name it in auth.master_key_file\n", args[0])
			return nil
		},
	}
}

func newKeyDerive() *cobra.Command {
	var election, regency string
	c := &cobra.Command{
		Use: "derive MASTER FILE", Short: "Derive the key of one election in one regency",
		Long: `derive reads the master key from MASTER and writes the key of one election in one
regency to FILE, for the gateways there. It tells nothing about the master key
or about another regency. The same three always give the same key.`,
		Example: `  tali key derive --election pilkada-2024 --regency 7108 /etc/tali/master.key bolmut.key`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("%d arguments given, needs MASTER and FILE; see %s --help", len(args), c.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKeyFlags(election, regency); err != nil {
				return err
			}
			master, err := readKeyFile(args[0])
			if err != nil {
				return err
			}
			if master.election != "" {
				return fmt.Errorf("key file %s is that of regency %s: the master key is needed", args[0], master.regency)
			}
			derived := keyFile{parser.RegencyKey(master.key, election, regency), election, regency}
			if err := writeKey(args[1], derived); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "key of election %s in regency %s in %s\n", election, regency, args[1])
			return nil
		},
	}
	c.Flags().StringVar(&election, "election", "", "id of the election profile, e.g. pilkada-2024")
	c.Flags().StringVar(&regency, "regency", "", "4-digit code of the regency, e.g. 7108")
	_ = c.MarkFlagRequired("election") // the flags exist: defined above
	_ = c.MarkFlagRequired("regency")
	return c
}

// checkKeyFlags refuses what no profile can have: a key of a misspelt election
// looks like any other.
func checkKeyFlags(election, regency string) error {
	if election == "" || strings.Trim(election, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("--election %q: write the id of the profile: lower-case letters, digits and hyphens", election)
	}
	if len(regency) != 4 || strings.Trim(regency, "0123456789") != "" {
		return fmt.Errorf("--regency %q: write the four digits of the regency, without a dot", regency)
	}
	return nil
}
