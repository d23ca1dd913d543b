package modemsim

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/warthog618/sms/encoding/tpdu"
)

// prompt is a command that waits for a PDU or a text after "> ".
type prompt struct {
	command string
	run     func(data string) error
}

// openPrompt asks for the data.
func (m *Modem) openPrompt(name string) {
	if _, ok := m.fault(NoPrompt, name); ok {
		m.prompt = nil
		m.out = m.out[:0]
		return
	}
	m.in.data = true
	m.send(append(m.out, "\r\n> "...))
	m.out = m.out[:0]
}

// promptEnd hands the data to the command that asked for it.
func (m *Modem) promptEnd(data string) {
	p := m.prompt
	if p == nil {
		return
	}
	m.prompt = nil
	m.finish(p.command, p.run(strings.Trim(data, "\r\n")))
}

// cmgs sends a message: AT+CMGS=length in PDU mode, AT+CMGS="number" in text
// mode, then the data and Ctrl-Z.
func (m *Modem) cmgs(c command) error {
	return m.ask(c, func(pdu string) error {
		if !m.registered() {
			return cms(331)
		}
		m.cur.sleep(m.opts.SendTime)
		if r, ok := m.fault(SendFails, c.name); ok {
			return cms(cmp.Or(r.Code, 500))
		}
		return m.sendPDU(pdu, m.lineAt)
	})
}

// cmgw writes a message to the second memory.
func (m *Modem) cmgw(c command) error {
	state := unsent
	if args := arguments(c.args); len(args) > 1 && m.set.pdu {
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 0 || n >= allStates {
			return cms(302)
		}
		state = n
	}
	return m.ask(c, func(pdu string) error {
		m.mu.Lock()
		index := m.memory(m.set.memory[1])[0].put(slot{state: state, pdu: pdu})
		m.mu.Unlock()
		if index == 0 {
			return cms(322)
		}
		m.reply("+CMGW: %d", index)
		return nil
	})
}

// cmss sends a message that +CMGW has written.
func (m *Modem) cmss(c command) error {
	index, err := strconv.Atoi(arguments(c.args)[0])
	if err != nil {
		return cms(302)
	}
	m.mu.Lock()
	s, i := m.memory(m.set.memory[1]).find(index)
	if s == nil || s.slots[i-1].state < unsent {
		m.mu.Unlock()
		return cms(321)
	}
	s.slots[i-1].state = sent
	pdu := s.slots[i-1].pdu
	m.mu.Unlock()
	return m.sendPDU(pdu, m.lineAt)
}

// ask opens a prompt whose data becomes a checked PDU for use.
func (m *Modem) ask(c command, use func(pdu string) error) error {
	if c.op != assign {
		return nil
	}
	if err := m.simState(); err != nil {
		return err
	}
	arg := arguments(c.args)[0]
	if !m.set.pdu {
		m.prompt = &prompt{c.name, func(text string) error {
			pdu, err := m.compose(arg, text)
			if err != nil {
				return cms(305)
			}
			return use(pdu)
		}}
		return nil
	}
	length, err := strconv.Atoi(arg)
	if err != nil || length < 1 || length > 176 { // 12 octets of header and 164 of TPDU at most
		return cms(304)
	}
	m.prompt = &prompt{c.name, func(data string) error {
		pdu := strings.ToUpper(strings.TrimSpace(data))
		if len(pdu)%2 != 0 || tpduOctets(pdu) != length {
			return cms(304)
		}
		return use(pdu)
	}}
	return nil
}

// sendPDU gives an SMS-SUBMIT to the network.
func (m *Modem) sendPDU(pdu string, commanded time.Time) error {
	t, err := unframe(pdu, tpdu.MO)
	if err != nil || t.SmsType() != tpdu.SmsSubmit {
		return cms(304)
	}
	text, err := decodeText(t)
	if err != nil {
		return cms(304)
	}
	r := Received{
		From: m.opts.Number, To: t.DA.Number(), Text: text, At: time.Now(), Commanded: commanded,
		Part: 1, Parts: 1, Class0: isClass0(t), PDU: pdu,
	}
	if parts, part, reference, ok := t.ConcatInfo(); ok {
		r.Part, r.Parts, r.Reference = part, parts, reference
	}
	err = m.net.receive(r, func() error {
		_, err := m.net.submit(r.To, relayed(t, m.opts.Number, r.At))
		return err
	})
	if err != nil {
		return cms(500)
	}
	m.lastSent++
	m.reply("+CMGS: %d", m.lastSent)
	if t.FirstOctet&tpdu.FoSRR != 0 {
		_, err = m.net.enqueue(m.opts.Number, "", &message{pdu: report(r.To, int(m.lastSent)), report: true, advert: true})
	}
	return err
}

// relayed is the SMS-DELIVER that the SMSC makes of an SMS-SUBMIT.
func relayed(t *tpdu.TPDU, from string, at time.Time) tpdu.TPDU {
	d := *t
	d.Direction = tpdu.MT
	d.FirstOctet = tpdu.FirstOctet(tpdu.MtDeliver) | t.FirstOctet&tpdu.FoUDHI
	d.OA = originator(from)
	d.SCTS = tpdu.Timestamp{Time: at.In(time.FixedZone("WITA", 8*60*60))}
	return d
}

// compose makes the SMS-SUBMIT of a text mode message.
func (m *Modem) compose(number, text string) (string, error) {
	number, err := m.decodeCharset(number)
	if err != nil {
		return "", err
	}
	text, err = m.decodeCharset(text)
	if err != nil {
		return "", err
	}
	t, err := tpdu.NewSubmit()
	if err != nil {
		return "", err
	}
	t.DA = originator(number)
	ud, dcs, err := SMS{Text: text}.userData()
	if err != nil {
		return "", err
	}
	t.SetDCS(byte(dcs))
	t.SetUD(ud)
	if len(ud) > t.UDBlockSize() {
		return "", fmt.Errorf("text of %d is too long", len(ud))
	}
	return frame(*t)
}
