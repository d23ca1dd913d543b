package modemsim

import (
	"fmt"
	"slices"
	"time"
)

// diverted applies the faults of the network to a message that is about to be
// delivered, and says whether it is not to be delivered now.
func (m *Modem) diverted(msg *message) bool {
	if !msg.advert {
		if r, ok := m.fault(Adverts, ""); ok {
			m.flood(r)
		}
		if _, ok := m.fault(Poisoned, ""); ok {
			all := Poisons("+62899000066", m.random(1<<20))
			_, _ = m.net.enqueue(m.opts.Number, "", &message{pdu: all[m.random(len(all))].PDU, advert: true})
		}
	}
	if r, ok := m.fault(Reorder, ""); ok {
		m.mu.Lock()
		msg.due = time.Now().Add(max(r.Delay, 10*time.Millisecond))
		m.mu.Unlock()
		return true
	}
	if _, ok := m.fault(LosePDU, ""); ok {
		m.unqueue(msg)
		m.record(Lost, msg.id, "")
		return true
	}
	if _, ok := m.fault(Duplicate, ""); ok {
		// The phone sent it again: everything is the same but the time stamp.
		if pdu, ok := laterSCTS(msg.pdu); ok {
			_, _ = m.net.enqueue(m.opts.Number, "", &message{pdu: pdu, class0: msg.class0, advert: true})
		}
	}
	if other := m.net.otherThan(m); other != nil {
		if r, ok := m.fault(Reroute, ""); ok {
			m.reroute(msg, r, other)
			return true
		}
	}
	return false
}

// flood has the SMSC queue adverts: names and long texts that nobody asked for.
func (m *Modem) flood(r Rule) {
	for range max(r.Code, 3) {
		for _, pdu := range Advert(m.random(1 << 20)) {
			_, _ = m.net.enqueue(m.opts.Number, "", &message{pdu: pdu, advert: true}) // a closed network sends none
		}
	}
}

// reroute gives a message to another modem, as when an officer's phone sends
// the parts of one SMS to two numbers.
func (m *Modem) reroute(msg *message, r Rule, other *Modem) {
	if named := m.net.modem(r.Text); r.Text != "" && named != nil {
		other = named
	}
	m.unqueue(msg)
	m.net.readdress(msg.id, other.opts.Number)
	other.mu.Lock()
	other.queue = append(other.queue, msg)
	other.mu.Unlock()
	other.wake()
}

// otherThan returns a modem of the network that is not m, the first by number.
func (n *Network) otherThan(m *Modem) *Modem {
	n.mu.Lock()
	defer n.mu.Unlock()
	var other *Modem
	for _, o := range n.modems {
		if o != m && (other == nil || o.opts.Number < other.opts.Number) {
			other = o
		}
	}
	return other
}

// readdress notes that a message goes to another number than it was sent to.
func (n *Network) readdress(id ID, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deliveries[id-1].To = to
	n.log(Event{Kind: Rerouted, Modem: to, ID: id})
}

// unqueue takes a message from the SMSC.
func (m *Modem) unqueue(msg *message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(m.queue, msg)
	switch {
	case i == 0: // the rule; a long queue is not moved for it
		m.queue[0] = nil
		m.queue = m.queue[1:]
	case i > 0:
		m.queue = slices.Delete(m.queue, i, i+1)
	}
}

// reuseSlot fills a slot whose content the client has read some time ago with
// another message: a replace type, or a slot that was freed behind its back. The
// old content is gone, the new one has not been read.
func (m *Modem) reuseSlot(c command) {
	var index int
	if _, err := fmt.Sscan(arguments(c.args)[0], &index); err != nil || c.op != assign {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, i := m.memory(m.set.memory[0]).find(index - m.base())
	if s == nil || s.slots[i-1].id == 0 || s.slots[i-1].readAt.IsZero() {
		return
	}
	v := &s.slots[i-1]
	fresh := m.unseen(s)
	if fresh == nil {
		return
	}
	if _, ok := m.faults.takeIf(SlotReused, c.name, func(r Rule) bool { return time.Since(v.readAt) >= r.Delay }); !ok {
		return
	}
	m.record(Faulted, 0, string(SlotReused))
	m.record(Replaced, v.id, "")
	*v = fresh()
	m.record(Stored, v.id, fmt.Sprintf("slot %d", index))
}

// unseen finds a message that no client has seen: the first at the SMSC, or one
// in another slot. What it returns takes it from there. It needs m.mu.
func (m *Modem) unseen(s *store) func() slot {
	if len(m.queue) > 0 && !m.queue[0].class0 && !m.queue[0].report && !m.card.guest {
		msg := m.queue[0]
		return func() slot {
			m.queue = m.queue[1:]
			m.record(Acknowledged, msg.id, "")
			return slot{id: msg.id, pdu: msg.pdu}
		}
	}
	for i := range s.slots {
		if v := s.slots[i]; v.id != 0 && v.readAt.IsZero() {
			return func() slot { return s.drop(i + 1) }
		}
	}
	return nil
}
