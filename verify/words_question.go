package verify

import "tali/parser"

// appendFromQuestion appends the words of questions. What an officer may answer
// stands there as it is to be typed.
func (w *words) appendFromQuestion(buf []byte, word string) []byte {
	switch word {
	case "row":
		return appendRow(buf, w.ballot, w.meant.Row)
	case "from":
		return appendInt(buf, w.meant.From)
	case "to":
		return appendInt(buf, w.meant.To)
	case "before":
		return w.appendBefore(buf)
	case "repair":
		return w.appendRepair(buf)
	case "swap":
		buf = appendFix(append(buf, "Jika benar "...), w.ballot, w.meant)
		return append(appendFix(append(buf, " dan "...), w.ballot, w.second), ',')
	case "clash":
		return appendClash(buf, w.ballot, w.broken)
	case "open":
		return w.appendOpen(buf)
	}
	return w.appendAnswer(buf, word)
}

// appendAnswer appends what is to be typed.
func (w *words) appendAnswer(buf []byte, word string) []byte {
	switch word {
	case "fix":
		return appendFix(append(buf, w.prefix...), w.ballot, w.meant)
	case "second":
		return appendFix(buf, w.ballot, w.second)
	case "yes":
		return append(append(buf, w.prefix...), "YA"...)
	case "form":
		return append(append(buf, w.prefix...), "FORM"...)
	case "code":
		return append(append(buf, w.prefix...), "KODE"...)
	case "k_word":
		return append(append(buf, w.prefix...), 'K')
	case "auth_word":
		return append(append(buf, w.prefix...), 'A')
	case "tries":
		return appendInt(buf, w.tries)
	case "k_digits":
		return appendInt(buf, w.ballot.KWidth())
	case "other_word":
		return append(buf, shortWord(w.other)...)
	case "ballot_word":
		return append(buf, shortWord(w.ballot)...)
	}
	return buf
}

// shortWord is the shortest word for a ballot.
func shortWord(b *parser.Ballot) string {
	word := b.Keyword
	for _, alias := range b.Aliases {
		if len(alias) < len(word) {
			word = alias
		}
	}
	return word
}

// appendRow appends the name of a row as a question uses it: "calon 2", "sah".
func appendRow(buf []byte, b *parser.Ballot, row int) []byte {
	if row < b.N() {
		return appendInt(append(append(buf, unit(b)...), ' '), row+1)
	}
	return append(buf, rowName(b.LabelAt(row))...)
}

// appendFix appends a row as it is told again: "2=98", "S=310".
func appendFix(buf []byte, b *parser.Ballot, s Suggestion) []byte {
	if s.Row < b.N() {
		buf = appendInt(buf, s.Row+1)
	} else {
		buf = append(buf, byte(b.LabelAt(s.Row)))
	}
	return appendInt(append(buf, '='), s.To)
}

// appendBefore appends the place of a row left out: "Setelah calon 2" or "Di awal".
func (w *words) appendBefore(buf []byte) []byte {
	if w.meant.Row == 0 {
		return append(buf, "Di awal"...)
	}
	return appendRow(append(buf, "Setelah "...), w.ballot, w.meant.Row-1)
}

// appendRepair appends what the words found were probably meant to be.
func (w *words) appendRepair(buf []byte) []byte {
	r := w.repair
	if r == nil {
		return buf
	}
	buf = w.appendMeant(buf, r.row)
	switch r.kind {
	case repairSplit:
		return w.appendMeant(append(buf, " dan "...), r.row+1)
	case repairDoubled:
		return append(buf, " satu kali"...)
	}
	return buf
}

// appendMeant appends a row of the repair, K behind the last.
func (w *words) appendMeant(buf []byte, row int) []byte {
	if row >= len(w.repair.figures) {
		return append(append(buf, "K = "...), w.repair.k...)
	}
	buf = append(appendRow(buf, w.ballot, row), " = "...)
	return appendInt(buf, int(w.repair.figures[row]))
}

// appendClash appends what the form says against itself, to be kept as it is.
func appendClash(buf []byte, b *parser.Ballot, c parser.Contradiction) []byte {
	switch c.Relation {
	case parser.RelationS:
		buf = appendAgainst(buf, c, unit(b), ", sah ")
	case parser.RelationJ:
		buf = appendAgainst(buf, c, "sah + tdk sah", ", jml ")
	case parser.RelationP:
		buf = appendAgainst(buf, c, "jml", ", pengguna ")
	case parser.RelationU:
		buf = appendAgainst(buf, c, "jml", ", digunakan ")
	case parser.RelationD:
		buf = appendAgainst(buf, c, "guna + rusak + sisa", ", diterima ")
	}
	return appendInt(append(buf, ", selisih "...), max(c.Want-c.Got, c.Got-c.Want))
}

// appendOpen appends the ballots of the open questions.
func (w *words) appendOpen(buf []byte) []byte {
	for i, q := range w.open {
		if i > 0 {
			buf = append(buf, " atau "...)
		}
		buf = append(buf, q.Ballot...)
	}
	return buf
}
