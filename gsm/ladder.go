package gsm

import (
	"context"
	"errors"
	"time"
)

// The ladder: how many connections in a row have to come to nothing before a step is taken. Up to restartAfter every
// connection is ESC and AT three times, then closing and opening.
const (
	restartAfter = 3
	resetAfter   = 6
	alarmAt      = 9
	againAfter   = 10 * time.Minute // before the ladder is climbed once more
)

// climb takes the next step for a modem whose connection came to nothing. A SIM that waits for a person, a device
// that is missing or another program's: no restart helps those.
func (m *Modem) climb(ctx context.Context, l *link, err error) {
	if ctx.Err() != nil || errors.Is(err, ErrSIM) {
		return
	}
	m.failures++
	switch m.failures {
	case restartAfter:
		m.step(StepRestart, err)
		if err := l.restart(); err != nil {
			m.log.Debug("restart was not confirmed", "err", err)
		}
		m.status.update(func(s *Status) { s.Restarts++ })
	case resetAfter:
		m.resetPort(ctx, err)
	case alarmAt:
		m.step(StepAlarm, err)
		m.log.Error("modem needs a person: neither restarting it nor resetting its port has helped", "err", err)
		m.status.update(func(s *Status) { s.Alarms++ })
		m.alarmed = time.Now()
	default:
		if m.failures > alarmAt && time.Since(m.alarmed) > againAfter {
			m.failures = restartAfter - 1
		}
		if m.failures < alarmAt {
			m.step(StepReopen, err)
		}
	}
}

func (m *Modem) step(s Step, err error) {
	m.status.update(func(st *Status) { st.Recovering = s })
	if s != StepReopen && s != StepAlarm {
		m.log.Warn("recovering a modem", "step", string(s), "attempt", m.failures, "err", err)
	}
}

// restart tells the modem to begin anew. It answers now, later, or never: the next connection finds out.
func (l *link) restart() error {
	l.step = true
	return l.optional("+CFUN=1,1")
}

// resetPort is the step for a modem that no longer hears AT.
func (m *Modem) resetPort(ctx context.Context, cause error) {
	if m.set.ResetPort == nil {
		m.step(StepReopen, cause)
		return
	}
	m.step(StepReset, cause)
	if err := m.set.ResetPort(ctx, m.set.Device); err != nil {
		m.log.Warn("port cannot be reset", "err", err)
		return
	}
	m.status.update(func(s *Status) { s.PortResets++ })
}

// recovered ends the climb once there has been a whole sweep.
func (m *Modem) recovered() {
	m.failures, m.swept = 0, true
	m.status.update(func(s *Status) { s.Recovering = "" })
}
