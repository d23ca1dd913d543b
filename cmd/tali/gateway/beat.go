package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tali/db"
	"tali/db/spool"
	"tali/gsm"
)

const (
	beatEvery     = 10 * time.Second
	snapshotEvery = 5 * time.Minute
	beatTimeout   = 10 * time.Second
)

// beat tells the centre every few seconds that this gateway lives, and fetches
// the registry for the time when the centre is away.
func (g *Gateway) beat(ctx context.Context) error {
	// A gateway that starts again and again must not ask for everything each time.
	_, taken, err := g.Spool.Snapshot(ctx)
	switch {
	case err == nil:
		g.snapshotAt.Store(taken.UnixNano())
	case !errors.Is(err, spool.ErrNoSnapshot) && ctx.Err() == nil:
		g.Log.Warn("registry snapshot of the last run is not used", "err", err)
	}
	for {
		g.rounds.mark("beat")
		g.noteBeat(ctx, g.beatOnce(ctx, &taken))
		if !pause(ctx, nil, beatEvery) {
			return ctx.Err()
		}
	}
}

// noteBeat: a centre that is away must be missed on a quiet afternoon, too. That
// it is back, the delivery notices.
func (g *Gateway) noteBeat(ctx context.Context, err error) {
	switch {
	case err == nil || ctx.Err() != nil || errors.Is(err, db.ErrSchema):
	case errors.Is(err, db.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		if g.centre.Lost(time.Now()) {
			g.Log.Warn("centre away", "err", err)
		}
	default:
		g.Log.Warn("heartbeat", "err", err)
	}
}

func (g *Gateway) beatOnce(ctx context.Context, taken *time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	status, err := g.status(ctx)
	if err != nil {
		return err
	}
	if err := g.fits(ctx); err != nil {
		return err
	}
	id, err := g.Centre.Incarnation(ctx)
	if err != nil {
		return err
	}
	g.centre.Still(id)
	if err := g.Centre.Heartbeat(ctx, status); err != nil {
		return err
	}
	if time.Since(*taken) < snapshotEvery {
		return nil
	}
	if err := g.takeSnapshot(ctx); err != nil {
		return err
	}
	*taken = time.Now()
	g.snapshotAt.Store(taken.UnixNano())
	return nil
}

func (g *Gateway) takeSnapshot(ctx context.Context) error {
	registry, err := g.Centre.Registry(ctx, g.Profile)
	if err != nil {
		return fmt.Errorf("fetching registry: %w", err)
	}
	g.fail.pass(snapshotFetched)
	data, err := json.Marshal(registry)
	if err != nil {
		return fmt.Errorf("packing registry: %w", err)
	}
	return g.Spool.SaveSnapshot(ctx, data, time.Now())
}

func (g *Gateway) status(ctx context.Context) (db.GatewayStatus, error) {
	s := db.GatewayStatus{Name: g.Name, Version: g.Version}
	if at := g.snapshotAt.Load(); at > 0 {
		s.SnapshotAt = time.Unix(0, at)
	}
	var err error
	if s.SpoolQueued, s.SpoolOldest, err = g.Spool.Undelivered(ctx); err != nil {
		return s, err
	}
	for _, m := range g.modems {
		st, credit := m.Health(), g.balances.of(m.name)
		s.Modems = append(s.Modems, db.ModemStatus{
			Name: st.Name, Number: st.Number, Operator: cmp.Or(st.Operator, g.Operators[st.Name]), Alive: st.State == gsm.StateReady,
			Health: db.ModemHealth{
				HeardAt: st.LastHeard, SignalDBm: st.SignalDBm, SlotsUsed: st.SlotsUsed, Slots: st.SlotsTotal,
				Balance: credit.Rupiah, BalanceAt: credit.told(),
			},
		})
	}
	return s, nil
}
