package gateway

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tali/db/spool"
	"tali/gsm"
)

// join makes one message of the parts of each long SMS, as soon as the last
// part is there or, as incomplete, when the window has passed.
func (g *Gateway) join(ctx context.Context) error {
	for {
		g.rounds.mark("join")
		wake := g.kept.Wait()
		if err := g.joinGroups(ctx); err != nil && ctx.Err() == nil {
			g.Log.Error("joining parts of long SMS", "err", err)
		}
		if !pause(ctx, wake, min(g.PartsWindow/4, shareAfter)) {
			return ctx.Err()
		}
	}
}

func (g *Gateway) joinGroups(ctx context.Context) error {
	groups, err := g.Spool.Groups(ctx)
	if err != nil {
		return err
	}
	for _, group := range groups {
		kind := spool.MessageText
		if !group.Complete {
			if err := g.share(ctx, group); err != nil && ctx.Err() == nil {
				g.Log.Debug("looking for parts at other gateways", "err", err)
			}
			if group.Reported || time.Since(group.Last) < g.PartsWindow {
				continue
			}
			kind = spool.MessageIncomplete
		}
		g.fail.pass(beforeJoin)
		if err := g.joinGroup(ctx, group, kind); err != nil {
			return fmt.Errorf("parts %d of %s: %w", group.Ref, mask(group.Sender), err)
		}
		g.fail.pass(afterJoin)
		g.waiting.Raise()
	}
	return nil
}

func (g *Gateway) joinGroup(ctx context.Context, group spool.Group, kind spool.MessageKind) error {
	text, err := textOf(group)
	if err != nil {
		g.Log.Warn("parts do not decode together", "from", mask(group.Sender), "err", err)
		kind = spool.MessageUnreadable
	}
	return g.Spool.AddJoined(ctx, group, kind, text)
}

// textOf joins what is there. Of an incomplete group the parts are strung
// together as they are, so that the staff can read them.
func textOf(group spool.Group) (string, error) {
	if !group.Complete {
		var known []string
		for _, part := range group.Parts {
			known = append(known, part.Text)
		}
		return strings.Join(known, " [...] "), nil
	}
	hexes := make([]string, len(group.Parts))
	for i, part := range group.Parts {
		hexes[i] = part.Hex
	}
	d, err := gsm.Join(hexes)
	return d.Text, err
}
