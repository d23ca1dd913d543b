package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

const (
	refresh     = time.Second      // between two pictures of the count, at least
	readTimeout = 30 * time.Second // for reading one
	patience    = 5 * time.Second  // of those who wait for it
	// A picture that took longer than quick is not waited for while there is an
	// older one, and is left alone for restShare times as long: a large election
	// must not keep the database busy with its own overview. One that took
	// longer than readTimeout hung on a dead line, which says nothing of the next.
	restShare = 20
	quick     = refresh / restShare
	longest   = 2 * time.Minute // between two pictures
)

// errLate: the centre neither answers nor refuses.
var errLate = errors.New("the centre does not answer in time")

// picture is the count as everybody sees it until the next second begins.
type picture struct {
	boards map[string]board // by language, drawn from templates, escaped
	at     stamp            // by the centre's clock
	err    error            // why there is no board
	slot   time.Time        // the second it is for
	next   time.Time        // before then, no other is drawn
	slow   time.Duration    // what drawing it took, if longer than quick
}

// latest draws once for all who watch, at most once a second.
type latest struct {
	log     *slog.Logger
	mu      sync.Mutex
	last    picture
	drawing chan struct{} // closed when the drawing under way ends; nil when none is
	began   time.Time     // the drawing under way
}

// get waits for the picture of this second, until its drawing took patience and
// only as long as ctx lives. The drawing is nobody's: a watcher who leaves does
// not spoil it for the others. On a dead line the driver ignores deadlines, so
// the watchers keep their own; one drawing, and no more, then hangs until the
// line ends.
func (l *latest) get(ctx context.Context, draw func(context.Context) picture) picture {
	l.mu.Lock()
	if now := slot(); l.last.slot.Equal(now) || now.Before(l.last.next) {
		defer l.mu.Unlock()
		return l.last
	}
	if l.drawing == nil {
		l.drawing, l.began = make(chan struct{}), time.Now()
		go l.renew(context.WithoutCancel(ctx), draw)
	}
	// A drawing that takes far longer than the last is no slow one: it hangs.
	if usual := max(patience, 3*l.last.slow); l.last.slow > 0 && l.last.err == nil && time.Since(l.began) < usual {
		defer l.mu.Unlock()
		return l.last
	}
	done, until := l.drawing, l.began.Add(patience)
	l.mu.Unlock()
	wait, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	select {
	case <-done:
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.last
	case <-wait.Done():
		return picture{err: errLate}
	}
}

func (l *latest) renew(ctx context.Context, draw func(context.Context) picture) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	began := time.Now()
	next := l.safely(ctx, draw)
	took := time.Since(began)
	next.slot = slot()
	if took > quick && took <= readTimeout && next.err == nil {
		next.slow, next.next = took, time.Now().Add(min(restShare*took, longest))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch before := l.last.err; {
	case next.err != nil && before == nil:
		l.log.Warn("live page has no data", "err", next.err)
	case next.err == nil && before != nil:
		l.log.Info("live page has data again")
	}
	l.last = next
	close(l.drawing)
	l.drawing = nil
}

// safely keeps a mistake in the page from ending the gateway beside it: no
// server of net/http stands above this goroutine to catch it.
func (l *latest) safely(ctx context.Context, draw func(context.Context) picture) (p picture) {
	defer func() {
		if mistake := recover(); mistake != nil {
			l.log.Error("drawing the live page", "err", mistake, "stack", string(debug.Stack()))
			p = picture{err: fmt.Errorf("drawing the live page: %v", mistake)}
		}
	}()
	return draw(ctx)
}

// slot is the second of the wall clock that all watchers share.
func slot() time.Time { return time.Now().Truncate(refresh) }
