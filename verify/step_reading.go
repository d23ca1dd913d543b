package verify

import "tali/parser"

// unreadable is step 5: which word was expected where.
func unreadable(d *decision) (Verdict, bool) {
	if d.rep.Kind == parser.KindTally {
		return Verdict{}, false
	}
	d.station = d.meant()
	return d.asksAgain(OutcomeUnreadable), true
}

// notOpen is step 6: practice belongs to the rehearsal, so nothing is asked.
func notOpen(d *decision) (Verdict, bool) {
	if d.p.Opens.IsZero() || !d.m.ReceivedAt.Before(d.p.Opens) {
		return Verdict{}, false
	}
	d.station = d.bound(d.rep.TPS)
	return Verdict{
		Outcome: OutcomeNotOpen,
		Reason:  "not_open",
		Reply:   d.reply(KindNotOpen, words{at: d.p.Opens}),
	}, true
}

// wrongTPS is step 7. One question in all cases, so that nobody learns which
// codes exist; a tally is never written to another station than the one typed.
func wrongTPS(d *decision) (Verdict, bool) {
	if d.rep.TPS.Valid() {
		if d.station = d.bound(d.rep.TPS); d.station != nil {
			return Verdict{}, false
		}
	}
	v := Verdict{Outcome: OutcomeWrongTPS, Reason: KindWrongTPS, Quarantine: true}
	tally, ok := draftOf(d.rep)
	w := words{typed: d.rep.TPS}
	switch n := len(d.officer.Stations); {
	case n == 0:
		v.Reason = KindNoStation
		v.Reply = d.reply(KindNoStation, words{})
	case !ok || d.away:
		v.Reply = d.reply(KindWrongTPS, w)
	case n == 1:
		v.Reply = d.reply(KindWrongTPS, w)
		own := &d.officer.Stations[0]
		offer := tally
		offer.tps = own.TPS
		w.station = own
		return d.ask(v, Question{Kind: KindAskTPS, Draft: tally.String(), Offer: offer.String()}, w), true
	default:
		v.Reply = d.reply(KindWrongTPS, w)
		return d.ask(v, Question{Kind: KindAskCode, Draft: tally.String()}, w), true
	}
	return v, true
}

// asksAgain says what does not hold and asks for the whole message.
func (d *decision) asksAgain(o Outcome) Verdict {
	problem := d.rep.Problem
	if problem == nil {
		problem = &parser.Problem{Code: parser.ProblemEmpty}
	}
	kind := problemKind(problem.Code)
	if kind == KindNoTPS && d.rep.Ballot == nil {
		kind = KindWrongTPS // behind a service word: there is no ballot to name
	}
	return Verdict{
		Outcome: o,
		Reason:  string(problem.Code),
		Reply: d.reply(kind, words{
			typed: parser.TPSCode(problem.Found),
			word:  problem.Word, found: problem.Found, expected: problem.Expected,
			read: problem.Read, need: problem.Need,
			other: problem.OtherBallot, otherTPS: problem.OtherTPS,
		}),
	}
}

// problemKind names the text for a problem; what is new to us asks for all.
func problemKind(c parser.ProblemCode) string {
	switch c {
	case parser.ProblemEmpty:
		return KindEmpty
	case parser.ProblemTooLong:
		return KindTooLong
	case parser.ProblemNoKeyword:
		return KindNoKeyword
	case parser.ProblemNoTPS:
		return KindNoTPS
	case parser.ProblemTooFew:
		return KindTooFew
	case parser.ProblemTooMany:
		return KindTooMany
	case parser.ProblemNoK:
		return KindNoK
	case parser.ProblemCutOff:
		return KindCutOff
	case parser.ProblemTwoTallies:
		return KindTwoTallies
	case parser.ProblemOtherScript:
		return KindOtherScript
	}
	return KindBadWord
}
