package modemsim

import (
	"fmt"
	"testing"
	"time"
)

func TestSend(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{})
	c.setUp()
	var hooked []Received
	n.OnReceive(func(r Received) { hooked = append(hooked, r) }) // the modem's goroutine, before OK
	pdu, octets := submitPDU(t, officer, "DITERIMA @{}")
	before := time.Now()
	c.write(fmt.Sprintf("AT+CMGS=%d\r", octets))
	c.until(`^\r\n> $`)
	c.write(pdu + "\x1a")
	if got, want := tidy(c.until(final)), "+CMGS: 1|OK"; got != want {
		t.Fatalf("AT+CMGS = %q, want %q", got, want)
	}
	inbox := n.Inbox(officer)
	if len(inbox) != 1 || len(hooked) != 1 || inbox[0] != hooked[0] {
		t.Fatalf("inbox %+v, hook %+v", inbox, hooked)
	}
	r := inbox[0]
	if r.Text != "DITERIMA @{}" || r.From != modemNumber || r.To != officer || r.PDU != pdu || r.Parts != 1 {
		t.Errorf("Received = %+v", r)
	}
	if r.Commanded.Before(before) || r.At.Before(r.Commanded) {
		t.Errorf("commanded %v, accepted %v, want after %v and in order", r.Commanded, r.At, before)
	}
	if got := count(n, Sent); got != 1 {
		t.Errorf("%d sent events, want 1", got)
	}
}

// submitPDU is an SMS-SUBMIT as a client would write it, with no SMSC address.
func submitPDU(t *testing.T, to, text string) (pdu string, octets int) {
	t.Helper()
	m := &Modem{set: defaults()}
	m.set.charset = "IRA"
	framed, err := m.compose(to, text)
	if err != nil {
		t.Fatal(err)
	}
	octets = tpduOctets(framed)
	return "00" + framed[len(framed)-2*octets:], octets
}

func TestSendRefused(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{})
	c.setUp()
	pdu, octets := submitPDU(t, officer, "x")
	deliver, err := frame(mustDeliver(t))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, line, data, want string
	}{
		{"cancelled", fmt.Sprintf("AT+CMGS=%d", octets), pdu[:10] + "\x1b", "OK"},
		{"wrong length", fmt.Sprintf("AT+CMGS=%d", octets+1), pdu + "\x1a", "+CMS ERROR: 304"},
		{"odd hex", fmt.Sprintf("AT+CMGS=%d", octets), pdu + "0\x1a", "+CMS ERROR: 304"},
		{"not hex", "AT+CMGS=2", "00ZZZZ\x1a", "+CMS ERROR: 304"},
		{"a deliver", fmt.Sprintf("AT+CMGS=%d", tpduOctets(deliver)), deliver + "\x1a", "+CMS ERROR: 304"},
		{"no length", "AT+CMGS=x", "", "+CMS ERROR: 304"},
		{"radio off", fmt.Sprintf("AT+CFUN=4;+CMGS=%d", octets), pdu + "\x1a", "+CMS ERROR: 331"},
	}
	for _, tt := range tests {
		c.write(tt.line + "\r")
		if tt.data != "" {
			c.until(`> $`)
			c.write(tt.data)
		}
		if got := tidy(c.until(final)); got != tt.want {
			t.Errorf("%s = %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := n.Inbox(officer); len(got) != 0 {
		t.Errorf("inbox has %+v", got)
	}
}

func TestStoredSend(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{Slots: 1})
	c.setUp()
	pdu, octets := submitPDU(t, officer, "tersimpan")
	c.write(fmt.Sprintf("AT+CMGW=%d\r", octets))
	c.until(`> $`)
	c.write(pdu + "\x1a")
	if got := tidy(c.until(final)); got != "+CMGW: 1|OK" {
		t.Fatalf("AT+CMGW = %q", got)
	}
	c.expect("AT+CMGL=2", fmt.Sprintf("+CMGL: 1,2,,%d|%s|OK", octets, pdu))
	c.expect("AT+CMSS=1", "+CMGS: 1|OK")
	c.expect("AT+CMGL=2", "OK")
	c.expect("AT+CMGF=1", "OK")
	c.expect("AT+CMGR=1", `+CMGR: "STO SENT","+62899200001",,|tersimpan|OK`)
	c.write(`AT+CMGW="+62899200001"` + "\r")
	c.until(`> $`)
	c.write("penuh\x1a")
	if got := tidy(c.until(final)); got != "+CMS ERROR: 322" {
		t.Errorf("AT+CMGW into a full memory = %q", got)
	}
	if got := n.Inbox(officer); len(got) != 1 || got[0].Text != "tersimpan" {
		t.Errorf("inbox = %+v", got)
	}
}

func TestTextModeSend(t *testing.T) {
	t.Parallel()
	for charset, data := range map[string][2]string{
		"IRA":  {officer, "halo @"},
		"GSM":  {officer, "halo \x00"},
		"UCS2": {"002B00360032003800390039003200300030003000300031", "00680061006C006F00200040"},
	} {
		n, _, c := plug(t, Options{})
		c.setUp()
		c.expect("AT+CMGF=1;+CSCS="+charset, "OK")
		c.write(`AT+CMGS="` + data[0] + "\"\r")
		c.until(`> $`)
		c.write(data[1] + "\x1a")
		c.until(final)
		if got := n.Inbox(officer); len(got) != 1 || got[0].Text != "halo @" {
			t.Errorf("%s: inbox = %+v", charset, got)
		}
	}
}

func TestModemToModem(t *testing.T) {
	t.Parallel()
	n, _, a := plug(t, Options{})
	a.setUp()
	other, err := n.AddModem(Options{Number: "+62899100002"})
	if err != nil {
		t.Fatal(err)
	}
	b := dial(t, other).setUp()
	pdu, octets := submitPDU(t, other.Number(), "detak")
	a.write(fmt.Sprintf("AT+CMGS=%d\r%s\x1a", octets, pdu))
	b.cmti()
	var text, from string
	for _, pdu := range b.entries() {
		d, err := unframe(pdu, 0)
		if err != nil {
			t.Fatal(err)
		}
		from = d.OA.Number()
		text, _ = decodeText(d)
	}
	if text != "detak" || from != modemNumber {
		t.Errorf("%q from %s, want detak from %s", text, from, modemNumber)
	}
}

// TestOfficerAnswers checks that a hook may submit.
func TestOfficerAnswers(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{})
	c.setUp()
	n.OnReceive(func(r Received) {
		if _, err := n.Submit(SMS{From: r.To, To: r.From, Text: "ya"}); err != nil {
			t.Error(err)
		}
	})
	pdu, octets := submitPDU(t, officer, "benar?")
	c.write(fmt.Sprintf("AT+CMGS=%d\r%s\x1a", octets, pdu))
	c.until(final)
	c.cmti()
}
