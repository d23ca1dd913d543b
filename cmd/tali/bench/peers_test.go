package bench_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tali/cmd/tali/bench"
	"tali/db/dbtest"
)

// TestPeers plays a short storm to the program as it is shipped and to the peers
// that are installed. It holds only tali to anything: a peer may do as it likes.
func TestPeers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts and kills real programs for a quarter of a minute")
	}
	rows, err := bench.Peers(t.Context(), bench.Settings{Dir: dbtest.Dir(t), Messages: 15, Program: buildProgram(t)})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 {
		t.Fatalf("%d rows, want a heading and one for each program", len(rows))
	}
	for _, r := range rows {
		t.Logf("%s: %s %s", r.Name, r.Value, r.Target)
	}
	tali := rows[1]
	if strings.HasPrefix(tali.Value, "skipped: ") {
		t.Skip(tali.Value)
	}
	if !tali.Met || !strings.HasPrefix(tali.Value, "15\t15\t0\t0\t0\t") {
		t.Errorf("tali: %q, want each of 15 SMS acknowledged and stored once", tali.Value)
	}
}

// buildProgram compiles tali as it is shipped.
func buildProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "tali")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "tali/cmd/tali").CombinedOutput(); err != nil {
		t.Fatalf("building tali: %v\n%s", err, out)
	}
	return program
}
