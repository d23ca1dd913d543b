package parser

// What a right message has at a place that is no row.
const (
	expectKeyword = "kata kunci"
	expectTPS     = "kode TPS"
	expectK       = "K"
)

// diagnose turns a reading that stopped into the Problem of the report: the
// first word that does not fit, and the numbers for those who search repairs.
func (r *reader) diagnose(rep *Report, rd *reading) {
	b := rep.Ballot
	end := r.second(rd.from, "")
	k, at, behind := r.lastCheck(b, rd.from, end)
	p := r.problem(rep, rd, end)
	if p.Code == rd.problem {
		r.refine(p, rd, b, k, at)
	}
	rep.Problem = p
	if p.Code == ProblemNoK {
		rep.Figures = rd.figures(b)
	}
	if rep.TPS == "" && p.Read == 0 && k == nil {
		rep.Kind = KindUnreadable
	}
	if k != nil {
		rep.K.Given = digitString(k)
		rep.Auth, _ = r.auth(behind)
		end = at
	}
	rep.Numbers = r.numberWords(rd, b, end, k != nil)
}

// problem names the first word that does not fit, or what goes before it: a
// second tally, another script, no TPS code.
func (r *reader) problem(rep *Report, rd *reading, end int) *Problem {
	p := &Problem{
		Code: rd.problem, Word: rd.next + 1, Found: r.raw(rd.next), Expected: rd.expected,
		Read: rd.read(rep.Ballot) + rd.told, Need: rep.Ballot.Rows(),
	}
	noTPS := rep.TPS == ""
	switch {
	case rd.next < r.n && r.tokens[rd.next].foreign:
		p.Code = ProblemOtherScript
		if noTPS && rd.next == rd.from {
			p.Expected = expectTPS
		}
	case end < r.n:
		r.nameSecond(p, end, rep.Ballot)
	case noTPS:
		p.Code, p.Word, p.Found, p.Expected = ProblemNoTPS, rd.from+1, r.raw(rd.from), expectTPS
	case rd.problem == ProblemNoK && (r.is(rd.next, "K") || r.is(rd.next, "KUNCI")):
		p.Word, p.Found = p.Word+1, r.raw(rd.next+1)
	}
	return p
}

// refine tells merged figures from a K that comes too early, and the rest of
// a K that was cut from a figure too many.
func (r *reader) refine(p *Problem, rd *reading, b *Ballot, k []byte, at int) {
	switch {
	case k != nil && rd.problem == ProblemTooFew && at > rd.next && r.isCheck(rd.next):
		p.Code = ProblemBadFigure
	case k != nil && rd.problem == ProblemNoK:
		p.Code = ProblemBadFigure
	case k == nil && rd.problem == ProblemTooMany && rd.told == 0 && rd.next == r.n &&
		rd.read(b) == b.Rows()+1 && asDigit(r.word(r.n - 1)[0]) == b.Digit:
		p.Code, p.Word, p.Found = ProblemNoK, r.n, r.raw(r.n-1)
		p.Read--
	}
}

// lastCheck finds the word that is K in a message whose structure fails: one
// behind its letter, else the last that has the ballot's digit and width, else
// the last of five or six digits before a word that is no part of a tally.
// Earlier ones are figures run together.
func (r *reader) lastCheck(b *Ballot, from, end int) (k []byte, at, behind int) {
	width, rank, inside := 5, 0, true
	if b.N() > 6 {
		width = 6
	}
	for i := from; i < end; i++ {
		w, next := r.check(i)
		if w == nil || next > end {
			inside = inside && (r.tokens[i].number || r.tallyWord(i))
			continue
		}
		grade := 0
		switch {
		case r.word(i)[0] == 'K':
			grade = 3
		case len(w) == width && asDigit(w[0]) == b.Digit:
			grade = 2
		case inside:
			grade = 1
		}
		if grade > 0 && grade >= rank && rank < 3 {
			k, at, behind, rank = w, i, next, grade
		}
	}
	return k, at, behind
}

// tallyWord reports whether word i is a label, a part of one, or K's letter.
func (r *reader) tallyWord(i int) bool {
	if l, _ := gluedLabel(r.word(i)); l != 0 {
		return true
	}
	return reserved(r.word(i))
}

// numberWords collects the digit words before end as a repair needs them: the
// votes, without the numbers of numbered ones, then the rows in form order,
// whatever the order of their labels. With some labels missing there is none.
// Without K a signature may follow: then they end at the first other word.
func (r *reader) numberWords(rd *reading, b *Ballot, end int, hasK bool) []string {
	var out []string
	var rows [len(fullLabels)]string
	told := 0
	for i := rd.from; i < end; {
		l, figure, next := r.label(i)
		place := b.Index(l) - b.N()
		switch {
		case l != 0 && figure != nil && place >= 0 && rows[place] == "":
			rows[place] = digitString(figure)
			told++
			i = next
			continue
		case rd.numbered && i < rd.from+2*b.N() && (i-rd.from)%2 == 0:
		case r.tokens[i].number:
			out = append(out, digitString(r.word(i)))
		case !hasK && l == 0:
			end = i
		}
		i++
	}
	switch told {
	case 0:
		return out
	case len(b.Labels()):
		return append(out, rows[:told]...)
	}
	return nil
}
