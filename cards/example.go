package cards

import "tali/parser"

// The invented station of every worked example: the sums of all ballots agree,
// as they do at a real one.
const (
	exampleInvalid = 12
	exampleSpoiled = 2
	exampleUnused  = 6
)

// example is an invented tally of b that keeps every relation.
func example(b *parser.Ballot) parser.Figures {
	f := exampleVotes(b)
	valid := int16(0)
	for _, v := range f {
		valid += v
	}
	cast := int16(valid + exampleInvalid)
	f = append(f, valid, exampleInvalid, cast)
	if b.Form == parser.FormFull {
		f = append(f, cast, cast+exampleSpoiled+exampleUnused, cast, exampleSpoiled, exampleUnused)
	}
	return f
}

// exampleVotes shares 310 votes out: the first rows get large figures, the last
// ones small figures and zeros, since zeros must be shown too. The ballot digit
// turns the order, so that the ballots of one card do not look alike.
func exampleVotes(b *parser.Ballot) parser.Figures {
	const votes = 310
	n := b.N()
	shares := make(parser.Figures, n)
	left := int16(votes)
	for i := range n {
		share := left * 15 / 32
		if i == n-1 {
			share = left
		}
		shares[i] = share
		left -= share
	}
	out := make(parser.Figures, n)
	turn := int(b.Digit-'0') % n
	for i, v := range shares {
		out[(i+turn)%n] = v
	}
	return out
}
