package verify

import "tali/parser"

// Two ballots of one station have nearly the same voters: moved-in voters get
// some ballots only. Beyond the larger of these they are worth a look.
const (
	apartVoters  = 10 // people
	apartPercent = 5  // of the larger tally
)

// turnoutPercent is the share of registered voters above which turnout is
// worth a look.
const turnoutPercent = 95

// flags lists the soft rules that the tally touches. They refuse nothing.
func (d *decision) flags() []Flag {
	var flags []Flag
	raise := func(f Flag, when bool) {
		if when {
			flags = append(flags, f)
		}
	}
	rows, b := d.rep.Figures, d.rep.Ballot
	n := b.N()
	users, voters := int(Voted(b, rows)), d.station.Voters
	if voters > 0 {
		raise(FlagOverVoters, users > voters)
		raise(FlagBallotStock, d.stockDiffers(voters))
		raise(FlagTurnout, users*100 > voters*turnoutPercent)
	}
	raise(FlagOneSided, oneSided(rows[:n], rows[n]))
	raise(FlagRound, allRound(rows))
	raise(FlagLate, d.outsideHours())
	raise(FlagApart, d.apart(users))
	raise(FlagRejected, equalsRejected(d.standing(), rows))
	raise(FlagForm, d.formTaken && len(d.rep.Broken) > 0)
	return flags
}

// Voted is who voted: P in the full form, J in the short one.
func Voted(b *parser.Ballot, rows []int16) int16 {
	if p := b.Index(parser.LabelP); p >= 0 {
		return rows[p]
	}
	return rows[b.Index(parser.LabelJ)]
}

// stockDiffers reports whether other than the ballots due were received.
func (d *decision) stockDiffers(voters int) bool {
	i := d.rep.Ballot.Index(parser.LabelD)
	return i >= 0 && int(d.rep.Figures[i]) != voters+reserve(voters, d.p.ReservePermille)
}

// reserve is the reserve of ballots for that many voters, rounded up.
func reserve(voters, permille int) int { return (voters*permille + 999) / 1000 }

func oneSided(votes []int16, valid int16) bool {
	if len(votes) < 2 || valid == 0 {
		return false
	}
	for _, v := range votes {
		if v == valid {
			return true
		}
	}
	return false
}

func allRound(rows []int16) bool {
	for _, r := range rows {
		if r%5 != 0 {
			return false
		}
	}
	return true
}

func (d *decision) outsideHours() bool {
	at := d.m.ReceivedAt
	early := !d.p.Opens.IsZero() && at.Before(d.p.Opens)
	late := !d.p.Closes.IsZero() && at.After(d.p.Closes)
	return early || late
}

// apart compares with what stands for the other ballots of this station.
func (d *decision) apart(voted int) bool {
	for _, b := range d.p.Ballots {
		if b == d.rep.Ballot || b.Keyword == d.rep.Ballot.Keyword {
			continue
		}
		other, known := d.votedFor(b)
		limit := max(apartVoters, max(voted, other)*apartPercent/100)
		if diff := voted - other; known && (diff > limit || -diff > limit) {
			return true
		}
	}
	return false
}

// votedFor is who voted by what stands for a ballot of this station; false when
// nothing does.
func (d *decision) votedFor(b *parser.Ballot) (int, bool) {
	key := CaseKey{Station: d.station.Code, Ballot: b.Keyword}
	c := d.f.Cases[key]
	if c == nil {
		voted, known := d.f.Voted[key]
		return voted, known
	}
	if c.Present == nil || len(c.Present.Figures) != b.Rows() {
		return 0, false
	}
	return int(Voted(b, c.Present.Figures)), true
}
