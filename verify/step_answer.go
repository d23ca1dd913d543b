package verify

import (
	"slices"
	"strconv"

	"tali/parser"
)

// followUp is step 4. An answer that fits exactly one open question makes a
// tally of its draft, which then takes the way of every tally; any other changes
// nothing.
func followUp(d *decision) (Verdict, bool) {
	switch d.rep.Kind {
	case parser.KindCourtesy:
		return d.courtesy(), true
	case parser.KindFollowUp:
		return d.answer()
	}
	return Verdict{}, false
}

// courtesy repeats the question asked last; without one, thanks get no answer.
func (d *decision) courtesy() Verdict {
	var last *Question
	for _, q := range d.openAll() {
		if last == nil || q.At.After(last.At) {
			last = q
		}
	}
	v := Verdict{Outcome: OutcomeCourtesy, Reason: "courtesy"}
	if last != nil {
		d.station = d.about(last)
		v.Reply = last.again()
	}
	return v
}

// again is the question as it was asked.
func (q *Question) again() *Reply {
	if q.Asked == "" {
		return nil
	}
	return &Reply{Kind: q.Kind, Text: q.Asked, Priority: priorityOf(q.Kind)}
}

// answer finds the question that is answered, and tries the answer on a copy.
func (d *decision) answer() (Verdict, bool) {
	a := &d.rep.Answer
	open := d.openAll()
	var fit []*Question
	for _, q := range open {
		if d.admits(q, a) {
			fit = append(fit, q)
		}
	}
	switch {
	case len(fit) == 1:
		return d.amend(fit[0], a)
	case len(fit) > 1:
		return d.nothing("which_ballot", KindWhichBallot, words{open: fit}), true
	case len(open) > 0:
		return d.nothing("not_fitting", KindNotFitting, words{}), true
	}
	return d.nothing("no_question", KindNoQuestion, words{}), true
}

// nothing is the verdict on an answer that changes nothing.
func (d *decision) nothing(reason, kind string, w words) Verdict {
	d.station = d.meant()
	return Verdict{Outcome: OutcomeNoQuestion, Reason: reason, Reply: d.reply(kind, w)}
}

// admits reports whether a is an answer of the kind that q asks for.
func (d *decision) admits(q *Question, a *parser.FollowUp) bool {
	if d.m.ReceivedAt.Before(q.At.Add(-copyWindow)) { // delivered late: it answered another one
		return false
	}
	if d.choice(a) {
		return q.chooses() && (q.Ballot == a.Ballot.Keyword || readDraft(q.Offer).keyword == a.Ballot.Keyword)
	}
	if a.Ballot != nil && a.Ballot.Keyword != q.Ballot {
		return false
	}
	switch {
	case a.Yes:
		return q.Kind == KindAskRepair || q.Kind == KindAskTPS
	case a.Form:
		return q.Kind == KindAskForm || q.Kind == KindAskFormRow
	case a.TPS != "":
		return q.Kind == KindAskTPS || q.Kind == KindAskCode
	case a.Auth.Kind != parser.AuthNone:
		return q.admitsAuth()
	case a.K != "" && len(a.Fixes) == 0:
		return q.admitsK()
	}
	return q.admitsRows() || a.K != "" && q.admitsK()
}

// choice reports whether the answer is nothing but a ballot.
func (d *decision) choice(a *parser.FollowUp) bool {
	return a.Ballot != nil && !a.Yes && !a.Form && a.TPS == "" && a.K == "" && len(a.Fixes) == 0 &&
		a.Auth.Kind == parser.AuthNone
}

// chooses reports whether q asks which ballot it is.
func (q *Question) chooses() bool { return q.Kind == KindAskBallot || q.Kind == KindAskFits }

// admitsK reports whether K alone is an answer: every row is there.
func (q *Question) admitsK() bool {
	switch q.Kind {
	case KindAskRow, KindAskForm, KindAskFormRow, KindAskK, KindAskSwap, KindAskNoK, KindAskBallot:
		return true
	}
	return false
}

