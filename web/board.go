package web

import (
	"fmt"
	"strings"
	"time"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// boardView is one picture of the count.
type boardView struct {
	Zone     string
	Tiles    []tile
	Standing string
	Ballots  []ballotView
	Minutes  minutesView
	Recent   []messageView
	Replies  string
	Gateways []gatewayView
	Legend   []legendRow
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

func newBoard(p *parser.Profile, o *db.Overview, recent []db.RecentRow) *boardView {
	words := countWords(o)
	v := &boardView{
		Zone: p.ZoneTag, Tiles: tiles(o, words), Standing: standing(o), Minutes: newMinutes(o),
		Replies: replies(o), Legend: legend(words),
	}
	for _, b := range o.Ballots {
		v.Ballots = append(v.Ballots, newBallot(b))
	}
	c := clockOf(p, o.At)
	for _, r := range recent {
		v.Recent = append(v.Recent, newMessage(c, r))
	}
	for _, g := range o.Gateways {
		v.Gateways = append(v.Gateways, newGateway(g, o.At))
	}
	return v
}

// counted is an outcome with its messages.
type counted struct {
	outcomeWord
	messages int
}

// countWords has every outcome that the page knows and every one that came.
func countWords(o *db.Overview) []counted {
	var all []counted
	place := make(map[verify.Outcome]int)
	for i, w := range outcomeWords() {
		all = append(all, counted{outcomeWord: w})
		place[w.outcome] = i
	}
	for _, v := range o.Verdicts {
		i, known := place[v.Outcome]
		if !known {
			i = len(all)
			all = append(all, counted{outcomeWord: wordOf(v.Outcome)})
		}
		all[i].messages += v.Messages
	}
	return all
}

func legend(words []counted) []legendRow {
	rows := make([]legendRow, len(words))
	for i, w := range words {
		rows[i] = legendRow{w.outcomeWord, dots(int64(w.messages)), w.messages == 0}
	}
	return rows
}

// tiles are one for all messages and one for each group, which add up to it.
func tiles(o *db.Overview, words []counted) []tile {
	all := 0
	var groups [groupOther + 1]int
	for _, w := range words {
		all += w.messages
		groups[w.group] += w.messages
	}
	reporting, expected := 0, 0
	for _, b := range o.Ballots {
		reporting, expected = reporting+b.Reporting, expected+b.Expected
	}
	of := func(group int) string { return dots(int64(groups[group])) }
	return []tile{
		{dots(int64(all)), "SMS masuk", "", "semuanya disimpan"},
		{of(groupAccepted), "laporan diterima", toneGood, fmt.Sprintf("%s dari %s formulir terisi", dots(int64(reporting)), dots(int64(expected)))},
		{of(groupAsked), "ditanya kembali", toneAsk, "petugas KPPS diminta memeriksa"},
		{of(groupHeld), "ditahan", toneStop, "menunggu verifikator"},
		{of(groupUnknown), "nomor tidak dikenal", toneStop, "tidak dihitung"},
		{of(groupOther), "lainnya", "", "layanan, SMS ganda, ucapan"},
	}
}

// standing says how far the figures that the totals add up are checked.
func standing(o *db.Overview) string {
	n := make(map[verify.State]int)
	for _, e := range o.Entries {
		n[e.State] += e.Entries
	}
	parts := []string{
		dots(int64(n[verify.StateIn])) + " menunggu verifikasi", dots(int64(n[verify.StateVerified])) + " terverifikasi",
	}
	for _, s := range []verify.State{verify.StateHeld, verify.StateRejected, verify.StateSuperseded} {
		if n[s] > 0 {
			parts = append(parts, dots(int64(n[s]))+" "+string(s))
		}
	}
	return "Laporan di pusat: " + strings.Join(parts, ", ") + "."
}

func newBallot(b db.BallotCoverage) ballotView {
	v := ballotView{
		Title: b.Title, Reporting: dots(int64(b.Reporting)), Expected: dots(int64(b.Expected)),
		Missing: "semua sudah", Percent: coverage(b.Reporting, b.Expected),
		Permille: permille(b.Reporting, b.Expected), Any: b.Reporting > 0,
	}
	if missing := b.Expected - b.Reporting; missing > 0 {
		v.Missing = dots(int64(missing)) + " belum"
	}
	all := 0
	for _, c := range b.Votes {
		all += c.Votes
	}
	v.Sum = dots(int64(all))
	for _, c := range b.Votes {
		v.Rows = append(v.Rows, voteView{
			Number: c.Number, Name: c.Name, Votes: dots(int64(c.Votes)), Share: share(c.Votes, all), Permille: permille(c.Votes, all),
		})
	}
	return v
}

// newMinutes draws the last hour, newest at the right.
func newMinutes(o *db.Overview) minutesView {
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
	v.Text = fmt.Sprintf("%s SMS dalam satu jam, paling banyak %s dalam satu menit.", dots(int64(all)), dots(int64(most)))
	if all == 0 {
		v.Text = "Belum ada SMS dalam satu jam terakhir."
	}
	return v
}

// replies says what became of the answers.
func replies(o *db.Overview) string {
	n := make(map[db.ReplyState]int)
	for _, r := range o.Outbox {
		n[r.State] += r.Replies
	}
	of := func(count int) string { return dots(int64(count)) }
	return fmt.Sprintf("Jawaban untuk petugas KPPS: %s terkirim, %s menunggu, %s gagal, %s tidak pasti.",
		of(n[db.ReplySent]), of(n[db.ReplyQueued]+n[db.ReplyLeased]), of(n[db.ReplyFailed]), of(n[db.ReplyUnknown]))
}
