package gateway

import (
	"context"
	"sync"
	"time"
)

// signal wakes everybody who waits for something that may have happened. It
// carries nothing: who wakes looks into the durable queue.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

func newSignal() *signal { return &signal{ch: make(chan struct{})} }

// Raise wakes all that hold a channel of Wait.
func (s *signal) Raise() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.ch)
	s.ch = make(chan struct{})
}

// Wait returns a channel that the next Raise closes. Take it before looking
// into the queue: what arrives after the look then still wakes.
func (s *signal) Wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ch
}

// pause waits for the channel, the time or the end of ctx, whichever is first,
// and reports whether to go on.
func pause(ctx context.Context, wake <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return ctx.Err() == nil
}
