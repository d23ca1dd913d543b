package verify

import (
	"slices"
	"strconv"

	"tali/parser"
)

// Suggestion is one row that was probably meant otherwise.
type Suggestion struct {
	Row  int // index in the figures, in form order
	From int // as typed, or -1 where the row was left out; more than 999 where a digit was added
	To   int // what every relation and K ask for
}

// correction is the only single figure that one slip explains: with it every
// relation and K hold. It is false when there is none, and when there are several:
// then nobody may be led to one of them.
func correction(b *parser.Ballot, f parser.Figures, k string) (Suggestion, bool) {
	var found Suggestion
	count := 0
	try := slices.Clone(f)
	for row, typed := range f {
		to, ok := demanded(b, try, row)
		if !ok || to == typed {
			continue
		}
		try[row] = to
		if b.Holds(try, k) && oneSlip(strconv.Itoa(int(typed)), strconv.Itoa(int(to))) {
			found = Suggestion{Row: row, From: int(typed), To: int(to)}
			count++
		}
		try[row] = typed
	}
	return found, count == 1
}

// demanded is what the first relation in which the row stands makes of it, if
// every other row is right; false when no figure can be that. What stands in the
// row itself does not matter.
func demanded(b *parser.Ballot, f parser.Figures, row int) (int16, bool) {
	n := b.N()
	votes := 0
	for _, v := range f[:n] {
		votes += int(v)
	}
	at := func(l parser.Label) int { return int(f[b.Index(l)]) }
	want := 0
	switch b.LabelAt(row) {
	case 0:
		want = at(parser.LabelS) - votes + int(f[row])
	case parser.LabelS:
		want = votes
	case parser.LabelT:
		want = at(parser.LabelJ) - at(parser.LabelS)
	case parser.LabelJ:
		want = at(parser.LabelS) + at(parser.LabelT)
	case parser.LabelP, parser.LabelU:
		want = at(parser.LabelJ)
	case parser.LabelD:
		want = at(parser.LabelU) + at(parser.LabelR) + at(parser.LabelZ)
	case parser.LabelR:
		want = at(parser.LabelD) - at(parser.LabelU) - at(parser.LabelZ)
	case parser.LabelZ:
		want = at(parser.LabelD) - at(parser.LabelU) - at(parser.LabelR)
	}
	return int16(want), want >= 0 && want <= parser.MaxFigure
}
