package cards

import (
	"fmt"

	"tali/parser"
)

// footerAt is where the last line of the front stands.
const footerAt = bottom - 4

// front draws the first page: who, where to and how.
func (s *sheet) front() error {
	s.pdf.AddPage()
	s.y = margin
	s.identity()
	s.numbers()
	if err := s.codes(); err != nil {
		return err
	}
	s.steps()
	s.proofs()
	s.footer()
	return nil
}

func (s *sheet) identity() {
	c := s.card
	s.font("", 9)
	s.put(margin, s.y, inner, "KARTU SMS HASIL TPS  -  "+c.Profile.Name)
	s.y += 5
	if c.Profile.Phase == parser.PhaseRehearsal {
		s.font("B", 12)
		s.put(margin, s.y, inner, "LATIHAN - BUKAN PEMUNGUTAN SUARA SUNGGUHAN")
		s.y += 6
	}
	s.font("B", 20)
	s.put(margin, s.y, inner, c.Station)
	s.y += 8.5
	if c.District != "" {
		s.font("", 10)
		s.put(margin, s.y, inner, "Kecamatan "+c.District)
		s.y += 5
	}
	if c.Generation > 1 {
		s.font("B", 10)
		s.put(margin, s.y, inner, c.replaces())
		s.y += 5
	}
	s.y += 1
	s.pdf.SetLineWidth(0.8)
	s.pdf.Rect(margin, s.y, inner, 19, "D")
	s.font("B", 10)
	s.put(margin+3, s.y+4, 22, "KODE")
	s.put(margin+3, s.y+9, 22, "TPS ANDA")
	s.typed(44)
	s.align(margin+25, s.y+1.5, inner-28, c.TPS.Grouped(), "C")
	s.y += 21.5
}

// replaces says which card this one is, where it is not the first.
func (c *Card) replaces() string {
	return fmt.Sprintf("KARTU KE-%d - kartu sebelumnya tidak berlaku lagi", c.Generation)
}

// numbers lists where to send; a card has room for four.
func (s *sheet) numbers() {
	s.font("B", 10)
	s.put(margin, s.y, inner, "KIRIM SMS KE nomor 1 (kalau gagal nomor berikutnya), dari HP yang terdaftar:")
	s.y += 5
	const column = inner / 2
	list := s.card.Gateways[:min(len(s.card.Gateways), 4)]
	for i, g := range list {
		x, y := margin+float64(i%2)*column, s.y+float64(i/2)*8
		s.typed(15)
		s.put(x, y, 51, fmt.Sprintf("%d. %s", i+1, g.local()))
		s.font("", 8)
		s.put(x+52, y+1.5, column-53, g.Operator)
	}
	s.y += float64((len(list)+1)/2)*8 + 0.5
}

// codes draws a QR code for every ballot in one row.
func (s *sheet) codes() error {
	ballots := s.card.Profile.Ballots
	s.rule(s.y, 0.3)
	s.y += 2
	if len(ballots) > 2 {
		s.font("", 9)
		s.put(margin, s.y-0.5, inner, "Pindai: SMS sudah berisi kata kunci dan kode TPS, tinggal tambahkan angka.")
		s.y += 3.5
	}
	columns := min(max(len(ballots), 2), codesInRow)
	column := inner / float64(columns)
	size := min(column-7.5, 24) // the rest is the white border that readers need
	if len(ballots) > codesInRow {
		size = 13 // two rows
	}
	for i, b := range ballots {
		x, y := margin+float64(i%columns)*column, s.y+float64(i/columns)*(size+9)
		if err := s.qr(x+4, y+3, size, b); err != nil {
			return err
		}
		s.codeName(x, y, size, b)
	}
	rows := (len(ballots) + columns - 1) / columns
	s.y += float64(rows) * (size + 9)
	s.rule(s.y, 0.3)
	s.y += 2
	return nil
}

