package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"tali/db"
)

func newMigrate() *cobra.Command {
	var config, owner string
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the central database to this program's schema and open the election",
		Long: `migrate runs once for each new version, as the owner of the database. With the
private server it is not needed: serve does it by itself.

Before the first time, a superuser creates the roles and the database:

  CREATE ROLE tali_owner LOGIN; CREATE ROLE tali_gateway LOGIN;
  CREATE ROLE tali_desk LOGIN;  CREATE ROLE tali_results_reader LOGIN;
  CREATE ROLE tali_area NOLOGIN; GRANT tali_area TO tali_desk;
  CREATE DATABASE tali OWNER tali_owner ENCODING 'UTF8' TEMPLATE template0;

--owner connects as tali_owner, for this command only. database.dsn in the
configuration connects as tali_gateway (serve --only gateway), as tali_desk
(import, serve --only desk), or as a user who is a member of both.`,
		Example: `  tali migrate --config /etc/tali/tali.yaml --owner "host=db dbname=tali user=tali_owner sslmode=verify-full"`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			_, profile, err := loadConfig(config)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if err := db.Migrate(ctx, owner); err != nil {
				return fmt.Errorf("--owner: %w", err)
			}
			centre, err := db.Open(ctx, owner, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, centre.Close()) }()
			if _, err := centre.OpenElection(ctx, profile); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "schema is up to date, election %s is open\n", profile.ID)
			return nil
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its election")
	c.Flags().StringVar(&owner, "owner", "", "DSN of the database's owner, with sslmode")
	_ = c.MarkFlagRequired("owner") // the flag exists: defined one line above
	return c
}
