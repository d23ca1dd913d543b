package verify

import (
	"math/rand/v2"
	"strconv"

	"tali/parser"
)

// paper draws the figures of a station as they are found: 150 to 600 voters,
// 60 to 95 % turnout, up to 8 % invalid.
func paper(rng *rand.Rand, b *parser.Ballot) parser.Figures {
	voters := 150 + rng.IntN(451)
	cast := voters * (60 + rng.IntN(36)) / 100
	invalid := cast * rng.IntN(9) / 100
	votes := make([]int, b.N())
	left := cast - invalid
	for i := range votes {
		share := rng.IntN(left + 1)
		if b.N() > 6 {
			share = min(share, rng.IntN(60))
		}
		if i == b.N()-1 {
			share = left
		}
		votes[i] = share
		left -= share
	}
	rng.Shuffle(len(votes), func(i, j int) { votes[i], votes[j] = votes[j], votes[i] })
	spoiled := rng.IntN(4)
	return form(b, votes, invalid, spoiled, voters+reserve(voters, 25))
}

// slipped is a number typed with one slip, with the shares that were observed
// of typists: substitution 79.0 %, neighbours exchanged 10.2, around a third 0.8,
// twin 0.6, sound 0.5, jump twin 0.3, a digit omitted or added 8.6.
func slipped(rng *rand.Rand, meant string) string {
	for {
		typed := slipOnce(rng, meant, rng.IntN(1000))
		if typed != meant && typed != "" && strconv.Itoa(atoi(typed)) == typed {
			return typed
		}
	}
}

func slipOnce(rng *rand.Rand, meant string, kind int) string {
	w := []byte(meant)
	digit := func() byte { return byte('0' + rng.IntN(10)) }
	i := rng.IntN(len(w))
	switch {
	case kind < 790:
		w[i] = digit()
	case kind < 892 && i+1 < len(w):
		w[i], w[i+1] = w[i+1], w[i]
	case kind < 900 && i+2 < len(w):
		w[i], w[i+2] = w[i+2], w[i]
	case kind < 906 && i+1 < len(w) && w[i] == w[i+1]:
		w[i] = digit()
		w[i+1] = w[i]
	case kind < 911 && i+1 < len(w) && w[i] == '1' && w[i+1] > '1':
		w[i], w[i+1] = w[i+1], '0'
	case kind < 914 && i+2 < len(w) && w[i] == w[i+2]:
		w[i] = digit()
		w[i+2] = w[i]
	case kind >= 914 && kind < 957:
		return meant[:i] + meant[i+1:]
	case kind >= 957:
		return meant[:i] + string(digit()) + meant[i:]
	}
	return string(w)
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
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
