package parser

// maxFigures bounds the figures read: 54 numbered contestants and eight rows.
const maxFigures = 2*maxContestants + len(fullLabels)

// reading is the block of figures as it was read, and where it stopped.
type reading struct {
	from     int // first word of the block
	plain    [maxFigures + 1]int16
	n        int                    // figures before the first label or K
	numbered bool                   // each vote stands behind its number
	labels   [len(fullLabels)]int16 // by place in the form
	seen     [len(fullLabels)]bool
	told     int // labels read
	next     int // the word of K, or the first that does not fit

	problem  ProblemCode
	expected string
}

// read reads votes, rows and K of b from word i on, left to right.
func (r *reader) read(rd *reading, b *Ballot, i int) {
	rd.from = i
	for r.figure(i) && rd.n < len(rd.plain) {
		rd.plain[rd.n] = value(r.word(i))
		rd.n++
		i++
	}
	rd.next = i
	if l, _, _ := r.label(i); l != 0 {
		r.readLabels(rd, b)
	} else {
		r.readPositional(rd, b)
	}
}

// readPositional ends a tally without labels: its figures are counted.
func (r *reader) readPositional(rd *reading, b *Ballot) {
	rd.numbered = rd.n != b.Rows() && r.numbers(rd, b)
	read := rd.read(b)
	hasK := r.isCheck(rd.next)
	switch {
	case hasK && read == b.Rows():
	case hasK && read < b.Rows():
		rd.fail(ProblemTooFew, b.RowName(read))
	case read > b.Rows():
		rd.fail(ProblemTooMany, expectK)
	case read == b.Rows():
		rd.fail(ProblemNoK, expectK)
	case rd.next == r.n:
		rd.fail(ProblemCutOff, b.RowName(read))
	default:
		rd.fail(ProblemBadFigure, b.RowName(read))
	}
}

// readLabels ends a tally with labels: each once, in any order. A fault among
// the votes goes before one among the labels: it stands first.
func (r *reader) readLabels(rd *reading, b *Ballot) {
	rd.numbered = rd.n == 2*b.N() && r.numbers(rd, b)
	first := rd.next
	r.takeLabels(rd, b)
	switch votes := rd.read(b); {
	case votes < b.N():
		rd.fail(ProblemTooFew, b.RowName(votes))
		rd.next = first
	case votes > b.N():
		rd.fail(ProblemTooMany, b.RowName(b.N()))
		rd.next = first
	}
}

func (r *reader) takeLabels(rd *reading, b *Ballot) {
	for rd.told < len(b.Labels()) {
		l, figure, next := r.label(rd.next)
		row := b.Index(l) - b.N()
		switch {
		case l == 0 && r.isCheck(rd.next):
			rd.fail(ProblemTooFew, b.RowName(rd.missing(b)))
			return
		case l == 0 && rd.next >= r.n:
			rd.fail(ProblemCutOff, b.RowName(rd.missing(b)))
			return
		case l == 0 || row < 0 || rd.seen[row]:
			rd.fail(ProblemBadLabel, b.RowName(rd.missing(b)))
			return
		case figure == nil && next >= r.n:
			rd.fail(ProblemCutOff, b.RowName(row+b.N()))
			rd.next = r.n
			return
		case figure == nil:
			rd.fail(ProblemBadFigure, b.RowName(row+b.N()))
			rd.next = next
			return
		}
		rd.labels[row], rd.seen[row] = value(figure), true
		rd.told++
		rd.next = next
	}
	if !r.isCheck(rd.next) {
		rd.fail(ProblemNoK, expectK)
	}
}

func (r *reader) isCheck(i int) bool {
	k, _ := r.check(i)
	return k != nil
}

// numbers reports whether the votes stand behind their numbers, in order. A
// positional block that is cut off shows it as far as it goes.
func (r *reader) numbers(rd *reading, b *Ballot) bool {
	count := min(b.N(), rd.n/2)
	for j := range count {
		if int(rd.plain[2*j]) != j+1 || !r.strict(rd.from+2*j) {
			return false
		}
	}
	return count == b.N()
}

// read is the number of rows read, those of labels apart.
func (rd *reading) read(b *Ballot) int {
	if rd.numbered {
		return rd.n - b.N()
	}
	return rd.n
}

func (rd *reading) fail(code ProblemCode, expected string) {
	rd.problem, rd.expected = code, expected
}

// missing is the first row whose label was not read.
func (rd *reading) missing(b *Ballot) int {
	for i := range b.Labels() {
		if !rd.seen[i] {
			return b.N() + i
		}
	}
	return b.Rows()
}

// figures puts a whole block into form order.
func (rd *reading) figures(b *Ballot) Figures {
	out := make(Figures, b.Rows())
	n, step, first := b.N(), 1, 0
	if rd.numbered {
		step, first = 2, 1
	}
	for i := range n {
		out[i] = rd.plain[first+i*step]
	}
	if rd.told > 0 {
		copy(out[n:], rd.labels[:])
	} else {
		copy(out[n:], rd.plain[n*step:rd.n])
	}
	return out
}
