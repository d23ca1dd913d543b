package web

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tali/parser"
)

func TestConceal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, sms, want string }{
		{"a plain tally stays", "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674", "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674"},
		{"proof", "RALAT 7F3K2 PILBUP 10013505 145", "RALAT ••••• PILBUP 10013505 145"},
		{"proof, typed as it comes", "ralat.7f3k2.pilbup.10013505", "ralat.•••••.pilbup.10013505"},
		{"proof of digits", "RALAT 73312 PILBUP", "RALAT ••••• PILBUP"},
		{"proof with a hidden character", "RALAT 7F\u200b3K2 PILBUP", "RALAT ••••• PILBUP"},
		{"no proof", "RALAT PILBUP 10013505", "RALAT PILBUP 10013505"},
		{"proof alone", "7F3K2", "•••••"},
		{"K with an O", "6 7167O", "6 7167O"},
		{"TAN behind K", "2 6 71674 81590557", "2 6 71674 •••••"},
		{"TAN behind A", "A 81590557", "A •••••"},
		{"TAN glued to A", "71674 A81590557 Rahman", "71674 ••••• Rahman"},
		{"TAN with letters", "A 8I59O557", "A •••••"},
		{"mistyped TPS code stays", "PILBUP 10013550 145", "PILBUP 10013550 145"},
		{"right TPS code at the end stays", "71674 10013505", "71674 10013505"},
		{"nothing", "", ""},
		{"no word", " ... ", " ... "},
	} {
		if got := concealSMS(c.sms); got != c.want {
			t.Errorf("%s: concealSMS(%q) = %q, want %q", c.name, c.sms, got, c.want)
		}
	}
	for _, c := range []struct{ reply, want string }{
		{"Salah? kirim ulang diawali RALAT 7F3K2", "Salah? kirim ulang diawali RALAT •••••"},
		{"sudah kami terima 15:42 WITA, bukti 73312, menunggu", "sudah kami terima 15:42 WITA, bukti •••••, menunggu"},
		{"penjumlahan pas, K 71764 tidak", "penjumlahan pas, K 71764 tidak"},
		{"1=145 2=98 sah 310 TPS 10013505", "1=145 2=98 sah 310 TPS 10013505"},
	} {
		if got := concealReply(c.reply); got != c.want {
			t.Errorf("concealReply(%q) = %q, want %q", c.reply, got, c.want)
		}
	}
}

func TestNoProofIsShown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		proof := parser.NewProof(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "random"))
		separator := rapid.SampledFrom([]string{" ", "#", ".", ", ", "\n"}).Draw(t, "separator")
		if got := concealSMS("RALAT" + separator + proof + separator + "PILBUP 10013505"); strings.Contains(got, proof) {
			t.Fatalf("concealSMS shows %s: %q", proof, got)
		}
		if got := concealReply("laporan" + separator + proof + separator + "PILBUP"); strings.Contains(got, proof) {
			t.Fatalf("concealReply shows %s: %q", proof, got)
		}
	})
}
