package modemsim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cmgf chooses PDU mode (0) or text mode (1).
func (m *Modem) cmgf(c command) error {
	mode := 1
	if m.set.pdu {
		mode = 0
	}
	err := m.number(c, &mode, 1)
	m.set.pdu = mode == 0
	return err
}

// csms chooses the service: with 1, +CMT wants AT+CNMA.
func (m *Modem) csms(c command) error {
	switch c.op {
	case test:
		m.reply("+CSMS: (0,1)")
	case query:
		m.reply("+CSMS: %d,1,1,1", m.set.csms)
	case assign:
		if m.opts.OnlyCSMS1 {
			return cms(303)
		}
		if err := m.number(c, &m.set.csms, 1); err != nil {
			return cms(303)
		}
		m.reply("+CSMS: 1,1,1")
	}
	return nil
}

// cpms chooses the memories to read, to write and to receive into.
func (m *Modem) cpms(c command) error {
	if err := m.simState(); err != nil {
		return err
	}
	switch c.op {
	case test:
		all := `("` + strings.Join(m.opts.Stores, `","`) + `")`
		m.reply("+CPMS: %s,%s,%s", all, all, all)
	case query:
		m.reply("+CPMS: %s", strings.Join(m.fillings(true), ","))
	case assign:
		chosen := m.set.memory
		for i, name := range arguments(c.args) {
			if i >= len(chosen) || m.memory(name) == nil {
				return cms(302)
			}
			chosen[i] = name
		}
		m.set.memory = chosen
		m.reply("+CPMS: %s", strings.Join(m.fillings(false), ","))
	}
	return nil
}

// fillings renders used and total of the chosen memories.
func (m *Modem) fillings(named bool) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, name := range m.set.memory {
		v := m.memory(name)
		filling := fmt.Sprintf("%d,%d", v.used(), v.size())
		if named {
			filling = strconv.Quote(name) + "," + filling
		}
		out = append(out, filling)
	}
	return out
}

// cnmi chooses what is reported of arriving messages: mode, mt, bm, ds, bfr.
func (m *Modem) cnmi(c command) error {
	limits := [5]int{3, 3, 3, 2, 1}
	switch c.op {
	case test:
		m.reply("+CNMI: (0-3),(0-3),(0-3),(0-2),(0,1)")
	case query:
		v := m.set.cnmi
		m.reply("+CNMI: %d,%d,%d,%d,%d", v[0], v[1], v[2], v[3], v[4])
	case execute:
		m.set.cnmi = [5]int{}
	case assign:
		chosen := m.set.cnmi
		for i, arg := range arguments(c.args) {
			if arg == "" {
				continue
			}
			n, err := strconv.Atoi(arg)
			if i >= len(chosen) || err != nil || n < 0 || n > limits[i] {
				return cms(302)
			}
			chosen[i] = n
		}
		m.set.cnmi = chosen
	}
	return nil
}

func (m *Modem) csca(c command) error {
	switch c.op {
	case query:
		m.reply(`+CSCA: %q,145`, m.set.smsc)
	case assign:
		m.set.smsc = arguments(c.args)[0]
	}
	return nil
}

// cmgl lists messages. Listing an unread one makes it read.
func (m *Modem) cmgl(c command) error {
	if err := m.simState(); err != nil {
		return err
	}
	if c.op == test {
		if m.set.pdu {
			m.reply("+CMGL: (0-4)")
		} else {
			m.reply(`+CMGL: ("REC UNREAD","REC READ","STO UNSENT","STO SENT","ALL")`)
		}
		return nil
	}
	state, err := m.wanted(c.args)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	index := m.base()
	for _, s := range m.memory(m.set.memory[0]) {
		for i := range s.slots {
			index++
			v := &s.slots[i]
			if v.pdu != "" && (state == allStates || v.state == state) {
				m.list(index, v)
			}
		}
	}
	return nil
}

// wanted reads which state is asked for; unread where none is given.
func (m *Modem) wanted(args string) (int, error) {
	arg := arguments(args)[0]
	if arg == "" {
		return unread, nil
	}
	if !m.set.pdu {
		if i := slices.Index(stateNames(), strings.ToUpper(arg)); i >= 0 {
			return i, nil
		}
		return 0, cms(305)
	}
	n, err := strconv.Atoi(arg)
	if err != nil || n < 0 || n > allStates {
		return 0, cms(304)
	}
	return n, nil
}

func stateNames() []string {
	return []string{"REC UNREAD", "REC READ", "STO UNSENT", "STO SENT", "ALL"}
}

// list renders one entry of a listing; a burst spends its time here.
func (m *Modem) list(index int, v *slot) {
	m.out = append(m.out, "\r\n+CMGL: "...)
	m.out = strconv.AppendInt(m.out, int64(index), 10)
	m.out = append(m.out, ',')
	m.entry(v)
}

