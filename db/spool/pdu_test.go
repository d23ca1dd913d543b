package spool

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestKeepRoundTrip(t *testing.T) {
	t.Parallel()
	long := single(2)
	long.Text, long.Hex = "NUL \x00, bad \xff, line\nend, é", "zz\nnot hex"
	bare := PDU{Key: [32]byte{31: 1}, Kind: KindUnreadable, Reason: "odd UCS2", ReadAt: noon}
	twin := PDU{Key: [32]byte{31: 2}, Kind: KindReport, ReadAt: noon} // same first 16 bytes as bare
	for name, p := range map[string]PDU{"plain": single(1), "odd bytes": long, "bare": bare, "report": twin} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			if n := keep(t, s, p); n != 1 {
				t.Errorf("Keep = %d fresh, want 1", n)
			}
			kind := map[Kind]MessageKind{KindSingle: MessageText, KindUnreadable: MessageUnreadable, KindReport: MessageReport}[p.Kind]
			want := Message{Seq: 1, Key: [16]byte(p.Key[:16]), Kind: kind, PDUs: []string{p.Hex}, Modem: p.Modem, IMSI: p.IMSI,
				Sender: p.Sender, Text: p.Text, Reason: p.Reason, SentAt: p.SentAt, ReceivedAt: p.ReadAt, Copies: 1}
			if got := waiting(t, s); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
				t.Errorf("Waiting = %+v\nwant %+v", got, want)
			}
		})
	}
	s := open(t)
	keep(t, s, bare, twin)
	if got := waiting(t, s); len(got) != 2 {
		t.Errorf("two keys that share 16 bytes gave %d messages, want 2", len(got))
	}
}

func TestKeepCountsKnownKeys(t *testing.T) {
	t.Parallel()
	s := open(t)
	again := single(1)
	again.ReadAt = noon.Add(time.Hour)
	if n := keep(t, s, single(1), single(2), single(1)); n != 2 {
		t.Errorf("Keep = %d fresh, want 2", n)
	}
	if n := keep(t, s, again); n != 0 {
		t.Errorf("Keep of a known key = %d fresh, want 0", n)
	}
	got := waiting(t, s)
	if len(got) != 2 || got[0].Copies != 3 || got[1].Copies != 1 {
		t.Errorf("Waiting = %+v, want copies 3 and 1", got)
	}
	if !got[0].ReceivedAt.Equal(single(1).ReadAt) {
		t.Errorf("a copy moved ReceivedAt to %v", got[0].ReceivedAt)
	}
	if n := count(t, s, `SELECT count(*) FROM message WHERE last_seen = ?`, nanos(again.ReadAt)); n != 1 {
		t.Errorf("%d rows with the time of the copy, want 1", n)
	}
	deliver(t, s, noon, got...)
	if n := keep(t, s, single(1)); n != 0 || len(waiting(t, s)) != 0 {
		t.Errorf("a delivered SMS read again is fresh (%d) or waits", n)
	}
}

func TestKeepBadPartIsData(t *testing.T) {
	t.Parallel()
	s := open(t)
	for i, p := range []Part{{Total: 0, Seq: 0}, {Total: 3, Seq: 0}, {Total: 3, Seq: 4}, {Total: -1, Seq: -1}} {
		row := part(1, 3, 1, fmt.Sprint(i))
		row.Part = p
		keep(t, s, row)
	}
	got := waiting(t, s)
	if len(got) != 4 || got[2].Kind != MessageUnreadable || got[2].Reason != "part 4 of 3" {
		t.Errorf("Waiting = %+v, want 4 unreadable messages", got)
	}
	if gs := groups(t, s); len(gs) != 0 {
		t.Errorf("Groups = %+v, want none", gs)
	}
}

func TestKeepRefusesOurMistakes(t *testing.T) {
	t.Parallel()
	s := open(t)
	noKey, noKind := single(1), single(1)
	noKey.Key, noKind.Kind = [32]byte{}, "flash"
	for want, p := range map[string]PDU{"no key": noKey, `kind "flash"`: noKind} {
		if n, err := s.Keep(t.Context(), []PDU{single(7), p}); err == nil || n != 0 || !strings.Contains(err.Error(), want) {
			t.Errorf("Keep = %d, %v, want an error with %q", n, err, want)
		}
	}
	if n, err := s.Keep(t.Context(), nil); n != 0 || err != nil {
		t.Errorf("Keep(nil) = %d, %v", n, err)
	}
	if got := waiting(t, s); len(got) != 0 {
		t.Errorf("a refused call left %+v", got)
	}
}

