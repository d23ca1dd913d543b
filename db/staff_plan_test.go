package db

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"tali/db/cluster"
	"tali/db/dbtest"
)

// What every request and every page of accounts, chase list and registry asks
// has an index behind it.
func TestStaffPlansUseIndexes(t *testing.T) {
	t.Parallel()
	d, err := Open(t.Context(), dbtest.New(t).DSN(cluster.Desk), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	const station, low, high = 7108102001007, 7108100000000, 7108109999999
	for name, q := range map[string]struct {
		query string
		args  []any
	}{
		"session":          {findSession, []any{"x", 1800}},
		"session, seen":    {seenSession, []any{"x"}},
		"sessions":         {listSessions, []any{1, 1800}},
		"sign out":         {endSessions, []any{1, "x"}},
		"who asks":         {staffByID, []any{1}},
		"sign-in":          {beginLogin, []any{"x"}},
		"invitation":       {accountByInvite, []any{[]byte("x")}},
		"events":           {newestEvents, []any{int64(1) << 62, 50}},
		"events of one":    {eventsOfSubject, []any{"account 1", 50}},
		"chase list":       {chaseRows, []any{1, 1, low, high, 100, 100}},
		"number to call":   {officerPhones, []any{"x", station, 1}},
		"district":         {stationStates, []any{1, 1, low, high}},
		"stations":         {stationsIn, []any{1, low, high, 100}},
		"station, phones":  {bindingsOf, []any{1, station}},
		"change, taken":    {phoneOwner, []any{1, "+6289900000001", 1}},
		"change, decision": {agreePhone, []any{1, 2, time.Hour.Seconds()}},
	} {
		plan := d.explainCold(t, "off", q.query, q.args)
		// An election has a handful of ballots.
		if strings.Contains(strings.ReplaceAll(plan, "Seq Scan on ballot", ""), "Seq Scan") {
			t.Errorf("%s reads a whole table:\n%s", name, plan)
		}
	}
}
