package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"tali/gsm/modemsim"
	"tali/verify"
)

const (
	peersSMS   = 500
	peersSeed  = 20
	peersEvery = 100 * time.Millisecond // an SMS
	peersShare = 25                     // SMS for each kill -9
	peersLook  = 500 * time.Millisecond
	peersQuiet = 30 * time.Second // without any change: no more will come
)

// drainer is a program that reads a modem empty and stores what it found.
type drainer interface {
	// missing says what to install; it is empty where everything is here.
	missing() string
	// prepare returns the command that drains the modem, time and again.
	prepare(ctx context.Context, device string) ([]string, error)
	// stored counts what was stored so far, by sender.
	stored(ctx context.Context) (map[string]int, error)
}

// Peers measures what a stream of SMS to one modem comes to when the program that
// reads it is killed (-9) again and again: tali's gateway, gammu-smsd and smsd of
// smstools, each on a virtual modem of its own, with the same SMS and the same
// moments. The network's own log says what had to be stored.
func Peers(ctx context.Context, s Settings) (rows []Row, err error) {
	c, err := newCentre(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	registry, err := c.enrol(ctx, s, min(peersSMS, s.Messages))
	if err != nil {
		return nil, err
	}
	storm, err := c.newStorm(registry)
	if err != nil {
		return nil, err
	}
	rows = append(rows, Row{
		Name:  fmt.Sprintf("%d SMS in %.1f s, %d times kill -9", len(storm.texts), storm.length.Seconds(), storm.kills),
		Value: "acknowledged\trows\tlost\tdoubled\tstranded\tall in after",
	})
	for _, p := range []struct {
		name string
		drainer
	}{
		{"tali", taliDrainer{c, s.Program}},
		{"gammu-smsd", gammuDrainer{c}},
		{"smstools", smstoolsDrainer{c}},
	} {
		if lacks := p.missing(); lacks != "" {
			rows = append(rows, Row{Name: p.name, Value: "skipped: " + lacks})
			continue
		}
		out, err := storm.run(ctx, p.drainer, func(done, total int) { s.progress(p.name, done, total) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		row := Row{Name: p.name, Value: out.cells()}
		if p.name == "tali" {
			row.Target, row.Met = "0 lost, doubled, stranded", out.lost+out.doubled+out.stranded == 0
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// storm is what every program goes through.
type storm struct {
	dir    string
	texts  []modemsim.SMS
	length time.Duration
	kills  int
	plan   []moment
}

// moment is when an SMS is sent, or the program killed.
type moment struct {
	at   time.Duration
	kill bool
	sms  modemsim.SMS
}

func (c *centre) newStorm(registry *verify.Registry) (*storm, error) {
	n := len(registry.Officers)
	s := &storm{dir: c.dir, length: time.Duration(n) * peersEvery, kills: max(n/peersShare, 2)}
	random := rand.New(rand.NewPCG(peersSeed, uint64(n)))
	for i, o := range registry.Officers {
		text, err := rightText(c.profile, o.Stations[0], random)
		if err != nil {
			return nil, err
		}
		sms := modemsim.SMS{From: o.Phone, To: benchModem(), Text: text}
		s.texts = append(s.texts, sms)
		s.plan = append(s.plan, moment{at: time.Duration(i) * peersEvery, sms: sms})
	}
	for range s.kills {
		s.plan = append(s.plan, moment{at: time.Duration(random.Int64N(int64(s.length))), kill: true})
	}
	slices.SortStableFunc(s.plan, func(a, b moment) int { return int(a.at - b.at) })
	return s, nil
}

// run plays the storm to one program and waits until nothing changes any more.
func (s *storm) run(ctx context.Context, d drainer, progress func(done, total int)) (out outcome, err error) {
	network := modemsim.NewNetwork(peersSeed)
	defer func() { err = errors.Join(err, network.Close()) }()
	m, err := network.AddModem(modemsim.Options{Number: benchModem(), Dir: s.dir, Slots: len(s.texts)})
	if err != nil {
		return out, err
	}
	command, err := d.prepare(ctx, m.Device())
	if err != nil {
		return out, err
	}
	unit := startUnit(ctx, command)
	defer func() { err = errors.Join(err, unit.stop()) }()
	begun := time.Now()
	for i, next := range s.plan {
		if err := pauseUntil(ctx, begun.Add(next.at)); err != nil {
			return out, err
		}
		progress(i+1, len(s.plan))
		if next.kill {
			if err := unit.kill(ctx); err != nil {
				return out, err
			}
			continue
		}
		if _, err := network.Submit(next.sms); err != nil {
			return out, err
		}
	}
	last, err := s.settle(ctx, d, network, m)
	if err != nil {
		return out, err
	}
	rows, err := d.stored(ctx)
	out = s.count(network.Deliveries(), rows)
	out.stranded, out.took = m.Stored()+network.Pending(benchModem()), last.Sub(begun)
	return out, err
}

// settle waits until every SMS is stored and none is left on the modem, or until
// nothing has changed for a while; it returns when the last change was seen.
func (s *storm) settle(ctx context.Context, d drainer, network *modemsim.Network, m *modemsim.Modem) (time.Time, error) {
	type state struct{ senders, rows, left int }
	var before state
	last := time.Now()
	for {
		rows, err := d.stored(ctx)
		if err != nil {
			return last, err
		}
		now := state{senders: len(rows), left: m.Stored() + network.Pending(benchModem())}
		for _, n := range rows {
			now.rows += n
		}
		if now != before {
			before, last = now, time.Now()
		}
		if (now.senders == len(s.texts) && now.left == 0) || time.Since(last) > peersQuiet {
			return last, nil
		}
		if err := pauseUntil(ctx, time.Now().Add(peersLook)); err != nil {
			return last, err
		}
	}
}

// outcome is what a storm came to.
type outcome struct {
	acknowledged, rows, lost, doubled, stranded int
	took                                        time.Duration
}

// count holds the network's log against the rows. Lost is what the modem had
// acknowledged, and the program deleted from it, without a row.
func (s *storm) count(deliveries []modemsim.Delivery, rows map[string]int) (out outcome) {
	for _, d := range deliveries {
		if d.Acknowledged.IsZero() {
			continue
		}
		out.acknowledged++
		n := rows[d.From]
		out.rows += n
		out.doubled += max(n-1, 0)
		if n == 0 && !d.Deleted.IsZero() {
			out.lost++
		}
	}
	return out
}

func (o outcome) cells() string {
	took := fmt.Sprintf("%.1f s", o.took.Seconds())
	if o.lost+o.stranded > 0 {
		took = "never"
	}
	return fmt.Sprintf("%d\t%d\t%d\t%d\t%d\t%s", o.acknowledged, o.rows, o.lost, o.doubled, o.stranded, took)
}

func pauseUntil(ctx context.Context, at time.Time) error {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
