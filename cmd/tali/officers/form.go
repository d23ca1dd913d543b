package officers

import (
	"math/rand/v2"

	"tali/parser"
)

// NewForm invents the figures of one station: every relation of the form holds.
// Turnout, invalid votes and spoiled ballots lie where Indonesian stations lie.
func NewForm(b *parser.Ballot, voters int, random *rand.Rand) parser.Figures {
	return newForm(b, voters, turnout(voters, random), random)
}

// turnout is how many people came, of so many registered.
func turnout(voters int, random *rand.Rand) int {
	return formVoters(voters) * (60 + random.IntN(36)) / 100
}

func formVoters(voters int) int { return min(max(voters, 40), 600) }

// newForm is one on which cast people voted.
func newForm(b *parser.Ballot, voters, cast int, random *rand.Rand) parser.Figures {
	voters = formVoters(voters)
	invalid := cast * random.IntN(9) / 100
	valid := cast - invalid
	f := append(parser.Figures{}, split(valid, b.N(), random)...)
	f = append(f, int16(valid), int16(invalid), int16(cast))
	if b.Form == parser.FormShort {
		return f
	}
	received := voters + (voters*25+999)/1000
	spoiled := random.IntN(4)
	unused := received - cast - spoiled
	return append(f, int16(cast), int16(received), int16(cast), int16(spoiled), int16(unused))
}

// split deals a total to n rows by random weights.
func split(total, n int, random *rand.Rand) []int16 {
	weights, sum := make([]int, n), 0
	for i := range weights {
		weights[i] = 1 + random.IntN(100)
		sum += weights[i]
	}
	rows, left := make([]int16, n), total
	for i := range rows[:n-1] {
		rows[i] = int16(total * weights[i] / sum)
		left -= int(rows[i])
	}
	rows[n-1] = int16(left)
	return rows
}
