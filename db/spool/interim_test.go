package spool

import (
	"errors"
	"testing"
	"time"
)

func addInterim(tb testing.TB, s *Spool, rs ...Interim) {
	tb.Helper()
	if err := s.AddInterim(tb.Context(), rs); err != nil {
		tb.Fatalf("AddInterim(%+v): %v", rs, err)
	}
}

func reply(seq int64, modem string) Interim {
	return Interim{Seq: seq, Modem: modem, To: "+628990000001", Kind: "diterima", Text: "SMS diterima", At: noon}
}

func claim(tb testing.TB, s *Spool, modem string, alive ...string) int64 {
	tb.Helper()
	r, found, err := s.ClaimInterim(tb.Context(), modem, alive)
	if err != nil {
		tb.Fatalf("ClaimInterim(%s): %v", modem, err)
	}
	if !found {
		return 0
	}
	if r.State != InterimSending {
		tb.Errorf("claimed reply is %q", r.State)
	}
	return r.Seq
}

func TestInterimMarksItsMessage(t *testing.T) {
	t.Parallel()
	s := open(t)
	fill(t, s, 0, 3)
	deliver(t, s, noon, Message{Seq: 3})
	addInterim(t, s, reply(1, "m1"), reply(3, "m1"), reply(77, "m1"))
	second := reply(1, "m1")
	second.Kind = "other"
	addInterim(t, s, second)
	got := waiting(t, s)
	if got[0].Interim != "diterima" || !got[0].InterimAt.Equal(noon) || got[1].Interim != "" || !got[1].InterimAt.IsZero() {
		t.Errorf("Waiting = %+v", got)
	}
	if n := count(t, s, `SELECT count(*) FROM interim`); n != 1 {
		t.Errorf("%d replies, want 1: at most one a message, none for delivered or unknown ones", n)
	}
	if err := s.AddInterim(t.Context(), []Interim{reply(2, "m1"), {Seq: 1, Kind: ""}}); err == nil {
		// Kind "" would leave the message unmarked.
		t.Error("AddInterim without a kind = nil")
	}
	if got := waiting(t, s); got[1].Interim != "" {
		t.Errorf("a failed call marked message 2: %+v", got[1])
	}
}

func TestClaimInterim(t *testing.T) {
	t.Parallel()
	s := open(t)
	fill(t, s, 0, 4)
	addInterim(t, s, reply(1, "m2"), reply(2, "m1"), reply(3, "dead"), reply(4, "m1"))
	for i, tc := range []struct {
		modem string
		alive []string
		want  int64
	}{
		{"m1", []string{"m1", "m2", "dead"}, 2},
		{"m1", []string{"m1", "m2"}, 3}, // of a modem that is away
		{"m1", []string{"m1", "m2"}, 4},
		{"m1", []string{"m1", "m2"}, 0},
		{"m1", nil, 1}, // nobody else is alive
		{"m2", []string{"m1", "m2"}, 0},
	} {
		if got := claim(t, s, tc.modem, tc.alive...); got != tc.want {
			t.Errorf("claim %d by %s with %v alive = %d, want %d", i, tc.modem, tc.alive, got, tc.want)
		}
	}
}

func TestCloseInterim(t *testing.T) {
	t.Parallel()
	s := open(t)
	fill(t, s, 0, 1)
	addInterim(t, s, reply(1, "m1"))
	if err := s.CloseInterim(t.Context(), 1, InterimSent, ""); !errors.Is(err, ErrNotSending) {
		t.Errorf("closing a queued reply = %v, want ErrNotSending", err)
	}
	claim(t, s, "m1", "m1")
	if err := s.CloseInterim(t.Context(), 1, InterimQueued, "+CMS ERROR: 500"); err != nil {
		t.Fatal(err)
	}
	r, found, err := s.ClaimInterim(t.Context(), "m1", []string{"m1"})
	if !found || err != nil || r.Attempts != 2 || r.Err != "+CMS ERROR: 500" || r.To != "+628990000001" ||
		r.Text != "SMS diterima" || !r.At.Equal(noon) {
		t.Errorf("second claim = %+v, %v, %v", r, found, err)
	}
	for _, state := range []InterimState{InterimSending, "lost"} {
		if err := s.CloseInterim(t.Context(), 1, state, ""); err == nil {
			t.Errorf("CloseInterim(%q) = nil", state)
		}
	}
	if open, err := s.OpenInterims(t.Context()); len(open) != 1 || err != nil {
		t.Errorf("OpenInterims = %+v, %v, want one", open, err)
	}
	deliver(t, s, noon, Message{Seq: 1})
	if n, err := s.Prune(t.Context(), noon.Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("Prune of a message whose reply is being sent = %d, %v, want 0", n, err)
	}
	if err := s.CloseInterim(t.Context(), 1, InterimSent, ""); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Prune(t.Context(), noon.Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("Prune = %d, %v, want 1", n, err)
	}
}

func TestOpenInterimsAfterRestart(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/spool.db"
	s := openAt(t, path)
	fill(t, s, 0, 2)
	addInterim(t, s, reply(1, "m1"), reply(2, "m1"))
	claim(t, s, "m1", "m1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	got, err := s.OpenInterims(t.Context())
	if err != nil || len(got) != 1 || got[0].Seq != 1 || got[0].State != InterimSending || got[0].Attempts != 1 {
		t.Errorf("OpenInterims = %+v, %v", got, err)
	}
}
