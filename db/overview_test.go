package db

import (
	"log/slog"
	"reflect"
	"testing"

	"tali/db/cluster"
	"tali/db/dbtest"
)

// The counts of the overview, which take short cuts, are those of the facts read
// the long way: also where a later entry stands, none does, or one was rejected.
func TestOverviewCountsWhatTheFactsSay(t *testing.T) {
	t.Parallel()
	pg, p := dbtest.New(t), planProfile(t)
	d, err := Open(t.Context(), pg.DSN(cluster.Desk), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if _, err := d.OpenElection(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := FillSample(t.Context(), pg.DSN(cluster.Owner), Sample{Entries: 2_000, Profile: p}); err != nil {
		t.Fatal(err)
	}
	owner := pg.Open(cluster.Owner)
	for _, change := range []string{
		`ALTER TABLE tally.standing DISABLE TRIGGER USER`,
		`ALTER TABLE tally.decision DISABLE TRIGGER USER`,
		`UPDATE tally.standing SET entry = 2, held = 0 WHERE held = 1 AND station % 3 = 0`,
		`UPDATE tally.standing SET entry = NULL, state = NULL WHERE held = 1 AND station % 3 = 1`,
		`INSERT INTO tally.decision (election, station, ballot, round, revision, act, kind, was, state, version, seen, staff, reason)
		 SELECT election, station, ballot, round, 1, 1, 'reject', 'masuk', 'ditolak', 2, 2, 'rekaan', 'uji' FROM tally.standing WHERE entry IS NULL`,
	} {
		if _, err := owner.ExecContext(t.Context(), change); err != nil {
			t.Fatalf("%s: %v", change, err)
		}
	}
	o, err := d.OverviewAnew(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	for _, e := range o.Entries {
		got[string(e.State)] = e.Entries
	}
	want := make(map[string]int)
	rows, err := owner.QueryContext(t.Context(), `
SELECT CASE WHEN s.entry = e.revision THEN s.state WHEN d.state IS NOT NULL THEN d.state WHEN e.state = 'masuk' THEN 'digantikan' ELSE e.state END, count(*)
FROM tally.entry e JOIN tally.standing s USING (election, station, ballot, round)
LEFT JOIN LATERAL (SELECT state FROM tally.decision x WHERE x.station = e.station AND x.ballot = e.ballot AND x.round = e.round
  AND x.revision = e.revision ORDER BY id DESC LIMIT 1) AS d ON true GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var state string
		var count int
		if err := rows.Scan(&state, &count); err != nil {
			t.Fatal(err)
		}
		want[state] = count
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(want) != 5 || !reflect.DeepEqual(got, want) {
		t.Errorf("entries by state = %v, want %v, all five states", got, want)
	}
	for i, b := range o.Ballots {
		for _, v := range b.Votes {
			var sum int
			if err := owner.QueryRowContext(t.Context(), `
SELECT coalesce(sum(e.figures[$2]), 0) FROM tally.entry e JOIN tally.standing s ON s.station = e.station AND s.ballot = e.ballot
  AND s.round = e.round AND s.entry = e.revision WHERE e.ballot = $1`, int(p.Ballots[i].Digit-'0'), v.Number).Scan(&sum); err != nil {
				t.Fatal(err)
			}
			if sum == 0 || v.Votes != sum {
				t.Errorf("%s: %d votes for %d, the entries that stand have %d", b.Keyword, v.Votes, v.Number, sum)
			}
		}
	}
}
