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
)

// keepError means that the keeper did not take rows: they stay in their slots.
type keepError struct{ err error }

func (e *keepError) Error() string { return "storing rows: " + e.err.Error() }
func (e *keepError) Unwrap() error { return e.err }

// errNoListing means that AT+CMGL fails here: the slots have to be read one by one.
var errNoListing = errors.New("modem does not list its messages")

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

// empty brings the content of the open store to safety and deletes it.
func (m *Modem) empty(ctx context.Context, l *link) error {
	store := m.opened
	if m.lengthy(store) {
		if err := m.drain(ctx, l); err != nil {
			return err
		}
	}
	entries, listErr := m.list(ctx, l)
	if errors.Is(listErr, errNoListing) {
		return m.drain(ctx, l)
	}
	if len(entries) == 0 {
		if listErr == nil {
			m.noteMended(store, nil)
			m.stuck[store] = 0
			m.filled(store, 0)
			m.tellListed(ctx, store, nil)
		}
		return listErr
	}
	used := len(entries)
	m.noteFull(store, used)
	m.noteMended(store, entries)
	m.noteLies(store, entries)
	if err := m.sure(l); err != nil {
		return err
	}
	if err := m.hand(ctx, m.rows(store, entries)); err != nil {
		return err
	}
	if listErr == nil {
		m.tellListed(ctx, store, entries)
	}
	gone, stuck, err := m.removeAll(ctx, l, entries)
	if err != nil {
		return err
	}
	m.stuck[store] = stuck
	m.filled(store, used-gone)
	return listErr
}

// tellListed passes on what a store held, all of it, unless the SIM takes the store along.
func (m *Modem) tellListed(ctx context.Context, store string, entries []entry) {
	if m.set.Listed != nil && store != "SM" {
		m.set.Listed(ctx, store, m.rows(store, entries))
	}
}

// noteFull has a full store swept again soon: the network holds more, and not every modem announces it.
func (m *Modem) noteFull(store string, used int) {
	if total := m.totals[store]; total > 0 && used >= total {
		m.follow = 3
		m.dueWithin(retryWait)
	}
}

// removeAll deletes kept slots. It counts those that are empty now, and those that cannot be emptied.
func (m *Modem) removeAll(ctx context.Context, l *link, entries []entry) (gone, stuck int, err error) {
	for _, e := range entries {
		if err := m.interlude(ctx, l); err != nil {
			return gone, stuck, err
		}
		empty, err := m.remove(l, e)
		switch {
		case err != nil:
			return gone, stuck, err
		case empty:
			gone++
		case m.history(m.opened, e.slot).failures >= alarmAfter:
			stuck++
		}
	}
	return gone, stuck, nil
}

// rows makes what the keeper gets.
func (m *Modem) rows(store string, entries []entry) []Stored {
	rows := make([]Stored, len(entries))
	for i, e := range entries {
		rows[i] = Stored{Modem: m.set.Name, IMSI: m.keptIMSI, Store: store, Slot: e.slot, PDU: e.pdu, ReadAt: e.readAt}
	}
	return rows
}

// hand gives rows to the keeper and waits for it.
func (m *Modem) hand(ctx context.Context, rows []Stored) error {
	m.noteRead(len(rows))
	return m.noteKept(len(rows), m.keep(ctx, rows))
}

func (m *Modem) noteRead(rows int) {
	m.status.update(func(s *Status) { s.Read += rows; s.LastMessage = time.Now() })
}

// noteKept notes what the keeper said of some rows.
func (m *Modem) noteKept(rows int, err error) error {
	if err != nil {
		m.status.update(func(s *Status) { s.KeepFailures++; s.Unkept = true })
		return &keepError{err}
	}
	m.next.keepWait = 0
	m.status.update(func(s *Status) { s.Kept += rows; s.Unkept = false })
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
			return nil, errNoListing
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