func TestKeepEndedContext(t *testing.T) {
	t.Parallel()
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Keep(ctx, []PDU{single(1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("Keep = %v, want context.Canceled", err)
	}
	if got := waiting(t, s); len(got) != 0 {
		t.Errorf("an error left %+v", got)
	}
}

// The same 200 SMS from 32 callers at once: each is fresh exactly once.
func TestKeepConcurrent(t *testing.T) {
	t.Parallel()
	s := open(t)
	var wg sync.WaitGroup
	fresh := make([]int, 32)
	for c := range fresh {
		wg.Go(func() {
			for i := range 200 {
				n, err := s.Keep(t.Context(), []PDU{single((i + c*17) % 200)})
				if err != nil {
					t.Errorf("Keep: %v", err)
				}
				fresh[c] += n
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range fresh {
		total += n
	}
	got := waiting(t, s)
	if total != 200 || len(got) != 200 {
		t.Errorf("%d fresh, %d waiting, want 200 of each", total, len(got))
	}
	for _, m := range got {
		if m.Copies != 32 {
			t.Fatalf("message %d has %d copies, want 32", m.Seq, m.Copies)
		}
	}
}

// One group, made by hand: the bad request fails alone.
func TestGroupSurvivesBadRequest(t *testing.T) {
	t.Parallel()
	s := open(t)
	bad := errors.New("bad request")
	runs := 0
	var group []*request
	for i := range 5 {
		group = append(group, &request{done: make(chan error, 1), work: func(tx *txn) error {
			runs++
			row := single(i)
			if _, err := s.keepOne(tx, &row); err != nil {
				return err
			}
			if i == 2 {
				return bad
			}
			return nil
		}})
	}
	// The goroutine that owns the connection must run it.
	run := &request{done: make(chan error, 1), work: func(*txn) error { return nil }}
	s.writer.queue <- run
	<-run.done
	s.writer.stopping.Do(func() { close(s.writer.stop) })
	<-s.writer.finished
	s.writer.settle(group)
	for i, r := range group {
		if err := <-r.done; errors.Is(err, bad) != (i == 2) || (err != nil) != (i == 2) {
			t.Errorf("request %d = %v", i, err)
		}
	}
	if got := waiting(t, s); len(got) != 4 || runs != 3+5 {
		t.Errorf("%d messages after %d runs, want 4 after 8", len(got), runs)
	}
}

// A connection that SQLite cannot roll back is replaced.
func TestWriterReconnects(t *testing.T) {
	t.Parallel()
	s := open(t)
	keep(t, s, single(1))
	err := s.writer.commit(t.Context(), func(tx *txn) error {
		if err := tx.w.conn.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		return errors.New("broken")
	})
	if err == nil {
		t.Error("commit over a broken connection = nil")
	}
	if n := keep(t, s, single(1), single(2)); n != 1 {
		t.Errorf("Keep after it = %d fresh, want 1", n)
	}
}

// A new version may read an old PDU, still on a SIM, in another way: its key
// stays known.
func TestKeepKeyOfAnotherKind(t *testing.T) {
	t.Parallel()
	asPart := part(1, 2, 1, "a")
	asUnreadable := asPart
	asUnreadable.Kind, asUnreadable.Reason = KindUnreadable, "bad stamp"
	for name, rows := range map[string][2]PDU{"part first": {asPart, asUnreadable}, "unreadable first": {asUnreadable, asPart}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			if a, b := keep(t, s, rows[0]), keep(t, s, rows[1]); a != 1 || b != 0 {
				t.Errorf("fresh = %d, %d, want 1, 0", a, b)
			}
			if n := count(t, s, `SELECT sum(copies) FROM (SELECT copies FROM message UNION ALL SELECT copies FROM part)`); n != 2 {
				t.Errorf("%d copies, want 2", n)
			}
		})
	}
}
