package spool

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// childKeep keeps rows from eight callers and prints each key once Keep has
// returned, until it is killed.
func childKeep(path, round string) {
	r, err := strconv.Atoi(round)
	if err != nil {
		childFail(err)
	}
	s := childOpen(path)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				rows := make([]PDU, 1+i%3)
				for j := range rows {
					rows[j] = single(r*1_000_000 + c*100_000 + i*3 + j)
				}
				if _, err := s.Keep(context.Background(), rows); err != nil {
					childFail(err)
				}
				mu.Lock()
				for _, p := range rows {
					fmt.Println(hex.EncodeToString(p.Key[:]))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func childOpen(path string) *Spool {
	s, err := Open(context.Background(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		childFail(err)
	}
	return s
}

func childFail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(3)
}

func child(tb testing.TB, role, path string, round int) *exec.Cmd {
	tb.Helper()
	c := exec.CommandContext(tb.Context(), os.Args[0])
	c.Env = append(os.Environ(), "TALI_SPOOL_CHILD="+role, "TALI_SPOOL_PATH="+path, fmt.Sprintf("TALI_SPOOL_ROUND=%d", round))
	c.Stderr = os.Stderr
	return c
}

// runAndKill lets a gateway keep rows, kills it with SIGKILL after n keys, and
// returns every key it printed until it was dead.
func runAndKill(t *testing.T, path string, round, n int) []string {
	t.Helper()
	c := child(t, "keep", path, round)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var acked []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if len(lines.Text()) != 64 { // cut by the kill
			continue
		}
		acked = append(acked, lines.Text())
		if len(acked) == n {
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Wait(); err == nil || c.ProcessState.ExitCode() != -1 {
		t.Fatalf("round %d: the gateway ended by itself: %v", round, err)
	}
	return acked
}

// kill -9 at random moments: every acknowledged key is there exactly once, with
// its message, and the next gateway opens the file without help.
func TestCrash(t *testing.T) {
	t.Parallel()
	const seed = 20241127
	rounds := 15
	if testing.Short() {
		rounds = 5
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	path := filepath.Join(t.TempDir(), "spool.db")
	acked := map[string]bool{}
	for round := range rounds {
		for _, key := range runAndKill(t, path, round, 1+rng.IntN(1000)) {
			acked[key] = true
		}
		s := openAt(t, path) // checks every page too
		checkKept(t, s, acked)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d acknowledged keys, none lost or doubled", rounds, len(acked))
}

func checkKept(t *testing.T, s *Spool, acked map[string]bool) {
	t.Helper()
	found := map[string]int{}
	rows := 0
	for after := int64(0); ; {
		ms, err := s.Waiting(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(ms) == 0 {
			break
		}
		for _, m := range ms {
			found[hex.EncodeToString(m.Key[:])]++
			if m.Copies != 1 {
				t.Errorf("key %x was kept %d times", m.Key, m.Copies)
			}
		}
		rows += len(ms)
		after = ms[len(ms)-1].Seq
	}
	for key := range acked {
		if n := found[key[:32]]; n != 1 {
			t.Fatalf("acknowledged key %s is there %d times, want once", key, n)
		}
	}
	if len(found) != rows {
		t.Errorf("%d messages under %d keys", rows, len(found))
	}
	if n := count(t, s, `SELECT count(*) FROM message`); n != rows {
		t.Errorf("%d rows and %d waiting messages", n, rows)
	}
}
