package cards

import (
	"encoding/hex"
	"fmt"
)

// The sealed sheet is folded in the middle, print inwards, and stapled.
const foldAt = pageHeight / 2

// sealed draws the sheet that stays closed until a code is needed: its upper
// half covers the codes on the lower one.
func (s *sheet) sealed() {
	if s.pdf.PageNo()%2 == 1 {
		s.pdf.AddPage() // the back of a worksheet: whoever fills that in would have to open the seal
	}
	s.pdf.AddPage()
	c, y := s.card, margin
	s.font("B", 16)
	s.put(margin, y, inner, "RAHASIA - "+c.Station)
	s.font("", 10.5)
	y = s.paragraph(margin, y+9, inner, "KODE ASLI membuktikan bahwa SMS berasal dari TPS ini.\n"+
		"1. Tulis satu kode yang belum dipakai setelah K, di SMS yang sama.\n"+
		"2. Satu kode untuk satu SMS. Beri tanda pada kotak kode yang sudah dipakai.\n"+
		"3. Kirim ulang SMS yang sama: pakai kode yang sama.\n"+
		"4. Jangan difoto, jangan dibacakan kepada siapa pun. Hilang atau terbuka: lapor ke KPU kabupaten.")
	s.example(y + 2)
	s.pdf.SetDashPattern([]float64{2, 1.5}, 0)
	s.rule(foldAt, 0.4)
	s.pdf.SetDashPattern([]float64{}, 0)
	s.font("B", 9)
	s.align(margin, foldAt-5, inner, "LIPAT DI GARIS INI, tulisan di dalam, lalu staples", "C")
	s.tans(foldAt + 8)
	y = bottom - 15
	s.font("", 9)
	s.put(margin, y, inner, "KUNCI HALAMAN: hanya untuk halaman di HP, diketik sekali, jangan pernah dikirim.")
	s.typed(14)
	s.put(margin, y+5, inner, grouped(hex.EncodeToString(c.Secret.Key), 4))
}

func (s *sheet) example(y float64) {
	s.font("B", 10.5)
	s.put(margin, y, inner, fmt.Sprintf("Bentuk SMS: %s %s angka K kode", s.card.Profile.Ballots[0].Keyword, s.card.TPS))
}

func (s *sheet) tans(y float64) {
	const columns, step, box = 3, 13.0, 6.0
	width := inner / columns
	for i, tan := range s.card.Secret.TANs {
		x, y := margin+float64(i%columns)*width, y+float64(i/columns)*step
		s.pdf.SetLineWidth(0.25)
		s.pdf.Rect(x, y, box, box, "D")
		s.typed(17)
		s.put(x+box+1, y-0.2, width-box-2, grouped(tan, 4))
	}
}

// cover draws the back of the sealed sheet: a label, and behind the codes a
// mess of digits that a torch cannot shine through.
func (s *sheet) cover() {
	s.pdf.AddPage()
	c := s.card
	s.font("B", 20)
	s.align(margin, 30, inner, "RAHASIA", "C")
	s.font("B", 16)
	s.align(margin, 42, inner, c.Station, "C")
	s.font("", 12)
	s.align(margin, 52, inner, "Kode TPS "+c.TPS.Grouped()+"  -  "+c.Profile.Name, "C")
	if c.Generation > 1 {
		s.align(margin, 70, inner, c.replaces(), "C")
	}
	s.align(margin, 62, inner, "Buka hanya untuk mengirim hasil. Segel rusak: lapor ke KPU kabupaten.", "C")
	s.typed(17)
	_, height := s.pdf.GetFontSize()
	digits := noise(noiseWidth * noiseLines)
	for i := range noiseLines {
		y := foldAt + 3 + float64(i)*height*0.55
		if y > bottom-height {
			break
		}
		s.put(margin+float64(i%3), y, inner-3, digits[i*noiseWidth:(i+1)*noiseWidth])
	}
}

// The noise fills half a page.
const (
	noiseWidth = 36
	noiseLines = 40
)

// noise is n digits, the same on every card and in no order that the eye could
// take away again (a linear congruential generator, Numerical Recipes' constants).
func noise(n int) string {
	out, state := make([]byte, n), uint32(7108)
	for i := range out {
		state = state*1664525 + 1013904223
		out[i] = '0' + byte(state>>24)%10
	}
	return string(out)
}
