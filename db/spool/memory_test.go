package spool

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// childDrain reads and delivers everything in pages and prints how large the
// process was at most, in KiB.
func childDrain(path string) {
	ctx := context.Background()
	s := childOpen(path)
	total := 0
	for after := int64(0); ; {
		ms, err := s.Waiting(ctx, after, 200)
		if err != nil {
			childFail(err)
		}
		if len(ms) == 0 {
			break
		}
		seqs := make([]int64, len(ms))
		for i := range ms {
			seqs[i] = ms[i].Seq
		}
		if err := s.Delivered(ctx, seqs, noon); err != nil {
			childFail(err)
		}
		total += len(ms)
		after = seqs[len(seqs)-1]
	}
	if err := s.Close(); err != nil {
		childFail(err)
	}
	fmt.Println(total, peakKiB())
}

func peakKiB() string {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		childFail(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			return strings.Fields(v)[0]
		}
	}
	return "0"
}

// The size of a process that drains must not depend on how much waits.
func TestMemoryStaysFlat(t *testing.T) {
	t.Parallel()
	if testing.Short() || raceDetector {
		t.Skip("fills 100,000 rows: not with -short, nor under -race, whose own memory is larger")
	}
	var peaks []int
	for _, n := range []int{1000, 100_000} {
		path := filepath.Join(t.TempDir(), "spool.db")
		s := openAt(t, path)
		fill(t, s, 0, n)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		out, err := child(t, "drain", path, 0).Output()
		var total, peak int
		if _, scanErr := fmt.Sscan(string(out), &total, &peak); err != nil || scanErr != nil || total != n {
			t.Fatalf("drained %d of %d: %v, %v", total, n, err, scanErr)
		}
		peaks = append(peaks, peak)
	}
	t.Logf("peak resident: %d KiB with 1,000 rows, %d KiB with 100,000", peaks[0], peaks[1])
	if grown := peaks[1] - peaks[0]; grown > 16<<10 {
		t.Errorf("100,000 rows cost %d KiB more than 1,000, want less than 16 MiB", grown)
	}
}
