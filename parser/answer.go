package parser

// service reads UJI, HADIR and STATUS, alone or with a TPS code, and BANTU.
// HADIR with a figure behind it is the label, so an answer.
func (r *reader) service() (Report, bool) {
	rep := Report{Kind: KindService}
	switch string(r.word(0)) {
	case "UJI", "HADIR", "STATUS":
		at := 1
		if r.digits(1, 8, 8) {
			rep.TPS = TPSCode(digitString(r.word(1)))
			at = 2
		}
		rep.Service = string(r.word(0))
		return rep, at == r.n || r.courtesyFrom(at)
	case "BANTU":
		rep.Service = "BANTU"
		return rep, r.n == 1 || r.courtesyFrom(1)
	}
	return Report{}, false
}

// answer reads everything from word i on as an answer to a question about the
// ballot named before it, if any. It is false when that does not fit to the
// last word.
func (r *reader) answer(i int, b *Ballot) (FollowUp, bool) {
	a := FollowUp{Ballot: b}
	next := i
	switch {
	case r.is(i, "YA"):
		a.Yes, next = true, i+1
	case r.is(i, "FORM"):
		a.Form, next = true, i+1
	case r.is(i, "KODE"):
		if !r.digits(i+1, minTPS, maxTPS) {
			return FollowUp{}, false
		}
		a.TPS, next = TPSCode(digitString(r.word(i+1))), i+2
	case r.keyword(i) != nil:
		a.Ballot, next = r.keyword(i), i+1
	default:
		// Without its letter, six digits are a K here.
		if a.Auth, next = r.markedAuth(i); next == i {
			next = r.fixes(i, &a)
		}
		if next < 0 || (next == i && b == nil) {
			return FollowUp{}, false
		}
	}
	return a, next == r.n || r.courtesyFrom(next)
}

// fixes reads rows told again and a K behind them or alone. It returns the
// next word, -1 when a row is told twice or the ballot lacks it.
func (r *reader) fixes(i int, a *FollowUp) int {
	for i < r.n {
		f, next := r.fix(i, a.Ballot)
		if next == i {
			break
		}
		if a.Ballot != nil && f.Label != 0 && a.Ballot.Index(f.Label) < 0 {
			return -1
		}
		for _, old := range a.Fixes {
			if old.Row == f.Row && old.Label == f.Label {
				return -1
			}
		}
		a.Fixes = append(a.Fixes, f)
		i = next
	}
	if k, next := r.check(i); k != nil {
		a.K = digitString(k)
		return next
	}
	return i
}

// fix reads one row told again: its number or label and the figure. It returns
// i when there is none.
func (r *reader) fix(i int, b *Ballot) (Fix, int) {
	most := r.profile.mostRows
	if b != nil {
		most = b.N()
	}
	if r.figure(i) && r.strict(i) && r.figure(i+1) {
		if row := int(value(r.word(i))); row >= 1 && row <= most {
			return Fix{Row: row, Figure: value(r.word(i + 1))}, i + 2
		}
		return Fix{}, i
	}
	if l, figure, next := r.label(i); l != 0 && figure != nil {
		return Fix{Label: l, Figure: value(figure)}, next
	}
	return Fix{}, i
}

// courtesyFrom reports whether there are words from i on and all are thanks.
func (r *reader) courtesyFrom(i int) bool {
	for j := i; j < r.n; j++ {
		if !courtesy(r.word(j)) {
			return false
		}
	}
	return i < r.n
}
