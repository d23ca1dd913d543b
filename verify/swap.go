package verify

import (
	"slices"

	"tali/parser"
)

// mostForSwap is the number of contestants up to which a swap explains a wrong K
// well enough to be asked about: beyond, a K that is wrong by itself finds a pair
// of rows that fits in one case of five.
const mostForSwap = 5

// swap is the only pair of rows whose exchange makes K hold. Only two votes, or
// spoiled and unused ballots, may be exchanged without a relation noticing.
func swap(b *parser.Ballot, f parser.Figures, k string) (first, second int, ok bool) {
	if b.N() > mostForSwap {
		return 0, 0, false
	}
	count := 0
	try := slices.Clone(f)
	test := func(i, j int) {
		if f[i] == f[j] {
			return
		}
		try[i], try[j] = f[j], f[i]
		if b.Holds(try, k) {
			first, second = i, j
			count++
		}
		try[i], try[j] = f[i], f[j]
	}
	for i := range b.N() {
		for j := i + 1; j < b.N(); j++ {
			test(i, j)
		}
	}
	if r, z := b.Index(parser.LabelR), b.Index(parser.LabelZ); r >= 0 {
		test(r, z)
	}
	return first, second, count == 1
}
