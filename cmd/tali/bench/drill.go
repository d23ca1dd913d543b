package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tali/cmd/tali/officers"
	"tali/db/cluster"
	"tali/gsm/modemsim"
	"tali/parser"
	"tali/verify"
)

const (
	drillModems = 2
	drillSMS    = 60 // a round
	drillEvery  = 50 * time.Millisecond
	drillSeed   = 31
	drillTarget = 3 * time.Second // from a promotion to the first commit
	roundLimit  = 3 * time.Minute
)

// drill is a rehearsal of the loss of a database machine under load, with a real
// gateway on virtual modems and a real desk.
type drill struct {
	dir      string
	profile  *parser.Profile
	registry *verify.Registry
	dsn      func(role string) string // reaches whichever server takes writes
	open     func() (*sql.DB, error)  // may read everything there
	program  string
	network  *modemsim.Network
	page     string // address of the desk
	sent     int    // SMS, each of another officer
	back     []time.Duration
	desk     []time.Duration
}

// newDrill is a rehearsal whose centre is still to be named.
func newDrill(s Settings, dir string) (*drill, error) {
	d := &drill{dir: dir, program: s.Program, network: modemsim.NewNetwork(drillSeed)}
	if d.program != "" {
		return d, nil
	}
	var err error
	d.program, err = os.Executable()
	return d, err
}

// serve starts gateway and desk as they are shipped.
func (d *drill) serve(ctx context.Context) (stop func() error, err error) {
	modems := "reply:\n  pace: 0s\n  lease: 90s\n  per_number_hour: 1000\ngateway:\n  name: bench\n  modems:\n"
	for i := range drillModems {
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
		text, err := rightText(d.profile, o.Stations[0], rand.New(rand.NewPCG(drillSeed, uint64(d.sent))))
		if err != nil {
			return err
		}
		if _, err := d.network.Submit(modemsim.SMS{From: o.Phone, To: officers.ModemNumber(d.sent % drillModems), Text: text}); err != nil {
			return err
		}
		d.sent++
		if err := pauseUntil(ctx, time.Now().Add(drillEvery)); err != nil {
			return err
		}
	}
	return nil
}

// config writes the configuration of one half of tali serve.
func (d *drill) config(name, role, more string) (string, error) {
	path := filepath.Join(d.dir, name+".yaml")
	text := fmt.Sprintf("data_dir: %q\nelection: %q\ndatabase:\n  dsn: %q\nlog:\n  level: warn\n%s", filepath.Join(d.dir, name), openProfileName, d.dsn(role), more)
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// underLoad has officers text while the primary is lost. Before, everything is
// acknowledged; mend makes the centre safe again; after, everything has to be there.
func (d *drill) underLoad(ctx context.Context, lose, mend func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	if err := d.send(ctx, drillSMS/4); err != nil {
		return err
	}
	if err := d.awaitStored(ctx, d.sent); err != nil {
		return err
	}
	streaming := make(chan error, 1)
	go func() { streaming <- d.send(ctx, drillSMS-drillSMS/4) }()
	if err := lose(ctx); err != nil {
		return errors.Join(err, <-streaming)
	}
	if err := <-streaming; err != nil {
		return err
	}
	if err := mend(ctx); err != nil {
		return err
	}
	return d.awaitStored(ctx, d.sent)
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

// unanswered counts the officers that have had no answer.
func (d *drill) unanswered() (n int) {
	for _, o := range d.registry.Officers[:d.sent] {
		if len(d.network.Inbox(o.Phone)) == 0 {
			n++
		}
	}
	return n
}

// awaitReplies waits until every officer has an answer and nothing waits to be
// sent. A claim whose commit nobody heard of holds its reply until its lease ends.
func (d *drill) awaitReplies(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	if err := d.network.Wait(ctx, func() bool { return d.unanswered() == 0 }); err != nil {
		return fmt.Errorf("%d officers have no answer: %w", d.unanswered(), err)
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
	return []Row{
		{Name: "SMS sent", Value: fmt.Sprint(d.sent)},
		{"first commit after promotion", middleAndMost(d.back), "<= " + drillTarget.String(), slices.Max(d.back) <= drillTarget},
		{Name: "desk answers after promotion", Value: middleAndMost(d.desk)},
		{"lost", fmt.Sprint(lost), "0", lost == 0},
		{"doubled", fmt.Sprint(doubled), "0", doubled == 0},
		{"replies doubled", fmt.Sprint(answered), "0", answered == 0},
	}, nil
}

func middleAndMost(of []time.Duration) string {
	sorted := slices.Sorted(slices.Values(of))
	return fmt.Sprintf("median %.2f s, most %.2f s", sorted[len(sorted)/2].Seconds(), sorted[len(sorted)-1].Seconds())
}
