package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// logShown is how many SMS a page of the log has.
const logShown = 50

// logView is one SMS of the log with its answer.
type logView struct {
	At            stamp
	From          string // masked
	Text          string
	Outcome, Tone string
	Place, Ballot string
	Path          string // of the message
	CasePath      string // of its entry; empty when none
	Reply, Sent   string
	ReplyAt       string
}

// logPage is the log of messages in and out.
type logPage struct {
	Phone, Station string
	Rows           []logView
	Next, Export   string
}

func (s *site) newLog(t tongue, rows []db.LogRow) []logView {
	c := clockOf(s.Profile, time.Now())
	out := make([]logView, len(rows))
	for i, r := range rows {
		word := t.outcome(r.Outcome)
		out[i] = logView{
			At: c.brief(r.At), From: maskedPhone(r.Phone), Text: visible(concealSMS(r.Text)), Outcome: word.Word, Tone: word.Tone,
			Place: place(r.Village, r.Number), Ballot: r.Ballot, Path: "/message/" + r.Key, Reply: visible(concealReply(r.Reply)), Sent: t.sent(r.State),
		}
		if r.Revision > 0 {
			out[i].CasePath = casePath(verify.CaseKey{Station: r.Station, Ballot: r.Ballot})
		}
		if r.State == db.ReplySent {
			out[i].ReplyAt = c.brief(r.ReplyAt).Text
		}
	}
	return out
}

// logOf reads which messages are asked for.
func logOf(r *http.Request) (q db.LogQuery, p logPage) {
	q = db.LogQuery{Before: db.ParseLogCursor(r.URL.Query().Get("before")), Limit: logShown}
	p.Phone = cutTo(strings.TrimSpace(r.URL.Query().Get("phone")), 20)
	p.Station = cutTo(strings.TrimSpace(r.URL.Query().Get("station")), 13)
	if phone, kind := parser.ParsePhone(p.Phone); kind == parser.PhoneNumber {
		q.Phone = phone
	}
	if len(p.Station) == 13 && q.Phone == "" {
		q.Station = p.Station
	}
	return q, p
}

func (s *site) showLog(w http.ResponseWriter, r *http.Request) {
	q, page := logOf(r)
	rows, err := s.Centre.MessageLog(r.Context(), s.Profile, q)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page.Rows = s.newLog(s.tongue(r), rows)
	values := url.Values{}
	if page.Phone != "" {
		values.Set("phone", page.Phone)
	}
	if page.Station != "" {
		values.Set("station", page.Station)
	}
	page.Export = "/log/export?" + values.Encode()
	if len(rows) == q.Limit {
		values.Set("before", db.LogCursor{At: rows[len(rows)-1].At, Key: rows[len(rows)-1].Key}.String())
		page.Next = "/log?" + values.Encode()
	}
	s.render(w, r, "log", page)
}
