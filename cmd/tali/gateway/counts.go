package gateway

import (
	"sync"

	"tali/db"
	"tali/verify"
)

// counts are what metrics show that no durable table holds: they begin anew
// with each start, as counters of Prometheus may.
type counts struct {
	mu       sync.Mutex
	verdicts map[verify.Outcome]int
	sends    map[sendCount]int
	fates    map[db.Fate]int
	guarded  int // replies that the loop guard held back
}

type sendCount struct {
	modem   string
	outcome db.SendOutcome
}

func newCounts() *counts {
	return &counts{verdicts: make(map[verify.Outcome]int), sends: make(map[sendCount]int), fates: make(map[db.Fate]int)}
}

func (c *counts) decided(verdicts []verify.Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range verdicts {
		c.verdicts[verdicts[i].Outcome]++
	}
}

func (c *counts) send(modem string, o db.SendOutcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sends[sendCount{modem, o}]++
}

func (c *counts) fate(f db.Fate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fates[f]++
}

func (c *counts) guard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.guarded++
}

// each calls what it was given for every count.
func (c *counts) each(
	decided func(verify.Outcome, int), sent func(sendCount, int), reported func(db.Fate, int), guarded func(int),
) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for o, n := range c.verdicts {
		decided(o, n)
	}
	for s, n := range c.sends {
		sent(s, n)
	}
	for f, n := range c.fates {
		reported(f, n)
	}
	guarded(c.guarded)
}
