package modemsim

import "time"

// spell is a fault that lasts: it began, and is over at a time. The zero time
// means never; only a power cycle ends what a power cycle can end.
type spell struct {
	until time.Time
	end   func()
}

// lasting begins a fault that lasts, with what it ends with.
func (m *Modem) lasting(d time.Duration, end func()) {
	s := spell{end: end}
	if d > 0 {
		s.until = time.Now().Add(d)
	}
	m.spells = append(m.spells, s)
}

// endSpells ends those that are over.
func (m *Modem) endSpells(now time.Time) {
	left := m.spells[:0]
	var over []spell
	for _, s := range m.spells {
		if s.until.IsZero() || now.Before(s.until) {
			left = append(left, s)
		} else {
			over = append(over, s)
		}
	}
	m.spells = left
	for _, s := range over {
		s.end()
	}
}

// spellEnd is when the next one is over; zero: never.
func (m *Modem) spellEnd() time.Time {
	var next time.Time
	for _, s := range m.spells {
		if !s.until.IsZero() {
			next = sooner(next, s.until)
		}
	}
	return next
}

// sooner is the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// misbehave begins the lasting faults whose turn has come with this command.
func (m *Modem) misbehave(command string) {
	for _, kind := range []Kind{TotalSilence, WriteStall, RegistrationLost, Wedged, SIMRemoved, SIMSwapped, SIMBlocked} {
		if r, ok := m.fault(kind, command); ok {
			m.begin(kind, r.Delay)
		}
	}
}

// GuestIMSI is that of the SIM which SIMSwapped puts in: none of any modem's number.
const GuestIMSI = "510890000000666"

func guestSIM() SIM { return SIM{IMSI: GuestIMSI, ICCID: "8962890000000000666"} }

func (m *Modem) begin(k Kind, d time.Duration) {
	switch k {
	case TotalSilence:
		m.mute = true
		m.lasting(d, func() { m.mute = false })
	case WriteStall:
		m.cur.sleep(d)
	case RegistrationLost:
		m.lost = true
		m.lasting(d, func() { m.lost = false })
	case Wedged:
		m.wedged = true
		m.lasting(d, func() { m.wedged = false })
	case SIMRemoved:
		m.borrow(card{absent: true}, d)
	case SIMSwapped:
		m.borrow(card{SIM: guestSIM(), tries: pinTries, guest: true}, d)
	case SIMBlocked:
		m.card.tries, m.unlocked = 0, false
		m.lasting(d, func() {
			m.card.tries, m.drawer.tries = pinTries, pinTries // it may have been taken out meanwhile
			m.unlocked = m.card.PIN == "" && !m.card.absent
		})
	}
}

// borrow puts another card in, or none, and the modem's own back afterwards.
func (m *Modem) borrow(c card, d time.Duration) {
	m.changeCard(c)
	m.lasting(d, func() { m.changeCard(m.ownCard()) })
}
