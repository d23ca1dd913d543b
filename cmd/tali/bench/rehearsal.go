package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"tali/db/cluster"
)

// healLimit is for a machine that comes back, rewinds and follows.
const healLimit = 3 * time.Minute

// rehearse holds a drill on a cluster that somebody else promotes, Patroni for one:
// a command of the operator's has the primary die, another makes the cluster whole.
func rehearse(ctx context.Context, s Settings) (rows []Row, err error) {
	if s.Strike == "" || s.Heal == "" || s.Rounds < 1 {
		return nil, errors.New("--centre needs --strike, --heal and at least one round")
	}
	dir, err := os.MkdirTemp(s.Dir, "rehearsal-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := newDrill(s, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.network.Close()) }()
	d.dsn = func(role string) string {
		return fmt.Sprintf("%s user=%s connect_timeout=2 target_session_attrs=read-write", s.Centre, role)
	}
	d.open = func() (*sql.DB, error) { return sql.Open("postgres", d.dsn(cluster.Owner)) }
	if d.profile, err = openProfile(); err != nil {
		return nil, err
	}
	if err := d.wantEmpty(ctx); err != nil {
		return nil, fmt.Errorf("--centre: %w", err)
	}
	if d.registry, err = enrol(ctx, s, d.dsn(cluster.Desk), d.profile, s.Rounds*drillSMS); err != nil {
		return nil, err
	}
	return (&rehearsal{drill: d, settings: s}).run(ctx)
}

// wantEmpty: officers of a rehearsal have no place in a real election.
func (d *drill) wantEmpty(ctx context.Context) (err error) {
	pool, err := d.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	var used bool
	if err := pool.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM intake.message) OR EXISTS (SELECT FROM registry.station)`).Scan(&used); err != nil {
		return err
	}
	if used {
		return errors.New("this database has stations or messages: rehearse on an empty one, after tali migrate")
	}
	return nil
}

// rehearsal is a drill whose primary dies by a command.
type rehearsal struct {
	*drill
	settings Settings
	away     []time.Duration // from the death to the first commit
}

func (r *rehearsal) run(ctx context.Context) (rows []Row, err error) {
	stop, err := r.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for n := range r.settings.Rounds {
		r.settings.progress("rounds", n, r.settings.Rounds)
		if err := r.underLoad(ctx, r.lose, r.heal); err != nil {
			return nil, fmt.Errorf("round %d: %w", n+1, err)
		}
	}
	r.settings.progress("rounds", r.settings.Rounds, r.settings.Rounds)
	if rows, err = r.rows(ctx); err != nil {
		return nil, err
	}
	return slices.Concat([]Row{{Name: "rounds", Value: fmt.Sprint(r.settings.Rounds)}}, rows,
		[]Row{{Name: "first commit after the primary's death", Value: middleAndMost(r.away)}}), nil
}

// lose has the primary die, waits until another takes writes, and measures.
func (r *rehearsal) lose(ctx context.Context) error {
	if err := pauseUntil(ctx, time.Now().Add(10*drillEvery)); err != nil {
		return err
	}
	if err := shell(ctx, "--strike", r.settings.Strike); err != nil {
		return err
	}
	died := time.Now()
	if err := r.await(ctx, `SELECT (NOT pg_is_in_recovery())::integer`, 1); err != nil {
		return err
	}
	promoted := time.Now()
	deskBack := make(chan error, 1)
	go func() { deskBack <- r.awaitPage(ctx, promoted) }()
	err := r.await(ctx, `SELECT count(*) FROM intake.message WHERE stored_at > $1`, 1, died)
	r.back, r.away = append(r.back, time.Since(promoted)), append(r.away, time.Since(died))
	return errors.Join(err, <-deskBack)
}

func (r *rehearsal) heal(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healLimit)
	defer cancel()
	return shell(ctx, "--heal", r.settings.Heal)
}

// shell runs a command of the operator's. What it starts may live on.
func shell(ctx context.Context, flag, line string) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %q: %w", flag, line, err)
	}
	return nil
}
