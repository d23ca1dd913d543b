package web

import (
	"strings"
	"time"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// boardView is one picture of the count.
type boardView struct {
	Zone      string
	Tiles     []tile
	Standing  string
	Ballots   []ballotView
	Minutes   minutesView
	Recent    []messageView
	Replies   string
	Gateways  []gatewayView
	Legend    []legendRow
	Districts []districtView
	Map       bool // few enough villages to draw
}

type tile struct{ Value, Label, Tone, Note string }

type ballotView struct {
	Title                        string
	Reporting, Expected, Missing string
	Percent                      string
	Permille                     int
	Any                          bool
	Rows                         []voteView
	Sum                          string
}

type voteView struct {
	Number             int
	Name, Votes, Share string
	Permille           int
}

// minutesView is an hour in a picture of 600 by 60.
type minutesView struct {
	Text string
	Bars []bar
}

// bar is one minute.
type bar struct{ X, Y, Height int }

type legendRow struct {
	outcomeWord
	Count string
	None  bool
}

func newBoard(t tongue, p *parser.Profile, o *db.Overview, recent []db.RecentRow) *boardView {
	counts := countOutcomes(o)
	v := &boardView{
		Zone: p.ZoneTag, Tiles: tiles(t, o, counts), Standing: standing(t, o), Minutes: newMinutes(t, o),
		Replies: replies(t, o), Legend: legend(t, counts),
		Districts: newDistricts(t, o.Villages), Map: len(o.Villages) <= mapLimit,
	}
	for _, b := range o.Ballots {
		v.Ballots = append(v.Ballots, newBallot(t, b))
	}
	c := clockOf(p, o.At)
	for _, r := range recent {
		v.Recent = append(v.Recent, newMessage(t, c, r))
	}
	for _, g := range o.Gateways {
		v.Gateways = append(v.Gateways, newGateway(t, g, o.Modems, o.At))
	}
	return v
}

// counted is an outcome with its messages.
type counted struct {
	outcomeKind
	messages int
}

// countOutcomes has every outcome that the desk knows and every one that came.
func countOutcomes(o *db.Overview) []counted {
	var all []counted
	place := make(map[verify.Outcome]int)
	for i, k := range outcomeKinds() {
		all = append(all, counted{outcomeKind: k})
		place[k.outcome] = i
	}
	for _, v := range o.Verdicts {
		i, known := place[v.Outcome]
		if !known {
			i = len(all)
			all = append(all, counted{outcomeKind: outcomeKind{v.Outcome, groupOther, toneQuiet}})
		}
		all[i].messages += v.Messages
	}
	return all
}

func legend(t tongue, counts []counted) []legendRow {
	rows := make([]legendRow, len(counts))
	for i, c := range counts {
		rows[i] = legendRow{t.outcome(c.outcome), t.number(c.messages), c.messages == 0}
	}
	return rows
}

// tiles are one for all messages and one for each group, which add up to it.
func tiles(t tongue, o *db.Overview, counts []counted) []tile {
	all := 0
	var groups [groupOther + 1]int
	for _, c := range counts {
		all += c.messages
		groups[c.group] += c.messages
	}
	reporting, expected := 0, 0
	for _, b := range o.Ballots {
		reporting, expected = reporting+b.Reporting, expected+b.Expected
	}
	of := func(group int) string { return t.number(groups[group]) }
	return []tile{
		{t.number(all), t.say("tile.all"), "", t.say("tile.all.note")},
		{of(groupAccepted), t.say("tile.accepted"), toneGood, t.say("tile.accepted.note", t.number(reporting), t.number(expected))},
		{of(groupAsked), t.say("tile.asked"), toneAsk, t.say("tile.asked.note")},
		{of(groupHeld), t.say("tile.held"), toneStop, t.say("tile.held.note")},
		{of(groupUnknown), t.say("tile.unknown"), toneStop, t.say("tile.unknown.note")},
		{of(groupOther), t.say("tile.other"), "", t.say("tile.other.note")},
	}
}

// standing says how far the figures that the totals add up are checked.
func standing(t tongue, o *db.Overview) string {
	n := make(map[verify.State]int)
	for _, e := range o.Entries {
		n[e.State] += e.Entries
	}
	parts := []string{
		t.say("standing.in", t.number(n[verify.StateIn])), t.say("standing.verified", t.number(n[verify.StateVerified])),
	}
	for _, s := range []verify.State{verify.StateHeld, verify.StateRejected, verify.StateSuperseded} {
		if n[s] > 0 {
			parts = append(parts, t.say("standing."+string(s), t.number(n[s])))
		}
	}
	return t.say("standing", strings.Join(parts, ", "))
}

func newBallot(t tongue, b db.BallotCoverage) ballotView {
	v := ballotView{
		Title: b.Title, Reporting: t.number(b.Reporting), Expected: t.number(b.Expected),
		Missing: t.say("ballot.complete"), Percent: t.coverage(b.Reporting, b.Expected),
		Permille: permille(b.Reporting, b.Expected), Any: b.Reporting > 0,
	}
	if missing := b.Expected - b.Reporting; missing > 0 {
		v.Missing = t.say("ballot.missing", t.number(missing))
	}
	all := 0
	for _, c := range b.Votes {
		all += c.Votes
	}
	v.Sum = t.number(all)
	for _, c := range b.Votes {
		v.Rows = append(v.Rows, voteView{
			Number: c.Number, Name: c.Name, Votes: t.number(c.Votes), Share: t.share(c.Votes, all), Permille: permille(c.Votes, all),
		})
	}
	return v
}

// newMinutes draws the last hour, newest at the right.
func newMinutes(t tongue, o *db.Overview) minutesView {
	const width, height, count = 10, 58, 60
	most, all := 0, 0
	now := o.At.Truncate(time.Minute)
	var v minutesView
	for _, a := range o.Arrivals {
		most, all = max(most, a.Messages), all+a.Messages
	}
	for _, a := range o.Arrivals {
		ago := int(now.Sub(a.Minute) / time.Minute)
		if ago < 0 || ago >= count {
			continue
		}
		h := max(1, a.Messages*height/max(most, 1))
		v.Bars = append(v.Bars, bar{X: (count - 1 - ago) * width, Y: height + 2 - h, Height: h})
	}
	v.Text = t.say("minutes", t.number(all), t.number(most))
	if all == 0 {
		v.Text = t.say("minutes.none")
	}
	return v
}

// replies says what became of the answers.
func replies(t tongue, o *db.Overview) string {
	n := make(map[db.ReplyState]int)
	for _, r := range o.Outbox {
		n[r.State] += r.Replies
	}
	return t.say("replies", t.number(n[db.ReplySent]), t.number(n[db.ReplyQueued]+n[db.ReplyLeased]),
		t.number(n[db.ReplyFailed]), t.number(n[db.ReplyUnknown]))
}
