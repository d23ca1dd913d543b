package db_test

import (
	"strings"
	"testing"
	"time"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// A re-vote is a round of its own: its tallies stand beside those of the first
// count, and neither meets the other, whatever their figures.
func TestRoundsNeverMeet(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	firstCount := c.profile
	if got := outcomes(c.intake(c.tally(0, 145), c.tally(1, 145))); got != "accepted accepted" {
		t.Fatalf("first count: %q, want both accepted", got)
	}

	c.profile = election(t, func(p *parser.Profile) {
		p.Round, p.Digest = 2, strings.Repeat("b2", 32)
		p.Opens, p.Closes = p.Opens.AddDate(0, 0, 10), p.Closes.AddDate(0, 0, 10)
	})
	if _, err := c.desk.OpenElection(t.Context(), c.profile); err != nil {
		t.Fatal(err)
	}
	revote := func(station, first int) db.Inbound {
		m := c.tally(station, first)
		m.Key[0] ^= 0xff // another SMS, in other PDUs
		m.PDUs[0] += "02"
		m.ReceivedAt = receivedAt.AddDate(0, 0, 10)
		m.SentAt = m.ReceivedAt
		return m
	}
	same, other, again := revote(0, 145), revote(1, 120), revote(1, 121)
	again.ReceivedAt = again.ReceivedAt.Add(time.Minute)
	got := c.intake(same, other, again)
	if want := "accepted accepted conflict"; outcomes(got) != want {
		t.Errorf("re-vote: %q, want %q: the figures of the first count are no first report of this one", outcomes(got), want)
	}
	for _, v := range got[:2] {
		if v.Entry == nil || v.Entry.Revision != 1 || v.Entry.State != verify.StateIn {
			t.Errorf("re-vote: entry %+v, want the first of its case", v.Entry)
		}
	}

	counts, err := c.desk.QueueCounts(t.Context(), c.profile, receivedAt)
	if waits := len(c.queue(db.ViewAll, 10)); err != nil || counts[db.ViewAll] != waits || waits != 2 {
		t.Errorf("%d cases of the re-vote wait, counted %v, %v: want 2, and none of the first count", waits, counts, err)
	}

	c.profile = firstCount
	if got := outcomes(c.intake(c.tally(0, 145), c.tally(0, 146))); got != "known conflict" {
		t.Errorf("late SMS of the first count: %q, want it to meet its own round", got)
	}
	for query, want := range map[string]int{
		`SELECT count(*) FROM tally.standing WHERE state = 'masuk'`:                                         4,
		`SELECT count(DISTINCT (station, ballot, round)) FROM tally.entry WHERE state = 'masuk'`:            4,
		`SELECT sum(held)::int FROM tally.standing WHERE round = 1`:                                         1,
		`SELECT sum(held)::int FROM tally.standing WHERE round = 2`:                                         1,
		`SELECT figures[1] FROM tally.entry WHERE round = 2 AND state = 'masuk' ORDER BY station LIMIT 1`:   145,
		`SELECT count(*) FROM tally.entry e JOIN tally.standing s USING (station, ballot, round, election)`: 6,
	} {
		if got := c.number(query); got != want {
			t.Errorf("%s = %d, want %d", query, got, want)
		}
	}
}
