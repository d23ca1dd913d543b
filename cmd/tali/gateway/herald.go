package gateway

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tali/db"
	"tali/db/spool"
	"tali/verify"
)

const (
	heraldEvery = 5 * time.Second // while something could not be told
	mostNotices = 50              // that wait; older ones are stale
)

// unwritten are notices that the spool could not take: a full disk is one of the
// things that the staff must hear of. They live in memory until they are told.
type unwritten struct {
	mu    sync.Mutex
	queue []spool.Notice
}

// add returns how many are given up for it.
func (u *unwritten) add(more ...spool.Notice) (dropped int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.queue = append(u.queue, more...)
	dropped = max(0, len(u.queue)-mostNotices)
	u.queue = u.queue[dropped:]
	return dropped
}

func (u *unwritten) take() (spool.Notice, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.queue) == 0 {
		return spool.Notice{}, false
	}
	first := u.queue[0]
	u.queue = u.queue[1:]
	return first, true
}

// announce has every phone of the staff texted what begins and what ends, and
// remembers in the same commit that they know: a crash tells all of it or, with
// the next look, again.
func (g *Gateway) announce(ctx context.Context, texts []string, state string) error {
	var out []spool.Notice
	for _, text := range texts {
		text = fmt.Sprintf("TALI %s: %s", g.Name, text) // ASCII: so are all names
		text = text[:min(len(text), verify.MaxSeptets)]
		for _, phone := range g.Alarm.Phones {
			out = append(out, spool.Notice{To: phone, Text: text, At: time.Now()})
		}
	}
	dropped, err := g.Spool.AddNotices(ctx, out, mostNotices, alarmState, state)
	if err != nil {
		dropped = g.unwritten.add(out...)
	}
	if dropped > 0 {
		g.Log.Warn("alarms that no modem could text are given up for newer ones", "dropped", dropped, "kept", mostNotices)
	}
	g.notices.Raise()
	return err
}

// herald texts the staff. It has a loop of its own, because a modem may take a
// minute to say that it has not sent.
func (g *Gateway) herald(ctx context.Context) error {
	for {
		g.rounds.mark("herald")
		wake := g.notices.Wait()
		told, err := g.tellStaff(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			g.Log.Warn("the staff are not told yet", "err", err)
		}
		if told {
			continue
		}
		if !pause(ctx, wake, heraldEvery) {
			return ctx.Err()
		}
	}
}

// tellStaff sends one notice; false when none waits or it has to wait longer.
// None is claimed while no modem can send: what is claimed when the gateway dies
// has an outcome that nobody knows.
func (g *Gateway) tellStaff(ctx context.Context) (bool, error) {
	if len(g.alive()) == 0 {
		return false, nil
	}
	if n, ok := g.unwritten.take(); ok {
		outcome, _ := g.textStaff(ctx, n) // its reason stands in the log of sends
		if outcome == db.SendRetry {
			g.unwritten.add(n)
		}
		return outcome != db.SendRetry, nil
	}
	if err := g.settled.notices.do(ctx, g.settleNotices); err != nil {
		return false, err
	}
	n, ok, err := g.Spool.ClaimNotice(ctx)
	if err != nil || !ok {
		return false, err
	}
	g.fail.pass(noticeClaimed)
	outcome, err := g.textStaff(ctx, n)
	g.fail.pass(noticeSent)
	state := interimState(outcome, n.Attempts)
	g.logSend("notice", n.ID, string(state), n.Attempts, err)
	return state != spool.InterimQueued, g.Spool.CloseNotice(context.WithoutCancel(ctx), n.ID, state, errorText(err))
}

// textStaff tries one modem after the other, as long as an SMS has certainly not left.
func (g *Gateway) textStaff(ctx context.Context, n spool.Notice) (outcome db.SendOutcome, err error) {
	outcome = db.SendRetry
	for _, m := range g.modems {
		tried, sendErr := g.textBy(ctx, m, n.To, n.Text)
		if !tried {
			continue
		}
		if outcome, err = outcomeOf(sendErr), sendErr; outcome != db.SendRetry {
			return outcome, err
		}
	}
	return outcome, err
}

// settleNotices: what the last run was sending may have left, and is sent once more
// at most.
func (g *Gateway) settleNotices(ctx context.Context) error {
	open, err := g.Spool.OpenNotices(ctx)
	if err != nil {
		return err
	}
	for _, n := range open {
		state := interimState(db.SendUnknown, n.Attempts)
		if err := g.Spool.CloseNotice(ctx, n.ID, state, "the gateway ended while sending"); err != nil {
			return fmt.Errorf("settling alarms of the last run: %w", err)
		}
	}
	return nil
}
