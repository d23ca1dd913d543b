package gateway

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tali/gsm"
)

// turn lets one SMS at a time leave a modem, with the pace between two of them,
// whoever sends: replies, alarms and heartbeat SMS cost the same credit. Who
// sends holds it from before the claim to the end of the send.
type turn struct {
	sync.Mutex
	next atomic.Int64 // when the modem may send again, ns since 1970
}

// wait is how long the modem still has to pause.
func (t *turn) wait(now time.Time) time.Duration { return time.Unix(0, t.next.Load()).Sub(now) }

// send has a modem, whose turn the caller holds, send one SMS, and learns from
// how it ended.
func (g *Gateway) send(ctx context.Context, m line, to, text string) (gsm.Sent, error) {
	sent, err := m.Send(ctx, to, text)
	now := time.Now()
	m.rest.note(err, now)
	m.turn.next.Store(now.Add(g.Reply.Pace).UnixNano())
	g.counts.send(m.name, outcomeOf(err))
	return sent, err
}

// textBy sends one SMS by a modem when its turn comes, and waits for its pace. It
// reports whether it tried: a modem that is not there, or rests, does not.
func (g *Gateway) textBy(ctx context.Context, m line, to, text string) (tried bool, err error) {
	m.turn.Lock()
	defer m.turn.Unlock()
	if d := m.turn.wait(time.Now()); d > 0 && !pause(ctx, nil, d) {
		return false, ctx.Err()
	}
	if !m.fit(time.Now()) {
		return false, nil
	}
	_, err = g.send(ctx, m, to, text)
	return true, err
}
