package gsm

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/warthog618/sms/encoding/tpdu"
)

// errTruncated means that a PDU ends before the fields it announces.
var errTruncated = errors.New("PDU ends too early")

// fields are the parts of an SMS-DELIVER (3GPP TS 23.040 §9.2.2.1), found by octet offsets alone, so that
// a value the library refuses (a time stamp of FF, say) does not hide the rest.
type fields struct {
	first  byte
	oa     []byte // length, type and digits, as on the wire
	pid    byte
	dcs    byte
	scts   []byte // 7 octets
	udl    byte
	ud     []byte // everything after the length, which may be more or less than it says
	header []byte // the octets before the user data length, shared with the PDU
}

// tpduOf strips the SMSC address that a modem puts before the TPDU (3GPP TS 27.005 §3.1, <pdu>).
func tpduOf(pdu string) ([]byte, error) {
	raw, err := hex.DecodeString(pdu)
	if err != nil {
		return nil, fmt.Errorf("reading PDU: %w", err)
	}
	if len(raw) == 0 || len(raw) < 2+int(raw[0]) {
		return nil, errTruncated
	}
	return raw[1+int(raw[0]):], nil
}

// messageType is the TP-MTI of a TPDU on its way to the mobile (3GPP TS 23.040 §9.2.3.1). The reserved value
// is read as a DELIVER, as §9.2.3.1 demands.
func messageType(first byte) Kind {
	switch first & 0x03 {
	case 0, 3:
		return KindDeliver
	case 2:
		return KindReport
	}
	return KindOther
}

// split finds the fields of an SMS-DELIVER.
func split(b []byte) (fields, error) {
	if len(b) < 3 {
		return fields{}, errTruncated
	}
	oaEnd := 3 + (int(b[1])+1)/2
	if len(b) < oaEnd+10 {
		return fields{}, errTruncated
	}
	return fields{
		first:  b[0],
		oa:     b[1:oaEnd],
		pid:    b[oaEnd],
		dcs:    b[oaEnd+1],
		scts:   b[oaEnd+2 : oaEnd+9],
		udl:    b[oaEnd+9],
		ud:     b[oaEnd+10:],
		header: b[:oaEnd+9],
	}, nil
}

// Key identifies an SMS for ever: two reads of one slot, and a second delivery by the SMSC, have the same key,
// even through another SMSC address. It is total: what cannot be taken apart is identified by its whole hex.
func Key(imsi, pdu string) [32]byte {
	pdu = strings.ToUpper(pdu)
	b, err := tpduOf(pdu)
	if err != nil {
		return digest("raw", []byte(imsi), []byte(pdu))
	}
	f, err := split(b)
	if err != nil || messageType(f.first) != KindDeliver {
		return digest("raw", []byte(imsi), []byte(pdu))
	}
	return digest("deliver", []byte(imsi), f.oa, f.scts, []byte{f.pid, f.dcs, f.first & udhi, f.udl}, f.ud)
}

// udhi is the bit of the first octet that announces a user data header.
const udhi = 0x40

// digest hashes its parts with their lengths, so that no octet can move from one part to the next unseen.
func digest(domain string, parts ...[]byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(domain))
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p))))
		h.Write(p)
	}
	return [32]byte(h.Sum(nil))
}

// timestamp reads a TP-SCTS (3GPP TS 23.040 §9.2.3.11). The library lets the thirteenth month roll over into
// the next year; here everything that is not a time of the calendar is the zero time.
func timestamp(b []byte) time.Time {
	var v [6]int
	for i := range v {
		hi, lo := int(b[i]&0x0f), int(b[i]>>4)
		if hi > 9 || lo > 9 {
			return time.Time{}
		}
		v[i] = hi*10 + lo
	}
	// The zone counts quarters of an hour; bit 3 of its first digit is the sign.
	hi, lo := int(b[6]&0x07), int(b[6]>>4)
	quarters := hi*10 + lo
	if lo > 9 || quarters > 14*4 {
		return time.Time{}
	}
	if b[6]&0x08 != 0 {
		quarters = -quarters
	}
	year := 2000 + v[0]
	if v[0] >= 70 {
		year = 1900 + v[0]
	}
	zone := time.UTC
	if quarters != 0 {
		zone = time.FixedZone("SCTS", quarters*15*60)
	}
	t := time.Date(year, time.Month(v[1]), v[2], v[3], v[4], v[5], 0, zone)
	if int(t.Month()) != v[1] || t.Day() != v[2] || t.Hour() != v[3] || t.Minute() != v[4] || t.Second() != v[5] {
		return time.Time{}
	}
	return t
}

// validSCTS stands in for a time stamp, so that the library's verdict on it cannot cost the text.
var validSCTS = [7]byte{0x42, 0x20, 0x41, 0x70, 0x00, 0x00, 0x00}

// repaired writes the fields back as a TPDU that the strict library accepts whenever the text itself is whole:
// a valid time stamp, a reserved coding group read as the default alphabet (3GPP TS 23.038 §4), no octet beyond
// the announced length, no half UCS-2 character. A well-formed TPDU comes out as it was, time stamp excepted.
func (f fields) repaired() ([]byte, error) {
	out := append([]byte(nil), f.header...)
	at := len(out) - len(validSCTS)
	copy(out[at:], validSCTS[:])
	out[0] &^= 0x03
	dcs := tpdu.DCS(f.dcs)
	alphabet, err := dcs.Alphabet()
	if err != nil {
		out[at-1], alphabet = 0, tpdu.Alpha7Bit
	}
	if dcs.Compressed() {
		return nil, errors.New("compressed text (3GPP TS 23.042) is not supported")
	}
	need := int(f.udl)
	if alphabet == tpdu.Alpha7Bit {
		need = (need*7 + 7) / 8
	}
	if len(f.ud) < need {
		return nil, errTruncated
	}
	udl, ud := f.udl, f.ud[:need]
	if alphabet == tpdu.AlphaUCS2 && (need-f.headerLen())%2 == 1 {
		udl, ud = udl-1, ud[:need-1]
	}
	return append(append(out, udl), ud...), nil
}

// headerLen is the length of the user data header with its length octet, 0 without one.
func (f fields) headerLen() int {
	if f.first&udhi == 0 || len(f.ud) == 0 {
		return 0
	}
	return 1 + int(f.ud[0])
}
