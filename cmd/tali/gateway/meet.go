package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tali/db"
)

const (
	// offerBack is how far back messages are offered again to a centre that is
	// not the one that it was.
	offerBack = 24 * time.Hour

	incarnationState = "incarnation" // of the centre, as last met
)

// meet makes sure, at the start and after each outage, that this program fits
// the schema of the centre, and that the centre is the one that it was: a
// promotion or a restore may have lost the last hours, and the spool is the
// second copy of them.
func (g *Gateway) meet(ctx context.Context) error {
	if g.centre.Met() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, beatTimeout)
	defer cancel()
	if err := g.fits(ctx); err != nil {
		return err
	}
	id, err := g.Centre.Incarnation(ctx)
	if err != nil {
		return err
	}
	known, err := g.Spool.State(ctx, incarnationState)
	if err != nil {
		return err
	}
	if known != "" && known != id {
		if err := g.offerAgain(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("offering again: %w", err)
		}
	}
	if known != id {
		if err := g.Spool.SetState(ctx, incarnationState, id); err != nil {
			return err
		}
	}
	g.centre.Meet(id)
	return nil
}

// fits reports whether this program knows the centre's schema. One that does
// not must not write there; what it receives stays in the spool.
func (g *Gateway) fits(ctx context.Context) error {
	err := g.Centre.CheckVersion(ctx)
	if news := g.centre.Misfit(errors.Is(err, db.ErrSchema)); news && err != nil {
		g.Log.Error("this program does not fit the centre: SMS are kept here until one of them is brought up to date", "err", err)
	}
	return err
}

// offerAgain hands over what was delivered in the last hours, in order. The
// centre knows most of it; what the senders were told goes along, so that they
// are told only what is new.
func (g *Gateway) offerAgain(ctx context.Context) error {
	since := time.Now().Add(-offerBack)
	offered := 0
	for after := int64(0); ; {
		page, err := g.Spool.DeliveredSince(ctx, since, after, batchSize)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			g.Log.Warn("the centre is another one than before: the last hours were offered to it again", "messages", offered)
			return nil
		}
		if err := g.handOver(ctx, page); err != nil {
			return err
		}
		offered += len(page)
		after = page[len(page)-1].Seq
	}
}
