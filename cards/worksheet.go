package cards

import (
	"fmt"
	"strconv"
	"strings"

	"tali/parser"
)

// The columns of a worksheet, by their left edges.
const (
	colNumber  = margin
	colName    = margin + 7
	colFigure  = margin + 56
	colTotal   = margin + 78
	colHint    = margin + 101
	colExample = margin + 117

	rowHeight = 6.0
	boxSize   = 5.6
	totalBox  = 20.0
	headBlock = 11.8 // title and column heads
	footBlock = 12.2 // K and what to type
	headPage  = 5.5
	gap       = 2.5
)

// worksheet draws a ballot: its rows in form order, which is the order of the
// SMS, and beside those that K adds up a box for the running total.
func (s *sheet) worksheet(b *parser.Ballot) error {
	t := newTable(b)
	text, err := parser.Render(b, s.card.TPS, t.figures)
	if err != nil {
		return fmt.Errorf("worked example: %w", err)
	}
	foot := footBlock + s.smsHeight(text)
	whole := headBlock + float64(b.Rows())*rowHeight + foot
	if s.pdf.PageNo() == 1 || s.y+whole > bottom {
		s.newPage()
	}
	s.head(b, "")
	for i := range b.Rows() {
		need := rowHeight
		if i == b.Rows()-1 {
			need += foot // the last row never stands apart from K
		}
		if s.y+need > bottom {
			s.newPage()
			s.head(b, " (lanjutan)")
		}
		s.row(t, i)
	}
	s.check(t)
	s.order(t, text)
	s.y += gap
	return nil
}

// table is a ballot with the example that stands beside its rows.
type table struct {
	ballot  *parser.Ballot
	figures parser.Figures
	totals  map[int]int // running totals of the example, by row
	sum     string      // their sum as K carries it
}

func newTable(b *parser.Ballot) table {
	t := table{ballot: b, figures: example(b), totals: make(map[int]int)}
	for _, line := range b.Totals(t.figures) {
		t.totals[line.Row] = line.Total
	}
	k, _ := b.K(t.figures) // Render refuses the example when there is none
	if k != "" {
		t.sum = k[1:]
	}
	return t
}

// hint says which other rows a running total must meet: the slip is found while
// it is made.
func (t table) hint(row int) string {
	b := t.ballot
	switch {
	case row == b.N()-1:
		return t.rows(parser.LabelS)
	case b.LabelAt(row) == parser.LabelT:
		return t.rows(parser.LabelJ, parser.LabelP, parser.LabelU)
	case b.LabelAt(row) == parser.LabelZ:
		return t.rows(parser.LabelD)
	}
	return ""
}

func (t table) rows(labels ...parser.Label) string {
	var numbers []string
	for _, l := range labels {
		if i := t.ballot.Index(l); i >= 0 {
			numbers = append(numbers, strconv.Itoa(i+1))
		}
	}
	return "= no. " + strings.Join(numbers, ",")
}

func (s *sheet) newPage() {
	s.pdf.AddPage()
	s.font("B", 10)
	s.put(margin, margin, inner-60, s.card.Station)
	s.align(margin+inner-60, margin, 60, "Kode TPS "+s.card.TPS.Grouped(), "R")
	if s.card.Profile.Phase == parser.PhaseRehearsal {
		s.align(margin, margin, inner, "LATIHAN", "C")
	}
	s.y = margin + headPage
}

func (s *sheet) head(b *parser.Ballot, more string) {
	s.rule(s.y, 0.7)
	s.font("B", 15)
	s.put(margin, s.y+1, 45, b.Keyword+more)
	s.font("", 9.5)
	s.put(margin+46, s.y+2.2, colExample-margin-48, b.Title)
	y := s.y + 6.6
	s.font("", 7.5)
	s.put(colNumber, y+1, 50, "no. urut di SMS")
	s.put(colFigure, y-0.6, 20, "salin dari")
	s.put(colFigure, y+2, 20, "C.HASIL")
	s.put(colTotal, y-0.6, 36, "tambah ke bawah,")
	s.put(colTotal, y+2, 36, "harus sama dengan no. ...")
	s.font("B", 8)
	s.align(colExample-4, s.y+2.2, pageWidth-margin-colExample+4, "CONTOH", "R")
	s.font("", 7.5)
	s.align(colExample, y+2, pageWidth-margin-colExample, "angka rekaan", "R")
	s.y += headBlock
}

