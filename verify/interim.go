package verify

import "tali/parser"

// Interim is the answer that a gateway gives on its own while the centre is
// away; false when there is none to give. It promises nothing that only the
// centre knows: a good tally is received, not accepted, and has no proof; a bad
// one is told its row and asked for again. What depends on questions or on what
// stands at the centre waits, and an unregistered sender hears nothing.
//
// The kind of the answer goes into Message.Interim: Decide then keeps silent
// where it would say the same.
func Interim(p *parser.Profile, m Message, rep *parser.Report, r *Registry) (Reply, bool) {
	m.Interim, m.Proof = "", ""
	v := (&decision{p: p, m: m, rep: rep, f: r.Facts(m.Sender), away: true}).decide()
	switch v.Outcome {
	case OutcomeAccepted:
		return received(p, v)
	case OutcomeService:
		if v.Reason != KindHelp && v.Reason != KindTest {
			return Reply{}, false
		}
	case OutcomeUnreadable, OutcomeDamaged, OutcomeNotOpen, OutcomeWrongTPS, OutcomeStructure, OutcomeFigures:
	default:
		return Reply{}, false
	}
	if v.Reply == nil {
		return Reply{}, false
	}
	return *v.Reply, true
}

// received is the answer to a good tally.
func received(p *parser.Profile, v Verdict) (Reply, bool) {
	w := words{p: p, ballot: v.Report.Ballot, station: v.Station, figures: v.Report.Figures}
	if reply := render(KindInterim, &w); reply != nil {
		return *reply, true
	}
	return Reply{}, false
}
