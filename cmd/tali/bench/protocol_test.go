package bench_test

import (
	"context"
	"strings"
	"testing"

	"tali/cmd/tali/bench"
)

// A million SMS with one fault each, and a night of two hundred thousand: the
// same in every run. None is taken with other content than was meant.
func TestProtocol(t *testing.T) {
	t.Parallel()
	reach(t, bench.Protocol, 1_000_005/share)
}

// The shares that questions must reach.
func TestRates(t *testing.T) {
	t.Parallel()
	reach(t, bench.Rates, 1_000_000/share)
}

// reach runs a measurement and fails for every target that it misses.
func reach(t *testing.T, measure func(context.Context, bench.Settings) ([]bench.Row, error), sms int) {
	t.Helper()
	rows, err := measure(t.Context(), bench.Settings{SMS: sms})
	if err != nil {
		t.Fatal(err)
	}
	targets := 0
	for _, r := range rows {
		if r.Target == "" {
			continue
		}
		targets++
		few := share > 1 && !strings.HasPrefix(r.Target, "0 ") // few tallies say little about what is rare
		if !r.Met && !few {
			t.Errorf("%s: %s, want %s", r.Name, r.Value, r.Target)
		}
	}
	if targets < 10 {
		t.Errorf("%d rows with a target, want those of every class", targets)
	}
}
