package gateway

import (
	"context"
	"time"
)

const pruneEvery = time.Hour

// prune forgets what the centre has had for longer than the retention. Until
// then the spool is the second copy of it.
func (g *Gateway) prune(ctx context.Context) error {
	if g.Retention <= 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	for {
		n, err := g.Spool.Prune(ctx, time.Now().Add(-g.Retention))
		switch {
		case err != nil && ctx.Err() == nil:
			g.Log.Warn("pruning the spool", "err", err)
		case n > 0:
			g.Log.Info("pruned", "messages", n)
		}
		if !pause(ctx, nil, pruneEvery) {
			return ctx.Err()
		}
	}
}
