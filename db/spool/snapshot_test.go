package spool

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func TestSnapshot(t *testing.T) {
	t.Parallel()
	s := open(t)
	if _, _, err := s.Snapshot(t.Context()); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("Snapshot of a new spool = %v, want ErrNoSnapshot", err)
	}
	for name, data := range map[string][]byte{
		"large": bytes.Repeat([]byte{0, 1, 0xff}, 700_000), "small": []byte("x"), "empty": {}, "nil": nil,
	} {
		at := noon.Add(time.Duration(len(data)))
		if err := s.SaveSnapshot(t.Context(), data, at); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, when, err := s.Snapshot(t.Context()); err != nil || !bytes.Equal(got, data) || !when.Equal(at) {
			t.Errorf("%s: Snapshot = %d bytes of %v, %v", name, len(got), when, err)
		}
	}
}

func TestSnapshotDamaged(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"a byte": `UPDATE snapshot SET data = CAST('registrz' AS BLOB)`,
		"time":   `UPDATE snapshot SET at = at + 1`,
		"sum":    `UPDATE snapshot SET sum = x'00'`,
		"length": `UPDATE snapshot SET data = CAST('registr' AS BLOB)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			if err := s.SaveSnapshot(t.Context(), []byte("registry"), noon); err != nil {
				t.Fatal(err)
			}
			err := s.writer.commit(t.Context(), func(tx *txn) error { _, err := tx.exec(damage); return err })
			if err != nil {
				t.Fatal(err)
			}
			if data, _, err := s.Snapshot(t.Context()); !errors.Is(err, ErrSnapshotDamaged) || data != nil {
				t.Errorf("Snapshot = %q, %v, want ErrSnapshotDamaged", data, err)
			}
		})
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	s := open(t)
	if v, err := s.State(t.Context(), "incarnation"); v != "" || err != nil {
		t.Errorf("State = %q, %v, want none", v, err)
	}
	for _, want := range []string{"a", "b", ""} {
		if err := s.SetState(t.Context(), "incarnation", want); err != nil {
			t.Fatal(err)
		}
		if v, err := s.State(t.Context(), "incarnation"); v != want || err != nil {
			t.Errorf("State = %q, %v, want %q", v, err, want)
		}
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	s := open(t)
	fill(t, s, 0, 3)
	keep(t, s, part(1, 2, 1, "a"))
	addInterim(t, s, reply(1, "m1"), reply(2, "m1"))
	claim(t, s, "m1", "m1")
	if err := s.BeginSend(t.Context(), 5, "m1", "+628990000001"); err != nil {
		t.Fatal(err)
	}
	deliver(t, s, noon, Message{Seq: 1})
	st, err := s.Stats(t.Context())
	if err != nil || st.Bytes < 4096 {
		t.Errorf("Stats = %+v, %v", st, err)
	}
	st.Bytes, st.FreeBytes = 0, 0
	want := Stats{Waiting: 2, Oldest: single(1).ReadAt, OpenParts: 1, InterimQueued: 1, InterimSending: 1, OpenSends: 1}
	if st != want {
		t.Errorf("Stats = %+v, want %+v", st, want)
	}
}
