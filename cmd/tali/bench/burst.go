package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"time"

	"tali/cmd/tali/gateway"
	"tali/db/spool"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/verify"
)

const (
	burstSMS    = 1000
	burstBaud   = 115200
	burstRatio  = 5.0 // times as fast as the peer
	burstBusy   = 0.9 // of the line's time
	bitsPerByte = 10  // 8N1
)

// Burst measures how long SMS that wait on one modem take until they are
// committed at the centre and gone from the modem: on a line as fast as it goes,
// beside gammu-smsd with its PostgreSQL backend where that is installed, and on
// a line of 115200 baud.
func Burst(ctx context.Context, s Settings) (rows []Row, err error) {
	c, err := newCentre(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	n := min(burstSMS, s.Messages)
	registry, err := c.enrol(ctx, s, n)
	if err != nil {
		return nil, err
	}
	fast, err := c.burst(ctx, registry, 0)
	if err != nil {
		return nil, err
	}
	rows = append(rows, Row{Name: "unpaced line", Value: fmt.Sprintf("%d in %.2f s = %.0f/s", n, fast.took.Seconds(), fast.rate())})
	peer, err := c.gammuBurst(ctx, registry)
	switch {
	case errors.Is(err, errNoGammu):
		rows = append(rows, Row{Name: "gammu-smsd", Value: "skipped: " + err.Error()})
	case err != nil:
		return nil, err
	default:
		ratio := peer.Seconds() / fast.took.Seconds()
		rows = append(rows,
			Row{Name: "gammu-smsd into PostgreSQL", Value: fmt.Sprintf("%d in %.2f s = %.0f/s", n, peer.Seconds(), float64(n)/peer.Seconds())},
			Row{"times as fast", fmt.Sprintf("%.1f", ratio), fmt.Sprintf(">= %.0f", burstRatio), ratio >= burstRatio})
	}
	paced, err := c.burst(ctx, registry, burstBaud)
	if err != nil {
		return nil, err
	}
	busy := paced.line.Seconds() / paced.took.Seconds()
	return append(rows,
		Row{Name: fmt.Sprintf("%d baud", burstBaud), Value: fmt.Sprintf("%d in %.2f s = %.0f/s", n, paced.took.Seconds(), paced.rate())},
		Row{"line busy", fmt.Sprintf("%.1f %%", 100*busy), fmt.Sprintf(">= %.0f %%", 100*burstBusy), busy >= burstBusy}), nil
}

// burstRun is one drained modem.
type burstRun struct {
	messages int
	took     time.Duration
	line     time.Duration // that the octets alone need
}

func (b burstRun) rate() float64 { return float64(b.messages) / b.took.Seconds() }

// waitingModem is a modem on a network of its own on which every officer's
// tally waits already. What passes its line is counted in octets.
func (c *centre) waitingModem(registry *verify.Registry, baud int, octets *atomic.Int64) (*modemsim.Network, *modemsim.Modem, error) {
	network := modemsim.NewNetwork(3)
	m, err := network.AddModem(modemsim.Options{
		Number: benchModem(), Dir: c.dir, Slots: len(registry.Officers), Baud: baud,
		Log: func(t modemsim.Trace) { octets.Add(int64(len(t.Bytes))) },
	})
	if err != nil {
		return nil, nil, errors.Join(err, network.Close())
	}
	random := rand.New(rand.NewPCG(7, uint64(baud)))
	for _, o := range registry.Officers {
		text, err := rightText(c.profile, o.Stations[0], random)
		if err == nil {
			_, err = network.Submit(modemsim.SMS{From: o.Phone, To: benchModem(), Text: text})
		}
		if err != nil {
			return nil, nil, errors.Join(err, network.Close())
		}
	}
	return network, m, nil
}

// burst runs a gateway on a fresh spool until the modem is empty and the spool
// has handed everything over.
func (c *centre) burst(ctx context.Context, registry *verify.Registry, baud int) (run burstRun, err error) {
	var octets atomic.Int64
	network, m, err := c.waitingModem(registry, baud, &octets)
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, network.Close()) }()
	if err := waitFor(ctx, func() bool { return m.Stored() == len(registry.Officers) }); err != nil {
		return run, err
	}
	journal, err := spool.Open(ctx, filepath.Join(c.dir, fmt.Sprintf("burst-%d", baud), "spool.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	// Replies stay in the outbox: the line is measured, not the sending.
	g := gateway.New(gateway.Settings{
		Name: fmt.Sprintf("burst-%d", baud), Version: "bench", InterimAfter: time.Hour, PartsWindow: time.Hour,
		Modems: []gsm.Settings{{Name: "bench", Device: m.Device(), SweepInterval: time.Second}},
		Reply:  gateway.ReplySettings{Pace: time.Hour, Lease: time.Minute, PerNumberHour: 1000},
	}, gateway.Parts{Spool: journal, Centre: c.gateway, Profile: c.profile, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	begun := time.Now()
	go func() { done <- g.Run(ctx) }()
	err = waitLong(ctx, func() bool {
		if m.Stored() > 0 {
			return false
		}
		waiting, _, err := journal.Undelivered(ctx)
		return err == nil && waiting == 0
	})
	run = burstRun{len(registry.Officers), time.Since(begun), time.Duration(0)}
	if baud > 0 {
		run.line = time.Duration(octets.Load()) * bitsPerByte * time.Second / time.Duration(baud)
	}
	cancel()
	return run, errors.Join(err, <-done)
}

// waitLong is waitFor for what a slow peer may take.
func waitLong(ctx context.Context, so func() bool) error {
	for deadline := time.Now().Add(5 * time.Minute); ; {
		err := waitFor(ctx, so)
		if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
	}
}
