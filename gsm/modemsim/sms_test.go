package modemsim

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/warthog618/sms/encoding/tpdu"
)

// entries lists the memory and returns the PDUs, by index.
func (c *client) entries() map[int]string {
	c.t.Helper()
	lines := strings.Split(c.ask("AT+CMGL=4"), "|")
	out := make(map[int]string)
	for i := 0; i+1 < len(lines); i++ {
		var index, state, octets int
		if _, err := fmt.Sscanf(lines[i], "+CMGL: %d,%d,,%d", &index, &state, &octets); err != nil {
			continue // what came before the listing
		}
		if got := tpduOctets(lines[i+1]); got != octets {
			c.t.Errorf("entry %d says %d octets, has %d", index, octets, got)
		}
		out[index] = lines[i+1]
	}
	return out
}

// encoding is an SMS and how it should arrive.
type encoding struct {
	name     string
	sms      SMS
	parts    int
	alphabet tpdu.Alphabet
	width    int // of the reference, 0: not concatenated
}

func TestSubmitEncodings(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 31)
	when := time.Date(2027, 2, 3, 4, 5, 6, 0, time.FixedZone("WITA", 8*3600))
	tests := []encoding{
		{"short", SMS{Text: "TPS 1 {ok}"}, 1, tpdu.Alpha7Bit, 0},
		{"empty", SMS{}, 1, tpdu.Alpha7Bit, 0},
		{"160", SMS{Text: strings.Repeat("a", 160)}, 1, tpdu.Alpha7Bit, 0},
		{"161", SMS{Text: strings.Repeat("a", 161)}, 2, tpdu.Alpha7Bit, 8},
		{"auto UCS2", SMS{Text: "✓ 1"}, 1, tpdu.AlphaUCS2, 0},
		{"forced UCS2", SMS{Text: "TPS", Encoding: UCS2}, 1, tpdu.AlphaUCS2, 0},
		{"long GSM7, 8 bit", SMS{Text: long, Encoding: GSM7, RefWidth: 8, Reference: 200}, 3, tpdu.Alpha7Bit, 8},
		{"long GSM7, 16 bit", SMS{Text: long, RefWidth: 16, Reference: 40000}, 3, tpdu.Alpha7Bit, 16},
		{"long UCS2, 8 bit", SMS{Text: long, Encoding: UCS2, Reference: 7}, 5, tpdu.AlphaUCS2, 8},
		{"long UCS2, 16 bit", SMS{Text: long + "😀", Encoding: UCS2, RefWidth: 16, Reference: 300}, 5, tpdu.AlphaUCS2, 16},
		{"forced parts", SMS{Text: "TPS 1 2 3", ForceParts: 3, Reference: 9}, 3, tpdu.Alpha7Bit, 8},
		{"forced parts, UCS2, 16 bit", SMS{Text: "é✓3", ForceParts: 2, RefWidth: 16, Reference: 9}, 2, tpdu.AlphaUCS2, 16},
		{"short code", SMS{From: "3636", Text: "iklan"}, 1, tpdu.Alpha7Bit, 0},
		{"name", SMS{From: "TELKOMSEL", Text: "iklan"}, 1, tpdu.Alpha7Bit, 0},
		{"dated", SMS{At: when, Text: "x"}, 1, tpdu.Alpha7Bit, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkArrival(t, tt)
		})
	}
}

func checkArrival(t *testing.T, tt encoding) {
	t.Helper()
	n, m, c := plug(t, Options{})
	c.setUp()
	ids := submit(t, n, tt.sms)
	if len(ids) != tt.parts {
		t.Fatalf("%d IDs, want %d", len(ids), tt.parts)
	}
	await(t, n, "all parts stored", func() bool { return m.Stored() == tt.parts })
	for range ids {
		c.cmti()
	}
	var text strings.Builder
	entries := c.entries()
	for i, id := range ids {
		pdu := entries[i+1]
		if want := delivery(t, n, id).PDU; pdu != want {
			t.Errorf("part %d = %s, want %s", i+1, pdu, want)
		}
		text.WriteString(checkPart(t, pdu, i+1, tt))
	}
	if text.String() != tt.sms.Text {
		t.Errorf("text = %q, want %q", text.String(), tt.sms.Text)
	}
}

// checkPart decodes one part and returns its text.
func checkPart(t *testing.T, pdu string, part int, tt encoding) string {
	t.Helper()
	d, err := unframe(pdu, tpdu.MT)
	if err != nil {
		t.Fatalf("decoding %s: %v", pdu, err)
	}
	if got, _ := d.Alphabet(); got != tt.alphabet {
		t.Errorf("alphabet = %v, want %v", got, tt.alphabet)
	}
	from := cmp.Or(tt.sms.From, officer)
	if got := d.OA.Number(); got != from {
		t.Errorf("sender = %q, want %q", got, from)
	}
	if _, offset := d.SCTS.Zone(); offset != 8*3600 {
		t.Errorf("SCTS %v is not WITA", d.SCTS)
	}
	if !tt.sms.At.IsZero() && !d.SCTS.Equal(tt.sms.At) {
		t.Errorf("SCTS = %v, want %v", d.SCTS, tt.sms.At)
	}
	checkConcat(t, d, part, tt)
	text, err := decodeText(d)
	if err != nil {
		t.Error(err)
	}
	return text
}

