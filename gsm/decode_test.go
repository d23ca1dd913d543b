package gsm

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/tpdu"
	"github.com/warthog618/sms/encoding/ucs2"
)

// smscHex is the address that modems print before a TPDU.
const smscHex = "0791261800000000"

// encode makes DELIVER PDUs as a network would.
func encode(t testing.TB, text string, options ...sms.EncoderOption) []string {
	t.Helper()
	parts, err := sms.Encode([]byte(text), append([]sms.EncoderOption{sms.AsDeliver, sms.From("+628990000001")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range parts {
		p.SCTS = tpdu.Timestamp{Time: time.Date(2024, 11, 27, 13, 5, 9, 0, time.FixedZone("", 8*3600))}
		b, err := p.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, smscHex+strings.ToUpper(hex.EncodeToString(b)))
	}
	return out
}

// wita is the time in every golden PDU.
var wita = time.Date(2024, 11, 27, 13, 5, 9, 0, time.FixedZone("SCTS", 8*3600))

// TestDecodeGolden holds vectors written down octet by octet, so that the library cannot agree with itself.
func TestDecodeGolden(t *testing.T) {
	t.Parallel()
	const (
		head  = smscHex + "04" + "0C91269809000010" // +628990000001
		scts  = "42117231509023"                    // 2024-11-27 13:05:09 +08:00
		hello = "05E8329BFD06"                      // "hello"
		ref8  = "0B" + "0500032A0201"               // UDL 11, part 1 of 2, reference 42
	)
	plain := Deliver{Kind: KindDeliver, Sender: "+628990000001", SentAt: wita, Text: "hello"}
	with := func(change func(*Deliver)) Deliver {
		d := plain
		change(&d)
		return d
	}
	for _, c := range []struct {
		name, pdu string
		want      Deliver
	}{
		{"plain", head + "0000" + scts + hello, plain},
		{"lower case", strings.ToLower(head + "0000" + scts + hello), plain},
		{"no SMSC address", "00" + "040C91269809000010" + "0000" + scts + hello, plain},
		{"national number", smscHex + "04" + "0BA18099000000F1" + "0000" + scts + hello,
			with(func(d *Deliver) { d.Sender = "08990000001" })},
		{"short code", smscHex + "04" + "04816363" + "0000" + scts + hello, with(func(d *Deliver) { d.Sender = "3636" })},
		{"alphanumeric", smscHex + "04" + "0BD0D42273F96C02" + "0000" + scts + hello,
			with(func(d *Deliver) { d.Sender, d.Alphanumeric = "TELKOM", true })},
		{"class 0", head + "0010" + scts + hello, with(func(d *Deliver) { d.DCS, d.Class0 = 0x10, true })},
		{"class 1", head + "0011" + scts + hello, with(func(d *Deliver) { d.DCS = 0x11 })},
		{"class 0 in group 1111", head + "00F0" + scts + hello, with(func(d *Deliver) { d.DCS, d.Class0 = 0xF0, true })},
		{"reserved coding group", head + "0080" + scts + hello, with(func(d *Deliver) { d.DCS = 0x80 })},
		{"replace type 1", head + "4100" + scts + hello, with(func(d *Deliver) { d.PID = 0x41 })},
		{"time stamp of FF", head + "0000" + "FFFFFFFFFFFFFF" + hello, with(func(d *Deliver) { d.SentAt = time.Time{} })},
		{"month 13", head + "0000" + "42317231509023" + hello, with(func(d *Deliver) { d.SentAt = time.Time{} })},
		{"30 February", head + "0000" + "42200331509023" + hello, with(func(d *Deliver) { d.SentAt = time.Time{} })},
		{"west of Greenwich", head + "0000" + "4211723150902B" + hello,
			with(func(d *Deliver) { d.SentAt = time.Date(2024, 11, 27, 13, 5, 9, 0, time.FixedZone("SCTS", -8*3600)) })},
		{"an octet too many", head + "0000" + scts + hello + "00", plain},
		{"empty text", head + "0000" + scts + "00", with(func(d *Deliver) { d.Text = "" })},
		{"UCS-2", head + "0008" + scts + "0600480069263A", with(func(d *Deliver) { d.DCS, d.Text = 8, "Hi☺" })},
		{"odd UCS-2", head + "0008" + scts + "050048006926", with(func(d *Deliver) { d.DCS, d.Text = 8, "Hi" })},
		{"UCS-2 with NUL", head + "0008" + scts + "06003100000032", with(func(d *Deliver) { d.DCS, d.Text = 8, "1\uFFFD2" })},
		{"lone surrogate", head + "0008" + scts + "040048D83D", with(func(d *Deliver) { d.DCS, d.Text = 8, "H\uFFFD" })},
		{"8 bit, not UTF-8", head + "0004" + scts + "0341FF42", with(func(d *Deliver) { d.DCS, d.Text = 4, "A\uFFFDB" })},
		{"part of a long one", smscHex + "44" + "0C91269809000010" + "0000" + scts + ref8 + "D065361B",
			with(func(d *Deliver) { d.Text, d.Part = "hell", &Part{Ref: 42, Width: 8, Total: 2, Seq: 1} })},
		{"16-bit reference", smscHex + "44" + "0C91269809000010" + "0008" + scts + "090608041234030200" + "41",
			with(func(d *Deliver) { d.DCS, d.Text, d.Part = 8, "A", &Part{Ref: 0x1234, Width: 16, Total: 3, Seq: 2} })},
		{"part 3 of 2 is no part", smscHex + "44" + "0C91269809000010" + "0008" + scts + "080500032A0203" + "0041",
			with(func(d *Deliver) { d.DCS, d.Text = 8, "A" })},
		{"one part of one is whole", smscHex + "44" + "0C91269809000010" + "0008" + scts + "080500032A0101" + "0041",
			with(func(d *Deliver) { d.DCS, d.Text = 8, "A" })},
		{"status report", smscHex + "06" + "2A" + "0C91269809000010" + scts + scts + "00",
			Deliver{Kind: KindReport, Sender: "+628990000001", SentAt: wita, Report: &Report{Reference: 42, At: wita}}},
		{"status report cut short", smscHex + "06" + "2A" + "0C91269809000010" + scts,
			Deliver{Kind: KindReport, Sender: "+628990000001", SentAt: wita}},
		{"submit report", smscHex + "01" + "00" + scts, Deliver{Kind: KindOther}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode(c.pdu)
			if !got.SentAt.Equal(c.want.SentAt) {
				t.Errorf("SentAt = %v, want %v", got.SentAt, c.want.SentAt)
			}
			got.SentAt = c.want.SentAt
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("Decode(%s) = %+v, %v, want %+v", c.pdu, got, err, c.want)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	whole := encode(t, "TPS 1 7 8 9")[0]
	for _, c := range []struct{ name, pdu string }{
		{"empty", ""},
		{"not hex", "hello"},
		{"odd hex", whole[:len(whole)-1]},
		{"only an SMSC address", smscHex},
		{"SMSC address longer than the PDU", "FF00"},
		{"ends in the sender", smscHex + "040C91"},
		{"ends in the time stamp", smscHex + "040C912698090000100000421172"},
		{"text shorter than announced", whole[:len(whole)-2]},
		{"header longer than the text", smscHex + "44" + "0C91269809000010" + "0008" + "42117231509023" + "03FF0003"},
		{"compressed", smscHex + "04" + "0C91269809000010" + "0020" + "42117231509023" + "05E8329BFD06"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if d, err := Decode(c.pdu); err == nil {
				t.Errorf("Decode(%q) = %+v, want an error", c.pdu, d)
			}
		})
	}
}

func TestDecodeAgreesWithLibrary(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"TPS 12 1#2*3", "€{}[]~^|\\", "ÀÉ ñ ü @£$", "ᠬ😀☺ выборы", strings.Repeat("x", 160)} {
		d, err := Decode(encode(t, text)[0])
		if err != nil || d.Text != text || !d.SentAt.Equal(wita) {
			t.Errorf("Decode(encode(%q)) = %+v, %v", text, d, err)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("TPS 12 1 2 3 ", 30)
	turkish := strings.Repeat("ğışĞ ", 60)
	emoji := strings.Repeat("x😀", 60)
	for _, c := range []struct {
		name, text string
		options    []sms.EncoderOption
	}{
		{"one part", "short", nil},
		{"8-bit reference", long, nil},
		{"national table", turkish, []sms.EncoderOption{sms.WithAllCharsets}},
		{"UCS-2", strings.Repeat("выборы ", 30), nil},
		{"surrogates at the border", emoji, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, err := Join(encode(t, c.text, c.options...))
			if err != nil || d.Text != c.text || d.Part != nil || d.Sender != "+628990000001" || !d.SentAt.Equal(wita) {
				t.Errorf("Join = %+v, %v, want %q", d, err, c.text)
			}
		})
	}
}

// TestJoinCutCharacters puts together what careless phones cut: a surrogate pair, and an escape and its character.
func TestJoinCutCharacters(t *testing.T) {
	t.Parallel()
	part := func(seq byte, dcs tpdu.DCS, ud []byte) string {
		p, err := tpdu.NewDeliver(tpdu.WithOA(tpdu.NewAddress(tpdu.FromNumber("628990000001"))), dcs)
		if err != nil {
			t.Fatal(err)
		}
		p.SCTS = tpdu.Timestamp{Time: wita}
		p.SetUDH(tpdu.UserDataHeader{{ID: 0, Data: []byte{7, 2, seq}}})
		p.SetUD(ud)
		b, err := p.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		return "00" + hex.EncodeToString(b)
	}
	smile := ucs2.Encode([]rune("a😀b"))
	for _, c := range []struct {
		name string
		pdus []string
		want string
	}{
		{"surrogate pair", []string{part(1, 8, smile[:4]), part(2, 8, smile[4:])}, "a😀b"},
		{"escape", []string{part(1, 0, []byte{'a', 0x1b}), part(2, 0, []byte{0x65, 'b'})}, "a€b"},
		{"escaped escape", []string{part(1, 0, []byte{'a', 0x1b, 0x1b}), part(2, 0, []byte("eb"))}, "a eb"},
		{"surrogate, then 7 bit", []string{part(1, 8, smile[:4]), part(2, 0, []byte("b"))}, "a\uFFFDb"},
		{"surrogate at the end", []string{part(1, 8, smile[:2]), part(2, 8, smile[2:4])}, "a\uFFFD"},
	} {
		if d, err := Join(c.pdus); err != nil || d.Text != c.want {
			t.Errorf("%s: Join = %q, %v, want %q", c.name, d.Text, err, c.want)
		}
	}
}

func TestJoinRefusals(t *testing.T) {
	t.Parallel()
	p := encode(t, strings.Repeat("TPS 12 1 2 3 ", 30))
	other := encode(t, strings.Repeat("TPS 12 1 2 3 ", 30), sms.From("+628990000002"))
	for name, pdus := range map[string][]string{
		"nothing":        nil,
		"missing":        p[:2],
		"out of order":   {p[1], p[0], p[2]},
		"doubled":        {p[0], p[0], p[2]},
		"another sender": {p[0], other[1], p[2]},
		"whole ones":     {encode(t, "a")[0], encode(t, "b")[0]},
		"status report":  {smscHex + "062A0C91269809000010421172315090234211723150902300"},
	} {
		if d, err := Join(pdus); !errors.Is(err, ErrIncomplete) {
			t.Errorf("%s: Join = %+v, %v, want %v", name, d, err, ErrIncomplete)
		}
	}
	if _, err := Join([]string{p[0], "zz", p[2]}); err == nil || errors.Is(err, ErrIncomplete) {
		t.Errorf("Join with broken hex = %v, want its error", err)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	base := encode(t, "TPS 1 7 8 9")[0]
	b, err := hex.DecodeString(base)
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, to byte) string {
		c := append([]byte(nil), b...)
		c[at] ^= to
		return hex.EncodeToString(c)
	}
	const first = 8 // octets of the SMSC address
	same := map[string]string{
		"lower case":               strings.ToLower(base),
		"other SMSC":               "07912618000000F1" + base[16:],
		"no SMSC":                  "00" + base[16:],
		"more messages to send":    change(first, 0x04),
		"status report indication": change(first, 0x20),
	}
	for name, pdu := range same {
		if Key("51089", pdu) != Key("51089", base) {
			t.Errorf("%s: another key, want the same", name)
		}
	}
	different := map[string]string{
		"user data header": change(first, 0x40),
		"sender":           change(first+4, 0x01),
		"PID":              change(first+9, 0x01),
		"DCS":              change(first+10, 0x01),
		"time stamp":       change(first+16, 0x10),
		"text":             change(len(b)-1, 0x01),
		"cut":              base[:len(base)-2],
		"status report":    change(first, 0x02),
	}
	seen := map[[32]byte]string{Key("51089", base): "base", Key("51088", base): "another SIM"}
	for name, pdu := range different {
		k := Key("51089", pdu)
		if other, ok := seen[k]; ok {
			t.Errorf("%s has the key of %s", name, other)
		}
		seen[k] = name
	}
	if Key("1", "zz") == Key("1", "yy") || Key("1", "zz") != Key("1", "ZZ") || Key("1", "zz") == Key("2", "zz") {
		t.Error("key of what is not hex: want one by SIM and text, whatever the case")
	}
}

// seeds gives a fuzz target real PDUs and broken ones.
func seeds(f *testing.F) []string {
	pdus := encode(f, "TPS 12 1#2*3")
	pdus = append(pdus, encode(f, strings.Repeat("€ñ", 100))...)
	pdus = append(pdus, encode(f, strings.Repeat("выборы😀", 20))...)
	pdus = append(pdus, encode(f, strings.Repeat("ğış", 80), sms.WithAllCharsets)...)
	pdus = append(pdus, encode(f, "\x00\xff\x80raw", sms.As8Bit)...)
	for _, p := range pdus[:2] {
		pdus = append(pdus, p[:len(p)-1], p[:len(p)-2], p[:40], p+"00", strings.Replace(p, "4211", "FFFF", 1), "00"+p[16:])
	}
	return append(pdus, "", "0", "00", "FF", "zz", smscHex+"06", smscHex+"062A0C91269809000010421172315090234211723150902300")
}

func FuzzDecode(f *testing.F) {
	for _, p := range seeds(f) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, pdu string) {
		d, err := Decode(pdu)
		for _, s := range []string{d.Text, d.Sender} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Errorf("Decode(%q) gives %q", pdu, s)
			}
		}
		if p := d.Part; p != nil && (p.Seq < 1 || p.Seq > p.Total || p.Total < 2) {
			t.Errorf("Decode(%q) gives part %+v", pdu, *p)
		}
		if y := d.SentAt.Year(); !d.SentAt.IsZero() && (y < 1970 || y > 2069) {
			t.Errorf("Decode(%q) gives %v", pdu, d.SentAt)
		}
		if err == nil && d.Kind == "" {
			t.Errorf("Decode(%q) gives no kind", pdu)
		}
	})
}

