package bench

import (
	"math/rand/v2"
	"slices"

	"tali/parser"
	"tali/parser/typist"
)

// torn is a single fault of structure.
type torn struct {
	name  string
	apply func(rng *rand.Rand, words []string, k string) ([]string, string)
}

func structureFaults() []torn {
	return []torn{
		{"row doubled", func(rng *rand.Rand, w []string, k string) ([]string, string) {
			i := rng.IntN(len(w))
			return slices.Insert(w, i, w[i]), k
		}},
		{"separator missing", func(rng *rand.Rand, w []string, k string) ([]string, string) {
			i := rng.IntN(len(w) - 1)
			w[i] += w[i+1]
			return slices.Delete(w, i+1, i+2), k
		}},
		{"separator inside a figure", func(rng *rand.Rand, w []string, k string) ([]string, string) {
			i := rng.IntN(len(w))
			for len(w[i]) < 2 {
				i = rng.IntN(len(w))
			}
			cut := 1 + rng.IntN(len(w[i])-1)
			return slices.Concat(w[:i], []string{w[i][:cut], w[i][cut:]}, w[i+1:]), k
		}},
		{"K run together", func(_ *rand.Rand, w []string, k string) ([]string, string) {
			w[len(w)-1] += k
			return w, ""
		}},
	}
}

// structures types tallies with one fault of structure.
func (t *trials) structures() ([]Row, error) {
	fewProfiles, err := t.ballots(few()...)
	if err != nil {
		return nil, err
	}
	manyProfiles, err := t.ballots(many()...)
	if err != nil {
		return nil, err
	}
	rows, err := t.omitted(fewProfiles, manyProfiles)
	if err != nil {
		return nil, err
	}
	for _, fault := range structureFaults() {
		var right, wrong share
		for _, p := range append(fewProfiles, manyProfiles...) {
			for range t.each {
				f, k := t.drawn(p.Ballots[0])
				words, typed := fault.apply(t.rng, typist.Written(f), k)
				got, err := t.told(t.text(p, words, typed))
				if err != nil {
					return nil, err
				}
				right.count(slices.Equal(got, f))
				wrong.count(got != nil && !slices.Equal(got, f))
			}
		}
		rows = append(rows, atLeast(fault.name+": the right repair offered", right, omittedTarget), atMost("  a wrong one", wrong, 0))
	}
	return rows, nil
}

// omitted leaves a row out. With many contestants of about as many votes it may
// belong in several places: each makes a form in which every relation and K hold,
// so that nothing in the message tells which, and nothing is offered.
func (t *trials) omitted(fewProfiles, manyProfiles []*parser.Profile) ([]Row, error) {
	var few, alone, several, wrong share
	for i, p := range append(fewProfiles, manyProfiles...) {
		for range t.each {
			f, k := t.drawn(p.Ballots[0])
			out := t.rng.IntN(len(f))
			rest := slices.Delete(slices.Clone(f), out, out+1)
			got, err := t.told(t.text(p, typist.Written(rest), k))
			if err != nil {
				return nil, err
			}
			right := slices.Equal(got, f)
			wrong.count(got != nil && !right)
			if i < len(fewProfiles) {
				few.count(right)
				continue
			}
			ambiguous := elsewhere(p.Ballots[0], f, rest, k)
			several.count(ambiguous)
			if !ambiguous {
				alone.count(right)
			}
		}
	}
	return []Row{
		atLeast("row omitted: the right row offered, up to 5 contestants", few, omittedTarget),
		atLeast("  with 18 and 54, where one place alone fits", alone, omittedTarget),
		{Name: "  with 18 and 54, where another place fits as well", Value: several.percent()},
		atMost("  a wrong one", wrong, 0),
	}, nil
}

// elsewhere reports whether a form other than f, and as right, has the same rows
// with one left out.
func elsewhere(b *parser.Ballot, f, rest parser.Figures, k string) bool {
	for at := range f {
		try := slices.Insert(slices.Clone(rest), at, 0)
		low, high := 0, parser.MaxFigure
		if at < b.N() { // the valid votes say how many are left
			low = int(try[b.Index(parser.LabelS)])
			for _, v := range try[:b.N()] {
				low -= int(v)
			}
			high = min(high, low)
		}
		for v := max(low, 0); v <= high; v++ {
			try[at] = int16(v)
			if b.Holds(try, k) && !slices.Equal(try, f) {
				return true
			}
		}
	}
	return false
}
