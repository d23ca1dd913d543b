package parser_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tali/parser"
	"tali/parser/typist"
)

func drawRand(t *rapid.T) *rand.Rand {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
}

func TestRenderedParsesToItself(t *testing.T) {
	t.Parallel()
	p := parser.ProfileForTest(t)
	other := parser.ProfileForTest(t, func(p *parser.Profile) {
		for _, b := range p.Ballots {
			switch b.Keyword {
			case "PILBUP", "PPWP":
				b.Form = parser.FormShort
			case "PILGUB":
				b.Contestants = slices.Repeat([]string{"Pasangan"}, 7)
			case "DPD":
				b.Contestants = slices.Repeat([]string{"Calon"}, 54)
			}
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		p := []*parser.Profile{p, other}[rapid.IntRange(0, 1).Draw(t, "profile")]
		b := p.Ballots[rapid.IntRange(0, len(p.Ballots)-1).Draw(t, "ballot")]
		f := typist.Figures(drawRand(t), b)
		text, err := parser.Render(b, "10013505", f)
		if err != nil {
			t.Fatal(err)
		}
		r := parser.Parse(p, text)
		if !r.Consistent() || r.Ballot != b || r.TPS != "10013505" || !slices.Equal(r.Figures, f) {
			t.Fatalf("Parse(%q) = %+v", text, r)
		}
	})
}

func TestSloppyMessagesAreRead(t *testing.T) {
	t.Parallel()
	p := parser.ProfileForTest(t)
	rapid.Check(t, func(t *rapid.T) {
		rng := drawRand(t)
		m := typist.Write(rng, p)
		text := typist.Sloppy(rng, m)
		r := parser.Parse(p, text)
		if !r.Consistent() || r.Ballot != m.Ballot || r.TPS != m.TPS || !slices.Equal(r.Figures, m.Figures) {
			t.Fatalf("sent %q\nParse(%q) = %+v", m.Text(), text, r)
		}
	})
}
