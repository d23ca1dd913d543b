package gsm

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"tali/gsm/modemsim"
)

func TestReceive(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{SweepInterval: time.Hour})
	b.submit(3) // waiting before we come
	b.start().ready()
	b.until("waiting messages drained", b.drained)
	b.submit(5)
	b.until("announced messages drained", b.drained)
	b.check()
	b.until("the last delete counted", func() bool { return b.modem.Status().Deleted == 8 })
	s := b.modem.Status()
	if s.State != StateReady || s.Kept < 8 || s.Deleted != 8 || s.IMSI == "" || s.IMEI == "" || s.ICCID == "" ||
		s.Registration != RegistrationHome || s.CSQ != 20 || s.Operator != "VIRTUAL" || s.StoreTotal != 30 ||
		s.LastHeard.IsZero() || s.Resyncs != 0 || s.DeleteFailures != 0 {
		t.Errorf("Status = %+v", s)
	}
}

// TestIndicationToKeeper wants the way from +CMTI to the keeper to be as fast as the line.
func TestIndicationToKeeper(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{SweepInterval: time.Hour}).start().ready()
	var took []time.Duration
	for range 20 {
		b.submit(1)
		b.until("drained", b.drained)
	}
	for _, d := range b.net.Deliveries() {
		took = append(took, b.keeper.at(d.PDU).Sub(d.Indicated))
	}
	slices.Sort(took)
	t.Logf("+CMTI to keeper: median %v, worst %v of 20", took[10], took[19])
	if took[10] > 50*time.Millisecond { // the worst is the machine's, which other tests share
		t.Errorf("+CMTI to keeper took %v in the median", took[10])
	}
}

func TestFullStore(t *testing.T) {
	t.Parallel()
	for name, notice := range map[string]string{"announced": `^SMMEMFULL: "SM"`, "silent": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, modemsim.Options{Slots: 5, FullNotice: notice, Faults: modemsim.Plan{{Kind: modemsim.DropIndication}}},
				Settings{SweepInterval: time.Hour}).start().ready()
			b.submit(23)
			b.until("full", func() bool { return b.sim.Stored() == 5 })
			wakeByHand(b)
			b.until("drained", b.drained)
			b.check()
		})
	}
}

func TestMessagesInOtherStore(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{SweepInterval: time.Hour, Store: "ME"}).start().ready()
	b.submit(3)
	b.until("drained from ME", b.drained)
	b.stop()
	for _, r := range b.keeper.all() {
		if r.Store != "ME" {
			t.Errorf("row of store %q, want ME", r.Store)
		}
	}
	// What lies in ME is found by an owner that lives in SM.
	b.submit(3)
	b.until("stored", func() bool { return b.sim.Stored() == 3 })
	other := New(Settings{Name: "m1", Device: b.sim.Device(), Store: "SM", SweepInterval: time.Hour}, b.keeper.keep, testLog(t))
	other.limits = fast()
	b.modem = other
	b.start()
	b.until("drained from ME by an owner of SM", b.drained)
	b.check()
}

func TestKeeperFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{SweepInterval: time.Hour})
	b.keeper.fail = 3
	b.submit(4)
	b.start().ready()
	b.until("a refusal by the keeper", func() bool { return b.modem.Status().KeepFailures >= 2 })
	if n := b.sim.Stored(); n != 4 {
		t.Errorf("%d messages on the SIM while nothing was kept, want 4", n)
	}
	if _, err := b.modem.Send(t.Context(), "+628990000001", "DITERIMA"); err != nil {
		t.Errorf("Send while the keeper fails = %v, want nil", err)
	}
	b.until("drained", b.drained)
	b.check()
	if s := b.modem.Status(); s.KeepFailures != 3 || s.Reconnects != 0 {
		t.Errorf("Status = %+v, want 3 keep failures on one connection", s)
	}
}

