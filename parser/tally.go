package parser

// Lengths of a TPS code that is kept to be asked about; only 8 is right.
const (
	minTPS = 6
	maxTPS = 10
)

// tally reads a tally of b from the word behind the keyword on.
func (r *reader) tally(i int, b *Ballot) Report {
	rep := Report{Kind: KindTally, Ballot: b}
	if r.digits(i, minTPS, maxTPS) {
		rep.TPS = TPSCode(digitString(r.word(i)))
		i++
	}
	var rd reading
	r.read(&rd, b, i)
	if rd.problem != "" {
		r.diagnose(&rep, &rd)
		return rep
	}
	rep.Figures = rd.figures(b)
	given, next := r.check(rd.next)
	rep.K.Given = digitString(given)
	var want [6]byte
	k, ok := b.appendK(want[:0], rep.Figures)
	rep.K.OK = ok && string(k) == rep.K.Given
	rep.Broken = b.Contradictions(rep.Figures)
	r.finish(&rep, next)
	return rep
}

// finish reads what stands behind K: A, and a tail in which only a second
// tally is a reason to refuse the first.
func (r *reader) finish(rep *Report, i int) {
	auth, next := r.auth(i)
	if r.keyword(i) != nil && r.digits(i+1, 8, 8) {
		auth, next = Auth{}, i
	}
	rep.Auth = auth
	if j := r.second(next, rep.TPS); j < r.n {
		rep.Problem = &Problem{Read: len(rep.Figures), Need: len(rep.Figures)}
		r.nameSecond(rep.Problem, j, rep.Ballot)
	}
}

// second finds the first word from i on that tells of a second tally: a
// keyword with eight digits behind it or the code of another station. It is
// r.n when there is none.
func (r *reader) second(i int, tps TPSCode) int {
	for ; i < r.n; i++ {
		if r.keyword(i) != nil && r.digits(i+1, 8, 8) {
			return i
		}
		if tps == "" || !r.digits(i, 8, 8) {
			continue
		}
		if other := TPSCode(digitString(r.word(i))); other.Valid() && other != tps {
			return i
		}
	}
	return r.n
}

// nameSecond makes p name the second tally at word i.
func (r *reader) nameSecond(p *Problem, i int, first *Ballot) {
	p.Code, p.Word, p.Found, p.Expected = ProblemTwoTallies, i+1, r.raw(i), "satu laporan tiap SMS"
	p.OtherBallot = first
	if b := r.keyword(i); b != nil {
		p.OtherBallot = b
		i++
	}
	p.OtherTPS = TPSCode(digitString(r.word(i)))
}

// auth reads an A at word i, with its letter or without, and returns the word
// behind it: i when there is none.
func (r *reader) auth(i int) (Auth, int) {
	if r.profile.Auth == AuthOff {
		return Auth{}, i
	}
	if a := authCode(r.word(i)); a.Kind != AuthNone {
		return a, i + 1
	}
	return r.markedAuth(i)
}

// markedAuth reads an A behind its letter.
func (r *reader) markedAuth(i int) (Auth, int) {
	w, next := r.word(i), i+1
	if r.profile.Auth == AuthOff || len(w) == 0 || w[0] != 'A' {
		return Auth{}, i
	}
	if w = w[1:]; len(w) == 0 {
		w, next = r.word(i+1), i+2
	}
	if a := authCode(w); a.Kind != AuthNone {
		return a, next
	}
	return Auth{}, i
}

// authCode reads a word as A. Eight digits that satisfy MOD 97-10 are the code
// of a station, and a signature like KPPS03 is no code.
func authCode(w []byte) Auth {
	if readable(w, 8, 8) {
		code := digitString(w)
		if number(code)%97 == 1 {
			return Auth{}
		}
		return Auth{Kind: AuthTAN, Code: code}
	}
	if !crockfordCode(w, 6) || signature(w) {
		return Auth{}
	}
	return Auth{Kind: AuthHMAC, Code: digitString(w)}
}

// signature reports whether w is a word of signatures with digits glued to it.
func signature(w []byte) bool {
	for _, word := range [...]string{"TPS", "KPPS", "RT", "RW", "NO"} {
		if len(w) > len(word) && string(w[:len(word)]) == word && readable(w[len(word):], 1, len(w)) {
			return true
		}
	}
	return false
}

// label reads a label at word i, with its figure when one is glued or stands
// behind it, and returns the word after both. The label is 0 when there is none.
func (r *reader) label(i int) (Label, []byte, int) {
	w := r.word(i)
	invalid := string(w) == "TDK" || string(w) == "TIDAK"
	if invalid || string(w) == "SUARA" {
		i++
		l, figure := label(r.word(i)), []byte(nil)
		if l == 0 {
			l, figure = gluedLabel(r.word(i))
		}
		rest := r.word(i)
		rest = rest[:len(rest)-len(figure)]
		if l == 0 || string(rest) != "SAH" {
			return 0, nil, i - 1
		}
		if invalid {
			l = LabelT
		}
		return r.labelled(l, figure, i+1)
	}
	if l := label(w); l != 0 {
		return r.labelled(l, nil, i+1)
	}
	if l, figure := gluedLabel(w); l != 0 {
		return l, figure, i + 1
	}
	return 0, nil, i
}

// labelled takes the figure behind a label unless one was glued to it.
func (r *reader) labelled(l Label, figure []byte, next int) (Label, []byte, int) {
	if figure == nil && r.figure(next) {
		return l, r.word(next), next + 1
	}
	return l, figure, next
}

// check reads K at word i: its digits, nil when there are none, and the word
// behind it.
func (r *reader) check(i int) ([]byte, int) {
	w, next := r.word(i), i+1
	switch {
	case string(w) == "K" || string(w) == "KUNCI":
		w, next = r.word(i+1), i+2
	case len(w) > 5 && string(w[:5]) == "KUNCI":
		w = w[5:]
	case len(w) > 1 && w[0] == 'K':
		w = w[1:]
	}
	if readable(w, 5, 6) {
		return w, next
	}
	return nil, i
}
