package bench_test

import (
	"strings"
	"testing"

	"tali/cmd/tali/bench"
	"tali/db/dbtest"
)

// TestNight plays a small country's night to the program as it is shipped: every
// tally stands afterwards and every SMS is answered, or Night itself fails.
func TestNight(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and starts the real program")
	}
	rows, err := bench.Night(t.Context(), bench.Settings{Dir: dbtest.Dir(t), Stations: 300, Seconds: 1, Program: buildProgram(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		t.Logf("%s: %s %s", r.Name, r.Value, r.Target)
	}
	if !strings.HasPrefix(rows[0].Value, "300, 1500, 16") {
		t.Errorf("%s: %s, want 1500 tallies and some more SMS", rows[0].Name, rows[0].Value)
	}
}