// codesInRow is how many ballots an election of all bodies has; only a test has
// more.
const codesInRow = 5

// codeName says beside or, where they are many, below a QR code what it is.
func (s *sheet) codeName(x, y, size float64, b *parser.Ballot) {
	if len(s.card.Profile.Ballots) > 2 {
		s.font("B", 9)
		s.put(x+3, y+size+5, size+4, b.Keyword)
		return
	}
	s.font("B", 14)
	s.put(x+size+8, y+4, inner/2-size-9, b.Keyword)
	s.font("", 8)
	s.paragraph(x+size+8, y+11, inner/2-size-9, "Pindai: SMS "+b.Keyword+" terisi kode TPS. Tambahkan angka.")
}

// steps tells what to do, as large as the room above the footer admits.
func (s *sheet) steps() {
	texts := s.card.steps()
	size := 11.5
	for s.stepsHeight(texts, size) > footerAt-s.y-s.proofsHeight() && size > 7 {
		size -= 0.5
	}
	last := len(texts) - 1
	for i, text := range texts[:last] {
		s.font("B", size)
		s.put(margin, s.y, stepIndent, fmt.Sprint(i+1))
		s.font("", size)
		s.y = s.paragraph(margin+stepIndent, s.y, inner-stepIndent, text) + stepGap
	}
	s.font("B", size)
	s.y = s.paragraph(margin, s.y, inner, texts[last])
}

const (
	stepIndent = 6.0
	stepGap    = 0.8
)

func (s *sheet) stepsHeight(texts []string, size float64) float64 {
	s.font("", size)
	_, height := s.pdf.GetFontSize()
	total := 0.0
	for _, text := range texts {
		total += float64(len(s.pdf.SplitText(s.latin(text), inner-stepIndent)))*height*leading + stepGap
	}
	return total
}

// steps are numbered but for the last one.
func (c *Card) steps() []string {
	return []string{
		"Salin angka C.HASIL ke lembar kerja di balik kartu ini. Hitung kolom kanan dan K.",
		"Ketik satu SMS per surat suara: " + c.Profile.Ballots[0].Keyword +
			", kode TPS, semua angka menurut urutan, lalu K. Pisahkan dengan spasi. Nol ditulis 0.",
		"Kirim. Tunggu balasan. DITERIMA: selesai, catat kode bukti. PERIKSA: ikuti isi balasan.",
		"Salah kirim? Ketik RALAT, kode bukti, lalu SMS lengkap. Ragu sudah terkirim? Kirim ulang SMS yang sama, tidak dihitung dua kali.",
		"Jangan ubah angka C.HASIL supaya cocok. Kalau C.HASIL memang begitu, balas FORM.",
		"Uji sebelum hari pemungutan: kirim UJI " + string(c.TPS) + ". Bingung: kirim BANTU.",
	}
}

const (
	proofRow = 8.5
	proofBox = 6.5
)

func (s *sheet) proofsHeight() float64 {
	return 6 + float64((len(s.card.Profile.Ballots)+1)/2)*proofRow
}

// proofs gives each ballot five boxes for the code of its receipt, without
// which nothing can be corrected later.
func (s *sheet) proofs() {
	y := footerAt - s.proofsHeight()
	s.font("B", 10)
	s.put(margin, y, inner, "CATAT KODE BUKTI dari balasan DITERIMA:")
	y += 5
	const column = inner / 2
	for i, b := range s.card.Profile.Ballots {
		x, y := margin+float64(i%2)*column, y+float64(i/2)*proofRow
		s.font("B", 11)
		s.put(x, y+1, 26, b.Keyword)
		s.boxes(x+28, y, proofBox, 5)
	}
}

func (s *sheet) footer() {
	s.font("", 7.5)
	s.put(margin, footerAt, inner, "Balasan tidak pernah meminta PIN, sandi atau membuka tautan. Data sementara, bukan hasil resmi KPU.")
}
