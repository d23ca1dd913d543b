package typist

import (
	"math/rand/v2"
	"slices"
	"strings"

	"tali/parser"
)

// Typed is a tally of the mixed scenario: what the officer types, and what the
// paper form holds.
type Typed struct {
	Ballot *parser.Ballot
	TPS    parser.TPSCode // of the station
	Form   parser.Figures // as on paper, right or not
	Words  []string       // the figures as typed
	K      string
	Code   string // the TPS code as typed
}

// Text is the tally as one SMS.
func (t *Typed) Text() string {
	return t.Ballot.Keyword + " " + t.Code + " " + strings.Join(t.Words, " ") + " " + t.K
}

// Night draws one tally of the mixed scenario: each figure mistyped with 0.5 %,
// and so is each half of the TPS code; two contestants exchanged in 0.3 %, a row
// skipped and another doubled in 0.1 %, the form itself wrong in 5 % (a row behind
// the votes holds some other figure), K wrong in 5 %.
func Night(rng *rand.Rand, b *parser.Ballot) Typed {
	t := Typed{Ballot: b, TPS: Code(rng), Form: Figures(rng, b)}
	if rng.IntN(20) == 0 {
		row := b.N() + rng.IntN(b.Rows()-b.N())
		t.Form[row] = int16(rng.IntN(parser.MaxFigure + 1))
	}
	t.K, _ = b.K(t.Form) // empty: no K is typed where its digits have no room
	if rng.IntN(20) == 0 && t.K != "" {
		t.K = WrongK(rng, t.K)
	}
	typed := slices.Clone(t.Form)
	if rng.IntN(1000) < 3 {
		i, j := twoOf(rng, b.N())
		typed[i], typed[j] = typed[j], typed[i]
	}
	t.Words = Written(typed)
	for i := range t.Words {
		t.Words[i] = mayslip(rng, t.Words[i])
	}
	if rng.IntN(1000) == 0 {
		skipped, doubled := twoOf(rng, len(t.Words))
		again := t.Words[doubled]
		t.Words = slices.Delete(t.Words, skipped, skipped+1)
		if doubled > skipped {
			doubled--
		}
		t.Words = slices.Insert(t.Words, doubled, again)
	}
	code := string(t.TPS)
	t.Code = mayslip(rng, code[:4]) + mayslip(rng, code[4:])
	return t
}

// mayslip mistypes a number with 0.5 %.
func mayslip(rng *rand.Rand, meant string) string {
	if rng.IntN(200) > 0 {
		return meant
	}
	for {
		if typed := slipOnce(rng, meant, rng.IntN(1000)); typed != meant && typed != "" {
			return typed
		}
	}
}

// twoOf draws two different numbers below n.
func twoOf(rng *rand.Rand, n int) (int, int) {
	i, j := rng.IntN(n), rng.IntN(n-1)
	if j >= i {
		j++
	}
	return i, j
}
