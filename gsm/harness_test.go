package gsm

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"tali/gsm/modemsim"
)

var (
	verbose = flag.Bool("traffic", false, "print the traffic with the virtual modems")
	seed    = flag.Uint64("seed", 1, "of the faults that virtual modems inject")
)

// TestMain lets more tests wait at once than there are processors: modems spend their time waiting.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(m.Run())
}

const (
	ownNumber   = "+62899000100"
	otherNumber = "+62899000101"
)

// bench is a virtual network with one modem and its owner.
type bench struct {
	t      *testing.T
	net    *modemsim.Network
	sim    *modemsim.Modem
	other  *modemsim.Modem // may be nil
	modem  *Modem
	keeper *keeper
	stop   func()
	sent   int
}

// keeper is a spool in memory that knows when it took each PDU.
type keeper struct {
	mu    sync.Mutex
	fail  int // calls to refuse
	rows  []Stored
	first map[string]time.Time // by PDU
	calls int
}

func (k *keeper) keep(_ context.Context, rows []Stored) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	if k.fail > 0 {
		k.fail--
		return errors.New("spool is full")
	}
	for _, r := range rows {
		if _, ok := k.first[r.PDU]; !ok {
			k.first[r.PDU] = time.Now()
		}
	}
	k.rows = append(k.rows, rows...)
	return nil
}

func (k *keeper) has(pdu string) bool { return !k.at(pdu).IsZero() }

func (k *keeper) at(pdu string) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.first[pdu]
}

func (k *keeper) all() []Stored {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.rows)
}

// fast makes the waits of a patient owner bearable for a test.
func fast() limits {
	return limits{probe: 150 * time.Millisecond, quiet: 20 * time.Millisecond, short: 300 * time.Millisecond,
		del: 300 * time.Millisecond, set: 300 * time.Millisecond, list: 600 * time.Millisecond,
		send: 600 * time.Millisecond, prompt: 250 * time.Millisecond, ussd: 500 * time.Millisecond, fresh: 150 * time.Millisecond, backoff: time.Second}
}

// newBench makes network, modem and owner; start runs the owner.
func newBench(t *testing.T, o modemsim.Options, s Settings) *bench {
	t.Helper()
	b := &bench{t: t, net: modemsim.NewNetwork(*seed), keeper: &keeper{first: map[string]time.Time{}}}
	t.Cleanup(func() { b.net.Close() })
	o.Number = ownNumber
	o.Dir = t.TempDir()
	o.RetryDelay = 50 * time.Millisecond
	var err error
	if b.sim, err = b.net.AddModem(o); err != nil {
		t.Fatal(err)
	}
	s.Name, s.Device = "m1", b.sim.Device()
	if s.SweepInterval == 0 {
		s.SweepInterval = 200 * time.Millisecond
	}
	b.modem = New(s, b.keeper.keep, testLog(t))
	b.modem.limits = fast()
	return b
}

func testLog(t *testing.T) *slog.Logger {
	if *verbose {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("test", t.Name())
	}
	return slog.New(slog.NewTextHandler(io.Discard, nil))
}

func (b *bench) start() *bench {
	b.stop = run(b.t, b.modem)
	return b
}

// run runs an owner until the test ends, or until it is stopped.
func run(t *testing.T, m *Modem) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run = %v, want nil", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("Run did not end with its context")
		}
	})
	t.Cleanup(stop)
	return stop
}

func (b *bench) ready() *bench {
	b.t.Helper()
	b.until("modem ready", b.modem.Ready)
	return b
}

// until polls a condition that something else makes true.
func (b *bench) until(what string, ok func() bool) {
	b.t.Helper()
	b.untilIn(10*time.Second, what, ok)
}

func (b *bench) untilIn(limit time.Duration, what string, ok func() bool) {
	b.t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			b.check() // a loss is the first thing to know
			b.t.Fatalf("not within %v: %s\nstatus %+v\nfaults %v", limit, what, b.modem.Status(), b.sim.Faults())
		}
	}
}

// submit sends n numbered messages from an officer.
func (b *bench) submit(n int) {
	b.t.Helper()
	for range n {
		b.sent++
		s := modemsim.SMS{From: "+628990000001", To: ownNumber, Text: fmt.Sprintf("TPS %d 7 8 9", b.sent)}
		if _, err := b.net.Submit(s); err != nil {
			b.t.Fatal(err)
		}
	}
}

// drained reports that everything was stored, kept and deleted.
func (b *bench) drained() bool {
	if b.sim.Stored() > 0 || b.net.Pending(ownNumber) > 0 {
		return false
	}
	if b.other != nil && (b.other.Stored() > 0 || b.net.Pending(otherNumber) > 0) {
		return false
	}
	gone := b.gone()
	for _, d := range b.net.Deliveries() {
		if !gone[d.ID] && !b.keeper.has(d.PDU) {
			return false
		}
	}
	return true
}

// gone are the messages that no gateway answers for: the network lost them, or replaced them itself.
func (b *bench) gone() map[modemsim.ID]bool {
	out := map[modemsim.ID]bool{}
	for _, e := range b.net.Log() {
		if e.Kind == modemsim.Lost || e.Kind == modemsim.Replaced {
			out[e.ID] = true
		}
	}
	return out
}

// check holds the network's log against what was kept: no message may have left its slot before it was safe, and
// nothing may have been kept that was never sent.
func (b *bench) check() {
	b.t.Helper()
	sent, gone := map[string]bool{}, b.gone()
	for _, d := range b.net.Deliveries() {
		sent[d.PDU] = true
		kept := b.keeper.at(d.PDU)
		if gone[d.ID] {
			continue
		}
		if !d.Acknowledged.IsZero() && kept.IsZero() {
			b.t.Errorf("message %d was acknowledged to the network and never kept", d.ID)
		}
		if !d.Deleted.IsZero() && (kept.IsZero() || d.Deleted.Before(kept)) {
			b.t.Errorf("message %d was deleted at %v, kept at %v", d.ID, d.Deleted, kept)
		}
	}
	for _, r := range b.keeper.all() {
		if !sent[r.PDU] {
			b.t.Errorf("kept %+v, which nobody sent", r)
		}
		if r.Modem == "" || r.IMSI == "" || r.ReadAt.IsZero() {
			b.t.Errorf("kept %+v, want modem, IMSI and time", r)
		}
	}
}
