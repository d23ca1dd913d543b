package bench_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"tali/cmd/tali/bench"
	"tali/db/dbtest"
)

// TestFailover is a short rehearsal with the program as it is shipped: the standby
// follows once, and is away once. How fast it is, is for make failover to say. It
// runs where it is asked for: beside all other tests a machine of two cores leaves
// its servers too little time.
func TestFailover(t *testing.T) {
	t.Parallel()
	if os.Getenv("TALI_TEST_FAILOVER") == "" {
		t.Skip("starts and kills real servers for half a minute: TALI_TEST_FAILOVER=1 runs it, make failover more of it")
	}
	dir := dbtest.Dir(t)
	program := filepath.Join(t.TempDir(), "tali")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "tali/cmd/tali").CombinedOutput(); err != nil {
		t.Fatalf("building tali: %v\n%s", err, out)
	}
	rows, err := bench.Failover(t.Context(), bench.Settings{Dir: dir, Rounds: 2, Program: program})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		t.Logf("%s: %s %s", r.Name, r.Value, r.Target)
		if r.Target == "0" && !r.Met {
			t.Errorf("%s: %s, want 0", r.Name, r.Value)
		}
	}
	if len(rows) != 8 || rows[1].Value != "180" {
		t.Errorf("%d rows, %q SMS sent, want 8 and 180", len(rows), rows[1].Value)
	}
}
