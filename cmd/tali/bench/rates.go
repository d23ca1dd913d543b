package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"tali/parser"
	"tali/parser/typist"
	"tali/verify"
)

// Rates measures what questions are worth: each tally has one fault, and the
// officer answers as the question says.
func Rates(ctx context.Context, s Settings) ([]Row, error) {
	var rows []Row
	parts := []func(*trials) ([]Row, error){(*trials).slips, (*trials).swaps, (*trials).falseSwaps, (*trials).structures}
	t := &trials{booth: newBooth(), each: max(1, s.SMS/500)}
	for i, part := range parts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t.rng = rand.New(rand.NewPCG(protocolSeed, 1000+uint64(i)))
		more, err := part(t)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
		s.progress("rates", i+1, len(parts))
	}
	return rows, nil
}

// trials is one measurement on its way.
type trials struct {
	booth *booth
	rng   *rand.Rand
	each  int // tallies of each ballot
}

// The shares that questions must reach, and the most that may be wrong.
const (
	slipTarget    = 0.996
	swapTarget    = 0.87
	secondTarget  = 0.96
	falseTarget   = 0.02
	omittedTarget = 0.998
	fewRows       = 5 // contestants up to which two exchanged rows are asked about
)

func atLeast(name string, s share, target float64) Row {
	return Row{name, s.percent(), fmt.Sprintf(">= %.4g %%", 100*target), s.value() >= target}
}

func atMost(name string, s share, target float64) Row {
	return Row{name, s.percent(), fmt.Sprintf("<= %.4g %%", 100*target), s.value() <= target}
}

// ballots are the shapes to measure, an election of one ballot each.
func (t *trials) ballots(shapes ...shape) ([]*parser.Profile, error) {
	var out []*parser.Profile
	for _, s := range shapes {
		p, err := election(parser.AuthOff, s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func few() []shape {
	full, short := parser.FormFull, parser.FormShort
	return []shape{{'6', "PILGUB", nil, full, 2}, {'7', "PILBUP", nil, full, 3}, {'7', "PILBUP", nil, full, 4},
		{'1', "PPWP", nil, full, 5}, {'8', "PILWALI", nil, short, 2}, {'8', "PILWALI", nil, short, 4}}
}

func many() []shape {
	full, short := parser.FormFull, parser.FormShort
	return []shape{{'2', "DPD", nil, full, 18}, {'3', "DPR", nil, short, 18}, {'2', "DPD", nil, full, 54}}
}

// text begins a new night and types a tally.
func (t *trials) text(p *parser.Profile, words []string, k string) string {
	tps := typist.Code(t.rng)
	t.booth.begin(p, tps)
	return fmt.Sprintf("%s %s %s %s", p.Ballots[0].Keyword, tps, strings.Join(words, " "), k)
}

// drawn is a right form with its K.
func (t *trials) drawn(b *parser.Ballot) (parser.Figures, string) {
	f := typist.Figures(t.rng, b)
	k, _ := b.K(f)
	return f, k
}

// told is what a question offers, taken: nil where none was asked that offers
// anything.
func (t *trials) told(text string) (parser.Figures, error) {
	v := t.booth.send(text)
	if v.Entry != nil {
		return v.Entry.Figures, nil
	}
	if _, ok := offer(v); !ok {
		return nil, nil
	}
	taken, err := t.booth.take(v, text)
	if err != nil {
		return nil, err
	}
	return taken.Entry.Figures, nil
}

// slips types one figure of each tally with a slip.
func (t *trials) slips() ([]Row, error) {
	profiles, err := t.ballots(append(few(), many()...)...)
	if err != nil {
		return nil, err
	}
	var right, wrong share
	for _, p := range profiles {
		for range t.each {
			f, k := t.drawn(p.Ballots[0])
			words := typist.Written(f)
			i := t.rng.IntN(len(words))
			words[i] = typist.Slip(t.rng, words[i])
			got, err := t.told(t.text(p, words, k))
			if err != nil {
				return nil, err
			}
			right.count(slices.Equal(got, f))
			wrong.count(got != nil && !slices.Equal(got, f))
		}
	}
	return []Row{
		{Name: "questions", Value: "\tbounds (95 %)"},
		atLeast("single slip: the right row offered", right, slipTarget),
		atMost("single slip: a wrong row offered", wrong, 0),
	}, nil
}

// swaps exchanges two contestants. An officer who is asked for K sends the same
// again: it is that of the form.
func (t *trials) swaps() ([]Row, error) {
	var first, second, other share
	for n := 2; n <= fewRows; n++ {
		profiles, err := t.ballots(shape{'7', "PILBUP", nil, parser.FormFull, n}, shape{'7', "PILBUP", nil, parser.FormShort, n})
		if err != nil {
			return nil, err
		}
		for _, p := range profiles {
			for range t.each {
				f, k := t.drawn(p.Ballots[0])
				i := t.rng.IntN(n)
				j := (i + 1 + t.rng.IntN(n-1)) % n
				if f[i] == f[j] {
					continue
				}
				typed := slices.Clone(f)
				typed[i], typed[j] = f[j], f[i]
				at, got, err := t.swapOffered(p, typed, k)
				if err != nil {
					return nil, err
				}
				right := slices.Equal(got, f)
				first.count(right && at == 1)
				second.count(right)
				other.count(got != nil && !right)
			}
		}
	}
	return []Row{
		atLeast("exchanged rows: offered at the first question", first, swapTarget),
		atLeast("exchanged rows: offered by the second", second, secondTarget),
		atMost("exchanged rows: others offered", other, 0),
	}, nil
}

// swapOffered sends figures and K, and the same K again where K is asked for: at
// which question an exchange was offered, and the tally with it; 0 for none.
func (t *trials) swapOffered(p *parser.Profile, f parser.Figures, k string) (at int, got parser.Figures, err error) {
	text := t.text(p, typist.Written(f), k)
	v := t.booth.send(text)
	for at = 1; at <= 2; at++ {
		if v.Asks != nil && v.Asks.Kind == verify.KindAskSwap {
			taken, err := t.booth.take(v, text)
			if err != nil {
				return at, nil, err
			}
			return at, taken.Entry.Figures, nil
		}
		v = t.booth.send("K " + k)
	}
	return 0, nil, nil
}

// falseSwaps types right figures and a wrong K.
func (t *trials) falseSwaps() ([]Row, error) {
	var rows []Row
	for _, n := range []int{2, 3, 4, 5, 6, 18} {
		profiles, err := t.ballots(shape{'7', "PILBUP", nil, parser.FormFull, n})
		if err != nil {
			return nil, err
		}
		var first, second share
		for range 20 * t.each { // what is rare needs many
			f, right := t.drawn(profiles[0].Ballots[0])
			at, _, err := t.swapOffered(profiles[0], f, typist.WrongK(t.rng, right))
			if err != nil {
				return nil, err
			}
			first.count(at == 1)
			second.count(at > 0)
		}
		limit := falseTarget
		if n > fewRows {
			limit = 0
		}
		rows = append(rows, atMost(fmt.Sprintf("K alone wrong, %d contestants: exchange offered", n), first, limit),
			atMost("  or when the same K comes again", second, limit))
	}
	return rows, nil
}
