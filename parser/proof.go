package parser

import "encoding/binary"

// proofLength is the number of characters of a proof code.
const proofLength = 5

// NewProof turns at least eight random bytes into a proof code, uniform up to
// a bias below 1e-11. Every code holds one of the digits 2 to 9: a keyword is
// letters only and typed with 0 and 1 at most for its O and I, so a code is a
// keyword of no profile. With fewer bytes there is no code: it is empty.
func NewProof(random []byte) string {
	if len(random) < 8 {
		return ""
	}
	// The codes are ranked by the place of their first digit 2..9: before it
	// stand characters that are no such digit, behind it anything.
	const plain, digits, all = 24, 8, 32
	total := uint64(all*all*all*all*all - plain*plain*plain*plain*plain)
	rank := binary.BigEndian.Uint64(random) % total
	before, behind := uint64(1), uint64(all*all*all*all)
	first := 0
	for rank >= before*digits*behind {
		rank -= before * digits * behind
		before, behind, first = before*plain, behind/all, first+1
	}
	var out [proofLength]byte
	for i := proofLength - 1; i > first; i-- {
		out[i] = crockford[rank%all]
		rank /= all
	}
	out[first] = byte('2' + rank%digits)
	rank /= digits
	for i := first - 1; i >= 0; i-- {
		out[i] = ("01" + crockford[10:])[rank%plain]
		rank /= plain
	}
	return string(out[:])
}

// NormalizeProof reads a proof code as leniently as A: any case, O as 0, I and
// L as 1. It is false when s is none: not five characters of the alphabet, or
// no digit among them as typed.
func NormalizeProof(s string) (string, bool) {
	var out [proofLength]byte
	if len(s) != proofLength {
		return "", false
	}
	for i := range out {
		out[i] = upper(s[i])
	}
	if !crockfordCode(out[:], proofLength) {
		return "", false
	}
	for i, c := range out {
		out[i] = asDigit(c)
	}
	return string(out[:]), true
}
