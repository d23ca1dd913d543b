package gsm

import (
	"context"
	"errors"
	"time"
)

// serve is the owner's loop: it waits for whatever comes first and mends what can be mended.
func (m *Modem) serve(ctx context.Context, l *link) error {
	now := time.Now()
	m.up.Store(l.events) // from here on Send is heard
	m.next = agenda{sweep: now, verify: now.Add(verifyEvery), health: now.Add(m.healthWait()), verified: now}
	select { // our own questions at start-up look like a restarted modem
	case <-l.events.verify:
		m.unsure = true // or at one whose SIM was changed after we had asked for its IMSI
	default:
	}
	m.enter(StateReady, nil)
	err := m.sweep(ctx, l, m.stores) // before anything else
	var notKept *keepError
	if err == nil || errors.As(err, &notKept) {
		m.recovered()
	}
	err = m.mend(ctx, l, err)
	m.scheduleSweep()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for err == nil {
		timer.Reset(time.Until(m.next.first()))
		select {
		case <-ctx.Done():
			return nil
		case <-l.at.Closed():
			return errHangup
		case j := <-m.jobs:
			err = m.transmit(l, j)
		case q := <-m.asks:
			err = m.ask(l, q)
		case <-l.events.sweep:
			err = m.sweep(ctx, l, m.stores[:1])
		case pdu := <-l.events.direct:
			m.hold(pdu)
			err = m.keepHeld(ctx, l)
		case <-l.events.verify:
			m.unsure = true
			m.next.verify = later(time.Now(), m.next.verified.Add(verifyGap))
			continue
		case <-timer.C:
			err = m.due(ctx, l)
		}
		err = m.mend(ctx, l, err)
	}
	return err
}

// due does what the agenda says.
func (m *Modem) due(ctx context.Context, l *link) error {
	now := time.Now()
	if !m.next.keep.IsZero() && now.After(m.next.keep) {
		m.next.keep = time.Time{}
		if err := m.keepHeld(ctx, l); err != nil {
			return err
		}
		return m.timedSweep(ctx, l)
	}
	if now.After(m.next.verify) {
		m.next.verify, m.next.verified = now.Add(verifyEvery), now
		if err := m.verify(ctx, l); err != nil {
			return err
		}
		return m.timedSweep(ctx, l)
	}
	if now.After(m.next.health) {
		err := m.health(l)
		if err == nil {
			err = m.service(l)
		}
		m.next.health = now.Add(m.healthWait())
		return err
	}
	if now.After(m.next.sweep) {
		return m.timedSweep(ctx, l)
	}
	return nil
}

// healthWait is short until the network has let the modem in: replies wait for it.
func (m *Modem) healthWait() time.Duration {
	if m.Ready() {
		return healthEvery
	}
	return searchEvery
}

// timedSweep is a sweep that nobody announced; now and then it visits every store.
func (m *Modem) timedSweep(ctx context.Context, l *link) error {
	m.next.sweeps++
	scope := m.stores[:1]
	if m.next.sweeps%everywhere == 0 {
		scope = m.stores
	}
	err := m.sweep(ctx, l, scope)
	m.scheduleSweep()
	return err
}

// scheduleSweep sets the timer, to a short time while a full store is being emptied.
func (m *Modem) scheduleSweep() {
	wait := m.set.SweepInterval
	if m.follow > 0 {
		m.follow--
		wait = min(wait, retryWait)
	}
	m.next.sweep = time.Now().Add(wait)
}

// soon asks for another sweep, not at once: what made this one fail may take a moment.
func (m *Modem) soon() { m.dueWithin(min(retryWait, m.limits.quiet)) }

// dueWithin brings the next sweep forward.
func (m *Modem) dueWithin(d time.Duration) {
	if at := time.Now().Add(d); at.Before(m.next.sweep) {
		m.next.sweep = at
	}
}

// mend decides what an error means for the connection: nil when it can go on.
func (m *Modem) mend(ctx context.Context, l *link, err error) error {
	var notKept *keepError
	var refused *SendError
	switch {
	case err == nil && l.step:
		return nil
	case err == nil, errors.Is(err, errSilent):
		return m.regain(ctx, l)
	case errors.Is(err, errHangup), ctx.Err() != nil, errors.Is(err, ErrSIM):
		return err
	case errors.As(err, &notKept):
		m.postpone(notKept)
		return nil
	case errors.As(err, &refused):
		m.log.Debug("modem refused; trying again", "err", err)
	}
	m.noteError(err)
	m.next.retry = min(max(2*m.next.retry, retryWait), m.set.SweepInterval)
	m.next.sweep = time.Now().Add(m.next.retry)
	return nil
}

// postpone lets the keeper recover: everything stays where it is.
func (m *Modem) postpone(err *keepError) {
	if m.next.keepWait == 0 {
		m.next.keepWait = keepWait
		m.log.Error("received messages cannot be stored; they stay on the SIM", "err", err)
	} else {
		m.next.keepWait = min(2*m.next.keepWait, keepWaitMax)
	}
	m.noteError(err)
	m.next.keep = time.Now().Add(m.next.keepWait)
}

// regain brings the line back into step after an answer that did not come. What is in the slots is then read
// afresh, and twice, before anything is deleted.
func (m *Modem) regain(ctx context.Context, l *link) error {
	m.status.update(func(s *Status) { s.Resyncs++ })
	m.noteError(errSilent)
	if err := l.resync(ctx); err != nil {
		return err
	}
	m.doubt = true
	m.next.sweep = time.Now()
	if err := m.verify(ctx, l); !isRefusal(err) {
		return err
	}
	return nil
}

// hold notes a PDU that only this memory has.
func (m *Modem) hold(pdu string) {
	if isReport(pdu) {
		m.status.update(func(s *Status) { s.Reports++ })
	}
	m.held = append(m.held, Stored{Modem: m.set.Name, IMSI: m.keptIMSI, PDU: pdu, ReadAt: time.Now()})
}

// keepHeld gives held rows to the keeper and, where the network waits for it, acknowledges them.
func (m *Modem) keepHeld(ctx context.Context, l *link) error {
	if len(m.held) == 0 {
		return nil
	}
	if err := m.hand(ctx, m.held); err != nil {
		return err
	}
	m.held = nil
	if !m.owes || l == nil {
		return nil
	}
	return l.optional("+CNMA")
}

// keepLast tries once more to save held rows when Run ends: no slot holds them.
func (m *Modem) keepLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.limits.short)
	defer cancel()
	if err := m.keepHeld(ctx, nil); err != nil {
		m.log.Error("messages are lost that were in no slot", "count", len(m.held), "err", err)
	}
}

// first is the earliest thing due.
func (a agenda) first() time.Time {
	t := a.sweep
	for _, u := range []time.Time{a.verify, a.health, a.keep} {
		if !u.IsZero() && u.Before(t) {
			t = u
		}
	}
	return t
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
