package web

import (
	"fmt"
	"strconv"
	"time"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// boardView is one picture of the count.
type boardView struct {
	Tiles       []tile
	Ballots     []ballotView
	Minutes     []bar
	MinutesText string
	Recent      []messageView
	Gateways    []gatewayView
}

type tile struct {
	Label, Tone string
	Value       int
}

type ballotView struct {
	Title               string
	Reporting, Expected int
	Percent             string
	Rows                []voteView
}

type voteView struct {
	Name, Share string
	Votes       int
	Permille    int
}

// bar is one minute of the hour, in a picture of 600 by 60.
type bar struct{ X, Y, Height int }

type messageView struct {
	Time, From, Station, Text, Outcome, Tone, Reply string
}

type gatewayView struct {
	Name, Modems, Heard, Tone string
	Spooled                   int
	Messages                  int64
}

// The tones of the style sheet.
const (
	toneGood  = "good"
	toneAsk   = "ask"
	toneStop  = "stop"
	toneQuiet = "quiet"
)

// outcomeWord is how an outcome reads on the page.
type outcomeWord struct{ word, tone string }

func wordOf(o verify.Outcome) outcomeWord {
	switch o {
	case verify.OutcomeAccepted:
		return outcomeWord{"diterima", toneGood}
	case verify.OutcomeSame:
		return outcomeWord{"sama, sudah ada", toneGood}
	case verify.OutcomeService:
		return outcomeWord{"layanan", toneQuiet}
	case verify.OutcomeFigures:
		return outcomeWord{"ditanya: angka atau K", toneAsk}
	case verify.OutcomeStructure:
		return outcomeWord{"ditanya: susunan", toneAsk}
	case verify.OutcomeUnreadable:
		return outcomeWord{"tidak terbaca", toneAsk}
	case verify.OutcomeWrongTPS:
		return outcomeWord{"kode TPS salah", toneAsk}
	case verify.OutcomeNoQuestion:
		return outcomeWord{"jawaban tanpa pertanyaan", toneAsk}
	case verify.OutcomeNotOpen:
		return outcomeWord{"belum dibuka", toneAsk}
	case verify.OutcomeConflict:
		return outcomeWord{"ditahan: angka berbeda", toneStop}
	case verify.OutcomeHeld:
		return outcomeWord{"ditahan", toneStop}
	case verify.OutcomeUnknown:
		return outcomeWord{"nomor tidak dikenal", toneStop}
	case verify.OutcomeDamaged:
		return outcomeWord{"SMS rusak", toneStop}
	case verify.OutcomeCourtesy:
		return outcomeWord{"ucapan", toneQuiet}
	default:
		return outcomeWord{"diabaikan", toneQuiet}
	}
}

func (s *site) rehearsal() bool { return s.Profile.Phase == parser.PhaseRehearsal }

func (s *site) newBoard(o *db.Overview, recent []db.RecentRow) *boardView {
	v := &boardView{Tiles: tiles(o)}
	for _, b := range o.Ballots {
		v.Ballots = append(v.Ballots, newBallot(b))
	}
	v.Minutes, v.MinutesText = minutes(o)
	for _, r := range recent {
		v.Recent = append(v.Recent, s.newMessage(r))
	}
	for _, g := range o.Gateways {
		v.Gateways = append(v.Gateways, newGateway(g, o.At))
	}
	return v
}

func tiles(o *db.Overview) []tile {
	count := func(outcomes ...verify.Outcome) (n int) {
		for _, v := range o.Verdicts {
			for _, want := range outcomes {
				if v.Outcome == want {
					n += v.Messages
				}
			}
		}
		return n
	}
	all, replies := 0, 0
	for _, v := range o.Verdicts {
		all += v.Messages
	}
	for _, r := range o.Outbox {
		if r.State == db.ReplySent {
			replies = r.Replies
		}
	}
	return []tile{
		{"SMS masuk", "", all},
		{"laporan diterima", toneGood, count(verify.OutcomeAccepted)},
		{"ditanya kembali", toneAsk, count(verify.OutcomeFigures, verify.OutcomeStructure, verify.OutcomeUnreadable, verify.OutcomeWrongTPS, verify.OutcomeNoQuestion)},
		{"ditahan untuk petugas", toneStop, count(verify.OutcomeConflict, verify.OutcomeHeld)},
		{"nomor tidak dikenal", toneStop, count(verify.OutcomeUnknown)},
		{"jawaban terkirim", "", replies},
	}
}

func newBallot(b db.BallotCoverage) ballotView {
	v := ballotView{Title: b.Title, Reporting: b.Reporting, Expected: b.Expected, Percent: share(b.Reporting, b.Expected)}
	all := 0
	for _, c := range b.Votes {
		all += c.Votes
	}
	for _, c := range b.Votes {
		v.Rows = append(v.Rows, voteView{
			Name: fmt.Sprintf("%d. %s", c.Number, c.Name), Votes: c.Votes,
			Share: share(c.Votes, all) + " %", Permille: c.Votes * 1000 / max(all, 1),
		})
	}
	return v
}

// share is a percentage as Indonesians write it.
func share(part, whole int) string {
	tenths := (part*1000 + whole/2) / max(whole, 1)
	return fmt.Sprintf("%d,%d", tenths/10, tenths%10)
}

// minutes draws the last hour, newest at the right.
func minutes(o *db.Overview) (bars []bar, text string) {
	most, all := 1, 0
	for _, a := range o.Arrivals {
		most, all = max(most, a.Messages), all+a.Messages
	}
	now := o.At.Truncate(time.Minute)
	for _, a := range o.Arrivals {
		ago := int(now.Sub(a.Minute) / time.Minute)
		if ago < 0 || ago > 59 {
			continue
		}
		height := max(1, a.Messages*58/most)
		bars = append(bars, bar{X: (59 - ago) * 10, Y: 60 - height, Height: height})
	}
	return bars, fmt.Sprintf("%d SMS dalam satu jam, paling banyak %d dalam satu menit", all, most)
}

func (s *site) newMessage(r db.RecentRow) messageView {
	word := wordOf(r.Outcome)
	v := messageView{
		Time: r.At.In(s.Profile.Zone).Format("15:04:05"), From: r.Phone, Text: r.Text,
		Outcome: word.word, Tone: word.tone, Reply: r.Reply,
	}
	if len(r.Station) == 13 {
		v.Station = fmt.Sprintf("%s TPS %s", r.Village, r.Station[10:])
	}
	return v
}

func newGateway(g db.GatewayRow, now time.Time) gatewayView {
	v := gatewayView{
		Name: g.Name, Modems: strconv.Itoa(g.ModemsAlive) + " dari " + strconv.Itoa(g.Modems),
		Heard:   fmt.Sprintf("%d detik lalu", max(0, int(now.Sub(g.LastSeen)/time.Second))),
		Spooled: g.SpoolQueued, Messages: g.Messages, Tone: toneGood,
	}
	if g.ModemsAlive < g.Modems || now.Sub(g.LastSeen) > time.Minute {
		v.Tone = toneStop
	}
	return v
}
