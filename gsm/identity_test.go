package gsm

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tali/gsm/modemsim"
)

// TestExpectedIdentity: a modem or a SIM that is not the configured one is told, and gets no PIN.
func TestExpectedIdentity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		set  Settings
		want Trouble
	}{
		{"other modem", Settings{IMEI: "860000000000009"}, TroubleWrongModem},
		{"other ICCID", Settings{ICCID: "8962890000000000009", PIN: "9999"}, TroubleWrongSIM},
		{"other IMSI", Settings{IMSI: "510890000000009", PIN: "1234"}, TroubleWrongSIM},
		{"PIN missing", Settings{}, TroublePIN},
		{"PIN wrong", Settings{PIN: "9999"}, TroublePINRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, modemsim.Options{PIN: "1234"}, c.set).start()
			b.until(string(c.want), func() bool { return b.modem.Health().Trouble == c.want })
			if h := b.modem.Health(); h.State != StateSIM || h.Why == "" || h.Recoveries[StepRestart] != 0 {
				t.Errorf("Health = %+v, want a SIM that waits for a person", h)
			}
			b.stop()
			if c.name != "PIN wrong" {
				return
			}
			right := New(Settings{Name: "m2", Device: b.sim.Device(), PIN: "1234"}, b.keeper.keep, testLog(t))
			right.limits = fast()
			b.modem = right
			b.start().ready() // one try only was used up: the SIM still takes its PIN
		})
	}
}

func TestExpectedIdentityIsThere(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{IMEI: "860000000000001", IMSI: "510890000000001", ICCID: "8962890000000000001F"},
		Settings{IMEI: "860000000000001", IMSI: "510890000000001", ICCID: "8962890000000000001"}).start().ready()
	if h := b.modem.Health(); h.Trouble != TroubleNone {
		t.Errorf("Trouble = %s (%s), want none", h.Trouble, h.Why)
	}
}

func TestPUK(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{})
	b.sim.BlockSIM()
	b.start()
	b.until("PUK told", func() bool { return b.modem.Health().Trouble == TroublePUK })
	if b.modem.Health().IMEI == "" {
		t.Error("nobody can tell which modem it is: it has no IMEI")
	}
	if why := b.modem.Health().Why; !strings.Contains(why, "PUK from its card") {
		t.Errorf("Why = %q, want what to do", why)
	}
	b.sim.InsertSIM(modemsim.SIM{IMSI: "510890000000777", ICCID: "8962890000000000777"})
	b.ready()
	if got := b.modem.Health().IMSI; got != "510890000000777" {
		t.Errorf("IMSI = %s, want that of the new SIM", got)
	}
}

