package spool

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestWaitingPages(t *testing.T) {
	t.Parallel()
	s := open(t)
	fill(t, s, 0, 25)
	var seen []int64
	after := int64(0)
	for {
		ms, err := s.Waiting(t.Context(), after, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(ms) == 0 {
			break
		}
		for _, m := range ms {
			seen = append(seen, m.Seq)
		}
		after = seen[len(seen)-1]
	}
	if len(seen) != 25 {
		t.Fatalf("paged over %d messages, want 25", len(seen))
	}
	for i := range seen {
		if seen[i] != int64(i+1) {
			t.Fatalf("order %v", seen)
		}
	}
	if ms, err := s.Waiting(t.Context(), 0, 0); len(ms) != 0 || err != nil {
		t.Errorf("Waiting with limit 0 = %v, %v", ms, err)
	}
}

func TestDelivered(t *testing.T) {
	t.Parallel()
	s := open(t)
	fill(t, s, 0, 6)
	all := waiting(t, s)
	n, oldest, err := s.Undelivered(t.Context())
	if n != 6 || !oldest.Equal(all[0].ReceivedAt) || err != nil {
		t.Errorf("Undelivered = %d, %v, %v, want 6 since %v", n, oldest, err, all[0].ReceivedAt)
	}
	deliver(t, s, noon, all[0], all[2])
	deliver(t, s, noon.Add(time.Hour), all[2], all[3], Message{Seq: 99}) // again, and one unknown
	deliver(t, s, noon)
	if got := waiting(t, s); len(got) != 3 || got[0].Seq != 2 || got[1].Seq != 5 {
		t.Errorf("Waiting = %+v, want 2, 5, 6", got)
	}
	n, oldest, err = s.Undelivered(t.Context())
	if n != 3 || !oldest.Equal(all[1].ReceivedAt) || err != nil {
		t.Errorf("Undelivered = %d, %v, %v", n, oldest, err)
	}
	for _, tc := range []struct {
		since time.Time
		after int64
		limit int
		want  string
	}{
		{noon, 0, 10, "[1 3 4]"},
		{noon.Add(1), 0, 10, "[4]"}, // 3 keeps its first time
		{noon, 1, 1, "[3]"},
		{noon.Add(2 * time.Hour), 0, 10, "[]"},
	} {
		ms, err := s.DeliveredSince(t.Context(), tc.since, tc.after, tc.limit)
		seqs := []int64{}
		for _, m := range ms {
			seqs = append(seqs, m.Seq)
		}
		if err != nil || fmt.Sprint(seqs) != tc.want {
			t.Errorf("DeliveredSince(%v, %d, %d) = %v, %v, want %s", tc.since, tc.after, tc.limit, seqs, err, tc.want)
		}
	}
	deliver(t, s, noon, all...)
	if n, oldest, err := s.Undelivered(t.Context()); n != 0 || !oldest.IsZero() || err != nil {
		t.Errorf("Undelivered = %d, %v, %v, want 0", n, oldest, err)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	s := open(t)
	fill(t, s, 0, 1200)
	all, err := s.Waiting(t.Context(), 0, 1200)
	if err != nil {
		t.Fatal(err)
	}
	deliver(t, s, noon, all[:1100]...)
	deliver(t, s, noon.Add(time.Hour), all[1100:1150]...)
	if n, err := s.Prune(t.Context(), noon); n != 0 || err != nil {
		t.Errorf("Prune before the first = %d, %v, want 0", n, err)
	}
	if n, err := s.Prune(t.Context(), noon.Add(time.Minute)); n != 1100 || err != nil {
		t.Errorf("Prune = %d, %v, want 1100", n, err)
	}
	if n := count(t, s, `SELECT count(*) FROM message`); n != 100 {
		t.Errorf("%d messages left, want 100", n)
	}
	if n, _, _ := s.Undelivered(t.Context()); n != 50 {
		t.Errorf("%d waiting left, want 50", n)
	}
	deliver(t, s, noon, waiting(t, s)...)
	if _, err := s.Prune(t.Context(), noon.Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	// Everything is gone; a Seq is never used twice.
	keep(t, s, single(1))
	if got := waiting(t, s); len(got) != 1 || got[0].Seq != 1201 {
		t.Errorf("Waiting = %+v, want Seq 1201", got)
	}
}

func TestPruneTakesLongMessagesWhole(t *testing.T) {
	t.Parallel()
	s := open(t)
	keep(t, s, part(1, 2, 1, "a"), part(1, 2, 2, "b"), sent(part(1, 2, 2, "b"), time.Minute), part(2, 2, 1, "orphan"))
	join(t, s, groups(t, s)[0], MessageText, "ab")
	deliver(t, s, noon, waiting(t, s)...)
	if n, err := s.Prune(t.Context(), noon.Add(1)); n != 1 || err != nil {
		t.Errorf("Prune = %d, %v, want 1", n, err)
	}
	if n := count(t, s, `SELECT (SELECT count(*) FROM part) * 10 + (SELECT count(*) FROM joined)`); n != 10 {
		t.Errorf("left %d (parts x 10 + links), want 10: the orphan", n)
	}
	if got := shape(groups(t, s)); got != "orphan-" {
		t.Errorf("Groups = %q, want the orphan", got)
	}
}

// Every query that runs all day must walk its partial index only.
func TestQueryPlans(t *testing.T) {
	t.Parallel()
	s := open(t)
	for name, tc := range map[string]struct{ query, want string }{
		"waiting":   {selectWaiting, "USING INDEX message_waiting (seq>?)"},
		"delivered": {selectDelivered, "USING INDEX message_delivered (seq>?)"},
		"count":     {countWaiting, "USING COVERING INDEX message_waiting"},
		"prunable":  {selectPrunable, "USING COVERING INDEX message_delivered (seq>?)"},
		"original":  {findOriginal, "USING INDEX part_bucket (imsi=? AND sender=? AND ref=? AND width=? AND total=? AND seq=?)"},
		"parts":     {selectParts, "USING INDEX part_bucket (imsi=? AND sender=? AND ref=? AND width=? AND total=?)"},
		"known":     {countSingle, "sqlite_autoindex_message_1 (key=?)"},
		"claim":     {claimInterim, "interim_queued"},
		"copies":    {pruneCopies, "part_copy"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := ""
			err := s.reader.each(t.Context(), "EXPLAIN QUERY PLAN "+tc.query, make([]any, params(tc.query)),
				func(r *sql.Rows) error {
					var a, b, c int
					var line string
					err := r.Scan(&a, &b, &c, &line)
					plan += line + "\n"
					return err
				})
			if err != nil || !strings.Contains(plan, tc.want) {
				t.Errorf("plan (%v)\n%swant %q", err, plan, tc.want)
			}
		})
	}
}

func params(query string) int {
	n := 0
	for i := 1; i < 20; i++ {
		if strings.Contains(query, fmt.Sprintf("?%d", i)) {
			n = i
		}
	}
	return n
}
