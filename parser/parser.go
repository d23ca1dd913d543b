// Package parser reads the text of one SMS into a Report: which ballot of
// which polling station (TPS) it claims to be about, its figures in the order
// of the paper form (C.HASIL), whether its typing check K holds and which
// relations between its rows do not.
//
// It owns the grammar of the protocol KT1, the ballot profile, the 8-digit
// TPS code, K, the canonical string, the authenticity code A and the
// derivation of its keys. It knows nothing of senders, registries, clocks or
// databases: it is pure and total. Every text, however broken, yields a Report;
// a bad SMS is data, not an error.
package parser

// Parse reads one SMS. The profile comes from NewProfile.
func Parse(p *Profile, text string) Report {
	r := reader{profile: p, text: text}
	r.split()
	return r.message()
}

// message tells the kinds apart by the first words. A keyword opens a tally or
// an answer; what reads as an answer from end to end is one, unless it is a
// whole labelled tally without TPS code.
func (r *reader) message() Report {
	switch {
	case r.tooLong:
		return r.unreadable(Problem{Code: ProblemTooLong, Expected: "paling banyak 200 kata"})
	case r.n == 0:
		return r.unreadable(Problem{Code: ProblemEmpty, Expected: expectKeyword})
	case r.is(0, "RALAT"):
		return r.correction()
	}
	if b := r.keyword(0); b != nil {
		if a, ok := r.answer(1, b); ok && (len(a.Fixes) < b.Rows() || a.K == "") {
			return Report{Kind: KindFollowUp, Ballot: b, Answer: a}
		}
		return r.tally(1, b)
	}
	rep, ok := r.service()
	if ok {
		return rep
	}
	if a, ok := r.answer(0, nil); ok {
		return Report{Kind: KindFollowUp, Answer: a}
	}
	if r.courtesyFrom(0) {
		return Report{Kind: KindCourtesy}
	}
	if rep.Kind == KindService {
		return r.unreadable(Problem{Code: ProblemNoTPS, Word: 2, Found: r.raw(1), Expected: expectTPS})
	}
	return r.unreadable(r.noKeyword(0))
}

// correction reads a message that begins with RALAT. A code of the wrong shape
// is kept as typed: it is no reason to refuse the figures, and equals no code
// that was ever given.
func (r *reader) correction() Report {
	proof, at := "", 1
	if r.keyword(1) == nil && r.n > 1 {
		var ok bool
		if proof, ok = NormalizeProof(string(r.word(1))); !ok {
			proof = r.raw(1)
		}
		at = 2
	}
	var rep Report
	if b := r.keyword(at); b != nil {
		rep = r.tally(at+1, b)
	} else {
		rep = r.unreadable(r.noKeyword(at))
	}
	rep.Ralat, rep.Proof = true, proof
	return rep
}

// keyword is the ballot that word i names, nil for none. 0 and 1 read as O and
// I here and nowhere else.
func (r *reader) keyword(i int) *Ballot {
	w := r.word(i)
	if len(w) < minKeyword || len(w) > maxKeyword {
		return nil
	}
	var key [maxKeyword]byte
	for i, c := range w {
		switch c {
		case '0':
			c = 'O'
		case '1':
			c = 'I'
		}
		key[i] = c
	}
	return r.profile.keywords[string(key[:len(w)])]
}

func (r *reader) noKeyword(i int) Problem {
	p := Problem{Code: ProblemNoKeyword, Word: i + 1, Found: r.raw(i), Expected: expectKeyword}
	if i < r.n && r.tokens[i].foreign {
		p.Code = ProblemOtherScript
	}
	return p
}

func (r *reader) unreadable(p Problem) Report {
	return Report{Kind: KindUnreadable, Problem: &p}
}