// TestSameSIM: of two modems with one SIM the first works and the second says who has it; once the first has gone,
// the second takes over.
func TestSameSIM(t *testing.T) {
	t.Parallel()
	sims := NewSIMs()
	b := newBench(t, modemsim.Options{IMSI: "510890000000001"}, Settings{SIMs: sims}).start().ready()
	twin, err := b.net.AddModem(modemsim.Options{Number: otherNumber, IMSI: "510890000000001", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	m := New(Settings{Name: "m2", Device: twin.Device(), SIMs: sims, SweepInterval: time.Hour}, b.keeper.keep, testLog(t))
	m.limits = fast()
	run(t, m)
	b.until("the twin refused", func() bool { return m.Health().Trouble == TroubleSameSIM })
	if why := m.Health().Why; !strings.Contains(why, "m1") {
		t.Errorf("Why = %q, want the other modem's name", why)
	}
	b.submit(3)
	b.until("the first goes on", b.drained)
	b.stop()
	b.until("the twin takes over", m.Ready)
}

func TestSIMRemoved(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{}).start().ready()
	b.sim.RemoveSIM()
	b.until("no SIM", func() bool { return b.modem.Health().Trouble == TroubleNoSIM && !b.modem.Ready() })
	b.submit(2)
	b.sim.InsertSIM(modemsim.SIM{IMSI: b.modem.Health().IMSI, ICCID: b.modem.Health().ICCID})
	b.until("drained with the SIM back", b.drained)
	b.check()
}

// quickLook is Look for those who wait for it.
func quickLook(t *testing.T, s Settings) Probe {
	m := New(s, nil, testLog(t))
	m.limits = fast()
	return m.probe(t.Context())
}

// TestLook probes what there may be at the end of a path.
func TestLook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		o    modemsim.Options
		do   func(b *bench)
		set  Settings
		want Trouble
	}{
		{name: "a good one", want: TroubleNone},
		{name: "locked", o: modemsim.Options{PIN: "1234"}, want: TroublePIN},
		{name: "blocked", do: func(b *bench) { b.sim.BlockSIM() }, want: TroublePUK},
		{name: "empty", do: func(b *bench) { b.sim.RemoveSIM() }, want: TroubleNoSIM},
		{name: "no service centre", o: modemsim.Options{NoSMSC: true}, want: TroubleNoSMSC},
		{name: "silent", o: modemsim.Options{Faults: modemsim.Plan{{Kind: modemsim.TotalSilence}}}, want: TroubleSilent},
		{name: "full", o: modemsim.Options{Slots: 2}, do: func(b *bench) {
			b.submit(2)
			b.until("full", func() bool { return b.sim.Stored() == 2 })
		}, want: TroubleStoreFull},
		{name: "unplugged", do: func(b *bench) { b.sim.Unplug() }, want: TroubleAbsent},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.o, c.set)
			if c.do != nil {
				c.do(b)
			}
			c.set.Name, c.set.Device = "m1", b.sim.Device()
			before := b.sim.Stored()
			p := quickLook(t, c.set)
			if p.Trouble != c.want || (p.Why == "") != (c.want == TroubleNone) {
				t.Errorf("Look = %s (%s), want %q", p.Trouble, p.Why, c.want)
			}
			if c.want == TroubleNone && (p.Model == "" || p.IMSI == "" || p.SlotsTotal != 30 || !p.Announces || !p.Registered) {
				t.Errorf("Look = %+v", p)
			}
			if b.sim.Stored() != before {
				t.Error("Look deleted messages")
			}
		})
	}
}

// TestLookAtStrangers: devices that are no modem, or at another speed.
func TestLookAtStrangers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says string
		want Trouble
	}{
		"GPS":         {"$GPRMC,120000,A,0050.0,N,12300.0,E*00\r\n", TroubleNoModem},
		"wrong speed": {"\x80\x00\xfe\x98\xe0\x06\xf8\x80\x00\xfe", TroubleGarbled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			master, _, device := openPair(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				for ctx.Err() == nil {
					_, _ = master.WriteString(c.says) // closed at the end
					<-time.After(20 * time.Millisecond)
				}
			}()
			if p := quickLook(t, Settings{Name: "x", Device: device}); p.Trouble != c.want {
				t.Errorf("Look = %s (%s), want %s", p.Trouble, p.Why, c.want)
			}
		})
	}
	if p := quickLook(t, Settings{Name: "x", Device: "/dev/null"}); p.Trouble != TroubleNotSerial {
		t.Errorf("Look at /dev/null = %s (%s)", p.Trouble, p.Why)
	}
}

// TestTroubleNamesHolder: who has the device is told.
func TestTroubleNamesHolder(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{}).start().ready()
	p := Look(t.Context(), Settings{Name: "x", Device: b.sim.Device()}, slog.New(slog.DiscardHandler))
	if p.Trouble != TroubleBusy || !strings.Contains(p.Why, b.sim.Device()) {
		t.Errorf("Look = %s (%s), want busy and the device", p.Trouble, p.Why)
	}
	if names := holders(b.sim.Device(), 0); len(names) != 1 || !strings.Contains(names[0], "process") {
		t.Errorf("holders = %v, want this process", names)
	}
}

// TestSIMBack: what the modem's own SIM brings along, and what arrives for it at once, is read as its own and not as
// that of the SIM before.
func TestSIMBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{IMSI: "510890000000001"}, Settings{SweepInterval: time.Hour})
	b.sim.InsertSIM(modemsim.SIM{IMSI: "510890000000777", ICCID: "8962890000000000777"})
	b.start().ready()
	b.until("the guest served", func() bool { return b.modem.Health().IMSI == "510890000000777" })
	b.submit(3)
	b.sim.InsertSIM(modemsim.SIM{IMSI: "510890000000001"})
	b.until("drained", b.drained)
	b.check()
	for _, r := range b.keeper.all() {
		if r.IMSI != "510890000000001" {
			t.Errorf("row of IMSI %s, want that of the SIM it came to", r.IMSI)
		}
	}
}
