package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"time"

	"tali/cmd/tali/gateway"
	"tali/cmd/tali/officers"
	"tali/db/spool"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/parser"
	"tali/verify"
)

const (
	benchIMSI    = "510990000000001"
	intakeTarget = 3.0 // times pgbench
)

// benchModem is the number of the one modem of a measurement.
func benchModem() string { return officers.ModemNumber(0) }

// Intake measures right tallies of distinct stations from the spool to committed
// message, verdict, entry, standing and queued reply, between two runs of
// pgbench on the same server.
func Intake(ctx context.Context, s Settings) (rows []Row, err error) {
	c, err := newCentre(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	registry, err := c.enrol(ctx, s, s.Messages)
	if err != nil {
		return nil, err
	}
	journal, err := spool.Open(ctx, filepath.Join(c.dir, "spool", "spool.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	if err := c.fetchRegistry(ctx, journal); err != nil {
		return nil, err
	}
	if err := c.spoolTallies(ctx, s, journal, registry); err != nil {
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
	counted, took, err := c.drain(ctx, s, journal)
	if err != nil {
		return nil, err
	}
	after, err := y.TPS(ctx, s.Seconds)
	if err != nil {
		return nil, err
	}
	if err := c.checkIntake(ctx, s.Messages); err != nil {
		return nil, err
	}
	rate, tps := float64(counted)/took.Seconds(), (before+after)/2
	return []Row{
		{Name: "messages decided and committed", Value: fmt.Sprintf("%d in %.2f s = %.0f/s", counted, took.Seconds(), rate)},
		{Name: "pgbench -N -c 16 -j 2, before and after", Value: fmt.Sprintf("%.0f and %.0f tps", before, after)},
		{"ratio to the mean of pgbench", fmt.Sprintf("%.2f", rate/tps), fmt.Sprintf(">= %.0f", intakeTarget), rate/tps >= intakeTarget},
	}, nil
}

// fetchRegistry runs a gateway until it holds a snapshot: the registry of this
// measurement is that of many regencies, and none of what is measured.
func (c *centre) fetchRegistry(ctx context.Context, journal *spool.Spool) error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	g := c.newGateway(journal)
	go func() { done <- g.Run(ctx) }()
	err := waitFor(ctx, func() bool {
		_, _, err := journal.Snapshot(ctx)
		return err == nil
	})
	cancel()
	return errors.Join(err, <-done)
}

// newGateway is one without modems.
func (c *centre) newGateway(journal *spool.Spool) *gateway.Gateway {
	return gateway.New(gateway.Settings{Name: "bench", Version: "bench", InterimAfter: time.Hour, PartsWindow: time.Hour},
		gateway.Parts{Spool: journal, Centre: c.gateway, Profile: c.profile, Log: slog.New(slog.DiscardHandler)})
}

// spoolTallies fills the spool with one right tally of each officer, as the
// gateway would keep them: real SMS-DELIVER PDUs.
func (c *centre) spoolTallies(ctx context.Context, s Settings, journal *spool.Spool, registry *verify.Registry) error {
	random := rand.New(rand.NewPCG(1, 2))
	var batch []gsm.Stored
	keeper := c.newGateway(journal)
	for i, o := range registry.Officers {
		text, err := rightText(c.profile, o.Stations[0], random)
		if err != nil {
			return err
		}
		pdus, err := modemsim.SMS{From: o.Phone, To: benchModem(), Text: text, At: time.Now()}.PDUs()
		if err != nil {
			return err
		}
		batch = append(batch, gsm.Stored{Modem: "bench", IMSI: benchIMSI, Store: "SM", PDU: pdus[0], ReadAt: time.Now()})
		if len(batch) == 1000 || i == len(registry.Officers)-1 {
			if err := keeper.Keep(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
			s.progress("spool", i+1, len(registry.Officers))
		}
	}
	return nil
}

// rightText is a right tally of the profile's last ballot.
func rightText(p *parser.Profile, station verify.Station, random *rand.Rand) (string, error) {
	b := p.Ballots[len(p.Ballots)-1]
	return parser.Render(b, parser.TPSCode(station.TPS), officers.NewForm(b, station.Voters, random))
}

// warmUp is the share of the messages that is not counted: caches are cold
// then, and statements unprepared.
const warmUp = 0.1

// drain runs a gateway without modems until nothing waits in the spool. It
// returns how many messages it counted and how long they took.
func (c *centre) drain(ctx context.Context, s Settings, journal *spool.Spool) (int, time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	g := c.newGateway(journal)
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	left, err := untilLeft(ctx, s, journal, int(float64(s.Messages)*(1-warmUp)))
	began := time.Now()
	if err == nil {
		_, err = untilLeft(ctx, s, journal, 0)
	}
	took := time.Since(began)
	cancel()
	return left, took, errors.Join(err, <-done)
}

// untilLeft waits until no more than so many messages wait, and says how many do.
func untilLeft(ctx context.Context, s Settings, journal *spool.Spool, most int) (int, error) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		first, err := journal.Waiting(ctx, 0, 1) // counting would cost as much as the intake
		if err != nil || len(first) == 0 {
			return 0, err
		}
		left := s.Messages - int(first[0].Seq) + 1
		s.progress("intake", s.Messages-left, s.Messages)
		if left <= most {
			return left, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-ticker.C:
		}
	}
}

// checkIntake makes sure that the speed was not bought with missing rows.
func (c *centre) checkIntake(ctx context.Context, want int) error {
	o, err := c.desk.OverviewAnew(ctx, c.profile.ID)
	if err != nil {
		return err
	}
	accepted, replies := 0, 0
	for _, v := range o.Verdicts {
		if v.Outcome == verify.OutcomeAccepted {
			accepted = v.Messages
		}
	}
	for _, r := range o.Outbox {
		replies += r.Replies
	}
	if accepted != want || replies != want {
		return fmt.Errorf("of %d tallies %d were accepted and %d replies queued", want, accepted, replies)
	}
	return nil
}