// admitsAuth reports whether A alone is an answer: figures and K hold.
func (q *Question) admitsAuth() bool {
	switch q.Kind {
	case KindAskAuth, KindAskAuthAgain, KindAskAuthCall:
		return true
	}
	return false
}

// admitsRows reports whether rows alone are an answer: K is there.
func (q *Question) admitsRows() bool {
	switch q.Kind {
	case KindAskRow, KindAskForm, KindAskFormRow, KindAskK, KindAskSwap, KindAskMissing:
		return true
	}
	return false
}

// amend tries the answer on a copy of the draft. What does not hold leaves
// everything as it was, and the question is asked once more; only K alone is a
// new case for step 10, because it changes no figure.
func (d *decision) amend(q *Question, a *parser.FollowUp) (Verdict, bool) {
	if q.Kind == KindAskFits && d.choice(a) && a.Ballot.Keyword == q.Ballot {
		return d.insists(q), true
	}
	text, ok := d.amended(q, a)
	if !ok {
		return d.repeat(q), true
	}
	rep := parser.Parse(d.p, text)
	if len(a.Fixes) > 0 && !rep.Consistent() {
		return d.repeat(q), true
	}
	d.rep, d.answers = &rep, q
	d.formTaken = a.Form || readDraft(text).form
	return Verdict{}, false
}

// repeat asks q once more.
func (d *decision) repeat(q *Question) Verdict {
	d.station = d.about(q)
	return Verdict{Outcome: OutcomeFigures, Reason: "repeated", Reply: q.again()}
}

// about is the station of the tally that q is about, nil while that is open.
func (d *decision) about(q *Question) *Station {
	return d.bound(parser.TPSCode(readDraft(q.Draft).tps))
}

// insists is step 8 for who says that it is the ballot whose rows do not fit.
func (d *decision) insists(q *Question) Verdict {
	rep := parser.Parse(d.p, q.Draft)
	d.rep = &rep
	d.station = d.bound(rep.TPS)
	return d.asksAgain(OutcomeStructure)
}

// amended is the draft of q with the answer in it; false when it cannot be.
func (d *decision) amended(q *Question, a *parser.FollowUp) (string, bool) {
	tally := readDraft(q.Draft)
	b := d.p.Ballot(q.Ballot)
	switch {
	case a.Yes:
		return q.Offer, true
	case a.Form:
		return q.Draft, true
	case a.TPS != "":
		tally.tps = string(a.TPS)
		return tally.String(), d.bound(a.TPS) != nil
	case b == nil:
		return "", false
	case d.choice(a) && a.Ballot.Keyword != q.Ballot:
		return q.Offer, true
	case d.choice(a): // the first digit of K was a slip
		tally.k = string(b.Digit) + tally.k[1:]
		return tally.String(), true
	}
	if a.Auth.Kind != parser.AuthNone {
		tally.auth = a.Auth.Code
	}
	if a.K != "" {
		tally.k = a.K
	}
	for _, fix := range a.Fixes {
		if !tally.put(b, fix, q.Kind == KindAskMissing) {
			return "", false
		}
	}
	return tally.String(), true
}

// put writes a row told again over the one in the draft, or between the others
// where one was left out.
func (d *draft) put(b *parser.Ballot, fix parser.Fix, between bool) bool {
	row := fix.Row - 1
	if fix.Label != 0 {
		row = b.Index(fix.Label)
	} else if row >= b.N() {
		return false
	}
	word := strconv.Itoa(int(fix.Figure))
	switch {
	case row < 0 || len(d.numbers) < row || !between && len(d.numbers) == row:
		return false
	case between && len(d.numbers) < b.Rows():
		d.numbers = slices.Insert(d.numbers, row, word)
	default:
		d.numbers[row] = word
	}
	return true
}
