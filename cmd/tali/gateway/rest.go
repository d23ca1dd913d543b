package gateway

import (
	"errors"
	"sync"
	"time"

	"tali/gsm"
)

const (
	firstBackOff = 30 * time.Second // before what was refused for now is tried again
	lastBackOff  = 10 * time.Minute
	mostAttempts = 12 // of one reply; then it ends with the last reason
	restAfter    = 3  // refusals in a row: it is the modem or its SIM, not the message
)

// rest leaves a modem alone whose network refuses one SMS after the other: its
// credit is used up, its SIM barred, its cell full. Others send meanwhile.
type rest struct {
	mu      sync.Mutex
	refused int // in a row
	until   time.Time
}

// note learns how a send ended.
func (r *rest) note(err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var refused *gsm.SendError
	switch {
	case err == nil:
		r.refused, r.until = 0, time.Time{}
	case errors.As(err, &refused) && !refused.Permanent:
		if r.refused++; r.refused >= restAfter {
			r.until = now.Add(backOff(r.refused - restAfter + 1))
		}
	}
}

// on reports whether the modem rests.
func (r *rest) on(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.until)
}

// weary reports whether the network refuses whatever the modem sends, and since
// then nothing has left: between two rests, too.
func (r *rest) weary() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused >= restAfter
}

// backOff is how long to wait after the nth refusal in a row.
func backOff(n int) time.Duration {
	return min(firstBackOff<<min(max(n, 1)-1, 10), lastBackOff)
}

// notBefore is when a send that was certainly not made may be tried again: at
// once where another modem can, later where the network refused.
func notBefore(err error, attempt int, now time.Time) time.Time {
	var refused *gsm.SendError
	if errors.As(err, &refused) {
		return now.Add(backOff(attempt))
	}
	return time.Time{}
}

// fit reports whether the modem may be given an SMS now.
func (l line) fit(now time.Time) bool { return l.Ready() && !l.rest.on(now) }
