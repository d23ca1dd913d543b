package main

import (
	"context"
	"log/slog"
	"time"
)

const (
	serverLook = time.Second      // how often it is looked whether the private server runs
	serverRest = 30 * time.Second // between two tries of one that does not start
)

// keepUp starts the private server again whenever it has ended, until ctx does:
// the kernel kills it when memory is short, or a person by mistake. Gateway and
// desk wait for it as for any centre that is away.
func (c *centreSite) keepUp(ctx context.Context, log *slog.Logger) error {
	wait := serverLook
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if c.server.PID() != 0 {
			wait = serverLook
			continue
		}
		log.Error("private PostgreSQL has ended by itself: it is started again", "log", c.server.LogFile())
		if err := c.server.Ensure(ctx); err != nil && ctx.Err() == nil {
			wait = min(2*wait, serverRest)
			log.Error("private PostgreSQL does not start", "again_in", wait, "err", err)
			continue
		}
		wait = serverLook
	}
}
