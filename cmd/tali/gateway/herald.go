package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tali/db"
	"tali/verify"
)

const (
	heraldEvery = 5 * time.Second // while something could not be told
	mostNotices = 50              // that wait; older ones are stale
)

var errNoModem = errors.New("no modem can send")

// notice is one SMS to one of the staff's phones.
type notice struct{ phone, text string }

// notices wait until a modem takes them. It has a loop of its own, because a
// modem may take a minute to say that it has not sent.
type notices struct {
	mu    sync.Mutex
	queue []notice
	fresh *signal
}

func (n *notices) add(more ...notice) {
	n.mu.Lock()
	n.queue = append(n.queue, more...)
	n.queue = n.queue[max(0, len(n.queue)-mostNotices):]
	n.mu.Unlock()
	n.fresh.Raise()
}

func (n *notices) take() (notice, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) == 0 {
		return notice{}, false
	}
	first := n.queue[0]
	n.queue = n.queue[1:]
	return first, true
}

// announce has every phone of the staff texted.
func (g *Gateway) announce(text string) {
	text = fmt.Sprintf("TALI %s: %s", g.Name, text) // ASCII: so are all names
	text = text[:min(len(text), verify.MaxSeptets)]
	for _, phone := range g.Alarm.Phones {
		g.notices.add(notice{phone, text})
	}
}

// herald texts the staff. Any modem that can send will do.
func (g *Gateway) herald(ctx context.Context) error {
	for {
		wake := g.notices.fresh.Wait()
		n, ok := g.notices.take()
		if !ok {
			if !pause(ctx, wake, time.Minute) {
				return ctx.Err()
			}
			continue
		}
		if err := g.textStaff(ctx, n); err != nil {
			g.Log.Warn("the staff are not told yet", "err", err)
			g.notices.add(n)
			if !pause(ctx, nil, heraldEvery) {
				return ctx.Err()
			}
		}
	}
}

func (g *Gateway) textStaff(ctx context.Context, n notice) error {
	for _, m := range g.modems {
		if !m.fit(time.Now()) {
			continue
		}
		_, err := m.Send(ctx, n.phone, n.text)
		m.rest.note(err, time.Now())
		if outcomeOf(err) != db.SendRetry {
			return nil // told, perhaps told, or refused for good: not twice
		}
	}
	return errNoModem
}
