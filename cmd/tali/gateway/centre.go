package gateway

import (
	"sync"
	"time"
)

// centre remembers since when the central database has been out of reach.
type centre struct {
	mu    sync.Mutex
	since time.Time // zero while it answers
}

func newCentre() *centre { return &centre{} }

// Lost notes that the centre did not answer and reports whether that is news.
func (c *centre) Lost(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.since.IsZero() {
		return false
	}
	c.since = now
	return true
}

// Found notes that the centre answered and returns how long it had been away.
func (c *centre) Found(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		return 0
	}
	away := now.Sub(c.since)
	c.since = time.Time{}
	return away
}

// Away returns how long the centre has been out of reach, 0 while it answers.
func (c *centre) Away(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		return 0
	}
	return now.Sub(c.since)
}
