package feed

import (
	"sync"
	"time"
)

// limiter counts requests by who asks: a minute's worth at once, then one at a
// time. Its memory is bounded: it forgets who owes nothing.
type limiter struct {
	every time.Duration // between two requests that go on for ever
	burst int

	mu      sync.Mutex
	free    map[string]time.Time // when somebody will owe nothing
	running map[string]int       // answers under way
}

// limiterSize bounds who is remembered.
const limiterSize = 10_000

func newLimiter(perMinute int) *limiter {
	perMinute = max(perMinute, 1)
	return &limiter{every: time.Minute / time.Duration(perMinute), burst: perMinute,
		free: make(map[string]time.Time), running: make(map[string]int)}
}

// take counts one request; wait is how long it has to wait for its turn, 0 when
// it may go on. The times carry Go's monotonic clock: one that is set back
// gives nobody more and locks nobody out.
func (l *limiter) take(who string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.free) >= limiterSize {
		l.forget(now)
	}
	free := l.free[who]
	if free.Before(now) {
		free = now
	}
	if wait = free.Sub(now) - time.Duration(l.burst-1)*l.every; wait > 0 {
		return wait
	}
	l.free[who] = free.Add(l.every)
	return 0
}

// forget drops who owes nothing or, when that is nobody, everybody.
func (l *limiter) forget(now time.Time) {
	for who, free := range l.free {
		if free.Before(now) {
			delete(l.free, who)
		}
	}
	if len(l.free) >= limiterSize {
		clear(l.free)
	}
}

// begin notes that an answer is under way, unless there are too many.
func (l *limiter) begin(who string, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running[who] >= most {
		return false
	}
	l.running[who]++
	return true
}

func (l *limiter) end(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running[who]--; l.running[who] <= 0 {
		delete(l.running, who)
	}
}
