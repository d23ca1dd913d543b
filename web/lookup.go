package web

import (
	"context"
	"time"
)

// lookupEvery is how far the search and the counts may be behind what arrives.
const lookupEvery = time.Second

// runLookup brings what arrives into the search and into the counts, until ctx
// ends.
func (s *site) runLookup(ctx context.Context) {
	failed := false
	for {
		more, err := s.keepUp(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			s.Log.Warn("search and counts are not kept up", "err", err)
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

// keepUp does one step; more says that there is another one to do at once.
func (s *site) keepUp(ctx context.Context) (more bool, err error) {
	unread, err := s.Centre.FillLookup(ctx)
	if err != nil {
		return false, err
	}
	uncounted, err := s.Centre.CountUp(ctx)
	if err != nil {
		return false, err
	}
	return unread || uncounted, s.Centre.SweepClaims(ctx)
}
