package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"tali/cmd/tali/gateway"
	"tali/db/spool"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/verify"
)

const (
	latencyTarget = 50 * time.Millisecond
	perSecond     = 10
)

// Latency measures from the last octet of +CMTI to the first octet of the
// reply's AT+CMGS, at 10 SMS a second on one virtual modem without pacing; and to
// the committed row at the centre, with +CMTI and without.
func Latency(ctx context.Context, s Settings) (rows []Row, err error) {
	c, err := newCentre(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	n := perSecond*s.Seconds + 1
	registry, err := c.enrol(ctx, s, 2*n+silentEach*s.Seconds)
	if err != nil {
		return nil, err
	}
	all := registry.Officers
	registry.Officers = all[:n]
	if rows, err = c.replyLatency(ctx, s, registry); err != nil {
		return nil, err
	}
	more, err := c.rowLatency(ctx, s, all[n:2*n], all[2*n:])
	return append(rows, more...), err
}

// replyLatency measures to the reply.
func (c *centre) replyLatency(ctx context.Context, s Settings, registry *verify.Registry) (rows []Row, err error) {
	network := modemsim.NewNetwork(1)
	defer func() { err = errors.Join(err, network.Close()) }()
	m, err := network.AddModem(modemsim.Options{Number: benchModem(), Dir: c.dir, Slots: 30})
	if err != nil {
		return nil, err
	}
	stop, err := c.runGateway(ctx, gsm.Settings{Name: "bench", Device: m.Device(), Number: benchModem(), SweepInterval: 30 * time.Second})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return c.measureLatency(ctx, s, network, registry)
}

// runGateway starts a gateway with one modem and returns how to end it.
func (c *centre) runGateway(ctx context.Context, modem gsm.Settings) (stop func() error, err error) {
	quiet := slog.New(slog.DiscardHandler)
	journal, err := spool.Open(ctx, filepath.Join(c.dir, "spool-"+modem.Name, "spool.db"), quiet)
	if err != nil {
		return nil, err
	}
	g := gateway.New(gateway.Settings{
		Name: modem.Name, Version: "bench", Modems: []gsm.Settings{modem}, InterimAfter: time.Hour, PartsWindow: time.Hour,
		Reply: gateway.ReplySettings{Lease: time.Minute, PerNumberHour: 1000},
	}, gateway.Parts{Spool: journal, Centre: c.gateway, Profile: c.profile, Log: quiet})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	return func() error {
		cancel()
		return errors.Join(<-done, journal.Close())
	}, nil
}

// answers collects when the reply to each phone began to leave.
type answers struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (a *answers) note(r modemsim.Received) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.at[r.To]; !ok {
		a.at[r.To] = r.Commanded
	}
}

func (a *answers) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.at)
}

func (c *centre) measureLatency(ctx context.Context, s Settings, network *modemsim.Network, registry *verify.Registry) ([]Row, error) {
	got := &answers{at: make(map[string]time.Time)}
	network.OnReceive(got.note)
	random := rand.New(rand.NewPCG(3, 4))
	sent := make(map[string]modemsim.ID)
	// The first SMS finds cold caches and unprepared statements: it is not counted.
	if err := c.text(network, registry.Officers[0], random, nil); err != nil {
		return nil, err
	}
	if err := waitFor(ctx, func() bool { return got.count() == 1 }); err != nil {
		return nil, err
	}
	ticker := time.NewTicker(time.Second / perSecond)
	defer ticker.Stop()
	for i, o := range registry.Officers[1:] {
		if err := c.text(network, o, random, sent); err != nil {
			return nil, err
		}
		s.progress("latency", i+1, len(registry.Officers)-1)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
	if err := waitFor(ctx, func() bool { return got.count() == len(registry.Officers) }); err != nil {
		return nil, fmt.Errorf("%d of %d answered: %w", got.count(), len(registry.Officers), err)
	}
	return latencyRows(network, sent, got), nil
}

func (c *centre) text(network *modemsim.Network, o verify.Officer, random *rand.Rand, sent map[string]modemsim.ID) error {
	text, err := rightText(c.profile, o.Stations[0], random)
	if err != nil {
		return err
	}
	ids, err := network.Submit(modemsim.SMS{From: o.Phone, To: benchModem(), Text: text})
	if err == nil && sent != nil {
		sent[o.Phone] = ids[0]
	}
	return err
}

func latencyRows(network *modemsim.Network, sent map[string]modemsim.ID, got *answers) []Row {
	var took []time.Duration
	for phone, id := range sent {
		d, _ := network.Delivery(id)
		took = append(took, got.at[phone].Sub(d.Indicated))
	}
	slices.Sort(took)
	at := func(permille int) time.Duration { return took[(len(took)-1)*permille/1000] }
	p99 := at(990)
	return []Row{
		{Name: "answered", Value: fmt.Sprintf("%d SMS at %d/s", len(took), perSecond)},
		{Name: "median", Value: round(at(500))},
		{"p99", round(p99), "<= " + latencyTarget.String(), p99 <= latencyTarget},
		{Name: "longest", Value: round(took[len(took)-1])},
	}
}

func round(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }

const waitLimit = 30 * time.Second

// waitFor looks until it is so.
func waitFor(ctx context.Context, so func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, waitLimit)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}
