package modemsim

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Poison is a PDU that hurts readers of PDUs, as a modem would show it.
type Poison struct {
	Name string
	PDU  string
	// Text is what a patient reader finds in it; empty where there is none.
	Text string
	// Damaged says that a part of the text is missing, or that nothing of the
	// PDU can be trusted: it is to be kept raw, and not to be acted upon.
	Damaged bool
}

// Poisons lists one PDU of each sort that has brought SMS programs down. The
// sender is a number, +62...; n tells several rounds apart.
func Poisons(from string, n int) []Poison {
	text := fmt.Sprintf("RACUN %d", n)
	good := mustPDU(SMS{From: from, Text: text})
	wide := mustPDU(SMS{From: from, Text: text, Encoding: UCS2})
	f := fieldsOf(good)
	w := fieldsOf(wide)
	binary := f.with(f.dcs, 0x04)
	wap := append([]byte{0x06, 0x05, 0x04, 0x0b, 0x84, 0x23, 0xf0}, "\x01\x06\x03\xbe\xaf"...)
	return []Poison{
		{Name: "time stamp of FF", PDU: f.with(f.scts, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), Text: text},
		{Name: "thirteenth month", PDU: f.with(f.scts+1, 0x31), Text: text},
		{Name: "no time stamp", PDU: f.with(f.scts, 0, 0, 0, 0, 0, 0, 0), Text: text},
		{Name: "odd UCS-2", PDU: w.tail(append(w.data(), 0x00)), Text: text},
		{Name: "lone surrogate", PDU: w.tail([]byte{0x00, 'A', 0xd8, 0x3d}), Text: "A\uFFFD"},
		{Name: "an octet too many", PDU: good + "00", Text: text},
		{Name: "a hundred octets too many", PDU: good + strings.Repeat("55", 100), Text: text},
		{Name: "cut short", PDU: good[:len(good)-8], Damaged: true},
		{Name: "half a header", PDU: good[:20], Damaged: true},
		{Name: "nothing but an SMSC", PDU: good[:16], Damaged: true},
		{Name: "one octet", PDU: "00", Damaged: true},
		{Name: "type 0", PDU: f.with(f.dcs-1, 0x40), Text: text},
		{Name: "replace type", PDU: f.with(f.dcs-1, 0x41), Text: text},
		{Name: "8-bit data", PDU: binary},
		{Name: "WAP push", PDU: fieldsOf(f.with(0, 0x44)).tail(wap)},
		{Name: "reserved coding", PDU: f.with(f.dcs, 0x8c), Text: text},
		{Name: "compressed", PDU: f.with(f.dcs, 0x20), Damaged: true},
		{Name: "header longer than its text", PDU: fieldsOf(f.with(0, 0x44)).tail([]byte{0x70, 0x00, 0x03, 0x01, 0x02, 0x01}), Damaged: true},
		{Name: "part 3 of 2", PDU: fieldsOf(f.with(0, 0x44)).tail([]byte{0x05, 0x00, 0x03, 0x01, 0x02, 0x03, 0x80})},
		{Name: "part 1 of 0", PDU: fieldsOf(f.with(0, 0x44)).tail([]byte{0x05, 0x00, 0x03, 0x01, 0x00, 0x01, 0x80})},
		{Name: "empty text", PDU: f.tail(nil)},
		{Name: "status report", PDU: report(from, n)},
		{Name: "sender of 30 digits", PDU: good[:18] + "1E91" + strings.Repeat("21", 15) + good[2*(f.at+f.dcs-1):], Text: text},
	}
}

// layout knows where the fields of an SMS-DELIVER lie (3GPP TS 23.040
// §9.2.2.1), counted in octets behind the SMSC's address.
type layout struct {
	raw       []byte
	at        int // where the TPDU begins
	dcs, scts int
}

func fieldsOf(pdu string) layout {
	raw, err := hex.DecodeString(pdu)
	if err != nil {
		panic(fmt.Errorf("a PDU of our own is no hex: %w", err))
	}
	l := layout{raw: raw, at: 1 + int(raw[0])}
	oa := (int(raw[l.at+1]) + 1) / 2
	l.dcs = 4 + oa
	l.scts = 5 + oa
	return l
}

