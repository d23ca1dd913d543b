package bench_test

import (
	"testing"

	"tali/cmd/tali/bench"
	"tali/db/dbtest"
)

// TestMeasurements runs each measurement small. It looks at whether it measures,
// never at how fast: a busy machine is no fault of the program.
func TestMeasurements(t *testing.T) {
	t.Parallel()
	for _, m := range bench.All() {
		if m.Name == "memory" || m.Name == "modems" || m.Name == "backlog" || m.Name == "night" || m.Name == "peers" || m.Name == "failover" {
			continue // they start this very program, which is here a test
		}
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			rows, err := m.Run(t.Context(), bench.Settings{Dir: dbtest.Dir(t), Messages: 500, Entries: 3000, Stations: 300, Seconds: 1, SMS: 3000})
			if err != nil {
				t.Fatal(err)
			}
			targets := 0
			for _, r := range rows {
				t.Logf("%s: %s %s", r.Name, r.Value, r.Target)
				if r.Target != "" {
					targets++
				}
			}
			if targets == 0 {
				t.Errorf("%d rows, none with a target", len(rows))
			}
		})
	}
}
