package typist

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// Slip is a number typed with one slip, with the shares that were observed of
// typists: substitution 79.0 %, neighbours exchanged 10.2, around a third 0.8,
// twin 0.6, sound 0.5, jump twin 0.3, a digit omitted or added 8.6. It is another
// number always, without zeros in front.
func Slip(rng *rand.Rand, meant string) string {
	for {
		typed := slipOnce(rng, meant, rng.IntN(1000))
		if n, err := strconv.Atoi(typed); err == nil && typed != meant && strconv.Itoa(n) == typed {
			return typed
		}
	}
}

// The shares of Slip, added up, of a thousand.
const (
	upToSubstitution = 790
	upToExchange     = upToSubstitution + 102
	upToAround       = upToExchange + 8
	upToTwin         = upToAround + 6
	upToSound        = upToTwin + 5
	upToJumpTwin     = upToSound + 3
	upToOmission     = upToJumpTwin + 43
)

func slipOnce(rng *rand.Rand, meant string, kind int) string {
	w := []byte(meant)
	digit := func() byte { return byte('0' + rng.IntN(10)) }
	i := rng.IntN(len(w))
	switch {
	case kind < upToSubstitution:
		w[i] = digit()
	case kind < upToExchange && i+1 < len(w):
		w[i], w[i+1] = w[i+1], w[i]
	case kind < upToAround && i+2 < len(w):
		w[i], w[i+2] = w[i+2], w[i]
	case kind < upToTwin && i+1 < len(w) && w[i] == w[i+1]:
		w[i] = digit()
		w[i+1] = w[i]
	case kind < upToSound && i+1 < len(w) && w[i] == '1' && w[i+1] > '1':
		w[i], w[i+1] = w[i+1], '0'
	case kind < upToJumpTwin && i+2 < len(w) && w[i] == w[i+2]:
		w[i] = digit()
		w[i+2] = w[i]
	case kind >= upToJumpTwin && kind < upToOmission:
		return meant[:i] + meant[i+1:]
	case kind >= upToOmission:
		return meant[:i] + string(digit()) + meant[i:]
	}
	return string(w)
}

// WrongK is a K that is wrong by itself: a slip in it, one carry wrong in adding
// up, or one running total wrong and all behind it. Its first digit, the ballot's,
// is right and its length too.
func WrongK(rng *rand.Rand, right string) string {
	for {
		sum, err := strconv.Atoi(right[1:])
		if err != nil {
			panic(err) // K is digits
		}
		switch rng.IntN(3) {
		case 0:
			if typed := slipOnce(rng, right[1:], rng.IntN(upToJumpTwin)); typed != right[1:] {
				return right[:1] + typed
			}
			continue
		case 1:
			sum += []int{-1, 1, -10, 10, -100, 100, -1000, 1000}[rng.IntN(8)]
		default:
			sum += (1 + rng.IntN(9)) * []int{-1, 1, -10, 10}[rng.IntN(4)] * (1 + rng.IntN(6))
		}
		wrong := fmt.Sprintf("%s%0*d", right[:1], len(right)-1, sum)
		if sum >= 0 && len(wrong) == len(right) && wrong != right {
			return wrong
		}
	}
}
