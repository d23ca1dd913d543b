// Package typist types tallies as officers do, right and wrong: figures as they
// are found at stations, right messages in every spelling that the grammar
// allows, the single faults that a message may suffer, and the mistakes of a
// whole night. What a protocol is worth is measured with it.
//
// It owns the simulated mistakes and their shares, and knows nothing of what is
// made of them. Everything is drawn from the source of chance it is given: the
// same seed types the same.
package typist

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"tali/parser"
)

// Message is a right tally as it is typed, and what it says.
type Message struct {
	Ballot  *parser.Ballot
	TPS     parser.TPSCode
	Figures parser.Figures

	words []string
	first int // word of the keyword
	check int // word of K
}

// Text is the message as one SMS.
func (m Message) Text() string { return strings.Join(m.words, " ") }

// Write types the tally of some station in one of the ways the grammar allows:
// positional or labelled, some with RALAT, some with A or a signature.
func Write(rng *rand.Rand, p *parser.Profile) Message {
	b := p.Ballots[rng.IntN(len(p.Ballots))]
	m := Message{Ballot: b, TPS: Code(rng), Figures: Figures(rng, b)}
	if rng.IntN(4) == 0 {
		m.words = append(m.words, "RALAT", parser.NewProof(randomBytes(rng)))
	}
	m.first = len(m.words)
	keyword := b.Keyword
	if len(b.Aliases) > 0 && rng.IntN(3) == 0 {
		keyword = b.Aliases[rng.IntN(len(b.Aliases))]
	}
	m.words = append(m.words, keyword, string(m.TPS))
	m.words = append(m.words, votes(rng, m.Figures[:b.N()])...)
	m.words = append(m.words, rows(rng, b, m.Figures)...)
	k, _ := b.K(m.Figures)
	m.check = len(m.words)
	m.words = append(m.words, pick(rng, "", "", "K", "KUNCI")+k)
	switch rng.IntN(4) {
	case 0:
		m.words = append(m.words, parser.SignA2(randomBytes(rng), parser.Canonical(b, m.TPS, m.Figures, parser.FirstReport)))
	case 1:
		m.words = append(m.words, pick(rng, "Budi", "A RAHMAN", "KPPS 3", "SEKIAN"))
	}
	return m
}

// Code is the TPS code of some station.
func Code(rng *rand.Rand) parser.TPSCode {
	code, err := parser.NewTPSCode(strconv.Itoa(100_000 + rng.IntN(900_000)))
	if err != nil {
		panic(err) // six digits always make a code
	}
	return code
}

// Figures draws the figures of a station as they are found: 150 to 600 voters, 60
// to 95 % turnout, up to 8 % invalid. Every relation of the form holds, and K has
// room for their sum.
func Figures(rng *rand.Rand, b *parser.Ballot) parser.Figures {
	voters := 150 + rng.IntN(451)
	cast := voters * (60 + rng.IntN(36)) / 100
	invalid := cast * rng.IntN(9) / 100
	f := make(parser.Figures, b.Rows())
	left := cast - invalid
	for i := range b.N() {
		share := rng.IntN(left + 1)
		if b.N() > 6 {
			share = min(share, rng.IntN(60))
		}
		if i == b.N()-1 {
			share = left
		}
		f[i] = int16(share)
		left -= share
	}
	rng.Shuffle(b.N(), func(i, j int) { f[i], f[j] = f[j], f[i] })
	set := func(l parser.Label, v int) {
		if i := b.Index(l); i >= 0 {
			f[i] = int16(v)
		}
	}
	spoiled, unused := rng.IntN(4), voters-cast+voters/40
	set(parser.LabelS, cast-invalid)
	set(parser.LabelT, invalid)
	set(parser.LabelJ, cast)
	set(parser.LabelP, cast)
	set(parser.LabelU, cast)
	set(parser.LabelR, spoiled)
	set(parser.LabelZ, unused)
	set(parser.LabelD, cast+spoiled+unused)
	return f
}

// Written is figures as words.
func Written(f parser.Figures) []string {
	out := make([]string, len(f))
	for i, v := range f {
		out[i] = strconv.Itoa(int(v))
	}
	return out
}

func votes(rng *rand.Rand, f parser.Figures) []string {
	if rng.IntN(4) > 0 {
		return Written(f)
	}
	var out []string
	for i, v := range f {
		out = append(out, strconv.Itoa(i+1), strconv.Itoa(int(v)))
	}
	return out
}

func rows(rng *rand.Rand, b *parser.Ballot, f parser.Figures) []string {
	if rng.IntN(2) == 0 {
		return Written(f[b.N():])
	}
	var out []string
	labels := []byte(b.Labels())
	rng.Shuffle(len(labels), func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	for _, l := range labels {
		word := pick(rng, labelWords(parser.Label(l))...)
		figure := strconv.Itoa(int(f[b.Index(parser.Label(l))]))
		if rng.IntN(2) == 0 {
			out = append(out, word+figure)
		} else {
			out = append(out, word, figure)
		}
	}
	return out
}

// labelWords are the spellings of a label.
func labelWords(l parser.Label) []string {
	switch l {
	case parser.LabelS:
		return []string{"S", "SAH", "SUARA SAH"}
	case parser.LabelT:
		return []string{"T", "TS", "TSAH", "TDKSAH", "TIDAKSAH", "TDK SAH", "TIDAK SAH"}
	case parser.LabelJ:
		return []string{"J", "JML", "JUMLAH", "TOTAL"}
	case parser.LabelP:
		return []string{"P", "HADIR", "PENGGUNA"}
	case parser.LabelD:
		return []string{"D", "TERIMA", "DITERIMA"}
	case parser.LabelU:
		return []string{"U", "G", "GUNA", "DIGUNAKAN"}
	case parser.LabelR:
		return []string{"R", "RUSAK"}
	}
	return []string{"Z", "X", "SISA"}
}

func pick(rng *rand.Rand, from ...string) string { return from[rng.IntN(len(from))] }

func randomBytes(rng *rand.Rand) []byte {
	out := make([]byte, 16)
	for i := range out {
		out[i] = byte(rng.Uint32())
	}
	return out
}
