package spool

import (
	"testing"
	"time"
)

// What the sender was told goes with the message when it is offered again; its
// neighbours in the index are told nothing.
func TestTold(t *testing.T) {
	t.Parallel()
	s := open(t)
	rows := []PDU{single(0), single(1), single(2)}
	for i, last := range []byte{0xfe, 0xff, 0xff} {
		rows[i].Key = [32]byte{7}
		rows[i].Key[15] = last
		rows[i].Key[31] = byte(i)
	}
	rows[2].Key[14] = 1 // the one behind the carry
	keep(t, s, rows...)
	if err := s.Delivered(t.Context(), []int64{1, 2, 3}, time.Unix(100, 0)); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(200, 0)
	if err := s.Told(t.Context(), [16]byte(rows[1].Key[:16]), "accepted", at); err != nil {
		t.Fatal(err)
	}
	got, err := s.DeliveredSince(t.Context(), time.Unix(0, 0), 0, 10)
	if err != nil || len(got) != 3 {
		t.Fatalf("DeliveredSince = %d messages, %v", len(got), err)
	}
	for i, want := range []string{"", "accepted", ""} {
		if got[i].Interim != want {
			t.Errorf("message %d was told %q, want %q", i, got[i].Interim, want)
		}
	}
	if !got[1].InterimAt.Equal(at) {
		t.Errorf("told at %v, want %v", got[1].InterimAt, at)
	}
	if err := s.Told(t.Context(), [16]byte{9}, "accepted", at); err != nil {
		t.Errorf("Told of a message that is not here = %v, want nil", err)
	}
}

func TestSuccessorOfTheLastKey(t *testing.T) {
	t.Parallel()
	s := open(t)
	row := single(0)
	for i := range row.Key {
		row.Key[i] = 0xff
	}
	keep(t, s, row)
	if err := s.Told(t.Context(), [16]byte(row.Key[:16]), "same", time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if got := waiting(t, s); len(got) != 1 || got[0].Interim != "same" {
		t.Errorf("waiting = %+v, want one that was told same", got)
	}
}

func TestSentSince(t *testing.T) {
	t.Parallel()
	s := open(t)
	began := time.Now()
	for i, outcome := range []string{"sent", "retry", "unknown", "failed"} {
		if err := s.BeginSend(t.Context(), int64(i), "m", "+6289900000001"); err != nil {
			t.Fatal(err)
		}
		if err := s.EndSend(t.Context(), int64(i), outcome); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.SentSince(t.Context(), began); n != 2 || err != nil {
		t.Errorf("SentSince = %d, %v, want 2", n, err)
	}
	if n, err := s.SentSince(t.Context(), time.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("SentSince the future = %d, %v, want 0", n, err)
	}
}
