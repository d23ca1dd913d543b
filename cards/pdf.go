package cards

import (
	"fmt"
	"io"

	"github.com/go-pdf/fpdf"

	"tali/parser"
)

// A card is A5, in millimetres. The margin is what cheap printers leave white.
const (
	pageWidth  = 148.0
	pageHeight = 210.0
	margin     = 7.0
	inner      = pageWidth - 2*margin
	bottom     = pageHeight - margin
)

// PDF writes the printed card: a front with code, numbers and QR codes, then a
// worksheet for every ballot. A secret stands on a sheet of its own at the end,
// with a page for its back: print on both sides.
func PDF(w io.Writer, c Card) error {
	if err := c.check(); err != nil {
		return err
	}
	s := newSheet(&c)
	if err := s.front(); err != nil {
		return err
	}
	for _, b := range c.Profile.Ballots {
		if err := s.worksheet(b); err != nil {
			return err
		}
	}
	if c.Secret != nil {
		s.sealed()
		s.cover()
	}
	if err := s.pdf.Output(w); err != nil {
		return fmt.Errorf("card of %s: %w", c.Station, err)
	}
	return nil
}

// sheet is a card while it is drawn.
type sheet struct {
	card  *Card
	pdf   *fpdf.Fpdf
	latin func(string) string // UTF-8 to the code page of the core fonts
	y     float64             // where the next block begins
}

func newSheet(c *Card) *sheet {
	pdf := fpdf.New("P", "mm", "A5", "")
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetMargins(margin, margin, margin)
	pdf.SetCellMargin(0)
	pdf.SetCreationDate(c.Profile.Opens) // no clock: the same card is the same file
	pdf.SetModificationDate(c.Profile.Opens)
	pdf.SetCatalogSort(true)
	pdf.SetTitle("Kartu SMS "+c.Station, true)
	pdf.SetCreator("tali", true)
	pdf.SetLang("id")
	return &sheet{card: c, pdf: pdf, latin: pdf.UnicodeTranslatorFromDescriptor("")}
}

// The shades of a card. All text is black: pale ink is lost by torch light.
const (
	black = 0
	pale  = 226 // rows that are not added up
)

// leading is the distance of lines in a paragraph, in heights of the font.
const leading = 1.22

// font chooses a core font: "" or "B" of Helvetica.
func (s *sheet) font(style string, points float64) { s.pdf.SetFont("Helvetica", style, points) }

// typed chooses the font of everything that is typed on a phone.
func (s *sheet) typed(points float64) { s.pdf.SetFont("Courier", "B", points) }

// put writes one line at x, y (its upper edge). What is wider than width is
// printed smaller: a code or a number that lost a digit would look like a right
// one.
func (s *sheet) put(x, y, width float64, text string) {
	s.align(x, y, width, text, "L")
}

func (s *sheet) align(x, y, width float64, text, align string) {
	text = s.latin(text)
	points, height := s.pdf.GetFontSize()
	if wide := s.pdf.GetStringWidth(text); wide > width {
		s.pdf.SetFontSize(points * width / wide)
		defer s.pdf.SetFontSize(points)
	}
	s.pdf.SetXY(x, y)
	s.pdf.CellFormat(width, height*1.15, text, "", 0, align+"M", false, 0, "")
}

// name writes a contestant's name in two small lines; what does not fit is cut,
// since its number stands beside it.
func (s *sheet) name(x, y, width float64, text string) {
	lines := s.pdf.SplitText(s.latin(text), width)
	_, height := s.pdf.GetFontSize()
	if len(lines) == 1 {
		y += height / 2
	}
	for i, line := range lines[:min(len(lines), 2)] {
		s.pdf.SetXY(x, y+float64(i)*height)
		s.pdf.CellFormat(width, height, line, "", 0, "LM", false, 0, "")
	}
}

// paragraph writes text from x, y, broken at width, and returns where it ends.
func (s *sheet) paragraph(x, y, width float64, text string) float64 {
	_, height := s.pdf.GetFontSize()
	left, _, _, _ := s.pdf.GetMargins()
	s.pdf.SetLeftMargin(x)
	s.pdf.SetXY(x, y)
	s.pdf.MultiCell(width, height*leading, s.latin(text), "", "L", false)
	s.pdf.SetLeftMargin(left)
	return s.pdf.GetY()
}

// rule draws a line over the whole width.
func (s *sheet) rule(y, thickness float64) {
	s.pdf.SetLineWidth(thickness)
	s.pdf.Line(margin, y, pageWidth-margin, y)
}

// boxes draws n squares for one digit each and returns where they end.
func (s *sheet) boxes(x, y, size float64, n int) float64 {
	s.pdf.SetLineWidth(0.25)
	for range n {
		s.pdf.Rect(x, y, size, size, "D")
		x += size
	}
	return x
}

// qr draws the code of a ballot as boxes, size millimetres wide without its
// white border.
func (s *sheet) qr(x, y, size float64, b *parser.Ballot) error {
	code, err := encodeQR(s.card.prepared(b))
	if err != nil {
		return err
	}
	unit := size / float64(len(code))
	s.pdf.SetFillColor(black, black, black)
	code.runs(func(column, row, width int) {
		s.pdf.Rect(x+float64(column)*unit, y+float64(row)*unit, float64(width)*unit, unit, "F")
	})
	return nil
}
