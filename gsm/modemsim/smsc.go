package modemsim

import (
	"fmt"
	"strings"
	"time"

	"github.com/warthog618/sms/encoding/tpdu"
)

// message is one PDU on its way to a modem. Its fields belong to whoever holds
// the modem's lock.
type message struct {
	id     ID
	pdu    string
	class0 bool
	report bool      // an SMS-STATUS-REPORT: AT+CNMI says apart where it goes
	advert bool      // the network's own doing: it causes no other
	due    time.Time // when to try next
	tried  bool
}

// Submit sends an SMS to a modem, one ID for each PDU that it takes. The SMSC
// delivers at once where the modem is plugged in, registered and has room, and
// keeps the rest.
func (n *Network) Submit(s SMS) ([]ID, error) {
	reference := s.Reference
	if reference == 0 {
		reference = n.nextReference()
	}
	parts, err := s.deliver(reference)
	if err != nil {
		return nil, fmt.Errorf("submitting SMS to %s: %w", s.To, err)
	}
	ids := make([]ID, 0, len(parts))
	for _, t := range parts {
		id, err := n.submit(s.To, t)
		if err != nil {
			return ids, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// SubmitPDU sends a PDU, SMSC address included, as it is: nothing is checked,
// so that it can be poison.
func (n *Network) SubmitPDU(to, pdu string) (ID, error) {
	msg := &message{pdu: strings.ToUpper(pdu)}
	from := ""
	if t, err := unframe(pdu, tpdu.MT); err == nil {
		msg.class0, from = isClass0(t), t.OA.Number()
	}
	return n.enqueue(to, from, msg)
}

// Pending counts the PDUs that the SMSC still keeps for a modem.
func (n *Network) Pending(number string) int {
	m := n.modem(number)
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.queue)
}

func (n *Network) nextReference() uint16 {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reference = n.reference%0xFFFF + 1 // 0 would mean "choose one"
	return n.reference
}

func (n *Network) submit(to string, t tpdu.TPDU) (ID, error) {
	pdu, err := frame(t)
	if err != nil {
		return 0, fmt.Errorf("submitting PDU to %s: %w", to, err)
	}
	return n.enqueue(to, t.OA.Number(), &message{pdu: pdu, class0: isClass0(&t)})
}

func (n *Network) enqueue(to, from string, msg *message) (ID, error) {
	n.mu.Lock()
	m := n.modems[digits(to)]
	if n.closed || m == nil {
		closed := n.closed
		n.mu.Unlock()
		if closed {
			return 0, ErrClosed
		}
		return 0, fmt.Errorf("submitting to %s: no such modem", to)
	}
	now := time.Now()
	msg.id = ID(len(n.deliveries) + 1)
	n.deliveries = append(n.deliveries, &Delivery{ID: msg.id, From: from, To: m.opts.Number, PDU: msg.pdu, Submitted: now})
	n.log(Event{At: now, Kind: Submitted, Modem: m.opts.Number, ID: msg.id})
	n.mu.Unlock()

	m.mu.Lock()
	m.queue = append(m.queue, msg)
	m.mu.Unlock()
	m.wake()
	return msg.id, nil
}

// deliver hands the modem every message that is due. It runs on the modem's
// goroutine, between replies.
func (m *Modem) deliver() {
	m.flushNotices()
	m.expireAck()
	for {
		msg := m.nextMessage(time.Now())
		if msg == nil {
			return
		}
		if msg.tried {
			m.record(Resent, msg.id, "")
		}
		msg.tried = true
		if !m.diverted(msg) {
			m.take(msg)
		}
	}
}

// nextMessage is the first that is due, nil while the modem cannot take any.
func (m *Modem) nextMessage(now time.Time) *message {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link != m.cur || !m.registered() || m.card.guest || m.unacked != nil {
		return nil
	}
	if m.full && (m.fullUntil.IsZero() || now.Before(m.fullUntil)) {
		return nil
	}
	m.full, m.fullUntil = false, time.Time{}
	if now.Before(m.airFree) {
		return nil
	}
	for _, msg := range m.queue {
		if !msg.due.After(now) && !(msg.class0 && m.set.cnmi[1] == 0) {
			m.airFree = now.Add(m.opts.AirTime)
			return msg
		}
	}
	return nil
}

// nextDue is when deliver has something to do without being woken; zero: never.
func (m *Modem) nextDue() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unacked != nil {
		return m.ackBy
	}
	if !m.registered() || m.card.guest {
		return time.Time{}
	}
	if m.full {
		return m.fullUntil
	}
	now := time.Now()
	if len(m.queue) > 0 && now.Before(m.airFree) {
		return m.airFree
	}
	var next time.Time
	for _, msg := range m.queue {
		if msg.due.After(now) && (next.IsZero() || msg.due.Before(next)) {
			next = msg.due
		}
	}
	return next
}

// take stores a message or routes it to the client, as +CNMI says.
// 3GPP TS 27.005 §3.4.1, table <mt>.
func (m *Modem) take(msg *message) {
	if r, ok := m.fault(MemoryFull, ""); ok {
		m.refuse(msg, time.Now().Add(r.Delay))
		return
	}
	if _, ok := m.fault(IndicationsOff, ""); ok {
		m.set.cnmi = [5]int{}
	}
	if msg.report {
		m.takeReport(msg)
		return
	}
	mt := m.set.cnmi[1]
	if mt != 0 && (msg.class0 || mt == 2) {
		m.route(msg)
		return
	}
	memory, index := m.save(slot{id: msg.id, pdu: msg.pdu})
	if index == 0 {
		m.refuse(msg, time.Time{})
		return
	}
	index += m.base()
	m.record(Stored, msg.id, fmt.Sprintf("%s %d", memory, index))
	if r, ok := m.fault(Resend, ""); ok {
		m.mu.Lock()
		msg.due = time.Now().Add(r.Delay)
		m.mu.Unlock()
	} else {
		m.acknowledge(msg)
	}
	if mt == 1 || mt == 3 {
		m.indicate(msg.id, memory, index)
	}
}

// takeReport gives a status report to the client, stores it, or, where the
// client wants none, forgets it: 3GPP TS 27.005 §3.4.1, table <ds>.
func (m *Modem) takeReport(msg *message) {
	switch m.set.cnmi[3] {
	case 1:
		if at, ok := m.notify(fmt.Sprintf("+CDS: %d\r\n%s", tpduOctets(msg.pdu), msg.pdu)); ok {
			m.net.record(Event{At: at, Kind: Routed, Modem: m.opts.Number, ID: msg.id})
			m.acknowledge(msg)
			return
		}
	case 2:
		memory, index := m.save(slot{id: msg.id, pdu: msg.pdu})
		if index == 0 {
			m.refuse(msg, time.Time{})
			return
		}
		m.record(Stored, msg.id, fmt.Sprintf("%s %d", memory, index+m.base()))
		m.acknowledge(msg)
		m.notify(fmt.Sprintf("+CDSI: %q,%d", memory, index+m.base()))
		return
	}
	m.unqueue(msg)
	m.record(Lost, msg.id, "nobody wants status reports")
}

// refuse leaves the message with the SMSC until a time, or until a delete.
func (m *Modem) refuse(msg *message, until time.Time) {
	m.mu.Lock()
	m.full, m.fullUntil = true, until
	m.mu.Unlock()
	m.record(Refused, msg.id, "")
	if m.opts.FullNotice != "" {
		m.notify(m.opts.FullNotice)
	}
}

// acknowledge has the SMSC forget a message.
func (m *Modem) acknowledge(msg *message) {
	m.unqueue(msg)
	m.record(Acknowledged, msg.id, "")
}

// indicate writes +CMTI.
func (m *Modem) indicate(id ID, memory string, index int) {
	if m.set.cnmi[0] == 0 {
		return // the indication stays in the modem
	}
	if _, ok := m.fault(DropIndication, ""); ok {
		m.record(IndicationLost, id, "")
		return
	}
	line := fmt.Sprintf("+CMTI: %q,%d", memory, index)
	if r, ok := m.fault(BadIndication, ""); ok {
		line = r.Text
	}
	if at, ok := m.notify(line); ok {
		m.net.record(Event{At: at, Kind: Indicated, Modem: m.opts.Number, ID: id})
	} else {
		m.record(IndicationLost, id, "")
	}
}

// route writes +CMT. With AT+CSMS=1 the message is the client's only once it
// has said AT+CNMA (3GPP TS 27.005 §3.4.4).
func (m *Modem) route(msg *message) {
	line := fmt.Sprintf("+CMT: ,%d\r\n%s", tpduOctets(msg.pdu), msg.pdu)
	if !m.set.pdu {
		header, body := m.text(msg.pdu, unread)
		line = "+CMT: " + header + "\r\n" + body
	}
	at, ok := m.notify(line)
	if !ok {
		m.mu.Lock()
		msg.due = time.Now().Add(m.opts.RetryDelay)
		m.mu.Unlock()
		m.record(IndicationLost, msg.id, "")
		return
	}
	m.net.record(Event{At: at, Kind: Routed, Modem: m.opts.Number, ID: msg.id})
	if m.set.csms == 0 {
		m.acknowledge(msg)
		return
	}
	m.mu.Lock()
	m.unacked, m.ackBy = msg, time.Now().Add(m.opts.AckTimeout)
	m.mu.Unlock()
}

// expireAck gives a routed message that nobody confirmed back to the SMSC. The
// modem then stops routing: 3GPP TS 27.005 §3.4.4.
func (m *Modem) expireAck() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unacked == nil || time.Now().Before(m.ackBy) {
		return
	}
	m.unacked.due = time.Now().Add(m.opts.RetryDelay)
	m.unacked = nil
	m.set.cnmi[1], m.set.cnmi[3] = 0, 0
}
