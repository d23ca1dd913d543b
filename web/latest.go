package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

const (
	refresh     = time.Second     // between two pictures of the count
	readTimeout = 4 * time.Second // for reading one
	patience    = 5 * time.Second // of those who wait for it; longer, so that the real reason is told
)

// errLate: the centre neither answers nor refuses.
var errLate = errors.New("the centre does not answer in time")

// picture is the count as everybody sees it until the next second begins.
type picture struct {
	board template.HTML // drawn from the template, escaped
	at    stamp         // by the centre's clock
	err   error         // why there is no board
	slot  time.Time     // the second it is for
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
	if l.last.slot.Equal(slot()) {
		defer l.mu.Unlock()
		return l.last
	}
	if l.drawing == nil {
		l.drawing, l.began = make(chan struct{}), time.Now()
		go l.renew(context.WithoutCancel(ctx), draw)
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
	next := l.safely(ctx, draw)
	next.slot = slot()
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
