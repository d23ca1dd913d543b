package typist

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// Fault is one of the 15 single faults that K was chosen by.
type Fault struct {
	Name  string
	Apply func(rng *rand.Rand, m Message) string
}

// Faults lists them. A fault may leave a message as it is, where it doubles a
// blank or draws the character that stands there.
func Faults() []Fault { return append(textFaults(), wordFaults()...) }

const typedChars = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .,-#/=:\n"

func anyChar(rng *rand.Rand) byte { return typedChars[rng.IntN(len(typedChars))] }

func onText(edit func(rng *rand.Rand, text []byte, at int) []byte) func(*rand.Rand, Message) string {
	return func(rng *rand.Rand, m Message) string {
		text := []byte(m.Text())
		return string(edit(rng, text, rng.IntN(len(text))))
	}
}

func onWords(edit func(rng *rand.Rand, words []string, at int) []string) func(*rand.Rand, Message) string {
	return func(rng *rand.Rand, m Message) string {
		words := strings.Fields(m.Text())
		return strings.Join(edit(rng, words, rng.IntN(len(words))), " ")
	}
}

// textFaults know nothing of words.
func textFaults() []Fault {
	return []Fault{
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

func wordFaults() []Fault {
	return []Fault{
		{"word omitted", onWords(func(_ *rand.Rand, w []string, at int) []string { return slices.Delete(w, at, at+1) })},
		{"word doubled", onWords(func(_ *rand.Rand, w []string, at int) []string { return slices.Insert(w, at, w[at]) })},
		{"words swapped", onWords(func(_ *rand.Rand, w []string, at int) []string {
			next := (at + 1) % len(w)
			w[at], w[next] = w[next], w[at]
			return w
		})},
		{"another script", otherScript},
		{"O/0, l/1, case, separators", Sloppy},
		{"keyword letter changed", keywordChanged},
		{"separator missing", onWords(func(rng *rand.Rand, w []string, _ int) []string {
			at := rng.IntN(len(w) - 1)
			w[at] += w[at+1]
			return slices.Delete(w, at+1, at+2)
		})},
		{"separator inside a word", onWords(func(rng *rand.Rand, w []string, at int) []string {
			if len(w[at]) > 1 {
				cut := 1 + rng.IntN(len(w[at])-1)
				w[at] = w[at][:cut] + pick(rng, " ", ".", ",") + w[at][cut:]
			}
			return w
		})},
	}
}

func keywordChanged(rng *rand.Rand, m Message) string {
	m.words = slices.Clone(m.words)
	keyword := []byte(m.words[m.first])
	keyword[rng.IntN(len(keyword))] = byte('A' + rng.IntN(26))
	m.words[m.first] = string(keyword)
	return m.Text()
}

// otherScript writes the digits of some words in another script, with
// no-break spaces between all.
func otherScript(rng *rand.Rand, m Message) string {
	zero := []rune{'٠', '۰', '０', '०', '০', '๐', '𝟎'}[rng.IntN(7)]
	some := rng.IntN(3) > 0
	words := slices.Clone(m.words)
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
