package gsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// Probe is what one look at a device tells. Trouble names what keeps it from being a modem of ours.
type Probe struct {
	Health
	Maker, Model string
	PINAsked     bool // the SIM is locked; a probe never gives a PIN
	PINMarked    bool // the configured PIN was refused before
	Announces    bool // AT+CNMI offers +CMTI
}

// Look opens a device, asks who is there and how it fares, and closes it again. It changes no setting that lasts,
// reads no message, gives no PIN and deletes nothing. A device that cannot be opened or does not answer is a Probe
// with its Trouble.
func Look(ctx context.Context, s Settings, log *slog.Logger) Probe {
	return New(s, nil, log).probe(ctx)
}

func (m *Modem) probe(ctx context.Context) Probe {
	var p Probe
	l, err := m.dial()
	if err == nil {
		stop := context.AfterFunc(ctx, func() { _ = l.port.Close() }) // ends what waits
		err = m.look(ctx, l, &p)
		stop()
		m.leave(l)
	}
	m.status.update(func(s *Status) { s.State = StateReady }) // Health then says what ails it
	p.Health = m.Health()
	if err != nil {
		p.State, p.Trouble, p.Why = stateOf(err), TroubleOf(err), err.Error()
	}
	return p
}

// look asks; the first answer that a modem of ours would not give ends it.
func (m *Modem) look(ctx context.Context, l *link, p *Probe) error {
	if err := m.greet(ctx, l); err != nil {
		return err
	}
	var err error
	if p.Maker, err = l.word("+CGMI"); err != nil {
		return err
	}
	if p.Model, err = l.word("+CGMM"); err != nil {
		return err
	}
	tried, err := m.pinTries()
	p.PINMarked = err == nil && m.set.PIN != "" && tried >= mostPINs
	if err := m.meet(l, func() error { return m.locked(l, p) }); err != nil {
		return err
	}
	if err := m.health(l); err != nil {
		return err
	}
	if err := m.service(l); err != nil {
		return err
	}
	return m.inspect(l, p)
}

// locked reports a SIM that asks for something.
func (m *Modem) locked(l *link, p *Probe) error {
	state, err := l.ask("+CPIN?", "+CPIN")
	var refused *SendError
	switch {
	case errors.As(err, &refused) && refused.simAway():
		return fmt.Errorf("%w: %w", ErrSIM, err)
	case err != nil || state == "READY":
		return err
	case strings.Contains(state, "PUK"):
		return fmt.Errorf("%w (it asks for %s)", errPUK, state)
	}
	p.PINAsked = true
	if p.PINMarked {
		return errPINRefused
	}
	return fmt.Errorf("%w: it asks for %s", errLocked, state)
}

// inspect reads what receiving rests on, as it is.
func (m *Modem) inspect(l *link, p *Probe) error {
	offered, err := l.query(l.limits.short, "+CNMI=?", "+CNMI")
	if err := unlessRefused(err); err != nil {
		return err
	}
	if len(offered) > 0 {
		p.Announces = strings.HasPrefix(strings.SplitN(indications(offered[0], []int{0}), ",", 2)[1], "1")
	}
	own, err := l.query(l.limits.short, "+CPMS?", "+CPMS")
	if err := unlessRefused(err); err != nil || len(own) == 0 {
		return err
	}
	m.stores = nil
	fills := []Fill{}
	f := strings.Split(own[0], ",")
	for i := 0; i+2 < len(f); i += 3 {
		used, err1 := strconv.Atoi(strings.TrimSpace(f[i+1]))
		total, err2 := strconv.Atoi(strings.TrimSpace(f[i+2]))
		if err1 == nil && err2 == nil {
			fills = append(fills, Fill{strings.Trim(strings.TrimSpace(f[i]), `"`), used, total})
		}
	}
	if len(fills) == 0 {
		return nil
	}
	arriving := fills[len(fills)-1] // mem3 is where messages arrive
	m.status.update(func(s *Status) {
		s.Store, s.StoreUsed, s.StoreTotal, s.Stores = arriving.Store, arriving.Used, arriving.Total, fills[:1]
		if arriving.Store != fills[0].Store {
			s.Stores = []Fill{fills[0], arriving}
		}
	})
	return nil
}

// word is the first line of an answer without its prefix, "" where there is none.
func (l *link) word(command string) (string, error) {
	lines, err := l.cmd(l.limits.short, command)
	if err := unlessRefused(err); err != nil || len(lines) == 0 {
		return "", err
	}
	return strings.Trim(strings.TrimSpace(strings.TrimPrefix(lines[0], command+":")), `"`), nil
}

// dial opens the modem's device.
func (m *Modem) dial() (*link, error) {
	l, err := dial(m.set.Device, m.set.Baud, m.limits, m.log)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errOpen, err)
	}
	return l, nil
}

// greet brings a fresh line to the command prompt in a form that can be read.
func (m *Modem) greet(ctx context.Context, l *link) error {
	if err := l.sync(ctx, m.limits.quiet/6); err != nil {
		return l.diagnose(err)
	}
	for _, c := range []string{"E0", "V1", "+CMEE=1"} {
		if err := l.optional(c); err != nil {
			return err
		}
	}
	return nil
}
