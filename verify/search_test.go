package verify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tali/parser"
	"tali/parser/typist"
)

// rate is a share with its counts.
type rate struct{ n, of int }

func (r *rate) count(hit bool) {
	r.of++
	if hit {
		r.n++
	}
}

func (r rate) percent() float64 { return 100 * float64(r.n) / float64(max(r.of, 1)) }

func (r rate) String() string { return fmt.Sprintf("%.3f %% of %d", r.percent(), r.of) }

func (r rate) atLeast(t *testing.T, what string, percent float64) {
	t.Helper()
	t.Logf("%s: %s", what, r)
	if r.of == 0 || r.percent() < percent {
		t.Errorf("%s: %s, want at least %.2f %%", what, r, percent)
	}
}

func (r rate) atMost(t *testing.T, what string, percent float64) {
	t.Helper()
	t.Logf("%s: %s", what, r)
	if r.of == 0 || r.percent() > percent {
		t.Errorf("%s: %s, want at most %.2f %%", what, r, percent)
	}
}

// searched are the ballots of the measurements.
func searched() []*parser.Ballot {
	return []*parser.Ballot{
		ballot('6', "PILGUB", parser.FormFull, "calon", 2),
		ballot('7', "PILBUP", parser.FormFull, "calon", 3),
		ballot('1', "PPWP", parser.FormFull, "calon", 5),
		ballot('8', "PILWALI", parser.FormShort, "calon", 2),
		ballot('3', "DPR", parser.FormShort, "partai", 18),
		ballot('2', "DPD", parser.FormFull, "calon", 18),
		ballot('4', "DPRDP", parser.FormFull, "calon", 54),
	}
}

// measured is how many forms of each ballot a measurement draws.
const measured = 3000

// explained is what the search makes of typed words: whole figures, false when
// it has no single explanation.
func explained(b *parser.Ballot, words []string, k string) (parser.Figures, bool) {
	if len(words) == b.Rows() && k != "" {
		f, whole := readWords(words)
		if whole {
			s, ok := correction(b, f, k)
			if ok {
				f[s.Row] = int16(s.To)
			}
			return f, ok
		}
	}
	found := repairs(b, words, k)
	if len(found) != 1 {
		return nil, false
	}
	return found[0].figures, true
}

func readWords(words []string) (parser.Figures, bool) {
	f := make(parser.Figures, len(words))
	for i, w := range words {
		v, ok := figureOf(w)
		if !ok {
			return nil, false
		}
		f[i] = v
	}
	return f, true
}

// drawn is a right form whose K fits its digits.
func drawn(rng *rand.Rand, b *parser.Ballot) (parser.Figures, string) {
	for {
		f := typist.Figures(rng, b)
		if k, ok := b.K(f); ok {
			return f, k
		}
	}
}

// faults are the single faults of structure.
func faults() map[string]func(rng *rand.Rand, words []string, k string) ([]string, string) {
	return map[string]func(*rand.Rand, []string, string) ([]string, string){
		"row omitted": func(rng *rand.Rand, w []string, k string) ([]string, string) {
			i := rng.IntN(len(w))
			return slices.Delete(w, i, i+1), k
		},
		"row doubled": func(rng *rand.Rand, w []string, k string) ([]string, string) {
			i := rng.IntN(len(w))
			return slices.Insert(w, i, w[i]), k
		},
		"separator missing": func(rng *rand.Rand, w []string, k string) ([]string, string) {
			i := rng.IntN(len(w) - 1)
			w[i] += w[i+1]
			return slices.Delete(w, i+1, i+2), k
		},
		"separator inside": func(rng *rand.Rand, w []string, k string) ([]string, string) {
			i := rng.IntN(len(w))
			for len(w[i]) < 2 {
				i = rng.IntN(len(w))
			}
			cut := 1 + rng.IntN(len(w[i])-1)
			return slices.Concat(w[:i], []string{w[i][:cut], w[i][cut:]}, w[i+1:]), k
		},
		"K run together": func(rng *rand.Rand, w []string, k string) ([]string, string) {
			w[len(w)-1] += k
			return w, ""
		},
		"K in two": func(rng *rand.Rand, w []string, k string) ([]string, string) {
			cut := 1 + rng.IntN(len(k)-1)
			return append(w, k[:cut], k[cut:]), ""
		},
	}
}

// With many contestants of about as many votes, a row left out may belong in
// several places: then nothing is suggested. Wrong it never is.
func TestStructureIsRepaired(t *testing.T) {
	t.Parallel()
	for name, fault := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(7108, 2))
			var few, many, wrong rate
			for _, b := range searched() {
				for range measured / 6 {
					f, k := drawn(rng, b)
					words, typed := fault(rng, typist.Written(f), k)
					got, ok := explained(b, words, typed)
					if right := ok && slices.Equal(got, f); b.N() <= mostForSwap {
						few.count(right)
					} else {
						many.count(right)
					}
					wrong.count(ok && !slices.Equal(got, f))
				}
			}
			few.atLeast(t, name+" repaired rightly, up to 5 contestants", 99.8)
			many.atLeast(t, name+" repaired rightly, 18 and 54 contestants", 85)
			wrong.atMost(t, name+" repaired wrongly", 0.02)
		})
	}
}

// What is suggested makes the tally hold, whatever was typed.
func TestSuggestionsHold(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7108, 5))
	for _, b := range searched() {
		for range measured / 6 {
			f, k := drawn(rng, b)
			words := typist.Written(f)
			for range 1 + rng.IntN(3) {
				i := rng.IntN(len(words))
				words[i] = typist.Slip(rng, words[i])
			}
			if got, ok := explained(b, words, k); ok && !b.Holds(got, k) {
				t.Fatalf("explained(%v, %s) = %v, which does not hold", words, k, got)
			}
		}
	}
	if f, k := drawn(rng, searched()[1]); len(repairs(searched()[1], nil, k)) != 0 || len(repairs(searched()[1], typist.Written(f)[:3], "")) != 0 {
		t.Error("a handful of figures is repaired")
	}
}

func BenchmarkCorrection54(b *testing.B) {
	shape := ballot('2', "DPD", parser.FormFull, "calon", 54)
	f, k := drawn(rand.New(rand.NewPCG(1, 1)), shape)
	f[20] ^= 1
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := correction(shape, f, k); !ok {
			b.Fatal("no suggestion")
		}
	}
}

func BenchmarkRepairs54(b *testing.B) {
	shape := ballot('2', "DPD", parser.FormFull, "calon", 54)
	f, k := drawn(rand.New(rand.NewPCG(1, 1)), shape)
	words := typist.Written(f)
	words = slices.Delete(words, 20, 21)
	b.ReportAllocs()
	for b.Loop() {
		if len(repairs(shape, words, k)) == 0 {
			b.Fatal("no repair")
		}
	}
}

// A wrong form of 54 candidates, from its text to the question about it.
func BenchmarkDecideWrong54(b *testing.B) {
	p := testProfileOf(b, defaultTexts(b), ballot('2', "DPD", parser.FormFull, "calon", 54))
	facts := testFacts(b)
	f, k := drawn(rand.New(rand.NewPCG(1, 1)), p.Ballots[0])
	f[20] ^= 1
	m := message(1, phoneA, fmt.Sprintf("DPD %s %s %s", tpsA, strings.Join(typist.Written(f), " "), k), at("15:00"))
	b.ReportAllocs()
	for b.Loop() {
		if v := Decide(p, m, nil, facts); v.Asks == nil {
			b.Fatal(summary(v))
		}
	}
}
