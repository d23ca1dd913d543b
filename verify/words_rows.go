package verify

import "tali/parser"

// rowName names a row after the votes, as short as it is still understood at
// two in the morning: a receipt has no room for the words of the form.
func rowName(l parser.Label) string {
	switch l {
	case parser.LabelS:
		return "sah"
	case parser.LabelT:
		return "tdk sah"
	case parser.LabelJ:
		return "jml"
	case parser.LabelP:
		return "pengguna"
	case parser.LabelD:
		return "diterima"
	case parser.LabelU:
		return "digunakan"
	case parser.LabelR:
		return "rusak"
	}
	return "sisa"
}

// unit is what a row of the votes block is called.
func unit(b *parser.Ballot) string {
	if b.Unit == "" {
		return "calon"
	}
	return b.Unit
}

// appendOrder appends the order of a message behind the code, without K.
func appendOrder(buf []byte, b *parser.Ballot) []byte {
	if b == nil {
		return buf
	}
	buf = append(append(buf, unit(b)...), "1-"...)
	buf = append(appendInt(buf, b.N()), " sah tdksah jumlah"...)
	if b.Form == parser.FormFull {
		buf = append(buf, " pengguna terima guna rusak sisa"...)
	}
	return buf
}

// appendRows appends e.g. "3 calon + 8".
func appendRows(buf []byte, b *parser.Ballot) []byte {
	if b == nil {
		return buf
	}
	buf = append(appendInt(buf, b.N()), ' ')
	buf = append(append(buf, unit(b)...), " + "...)
	return appendInt(buf, len(b.Labels()))
}

// appendFigures appends every vote and the three totals.
func appendFigures(buf []byte, b *parser.Ballot, rows []int16) []byte {
	if b == nil || len(rows) != b.Rows() {
		return buf
	}
	for i, v := range rows[:b.N()] {
		buf = append(appendInt(buf, i+1), '=')
		buf = append(appendInt(buf, int(v)), ' ')
	}
	return appendTotals(buf, b, rows)
}

// appendTotals appends valid, invalid and both.
func appendTotals(buf []byte, b *parser.Ballot, rows []int16) []byte {
	if b == nil || len(rows) != b.Rows() {
		return buf
	}
	for i, l := range [...]parser.Label{parser.LabelS, parser.LabelT, parser.LabelJ} {
		if i > 0 {
			buf = append(buf, ' ')
		}
		buf = append(append(buf, rowName(l)...), ' ')
		buf = appendInt(buf, int(rows[b.Index(l)]))
	}
	return buf
}

// appendFault appends what two rows of the form say against each other.
func appendFault(buf []byte, b *parser.Ballot, c parser.Contradiction) []byte {
	switch c.Relation {
	case parser.RelationS:
		return appendAgainst(buf, c, "jumlah "+unit(b), ", tapi suara sah tertulis ")
	case parser.RelationJ:
		return appendAgainst(buf, c, "sah + tidak sah", ", tapi jumlah tertulis ")
	case parser.RelationP:
		return appendAgainst(buf, c, "jumlah suara", ", tapi pengguna tertulis ")
	case parser.RelationU:
		return appendAgainst(buf, c, "jumlah suara", ", tapi digunakan tertulis ")
	}
	return appendAgainst(buf, c, "guna + rusak + sisa", ", tapi diterima tertulis ")
}

// appendAgainst appends what the other rows make, and what stands in the row.
func appendAgainst(buf []byte, c parser.Contradiction, sum, row string) []byte {
	buf = appendInt(append(append(buf, sum...), ' '), c.Want)
	return appendInt(append(buf, row...), c.Got)
}

// appendDifference appends the first row in which the tally differs from what
// is there already, with the figure that is there: "calon 2 = 98".
func (w *words) appendDifference(buf []byte) []byte {
	for i := range min(len(w.figures), len(w.present.Figures)) {
		there := w.present.Figures[i]
		if there == w.figures[i] {
			continue
		}
		if i < w.ballot.N() {
			buf = append(append(buf, unit(w.ballot)...), ' ')
			buf = appendInt(buf, i+1)
		} else {
			buf = append(buf, rowName(w.ballot.LabelAt(i))...)
		}
		return appendInt(append(buf, " = "...), int(there))
	}
	return buf
}
