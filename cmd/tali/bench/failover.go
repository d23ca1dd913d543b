package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"tali/cmd/tali/officers"
	"tali/db/cluster"
	"tali/gsm/modemsim"
)

const (
	failoverModems = 2
	failoverSMS    = 60 // a round, and as many behind the last backup
	failoverEvery  = 50 * time.Millisecond
	failoverSeed   = 31
	failoverTarget = 3 * time.Second
	roundLimit     = 3 * time.Minute
)

// Failover kills the primary under load (-9, all processes), promotes its
// synchronous standby and attaches a new one, round after round, with a real
// gateway and a real desk whose DSN names both. In every third round the standby
// is away first, commits wait for it, and their waits are cancelled: what only the
// primary has then dies with it. At the end both are lost and a backup is restored.
func Failover(ctx context.Context, s Settings) (rows []Row, err error) {
	p, err := newPair(ctx, s, (s.Rounds+1)*failoverSMS)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	d := &drill{pair: p, settings: s, network: modemsim.NewNetwork(failoverSeed), program: s.Program}
	defer func() { err = errors.Join(err, d.network.Close()) }()
	if d.program == "" {
		if d.program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	stop, err := d.serve(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for n := range s.Rounds {
		s.progress("rounds", n, s.Rounds)
		if err := d.round(ctx, n); err != nil {
			return nil, fmt.Errorf("round %d: %w", n+1, err)
		}
	}
	if err := d.restore(ctx); err != nil {
		return nil, fmt.Errorf("restoring a backup: %w", err)
	}
	s.progress("rounds", s.Rounds, s.Rounds)
	return d.rows(ctx)
}

// drill is a rehearsal under way.
type drill struct {
	*pair
	settings Settings
	program  string
	network  *modemsim.Network
	page     string // address of the desk
	sent     int    // SMS, each of another officer
	away     int    // rounds in which the standby was away
	back     []time.Duration
	desk     []time.Duration
	restored time.Duration
}

// serve starts gateway and desk as they are shipped.
func (d *drill) serve(ctx context.Context) (stop func() error, err error) {
	modems := "reply:\n  pace: 0s\n  per_number_hour: 1000\ngateway:\n  name: bench\n  modems:\n"
	for i := range failoverModems {
		m, err := d.network.AddModem(modemsim.Options{Number: officers.ModemNumber(i), Dir: d.dir, Slots: 30})
		if err != nil {
			return nil, err
		}
		modems += fmt.Sprintf("    - {name: m%d, device: %q, number: %q}\n", i, m.Device(), officers.ModemNumber(i))
	}
	gateway, err := d.config("gateway", cluster.Gateway, modems)
	if err != nil {
		return nil, err
	}
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	d.page = fmt.Sprintf("127.0.0.1:%d", port)
	desk, err := d.config("desk", cluster.Desk, fmt.Sprintf("desk:\n  listen: %q\n", d.page))
	if err != nil {
		return nil, err
	}
	units := []*unit{
		startUnit(ctx, []string{d.program, "serve", "--only", "gateway", "--config", gateway}),
		startUnit(ctx, []string{d.program, "serve", "--only", "desk", "--config", desk}),
	}
	return func() error { return errors.Join(units[0].stop(), units[1].stop()) }, nil
}

// send has so many officers send their tally, one after another.
func (d *drill) send(ctx context.Context, n int) error {
	for range n {
		o := d.registry.Officers[d.sent]
		text, err := rightText(d.profile, o.Stations[0], rand.New(rand.NewPCG(failoverSeed, uint64(d.sent))))
		if err != nil {
			return err
		}
		if _, err := d.network.Submit(modemsim.SMS{From: o.Phone, To: officers.ModemNumber(d.sent % failoverModems), Text: text}); err != nil {
			return err
		}
		d.sent++
		if err := pauseUntil(ctx, time.Now().Add(failoverEvery)); err != nil {
			return err
		}
	}
	return nil
}

// round is one failover under load.
func (d *drill) round(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	if err := d.send(ctx, failoverSMS/4); err != nil {
		return err
	}
	if err := d.awaitStored(ctx, d.sent); err != nil { // everything is acknowledged up to here
		return err
	}
	streaming := make(chan error, 1)
	go func() { streaming <- d.send(ctx, failoverSMS-failoverSMS/4) }()
	if err := d.failOver(ctx, n%3 == 1); err != nil {
		return errors.Join(err, <-streaming)
	}
	if err := <-streaming; err != nil {
		return err
	}
	if err := d.attach(ctx); err != nil {
		return err
	}
	return d.awaitStored(ctx, d.sent)
}

// failOver kills the primary, promotes the standby, and measures.
func (d *drill) failOver(ctx context.Context, standbyAway bool) error {
	if standbyAway {
		d.away++
		if err := d.standby.Kill(ctx); err != nil {
			return err
		}
		if err := d.primary.CancelWaits(ctx); err != nil {
			return err
		}
	} else if err := pauseUntil(ctx, time.Now().Add(10*failoverEvery)); err != nil {
		return err
	}
	if err := d.primary.Kill(ctx); err != nil {
		return err
	}
	if standbyAway {
		if err := d.standby.Start(ctx); err != nil {
			return err
		}
	}
	d.primary, d.standby = d.standby, d.primary
	promoted := time.Now()
	deskBack := make(chan error, 1)
	go func() { deskBack <- d.awaitPage(ctx, promoted) }()
	if err := d.primary.Promote(ctx); err != nil {
		return errors.Join(err, <-deskBack)
	}
	err := d.await(ctx, `SELECT count(*) FROM intake.message WHERE stored_at > $1`, 1, promoted)
	d.back = append(d.back, time.Since(promoted))
	return errors.Join(err, <-deskBack)
}

// awaitPage waits until the desk answers a page for which it asks the centre.
func (d *drill) awaitPage(ctx context.Context, since time.Time) error {
	client := http.Client{Timeout: time.Second}
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.page+"/login", nil)
	if err != nil {
		return err
	}
	ask.AddCookie(&http.Cookie{Name: "tali", Value: "no such session, which only the centre knows"})
	err = waitFor(ctx, func() bool {
		r, err := client.Do(ask)
		if err != nil {
			return false
		}
		return r.Body.Close() == nil && r.StatusCode == http.StatusOK
	})
	d.desk = append(d.desk, time.Since(since))
	return err
}

func (d *drill) awaitStored(ctx context.Context, n int) error {
	return d.await(ctx, `SELECT count(DISTINCT sender) FROM intake.message`, n)
}

// await asks the primary until the answer is at least n.
func (d *drill) await(ctx context.Context, query string, n int, args ...any) (err error) {
	pool, err := d.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	var got int
	var asked error
	err = waitFor(ctx, func() bool {
		asked = pool.QueryRowContext(ctx, query, args...).Scan(&got)
		return asked == nil && got >= n
	})
	if err != nil {
		return fmt.Errorf("%s: %d instead of %d: %w (%v)", query, got, n, err, asked)
	}
	return nil
}

func (d *drill) open() (*sql.DB, error) {
	return d.primary.Open(cluster.Superuser, cluster.Database)
}

// restore makes a backup, lets more SMS come, loses both servers, and restores the
// backup into a new one. The gateway's spool is the second copy of the rest.
func (d *drill) restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	file := filepath.Join(d.dir, "backup.tar")
	config := filepath.Join(d.dir, "desk.yaml")
	owner := d.primary.DSN(cluster.Owner, cluster.Database)
	if err := command(ctx, d.program, "backup", "--out", file, "--config", config, "--owner", owner); err != nil {
		return err
	}
	if err := d.send(ctx, failoverSMS); err != nil {
		return err
	}
	if err := d.awaitStored(ctx, d.sent); err != nil {
		return err
	}
	for _, n := range []*cluster.Node{d.primary, d.standby} {
		if err := n.Kill(ctx); err != nil {
			return err
		}
	}
	if err := d.found(ctx); err != nil {
		return err
	}
	if err := command(ctx, d.program, "restore", file, "--config", config, "--owner", owner); err != nil {
		return err
	}
	since := time.Now()
	err := d.awaitStored(ctx, d.sent)
	d.restored = time.Since(since)
	return err
}

