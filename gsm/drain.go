package gsm

import (
	"context"
	"errors"
	"time"
)

// entryOctets is what a long SMS takes on the line when its slot is read: 176 octets in hex, with the lines around.
const entryOctets = 370

// groupSize is how many slots are read before they are deleted: so many that the first read is still fresh when the
// last slot of the group after it has been read, too, and deleted.
func (m *Modem) groupSize() int {
	baud := m.set.Baud
	if baud <= 0 {
		baud = 115200
	}
	perSecond := float64(baud) / 10 / entryOctets // 8N1: ten bits an octet
	return max(1, int(freshFor.Seconds()*perSecond/3))
}

// lengthy reports that a store holds more, as far as we know, than one listing brings in the time for which it may be
// trusted: each slot would have to be read twice. Two groups are listed, and deleted, within that time.
func (m *Modem) lengthy(store string) bool {
	for _, f := range m.status.get().Stores {
		if f.Store == store {
			return f.Used > 2*m.groupSize()
		}
	}
	return false
}

// handing is a group of slots whose rows are with the keeper.
type handing struct {
	entries []entry
	done    chan error
}

// handOver gives rows to the keeper while the line goes on. One group at a time: what came first is kept first.
func (m *Modem) handOver(ctx context.Context, store string, entries []entry) *handing {
	h := &handing{entries: entries, done: make(chan error, 1)}
	rows := m.rows(store, entries)
	m.noteRead(len(rows))
	go func() { h.done <- m.keep(ctx, rows) }()
	return h
}

// kept waits for the keeper's word.
func (m *Modem) kept(h *handing) error {
	if h == nil {
		return nil
	}
	return m.noteKept(len(h.entries), <-h.done)
}

// drain empties the open store slot by slot, in groups: of stores that hold much, and of modems whose AT+CMGL fails.
// While the keeper has one group the next is read, and each is deleted only after the keeper's word.
func (m *Modem) drain(ctx context.Context, l *link) error {
	used, err := m.readStores(l)
	if err != nil {
		return err
	}
	m.filled(m.opened, used)
	m.noteFull(m.opened, used)
	p := &pass{store: m.opened, last: m.totals[m.opened], used: used}
	err = m.work(ctx, l, p)
	if p.with != nil { // the line failed, and the keeper still has rows of ours
		err = errors.Join(err, m.kept(p.with))
	}
	if err != nil {
		return err
	}
	if p.failed == nil {
		m.noteMended(p.store, p.met)
		m.tellListed(ctx, p.store, p.met)
	}
	m.stuck[p.store] = p.stuck
	m.filled(p.store, used-p.gone)
	return p.failed
}

// pass is one way through the slots of a store.
type pass struct {
	store      string
	next, last int      // slots: the next to be read, the last there is
	used, seen int      // slots that hold something: by +CPMS, and met so far
	gone       int      // emptied
	stuck      int      // that cannot be
	met        []entry  // received messages, met so far
	with       *handing // the keeper has these
	failed     error    // a slot that could not be read
}

func (p *pass) over() bool { return p.next > p.last || p.seen >= p.used }

// work goes through the slots. The keeper's word for a group is awaited after the next one was read.
func (m *Modem) work(ctx context.Context, l *link, p *pass) error {
	for !p.over() || p.with != nil {
		group, err := m.readGroup(ctx, l, p)
		if err != nil {
			return err
		}
		before := p.with
		p.with = nil
		if err := m.kept(before); err != nil {
			return err
		}
		if len(group) > 0 {
			p.with = m.handOver(ctx, p.store, group)
		}
		if before == nil {
			continue
		}
		gone, stuck, err := m.removeAll(ctx, l, before.entries)
		p.gone, p.stuck = p.gone+gone, p.stuck+stuck
		if err != nil {
			return err
		}
	}
	return nil
}

// readGroup reads the next slots. Those that cannot be read are passed over; the next sweep meets them again.
func (m *Modem) readGroup(ctx context.Context, l *link, p *pass) (group []entry, err error) {
	begun := time.Now()
	for len(group) < m.groupSize() && time.Since(begun) < m.limits.fresh/4 && !p.over() {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		slot := p.next
		p.next++
		e, ok, err := m.recoverSlot(l, slot)
		switch {
		case errors.Is(err, errHangup), errors.Is(err, errSilent):
			return nil, err
		case err != nil:
			p.failed = err
		case !ok:
		case e.received():
			p.seen++
			group = append(group, e)
		default:
			p.seen++
			m.noteDraft(e)
		}
	}
	p.met = append(p.met, group...)
	m.noteLies(p.store, group)
	return group, m.sure(l)
}
