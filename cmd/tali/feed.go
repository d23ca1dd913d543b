package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tali/db"
)

func newFeed() *cobra.Command {
	return groupOf(
		&cobra.Command{
			Use:   "feed",
			Short: "Who may read the results over HTTP",
			Long: `feed is about the consumers of the HTTP feed (feed.listen in the configuration):
each has a token of its own, with its own limit of requests, that can be taken
away. docs/results.md describes what they read.`,
			Example: `  tali feed token add posko-data --config /etc/tali/tali.yaml`,
		},
		groupOf(
			&cobra.Command{
				Use:   "token",
				Short: "Tokens of the consumers",
				Long: `token gives and takes the tokens with which consumers read the feed. The centre
keeps only a hash of each: one that is lost is revoked, and another is given.
Both are events of the audit chain.`,
				Example: `  tali feed token add posko-data --config /etc/tali/tali.yaml
  tali feed token list --config /etc/tali/tali.yaml
  tali feed token revoke posko-data --config /etc/tali/tali.yaml`,
			},
			newTokenAdd(), newTokenList(), newTokenRevoke(),
		),
	)
}

var consumerPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

func checkConsumer(name string) error {
	if !consumerPattern.MatchString(name) {
		return fmt.Errorf("NAME %q: write at most 32 of a-z, 0-9, dots, dashes and underscores, a letter or digit first", name)
	}
	return nil
}

func newTokenAdd() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "add NAME", Short: "Give a consumer a token and print it, this once", Args: oneArg("one NAME"),
		Long: `add makes a token for the consumer NAME and prints it. It is shown this once and
kept nowhere: hand it over on a safe way. Whoever has it reads the feed.`,
		Example: `  tali feed token add posko-data --config /etc/tali/tali.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkConsumer(args[0]); err != nil {
				return err
			}
			token, hash := newToken()
			return withDesk(cmd.Context(), config, func(ctx context.Context, desk *db.DB) error {
				err := desk.AddFeedToken(ctx, db.Actor{}, args[0], hash)
				if errors.Is(err, db.ErrTaken) {
					return fmt.Errorf("%s has a token already: choose another NAME, or run tali feed token revoke %s first", args[0], args[0])
				}
				if err == nil {
					fmt.Fprintln(cmd.OutOrStdout(), token)
				}
				return err
			})
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its database")
	return c
}

// newToken is random enough that a plain hash of it tells nothing; its beginning
// lets people and scanners of leaked secrets see what it is.
func newToken() (token string, hash []byte) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // it never fails: the program would end
	token = "tali_" + base64.RawURLEncoding.EncodeToString(secret[:])
	sum := sha256.Sum256([]byte(token))
	return token, sum[:]
}

func newTokenRevoke() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "revoke NAME", Short: "Take a consumer's token away", Args: oneArg("one NAME"),
		Long: `revoke takes the token of the consumer NAME out of force, at once and for good.
Another one may be added under the same name.`,
		Example: `  tali feed token revoke posko-data --config /etc/tali/tali.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withDesk(cmd.Context(), config, func(ctx context.Context, desk *db.DB) error {
				err := desk.RevokeFeedToken(ctx, db.Actor{}, args[0])
				if errors.Is(err, db.ErrNoToken) {
					return fmt.Errorf("%q has no token in force: see tali feed token list", args[0])
				}
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "the token of %s is revoked\n", args[0])
				}
				return err
			})
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its database")
	return c
}

func newTokenList() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "list", Short: "List the tokens there ever were", Args: cobra.NoArgs,
		Long:    `list prints name, day and state of every token. The tokens themselves are kept nowhere.`,
		Example: `  tali feed token list --config /etc/tali/tali.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withDesk(cmd.Context(), config, func(ctx context.Context, desk *db.DB) error {
				tokens, err := desk.FeedTokens(ctx)
				if err != nil {
					return err
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(out, "NAME\tADDED\tSTATE")
				for _, t := range tokens {
					state := "in force"
					if t.Revoked != nil {
						state = "revoked " + t.Revoked.UTC().Format("2006-01-02 15:04Z")
					}
					fmt.Fprintf(out, "%s\t%s\t%s\n", t.Name, t.Added.UTC().Format("2006-01-02 15:04Z"), state)
				}
				return out.Flush()
			})
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its database")
	return c
}
