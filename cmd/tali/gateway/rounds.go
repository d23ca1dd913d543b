package gateway

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// loopLimit is when a loop that has not come round hangs. One that sends may
	// have several modems take a minute each to say that they have not sent.
	loopLimit = 15 * time.Minute
	// watchLimit is the one of the loop that looks at the others' work.
	watchLimit = 30 * watchEvery
)

// rounds is when each loop of the gateway last came round.
type rounds struct {
	mu sync.Mutex
	at map[string]time.Time
}

func newRounds() *rounds { return &rounds{at: make(map[string]time.Time)} }

func (r *rounds) mark(loop string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at[loop] = time.Now()
}

// late names the loops that hang, and since when.
func (r *rounds) late(now time.Time) (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for loop, at := range r.at {
		limit := loopLimit
		if loop == watchLoop {
			limit = watchLimit
		}
		if now.Sub(at) >= limit {
			out = append(out, fmt.Sprintf("loop %s stands still since %s", loop, at.Format("15:04:05")))
		}
	}
	slices.Sort(out)
	return out
}

// Stalled names the gateway's loops that hang; none when it lives. A program with
// one is to be started again: what it holds lies in the spool.
func (g *Gateway) Stalled(now time.Time) []string { return g.rounds.late(now) }
