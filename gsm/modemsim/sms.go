package modemsim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/gsm7"
	"github.com/warthog618/sms/encoding/gsm7/charset"
	"github.com/warthog618/sms/encoding/pdumode"
	"github.com/warthog618/sms/encoding/tpdu"
	"github.com/warthog618/sms/encoding/ucs2"
)

// The library makes its alphabets when they are first used, without a lock.
// Only while packages are initialised is nobody else using it, so it is made to
// do so then; modems encode and decode on goroutines of their own.
var _ = fillAlphabets()

func fillAlphabets() struct{} {
	for language := charset.Default; language < charset.End; language++ {
		charset.NewDecoder(language)
		charset.NewExtDecoder(language)
		charset.NewEncoder(language)
		charset.NewExtEncoder(language)
	}
	return struct{}{}
}

// Encoding is the alphabet of an SMS.
type Encoding string

// The encodings. Auto is GSM 7 bit where the text allows it.
const (
	Auto Encoding = ""
	GSM7 Encoding = "gsm7"
	UCS2 Encoding = "ucs2"
)

// SMS is what a phone sends to a modem.
type SMS struct {
	From       string // +62..., a short code, or a name of up to 11 characters
	To         string // the modem's number
	Text       string
	Encoding   Encoding
	ForceParts int       // split into so many parts though the text may need fewer; 0: as needed
	RefWidth   int       // bits of the concatenation's reference: 8 (also 0) or 16
	Reference  uint16    // of the concatenation; 0: the network's next
	Class0     bool      // a flash SMS
	At         time.Time // SCTS and its zone; zero: now, WITA
}

// deliver encodes the SMS as one SMS-DELIVER for each part, reference being
// that of a concatenation.
func (s SMS) deliver(reference uint16) ([]tpdu.TPDU, error) {
	at := s.At
	if at.IsZero() {
		at = time.Now().In(time.FixedZone("WITA", 8*60*60))
	}
	t, err := tpdu.NewDeliver()
	if err != nil {
		return nil, err
	}
	t.OA = originator(s.From)
	t.SCTS = tpdu.Timestamp{Time: at}
	ud, dcs, err := s.userData()
	if err != nil {
		return nil, err
	}
	if s.Class0 {
		dcs |= 0x10 // class bits are meaningful, class 0: 3GPP TS 23.038 §4
	}
	t.SetDCS(byte(dcs))
	if s.ForceParts > 0 {
		return s.split(*t, reference)
	}
	options := []tpdu.SegmentationOption{tpdu.WithConcatRef(fixedCount(reference))}
	if s.RefWidth == 16 {
		options = append(options, tpdu.With16BitConcatRef)
	}
	if len(ud) == 0 {
		return []tpdu.TPDU{*t}, nil // Segment makes nothing of nothing
	}
	return t.Segment(ud, options...), nil
}

// PDUs encodes the SMS without sending it, one PDU a part, for SubmitPDU to
// send in another order, twice, not at all, or to several modems. A Reference
// of 0 is taken as 1.
func (s SMS) PDUs() ([]string, error) {
	parts, err := s.deliver(max(1, s.Reference))
	if err != nil {
		return nil, err
	}
	pdus := make([]string, len(parts))
	for i, t := range parts {
		if pdus[i], err = frame(t); err != nil {
			return nil, err
		}
	}
	return pdus, nil
}

// userData encodes the text; 7 bit data is one septet a byte.
func (s SMS) userData() ([]byte, tpdu.DCS, error) {
	if s.Encoding != UCS2 {
		ud, err := gsm7.Encode([]byte(s.Text))
		if err == nil {
			return ud, 0, nil
		}
		if s.Encoding == GSM7 {
			return nil, 0, fmt.Errorf("encoding %q: %w", s.Text, err)
		}
	}
	return ucs2.Encode([]rune(s.Text)), tpdu.DcsUCS2Data, nil
}