func FuzzKey(f *testing.F) {
	for _, p := range seeds(f) {
		f.Add("510890000000001", p)
	}
	f.Fuzz(func(t *testing.T, imsi, pdu string) {
		k := Key(imsi, pdu)
		if Key(imsi, pdu) != k || Key(imsi, strings.ToUpper(pdu)) != k || Key(imsi+"0", pdu) == k {
			t.Errorf("Key(%q, %q) is not a function of SIM and message", imsi, pdu)
		}
	})
}

func FuzzJoin(f *testing.F) {
	all := seeds(f)
	for i := range all {
		f.Add(all[i], all[(i+1)%len(all)])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, pdus := range [][]string{{a}, {a, b}, {b, a}} {
			d, err := Join(pdus)
			if !utf8.ValidString(d.Text) || strings.ContainsRune(d.Text, 0) || err == nil && d.Part != nil {
				t.Errorf("Join(%q) = %+v, %v", pdus, d, err)
			}
		}
		one, err := Decode(a)
		joined, joinErr := Join([]string{a})
		if err == nil && one.Kind == KindDeliver && one.Part == nil && (joinErr != nil || joined.Text != one.Text) {
			t.Errorf("Join(%q) = %q, %v, Decode gives %q", a, joined.Text, joinErr, one.Text)
		}
	})
}