// with is the PDU with some octets replaced.
func (l layout) with(offset int, octets ...byte) string {
	raw := append([]byte(nil), l.raw...)
	copy(raw[l.at+offset:], octets)
	return strings.ToUpper(hex.EncodeToString(raw))
}

// data is the user data, its length left out.
func (l layout) data() []byte {
	return append([]byte(nil), l.raw[l.at+l.scts+8:]...)
}

// tail is the PDU with other user data, counted in octets.
func (l layout) tail(ud []byte) string {
	raw := append([]byte(nil), l.raw[:l.at+l.scts+7]...)
	raw = append(append(raw, byte(len(ud))), ud...)
	if len(ud) > 0 && l.raw[l.at]&0x40 != 0 {
		raw[l.at+l.dcs] = 0x04 // octets are counted, not septets
	}
	return strings.ToUpper(hex.EncodeToString(raw))
}

// laterSCTS is the same PDU a few seconds later; false for what is too short.
func laterSCTS(pdu string) (string, bool) {
	raw, err := hex.DecodeString(pdu)
	if err != nil || len(raw) == 0 || len(raw) < 3+int(raw[0]) {
		return "", false
	}
	at := 1 + int(raw[0])
	seconds := at + 10 + (int(raw[at+1])+1)/2
	if seconds >= len(raw) {
		return "", false
	}
	n := int(raw[seconds]&0x0f)*10 + int(raw[seconds]>>4)
	n = (n + 7) % 60
	raw[seconds] = byte(n%10<<4 | n/10)
	return strings.ToUpper(hex.EncodeToString(raw)), true
}

// report is an SMS-STATUS-REPORT of a message that nobody may have sent.
func report(to string, reference int) string {
	address := digits(to)
	b := []byte{0x06, byte(reference), byte(len(address)), 0x91}
	b = append(b, semiOctets(address)...)
	stamp := []byte{0x62, 0x11, 0x32, 0x81, 0x00, 0x00, 0x23}
	b = append(append(append(b, stamp...), stamp...), 0x00)
	return strings.ToUpper("00" + hex.EncodeToString(b))
}

// semiOctets packs digits two an octet, the first in the low half (3GPP TS
// 23.040 §9.1.2.3).
func semiOctets(digits string) []byte {
	var out []byte
	for i := 0; i < len(digits); i += 2 {
		high := byte(0xf)
		if i+1 < len(digits) {
			high = digits[i+1] - '0'
		}
		out = append(out, high<<4|(digits[i]-'0'))
	}
	return out
}

func mustPDU(s SMS) string {
	s.At = fixedTime(s.At)
	pdus, err := s.PDUs()
	if err != nil {
		panic(fmt.Errorf("encoding an SMS of our own: %w", err))
	}
	return pdus[0]
}

// fixedTime keeps samples the same from one run to the next.
func fixedTime(t time.Time) time.Time {
	if t.IsZero() {
		return time.Date(2024, 11, 27, 13, 5, 0, 0, time.FixedZone("WITA", 8*60*60))
	}
	return t
}

// Advert is the nth SMS that nobody asked for: promotions under a name, of one
// part or several. Their texts are invented.
func Advert(n int) []string {
	texts := []string{
		"PROMO AKHIR TAHUN! Kuota 12GB cuma Rp25.000. Hub *000# sekarang juga.",
		"Selamat! Nomor Anda mendapat bonus pulsa. Balas YA utk klaim hadiah.",
		"Nikmati film tanpa batas \u2728 hanya hari ini \U0001F389 " + strings.Repeat("Diskon besar! ", 8),
		strings.Repeat("Pinjaman cepat cair tanpa jaminan. ", 9),
		"145 98 67 310 12 322", // figures that are no tally
	}
	s := SMS{From: []string{"PROMO", "Info-000", "UNDIAN"}[n%3], Text: fmt.Sprintf("%s %d", texts[n%len(texts)], n),
		At: fixedTime(time.Time{}).Add(time.Duration(n) * time.Second), Reference: uint16(n%0xffff) + 1}
	pdus, err := s.PDUs()
	if err != nil {
		panic(fmt.Errorf("encoding an advert of our own: %w", err))
	}
	return pdus
}
