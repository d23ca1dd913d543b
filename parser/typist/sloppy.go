package typist

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// Sloppy writes the message as tired fingers may and the grammar still reads
// it: any case, O and I, any separators.
func Sloppy(rng *rand.Rand, m Message) string {
	var out strings.Builder
	for i, word := range m.words {
		if i > 0 {
			out.WriteString(pick(rng, " ", ",", ".", "  ", " - ", "#", "\n", "\u00a0", ":", "/", "\t", ";", "=", "\u200b "))
		}
		// A signature and the row numbers of numbered votes stay as they are.
		if i > m.check || m.isNumber(i) {
			out.WriteString(word)
			continue
		}
		for _, c := range word {
			out.WriteString(sloppyChar(rng, c, i == m.first))
		}
	}
	return out.String()
}

// isNumber reports whether word i is the number of a row before its figure.
func (m Message) isNumber(i int) bool {
	at, n := m.first+2, m.Ballot.N()
	if len(m.words) < at+2*n || i < at || i >= at+2*n || (i-at)%2 == 1 {
		return false
	}
	for row := range n {
		if m.words[at+2*row] != strconv.Itoa(row+1) {
			return false
		}
	}
	return true
}

func sloppyChar(rng *rand.Rand, c rune, keyword bool) string {
	char := string(c)
	switch {
	case keyword && c == 'O':
		char = pick(rng, "O", "0")
	case keyword && c == 'I':
		char = pick(rng, "I", "1")
	case !keyword && c == '0':
		char = pick(rng, "0", "O")
	case !keyword && c == '1':
		char = pick(rng, "1", "I", "L")
	}
	if rng.IntN(2) == 0 {
		char = strings.ToLower(char)
	}
	return char
}
