package modemsim

import "time"

// SIM describes a card that is put into a modem in place of its own.
type SIM struct {
	IMSI, ICCID string
	PIN         string // empty: none
}

// card is the SIM that a modem sees. It belongs to the goroutine that serves
// the modem.
type card struct {
	SIM
	absent bool
	tries  int  // PINs that are left
	guest  bool // not the one with the modem's number: nothing arrives for it
}

const pinTries = 3

func (o Options) card() card {
	return card{SIM: SIM{o.IMSI, o.ICCID, o.PIN}, tries: pinTries}
}

// RemoveSIM takes the SIM out; its messages go with it.
func (m *Modem) RemoveSIM() { m.do(func() { m.changeCard(card{absent: true}) }) }

// InsertSIM puts a SIM without messages into the modem. A card with the IMSI
// of the modem's options is its own: its messages are on it.
func (m *Modem) InsertSIM(s SIM) {
	m.do(func() {
		if s.IMSI == m.opts.IMSI {
			own := m.ownCard()
			own.PIN = s.PIN
			m.changeCard(own)
			return
		}
		m.changeCard(card{SIM: s, tries: pinTries, guest: true})
	})
}

// BlockSIM makes the SIM ask for its PUK, as after three wrong PINs.
func (m *Modem) BlockSIM() { m.do(func() { m.card.tries, m.unlocked = 0, false }) }

// do has the modem's goroutine run f, before the next command at the latest.
func (m *Modem) do(f func()) {
	m.mu.Lock()
	m.todo = append(m.todo, f)
	m.mu.Unlock()
	m.wake()
}

// chores runs what other goroutines have left to be done, and ends the spells
// that are over.
func (m *Modem) chores() {
	m.mu.Lock()
	todo := m.todo
	m.todo = nil
	m.mu.Unlock()
	for _, f := range todo {
		f()
	}
	m.endSpells(time.Now())
}

// changeCard puts a card in, or none, and tells the client as modems do.
func (m *Modem) changeCard(c card) {
	m.mu.Lock()
	if !m.card.guest && !m.card.absent {
		m.drawer, m.drawerStore = m.card, m.sim
	}
	if c.guest || c.absent {
		m.sim = newStore(m.opts.Slots)
	} else {
		m.sim = m.drawerStore
	}
	m.card = c
	m.mu.Unlock()
	m.unlocked = !c.absent && c.PIN == "" && c.tries > 0
	switch {
	case c.absent:
		m.notify("+CPIN: NOT INSERTED")
	case m.unlocked:
		m.notify("+CPIN: READY")
	default:
		m.notify("+CPIN: SIM PIN")
	}
}

// ownCard is the modem's own card, wherever it is.
func (m *Modem) ownCard() card {
	if m.card.guest || m.card.absent {
		return m.drawer
	}
	return m.card
}

// simState is what a command that needs the SIM fails with.
func (m *Modem) simState() error {
	switch {
	case m.card.absent:
		return cms(310)
	case !m.unlocked && m.card.tries == 0:
		return cms(316)
	case !m.unlocked:
		return cms(311)
	}
	return nil
}