func checkConcat(t *testing.T, d *tpdu.TPDU, part int, tt encoding) {
	t.Helper()
	var n, i, ref int
	switch tt.width {
	case 8:
		n, i, ref, _ = d.UDH.ConcatInfo8()
	case 16:
		n, i, ref, _ = d.UDH.ConcatInfo16()
	default:
		if d.UDHI() {
			t.Error("has a header, want none")
		}
		return
	}
	if n != tt.parts || i != part || tt.sms.Reference != 0 && ref != int(tt.sms.Reference) {
		t.Errorf("concatenation %d of %d, reference %d, want %d of %d, %d", i, n, ref, part, tt.parts, tt.sms.Reference)
	}
}

func TestSubmitRefused(t *testing.T) {
	t.Parallel()
	n, _, _ := plug(t, Options{})
	for name, s := range map[string]SMS{
		"no such modem":        {To: "+62899109999", Text: "x"},
		"not in the alphabet":  {To: modemNumber, Text: "✓", Encoding: GSM7},
		"more parts than text": {To: modemNumber, Text: "ab", ForceParts: 3},
		"parts too long":       {To: modemNumber, Text: strings.Repeat("a", 400), ForceParts: 2},
	} {
		if ids, err := n.Submit(s); err == nil {
			t.Errorf("%s: Submit = %v, want an error", name, ids)
		}
	}
	if _, ok := n.Delivery(1); ok {
		t.Error("a refused SMS has an ID")
	}
}

func TestPoison(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{})
	c.setUp()
	for i, pdu := range []string{"", "07", "zz", "0791261908000000F", "FFFFFFFF", "00"} {
		if pdu == "" {
			continue
		}
		if _, err := n.SubmitPDU(modemNumber, pdu); err != nil {
			t.Fatal(err)
		}
		c.cmti()
		want := fmt.Sprintf("+CMGR: 0,,%d|%s|OK", tpduOctets(pdu), strings.ToUpper(pdu))
		c.expect("AT+CMGR=1", want)
		c.expect("AT+CMGF=1;+CMGR=1;+CMGF=0", `+CMGR: "REC READ","",,""|`+strings.ToUpper(pdu)+"|OK")
		c.expect("AT+CMGD=1", "OK")
		if m.Stored() != 0 {
			t.Fatalf("poison %d is still stored", i)
		}
	}
}

func TestTextMode(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{})
	c.setUp()
	c.expect("AT+CMGF=1", "OK")
	at := time.Date(2027, 2, 3, 4, 5, 6, 0, time.FixedZone("", -5*3600))
	submit(t, n, SMS{Text: "Halo @", At: at})
	c.cmti()
	c.expect(`AT+CMGL="REC UNREAD"`, `+CMGL: 1,"REC UNREAD","+62899200001",,"27/02/03,04:05:06-20"|`+"Halo \x00|OK")
	c.expect(`AT+CMGL`, `OK`)
	c.expect(`AT+CSCS="IRA"`, "OK")
	c.expect(`AT+CMGR=1`, `+CMGR: "REC READ","+62899200001",,"27/02/03,04:05:06-20"|Halo @|OK`)
	c.expect(`AT+CSCS="UCS2"`, "OK")
	if got, want := c.ask(`AT+CMGL="ALL"`), "00480061006C006F00200040|OK"; !strings.HasSuffix(got, want) {
		t.Errorf("UCS2 listing = %q, want it to end in %q", got, want)
	}
	c.expect(`AT+CMGL="SOME"`, "+CMS ERROR: 305")
	c.expect("AT+CMGL=?", `+CMGL: ("REC UNREAD","REC READ","STO UNSENT","STO SENT","ALL")|OK`)
	c.expect("AT+CNMI=2,2;+CSCS=\"IRA\"", "OK")
	submit(t, n, SMS{Text: "langsung", At: at})
	c.until(`^\r\n\+CMT: "\+62899200001",,"27/02/03,04:05:06-20"\r\nlangsung\r\n$`)
}

func mustDeliver(t *testing.T) tpdu.TPDU {
	t.Helper()
	parts, err := SMS{From: officer, Text: "x"}.deliver(1)
	if err != nil {
		t.Fatal(err)
	}
	return parts[0]
}

func TestPDUsInAnyOrder(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{})
	c.setUp()
	pdus, err := SMS{From: officer, Text: strings.Repeat("x", 400), RefWidth: 16, Reference: 500}.PDUs()
	if err != nil || len(pdus) != 3 {
		t.Fatalf("%d PDUs, %v, want 3", len(pdus), err)
	}
	for slot, part := range []int{2, 0, 0} { // the last one first, the first twice, the middle one lost
		id, err := n.SubmitPDU(modemNumber, pdus[part])
		if err != nil {
			t.Fatal(err)
		}
		if d := delivery(t, n, id); d.From != officer || d.PDU != pdus[part] {
			t.Errorf("Delivery = %+v", d)
		}
		c.cmti()
		if got := c.entries()[slot+1]; got != pdus[part] {
			t.Errorf("slot %d = %s, want %s", slot+1, got, pdus[part])
		}
	}
	if _, err := (SMS{Text: "✓", Encoding: GSM7}).PDUs(); err == nil {
		t.Error("PDUs of what GSM 7 bit lacks: no error")
	}
}
