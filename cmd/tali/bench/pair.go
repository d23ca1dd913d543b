package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
	if err := p.enrol(ctx, s, stations); err != nil {
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

func (p *pair) enrol(ctx context.Context, s Settings, stations int) (err error) {
	desk, err := db.Open(ctx, p.primary.DSN(cluster.Desk, cluster.Database), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, desk.Close()) }()
	if _, err := desk.OpenElection(ctx, p.profile); err != nil {
		return err
	}
	p.registry, err = officers.Enrol(ctx, desk, p.profile, stations, func(done, total int) { s.progress("registry", done, total) })
	return err
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

// config writes the configuration of one half of tali serve.
func (p *pair) config(name, role, more string) (string, error) {
	path := filepath.Join(p.dir, name+".yaml")
	text := fmt.Sprintf("data_dir: %q\nelection: %q\ndatabase:\n  dsn: %q\nlog:\n  level: warn\n%s", filepath.Join(p.dir, name), openProfileName, p.dsn(role), more)
	return path, os.WriteFile(path, []byte(text), 0o600)
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
