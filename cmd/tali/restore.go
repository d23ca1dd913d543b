package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"tali/cmd/tali/backup"
	"tali/db"
	"tali/db/cluster"
)

// restoring is the database that a private server's backup is brought into before
// it takes the place of the present one.
const restoring = cluster.Database + "_restoring"

func newRestore() *cobra.Command {
	var r restore
	var config, owner string
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Bring a centre back from a backup",
		Long: `restore checks every sum of the file before it touches anything, brings it into an
empty database, counts and compares every table with what the backup says, checks
the audit chain, and gives the centre a new incarnation: every gateway then offers
its last 24 hours again, and nobody is told anything twice.

A database that is not empty is refused. With --replace, what is in it is dropped,
after you have typed its name; when the restore fails it is still there.

With the private server, stop tali serve first. With a database of yours, --owner
connects as its owner; create roles and database as for tali migrate. Gateways and
desk that reach it meanwhile are kept out until it is whole.`,
		Example: `  tali restore pagi.tar --config /etc/tali/tali.yaml
  tali restore pagi.tar --replace --files /root/kembali --config /etc/tali/tali.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("%d arguments given, needs one FILE, as tali backup wrote it; see tali restore --help", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := loadConfig(config)
			if err != nil {
				return err
			}
			r.in, r.out = cmd.InOrStdin(), cmd.OutOrStdout()
			defer r.progress.done()
			if r.archive, err = backup.Open(args[0], r.progress.set); err != nil {
				return err
			}
			if m := r.archive.Manifest; m.Schema > db.KnownSchema() {
				return fmt.Errorf("%s has schema %d, this program knows %d: install the tali that wrote it (%s) or a newer one",
					args[0], m.Schema, db.KnownSchema(), m.Program)
			}
			return withOwner(cmd.Context(), cfg, owner, r.run)
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its database")
	c.Flags().StringVar(&owner, "owner", "", "DSN of the database's owner, with sslmode; needless with the private server")
	c.Flags().StringVar(&r.files, "files", "", "directory to write profile, configuration and keys of the backup to; nothing is overwritten")
	c.Flags().BoolVar(&r.replace, "replace", false, "drop what is in the database, once its name is typed")
	return c
}

// restore is a backup on its way back.
type restore struct {
	archive  *backup.Archive
	files    string
	replace  bool
	in       io.Reader
	out      io.Writer
	progress bars
}

func (r *restore) run(ctx context.Context, o *ownerSite) error {
	if err := o.centre.CheckRoles(ctx); err != nil {
		return err
	}
	clearing, err := r.clearing(ctx, o)
	if err != nil {
		return err
	}
	if r.files != "" {
		if err := unpack(r.archive.Files(), r.files); err != nil {
			return err
		}
	}
	if o.server == nil {
		return r.into(ctx, o.dsn, o.centre, clearing, nil)
	}
	return r.aside(ctx, o)
}

// clearing asks what is needed before anything is dropped. It returns the script
// for it, empty where there is nothing.
func (r *restore) clearing(ctx context.Context, o *ownerSite) (string, error) {
	empty, err := o.centre.Empty(ctx)
	if err != nil || empty {
		return "", err
	}
	if !r.replace {
		return "", errors.New("the database is not empty: restore into a new one, or say --replace to drop what is there")
	}
	if o.server != nil {
		n, err := o.centre.OtherSessions(ctx)
		if err == nil && n > 0 {
			err = fmt.Errorf("%d connections of tali use the database: stop tali serve first", n)
		}
		if err != nil {
			return "", err
		}
	}
	name, err := o.centre.Name(ctx)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(r.out, "Everything in the database %s will be dropped. Type its name to go on: ", name)
	typed, err := bufio.NewReader(r.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if strings.TrimSpace(typed) != name {
		return "", fmt.Errorf("%q was typed, not %q: nothing was changed", strings.TrimSpace(typed), name)
	}
	return o.centre.Clearing(ctx)
}

// aside restores beside the present database of a private server and puts it in
// its place once it is whole.
func (r *restore) aside(ctx context.Context, o *ownerSite) (err error) {
	if err := o.server.DropDatabase(ctx, restoring); err != nil {
		return err
	}
	if err := o.server.CreateDatabase(ctx, restoring, "template0"); err != nil {
		return err
	}
	defer func() {
		if err := o.server.DropDatabase(context.WithoutCancel(ctx), restoring); err != nil {
			fmt.Fprintln(r.out, "left behind:", err)
		}
	}()
	dsn := o.server.DSN(cluster.Owner, restoring)
	centre, err := db.Open(ctx, dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, centre.Close()) }()
	return r.into(ctx, dsn, centre, "", func() error {
		if err := errors.Join(centre.Close(), o.centre.Close()); err != nil { // a database in use has its name for good
			return err
		}
		return o.server.ReplaceDatabase(ctx, cluster.Database, restoring)
	})
}

// into brings the backup into an owner's database and proves that it is the same.
// done, if any, is the last step.
func (r *restore) into(ctx context.Context, dsn string, centre *db.DB, clearing string, done func() error) error {
	major, err := centre.ServerMajor(ctx)
	if err != nil {
		return err
	}
	if err := r.archive.Load(ctx, dsn, major, clearing, db.Holding(), r.progress.set); err != nil {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	m := r.archive.Manifest
	got, err := centre.Survey(ctx, nil, func(n, total int) { r.progress.set("comparing", n, total) })
	if err != nil {
		return err
	}
	if differ := m.Survey().Differences(got); len(differ) > 0 {
		for _, d := range differ {
			fmt.Fprintln(r.out, "DIFFERS:", d)
		}
		return errors.New("what was restored is not what was backed up: it stays shut to gateways and desk")
	}
	report, err := centre.VerifyAudit(ctx, db.AuditHead{Seq: m.HeadEvent, Hash: m.HeadHash}, func(n, total int) { r.progress.set("audit", n, total) })
	if err != nil {
		return err
	}
	r.progress.done()
	incarnation, err := centre.Release(ctx)
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, dsn); err != nil {
		return err
	}
	if done != nil {
		if err := done(); err != nil {
			return err
		}
	}
	return r.tell(report, incarnation)
}

func (r *restore) tell(report db.AuditReport, incarnation string) error {
	m := r.archive.Manifest
	fmt.Fprintf(r.out, "restored: %d tables, %d rows, as they were %s\n", len(m.Tables), m.Rows(), m.At.Format("2006-01-02 15:04:05 UTC"))
	fmt.Fprintf(r.out, "new incarnation %s: gateways offer their last 24 hours again\n", incarnation)
	for _, f := range report.Faults {
		fmt.Fprintln(r.out, "FAULT:", f)
	}
	if len(report.Faults) > 0 {
		fmt.Fprintf(r.out, "NOT INTACT: the audit chain had %s when it was backed up\n", counted(len(report.Faults), "fault"))
		return &checkFailed{"the audit chain is not intact"}
	}
	fmt.Fprintf(r.out, "audit chain intact, %s, head %d:%s\n", counted(report.Events, "event"), report.Head.Seq, report.Head.Hash)
	return nil
}
