package parser_test

import (
	"math/rand/v2"
	"testing"

	"tali/parser"
	"tali/parser/typist"
)

// Holds says what K and Contradictions say together, for right figures and for
// changed ones.
func TestHoldsEqualsKAndContradictions(t *testing.T) {
	t.Parallel()
	p := parser.ProfileForTest(t)
	rng := rand.New(rand.NewPCG(7108, 31))
	for range 20_000 {
		b := p.Ballots[rng.IntN(len(p.Ballots))]
		f := typist.Figures(rng, b)
		k, _ := b.K(f)
		if !b.Holds(f, k) {
			t.Fatalf("Holds(%v, %q) = false for right figures", f, k)
		}
		if len(k) != b.KWidth() {
			t.Fatalf("K of %s has %d digits, KWidth says %d", b.Keyword, len(k), b.KWidth())
		}
		for range 1 + rng.IntN(2) {
			f[rng.IntN(len(f))] = int16(rng.IntN(parser.MaxFigure + 1))
		}
		now, ok := b.K(f)
		if want := ok && now == k && len(b.Contradictions(f)) == 0; b.Holds(f, k) != want {
			t.Fatalf("Holds(%v, %q) = %v, want %v", f, k, !want, want)
		}
	}
	if b := p.Ballots[0]; b.Holds(parser.Figures{1}, "10001") || b.Keeps(nil) {
		t.Error("figures of another length hold")
	}
}
