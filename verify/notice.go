package verify

import (
	"time"

	"tali/parser"
)

// Notice is what the staff have an officer told about an entry.
type Notice struct {
	Kind    string // KindVerified, KindRejected or KindAskAgain
	Station *Station
	Ballot  *parser.Ballot
	Figures parser.Figures
	Proof   string // of the receipt, only to the phone that has it; may be empty
	Reason  string // for the officer, at most MostReason characters
	At      time.Time
}

// MostReason is how many characters of a reason fit beside the longest names.
const MostReason = 40

// Render makes the SMS; nil where the profile has no text of that kind, which
// is how an election says that officers are not told.
func (n Notice) Render(p *parser.Profile) *Reply {
	kind := n.Kind
	if kind == KindAskAgain && n.Proof != "" {
		kind = KindAskAgainProof
	}
	reason, left := "", MostReason
	for _, r := range string(appendName(nil, n.Reason)) {
		if left -= septetsOf(r); left < 0 {
			break
		}
		reason += string(r)
	}
	return render(kind, &words{
		p: p, station: n.Station, ballot: n.Ballot, figures: n.Figures, proof: n.Proof, reason: reason, at: n.At, state: StateVerified,
	})
}
