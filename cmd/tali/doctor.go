package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"tali/cmd/tali/doctor"
	"tali/configs"
	"tali/db"
	"tali/db/cluster"
)

func newDoctor() *cobra.Command {
	var config string
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look the site over: disk, spool, database, clock, every modem and SIM",
		Long: `doctor says of everything that a night depends on whether it is right, and where
it is not, what to do. It repairs nothing, reads no SMS, gives no PIN.

Run it before the first start, after every change of hardware and in the morning
of the election. Beside a running "tali serve" it works too; the modems that
serve holds are then only named.

The exit code is 1 when something keeps the site from its work.`,
		Example: `  tali doctor --config /etc/tali/tali.yaml
  tali doctor --config /etc/tali/tali.yaml --json | jq 'select(.level == "fail")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, profile, err := loadConfig(config)
			if err != nil {
				return err
			}
			see := printFinding(cmd.OutOrStdout())
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				see = func(f doctor.Finding) { _ = encoder.Encode(f) } // nobody listens any more
			}
			see(doctor.Finding{Level: doctor.OK, Subject: "config",
				What: fmt.Sprintf("election %s, phase %s, modems: %d, data_dir %s", profile.ID, profile.Phase, len(cfg.Gateway.Modems), cfg.DataDir)})
			return examine(cmd.Context(), cfg, see)
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file (default: built-in values and TALI_... variables)")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a finding")
	return c
}

func examine(ctx context.Context, cfg configs.Config, see func(doctor.Finding)) error {
	site := doctor.Site{
		Config: cfg, Modems: gatewaySettings(cfg).Modems, Log: slog.New(slog.DiscardHandler), Sees: see,
	}
	var server *cluster.Server
	site.Centre = func(ctx context.Context) (d *db.DB, err error) {
		dsn := cfg.Database.DSN
		if dsn == "" {
			if server, err = cluster.Start(ctx, cluster.Options{Dir: filepath.Join(cfg.DataDir, "postgres"), Log: site.Log}); err != nil {
				return nil, err
			}
			dsn = server.DSN(cluster.Desk, cluster.Database)
		}
		return db.Open(ctx, dsn, site.Log)
	}
	counts := site.Examine(ctx)
	if server != nil {
		if err := server.Close(); err != nil {
			return err
		}
	}
	if n := counts[doctor.Fail]; n > 0 {
		return &checkFailed{fmt.Sprintf("%d findings keep the site from its work", n)}
	}
	return nil
}

// printFinding is one line for what is, and one for what to do.
func printFinding(out io.Writer) func(doctor.Finding) {
	return func(f doctor.Finding) {
		fmt.Fprintf(out, "%-4s  %s: %s\n", f.Level, f.Subject, f.What)
		if f.Remedy != "" {
			fmt.Fprintf(out, "      -> %s\n", f.Remedy)
		}
	}
}
