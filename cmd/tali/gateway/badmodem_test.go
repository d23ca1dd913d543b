package gateway_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tali/cmd/tali/gateway"
	"tali/db/spool"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/verify"
)

// TestBadModemsBesideAGoodOne: whatever is wrong with the others, each says so in
// a line of its own, and the good one takes tallies in and answers.
func TestBadModemsBesideAGoodOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{})
	sims := gsm.NewSIMs()
	r.settings.Modems[0].SIMs = sims
	bad := map[string]gsm.Trouble{
		"hilang": gsm.TroubleAbsent, "bukan-port": gsm.TroubleNotSerial, "puk": gsm.TroublePUK, "dipakai": gsm.TroubleBusy,
		"bisu": gsm.TroubleSilent, "sim-lain": gsm.TroubleWrongSIM,
	}
	r.badModems(sims)
	var log syncText
	journal, err := spool.Open(t.Context(), r.spool, slog.New(slog.DiscardHandler))
	r.must(err)
	g := gateway.New(r.settings, gateway.Parts{Spool: journal, Centre: r.centre, Profile: r.profile, Log: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		r.must(<-done)
		r.must(journal.Close())
	})
	r.await("the good one ready", func() bool { return g.Status()[0].State == gsm.StateReady })
	r.text(phone(0), 0, r.tally(0, 21))
	r.awaitReplies(phone(0), 1)
	if n := r.outcomes()[verify.OutcomeAccepted]; n != 1 {
		t.Errorf("%d tallies accepted beside the bad modems, want 1", n)
	}
	r.await("every trouble known", func() bool {
		same := 0
		for _, s := range g.Status()[1:] {
			if strings.HasPrefix(s.Name, "kembar") {
				if s.Trouble == gsm.TroubleSameSIM {
					same++
				}
			} else if s.Trouble != bad[s.Name] {
				return false
			}
		}
		return same == 1 // of the two, one works
	})
	for name := range bad {
		if n := strings.Count(log.String(), "modem="+name+" "); n == 0 {
			t.Errorf("no line about modem %s:\n%s", name, log.String())
		}
	}
}

// syncText is a log that is read while it is written.
type syncText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *syncText) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *syncText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// badModems adds one of each sort.
func (r *rig) badModems(sims *gsm.SIMs) {
	r.Helper()
	add := func(name, device string, change func(*gsm.Settings)) {
		s := gsm.Settings{Name: name, Device: device, SIMs: sims, SweepInterval: time.Minute, StateDir: r.TempDir()}
		if change != nil {
			change(&s)
		}
		r.settings.Modems = append(r.settings.Modems, s)
	}
	virtual := func(i int, o modemsim.Options) *modemsim.Modem {
		o.Number, o.Dir = modemNumber(i), r.TempDir()
		m, err := r.network.AddModem(o)
		r.must(err)
		return m
	}
	add("hilang", r.TempDir()+"/ttyUSB9", nil)
	add("bukan-port", "/dev/null", nil)
	blocked := virtual(11, modemsim.Options{})
	blocked.BlockSIM()
	add("puk", blocked.Device(), nil)
	add("dipakai", r.hold(virtual(12, modemsim.Options{})), nil)
	add("kembar-1", virtual(13, modemsim.Options{IMSI: imsi(13)}).Device(), nil)
	add("kembar-2", virtual(16, modemsim.Options{IMSI: imsi(13)}).Device(), nil)
	add("bisu", virtual(14, modemsim.Options{Faults: modemsim.Plan{{Kind: modemsim.TotalSilence}}}).Device(), nil)
	add("sim-lain", virtual(15, modemsim.Options{}).Device(), func(s *gsm.Settings) { s.IMSI = "510990000099999" })
}

// hold keeps a modem's device as another program would.
func (r *rig) hold(m *modemsim.Modem) string {
	r.Helper()
	held, free := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- gsm.Call(context.WithoutCancel(r.Context()), gsm.Settings{Name: "lain", Device: m.Device()}, slog.New(slog.DiscardHandler),
			func(*gsm.Visit) error { close(held); <-free; return nil })
	}()
	select {
	case <-held:
	case err := <-ended:
		r.Fatal(err)
	}
	r.Cleanup(func() {
		close(free)
		if err := <-ended; err != nil {
			r.Error(err)
		}
	})
	if _, err := os.Stat(m.Device()); err != nil {
		r.Fatal(err)
	}
	return m.Device()
}
