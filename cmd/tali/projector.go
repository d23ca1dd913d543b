package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tali/db"
)

const (
	// projectorPace is how far results may be behind decisions.
	projectorPace = time.Second
	// projectorStep bounds one step at a centre that does not answer.
	projectorStep = 30 * time.Second
)

// projector brings what was decided into the results interface and what people
// did into the audit chain. It may run in several processes: one works.
type projector struct {
	centre *db.DB
	log    *slog.Logger
}

// run works until ctx ends.
func (p projector) run(ctx context.Context) error {
	tick := time.NewTicker(projectorPace)
	defer tick.Stop()
	failing := false
	for {
		more, err := p.step(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !failing:
			failing = true
			p.log.Warn("results and audit stand still", "err", err)
		case err == nil && failing:
			failing = false
			p.log.Info("results and audit go on")
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// step does one batch of each task. One that fails does not keep the others
// from their work.
func (p projector) step(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, projectorStep)
	defer cancel()
	for _, task := range []func(context.Context) (int, error){p.centre.SealIntake, p.centre.Project, p.centre.ExtendChain} {
		n, failed := task(ctx)
		more = more || n > 0
		err = errors.Join(err, failed)
	}
	return more, err
}
