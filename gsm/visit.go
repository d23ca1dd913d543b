package gsm

import (
	"context"
	"fmt"
	"log/slog"
)

// Visit is a short stay at a modem, for tools: it sends and asks, and leaves received messages where they are. Only
// the goroutine that Call runs on uses it.
type Visit struct {
	m *Modem
	l *link
}

// Call opens a device, unlocks its SIM as a gateway would, has do work with it and closes it.
func Call(ctx context.Context, s Settings, log *slog.Logger, do func(*Visit) error) error {
	m := New(s, nil, log)
	l, err := m.dial()
	if err != nil {
		return err
	}
	defer func() {
		m.leave(l)
		m.handDirect()
	}()
	stop := context.AfterFunc(ctx, func() { m.cut(l) })
	defer stop()
	if err := m.greet(ctx, l); err != nil {
		return err
	}
	if err := m.meet(l, func() error { return m.unlock(ctx, l) }); err != nil {
		return err
	}
	if err := l.pduMode(); err != nil {
		return err
	}
	return do(&Visit{m, l})
}

// handDirect gives away flash messages that came during a visit: no slot holds them.
func (m *Modem) handDirect() {
	if len(m.held) == 0 {
		return
	}
	if m.set.Direct == nil {
		m.log.Warn("messages came that nobody keeps: a gateway should have run", "count", len(m.held))
		return
	}
	if err := m.set.Direct(m.held); err != nil {
		m.log.Error("messages are lost that were in no slot", "count", len(m.held), "err", err)
	}
}

// Send is Modem.Send.
func (v *Visit) Send(to, text string) (Sent, error) {
	t, err := submit(to, text)
	if err != nil {
		return Sent{}, err
	}
	j, err := newJob(t)
	if err != nil {
		return Sent{}, err
	}
	err = v.m.transmit(v.l, j)
	r := <-j.done
	if r.err == nil && err != nil {
		v.m.log.Debug("line after sending", "err", err)
	}
	return r.sent, r.err
}

// USSD is Modem.USSD.
func (v *Visit) USSD(ctx context.Context, code string) (string, error) {
	if err := checkCode(code); err != nil {
		return "", err
	}
	if err := v.l.ussd(code); err != nil {
		return "", fmt.Errorf("%w: %w", ErrUSSD, err)
	}
	ctx, cancel := context.WithTimeout(ctx, v.m.limits.ussd)
	defer cancel()
	line, err := await(ctx, v.l.events)
	if err != nil {
		return "", err
	}
	text, open, err := readAnswer(line)
	if open {
		if err := v.l.ussd(""); err != nil {
			v.m.log.Debug("USSD session was not ended", "err", err)
		}
	}
	return text, err
}
