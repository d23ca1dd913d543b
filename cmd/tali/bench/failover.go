package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"tali/db/cluster"
)

// Failover kills the primary under load (-9, all processes), promotes its
// synchronous standby and attaches a new one, round after round, with a real
// gateway and a real desk whose DSN names both. In every third round the standby
// is away first, commits wait for it, and their waits are cancelled: what only the
// primary has then dies with it. At the end both are lost and a backup is restored.
// Where the settings name a cluster that somebody else promotes, it is rehearsed.
func Failover(ctx context.Context, s Settings) (rows []Row, err error) {
	if s.Centre != "" {
		return rehearse(ctx, s)
	}
	p, err := newPair(ctx, s, (s.Rounds+1)*drillSMS)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	d, err := newDrill(s, p.dir)
	if err != nil {
		return nil, err
	}
	d.profile, d.registry, d.dsn = p.profile, p.registry, p.dsn
	d.open = func() (*sql.DB, error) { return p.primary.Open(cluster.Superuser, cluster.Database) }
	return (&failover{drill: d, pair: p}).run(ctx, s)
}

// failover is a rehearsal that promotes by itself.
type failover struct {
	*drill
	pair     *pair
	away     int // rounds in which the standby was away
	restored time.Duration
}

func (f *failover) run(ctx context.Context, s Settings) (rows []Row, err error) {
	defer func() { err = errors.Join(err, f.network.Close()) }()
	stop, err := f.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for n := range s.Rounds {
		s.progress("rounds", n, s.Rounds)
		lose := func(ctx context.Context) error { return f.lose(ctx, n%3 == 1) }
		if err := f.underLoad(ctx, lose, f.pair.attach); err != nil {
			return nil, fmt.Errorf("round %d: %w", n+1, err)
		}
	}
	if err := f.restore(ctx); err != nil {
		return nil, fmt.Errorf("restoring a backup: %w", err)
	}
	s.progress("rounds", s.Rounds, s.Rounds)
	if rows, err = f.rows(ctx); err != nil {
		return nil, err
	}
	about := Row{Name: "rounds", Value: fmt.Sprintf("%d, in %d the standby was away first; a backup restored at the end", s.Rounds, f.away)}
	return append(append([]Row{about}, rows...), Row{Name: "all there after the restore", Value: fmt.Sprintf("%.2f s", f.restored.Seconds())}), nil
}

// lose kills the primary, promotes the standby, and measures.
func (f *failover) lose(ctx context.Context, standbyAway bool) error {
	if standbyAway {
		f.away++
		if err := f.pair.standby.Kill(ctx); err != nil {
			return err
		}
		if err := f.pair.primary.CancelWaits(ctx); err != nil {
			return err
		}
	} else if err := pauseUntil(ctx, time.Now().Add(10*drillEvery)); err != nil {
		return err
	}
	if err := f.pair.primary.Kill(ctx); err != nil {
		return err
	}
	if standbyAway {
		if err := f.pair.standby.Start(ctx); err != nil {
			return err
		}
	}
	f.pair.primary, f.pair.standby = f.pair.standby, f.pair.primary
	promoted := time.Now()
	deskBack := make(chan error, 1)
	go func() { deskBack <- f.awaitPage(ctx, promoted) }()
	if err := f.pair.primary.Promote(ctx); err != nil {
		return errors.Join(err, <-deskBack)
	}
	err := f.await(ctx, `SELECT count(*) FROM intake.message WHERE stored_at > $1`, 1, promoted)
	f.back = append(f.back, time.Since(promoted))
	return errors.Join(err, <-deskBack)
}

// restore makes a backup, lets more SMS come, loses both servers, and restores the
// backup into a new one. The gateway's spool is the second copy of the rest.
func (f *failover) restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	file := filepath.Join(f.dir, "backup.tar")
	config := filepath.Join(f.dir, "desk.yaml")
	owner := f.pair.primary.DSN(cluster.Owner, cluster.Database)
	if err := command(ctx, f.program, "backup", "--out", file, "--config", config, "--owner", owner); err != nil {
		return err
	}
	if err := f.send(ctx, drillSMS); err != nil {
		return err
	}
	if err := f.awaitStored(ctx, f.sent); err != nil {
		return err
	}
	for _, n := range []*cluster.Node{f.pair.primary, f.pair.standby} {
		if err := n.Kill(ctx); err != nil {
			return err
		}
	}
	if err := f.pair.found(ctx); err != nil {
		return err
	}
	if err := command(ctx, f.program, "restore", file, "--config", config, "--owner", owner); err != nil {
		return err
	}
	since := time.Now()
	err := f.awaitStored(ctx, f.sent)
	f.restored = time.Since(since)
	return err
}

// command runs tali once.
func command(ctx context.Context, program string, args ...string) error {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("tali %s: %w: %s", args[0], err, out)
	}
	return nil
}