// entry renders a message from its state on, and makes it read.
func (m *Modem) entry(v *slot) {
	if m.set.pdu {
		m.out = strconv.AppendInt(m.out, int64(v.state), 10)
		m.out = append(m.out, ",,"...)
		m.out = strconv.AppendInt(m.out, int64(tpduOctets(v.pdu)), 10)
		m.out = append(m.out, "\r\n"...)
		m.out = append(m.out, v.pdu...)
	} else {
		header, body := m.text(v.pdu, v.state)
		m.out = fmt.Appendf(m.out, "%q,%s\r\n%s", stateNames()[v.state], header, body)
	}
	m.out = append(m.out, "\r\n"...)
	if v.state == unread {
		v.state = read
	}
	v.readAt = time.Now()
}

// cmgr reads one message, and makes it read.
func (m *Modem) cmgr(c command) error {
	if err := m.simState(); err != nil {
		return err
	}
	if c.op == test {
		return nil
	}
	index, err := strconv.Atoi(arguments(c.args)[0])
	if err != nil {
		return cms(302)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, i := m.memory(m.set.memory[0]).find(index - m.base())
	if s == nil || s.slots[i-1].pdu == "" {
		return cms(321)
	}
	m.out = append(m.out, "\r\n+CMGR: "...)
	m.entry(&s.slots[i-1])
	return nil
}

// cmgd deletes one message, or with a flag all of some states.
func (m *Modem) cmgd(c command) error {
	if err := m.simState(); err != nil {
		return err
	}
	if c.op == test {
		m.reply("+CMGD: (%s),(0-4)", strings.Join(m.usedIndexes(), ","))
		return nil
	}
	args := arguments(c.args)
	index, err := strconv.Atoi(args[0])
	if err != nil {
		return cms(302)
	}
	flag := 0
	if len(args) > 1 {
		if flag, err = strconv.Atoi(args[1]); err != nil || flag < 0 || flag > 4 {
			return cms(302)
		}
	}
	if r, ok := m.fault(DeleteFails, c.name); ok {
		return cms(cmp.Or(r.Code, 500))
	}
	if _, ok := m.fault(DeleteKeeps, c.name); ok {
		return nil
	}
	if _, ok := m.fault(DeleteSilent, c.name); ok {
		m.held = true
	}
	if flag > 0 {
		m.deleteAll(flag)
		return nil
	}
	if err := m.deleteOne(index); err != nil {
		return err
	}
	if r, ok := m.fault(DeleteDenied, c.name); ok {
		return cms(cmp.Or(r.Code, 500))
	}
	return nil
}

func (m *Modem) usedIndexes() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var used []string
	index := m.base()
	for _, s := range m.memory(m.set.memory[0]) {
		for _, v := range s.slots {
			index++
			if v.pdu != "" {
				used = append(used, strconv.Itoa(index))
			}
		}
	}
	return used
}

// deleteOne frees a slot. A free one is OK too, as with most modems.
func (m *Modem) deleteOne(index int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, i := m.memory(m.set.memory[0]).find(index - m.base())
	if s == nil {
		return cms(321)
	}
	m.free(s, i)
	return nil
}

// deleteAll frees what the flag of 3GPP TS 27.005 §3.5.4 names: 1 read ones,
// 2 sent ones too, 3 unsent ones too, 4 everything.
func (m *Modem) deleteAll(flag int) {
	doomed := map[int]bool{read: true, sent: flag >= 2, unsent: flag >= 3, unread: flag >= 4}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.memory(m.set.memory[0]) {
		for i, v := range s.slots {
			if doomed[v.state] {
				m.free(s, i+1)
			}
		}
	}
}

// free empties a slot and tells the SMSC that there is room; it needs m.mu.
func (m *Modem) free(s *store, index int) {
	v := s.drop(index)
	if v.pdu == "" {
		return
	}
	if m.fullUntil.IsZero() {
		m.full = false
	}
	if v.id != 0 {
		m.record(Deleted, v.id, strconv.Itoa(index))
	}
}

// cnma confirms what was routed with +CMT; 2 refuses it.
func (m *Modem) cnma(c command) error {
	if c.op == test {
		m.reply("+CNMA: (0-2)")
		return nil
	}
	m.mu.Lock()
	msg := m.unacked
	m.unacked = nil
	if msg != nil && arguments(c.args)[0] == "2" {
		msg.due = time.Now().Add(m.opts.RetryDelay)
		m.mu.Unlock()
		return nil
	}
	m.mu.Unlock()
	if msg == nil {
		return cms(340)
	}
	m.acknowledge(msg)
	return nil
}
