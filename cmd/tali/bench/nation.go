package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"tali/db"
	"tali/db/cluster"
	"tali/verify"
)

const (
	nationElection = "pemilu-2024-bolmut" // five ballots
	nationLook     = 250 * time.Millisecond

	nightTarget   = 4.0       // times pgbench
	growthTarget  = 1.3       // cost of the last tenth against the first
	nightMemory   = 128 << 10 // KiB
	nationSMS     = 4_100_000
	nationMinutes = 10
)

// Night measures how a real `tali serve --only gateway` brings in all that the
// stations of a nation text in a night, between two runs of pgbench on the same
// server: 5 % of the tallies with a mistake first, 3 % sent again, from the spool
// to committed verdicts, entries and queued replies.
func Night(ctx context.Context, s Settings) (rows []Row, err error) {
	c, err := newCentreOf(ctx, s, nationElection)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.enrolNation(ctx, s); err != nil {
		return nil, err
	}
	sent, err := c.textNight(ctx, s)
	if err != nil {
		return nil, err
	}
	y, err := newYardstick(ctx, c.server)
	if err != nil {
		return nil, err
	}
	before, err := y.TPS(ctx, s.Seconds)
	if err != nil {
		return nil, err
	}
	course, err := c.sitNight(ctx, s, sent.sms)
	if err != nil {
		return nil, err
	}
	after, err := y.TPS(ctx, s.Seconds)
	if err != nil {
		return nil, err
	}
	if err := c.checkNight(ctx, sent); err != nil {
		return nil, err
	}
	return course.rows(sent, before, after), nil
}

// enrolNation fills the registry.
func (c *centre) enrolNation(ctx context.Context, s Settings) error {
	return db.FillNation(ctx, c.server.DSN(cluster.Owner, cluster.Database), db.Nation{
		Stations: s.Stations, Profile: c.profile,
		Progress: func(done, total int) { s.progress("registry", done, total) },
	})
}

// course is how far a night was at which time.
type course struct {
	at   []time.Duration // since the first messages were committed
	done []int
	peak int // KiB resident in the gateway
}

// sitNight runs the gateway until everything is at the centre.
func (c *centre) sitNight(ctx context.Context, s Settings, sms int) (n course, err error) {
	config, err := c.modemsConfig(nil, 0)
	if err != nil {
		return n, err
	}
	child, stop, err := startProgram(ctx, s.Program, config)
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	ticker := time.NewTicker(nationLook)
	defer ticker.Stop()
	var began time.Time
	for done := 0; done < sms; {
		select {
		case <-ctx.Done():
			return n, ctx.Err()
		case <-ticker.C:
		}
		if done, err = c.desk.Received(ctx); err != nil {
			return n, err
		}
		if done == 0 {
			continue // the program starts
		}
		if began.IsZero() {
			began = time.Now()
		}
		n.at, n.done = append(n.at, time.Since(began)), append(n.done, done)
		s.progress("night", done, sms)
	}
	_, n.peak, err = resident(child)
	return n, err
}

// reached is when so many messages were at the centre.
func (n course) reached(messages float64) time.Duration {
	for i, done := range n.done {
		if i == 0 || float64(done) < messages {
			continue
		}
		share := (messages - float64(n.done[i-1])) / float64(max(done-n.done[i-1], 1))
		return n.at[i-1] + time.Duration(max(share, 0)*float64(n.at[i]-n.at[i-1]))
	}
	return n.at[len(n.at)-1]
}

// perMessage is what a message cost between two shares of the night.
func (n course) perMessage(from, to float64) time.Duration {
	all := float64(n.done[len(n.done)-1])
	first := float64(n.done[0]) // before the first look nothing is known
	messages := to*all - max(from*all, first)
	return time.Duration(float64(n.reached(to*all)-n.reached(from*all)) / max(messages, 1))
}

// slowest is the lowest rate over a time, or over all where the night is shorter.
func (n course) slowest(over time.Duration) float64 {
	last := len(n.at) - 1
	rate := func(i, k int) float64 { return float64(n.done[k]-n.done[i]) / max(n.at[k]-n.at[i], 1).Seconds() }
	lowest, k := rate(0, last), 0
	for i := range n.at {
		for k < last && n.at[k]-n.at[i] < over {
			k++
		}
		if n.at[k]-n.at[i] >= over {
			lowest = min(lowest, rate(i, k))
		}
	}
	return lowest
}

func (n course) rows(sent night, before, after float64) []Row {
	last := len(n.at) - 1
	took, tps := n.at[last], (before+after)/2
	rate := float64(n.done[last]-n.done[0]) / max(took, 1).Seconds()
	first, end := n.perMessage(0, 0.1), n.perMessage(0.9, 1)
	growth, sustained := float64(end)/float64(max(first, 1)), n.slowest(5*time.Minute)/tps
	whole := time.Duration(nationSMS / rate * float64(time.Second))
	rows := []Row{
		{Name: "stations, tallies, SMS", Value: fmt.Sprintf("%d, %d, %d (%d with a mistake, %d sent again)", sent.stations, sent.tallies, sent.sms, sent.mistakes, sent.repeats)},
		{"spool to verdicts and replies", fmt.Sprintf("%.1f s = %.0f SMS/s", took.Seconds(), rate), fmt.Sprintf("a nation's in %d min: %s", nationMinutes, whole.Round(time.Second)), whole <= nationMinutes*time.Minute},
		{Name: "pgbench -N -c 16 -j 2, before and after", Value: fmt.Sprintf("%.0f and %.0f tps", before, after)},
		{"ratio to their mean, slowest five minutes", fmt.Sprintf("%.2f", sustained), fmt.Sprintf(">= %.0f", nightTarget), sustained >= nightTarget},
		{"cost of a message, first and last tenth", fmt.Sprintf("%d and %d µs, %.2f times", first.Microseconds(), end.Microseconds(), growth), fmt.Sprintf("<= %.1f", growthTarget), growth <= growthTarget},
		{"resident at the peak", mebibytes(n.peak), "<= " + mebibytes(nightMemory), n.peak <= nightMemory},
	}
	for i := range 10 {
		rows = append(rows, Row{Name: fmt.Sprintf("  tenth %d", i+1), Value: fmt.Sprintf("%d µs a message", n.perMessage(float64(i)/10, float64(i+1)/10).Microseconds())})
	}
	return rows
}

// checkNight makes sure that every tally stands, and every SMS has an answer.
func (c *centre) checkNight(ctx context.Context, sent night) error {
	o, err := c.desk.OverviewAnew(ctx, c.profile.ID)
	if err != nil {
		return err
	}
	accepted, decided, replies, standing := 0, 0, 0, 0
	for _, v := range o.Verdicts {
		decided += v.Messages
		if v.Outcome == verify.OutcomeAccepted {
			accepted = v.Messages
		}
	}
	for _, r := range o.Outbox {
		replies += r.Replies
	}
	for _, e := range o.Entries {
		standing += e.Entries
	}
	if decided != sent.sms || replies != sent.sms || accepted != sent.tallies || standing != sent.tallies {
		return fmt.Errorf("of %d SMS with %d tallies %d were decided, %d answered, %d accepted, and %d entries are there",
			sent.sms, sent.tallies, decided, replies, accepted, standing)
	}
	return nil
}

func (c *centre) spoolPath() string { return filepath.Join(c.dir, "gateway", "spool", "spool.db") }
