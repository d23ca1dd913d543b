package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tali/db"
	"tali/db/spool"
	"tali/parser"
	"tali/verify"
)

// sameAnswers is how often in an hour one number is told that it was not
// understood. Officers telephone by then; a machine that answers machines does
// not, and each answer costs us one too.
const sameAnswers = 5

// helpless reports whether an answer is one that a machine at the other end
// would get for ever.
func helpless(kind string) bool {
	switch kind {
	case verify.KindNoKeyword, verify.KindEmpty, verify.KindTooLong, verify.KindOtherScript, verify.KindNoQuestion,
		verify.KindNotFitting, verify.KindDamaged, verify.KindNoStation, verify.KindHelp:
		return true
	}
	return false
}

// refuses says why a reply must never leave; "" when it may. What the decision
// has let through is looked at once more: a loop costs all our credit.
func (g *Gateway) refuses(ctx context.Context, r db.Reply) (string, error) {
	phone, kind := parser.ParsePhone(r.Recipient)
	switch {
	case kind != parser.PhoneNumber:
		return "loop guard: " + string(kind), nil
	case slices.Contains(g.own, phone):
		return "loop guard: one of our own numbers", nil
	case !helpless(r.Kind):
		return "", nil
	}
	n, err := g.Centre.ToldThisHour(ctx, r.Recipient, r.Kind)
	if err != nil || n < sameAnswers {
		return "", err
	}
	return fmt.Sprintf("loop guard: told %d times this hour", n), nil
}

// release gives a claimed reply back that was not begun: for good with a reason,
// otherwise for another try.
func (g *Gateway) release(ctx context.Context, id int64, c db.Closing, reason string) error {
	c.Outcome, c.Error = db.SendFailed, reason
	if reason == "" {
		c.Outcome, c.NotBefore = db.SendRetry, time.Now().Add(firstBackOff/10)
	} else {
		g.counts.guard()
		g.Log.Warn("reply is not sent", "msg", id, "reason", reason)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	err := g.Centre.CloseReply(ctx, id, c)
	if errors.Is(err, db.ErrLeaseLost) {
		return nil
	}
	return err
}

// begin records that a reply may be on its way. A row that is open already is of
// an earlier try whose end the centre knows, or it would not have given it again.
func (g *Gateway) begin(ctx context.Context, m line, r db.Reply) error {
	err := g.Spool.BeginSend(ctx, r.ID, m.name, r.Recipient)
	if errors.Is(err, spool.ErrSendOpen) {
		if err = g.Spool.EndSend(ctx, r.ID, string(db.SendUnknown)); err == nil {
			err = g.Spool.BeginSend(ctx, r.ID, m.name, r.Recipient)
		}
	}
	if err != nil {
		return fmt.Errorf("recording send of reply %d: %w", r.ID, err)
	}
	return nil
}

// spent reports whether this gateway has sent what it may in an hour.
func (g *Gateway) spent(ctx context.Context) (bool, error) {
	if g.Reply.PerHour <= 0 {
		return false, nil
	}
	n, err := g.Spool.SentSince(ctx, time.Now().Add(-time.Hour))
	return n >= g.Reply.PerHour, err
}
