package verify

import "tali/parser"

// figures is step 10: the row or the check that is wrong is named. Where one
// slip explains everything it is asked about; otherwise every figure is.
func figures(d *decision) (Verdict, bool) {
	switch {
	case d.rep.Consistent(), d.formTaken && d.rep.K.OK:
		return Verdict{}, false
	case len(d.rep.Broken) > 0:
		return d.contradicts(), true
	}
	return d.wrongK(), true
}

// contradicts names the relation that fails. Where K holds the officer
// very likely typed what the form says: then nobody may push for another
// figure, and FORM is an answer.
func (d *decision) contradicts() Verdict {
	kind, reason := KindRelation, "relation"
	if d.rep.K.OK {
		kind, reason = KindForm, "form"
	}
	v := Verdict{Outcome: OutcomeFigures, Reason: reason, Quarantine: d.rep.K.OK}
	w := words{broken: culprit(d.rep.Broken)}
	tally, ok := draftOf(d.rep)
	s, explained := correction(d.rep.Ballot, d.rep.Figures, d.rep.K.Given)
	if explained {
		v.Suggestion, w.meant = &s, s
	}
	v.Reply = d.reply(kind, w)
	if d.away || !ok || !explained && !d.rep.K.OK {
		return v
	}
	switch {
	case explained && d.rep.K.OK:
		kind = KindAskFormRow
	case explained:
		kind = KindAskRow
	default:
		kind = KindAskForm
	}
	return d.ask(v, Question{Kind: kind, Draft: tally.String()}, w)
}

// culprit is the relation to name: the first that fails, in form order. A wrong
// U breaks the one of D as well, which stands before its own.
func culprit(broken []parser.Contradiction) parser.Contradiction {
	for _, c := range broken[1:] {
		if broken[0].Relation == parser.RelationD && c.Relation == parser.RelationU {
			return c
		}
	}
	return broken[0]
}

// wrongK asks about a K that fails where every relation holds: for the ballot
// that it names, for two rows exchanged, or for K.
func (d *decision) wrongK() Verdict {
	v := Verdict{Outcome: OutcomeFigures, Reason: "k"}
	w := words{k: d.rep.K.Given}
	tally, ok := draftOf(d.rep)
	if other := otherBallot(d.p, d.rep); other != nil {
		v.Reason, w.other = "k_ballot", other
		v.Reply = d.reply(KindOtherBallot, w)
		if d.away || !ok {
			return v
		}
		offer := tally
		offer.keyword = other.Keyword
		return d.ask(v, Question{Kind: KindAskBallot, Draft: tally.String(), Offer: offer.String()}, w)
	}
	v.Reply = d.reply(KindK, w)
	if d.away || !ok {
		return v
	}
	kind := KindAskK
	if i, j, found := swap(d.rep.Ballot, d.rep.Figures, d.rep.K.Given); found && !d.kFirst() {
		kind, v.Reason = KindAskSwap, "swap"
		w.meant = Suggestion{Row: i, From: int(d.rep.Figures[i]), To: int(d.rep.Figures[j])}
		w.second = Suggestion{Row: j, From: int(d.rep.Figures[j]), To: int(d.rep.Figures[i])}
	}
	return d.askAboutK(v, Question{Kind: kind, Draft: tally.String()}, w)
}

// kFirst reports whether K itself is asked about before any row: a slip in it
// is likelier than one in the figures while it has not come a second time. What
// looks like a carry wrong in adding up comes again whenever the officer adds up,
// and the more rows there are the likelier two of them seem to explain it.
func (d *decision) kFirst() bool {
	right, ok := d.rep.Ballot.K(d.rep.Figures)
	if !ok || !oneSlip(d.rep.K.Given, right) {
		return false
	}
	return !d.asked() || miscounted(d.rep.K.Given, right, d.rep.Ballot.N()-3)
}

// miscounted reports whether two numbers are apart by at most so many units of
// one digit's place.
func miscounted(k, right string, most int) bool {
	apart := max(valueOf(k)-valueOf(right), valueOf(right)-valueOf(k))
	for apart > 0 && apart%10 == 0 {
		apart /= 10
	}
	return apart <= most
}

// otherBallot is the ballot that the first digit of K names, when it has as
// many rows and the rest of K fits the figures; nil otherwise.
func otherBallot(p *parser.Profile, r *parser.Report) *parser.Ballot {
	if r.K.Given == "" || r.K.Given[0] == r.Ballot.Digit {
		return nil
	}
	for _, b := range p.Ballots {
		if b.Form == r.Ballot.Form && b.N() == r.Ballot.N() && b.IsK(r.Figures, r.K.Given) {
			return b
		}
	}
	return nil
}
