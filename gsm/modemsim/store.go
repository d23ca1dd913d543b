package modemsim

import (
	"slices"
	"time"
)

// The states of a stored message, as PDU mode numbers them.
const (
	unread = iota
	read
	unsent
	sent
	allStates
)

// slot holds one message; a free one has no PDU.
type slot struct {
	id     ID // 0 for what the client wrote itself
	state  int
	pdu    string
	readAt time.Time // when a client last saw it
}

// store is one memory. Indexes begin at 1.
type store struct {
	slots []slot
	used  int
}

func newStore(capacity int) store {
	return store{slots: make([]slot, capacity)}
}

// put takes the lowest free slot; 0 means that there is none.
func (s *store) put(v slot) int {
	if s.used == len(s.slots) {
		return 0
	}
	for i := range s.slots {
		if s.slots[i].pdu == "" {
			s.slots[i] = v
			s.used++
			return i + 1
		}
	}
	return 0
}

// drop frees a slot and returns what it held.
func (s *store) drop(index int) slot {
	v := s.slots[index-1]
	if v.pdu != "" {
		s.slots[index-1] = slot{}
		s.used--
	}
	return v
}

// memory is one or both stores as a client sees them through +CPMS.
type memory []*store

// base is the number that the first slot of a store has to clients, less one.
func (m *Modem) base() int {
	if m.opts.ZeroBased {
		return -1
	}
	return 0
}

// memory needs m.mu. MT shows the SIM's slots first.
func (m *Modem) memory(name string) memory {
	if !slices.Contains(m.opts.Stores, name) {
		return nil
	}
	switch name {
	case "SM":
		return memory{&m.sim}
	case "ME":
		return memory{&m.own}
	case "MT":
		return memory{&m.sim, &m.own}
	}
	return nil
}

func (v memory) used() (n int) {
	for _, s := range v {
		n += s.used
	}
	return n
}

func (v memory) size() (n int) {
	for _, s := range v {
		n += len(s.slots)
	}
	return n
}

// find returns the store and its own index of a slot; nil beyond the end.
func (v memory) find(index int) (*store, int) {
	for _, s := range v {
		if index >= 1 && index <= len(s.slots) {
			return s, index
		}
		index -= len(s.slots)
		if index < 1 {
			break
		}
	}
	return nil, 0
}

// save puts a message where +CPMS says that arriving ones go, and returns that
// place; index 0 means that it is full.
func (m *Modem) save(v slot) (name string, index int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = m.set.memory[2]
	if slices.Contains(m.opts.Stores, "SM") && slices.Contains(m.opts.Stores, "ME") {
		if _, ok := m.faults.take(OtherStore, ""); ok { // the lock is ours already
			m.record(Faulted, 0, string(OtherStore))
			name = map[string]string{"SM": "ME", "ME": "SM", "MT": "ME"}[name]
		}
	}
	if name != "MT" {
		return name, m.memory(name)[0].put(v)
	}
	if index = m.sim.put(v); index > 0 {
		return "SM", index
	}
	return "ME", m.own.put(v)
}
