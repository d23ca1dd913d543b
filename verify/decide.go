package verify

import "tali/parser"

// decision is one message on its way through the steps of the protocol. The
// steps read it; only the early ones fill in what they find (phone, officer,
// station), and an answer puts the amended draft in the place of what was read.
type decision struct {
	p   *parser.Profile
	m   Message
	rep *parser.Report
	f   *Facts

	phone   string
	officer *Officer
	station *Station

	away      bool      // the centre is: nothing is asked that only it can remember
	answers   *Question // that this message answers: rep is its draft, amended
	formTaken bool      // by FORM: relations are excused, K is not
	proof     proof     // what A says, once it was asked
	again     bool      // the tally is known: a one-time code that it has used is right again
}

// step is one numbered step of the protocol. It answers true when it
// applies; then its verdict ends the decision.
type step func(*decision) (Verdict, bool)

// Decide says what becomes of a message, given what the parser read (nil: it is
// parsed here) and what is known. The first step that applies ends it; the last
// one always does.
func Decide(p *parser.Profile, m Message, rep *parser.Report, f *Facts) Verdict {
	return (&decision{p: p, m: m, rep: rep, f: f}).decide()
}

func (d *decision) decide() Verdict {
	if d.rep == nil && d.m.Kind == MessageText {
		read := parser.Parse(d.p, d.m.Text)
		d.rep = &read
	}
	// A new step goes where the protocol's order puts it.
	steps := [...]step{
		known,
		sender,
		notRegistered,
		damaged,
		service,
		followUp,
		unreadable,
		notOpen,
		wrongTPS,
		structure,
		same,
		rejectedAgain,
		figures,
		unproven,
		closed,
		conflict,
	}
	for _, applies := range steps {
		if v, ok := applies(d); ok {
			return d.finish(v)
		}
	}
	return d.finish(accepted(d))
}

// finish adds what every verdict carries, and keeps silent where the officer
// was told the same thing while the centre was away.
func (d *decision) finish(v Verdict) Verdict {
	v.Report, v.Phone, v.Station = d.rep, d.phone, d.station
	if v.Entry != nil {
		v.Spends = d.spends(v.Entry.Revision)
	}
	d.settle(&v)
	if v.Reply != nil && v.Reply.Kind == d.m.Interim {
		v.Reply = nil
	}
	return v
}

// reply renders the text of that kind with what the decision knows.
func (d *decision) reply(kind string, w words) *Reply {
	w.p, w.officer = d.p, d.officer
	if w.station == nil {
		w.station = d.station
	}
	if w.ballot == nil {
		w.ballot = d.ballot()
	}
	if d.rep != nil && w.figures == nil {
		w.figures = d.rep.Figures
	}
	return render(kind, &w)
}

// ballot is the one read, or the first of the election: an example needs one.
func (d *decision) ballot() *parser.Ballot {
	if d.rep != nil && d.rep.Ballot != nil {
		return d.rep.Ballot
	}
	if len(d.p.Ballots) > 0 {
		return d.p.Ballots[0]
	}
	return nil
}

// caseKey names the case of the tally. Only behind wrongTPS is there a station.
func (d *decision) caseKey() CaseKey {
	return CaseKey{Station: d.station.Code, Ballot: d.rep.Ballot.Keyword}
}

// standing is what is known of the case of the tally; empty when it is new.
func (d *decision) standing() *Case {
	if c := d.f.Cases[d.caseKey()]; c != nil {
		return c
	}
	return &Case{}
}
