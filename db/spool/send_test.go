package spool

import (
	"errors"
	"testing"
	"time"
)

func TestSendJournal(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/spool.db"
	s := openAt(t, path)
	for _, id := range []int64{9, 4, 7} {
		if err := s.BeginSend(t.Context(), id, "m1", "+628990000001"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.BeginSend(t.Context(), 4, "m2", "+628990000001"); !errors.Is(err, ErrSendOpen) {
		t.Errorf("BeginSend twice = %v, want ErrSendOpen", err)
	}
	if err := s.EndSend(t.Context(), 9, "sent"); err != nil {
		t.Fatal(err)
	}
	if err := s.EndSend(t.Context(), 9, "sent"); !errors.Is(err, ErrNoSend) {
		t.Errorf("EndSend twice = %v, want ErrNoSend", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path)
	got, err := s.OpenSends(t.Context())
	if err != nil || len(got) != 2 || got[0].ReplyID != 4 || got[1].ReplyID != 7 || got[0].Modem != "m1" ||
		got[0].To != "+628990000001" || time.Since(got[0].BegunAt) > time.Hour {
		t.Errorf("OpenSends = %+v, %v, want 4 and 7", got, err)
	}
	// An unknown one may be sent once more.
	if err := s.EndSend(t.Context(), 4, "unknown"); err != nil {
		t.Fatal(err)
	}
	if err := s.BeginSend(t.Context(), 4, "m1", "+628990000001"); err != nil {
		t.Errorf("BeginSend after an unknown end: %v", err)
	}
	if _, err := s.Prune(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, `SELECT count(*) FROM send`); n != 2 {
		t.Errorf("%d sends after Prune, want the 2 open ones", n)
	}
}
