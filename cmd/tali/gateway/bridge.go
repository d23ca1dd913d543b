package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tali/db/spool"
	"tali/parser"
	"tali/verify"
)

const (
	bridgePage = 100              // messages decided at once while the centre is away
	bridgeLook = 10 * time.Second // whether it is, at the latest
)

// bridge answers officers from the registry snapshot while the centre is away
// for longer than InterimAfter. It opens no question and changes no case.
func (g *Gateway) bridge(ctx context.Context) error {
	every := min(max(g.InterimAfter/4, 100*time.Millisecond), bridgeLook)
	looked := int64(0) // newest message that this outage has been looked at for
	told := ""         // what this outage's log has said already
	for pause(ctx, nil, every) {
		g.rounds.mark("bridge")
		if g.centre.Away(time.Now()) < g.InterimAfter {
			looked, told = 0, ""
			continue
		}
		var err error
		if looked, err = g.answerWaiting(ctx, looked); err != nil && ctx.Err() == nil && err.Error() != told {
			told = err.Error()
			g.Log.Error("no interim answers", "err", err)
		}
	}
	return ctx.Err()
}

// answerWaiting decides what waits behind `after` and returns how far it got.
func (g *Gateway) answerWaiting(ctx context.Context, after int64) (int64, error) {
	registry, err := g.snapshot(ctx)
	if errors.Is(err, spool.ErrNoSnapshot) {
		return after, nil // never connected yet: nobody is known here
	}
	if err != nil {
		return after, err
	}
	for {
		page, err := g.Spool.Waiting(ctx, after, bridgePage)
		if err != nil || len(page) == 0 {
			return after, err
		}
		if err := g.Spool.AddInterim(ctx, g.interims(page, registry)); err != nil {
			return after, err
		}
		g.fail.pass(interimQueued)
		after = page[len(page)-1].Seq
		g.replies.Raise()
	}
}

func (g *Gateway) interims(page []spool.Message, registry *verify.Registry) []spool.Interim {
	var out []spool.Interim
	for _, m := range page {
		phone, _ := parser.ParsePhone(m.Sender) // who is no number gets no reply
		reply, ok := verify.Interim(g.Profile, g.inbound(m).Message, nil, registry)
		if ok && m.Interim == "" {
			out = append(out, spool.Interim{
				Seq: m.Seq, Modem: m.Modem, To: phone, Kind: reply.Kind, Text: reply.Text, At: time.Now(),
			})
		}
	}
	return out
}

func (g *Gateway) snapshot(ctx context.Context) (*verify.Registry, error) {
	data, _, err := g.Spool.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var r verify.Registry
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("reading registry snapshot: %w", err)
	}
	if r.Profile != g.Profile.Digest {
		return nil, fmt.Errorf("%w: it is of profile %.12s, this gateway serves %.12s", errOtherProfile, r.Profile, g.Profile.Digest)
	}
	return &r, nil
}

// errOtherProfile: the spool was used for another election before.
var errOtherProfile = errors.New("registry snapshot is of another election")
