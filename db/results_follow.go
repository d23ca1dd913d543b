package db

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/lib/pq"
)

const (
	resultsChannel = "tali_results"
	// unheardPace is how often readers look where the server does not tell, such
	// as a standby.
	unheardPace = time.Second
	// A line that ended is opened again, first soon and then more rarely.
	listenAgain, listenRarely = 100 * time.Millisecond, 10 * time.Second
)

// Follow listens for changes until ctx ends, and wakes who waits in Changed.
func (r *Results) Follow(ctx context.Context) error {
	l := pq.NewListener(r.dsn, listenAgain, listenRarely, nil)
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // a second Close says so and harms nobody
	defer func() { stop(); _ = l.Close() }()
	// Listen waits for a line, which may take as long as the centre is away.
	err := l.Listen(resultsChannel)
	switch {
	case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
		return nil
	case err != nil:
		r.log.Warn("the feed is not told of changes: it looks every second", "err", err)
		return r.look(ctx)
	}
	r.wake()
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-l.Notify: // nil after a new line: something may have been missed
			if !open {
				return nil
			}
			r.wake()
		}
	}
}

func (r *Results) look(ctx context.Context) error {
	tick := time.NewTicker(unheardPace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			r.wake()
		}
	}
}
