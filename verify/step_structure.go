package verify

import (
	"strings"

	"tali/parser"
)

// structure is step 8: rows are missing, too many or torn. Nothing is guessed: a
// single change with which everything holds is asked about.
func structure(d *decision) (Verdict, bool) {
	if d.rep.Complete() {
		return Verdict{}, false
	}
	v := d.asksAgain(OutcomeStructure)
	if tally, ok := draftOf(d.rep); ok && !d.away && repairable(d.rep.Problem) {
		v = d.askRepair(v, tally)
	}
	return v, true
}

// repairable reports whether the digits behind the TPS code are one tally's. A
// word that is no number stands for a figure that nobody can know.
func repairable(p *parser.Problem) bool {
	switch p.Code {
	case parser.ProblemTooFew, parser.ProblemTooMany, parser.ProblemNoK, parser.ProblemCutOff:
		return true
	case parser.ProblemBadFigure:
		return strings.Trim(p.Found, "0123456789OoIiLl") == ""
	}
	return false
}

// askRepair asks about the only repair, the ballot that fits, or K; v where
// there is nothing to ask about.
func (d *decision) askRepair(v Verdict, tally draft) Verdict {
	numbers := tally.numbers
	if len(d.rep.Numbers) > 0 { // what may be the rest of K stands there too
		numbers = d.rep.Numbers
	}
	found := repairs(d.rep.Ballot, numbers, tally.k)
	other := fitsOther(d.p, d.rep.Ballot, tally)
	switch {
	case len(found) == 1:
		return d.askAbout(v, tally, &found[0])
	case len(found) > 1:
		return v
	case other != nil:
		offer := tally
		offer.keyword = other.Keyword
		v.Reason = "other_ballot"
		return d.ask(v, Question{Kind: KindAskFits, Draft: tally.String(), Offer: offer.String()}, words{other: other})
	case d.rep.Problem.Code == parser.ProblemNoK:
		return d.ask(v, Question{Kind: KindAskNoK, Draft: tally.String()}, words{read: len(tally.numbers)})
	}
	return v
}

// askAbout asks about one repair.
func (d *decision) askAbout(v Verdict, tally draft, r *repair) Verdict {
	w := words{repair: r, found: r.found, read: len(tally.numbers), need: d.rep.Ballot.Rows()}
	q := Question{Kind: KindAskRepair, Draft: tally.String(), Offer: tally.repaired(r).String()}
	switch r.kind {
	case repairOmitted, repairDigits:
		from := -1
		q.Kind, q.Offer = KindAskMissing, ""
		if r.kind == repairDigits {
			q.Kind, from = KindAskRow, valueOf(r.found)
		}
		w.meant = Suggestion{Row: r.row, From: from, To: int(r.figures[r.row])}
		v.Suggestion = &w.meant
	}
	return d.ask(v, q, w)
}

// valueOf is the value of a word of digits, of any length that is kept.
func valueOf(word string) int {
	n := 0
	for _, c := range []byte(word) {
		n = n*10 + int(c-'0')
	}
	return n
}

// fitsOther is another ballot of the election that every word fits.
func fitsOther(p *parser.Profile, b *parser.Ballot, tally draft) *parser.Ballot {
	f := make(parser.Figures, len(tally.numbers))
	for i, word := range tally.numbers {
		v, ok := figureOf(word)
		if !ok {
			return nil
		}
		f[i] = v
	}
	for _, other := range p.Ballots {
		if other != b && other.Holds(f, tally.k) {
			return other
		}
	}
	return nil
}
