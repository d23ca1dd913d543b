package gsm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// freshFor is how long a read may be trusted to describe its slot: a modem may fill a slot anew.
	freshFor = 2 * time.Second
	// alarmAfter is the number of failed deletes of one slot that calls for a person.
	alarmAfter = 3
	// stuckPause is how many sweeps pass a slot over that cannot be emptied before it is tried again.
	stuckPause = 10
)

// keepError means that the keeper did not take rows: they stay in their slots.
type keepError struct{ err error }

func (e *keepError) Error() string { return "storing rows: " + e.err.Error() }
func (e *keepError) Unwrap() error { return e.err }

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

// sweep empties stores: each is listed, kept whole, and only then deleted slot by slot. It visits the
// stores in scope and those that a +CMTI has named.
func (m *Modem) sweep(ctx context.Context, l *link, scope []string) error {
	for _, s := range m.named(l) {
		if !slices.Contains(scope, s) {
			scope = append(slices.Clone(scope), s)
		}
	}
	for _, store := range scope {
		if err := m.openStore(l, store); err != nil {
			return err
		}
		if m.opened != store {
			continue
		}
		if err := m.empty(ctx, l); err != nil {
			return errors.Join(err, m.backToMain(l, err))
		}
	}
	if err := m.openStore(l, m.stores[0]); err != nil {
		return err
	}
	m.doubt, m.next.retry = false, 0
	return nil
}

// backToMain reopens the main store after a failure that leaves the line usable.
func (m *Modem) backToMain(l *link, cause error) error {
	if errors.Is(cause, errHangup) || !l.step {
		return nil
	}
	return m.openStore(l, m.stores[0])
}

// named takes the stores that +CMTI lines have named since the last sweep.
func (m *Modem) named(l *link) []string {
	var out []string
	for {
		select {
		case s := <-l.events.stores:
			if s == "MT" {
				out = append(out, m.stores...)
			} else if s == "SM" || s == "ME" {
				out = append(out, s)
			}
		default:
			return out
		}
	}
}

// openStore selects the store that is listed and deleted from. A store that the modem refuses is left alone.
func (m *Modem) openStore(l *link, store string) error {
	if m.opened == store || m.stores[0] == "MT" {
		return nil
	}
	filling, err := l.query(m.limits.set, fmt.Sprintf("+CPMS=%q", store), "+CPMS")
	var refused *SendError
	if errors.As(err, &refused) && store != m.stores[0] {
		m.log.Debug("store cannot be opened", "store", store, "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening store %s: %w", store, err)
	}
	m.opened = store
	if len(filling) > 0 {
		if f := strings.Split(filling[0], ","); len(f) > 1 {
			m.totals[store] = lastNumber("," + f[1])
			m.filled(store, lastNumber(","+f[0]))
		}
	}
	return nil
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

// empty brings the content of the open store to safety and deletes it.
func (m *Modem) empty(ctx context.Context, l *link) error {
	store := m.opened
	entries, listErr := m.list(ctx, l)
	if len(entries) == 0 {
		if listErr == nil {
			m.noteMended(store, nil)
			m.stuck[store] = 0
			m.filled(store, 0)
		}
		return listErr
	}
	used := len(entries)
	if total := m.totals[store]; total > 0 && used >= total {
		m.follow = 3 // the network holds more, and not every modem announces it
		m.dueWithin(retryWait)
	}
	m.noteMended(store, entries)
	m.noteLies(store, entries)
	if err := m.hand(ctx, m.rows(store, entries)); err != nil {
		return err
	}
	stuck := 0
	for _, e := range entries {
		if err := m.interlude(ctx, l); err != nil {
			return err
		}
		gone, err := m.remove(l, e)
		if err != nil {
			return err
		}
		if gone {
			used--
		} else if m.history(store, e.slot).failures >= alarmAfter {
			stuck++
		}
	}
	m.stuck[store] = stuck
	m.filled(store, used)
	return listErr
}

// rows makes what the keeper gets.
func (m *Modem) rows(store string, entries []entry) []Stored {
	rows := make([]Stored, len(entries))
	for i, e := range entries {
		rows[i] = Stored{Modem: m.set.Name, IMSI: m.keptIMSI, Store: store, Slot: e.slot, PDU: e.pdu, ReadAt: e.readAt}
	}
	return rows
}

// hand gives rows to the keeper.
func (m *Modem) hand(ctx context.Context, rows []Stored) error {
	m.status.update(func(s *Status) { s.Read += len(rows); s.LastMessage = time.Now() })
	if err := m.keep(ctx, rows); err != nil {
		m.status.update(func(s *Status) { s.KeepFailures++; s.Unkept = true })
		return &keepError{err}
	}
	m.next.keepWait = 0
	m.status.update(func(s *Status) { s.Kept += len(rows); s.Unkept = false })
	return nil
}

// interlude lets a waiting reply go between two deletes: an officer waits for it, the deletes can wait.
func (m *Modem) interlude(ctx context.Context, l *link) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case j := <-m.jobs:
		return m.transmit(l, j)
	default:
		return nil
	}
}

// list reads the open store. An error beside entries means that some slots could not be read: those that could
// are worth saving at once.
func (m *Modem) list(ctx context.Context, l *link) ([]entry, error) {
	asked := time.Now()
	lines, err := l.cmd(m.limits.list, "+CMGL=4")
	var refused *SendError
	if errors.As(err, &refused) {
		asked = time.Now()
		lines, err = m.listAgain(ctx, l, refused)
		if errors.As(err, &refused) {
			return m.listSlots(ctx, l)
		}
	}
	if err != nil {
		return nil, err
	}
	var good []entry
	var failed error
	for _, e := range parseListing(lines, "+CMGL", asked) {
		if !e.received() {
			m.noteDraft(e)
			continue
		}
		if !e.whole {
			again, ok, err := m.recoverSlot(l, e.slot)
			if errors.Is(err, errHangup) || errors.Is(err, errSilent) {
				return good, err
			}
			if !ok || !again.received() {
				failed = fmt.Errorf("slot %d cannot be read", e.slot)
				continue
			}
			e = again
		}
		good = append(good, e)
	}
	return good, failed
}

// listAgain asks once more after a refusal: when the modem had lost its settings (text mode refuses "4"), or
// when the SIM was busy.
func (m *Modem) listAgain(ctx context.Context, l *link, first *SendError) ([]string, error) {
	same, err := m.settled(l)
	if err != nil {
		return nil, err
	}
	if !same {
		wake(l.events.verify)
		if err := m.settle(l); err != nil {
			return nil, err
		}
	} else if first.Kind != "" {
		if err := l.pause(ctx, m.limits.quiet); err != nil {
			return nil, err
		}
	}
	return l.cmd(m.limits.list, "+CMGL=4")
}

// listSlots reads slot by slot, for modems whose AT+CMGL fails. The first slot is 0 or 1, as the maker liked.
func (m *Modem) listSlots(ctx context.Context, l *link) ([]entry, error) {
	used, err := m.readStores(l)
	if err != nil {
		return nil, err
	}
	var good []entry
	var failed error
	for slot := 0; slot <= m.totals[m.opened] && len(good) < used; slot++ {
		if ctx.Err() != nil {
			return good, ctx.Err()
		}
		e, ok, err := m.recoverSlot(l, slot)
		if errors.Is(err, errHangup) || errors.Is(err, errSilent) {
			return good, err
		}
		if err != nil {
			failed = err
		}
		if ok && e.received() {
			good = append(good, e)
		}
	}
	return good, failed
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
