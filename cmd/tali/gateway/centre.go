package gateway

import (
	"sync"
	"time"
)

// centre remembers since when the central database has been out of reach, and
// which one it is.
type centre struct {
	mu     sync.Mutex
	since  time.Time // zero while it answers
	met    string    // incarnation that was met since the last outage; empty: none
	misfit bool      // its schema is not one that this program knows
}

func newCentre() *centre { return &centre{} }

// Lost notes that the centre did not answer and reports whether that is news.
func (c *centre) Lost(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.met = ""
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

// Met reports whether the centre was met since it was last out of reach.
func (c *centre) Met() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.met != ""
}

// Meet notes which centre answers.
func (c *centre) Meet(incarnation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.met = incarnation
}

// Still forgets the acquaintance when another centre answers now: a driver may
// have changed over without anybody noticing.
func (c *centre) Still(incarnation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.met != incarnation {
		c.met = ""
	}
}

// Misfit notes whether the centre's schema is unknown here, and reports whether
// that is news.
func (c *centre) Misfit(now bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	news := c.misfit != now
	if c.misfit = now; now {
		c.met = ""
	}
	return news
}

// Misfits reports what Misfit noted last.
func (c *centre) Misfits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.misfit
}
