package gsm

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"tali/gsm/modemsim"
)

// quick makes a ladder that is climbed within a test.
func quick(b *bench) *bench {
	b.modem.limits.backoff = 5 * time.Millisecond
	b.modem.limits.probe = 50 * time.Millisecond
	return b
}

// TestLadder leads a modem up until it works: by itself, after a restart, after a reset of its port.
func TestLadder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		rule modemsim.Rule
		want Step
	}{
		{"restart", modemsim.Rule{Kind: modemsim.Wedged, Command: "+CPMS", Nth: 3}, StepRestart},
		{"port reset", modemsim.Rule{Kind: modemsim.TotalSilence, Command: "+CMGL", Nth: 1}, StepReset},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var resets atomic.Int32
			var b *bench
			set := Settings{SweepInterval: 50 * time.Millisecond, ResetPort: func(context.Context, string) error {
				resets.Add(1)
				b.sim.Unplug()
				return b.sim.Replug()
			}}
			b = quick(newBench(t, modemsim.Options{Faults: modemsim.Plan{c.rule}}, set))
			b.submit(3)
			b.start()
			b.untilIn(20*time.Second, "drained after "+c.name, b.drained)
			b.until("the ladder left", func() bool { return b.modem.Health().Recovering == "" })
			b.check()
			if h := b.modem.Health(); h.Recoveries[c.want] != 1 || c.want == StepRestart && resets.Load() != 0 {
				t.Errorf("Recoveries = %v, %d resets, want one %s", h.Recoveries, resets.Load(), c.want)
			}
		})
	}
}

// TestLadderEnds in an alarm, and the owner goes on trying.
func TestLadderEnds(t *testing.T) {
	t.Parallel()
	b := quick(newBench(t, modemsim.Options{Faults: modemsim.Plan{{Kind: modemsim.TotalSilence}}}, Settings{}))
	b.start()
	b.untilIn(20*time.Second, "alarm", func() bool { return b.modem.Health().Recoveries[StepAlarm] == 1 })
	if h := b.modem.Health(); h.Recovering != StepAlarm || h.Trouble != TroubleSilent {
		t.Errorf("Health = %+v, want a silent modem on the last step", h)
	}
}

// TestStuckSlots: a message that cannot be deleted is kept once, tried seldom and told, and the others go on.
func TestStuckSlots(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	stuck, good := encode(t, "TPS 1 7 8 9")[0], encode(t, "TPS 2 7 8 9")[0]
	p.put(1, stuck)
	p.script["+CMGD=1"] = func() string { return "+CMS ERROR: 500\r\n" }
	k := &keeper{first: map[string]time.Time{}}
	m := p.own(k.keep, nil)
	p.until("told", func() bool { return m.Health().Trouble == TroubleStuckSlots && m.Health().StuckSlots == 1 })
	tried := p.count("+CMGD=1")
	p.put(2, good)
	p.until("the other one kept and freed", func() bool { return k.has(good) && len(p.stored()) == 1 })
	if now := p.count("+CMGD=1"); tried < alarmAfter || now > tried+1 {
		t.Errorf("%d deletes before the alarm, %d soon after, want no more", tried, now-tried)
	}
	p.put(1, "") // somebody took it out
	p.until("well again", func() bool { return m.Health().Trouble == TroubleNone && m.Health().StuckSlots == 0 })
}

// TestAcknowledgesAfterKeeping: a modem that knows phase 2+ only is told by AT+CNMA, and only once the keeper has it.
func TestAcknowledgesAfterKeeping(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{OnlyCSMS1: true, AckTimeout: 2 * time.Second}, Settings{}).start().ready()
	b.keeper.mu.Lock()
	b.keeper.fail = 1
	b.keeper.mu.Unlock()
	for range 3 {
		if _, err := b.net.Submit(modemsim.SMS{From: phone, To: ownNumber, Text: "FLASH", Class0: true}); err != nil {
			t.Fatal(err)
		}
	}
	b.until("all kept and acknowledged", b.drained)
	b.check()
	for _, d := range b.net.Deliveries() {
		if d.Acknowledged.Before(b.keeper.at(d.PDU)) {
			t.Errorf("message %d acknowledged at %v, kept at %v", d.ID, d.Acknowledged, b.keeper.at(d.PDU))
		}
	}
}

// TestStatusReports asks for reports and keeps what comes.
func TestStatusReports(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{Reports: true}).start().ready()
	sent, err := b.modem.Send(t.Context(), phone, "HALO")
	if err != nil {
		t.Fatal(err)
	}
	b.until("report kept and counted", func() bool { return b.drained() && b.modem.Health().Reports == 1 })
	rows := b.keeper.all()
	d, err := Decode(rows[0].PDU)
	if err != nil || d.Report == nil || d.Report.Reference != sent.Reference || !d.Report.Delivered() || d.Report.Pending() || d.Sender != phone {
		t.Errorf("report %+v of %+v, %v", d, sent, err)
	}
}

func TestUSBNode(t *testing.T) {
	t.Parallel()
	sys, dev := t.TempDir(), t.TempDir()
	port := filepath.Join(sys, "devices/usb1/1-2/1-2:1.0/ttyUSB3")
	for _, dir := range []string{port, filepath.Join(sys, "class/tty/ttyUSB3")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"busnum": "1\n", "devnum": "7\n"} {
		if err := os.WriteFile(filepath.Join(sys, "devices/usb1/1-2", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dev, "ttyUSB3"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		filepath.Join(sys, "class/tty/ttyUSB3/device"): port,
		filepath.Join(dev, "by-id"):                    filepath.Join(dev, "ttyUSB3"),
	} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	if node, err := usbNode(sys, filepath.Join(dev, "by-id")); err != nil || node != "/dev/bus/usb/001/007" {
		t.Errorf("usbNode = %q, %v", node, err)
	}
	if node, err := usbNode(sys, "/dev/null"); err == nil {
		t.Errorf("usbNode of /dev/null = %q, want an error", node)
	}
	if err := ResetUSB(t.Context(), "/dev/null"); err == nil {
		t.Error("ResetUSB of /dev/null = nil, want an error")
	}
}
