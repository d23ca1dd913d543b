package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tali/cmd/tali/gateway"
	"tali/db/spool"
)

// roomRecheck is how often a start on a full disk looks again.
const roomRecheck = 2 * time.Second

// openSpool opens the gateway's journal whatever it takes: a daemon that ended
// would have to be started again by somebody. It waits while the disk is full, SMS
// stay on the SIM meanwhile; a damaged one it sets aside, and goes on with a new
// one and what can be read of the old.
func openSpool(ctx context.Context, path string, window time.Duration, log *slog.Logger) (*spool.Spool, error) {
	for told := false; ; {
		journal, err := spool.Open(ctx, path, log, spool.WithWindow(window))
		switch {
		case err == nil:
			return journal, takeOver(ctx, path, journal, log)
		case errors.Is(err, spool.ErrDamaged):
			aside, asideErr := spool.SetAside(path, time.Now())
			if asideErr != nil {
				return nil, errors.Join(err, asideErr)
			}
			log.Error("the spool is damaged, it is set aside and a new one made: what can be read of it is taken over, "+
				"officers whose SMS cannot be read get no answer and send again; keep the file for whoever looks into it",
				"aside", aside, "err", err)
			continue
		case !errors.Is(err, spool.ErrFull):
			return nil, err
		case !told:
			log.Error("the gateway waits for room on the disk; SMS stay on the SIM", "err", err)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(roomRecheck):
		}
	}
}

// takeOver reads every damaged spool that was not read yet: the start that set it
// aside may have been cut. It closes the journal when it cannot go on.
func takeOver(ctx context.Context, path string, journal *spool.Spool, log *slog.Logger) error {
	damaged, err := spool.Aside(path)
	for _, aside := range damaged {
		taken, missed, salvageErr := gateway.Salvage(ctx, aside, journal)
		if salvageErr != nil && !errors.Is(salvageErr, spool.ErrFull) {
			err = salvageErr
			break
		}
		if missed != nil || salvageErr != nil {
			log.Error("a damaged spool could not be read whole", "aside", aside, "taken", taken, "err", errors.Join(missed, salvageErr))
		} else if taken > 0 {
			log.Warn("a damaged spool was read whole", "aside", aside, "taken", taken)
		}
	}
	if err != nil {
		return errors.Join(err, journal.Close())
	}
	return nil
}
