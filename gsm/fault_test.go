package gsm

import (
	"fmt"
	"testing"
	"time"

	"tali/gsm/modemsim"
)

// TestScenarios runs a stream of messages and replies through each fault of the list, and holds the network's log
// against the keepers of two modems.
func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, s := range modemsim.Scenarios() {
		if s.Outside {
			continue
		}
		t.Run(fmt.Sprintf("%02d %s", s.Number, s.Name), func(t *testing.T) {
			t.Parallel()
			s.Options.Slots = 10
			s.Options.Faults = s.Plan
			b := stream(t, s.Options, Settings{SweepInterval: 100 * time.Millisecond, PIN: s.Options.PIN, Reports: s.Number%2 == 0})
			for len(s.Plan) > 0 && b.taken() == 0 { // without a fault the test shows nothing
				b.submit(2)
				_, _ = b.modem.Send(t.Context(), phone, "LAGI")
				b.untilIn(40*time.Second, "drained", b.drained)
			}
			b.check()
		})
	}
}

// TestMixtures combines faults at random.
func TestMixtures(t *testing.T) {
	t.Parallel()
	for round := range uint64(6) {
		t.Run(fmt.Sprint(*seed+round), func(t *testing.T) {
			t.Parallel()
			stream(t, modemsim.Options{Slots: 10, Faults: modemsim.Mix(*seed+round, 10)}, Settings{SweepInterval: 100 * time.Millisecond})
		})
	}
}

// TestStubbornFaults are those that never let go.
func TestStubbornFaults(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	for name, plan := range map[string]modemsim.Plan{
		"all indications dropped": {{Kind: modemsim.DropIndication}},
		"list always refused":     {{Kind: modemsim.CommandError, Command: "+CMGL", Code: 303}},
		"list silent":             {{Kind: modemsim.Silence, Command: "+CMGL", Limit: 3}},
		"list late":               {{Kind: modemsim.LateReply, Command: "+CMGL", Limit: 3, Delay: 700 * ms}},
		"delete late":             {{Kind: modemsim.LateReply, Command: "+CMGD", P: 0.2, Limit: 3, Delay: 400 * ms}},
		"read late":               {{Kind: modemsim.CommandError, Command: "+CMGL", Code: 500}, {Kind: modemsim.LateReply, Command: "+CMGR", P: 0.1, Limit: 3, Delay: 400 * ms}},
		"foreign hex line":        {{Kind: modemsim.Interleave, P: 0.5, Text: "0123456789ABCDEF"}},
		"header always torn off":  {{Kind: modemsim.SplitEntry}},
		"hang-up in list":         {{Kind: modemsim.HangUp, Command: "+CMGL", Limit: 4, Delay: 20 * ms}},
		"hang-up in delete":       {{Kind: modemsim.HangUp, Command: "+CMGD", P: 0.3, Limit: 4, Delay: 20 * ms}},
		"reset before delete":     {{Kind: modemsim.SoftReset, Command: "+CMGD", P: 0.3, Limit: 3}},
		"reset before list":       {{Kind: modemsim.SoftReset, Command: "+CMGL", Limit: 3}},
		"garbage in list":         {{Kind: modemsim.Garbage, Command: "+CMGL", Limit: 6}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stream(t, modemsim.Options{Slots: 10, Faults: plan}, Settings{SweepInterval: 100 * ms})
		})
	}
}

// stream sends single and long messages to a modem beside another one, and replies through it, until everything that
// the network handed over is safe.
func stream(t *testing.T, o modemsim.Options, s Settings) *bench {
	t.Helper()
	b := newBench(t, o, s)
	rounds := 6
	if o.Baud > 0 {
		rounds = 1
		b.modem.limits.list, b.modem.limits.send = 5*time.Second, 5*time.Second // the line alone takes seconds
	}
	b.neighbour()
	b.submit(4)
	b.start()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range 2 * rounds {
			_, _ = b.modem.Send(t.Context(), phone, fmt.Sprintf("BALASAN %d", i)) // refusals are part of the scenario
			<-time.After(20 * time.Millisecond)
		}
	}()
	for i := range rounds {
		b.submit(3)
		b.submitLong(i)
		if o.OnlyCSMS1 { // others may lose a flash message with their line: nobody acknowledges it
			b.submitFlash(i)
		}
		<-time.After(10 * time.Millisecond) // a stream, not a heap
	}
	b.untilIn(40*time.Second, "drained", b.drained)
	<-ended
	b.untilIn(40*time.Second, "drained after the replies", b.drained)
	b.check()
	return b
}

// neighbour adds a modem with an owner and a keeper of the same kind: parts may go astray to it.
func (b *bench) neighbour() {
	b.t.Helper()
	sim, err := b.net.AddModem(modemsim.Options{Number: otherNumber, Dir: b.t.TempDir()})
	if err != nil {
		b.t.Fatal(err)
	}
	m := New(Settings{Name: "m2", Device: sim.Device(), SweepInterval: 100 * time.Millisecond}, b.keeper.keep, testLog(b.t))
	m.limits = fast()
	b.other = sim
	run(b.t, m)
}

// taken counts the faults that have come.
func (b *bench) taken() int {
	n := 0
	for _, times := range b.sim.Faults() {
		n += times
	}
	return n
}

// submitFlash sends a message that no slot ever holds.
func (b *bench) submitFlash(i int) {
	b.t.Helper()
	if _, err := b.net.Submit(modemsim.SMS{From: phone, To: ownNumber, Text: fmt.Sprintf("KILAT %d", i), Class0: true}); err != nil {
		b.t.Fatal(err)
	}
}

// submitLong sends an SMS of three parts whose reference others have, too.
func (b *bench) submitLong(i int) {
	b.t.Helper()
	s := modemsim.SMS{From: fmt.Sprintf("+62899000000%d", i%3), To: ownNumber, Text: fmt.Sprintf("PANJANG %d satu dua tiga empat lima", i),
		ForceParts: 3, Reference: 7, RefWidth: 8 + 8*(i%2)}
	if _, err := b.net.Submit(s); err != nil {
		b.t.Fatal(err)
	}
}
