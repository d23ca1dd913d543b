package parser

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// A sent is a right message as words, and what it says.
type sent struct {
	ballot  *Ballot
	tps     TPSCode
	figures Figures
	words   []string
	first   int // word of the keyword
	check   int // word of K
}

func (s sent) text() string { return strings.Join(s.words, " ") }

// soundFigures draws the figures of a station as they are found: 150 to 600
// voters, 60 to 95 % turnout, up to 8 % invalid.
func soundFigures(rng *rand.Rand, b *Ballot) Figures {
	voters := 150 + rng.IntN(451)
	cast := voters * (60 + rng.IntN(36)) / 100
	invalid := cast * rng.IntN(9) / 100
	f := make(Figures, b.Rows())
	left := cast - invalid
	for i := range b.N() {
		v := left
		if i < b.N()-1 {
			v = rng.IntN(left + 1)
			if b.N() > 6 {
				v = min(v, rng.IntN(60))
			}
		}
		f[i] = int16(v)
		left -= v
	}
	rng.Shuffle(b.N(), func(i, j int) { f[i], f[j] = f[j], f[i] })
	set := func(l Label, v int) {
		if i := b.Index(l); i >= 0 {
			f[i] = int16(v)
		}
	}
	spoiled, spare := rng.IntN(4), voters-cast+voters/40
	set(LabelS, cast-invalid)
	set(LabelT, invalid)
	set(LabelJ, cast)
	set(LabelP, cast)
	set(LabelU, cast)
	set(LabelR, spoiled)
	set(LabelZ, spare)
	set(LabelD, cast+spoiled+spare)
	return f
}

// labelWords are the spellings of a label.
func labelWords(l byte) []string {
	switch Label(l) {
	case LabelS:
		return []string{"S", "SAH", "SUARA SAH"}
	case LabelT:
		return []string{"T", "TS", "TSAH", "TDKSAH", "TIDAKSAH", "TDK SAH", "TIDAK SAH"}
	case LabelJ:
		return []string{"J", "JML", "JUMLAH", "TOTAL"}
	case LabelP:
		return []string{"P", "HADIR", "PENGGUNA"}
	case LabelD:
		return []string{"D", "TERIMA", "DITERIMA"}
	case LabelU:
		return []string{"U", "G", "GUNA", "DIGUNAKAN"}
	case LabelR:
		return []string{"R", "RUSAK"}
	}
	return []string{"Z", "X", "SISA"}
}

// message writes figures in one of the ways the grammar allows.
func message(rng *rand.Rand, p *Profile) sent {
	b := p.Ballots[rng.IntN(len(p.Ballots))]
	f := soundFigures(rng, b)
	six := 100_000 + rng.IntN(900_000)
	tps, _ := NewTPSCode(strconv.Itoa(six))
	s := sent{ballot: b, tps: tps, figures: f}
	if rng.IntN(4) == 0 {
		s.words = append(s.words, "RALAT", NewProof(randomBytes(rng)))
	}
	s.first = len(s.words)
	keyword := b.Keyword
	if len(b.Aliases) > 0 && rng.IntN(3) == 0 {
		keyword = b.Aliases[rng.IntN(len(b.Aliases))]
	}
	s.words = append(s.words, keyword, string(tps))
	s.words = append(s.words, votes(rng, f[:b.N()])...)
	s.words = append(s.words, rows(rng, b, f)...)
	k, _ := b.K(f)
	s.check = len(s.words)
	s.words = append(s.words, pick(rng, "", "", "K", "KUNCI")+k)
	switch rng.IntN(4) {
	case 0:
		s.words = append(s.words, SignA2(counting(16), Canonical(b, tps, f, FirstReport)))
	case 1:
		s.words = append(s.words, pick(rng, "Budi", "A RAHMAN", "KPPS 3", "SEKIAN"))
	}
	return s
}

func votes(rng *rand.Rand, f Figures) []string {
	numbered := rng.IntN(4) == 0
	var out []string
	for i, v := range f {
		if numbered {
			out = append(out, strconv.Itoa(i+1))
		}
		out = append(out, strconv.Itoa(int(v)))
	}
	return out
}

func rows(rng *rand.Rand, b *Ballot, f Figures) []string {
	var out []string
	if rng.IntN(2) == 0 {
		for _, v := range f[b.N():] {
			out = append(out, strconv.Itoa(int(v)))
		}
		return out
	}
	labels := []byte(b.Labels())
	rng.Shuffle(len(labels), func(i, j int) { labels[i], labels[j] = labels[j], labels[i] })
	for _, l := range labels {
		word := pick(rng, labelWords(l)...)
		figure := strconv.Itoa(int(f[b.Index(Label(l))]))
		if rng.IntN(2) == 0 {
			out = append(out, word+figure)
		} else {
			out = append(out, word, figure)
		}
	}
	return out
}

func pick(rng *rand.Rand, from ...string) string { return from[rng.IntN(len(from))] }

func randomBytes(rng *rand.Rand) []byte {
	out := make([]byte, 8)
	for i := range out {
		out[i] = byte(rng.Uint32())
	}
	return out
}

// sloppy writes the message as tired fingers may and the grammar still reads
// it: any case, O and I, any separators.
func sloppy(rng *rand.Rand, s sent) string {
	var out strings.Builder
	for i, word := range s.words {
		if i > 0 {
			out.WriteString(pick(rng, " ", ",", ".", "  ", " - ", "#", "\n", "\u00a0", ":", "/", "\t", ";", "=", "\u200b "))
		}
		// A signature and the row numbers of numbered votes stay as they are.
		rowNumber := i > s.first+1 && i < s.first+2+2*s.ballot.N() && len(s.words) > s.first+2+s.ballot.N() &&
			numberedVotes(s) && (i-s.first)%2 == 0
		if i > s.check || rowNumber {
			out.WriteString(word)
			continue
		}
		for _, c := range word {
			out.WriteString(sloppyChar(rng, c, i == s.first))
		}
	}
	return out.String()
}

func numberedVotes(s sent) bool {
	at := s.first + 2
	for i := range s.ballot.N() {
		if s.words[at+2*i] != strconv.Itoa(i+1) {
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

// saysOther reports whether a report is ready to be taken with other content
// than was sent.
func (s sent) saysOther(r *Report) bool {
	return r.Consistent() && (r.Ballot != s.ballot || !slices.Equal(r.Figures, s.figures))
}

// says reports whether a report is ready to be taken just as it was sent.
func (s sent) says(r *Report) bool {
	return r.Consistent() && r.Ballot == s.ballot && r.TPS == s.tps && slices.Equal(r.Figures, s.figures)
}
