package parser

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A fault is one of the 15 single-fault classes that K was chosen by.
type fault struct {
	name  string
	apply func(rng *rand.Rand, s sent) string
}

const typedChars = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .,-#/=:\n"

func onText(edit func(rng *rand.Rand, text []byte, at int) []byte) func(*rand.Rand, sent) string {
	return func(rng *rand.Rand, s sent) string {
		text := []byte(s.text())
		return string(edit(rng, text, rng.IntN(len(text))))
	}
}

func onWords(edit func(rng *rand.Rand, words []string, at int) []string) func(*rand.Rand, sent) string {
	return func(rng *rand.Rand, s sent) string {
		words := strings.Fields(s.text())
		return strings.Join(edit(rng, words, rng.IntN(len(words))), " ")
	}
}

func anyChar(rng *rand.Rand) byte { return typedChars[rng.IntN(len(typedChars))] }

func faults() []fault {
	return append(textFaults(), wordFaults()...)
}

// textFaults know nothing of words.
func textFaults() []fault {
	return []fault{
		{"character substituted", onText(func(rng *rand.Rand, t []byte, at int) []byte { t[at] = anyChar(rng); return t })},
		{"character deleted", onText(func(_ *rand.Rand, t []byte, at int) []byte { return slices.Delete(t, at, at+1) })},
		{"character inserted", onText(func(rng *rand.Rand, t []byte, at int) []byte { return slices.Insert(t, at, anyChar(rng)) })},
		{"character doubled", onText(func(_ *rand.Rand, t []byte, at int) []byte { return slices.Insert(t, at, t[at]) })},
		{"characters swapped", onText(func(_ *rand.Rand, t []byte, at int) []byte {
			next := (at + 1) % len(t)
			t[at], t[next] = t[next], t[at]
			return t
		})},
		{"tail cut", onText(func(_ *rand.Rand, t []byte, at int) []byte { return t[:at] })},
		{"2 to 31 characters lost", onText(func(rng *rand.Rand, t []byte, at int) []byte {
			return slices.Delete(t, at, min(len(t), at+2+rng.IntN(30)))
		})},
	}
}

func wordFaults() []fault {
	return []fault{
		{"word omitted", onWords(func(_ *rand.Rand, w []string, at int) []string { return slices.Delete(w, at, at+1) })},
		{"word doubled", onWords(func(_ *rand.Rand, w []string, at int) []string { return slices.Insert(w, at, w[at]) })},
		{"words swapped", onWords(func(_ *rand.Rand, w []string, at int) []string {
			next := (at + 1) % len(w)
			w[at], w[next] = w[next], w[at]
			return w
		})},
		{"another script", otherScript},
		{"O/0, l/1, case, separators", sloppy},
		{"keyword letter changed", func(rng *rand.Rand, s sent) string {
			s.words = slices.Clone(s.words)
			keyword := []byte(s.words[s.first])
			keyword[rng.IntN(len(keyword))] = byte('A' + rng.IntN(26))
			s.words[s.first] = string(keyword)
			return s.text()
		}},
		{"separator missing", func(rng *rand.Rand, s sent) string {
			words := strings.Fields(s.text())
			at := rng.IntN(len(words) - 1)
			words[at] += words[at+1]
			return strings.Join(slices.Delete(words, at+1, at+2), " ")
		}},
		{"separator inside a word", onWords(func(rng *rand.Rand, w []string, at int) []string {
			if len(w[at]) > 1 {
				cut := 1 + rng.IntN(len(w[at])-1)
				w[at] = w[at][:cut] + pick(rng, " ", ".", ",") + w[at][cut:]
			}
			return w
		})},
	}
}

// otherScript writes the digits of some words in another script, with
// no-break spaces between all.
func otherScript(rng *rand.Rand, s sent) string {
	zero := []rune{'٠', '۰', '０', '०', '০', '๐', '𝟎'}[rng.IntN(7)]
	some := rng.IntN(3) > 0
	words := slices.Clone(s.words)
	for i := range words {
		if some && rng.IntN(2) == 0 {
			continue
		}
		words[i] = strings.Map(func(c rune) rune {
			if c >= '0' && c <= '9' {
				return zero + c - '0'
			}
			return c
		}, words[i])
	}
	return strings.Join(words, "\u00a0")
}

// outcome counts what became of the messages of one class.
type outcome struct{ same, lost, refused, elsewhere, other int }

// add sends one message twice, whole and with the fault.
func (o *outcome) add(t *testing.T, p *Profile, s sent, text string) {
	before, r := Parse(p, s.text()), Parse(p, text)
	switch {
	case !s.says(&before):
		t.Fatalf("Parse(%q) = %s", s.text(), describe(before))
	case s.saysOther(&r):
		o.other++
		t.Errorf("sent %q, read %q: taken with other content\n%s", s.text(), text, describe(r))
	case r.Consistent() && r.TPS.Valid() && r.TPS != s.tps:
		o.elsewhere++
		t.Errorf("sent %q, read %q: taken for another station\n%s", s.text(), text, describe(r))
	case !s.says(&r):
		o.refused++
	case r.Ralat != before.Ralat || r.Auth != before.Auth:
		o.lost++
	default:
		o.same++
	}
}

// No single fault may turn a right message into one that is taken with other
// figures, for another ballot or for another station. Counts are printed with -v.
func TestSingleFaults(t *testing.T) {
	t.Parallel()
	each := 14_000
	if testing.Short() {
		each = 1_000
	}
	p := testProfile(t)
	for i, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(2024, uint64(i)))
			var o outcome
			for range each {
				s := message(rng, p)
				o.add(t, p, s, f.apply(rng, s))
			}
			t.Logf("%s: %d messages, %d read as sent, %d with RALAT or A lost or changed, %d not taken, %d for another station, %d with other content",
				f.name, each, o.same, o.lost, o.refused, o.elsewhere, o.other)
		})
	}
}
