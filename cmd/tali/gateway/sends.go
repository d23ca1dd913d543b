package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tali/db"
	"tali/db/spool"
)

// maxSends is how often an interim answer of unknown outcome is sent in all.
const maxSends = 2

// once is something that is done before anything is claimed: it is tried again
// until it succeeds, because the spool's disk may be full when the gateway starts.
type once struct {
	mu   sync.Mutex
	done bool
}

func (o *once) do(ctx context.Context, what func(context.Context) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return nil
	}
	err := what(ctx)
	o.done = err == nil
	return err
}

// settleInterims: an interim answer whose sending the last run began and did not
// end has an unknown outcome.
func (g *Gateway) settleInterims(ctx context.Context) error {
	interims, err := g.Spool.OpenInterims(ctx)
	if err != nil {
		return err
	}
	for _, i := range interims {
		state := spool.InterimQueued
		if i.Attempts >= maxSends {
			state = spool.InterimUnknown
		}
		if err := g.Spool.CloseInterim(ctx, i.ID, state, "the gateway ended while sending"); err != nil {
			return fmt.Errorf("settling interim answers of the last run: %w", err)
		}
	}
	return nil
}

// reclaim takes back what the last run had claimed: the spool knows which sends
// had begun.
func (g *Gateway) reclaim(ctx context.Context) error {
	sends, err := g.Spool.OpenSends(ctx)
	if err != nil {
		return err
	}
	begun := make([]int64, len(sends))
	for i, s := range sends {
		begun[i] = s.ReplyID
	}
	if err := g.Centre.ReclaimReplies(ctx, g.Name, begun); err != nil {
		return err
	}
	for _, id := range begun {
		if err := g.Spool.EndSend(ctx, id, string(db.SendUnknown)); err != nil {
			return err
		}
	}
	return nil
}

// endedSends are the outcomes that the centre has not heard yet, because it was
// away when the modem answered. A crash forgets them: then they are unknown.
type endedSends struct {
	mu   sync.Mutex
	open map[int64]db.Closing
}

func newEndedSends() *endedSends { return &endedSends{open: make(map[int64]db.Closing)} }

func (e *endedSends) add(id int64, c db.Closing) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open[id] = c
}

// take removes and returns one of them.
func (e *endedSends) take() (int64, db.Closing, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, c := range e.open {
		delete(e.open, id)
		return id, c, true
	}
	return 0, db.Closing{}, false
}

// tellEnded tells the centre what it has not heard, before anything is claimed:
// a reply whose lease ends unheard would be sent again.
func (g *Gateway) tellEnded(ctx context.Context) error {
	for {
		id, c, ok := g.ended.take()
		if !ok {
			return nil
		}
		if err := g.closeReply(ctx, id, c); err != nil {
			return err
		}
	}
}

// closeReply records how a send ended, at the centre and then in the spool. When
// the centre does not hear it, the outcome is kept for the next try.
func (g *Gateway) closeReply(ctx context.Context, id int64, c db.Closing) error {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	err := g.Centre.CloseReply(ctx, id, c)
	if err != nil && !errors.Is(err, db.ErrLeaseLost) {
		g.ended.add(id, c)
		return err
	}
	g.fail.pass(afterClose)
	if err := g.Spool.EndSend(ctx, id, string(c.Outcome)); err != nil {
		return fmt.Errorf("recording outcome of reply %d: %w", id, err)
	}
	return nil
}
