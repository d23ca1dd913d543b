package web

import (
	"net/http"
	"sync"
	"time"
)

// rate is how much one address may ask: burst at once, then every each.
type rate struct {
	burst int
	every time.Duration
}

// An office may stand behind one address: 50 people who each open a page every
// two seconds are a quarter of pageRate.
func pageRate() rate { return rate{burst: 400, every: 10 * time.Millisecond} }

// loginRate is for guesses from one address; each account has its own limit at
// the centre.
func loginRate() rate { return rate{burst: 20, every: 3 * time.Second} }

// limiter counts by address. Its memory is bounded: it forgets addresses that
// owe nothing.
type limiter struct {
	rate rate
	mu   sync.Mutex
	free map[string]time.Time // when an address will owe nothing
}

const limiterSize = 10000

func newLimiter(r rate) *limiter { return &limiter{rate: r, free: make(map[string]time.Time)} }

// take counts one request and reports whether it may go on.
func (l *limiter) take(who string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.free) >= limiterSize {
		l.forget(now)
	}
	free := l.free[who]
	if free.Before(now) {
		free = now
	}
	if free.Sub(now) > time.Duration(l.rate.burst-1)*l.rate.every {
		return false
	}
	l.free[who] = free.Add(l.rate.every)
	return true
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

func (l *limiter) limit(s *site, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.take(address(r), time.Now()) {
			w.Header().Set("Retry-After", "10")
			http.Error(w, s.text(r, "refused.rate"), http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}