func (s *sheet) row(t table, row int) {
	y, b := s.y, t.ballot
	total, added := t.totals[row]
	if !added {
		s.pdf.SetFillColor(pale, pale, pale)
		s.pdf.Rect(colTotal, y+0.2, totalBox, boxSize, "F")
	}
	s.font("B", 10)
	s.align(colNumber-1.5, y+0.8, 7, strconv.Itoa(row+1), "R")
	s.label(b, row, y)
	s.boxes(colFigure, y+0.2, boxSize, 3)
	s.font("", 9)
	s.align(colExample, y+1, 8, strconv.Itoa(int(t.figures[row])), "R")
	if added {
		s.pdf.SetLineWidth(0.5)
		s.pdf.Rect(colTotal, y+0.2, totalBox, boxSize, "D")
		s.font("B", 11)
		if row > 0 {
			s.put(colTotal-4, y+0.5, 4, "+")
		}
		s.font("B", 8.5)
		s.put(colHint-2, y+1.1, colExample-colHint+2, t.hint(row))
		s.font("", 9)
		s.align(colExample+8, y+1, pageWidth-margin-colExample-8, strconv.Itoa(total), "R")
	}
	s.y += rowHeight
}

// label writes a row's name; a contestant's own name stands small beside it.
func (s *sheet) label(b *parser.Ballot, row int, y float64) {
	const width = colFigure - colName - 1
	name := b.RowName(row)
	s.font("B", 9.5)
	s.put(colName, y+0.9, width, name)
	if row >= b.N() {
		return
	}
	used := s.pdf.GetStringWidth(s.latin(name)) + 3
	s.font("", 6.5)
	s.name(colName+used, y+0.6, width-used, b.Contestants[row])
}

// check draws the sum of the right column and K.
func (s *sheet) check(t table) {
	y := s.y + 0.8
	digits := len(t.sum)
	s.font("B", 9.5)
	s.put(margin, y+1.2, colTotal-margin-9, "Jumlahkan kotak tebal, "+strconv.Itoa(digits)+" angka (0 di depan):")
	x := float64(colTotal)
	s.font("B", 15)
	s.put(x-8, y+0.3, 9, "K =")
	s.pdf.SetLineWidth(0.5)
	s.pdf.Rect(x+2, y, 6.4, 6.4, "D")
	s.align(x+2, y+0.2, 6.4, string(t.ballot.Digit), "C")
	s.boxes(x+8.4, y, 6.4, digits)
	s.font("B", 9)
	s.align(colExample-6, y+1.4, pageWidth-margin-colExample+6, string(t.ballot.Digit)+" "+t.sum, "R")
	s.y = y + 7.2
}

// order tells the SMS in words and as the example would be typed.
func (s *sheet) order(t table, text string) {
	code := ""
	if s.card.Secret != nil {
		code = ", kode asli"
	}
	s.font("B", 9)
	s.put(margin, s.y, inner, fmt.Sprintf("Ketik: %s %s, no. 1 sampai no. %d, K%s", t.ballot.Keyword, s.card.TPS, t.ballot.Rows(), code))
	s.y += 4.2
	s.font("B", 7.5)
	s.put(margin, s.y+0.3, exampleIndent, "CONTOH:")
	s.typed(exampleFont)
	s.y = s.paragraph(margin+exampleIndent, s.y, inner-exampleIndent, text)
}

// The example's SMS: as large as one of three contestants fits on a line.
const (
	exampleFont   = 8.5
	exampleIndent = 13.0
)

// smsHeight is the room that the example's SMS takes.
func (s *sheet) smsHeight(text string) float64 {
	s.typed(exampleFont)
	_, height := s.pdf.GetFontSize()
	return float64(len(s.pdf.SplitText(s.latin(text), inner-exampleIndent))) * height * leading
}
