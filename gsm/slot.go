package gsm

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// alarmAfter is the number of failed deletes of one slot that calls for a person.
	alarmAfter = 3
	// stuckPause is how many sweeps pass a slot over that cannot be emptied before it is tried again.
	stuckPause = 10
)

// slotID names a slot of the SIM or the modem.
type slotID struct {
	store string
	slot  int
}

// slotHistory is what went on with a slot before.
type slotHistory struct {
	failures int    // deletes that went wrong
	failed   string // the PDU that was to be deleted then
	odd      string // hex of the wrong length, as last read
	oddReads int    // reads in a row that agreed on it
	passed   int    // sweeps since the last try on a slot that cannot be emptied
	deleted  string // the PDU that the modem said it deleted last
}

// filled notes how full a store is.
func (m *Modem) filled(store string, used int) {
	now := Fill{store, used, m.totals[store]}
	stuck := 0
	for _, n := range m.stuck {
		stuck += n
	}
	m.status.update(func(s *Status) {
		if store == m.stores[0] {
			s.Store, s.StoreUsed, s.StoreTotal = now.Store, now.Used, now.Total
		}
		s.StuckSlots = stuck
		fills := []Fill{}
		for _, name := range m.stores {
			fill := Fill{Store: name, Total: m.totals[name]}
			for _, old := range s.Stores {
				if old.Store == name {
					fill.Used = old.Used
				}
			}
			if name == store {
				fill = now
			}
			fills = append(fills, fill)
		}
		s.Stores = fills
	})
}

// noteLies finds slots that hold what the modem said it had deleted.
func (m *Modem) noteLies(store string, entries []entry) {
	for _, e := range entries {
		if h := m.slots[slotID{store, e.slot}]; h != nil && h.deleted == e.pdu {
			h.deleted = ""
			m.deleteFailed(store, e, errors.New("it said OK and kept the message"))
		}
	}
}

// noteMended finds slots that could not be emptied and are empty now, or hold something else. They are tried at once
// the next time, and still read again before each delete.
func (m *Modem) noteMended(store string, entries []entry) {
	for id, h := range m.slots {
		same := func(e entry) bool { return e.slot == id.slot && e.pdu == h.failed }
		if id.store == store && h.failures >= alarmAfter && !slices.ContainsFunc(entries, same) {
			h.failures, h.passed = alarmAfter-1, 0
		}
	}
}

// noteDraft mentions messages that are not incoming ones, once: they are the owner's, and they take room.
func (m *Modem) noteDraft(e entry) {
	if h := m.history(m.opened, e.slot); h.deleted != e.pdu {
		h.deleted = e.pdu
		m.log.Warn("slot holds a draft or a sent message; it is left alone", "store", m.opened, "slot", e.slot)
	}
}

func (m *Modem) history(store string, slot int) *slotHistory {
	id := slotID{store, slot}
	if m.slots[id] == nil {
		m.slots[id] = &slotHistory{}
	}
	return m.slots[id]
}

// remove deletes one kept slot, if it still holds what was kept. It reports whether the slot is empty now; a
// refused delete is no error, because the next sweep meets the slot again.
func (m *Modem) remove(l *link, e entry) (bool, error) {
	h := m.history(m.opened, e.slot)
	if h.failures >= alarmAfter && h.passed < stuckPause {
		h.passed++
		return false, nil
	}
	h.passed = 0
	if e.doubt || m.doubt || h.failures > 0 || len(l.events.verify) > 0 || time.Since(e.readAt) > m.limits.fresh {
		now, ok, err := l.readSlot(e.slot)
		if err := unlessRefused(err); err != nil {
			return false, err
		}
		if err == nil && !ok {
			return true, nil
		}
		if now.pdu != e.pdu {
			m.soon() // filled anew, or not read right: what is there now has not been kept
			return false, nil
		}
	}
	_, err := l.cmd(m.limits.del, fmt.Sprintf("+CMGD=%d", e.slot))
	if err != nil {
		m.deleteFailed(m.opened, e, err)
		return false, unlessRefused(err)
	}
	h.deleted = e.pdu
	m.status.update(func(s *Status) {
		s.Deleted++
		if isReport(e.pdu) {
			s.Reports++
		}
	})
	return true, nil
}

// deleteFailed remembers a delete that went wrong: from now on the slot is read again before each delete.
func (m *Modem) deleteFailed(store string, e entry, err error) {
	h := m.history(store, e.slot)
	h.failures++
	h.failed = e.pdu
	m.status.update(func(s *Status) { s.DeleteFailures++ })
	m.noteError(err)
	if h.failures == alarmAfter {
		m.log.Error("slot cannot be emptied: the SIM will fill up", "store", store, "slot", e.slot, "err", err)
	}
}
