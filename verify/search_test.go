package verify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tali/parser"
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
		f := paper(rng, b)
		if k, ok := b.K(f); ok {
			return f, k
		}
	}
}

func TestSingleSlipIsExplained(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7108, 1))
	var right, wrong rate
	for _, b := range searched() {
		for range measured {
			f, k := drawn(rng, b)
			words := written(f)
			i := rng.IntN(len(words))
			words[i] = slipped(rng, words[i])
			got, ok := explained(b, words, k)
			right.count(ok && slices.Equal(got, f))
			wrong.count(ok && !slices.Equal(got, f))
		}
	}
	right.atLeast(t, "a single slip is explained rightly", 99.6)
	wrong.atMost(t, "a single slip is explained wrongly", 0)
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
					words, typed := fault(rng, written(f), k)
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

// Two rows exchanged: the first question is right, and the swap is the one.
func TestSwapIsExplained(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7108, 3))
	var right, wrong rate
	for n := 2; n <= mostForSwap; n++ {
		for _, shape := range []parser.Form{parser.FormFull, parser.FormShort} {
			b := ballot('7', "PILBUP", shape, "calon", n)
			for range measured {
				f, k := drawn(rng, b)
				i, j := rng.IntN(n), rng.IntN(n)
				if f[i] == f[j] {
					continue
				}
				typed := slices.Clone(f)
				typed[i], typed[j] = f[j], f[i]
				if asksForK(b, typed, k) {
					right.count(false)
					continue
				}
				x, y, ok := swap(b, typed, k)
				right.count(ok && min(i, j) == x && max(i, j) == y)
				wrong.count(ok && (min(i, j) != x || max(i, j) != y))
			}
		}
	}
	right.atLeast(t, "a swap is asked about rightly at the first question", 87)
	wrong.atMost(t, "another swap than the right one is asked about", 0)
}

// asksForK reports whether K is asked for before a swap is thought of.
func asksForK(b *parser.Ballot, f parser.Figures, k string) bool {
	right, ok := b.K(f)
	return ok && oneSlip(k, right)
}

// Right figures and a wrong K: a slip in it, or one carry wrong in adding up.
func TestWrongKBringsNoFalseSwap(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7108, 4))
	for n := 2; n <= 6; n++ {
		var first, second rate
		b := ballot('7', "PILBUP", parser.FormFull, "calon", n)
		for range measured {
			f, right := drawn(rng, b)
			k := wrongCheck(rng, right)
			_, _, ok := swap(b, f, k)
			second.count(ok)
			first.count(ok && !asksForK(b, f, k))
		}
		limit := 2.0
		if n > mostForSwap {
			limit = 0
		}
		first.atMost(t, fmt.Sprintf("false swap at the first question, n = %d", n), limit)
		second.atMost(t, fmt.Sprintf("false swap when the same wrong K comes again, n = %d", n), 2*limit)
	}
}

func wrongCheck(rng *rand.Rand, k string) string {
	for {
		sum := atoi(k[1:])
		switch rng.IntN(3) {
		case 0:
			return k[:1] + slipFixed(rng, k[1:])
		case 1:
			sum += []int{-1, 1, -10, 10, -100, 100, -1000, 1000}[rng.IntN(8)]
		default: // a running total wrong, and all behind it
			sum += (1 + rng.IntN(9)) * []int{-1, 1, -10, 10}[rng.IntN(4)] * (1 + rng.IntN(6))
		}
		if wrong := fmt.Sprintf("%s%0*d", k[:1], len(k)-1, sum); sum >= 0 && len(wrong) == len(k) && wrong != k {
			return wrong
		}
	}
}

// slipFixed is a slip that keeps the number of digits.
func slipFixed(rng *rand.Rand, digits string) string {
	for {
		if typed := slipOnce(rng, digits, rng.IntN(914)); typed != digits {
			return typed
		}
	}
}

// What is suggested makes the tally hold, whatever was typed.
func TestSuggestionsHold(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7108, 5))
	for _, b := range searched() {
		for range measured / 6 {
			f, k := drawn(rng, b)
			words := written(f)
			for range 1 + rng.IntN(3) {
				i := rng.IntN(len(words))
				words[i] = slipped(rng, words[i])
			}
			if got, ok := explained(b, words, k); ok && !b.Holds(got, k) {
				t.Fatalf("explained(%v, %s) = %v, which does not hold", words, k, got)
			}
		}
	}
	if f, k := drawn(rng, searched()[1]); len(repairs(searched()[1], nil, k)) != 0 || len(repairs(searched()[1], written(f)[:3], "")) != 0 {
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
	words := written(f)
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
	m := message(1, phoneA, fmt.Sprintf("DPD %s %s %s", tpsA, strings.Join(written(f), " "), k), at("15:00"))
	b.ReportAllocs()
	for b.Loop() {
		if v := Decide(p, m, nil, facts); v.Asks == nil {
			b.Fatal(summary(v))
		}
	}
}
