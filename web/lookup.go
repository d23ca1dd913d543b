package web

import (
	"context"
	"time"
)

// lookupEvery is how far the search may be behind what arrives.
const lookupEvery = time.Second

// runLookup brings what arrives into the search, until ctx ends.
func (s *site) runLookup(ctx context.Context) {
	failed := false
	for {
		more, err := s.Centre.FillLookup(ctx)
		if err == nil {
			err = s.Centre.SweepClaims(ctx)
		}
		if err != nil && !failed && ctx.Err() == nil {
			s.Log.Warn("the search is not kept up", "err", err)
		}
		failed = err != nil
		wait := lookupEvery
		if more {
			wait = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
