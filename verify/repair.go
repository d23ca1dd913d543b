package verify

import (
	"slices"
	"strconv"

	"tali/parser"
)

// repairKind is the single fault of structure that a repair undoes.
type repairKind string

// The kinds of repair.
const (
	repairJoin    repairKind = "join"    // a separator inside a figure or K
	repairSplit   repairKind = "split"   // a separator missing between two figures, or before K
	repairDoubled repairKind = "doubled" // a row typed twice
	repairOmitted repairKind = "omitted" // a row left out
	repairDigits  repairKind = "digits"  // a digit too many in a figure of three
)

// repair is a whole tally made of one that does not fit, by a single change.
type repair struct {
	kind    repairKind
	figures parser.Figures
	k       string
	row     int    // the row that the fault is about; the second one of a split is the next
	found   string // what stood there
}

// repairs lists the single changes to the words between TPS code and K with
// which every row is there and every relation and K hold. Changes that end in
// the same figures are one.
func repairs(b *parser.Ballot, numbers []string, k string) []repair {
	missing := b.Rows() - len(numbers)
	if missing < -2 || missing > 1 {
		return nil
	}
	s := newSearch(b, numbers, k)
	switch {
	case k == "":
		s.tornCheck(missing)
	case missing == 1:
		s.splits()
		s.omitted()
		s.mergedCheck()
	case missing == -1:
		s.doubled()
		s.joins()
		s.cutCheck()
	case missing == 0:
		s.digits()
	}
	return s.found
}

// search is one search on its way.
type search struct {
	b       *parser.Ballot
	numbers []string
	values  parser.Figures // of the numbers; 0 for one that is too long
	long    []int          // places of those
	k       string
	try     parser.Figures // of the candidate, overwritten by the next
	found   []repair
}

func newSearch(b *parser.Ballot, numbers []string, k string) *search {
	s := &search{b: b, numbers: numbers, k: k, values: make(parser.Figures, len(numbers))}
	s.try = make(parser.Figures, 0, b.Rows()+2)
	for i, word := range numbers {
		v, ok := figureOf(word)
		if !ok {
			s.long = append(s.long, i)
		}
		s.values[i] = v
	}
	return s
}

// splice tries the values with those from i to j replaced. It is false while
// one that is too long stands among the others.
func (s *search) splice(i, j int, by ...int16) bool {
	for _, at := range s.long {
		if at < i || at >= j {
			return false
		}
	}
	s.try = append(append(append(s.try[:0], s.values[:i]...), by...), s.values[j:]...)
	return true
}

// keep adds a repair if what is tried holds with k.
func (s *search) keep(r repair, k string) {
	if !s.b.Holds(s.try, k) {
		return
	}
	for _, other := range s.found {
		if slices.Equal(other.figures, s.try) {
			return
		}
	}
	r.figures, r.k = slices.Clone(s.try), k
	s.found = append(s.found, r)
}

// joins puts two neighbours together.
func (s *search) joins() {
	for i := 0; i+1 < len(s.numbers); i++ {
		joined, ok := figureOf(s.numbers[i] + s.numbers[i+1])
		if ok && s.splice(i, i+2, joined) {
			s.keep(repair{kind: repairJoin, row: i, found: s.numbers[i] + " " + s.numbers[i+1]}, s.k)
		}
	}
}

// doubled drops one of two equal neighbours.
func (s *search) doubled() {
	for i := 0; i+1 < len(s.numbers); i++ {
		if s.numbers[i] == s.numbers[i+1] && s.splice(i, i+1) {
			s.keep(repair{kind: repairDoubled, row: i, found: s.numbers[i] + " " + s.numbers[i+1]}, s.k)
		}
	}
}

// splits cuts a word in two.
func (s *search) splits() {
	for i, word := range s.numbers {
		for cut := max(1, len(word)-3); cut < len(word) && cut <= 3; cut++ {
			first, _ := figureOf(word[:cut])
			second, _ := figureOf(word[cut:])
			if s.splice(i, i+1, first, second) {
				s.keep(repair{kind: repairSplit, row: i, found: word}, s.k)
			}
		}
	}
}

// omitted puts in the row that the others demand.
func (s *search) omitted() {
	for row := range s.b.Rows() {
		if !s.splice(row, row, 0) {
			return
		}
		if to, ok := demanded(s.b, s.try, row); ok {
			s.try[row] = to
			s.keep(repair{kind: repairOmitted, row: row}, s.k)
		}
	}
}

// digits finds what a figure of more than three digits was meant to be.
func (s *search) digits() {
	if len(s.long) != 1 {
		return
	}
	row := s.long[0]
	s.splice(row, row+1, 0)
	to, ok := demanded(s.b, s.try, row)
	if ok && oneSlip(s.numbers[row], strconv.Itoa(int(to))) {
		s.try[row] = to
		s.keep(repair{kind: repairDigits, row: row, found: s.numbers[row]}, s.k)
	}
}

// mergedCheck cuts the last figure off a K that is too long.
func (s *search) mergedCheck() {
	cut := len(s.k) - s.b.KWidth()
	if cut < 1 || cut > 3 {
		return
	}
	figure, _ := figureOf(s.k[:cut])
	if end := len(s.numbers); s.splice(end, end, figure) {
		s.keep(repair{kind: repairSplit, row: end, found: s.k}, s.k[cut:])
	}
}

// cutCheck puts the first digits of K, which stand alone, back to the others.
func (s *search) cutCheck() {
	last := len(s.numbers) - 1
	if joined := s.numbers[last] + s.k; len(joined) == s.b.KWidth() && s.splice(last, last+1) {
		s.keep(repair{kind: repairJoin, row: last, found: s.numbers[last] + " " + s.k}, joined)
	}
}

// tornCheck finds K where none was read: run together with the last figure, or
// in two words.
func (s *search) tornCheck(missing int) {
	last := len(s.numbers) - 1
	switch {
	case missing == 0:
		word := s.numbers[last]
		cut := len(word) - s.b.KWidth()
		if cut < 1 || cut > 3 {
			return
		}
		if figure, _ := figureOf(word[:cut]); s.splice(last, last+1, figure) {
			s.keep(repair{kind: repairSplit, row: last, found: word}, word[cut:])
		}
	case missing == -2 && s.splice(last-1, last+1):
		s.keep(repair{kind: repairJoin, row: last - 1, found: s.numbers[last-1] + " " + s.numbers[last]},
			s.numbers[last-1]+s.numbers[last])
	}
}

// figureOf reads a word of digits as a figure; false when it is too long.
func figureOf(word string) (int16, bool) {
	if len(word) == 0 || len(word) > 3 {
		return 0, false
	}
	v := int16(0)
	for _, c := range []byte(word) {
		v = v*10 + int16(c-'0')
	}
	return v, true
}