// TestClass0 receives flash messages, which no slot ever holds, while listings run.
func TestClass0(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{SweepInterval: 5 * time.Millisecond}).start().ready()
	b.keeper.mu.Lock()
	b.keeper.fail = 1
	b.keeper.mu.Unlock()
	for i := range 20 {
		if _, err := b.net.Submit(modemsim.SMS{From: "+628990000001", To: ownNumber, Text: "FLASH " + strings.Repeat("x", i), Class0: true}); err != nil {
			t.Fatal(err)
		}
		b.submit(1)
	}
	b.until("all kept", b.drained)
	b.check()
	direct := 0
	for _, r := range b.keeper.all() {
		if d, err := Decode(r.PDU); err != nil || d.Class0 != (r.Store == "") {
			t.Errorf("row of store %q decodes to %+v, %v", r.Store, d, err)
		} else if d.Class0 {
			direct++
		}
	}
	if direct != 20 {
		t.Errorf("%d direct rows, want 20", direct)
	}
}

func TestUnplug(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{}).start().ready()
	b.submit(3)
	b.until("drained", b.drained)
	b.sim.Unplug()
	b.until("absent", func() bool { return b.modem.Status().State == StateAbsent && !b.modem.Ready() })
	if _, err := b.modem.Send(t.Context(), "+628990000001", "HALO"); !errors.Is(err, ErrUnplugged) {
		t.Errorf("Send while unplugged = %v, want %v", err, ErrUnplugged)
	}
	b.submit(3)
	if err := b.sim.Replug(); err != nil {
		t.Fatal(err)
	}
	b.until("drained after replugging", b.drained)
	b.check()
	if s := b.modem.Status(); s.Reconnects != 1 {
		t.Errorf("Reconnects = %d, want 1", s.Reconnects)
	}
}

func TestBusyDevice(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{}, Settings{})
	p, err := openPort(b.sim.Device(), 0)
	if err != nil {
		t.Fatal(err)
	}
	b.start()
	b.until("busy", func() bool { return b.modem.Status().State == StateBusy })
	if s := b.modem.Status(); !strings.Contains(s.LastError, b.sim.Device()) {
		t.Errorf("LastError = %q, want the device in it", s.LastError)
	}
	p.Close()
	b.ready()
}

func TestPIN(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBench(t, modemsim.Options{PIN: "1234"}, Settings{PIN: "9999", StateDir: dir}).start()
	b.until("refused", func() bool { return b.modem.Status().State == StateSIM })
	b.until("tried again and remembered", func() bool { return strings.Contains(b.modem.Status().LastError, "refused before") })
	b.stop()

	again := New(Settings{Name: "m1", Device: b.sim.Device(), PIN: "9999", StateDir: dir}, b.keeper.keep, testLog(t))
	again.limits = fast()
	b.modem = again
	b.start()
	b.until("remembered on disk", func() bool { return strings.Contains(b.modem.Status().LastError, "refused before") })
	b.stop()

	right := New(Settings{Name: "m1", Device: b.sim.Device(), PIN: "1234", StateDir: dir}, b.keeper.keep, testLog(t))
	right.limits = fast()
	b.modem = right
	b.start().ready()
	if tried, err := right.pinTries(); tried > 0 || err != nil {
		t.Errorf("mark after success: %d, %v, want none", tried, err)
	}
}

// TestPINBegun: a program that was killed while it gave the PIN does not keep the modem from working, and yet
// the SIM is never given its third PIN.
func TestPINBegun(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{PIN: "1234"}, Settings{PIN: "1234", StateDir: t.TempDir()})
	if err := b.modem.notePIN(1); err != nil {
		t.Fatal(err)
	}
	b.start().ready()

	b = newBench(t, modemsim.Options{PIN: "1234"}, Settings{PIN: "1234", StateDir: t.TempDir()})
	if err := errors.Join(b.modem.notePIN(1), b.modem.notePIN(2)); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.until("not given again", func() bool { return strings.Contains(b.modem.Status().LastError, "refused before") })
}

// TestPINUnread: a SIM that is busy or away has not refused its PIN, however often.
func TestPINUnread(t *testing.T) {
	t.Parallel()
	var plan modemsim.Plan
	for i, code := range []string{"14", "10", "3", "14"} {
		plan = append(plan, modemsim.Rule{Kind: modemsim.CommandError, Command: "+CPIN", Nth: 2 * (i + 1), Text: "+CME ERROR: " + code})
	}
	newBench(t, modemsim.Options{PIN: "1234", Faults: plan}, Settings{PIN: "1234", StateDir: t.TempDir()}).start().ready()
}