// rows are the figures, and what was lost or doubled.
func (d *drill) rows(ctx context.Context) ([]Row, error) {
	stored, err := d.stored(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.awaitReplies(ctx); err != nil {
		return nil, err
	}
	lost, doubled, answered := 0, 0, 0
	for _, o := range d.registry.Officers[:d.sent] {
		lost += max(1-stored[o.Phone], 0)
		doubled += max(stored[o.Phone]-1, 0)
		answered += max(len(d.network.Inbox(o.Phone))-1, 0)
	}
	worst := slices.Max(d.back)
	return []Row{
		{Name: "rounds", Value: fmt.Sprintf("%d, in %d the standby was away first; a backup restored at the end", d.settings.Rounds, d.away)},
		{Name: "SMS sent", Value: fmt.Sprint(d.sent)},
		{"first commit after promotion", middleAndMost(d.back), "<= " + failoverTarget.String(), worst <= failoverTarget},
		{Name: "desk answers after promotion", Value: middleAndMost(d.desk)},
		{Name: "all there after the restore", Value: fmt.Sprintf("%.2f s", d.restored.Seconds())},
		{"lost", fmt.Sprint(lost), "0", lost == 0},
		{"doubled", fmt.Sprint(doubled), "0", doubled == 0},
		{"replies doubled", fmt.Sprint(answered), "0", answered == 0},
	}, nil
}

// awaitReplies waits until every officer has an answer and nothing waits to be
// sent. An answer that has left before the end of a round leaves no trace here.
func (d *drill) awaitReplies(ctx context.Context) error {
	err := waitFor(ctx, func() bool {
		for _, o := range d.registry.Officers[:d.sent] {
			if len(d.network.Inbox(o.Phone)) == 0 {
				return false
			}
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("waiting for every answer: %w", err)
	}
	return d.await(ctx, `SELECT (count(*) FILTER (WHERE state IN ('queued', 'leased')) = 0)::integer FROM outbox.reply`, 1)
}

// stored counts the messages of each sender that have a verdict as they should.
func (d *drill) stored(ctx context.Context) (out map[string]int, err error) {
	pool, err := d.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	rows, err := pool.QueryContext(ctx, `SELECT m.sender, count(*) AS n FROM intake.message m
		JOIN intake.verdict v ON v.message = m.key AND v.outcome = 'accepted' JOIN tally.entry e ON e.message = m.key GROUP BY m.sender`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out = make(map[string]int)
	for rows.Next() {
		var sender string
		var n int
		if err := rows.Scan(&sender, &n); err != nil {
			return nil, err
		}
		out[sender] = n
	}
	return out, rows.Err()
}

// command runs tali once.
func command(ctx context.Context, program string, args ...string) error {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("tali %s: %w: %s", args[0], err, out)
	}
	return nil
}

func middleAndMost(of []time.Duration) string {
	sorted := slices.Sorted(slices.Values(of))
	return fmt.Sprintf("median %.2f s, most %.2f s", sorted[len(sorted)/2].Seconds(), sorted[len(sorted)-1].Seconds())
}
