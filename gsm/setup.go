package gsm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// errChanged means that the SIM in the modem is no longer the one we began with.
var errChanged = errors.New("SIM was changed")

// setup brings a fresh connection from any state to one that can be swept. It never resets the modem.
func (m *Modem) setup(ctx context.Context, l *link) error {
	if err := m.greet(ctx, l); err != nil {
		return err
	}
	if err := m.meet(l, func() error { return m.unlock(ctx, l) }); err != nil {
		return err
	}
	if err := m.health(l); err != nil {
		return err
	}
	if err := m.service(l); err != nil {
		return err
	}
	return m.settle(l)
}

// diagnose says what a device is that does not answer AT: silent, at another speed, or no modem at all.
func (l *link) diagnose(err error) error {
	heard, odd := l.tap.heard.Load(), l.tap.odd.Load()
	switch {
	case !errors.Is(err, errSilent) || heard == 0:
		return err
	case 3*odd > heard:
		return fmt.Errorf("%w: %w", errGarbled, err)
	}
	return fmt.Errorf("%w: %w", errNoModem, err)
}

// optional gives a command whose refusal does no harm.
func (l *link) optional(command string) error {
	_, err := l.cmd(l.limits.short, command)
	return unlessRefused(err)
}

// settle applies the settings that receiving rests on, and reads each back.
func (m *Modem) settle(l *link) error {
	// Phase 2 service: no acknowledgement by AT+CNMA is owed, so none can be late and switch CNMI off. A modem that
	// knows phase 2+ only is acknowledged to once the keeper has the message.
	if err := l.optional("+CSMS=0"); err != nil {
		return err
	}
	service, err := l.query(l.limits.short, "+CSMS?", "+CSMS")
	if err := unlessRefused(err); err != nil {
		return err
	}
	m.owes = len(service) > 0 && strings.HasPrefix(service[0], "1")
	if err := l.pduMode(); err != nil {
		return err
	}
	if err := m.chooseStores(l); err != nil {
		return err
	}
	return m.chooseIndications(l)
}

// verify finds out whether the modem has reset itself, which modems do without saying so, and sets it up again.
func (m *Modem) verify(ctx context.Context, l *link) error {
	if err := m.sameSIM(l); err != nil {
		return err
	}
	m.unsure = false
	if err := l.optional("E0"); err != nil {
		return err
	}
	same, err := m.settled(l)
	if err != nil || same {
		return err
	}
	m.log.Warn("modem had lost its settings; setting it up again")
	m.status.update(func(s *Status) { s.Resets++ })
	if err := l.optional("+CMEE=1"); err != nil {
		return err
	}
	if err := m.unlock(ctx, l); err != nil {
		return err
	}
	return m.settle(l)
}

// sure asks whose slots were just read where the modem has said anything that makes it doubtful: rows of another SIM
// under the name of the one before would count once more when they are read again.
func (m *Modem) sure(l *link) error {
	if !m.unsure && len(l.events.verify) == 0 {
		return nil
	}
	if err := m.sameSIM(l); err != nil {
		return err
	}
	m.unsure = false
	return nil
}

// sameSIM makes sure that the slots still are those of the SIM we know. One that is merely busy is believed.
func (m *Modem) sameSIM(l *link) error {
	imsi, err := l.number("+CIMI")
	if err != nil || imsi == m.keptIMSI {
		return err
	}
	if imsi == "" {
		state, err := l.query(l.limits.short, "+CPIN?", "+CPIN")
		if len(state) > 0 && state[0] == "READY" {
			return nil
		}
		if err := unlessRefused(err); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrSIM, errChanged)
}

// settled compares the settings with those we made.
func (m *Modem) settled(l *link) (bool, error) {
	var refused *SendError
	for _, c := range []struct{ name, want string }{{"+CMGF", "0"}, {"+CNMI", m.cnmi}} {
		got, err := l.ask(c.name+"?", c.name)
		if errors.As(err, &refused) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if strings.ReplaceAll(got, " ", "") != c.want {
			return false, nil
		}
	}
	got, err := l.ask("+CPMS?", "+CPMS")
	if errors.As(err, &refused) {
		return false, nil
	}
	return quoted(got) == m.opened, err
}

// health reads signal, registration and operator. A modem that refuses one of them is not worse for it.
func (m *Modem) health(l *link) error {
	csq, err := l.query(m.limits.short, "+CSQ", "+CSQ")
	if err := unlessRefused(err); err != nil {
		return err
	}
	reg, err := l.registration()
	if err != nil {
		return err
	}
	cops, err := l.query(m.limits.list, "+COPS?", "+COPS")
	if err := unlessRefused(err); err != nil {
		return err
	}
	m.status.update(func(s *Status) {
		s.CSQ = 99
		if len(csq) > 0 {
			first, _, _ := strings.Cut(csq[0], ",")
			if n, err := strconv.Atoi(strings.TrimSpace(first)); err == nil {
				s.CSQ = n
			}
		}
		s.Registration, s.Operator = reg, ""
		if len(cops) > 0 {
			s.Operator = quoted(cops[0])
		}
	})
	return nil
}

// registration asks the circuit-switched side, then the packet side, on which LTE-only modems register.
func (l *link) registration() (Registration, error) {
	reg := RegistrationUnknown
	for _, c := range []string{"+CREG", "+CEREG"} {
		own, err := l.query(l.limits.short, c+"?", c)
		if err := unlessRefused(err); err != nil {
			return reg, err
		}
		if len(own) == 0 {
			continue
		}
		f := strings.Split(own[0], ",")
		stat := strings.TrimSpace(f[min(1, len(f)-1)])
		if r, ok := registrations[stat]; ok && (reg == RegistrationUnknown || r.registered()) {
			reg = r
		}
		if reg.registered() {
			break
		}
	}
	return reg, nil
}

// isRefusal reports a final result other than OK: the line itself is in order.
func isRefusal(err error) bool {
	var refused *SendError
	return errors.As(err, &refused)
}

// unlessRefused drops a refusal and keeps what ends a connection.
func unlessRefused(err error) error {
	if isRefusal(err) {
		return nil
	}
	return err
}
