package web

import (
	"fmt"
	"testing"
	"time"
)

// TestLimiter: a burst, then a steady rate, each address for itself, and no
// more memory than it is allowed.
func TestLimiter(t *testing.T) {
	t.Parallel()
	l := newLimiter(rate{burst: 3, every: time.Second})
	now := time.Unix(1_700_000_000, 0)
	take := func(who string, times int) (taken int) {
		for range times {
			if l.take(who, now) {
				taken++
			}
		}
		return taken
	}
	if got := take("a", 10); got != 3 {
		t.Errorf("at once: %d of 10, want 3", got)
	}
	if got := take("b", 1); got != 1 {
		t.Error("another address pays for the first")
	}
	now = now.Add(2 * time.Second)
	if got := take("a", 10); got != 2 {
		t.Errorf("two seconds later: %d, want 2", got)
	}
	now = now.Add(time.Hour)
	if got := take("a", 10); got != 3 {
		t.Errorf("an hour later: %d, want 3", got)
	}
	for i := range 3 * limiterSize {
		l.take(fmt.Sprint(i), now)
	}
	if len(l.free) > limiterSize {
		t.Errorf("it remembers %d addresses, want at most %d", len(l.free), limiterSize)
	}
}
