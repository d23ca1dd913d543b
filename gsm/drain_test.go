package gsm

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"tali/gsm/modemsim"
)

// commands counts the commands that a modem was given.
type commands struct {
	mu sync.Mutex
	of map[string]int
}

var slotCommand = regexp.MustCompile(`AT\+(CMG[RD]=\d+|CMGL=4)`)

func (c *commands) log(t modemsim.Trace) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, found := range slotCommand.FindAllStringSubmatch(t.Bytes, -1) {
		if t.Input {
			c.of[found[1]]++
		}
	}
}

func (c *commands) given(command string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[command]
}

// TestMuchWaits: what waits in a large store is read once and deleted once, in order, and nothing before it is kept.
func TestMuchWaits(t *testing.T) {
	t.Parallel()
	for name, baud := range map[string]int{"fast": 0, "9600": 9600} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 120
			asked := &commands{of: make(map[string]int)}
			b := newBench(t, modemsim.Options{Slots: n + 20, Log: asked.log}, Settings{Baud: baud, SweepInterval: time.Hour})
			b.modem.limits.fresh = time.Hour // however slow this machine is
			b.submit(n)
			b.until("all stored", func() bool { return b.sim.Stored() == n })
			b.start()
			b.until("drained", b.drained)
			b.check()
			for slot := 1; slot <= n; slot++ {
				if r, d := asked.given(fmt.Sprint("CMGR=", slot)), asked.given(fmt.Sprint("CMGD=", slot)); r != 1 || d != 1 {
					t.Errorf("slot %d was read %d times and deleted %d times, want once", slot, r, d)
				}
			}
			b.until("listed in the end", func() bool { return asked.given("CMGL=4") > 0 })
			for i, r := range b.keeper.all() {
				if r.Slot != i+1 || r.Store != "SM" {
					t.Fatalf("row %d is of slot %s %d", i, r.Store, r.Slot)
				}
			}
		})
	}
}

// TestReadAheadOfTheKeeper: while the keeper has a group the next one is read, and none is deleted.
func TestReadAheadOfTheKeeper(t *testing.T) {
	t.Parallel()
	asked := &commands{of: make(map[string]int)}
	b := newBench(t, modemsim.Options{Slots: 100, Log: asked.log}, Settings{SweepInterval: time.Hour})
	b.modem.limits.fresh = time.Hour
	group := b.modem.groupSize()
	if group < 2 || group > 40 {
		t.Fatalf("a group of %d slots at 115200 baud", group)
	}
	free := make(chan struct{})
	keep := b.modem.keep
	b.modem.keep = func(ctx context.Context, rows []Stored) error {
		select {
		case <-free:
		case <-ctx.Done():
		}
		return keep(ctx, rows)
	}
	b.submit(100)
	b.until("all stored", func() bool { return b.sim.Stored() == 100 })
	b.start()
	b.until("read ahead", func() bool { return asked.given(fmt.Sprint("CMGR=", 2*group)) == 1 })
	if n := b.sim.Stored(); n != 100 {
		t.Errorf("%d messages on the SIM before anything is kept, want 100", n)
	}
	close(free)
	b.until("drained", b.drained)
	b.check()
}

// TestKeeperFailsMidway: a group that is not kept stays, and so does all behind it, until the keeper takes it.
func TestKeeperFailsMidway(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{Slots: 100}, Settings{SweepInterval: time.Hour})
	calls := 0
	keep := b.modem.keep
	b.modem.keep = func(ctx context.Context, rows []Stored) error {
		if calls++; calls == 2 {
			return errors.New("spool is full")
		}
		return keep(ctx, rows)
	}
	b.submit(100)
	b.until("all stored", func() bool { return b.sim.Stored() == 100 })
	b.start()
	b.until("drained", b.drained)
	b.check()
	if s := b.modem.Status(); s.KeepFailures != 1 || s.Reconnects != 0 {
		t.Errorf("Status = %+v, want one failure of the keeper on one connection", s)
	}
}

// TestMuchWaitsWithFaults drains a large store of a modem that makes every mistake with its slots.
func TestMuchWaitsWithFaults(t *testing.T) {
	t.Parallel()
	const some = 0.04
	plan := modemsim.Plan{
		{Kind: modemsim.DeleteFails, P: some}, {Kind: modemsim.DeleteKeeps, P: some}, {Kind: modemsim.DeleteDenied, P: some},
		{Kind: modemsim.CommandError, Command: "+CMGR", Code: 314, P: some}, {Kind: modemsim.Interleave, P: some},
		{Kind: modemsim.CutHex, Command: "+CMGR", P: some}, {Kind: modemsim.BadLength, Command: "+CMGR", P: some},
		{Kind: modemsim.SlotReused, Command: "+CMGD", Delay: 150 * time.Millisecond, P: some}, // fresh until then
		{Kind: modemsim.HangUp, Command: "+CMGR", Delay: 50 * time.Millisecond, Limit: 2, P: some},
		{Kind: modemsim.LateReply, Command: "+CMGR", Delay: 400 * time.Millisecond, Limit: 2, P: some},
		{Kind: modemsim.SoftReset, Command: "+CMGR", Limit: 3, P: some},
	}
	b := newBench(t, modemsim.Options{Slots: 150, Faults: plan}, Settings{Baud: 9600})
	b.submit(150)
	b.until("all stored", func() bool { return b.sim.Stored() == 150 })
	b.start()
	b.untilIn(30*time.Second, "drained", b.drained)
	b.check()
	if len(b.sim.Faults()) < 6 {
		t.Errorf("faults %v: too few to show anything", b.sim.Faults())
	}
}
