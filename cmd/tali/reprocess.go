package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tali/cmd/tali/gateway"
	"tali/configs"
	"tali/db/spool"
	"tali/parser"
)

// The places whose messages reprocess reads again.
const (
	onlySpool  = "spool"
	onlyCentre = "centre"
)

func newReprocess() *cobra.Command {
	r := reprocessing{}
	c := &cobra.Command{
		Use:   "reprocess",
		Short: "Read SMS again that no version could read before",
		Long: `reprocess decodes the raw PDUs of quarantined SMS again: those that could not be
read when they came, and that a newer tali may read. Without --apply it only
counts. With it, what can be read now is decided as of the time when it arrived,
and its sender is answered. The old row stays as it is. Running it twice changes
nothing the second time.

It reads this machine's spool, which a running "tali serve" holds (stop it for
that), and the central database, for every gateway. One part of a long SMS is
joined with its other parts in the spool only.`,
		Example: `  tali reprocess --config /etc/tali/tali.yaml
  tali reprocess --config /etc/tali/tali.yaml --apply
  tali reprocess --config /etc/tali/tali.yaml --apply --only centre`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.only != "" && r.only != onlySpool && r.only != onlyCentre {
				return fmt.Errorf("--only %q: write spool or centre", r.only)
			}
			var err error
			if r.cfg, r.profile, err = loadConfig(r.config); err != nil {
				return err
			}
			r.out = cmd.OutOrStdout()
			return r.run(cmd.Context())
		},
	}
	c.Flags().StringVar(&r.config, "config", "", "configuration file (default: built-in values and TALI_... variables)")
	c.Flags().StringVar(&r.only, "only", "", "one place alone: spool or centre")
	c.Flags().BoolVar(&r.apply, "apply", false, "act on what can be read now; without it nothing is changed")
	c.Flags().BoolVar(&r.asJSON, "json", false, "print one JSON object a place")
	return c
}

// reprocessing is one run of the command.
type reprocessing struct {
	config, only  string
	apply, asJSON bool
	cfg           configs.Config
	profile       *parser.Profile
	out           io.Writer
}

// run does both places, the second also when the first fails.
func (r reprocessing) run(ctx context.Context) error {
	var errs []error
	if r.only != onlyCentre {
		errs = append(errs, r.spool(ctx))
	}
	if r.only != onlySpool {
		errs = append(errs, r.centre(ctx))
	}
	return errors.Join(errs...)
}

func (r reprocessing) spool(ctx context.Context) (err error) {
	path := filepath.Join(r.cfg.DataDir, "spool", "spool.db")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return r.print(onlySpool, gateway.Reread{}) // a machine without a gateway has none
	}
	journal, err := spool.Open(ctx, path, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	n, err := gateway.SpoolRereader{Spool: journal, Apply: r.apply}.Run(ctx)
	if err != nil {
		return err
	}
	return r.print(onlySpool, n)
}

func (r reprocessing) centre(ctx context.Context) (err error) {
	c, err := openCentre(ctx, r.cfg, r.profile, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	again := gateway.CentreRereader{Desk: c.desk, Gateway: c.gateway, Profile: r.profile, Version: version, Apply: r.apply}
	for _, m := range r.cfg.Gateway.Modems {
		again.Own = append(again.Own, m.Number)
	}
	n, err := again.Run(ctx)
	if err != nil {
		return err
	}
	return r.print(onlyCentre, n)
}

func (r reprocessing) print(place string, n gateway.Reread) error {
	if r.asJSON {
		return json.NewEncoder(r.out).Encode(struct {
			Place   string `json:"place"`
			Applied bool   `json:"applied"`
			gateway.Reread
		}{place, r.apply, n})
	}
	did := "would be read now (nothing is changed without --apply)"
	if r.apply {
		did = "read now and handed on"
	}
	_, err := fmt.Fprintf(r.out, "%s: %d unreadable SMS: %d %s (%d of them parts of long SMS), %d read again before, %d still unreadable\n",
		place, n.Looked, n.Readable, did, n.Parts, n.Before, n.Still)
	return err
}
