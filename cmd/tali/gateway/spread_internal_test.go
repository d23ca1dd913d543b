package gateway

import (
	"fmt"
	"testing"
	"time"
)

// What one more SMS costs must not grow with the phones that have texted.
func TestLoadsCostTheSameWithManySenders(t *testing.T) {
	t.Parallel()
	const phones = 100_000
	l, at := newLoads(), time.Unix(1_700_000_000, 0)
	for i := range phones {
		l.add("m", fmt.Sprintf("+62899%09d", i), at)
	}
	began := time.Now()
	for range phones {
		l.add("m", "+62899000000000", at)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("%d more SMS took %v", phones, took)
	}
	if got := l.get("m", at); got.Senders != phones || got.PerMinute != 2*phones/loadWindow.Minutes() {
		t.Errorf("load = %+v, want %d senders and %d SMS", got, phones, 2*phones)
	}
	if got := l.get("m", at.Add(loadSpan+loadStep)); got.Senders != 0 || got.PerMinute != 0 {
		t.Errorf("a day later: load = %+v, want none", got)
	}
	if left := len(l.of["m"].senders); left > 5000 {
		t.Errorf("%d phones remembered for ever", left)
	}
}