// split cuts the text into ForceParts parts of about the same length.
func (s SMS) split(template tpdu.TPDU, reference uint16) ([]tpdu.TPDU, error) {
	text, n := []rune(s.Text), s.ForceParts
	if n > 255 || n > max(1, len(text)) {
		return nil, fmt.Errorf("splitting %d characters into %d parts", len(text), n)
	}
	encoding := GSM7
	if template.DCS&tpdu.DcsUCS2Data != 0 {
		encoding = UCS2
	}
	parts := make([]tpdu.TPDU, n)
	for i := range n {
		piece := SMS{Text: string(text[i*len(text)/n : (i+1)*len(text)/n]), Encoding: encoding}
		ud, _, err := piece.userData()
		if err != nil {
			return nil, err
		}
		parts[i] = template
		parts[i].SetUDH(concatHeader(s.RefWidth, reference, n, i+1))
		parts[i].SetUD(ud)
		if len(ud) > parts[i].UDBlockSize() {
			return nil, fmt.Errorf("part %d of %d is too long", i+1, n)
		}
	}
	return parts, nil
}

// concatHeader is the information element of 3GPP TS 23.040 §9.2.3.24.1 or .8.
func concatHeader(width int, reference uint16, parts, part int) tpdu.UserDataHeader {
	if width == 16 {
		return tpdu.UserDataHeader{{ID: 8, Data: []byte{byte(reference >> 8), byte(reference), byte(parts), byte(part)}}}
	}
	return tpdu.UserDataHeader{{ID: 0, Data: []byte{byte(reference), byte(parts), byte(part)}}}
}

type fixedCount uint16

func (c fixedCount) Count() int { return int(c) }

// originator chooses the type of number as a network does.
func originator(from string) tpdu.Address {
	a := tpdu.Address{TOA: 0x81, Addr: from} // unknown type: short codes, national numbers
	switch {
	case strings.HasPrefix(from, "+"):
		a.SetNumber(from)
	case strings.Trim(from, "0123456789*#") != "":
		a.SetTypeOfNumber(tpdu.TonAlphanumeric)
		a.SetNumberingPlan(tpdu.NpUnknown)
	}
	return a
}

// frame puts the SMSC's address before a TPDU and renders both as modems do.
func frame(t tpdu.TPDU) (string, error) {
	b, err := t.MarshalBinary()
	if err != nil {
		return "", err
	}
	p := pdumode.PDU{SMSC: pdumode.SMSCAddress{Address: tpdu.NewAddress(tpdu.FromNumber(SMSC))}, TPDU: b}
	h, err := p.MarshalHexString()
	return strings.ToUpper(h), err
}

// tpduOctets is the length that goes with a PDU in AT replies: without the
// SMSC address. It is made for poison too, which may be shorter than it says.
func tpduOctets(pdu string) int {
	if len(pdu) < 2 {
		return len(pdu) / 2
	}
	smsc, err := strconv.ParseUint(pdu[:2], 16, 8)
	if err != nil {
		return len(pdu) / 2
	}
	return max(0, len(pdu)/2-1-int(smsc))
}

// isClass0 is false for what cannot be decoded.
func isClass0(t *tpdu.TPDU) bool {
	class, err := t.DCS.Class()
	return err == nil && class == tpdu.MClass0
}

// unframe decodes a PDU of one direction; the SMSC address is skipped.
func unframe(pdu string, d tpdu.Direction) (*tpdu.TPDU, error) {
	p, err := pdumode.UnmarshalHexString(pdu)
	if err != nil {
		return nil, err
	}
	if d == tpdu.MO {
		return sms.Unmarshal(p.TPDU, sms.AsMO)
	}
	return sms.Unmarshal(p.TPDU, sms.AsMT)
}

func decodeText(t *tpdu.TPDU) (string, error) {
	alphabet, err := t.Alphabet()
	if err != nil {
		return "", err
	}
	b, err := tpdu.DecodeUserData(t.UD, t.UDH, alphabet, tpdu.WithAllCharsets)
	return string(b), err
}
