package gateway

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tali/db"
	"tali/db/spool"
	"tali/gsm"
	"tali/verify"
)

const (
	closeTimeout = 10 * time.Second
)

// answer sends what waits for one modem: interim answers from the spool, then
// replies from the centre's outbox. At most one SMS is in flight a modem.
func (g *Gateway) answer(ctx context.Context, m line) error {
	for {
		g.rounds.mark("answer " + m.name)
		wake := g.replies.Wait()
		sent, err := g.answerOne(ctx, m)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, db.ErrUnavailable) {
			g.Log.Warn("answering", "modem", m.name, "err", err)
		}
		wait := idleRecheck
		if due := m.turn.wait(time.Now()); due > 0 {
			wake, wait = nil, due
		} else if sent {
			continue
		}
		if !pause(ctx, wake, wait) {
			return ctx.Err()
		}
	}
}

// answerOne reports whether an SMS was sent, or may have been.
func (g *Gateway) answerOne(ctx context.Context, m line) (bool, error) {
	m.turn.Lock()
	defer m.turn.Unlock()
	if now := time.Now(); !m.fit(now) || m.turn.wait(now) > 0 {
		return false, nil
	}
	if full, err := g.spent(ctx); full || err != nil {
		return false, err
	}
	if sent, err := g.answerInterim(ctx, m); sent || err != nil {
		return sent, err
	}
	if g.centre.Away(time.Now()) > 0 {
		return false, nil
	}
	if err := g.settled.replies.do(ctx, g.reclaim); err != nil {
		return false, err
	}
	if err := g.tellEnded(ctx); err != nil {
		return false, err
	}
	return g.answerOutbox(ctx, m)
}

func (g *Gateway) answerInterim(ctx context.Context, m line) (bool, error) {
	if err := g.settled.interims.do(ctx, g.settleInterims); err != nil {
		return false, err
	}
	reply, ok, err := g.Spool.ClaimInterim(ctx, m.name, g.alive())
	if err != nil || !ok {
		return false, err
	}
	g.fail.pass(interimClaimed)
	_, err = g.send(ctx, m, reply.To, reply.Text)
	g.fail.pass(interimSent)
	state := interimState(outcomeOf(err), reply.Attempts)
	g.logSend("interim reply", reply.Seq, string(state), reply.Attempts, err)
	return state != spool.InterimQueued, g.Spool.CloseInterim(context.WithoutCancel(ctx), reply.ID, state, errorText(err))
}

func interimState(o db.SendOutcome, attempts int) spool.InterimState {
	switch {
	case o == db.SendSent:
		return spool.InterimSent
	case o == db.SendFailed:
		return spool.InterimFailed
	case o == db.SendRetry, attempts < maxSends:
		return spool.InterimQueued
	}
	return spool.InterimUnknown
}

// answerOutbox sends one reply of the outbox. The spool records that sending may
// begin before AT+CMGS, and its end after the centre knows it: after a crash the
// outcome is known at the centre, or known to be unknown.
func (g *Gateway) answerOutbox(ctx context.Context, m line) (bool, error) {
	reply, ok, err := g.Centre.ClaimReply(ctx, db.Claim{
		Gateway: g.Name, Modem: m.name, Alive: g.alive(),
		Lease: g.Reply.Lease, PerNumberHour: g.Reply.PerNumberHour,
	})
	if err != nil || !ok {
		return false, err
	}
	g.fail.pass(afterClaim)
	closing := db.Closing{Gateway: g.Name, Modem: m.name, Attempt: reply.Attempt}
	if reason, err := g.refuses(ctx, reply); err != nil || reason != "" {
		return false, errors.Join(err, g.release(ctx, reply.ID, closing, reason))
	}
	if err := g.begin(ctx, m, reply); err != nil {
		return false, errors.Join(err, g.release(ctx, reply.ID, closing, ""))
	}
	g.fail.pass(afterBegin)
	sent, err := g.send(ctx, m, reply.Recipient, reply.Text)
	g.fail.pass(afterSend)
	closing.Outcome, closing.Error = outcomeOf(err), errorText(err)
	switch {
	case closing.Outcome == db.SendSent:
		closing.Reference = strconv.Itoa(sent.Reference)
	case closing.Outcome == db.SendRetry && reply.Attempt >= mostAttempts:
		closing.Outcome = db.SendFailed
	case closing.Outcome == db.SendRetry:
		closing.NotBefore = notBefore(err, reply.Attempt, time.Now())
	}
	g.logSend("reply", reply.ID, string(closing.Outcome), reply.Attempt, err)
	err = g.closeReply(context.WithoutCancel(ctx), reply.ID, closing)
	if closing.Outcome == db.SendSent && reply.Message != (verify.Key{}) {
		err = errors.Join(err, g.Spool.Told(context.WithoutCancel(ctx), reply.Message, reply.Kind, time.Now()))
	}
	return closing.Outcome != db.SendRetry, err
}

// logSend is one line for each attempt; one that failed names why.
func (g *Gateway) logSend(what string, id int64, state string, attempt int, err error) {
	if err != nil {
		g.Log.Warn(what, "msg", id, "state", state, "attempt", attempt, "err", err)
		return
	}
	g.Log.Info(what, "msg", id, "state", state, "attempt", attempt)
}

// outcomeOf is what the outbox is told of the end of a send.
func outcomeOf(err error) db.SendOutcome {
	var refused *gsm.SendError
	switch {
	case err == nil:
		return db.SendSent
	case errors.Is(err, gsm.ErrUnplugged), errors.Is(err, context.Canceled):
		return db.SendRetry
	case errors.As(err, &refused) && refused.Permanent:
		return db.SendFailed
	case errors.As(err, &refused):
		return db.SendRetry
	default:
		return db.SendUnknown
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// alive names the modems that can send now.
func (g *Gateway) alive() []string {
	names, now := []string{}, time.Now()
	for _, m := range g.modems {
		if m.fit(now) {
			names = append(names, m.name)
		}
	}
	return names
}
