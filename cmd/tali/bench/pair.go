package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"tali/cmd/tali/officers"
	"tali/db"
	"tali/db/cluster"
	"tali/parser"
	"tali/verify"
)

// pair is a primary with its synchronous standby. They change places in each round.
type pair struct {
	dir              string
	primary, standby *cluster.Node
	profile          *parser.Profile
	registry         *verify.Registry
}

// newPair starts both with the registry of a measurement in them.
func newPair(ctx context.Context, s Settings, stations int) (p *pair, err error) {
	dir, err := os.MkdirTemp(s.Dir, "failover-")
	if err != nil {
		return nil, err
	}
	p = &pair{dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	if p.profile, err = openProfile(); err != nil {
		return nil, err
	}
	password := rand.Text()
	if p.primary, err = newNode(filepath.Join(dir, "a"), password); err != nil {
		return nil, err
	}
	if p.standby, err = newNode(filepath.Join(dir, "b"), password); err != nil {
		return nil, err
	}
	if err := p.found(ctx); err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, p.primary.DSN(cluster.Owner, cluster.Database)); err != nil {
		return nil, err
	}
	if p.registry, err = enrol(ctx, s, p.primary.DSN(cluster.Desk, cluster.Database), p.profile, stations); err != nil {
		return nil, err
	}
	return p, p.attach(ctx)
}

func newNode(dir, password string) (*cluster.Node, error) {
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	return cluster.NewNode(cluster.NodeOptions{Dir: dir, Port: port, Password: password})
}

// found makes an empty centre on the primary.
func (p *pair) found(ctx context.Context) error {
	for _, step := range []func(context.Context) error{p.primary.Initialise, p.primary.Start, p.primary.CreateRoles} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// enrol fills an empty centre with stations and officers.
func enrol(ctx context.Context, s Settings, dsn string, profile *parser.Profile, stations int) (registry *verify.Registry, err error) {
	desk, err := db.Open(ctx, dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, desk.Close()) }()
	if _, err := desk.OpenElection(ctx, profile); err != nil {
		return nil, err
	}
	return officers.Enrol(ctx, desk, profile, stations, func(done, total int) { s.progress("registry", done, total) })
}

// attach makes a new standby of the primary, for which commits wait from then on.
func (p *pair) attach(ctx context.Context) error {
	if err := p.primary.Alone(ctx); err != nil {
		return err
	}
	if err := p.standby.Clone(ctx, p.primary); err != nil {
		return err
	}
	if err := p.standby.Start(ctx); err != nil {
		return err
	}
	return p.primary.Synchronous(ctx)
}

// dsn reaches whichever of the two takes writes.
func (p *pair) dsn(role string) string {
	a, b := p.primary, p.standby
	if a.Port() > b.Port() { // the same at every time
		a, b = b, a
	}
	return cluster.DSNOf(role, cluster.Database, a, b)
}

// Close ends both and removes everything.
func (p *pair) Close() error {
	var errs []error
	for _, n := range []*cluster.Node{p.primary, p.standby} {
		if n != nil {
			errs = append(errs, n.Kill(context.Background()))
		}
	}
	return errors.Join(append(errs, os.RemoveAll(p.dir))...)
}
