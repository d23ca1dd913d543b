package verify

import (
	"crypto/subtle"
	"slices"

	"tali/parser"
)

// proof is what A says of a tally.
type proof struct {
	given bool
	wrong bool
	grade Assurance
	spend *Spend // of a one-time code; its revision is that of the entry
}

// unproven is step 12: without the A that the election asks for, or with a wrong
// one, a tally is kept and is no entry. It waits as a question of its phone, so
// that the next tally takes its place, and is listed for a call-back when that
// lapses. The answer to a wrong A says nothing of the figures, which it could be
// used to try out.
func unproven(d *decision) (Verdict, bool) {
	if d.proof = d.prove(); d.p.Auth == parser.AuthOff {
		return Verdict{}, false
	}
	v := Verdict{Outcome: OutcomeUnproven, Quarantine: true}
	left := d.triesLeft()
	switch {
	case d.proof.wrong:
		v.Reason = "auth_wrong"
		return d.wrongCode(v), true
	case d.away, d.proof.given:
		return Verdict{}, false
	case d.p.Auth == parser.AuthRequired:
		v.Reason = "auth_missing"
	case left == 0:
		v.Reason = "auth_tries"
	default:
		return Verdict{}, false
	}
	return d.askForCode(v, KindAskAuth, left), true
}

// provedAgain is step 9 for a known tally that comes with an A: a right one
// raises its proof, a wrong one is a try and answered as in step 12.
func (d *decision) provedAgain(v Verdict, t *Tally) Verdict {
	d.again = true
	d.proof = d.prove()
	if d.proof.wrong {
		v.Reason = "auth_wrong"
		return d.wrongCode(v)
	}
	v.Spends = d.spends(t.Revision)
	if d.proof.grade > t.Assurance {
		v.Raises = &Raise{Case: d.caseKey(), Revision: t.Revision, Assurance: d.proof.grade}
	}
	return v
}

// wrongCode counts a wrong A and asks for another. Where the tries are used up,
// a right one is taken all the same.
func (d *decision) wrongCode(v Verdict) Verdict {
	code := CardCode{d.station.Generation, d.rep.Auth.Code}
	left := d.triesLeft()
	if c := d.f.Cards[d.station.Code]; left > 0 && (c == nil || !c.Wrong[code]) {
		v.Tried = &Try{Station: d.station.Code, CardCode: code}
		left--
	}
	return d.askForCode(v, KindAskAuthAgain, left)
}

// askForCode makes v a question for A.
func (d *decision) askForCode(v Verdict, kind string, left int) Verdict {
	if left == 0 {
		kind = KindAskAuthCall
	}
	w := words{tries: left}
	v.Reply = d.reply(kind, w)
	tally, ok := draftOf(d.rep)
	if !ok {
		return v
	}
	tally.auth, tally.form = "", d.formTaken
	return d.ask(v, Question{Kind: kind, Draft: tally.String()}, w)
}

// triesLeft is how many more wrong codes this station may send.
func (d *decision) triesLeft() int {
	return mostWrongCodes - min(d.f.Cards[d.station.Code].tries(d.station.Generation), mostWrongCodes)
}

// prove holds A against the card of the station. Where the tally's figures and K
// do not hold, A must not be asked.
func (d *decision) prove() proof {
	a := d.rep.Auth
	if d.away || d.p.Auth == parser.AuthOff || a.Kind == parser.AuthNone {
		return proof{grade: AssuranceA0}
	}
	p := proof{given: true, wrong: true, grade: AssuranceA0}
	if len(d.f.RegencyKey) == 0 { // without a key anybody could work a code out
		return p
	}
	id := parser.StationID{
		Election: d.p.ID, Round: d.p.Round, Code: d.station.Code, Generation: d.station.Generation,
	}
	switch a.Kind {
	case parser.AuthHMAC:
		want := parser.SignA2(parser.StationKey(d.f.RegencyKey, id), d.canonical())
		if subtle.ConstantTimeCompare([]byte(want), []byte(a.Code)) == 1 {
			return proof{given: true, grade: AssuranceA2}
		}
	case parser.AuthTAN:
		return d.proveTAN(p, parser.TANs(d.f.RegencyKey, id, parser.TANsPerCard))
	}
	return p
}

// proveTAN is prove for a one-time code. One that is used up is right again for
// the tally that has used it, and for nothing else.
func (d *decision) proveTAN(p proof, tans []string) proof {
	code, found := d.rep.Auth.Code, 0
	for _, tan := range tans { // all of them: how long it takes tells nothing
		found |= subtle.ConstantTimeCompare([]byte(tan), []byte(code))
	}
	card := d.f.Cards[d.station.Code]
	key := CardCode{d.station.Generation, code}
	if d.again && d.spentBySame(card, code) {
		return proof{given: true, grade: AssuranceA1}
	}
	if found == 0 {
		return p
	}
	if card != nil {
		if _, spent := card.Spent[key]; spent {
			return p
		}
	}
	return proof{given: true, grade: AssuranceA1, spend: &Spend{
		Station: d.station.Code, CardCode: key, Spent: Spent{Ballot: d.rep.Ballot.Keyword},
	}}
}

// spentBySame reports whether an entry of this case with these very figures has
// used the code, of whichever card.
func (d *decision) spentBySame(card *Card, code string) bool {
	if card == nil {
		return false
	}
	c := d.standing()
	for spent, by := range card.Spent {
		if spent.Code == code && by.Ballot == d.rep.Ballot.Keyword && slices.Equal(c.figuresOf(by.Revision), d.rep.Figures) {
			return true
		}
	}
	return false
}

// canonical is the string that A2 signs: bound to these figures, and to the
// receipt that a RALAT names.
func (d *decision) canonical() string {
	last := parser.FirstReport
	if d.rep.Ralat && d.rep.Proof != "" {
		last = d.rep.Proof
	}
	return parser.Canonical(d.rep.Ballot, d.rep.TPS, d.rep.Figures, last)
}

// spends is the one-time code that the entry of that revision uses up, nil when
// there is none.
func (d *decision) spends(revision int) *Spend {
	if d.proof.spend == nil {
		return nil
	}
	s := *d.proof.spend
	s.Revision = revision
	return &s
}
