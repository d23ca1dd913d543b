package gsm

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/tpdu"
	"github.com/warthog618/sms/encoding/ucs2"
)

// Kind says what sort of PDU a slot held.
type Kind string

const (
	// KindDeliver is a message to us.
	KindDeliver Kind = "deliver"
	// KindReport tells the fate of a message that we sent.
	KindReport Kind = "status report"
	// KindOther is anything else that a SIM may hold.
	KindOther Kind = "other"
)

// Part is the place of one PDU in a long message (3GPP TS 23.040 §9.2.3.24.1 and §9.2.3.24.8).
type Part struct {
	Ref   int // shared by the parts of one message
	Width int // of the reference, 8 or 16 bits: equal references of different width are different messages
	Total int
	Seq   int // from 1
}

// Deliver is what a PDU says. Every text in it is valid UTF-8 without NUL, so that a database takes it.
type Deliver struct {
	Kind         Kind
	Sender       string // "+62..." when the number is international, the digits otherwise, or the alphanumeric name
	Alphanumeric bool   // Sender is a name: it cannot be answered
	SentAt       time.Time
	Text         string
	Part         *Part // nil for a message in one piece
	PID, DCS     byte
	Class0       bool    // a flash message, never stored by the modem
	Report       *Report // of KindReport, where it is whole
}

// Decode reads a PDU as a modem prints it, SMSC address first. A time stamp that is no time leaves SentAt zero
// and costs nothing else; an octet too many or half a UCS-2 character at the end is dropped. A PDU of which text
// is missing is an error, because half a report must not be taken for a report.
func Decode(pdu string) (Deliver, error) {
	d, t, err := open(pdu)
	if err != nil || t == nil {
		return d, err
	}
	d.Text = text([]*tpdu.TPDU{t})
	return d, nil
}

// ErrIncomplete is returned by Join when the PDUs are not all the parts of one message in their order.
var ErrIncomplete = errors.New("not the parts of one message")

// Join decodes a whole message from its parts in Seq order. What a phone may cut at a part's border is put
// together again: a surrogate pair, or an escape and its character. Sender and time are those of the first part.
func Join(pdus []string) (Deliver, error) {
	if len(pdus) == 0 {
		return Deliver{}, ErrIncomplete
	}
	var whole Deliver
	parts := make([]*tpdu.TPDU, 0, len(pdus))
	for i, pdu := range pdus {
		d, t, err := open(pdu)
		if err != nil {
			return Deliver{}, fmt.Errorf("part %d: %w", i+1, err)
		}
		if i == 0 {
			whole = d
		}
		if t == nil || !follows(whole, d, i+1, len(pdus)) {
			return Deliver{}, fmt.Errorf("part %d: %w", i+1, ErrIncomplete)
		}
		parts = append(parts, t)
	}
	whole.Part = nil
	whole.Text = text(parts)
	return whole, nil
}

// follows reports whether d is part seq of the message of total parts that began with first.
func follows(first, d Deliver, seq, total int) bool {
	if d.Part == nil {
		return total == 1
	}
	return d.Sender == first.Sender && d.Part.Ref == first.Part.Ref && d.Part.Width == first.Part.Width &&
		d.Part.Total == total && d.Part.Seq == seq
}

// open reads everything but the text. The TPDU is nil for what is not a DELIVER.
func open(pdu string) (Deliver, *tpdu.TPDU, error) {
	b, err := tpduOf(pdu)
	if err != nil {
		return Deliver{Kind: KindOther}, nil, err
	}
	d := Deliver{Kind: messageType(b[0])}
	if d.Kind == KindReport {
		return report(b), nil, nil
	}
	if d.Kind == KindOther {
		return d, nil, nil
	}
	f, err := split(b)
	if err != nil {
		return Deliver{Kind: KindOther}, nil, err
	}
	d.PID, d.DCS, d.SentAt = f.pid, f.dcs, timestamp(f.scts)
	fixed, err := f.repaired()
	if err != nil {
		return d, nil, err
	}
	t, err := sms.Unmarshal(fixed)
	if err != nil {
		return d, nil, fmt.Errorf("decoding PDU: %w", err)
	}
	d.Sender = clean(t.OA.Number())
	d.Alphanumeric = t.OA.TypeOfNumber() == tpdu.TonAlphanumeric
	d.Part = partOf(t.UDH)
	if class, err := t.DCS.Class(); err == nil {
		d.Class0 = class == tpdu.MClass0
	}
	return d, t, nil
}

// partOf reads the concatenation header. Numbers that make no sense are ignored, as 3GPP TS 23.040
// §9.2.3.24.1 demands, and one part of one is a whole message.
func partOf(h tpdu.UserDataHeader) *Part {
	width := 8
	total, seq, ref, ok := h.ConcatInfo8()
	if !ok {
		width = 16
		total, seq, ref, ok = h.ConcatInfo16()
	}
	if !ok || total < 2 || seq < 1 || seq > total {
		return nil
	}
	return &Part{Ref: ref, Width: width, Total: total, Seq: seq}
}

// text decodes parts in their order. The library's own sms.Decode gives up on a lone surrogate and puts a space
// where an escape was cut from its character.
func text(parts []*tpdu.TPDU) string {
	var out strings.Builder
	var carry []byte
	var before tpdu.Alphabet
	for i, p := range parts {
		alphabet, _ := p.Alphabet() // reserved groups were replaced before
		ud := []byte(p.UD)
		if len(carry) > 0 && alphabet != before {
			out.WriteString("\uFFFD")
			carry = nil
		}
		ud = append(carry, ud...)
		carry, before = nil, alphabet
		last := i == len(parts)-1
		if n := len(ud); alphabet == tpdu.Alpha7Bit && !last && n > 0 && ud[n-1] == escape && !escaped(ud[:n-1]) {
			carry, ud = []byte{escape}, ud[:n-1]
		}
		decoded, err := tpdu.DecodeUserData(ud, p.UDH, alphabet, tpdu.WithAllCharsets)
		out.Write(decoded)
		var lone ucs2.ErrDanglingSurrogate
		switch {
		case errors.As(err, &lone) && !last:
			carry = append([]byte(nil), lone...)
		case err != nil:
			out.WriteString("\uFFFD")
		}
	}
	return clean(out.String())
}

// escape introduces the extension table of the GSM 7-bit alphabet (3GPP TS 23.038 §6.2.1.1).
const escape = 0x1b

// escaped reports whether the septets end with an escape that still waits for its character.
func escaped(septets []byte) bool {
	n := 0
	for n < len(septets) && septets[len(septets)-1-n] == escape {
		n++
	}
	return n%2 == 1
}

// clean makes a text that every database and terminal takes. NUL becomes U+FFFD, not nothing: two figures with a
// NUL between them must not become one.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// octets is the length that AT+CMGL announces for a PDU: its octets without the SMSC address. -1: not hex.
func octets(pdu string) int {
	b, err := hex.DecodeString(pdu)
	if err != nil || len(b) == 0 {
		return -1
	}
	return len(b) - 1 - int(b[0])
}
