package verify

import "tali/parser"

// figures is step 10 as a plain question: the row or the check that is wrong is
// named, and every figure is asked for again.
func figures(d *decision) (Verdict, bool) {
	switch {
	case d.rep.Consistent():
		return Verdict{}, false
	case len(d.rep.Broken) > 0:
		return d.contradicts(), true
	}
	if other := otherBallot(d.p, d.rep); other != nil {
		return Verdict{
			Outcome: OutcomeFigures,
			Reason:  "k_ballot",
			Reply:   d.reply(KindOtherBallot, words{other: other}),
		}, true
	}
	return Verdict{
		Outcome: OutcomeFigures,
		Reason:  "k",
		Reply:   d.reply(KindK, words{k: d.rep.K.Given}),
	}, true
}

// contradicts names the relation that fails. Where K holds the officer
// very likely typed what the form says: then nobody may push for another
// figure, and the staff look at it.
func (d *decision) contradicts() Verdict {
	kind, reason := KindRelation, "relation"
	if d.rep.K.OK {
		kind, reason = KindForm, "form"
	}
	return Verdict{
		Outcome:    OutcomeFigures,
		Reason:     reason,
		Quarantine: d.rep.K.OK,
		Reply:      d.reply(kind, words{broken: culprit(d.rep.Broken)}),
	}
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

// otherBallot is the ballot that the first digit of K names, when it has as
// many rows and the rest of K fits the figures; nil otherwise.
func otherBallot(p *parser.Profile, r *parser.Report) *parser.Ballot {
	if r.K.Given == "" || r.K.Given[0] == r.Ballot.Digit {
		return nil
	}
	for _, b := range p.Ballots {
		if b.Form != r.Ballot.Form || b.N() != r.Ballot.N() {
			continue
		}
		if k, ok := b.K(r.Figures); ok && k == r.K.Given {
			return b
		}
	}
	return nil
}
