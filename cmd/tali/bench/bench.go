// Package bench measures what tali promises: speed of the intake as a ratio to
// pgbench on the same server in the same run, cost of the parser, time from an
// SMS to its answer, memory of a gateway. Absolute figures drift with the
// machine; ratios and orders do not.
//
// Everything runs for real: a private PostgreSQL with fsync, the spool, the
// gateway's own loops, virtual modems on pseudo-terminals.
package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"tali/cmd/tali/officers"
	"tali/configs"
	"tali/db"
	"tali/db/cluster"
	"tali/parser"
	"tali/verify"
)

// Settings say where and how long to measure.
type Settings struct {
	Dir      string                             // working directory, removed afterwards; on the disk that counts
	Messages int                                // SMS of the intake measurement
	Entries  int                                // of the desk measurement; twice as many messages
	Seconds  int                                // of each pgbench run and of the latency measurement
	Stations int                                // of the night and of the totals, five ballots each
	SMS      int                                // with a single fault, of the protocol measurement
	Rounds   int                                // of the failover measurement
	Centre   string                             // DSN of a cluster to rehearse it on, without user; empty: two servers of its own
	Strike   string                             // shell command that has the primary of that cluster die
	Heal     string                             // shell command that returns when a standby follows again
	Program  string                             // tali, to be started and killed; empty: this very program
	Progress func(what string, done, total int) // may be nil
}

// Row is one measured figure beside its target.
type Row struct {
	Name   string
	Value  string // cells of a table, tabs between them
	Target string // empty: for information
	Met    bool
}

// Measurement is one of the things that tali bench can measure.
type Measurement struct {
	Name string
	What string
	Run  func(ctx context.Context, s Settings) ([]Row, error)
}

// All lists the measurements in the order in which they run.
func All() []Measurement {
	return []Measurement{
		{"parse", "parser.Parse of a 58-character tally", Parse},
		{"verify", "verify.Decide of a right form and of wrong ones with their search", Decide},
		{"protocol", "what is taken with other content than was meant", Protocol},
		{"rates", "what the questions about a single fault are worth", Rates},
		{"intake", "spool to committed rows and queued reply, against pgbench", Intake},
		{"night", "a nation's night: five ballots of each station, spool to committed verdicts and replies", Night},
		{"totals", "confirmed figures of a nation into the totals of every area, and reading them", Totals},
		{"latency", "last byte of an SMS to first byte of its reply", Latency},
		{"backlog", "catching up with five SMS of each officer after an outage, and memory meanwhile", Backlog},
		{"burst", "1,000 SMS waiting on one modem, beside gammu-smsd where it is installed", Burst},
		{"peers", "a stream of SMS with kill -9, beside gammu-smsd and smstools where they are installed", Peers},
		{"desk", "pages of the staff, and an entry's way to an open desk", Desk},
		{"failover", "primary killed under load, standby promoted (and a backup restored)", Failover},
		{"memory", "resident memory of a gateway with 16 modems", Memory},
		{"modems", "memory and idle cost of a gateway with 64 modems", Modems},
	}
}

func (s Settings) progress(what string, done, total int) {
	if s.Progress != nil {
		s.Progress(what, done, total)
	}
}

// centre is a private server with the registry of a measurement in it.
type centre struct {
	dir      string
	election string // file of the profile
	server   *cluster.Server
	profile  *parser.Profile
	desk     *db.DB
	gateway  *db.DB
}

// newCentre starts a server of its own in a fresh directory. It commits
// durably, as in production.
func newCentre(ctx context.Context, s Settings) (*centre, error) {
	return newCentreOf(ctx, s, openProfileName)
}

func newCentreOf(ctx context.Context, s Settings, election string) (*centre, error) {
	dir, err := os.MkdirTemp(s.Dir, "bench-")
	if err != nil {
		return nil, fmt.Errorf("bench directory: %w", err)
	}
	c := &centre{dir: dir, election: election}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *centre) open(ctx context.Context) error {
	if err := os.Chmod(c.dir, 0o711); err != nil {
		return err
	}
	var err error
	if c.profile, err = configs.LoadProfile(c.election); err != nil {
		return err
	}
	if c.server, err = cluster.Start(ctx, cluster.Options{Dir: filepath.Join(c.dir, "postgres")}); err != nil {
		return err
	}
	if err := db.Migrate(ctx, c.server.DSN(cluster.Owner, cluster.Database)); err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	if c.desk, err = db.Open(ctx, c.server.DSN(cluster.Desk, cluster.Database), quiet); err != nil {
		return err
	}
	if c.gateway, err = db.Open(ctx, c.server.DSN(cluster.Gateway, cluster.Database), quiet); err != nil {
		return err
	}
	_, err = c.desk.OpenElection(ctx, c.profile)
	return err
}

// enrol gives the centre n invented stations with an officer each.
func (c *centre) enrol(ctx context.Context, s Settings, n int) (*verify.Registry, error) {
	return officers.Enrol(ctx, c.desk, c.profile, n, func(done, total int) { s.progress("registry", done, total) })
}

// openProfileName is the election of the measurements. Its polls closed long ago:
// tallies are accepted, and flagged as late.
const openProfileName = "pilkada-2024-bolmut"

func openProfile() (*parser.Profile, error) { return configs.LoadProfile(openProfileName) }

// Close stops the server and removes the directory.
func (c *centre) Close() error {
	var errs []error
	for _, d := range []*db.DB{c.gateway, c.desk} {
		if d != nil {
			errs = append(errs, d.Close())
		}
	}
	if c.server != nil {
		errs = append(errs, c.server.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}