// TestPINNotNoted: a disk that is full for a while leaves no mark of a PIN that was not given.
func TestPINNotNoted(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{PIN: "1234"}, Settings{PIN: "1234", StateDir: t.TempDir()})
	if err := os.Symlink("/dev/full", b.modem.pinFile()+".new"); err != nil {
		t.Fatal(err)
	}
	if err := b.modem.notePIN(1); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("noting on a full disk: %v", err)
	}
	if tried, err := b.modem.pinTries(); tried != 0 || err != nil {
		t.Errorf("then %d tries, %v", tried, err)
	}
	b.start().ready()
}

func TestNoPINConfigured(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{PIN: "1234"}, Settings{}).start()
	b.until("SIM state", func() bool { return b.modem.Status().State == StateSIM })
}

func TestNoIMSI(t *testing.T) {
	t.Parallel()
	plan := modemsim.Plan{{Kind: modemsim.CommandError, Command: "+CIMI", Limit: 2, Text: "+CME ERROR: 14"}}
	b := newBench(t, modemsim.Options{Faults: plan}, Settings{})
	b.submit(2)
	b.start()
	b.until("drained once there is an IMSI", b.drained)
	b.check()
}

func TestRunEndsWhileSilent(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{Faults: modemsim.Plan{{Kind: modemsim.Silence}}}, Settings{})
	b.modem.limits = defaultLimits() // seconds: stop must not wait for them
	b.start()
	b.until("starting", func() bool { return b.modem.Status().State == StateStarting })
	begun := time.Now()
	b.stop()
	if took := time.Since(begun); took > 500*time.Millisecond {
		t.Errorf("Run ended after %v", took)
	}
	if s := b.modem.Status().State; s != StateStopped {
		t.Errorf("State = %s, want %s", s, StateStopped)
	}
}

func TestSilentModemIsAState(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{Faults: modemsim.Plan{{Kind: modemsim.Silence, Limit: 12}}}, Settings{})
	b.submit(1)
	b.start()
	b.until("silent", func() bool { return b.modem.Status().State == StateSilent })
	b.until("drained when it talks again", b.drained)
	b.check()
}

// TestLastChance saves rows that only memory holds when Run ends.
func TestLastChance(t *testing.T) {
	t.Parallel()
	var kept []Stored
	m := New(Settings{Name: "m1"}, func(ctx context.Context, rows []Stored) error {
		kept = append(kept, rows...)
		return ctx.Err()
	}, testLog(t))
	m.hold("07")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.keepLast(ctx)
	if len(kept) != 1 || len(m.held) != 0 {
		t.Errorf("kept %d rows, %d still held, want 1 and 0", len(kept), len(m.held))
	}
}

// wakeByHand is the one +CMTI that got through: the sweep it causes is not the timer's.
func wakeByHand(b *bench) { wake(b.modem.up.Load().sweep) }

// TestPINUnheard: a PIN that the SIM took is not held for refused because the modem's OK was lost.
func TestPINUnheard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lost := modemsim.Plan{{Kind: modemsim.Silence, Command: "+CPIN", Nth: 2}} // the first asks for the state
	b := newBench(t, modemsim.Options{PIN: "1234", Faults: lost}, Settings{PIN: "1234", StateDir: dir}).start().ready()
	if n := b.sim.Faults()[modemsim.Silence]; n != 1 {
		t.Fatalf("%d answers lost, want 1", n)
	}
	if tried, err := b.modem.pinTries(); tried > 0 || err != nil {
		t.Errorf("mark after success: %v, %v, want none", tried, err)
	}
}

// TestOperatorOfForeignBytes: what a network calls itself is text before anybody stores it.
func TestOperatorOfForeignBytes(t *testing.T) {
	t.Parallel()
	b := newBench(t, modemsim.Options{Operator: "TELKOM\xff\x00SEL"}, Settings{}).start().ready()
	if got := b.modem.Status().Operator; !utf8.ValidString(got) || !strings.HasPrefix(got, "TELKOM") || strings.ContainsRune(got, 0) {
		t.Errorf("operator = %q", got)
	}
}
