package parser

import (
	"fmt"
	"strconv"
)

// The labels after the votes in form order; the short form ends after J.
const (
	fullLabels  = "STJPDURZ"
	shortLabels = "STJ"
)

// N is the number of contestants, and so of rows in the votes block.
func (b *Ballot) N() int { return len(b.Contestants) }

// Labels lists the labels after the votes in form order, one byte each.
func (b *Ballot) Labels() string {
	if b.Form == FormFull {
		return fullLabels
	}
	return shortLabels
}

// Rows is the number of figures that a tally of b carries.
func (b *Ballot) Rows() int { return len(b.Contestants) + len(b.Labels()) }

// Index is the place of a labelled row in Figures, -1 when the form lacks it.
func (b *Ballot) Index(l Label) int {
	labels := b.Labels()
	for i := 0; i < len(labels); i++ {
		if labels[i] == byte(l) {
			return len(b.Contestants) + i
		}
	}
	return -1
}

// LabelAt is the label of row i, 0 for a contestant and for a row that b lacks.
func (b *Ballot) LabelAt(i int) Label {
	i -= len(b.Contestants)
	if labels := b.Labels(); i >= 0 && i < len(labels) {
		return Label(labels[i])
	}
	return 0
}

// RowName is row i as officers read it: "calon 2", "suara sah". A row that b
// lacks is named by its number.
func (b *Ballot) RowName(i int) string {
	if i >= 0 && i < len(b.Contestants) {
		return b.Unit + " " + strconv.Itoa(i+1)
	}
	switch b.LabelAt(i) {
	case LabelS:
		return "suara sah"
	case LabelT:
		return "suara tidak sah"
	case LabelJ:
		return "jumlah sah+tidak sah"
	case LabelP:
		return "pengguna hak pilih"
	case LabelD:
		return "surat suara diterima"
	case LabelU:
		return "digunakan"
	case LabelR:
		return "rusak"
	case LabelZ:
		return "tidak digunakan"
	}
	return "baris " + strconv.Itoa(i+1)
}

// kRows calls yield with the rows that K adds up, in its order: the votes,
// then T, R and Z as far as the form has them.
func (b *Ballot) kRows(yield func(row int) bool) {
	for i := range b.Contestants {
		if !yield(i) {
			return
		}
	}
	for _, l := range [...]Label{LabelT, LabelR, LabelZ} {
		if i := b.Index(l); i >= 0 && !yield(i) {
			return
		}
	}
}

// Total is one line of the worksheet for K.
type Total struct {
	Row   int // index in Figures
	Total int // running total including this row
}

// Totals lists the rows of the worksheet with their running totals, whose sum
// follows the ballot digit in K. Rows that f lacks count as zero.
func (b *Ballot) Totals(f Figures) []Total {
	out := make([]Total, 0, len(b.Contestants)+3)
	sum := 0
	for row := range b.kRows {
		if row < len(f) {
			sum += int(f[row])
		}
		out = append(out, Total{Row: row, Total: sum})
	}
	return out
}

// K is the typing check of f: the ballot digit, then the sum of the running
// totals, padded to four digits up to six contestants and to five beyond. It
// is false when f is no set of figures of b or the sum does not fit.
func (b *Ballot) K(f Figures) (string, bool) {
	var digits [6]byte
	k, ok := b.appendK(digits[:0], f)
	return string(k), ok
}

func (b *Ballot) appendK(dst []byte, f Figures) ([]byte, bool) {
	if len(f) != b.Rows() {
		return nil, false
	}
	width, limit := 4, 10_000
	if len(b.Contestants) > 6 {
		width, limit = 5, 100_000
	}
	running, sum := 0, 0
	for row := range b.kRows {
		if f[row] < 0 || f[row] > MaxFigure {
			return nil, false
		}
		running += int(f[row])
		sum += running
	}
	if sum >= limit {
		return nil, false
	}
	dst = append(dst, b.Digit)
	for div := limit / 10; width > 0; width, div = width-1, div/10 {
		dst = append(dst, byte('0'+sum/div%10))
	}
	return dst, true
}

// Contradictions lists the relations that f does not keep, in the order in
// which the form names their rows. Figures of another length contradict
// nothing: they are no tally of b.
func (b *Ballot) Contradictions(f Figures) []Contradiction {
	if len(f) != b.Rows() {
		return nil
	}
	var out []Contradiction
	check := func(r Relation, got, want int) {
		if got != want {
			out = append(out, Contradiction{Relation: r, Want: want, Got: got})
		}
	}
	n := len(b.Contestants)
	votes := 0
	for _, v := range f[:n] {
		votes += int(v)
	}
	after := f[n:]
	s, t, j := int(after[0]), int(after[1]), int(after[2])
	check(RelationS, s, votes)
	check(RelationJ, j, s+t)
	if b.Form == FormFull {
		p, d, u, r, z := int(after[3]), int(after[4]), int(after[5]), int(after[6]), int(after[7])
		check(RelationP, p, j)
		check(RelationD, d, u+r+z)
		check(RelationU, u, j)
	}
	return out
}

// checkFigures names what keeps f from being a sound tally of b.
func (b *Ballot) checkFigures(f Figures) error {
	if len(f) != b.Rows() {
		return fmt.Errorf("%s: %d figures, %d are needed (%d %s and %d rows after them)",
			b.Keyword, len(f), b.Rows(), b.N(), b.Unit, len(b.Labels()))
	}
	for i, v := range f {
		if v < 0 || v > MaxFigure {
			return fmt.Errorf("%s: %s is %d, a figure is 0 to %d", b.Keyword, b.RowName(i), v, MaxFigure)
		}
	}
	if broken := b.Contradictions(f); len(broken) > 0 {
		c := broken[0]
		return fmt.Errorf("%s: %s does not hold: %d stands there, the other rows make %d", b.Keyword, c.Relation, c.Got, c.Want)
	}
	return nil
}
