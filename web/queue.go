package web

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// queueShown is how many lines a page of the queue has: what a person can look
// over, and an open desk can be sent several times a second.
const queueShown = 40

// queueView is the queue as it is shown.
type queueView struct {
	View    string
	Tabs    []queueTab
	Rows    []queueRow
	Next    string // address of the next page; empty: none
	Front   bool   // the first page, which is live
	At      stamp
	Done    string // what was just stored
	Export  string
	Nothing string
}

// queueTab is one part of the queue.
type queueTab struct {
	Path, Text, Count, Key string
	Here                   bool
}

// queueRow is one line of the queue.
type queueRow struct {
	ID, Path             string
	Kind, Tone           string
	Place, Ballot, TPS   string
	Since                stamp
	Age                  string
	Flags                []string
	Text                 string // of the SMS, or what was asked
	Phone                string // masked
	Claim, Agreed, State string
}

// queueOf reads which part of the queue is asked for.
func (s *site) queueOf(r *http.Request) db.QueueQuery {
	q := db.QueueQuery{
		View: db.QueueView(r.URL.Query().Get("view")), Area: staffFrom(r.Context()).Area,
		After: db.ParseQueueCursor(r.URL.Query().Get("after")), Limit: queueShown,
	}
	for _, v := range s.queueViews() {
		if q.View == v {
			return q
		}
	}
	q.View = db.ViewAll
	return q
}

func (s *site) showQueue(w http.ResponseWriter, r *http.Request) { s.queuePage(w, r, s.queueOf(r)) }

func (s *site) showQuarantine(w http.ResponseWriter, r *http.Request) {
	q := s.queueOf(r)
	q.View = db.ViewMessages
	s.queuePage(w, r, q)
}

func (s *site) queuePage(w http.ResponseWriter, r *http.Request, q db.QueueQuery) {
	now := time.Now()
	items, err := s.Centre.Queue(r.Context(), s.Profile, q, now)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	counts, err := s.Centre.QueueCounts(r.Context(), s.Profile, now)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v := s.newQueue(s.tongue(r), q, items, counts, now)
	v.Done = s.done(r)
	s.render(w, r, "queue", v)
}

// done says what the form before has stored.
func (s *site) done(r *http.Request) string {
	switch word := r.URL.Query().Get("done"); word {
	case "first", "confirm", "reject", "hold", "undo", "ask", "ask_nobody", "call", "attached", "dismissed", "called", "typed", "typed_first":
		return s.text(r, "done."+word)
	}
	return ""
}

func (s *site) newQueue(t tongue, q db.QueueQuery, items []db.QueueItem, counts map[db.QueueView]int, now time.Time) queueView {
	v := queueView{
		View: string(q.View), Front: q.After.Kind == "", At: clockOf(s.Profile, now).full(now),
		Export: "/queue/export?" + url.Values{"view": {string(q.View)}}.Encode(), Nothing: t.say("queue.nothing"),
	}
	v.Tabs = s.queueTabs(t, q.View, counts)
	for _, i := range items {
		v.Rows = append(v.Rows, s.newQueueRow(t, i, now))
	}
	if len(items) == q.Limit {
		v.Next = "/queue?" + url.Values{"view": {string(q.View)}, "after": {items[len(items)-1].Cursor().String()}}.Encode()
	}
	return v
}

// queueViews are the parts of the queue of this election: where no code is asked
// for, none is missing.
func (s *site) queueViews() []db.QueueView {
	return slices.DeleteFunc(db.QueueViews(), func(v db.QueueView) bool {
		return v == db.ViewUnproven && s.Profile.Auth == parser.AuthOff
	})
}

func (s *site) queueTabs(t tongue, here db.QueueView, counts map[db.QueueView]int) []queueTab {
	var tabs []queueTab
	for i, view := range s.queueViews() {
		count := ""
		if n, counted := counts[view]; counted {
			count = t.number(n)
			if n >= 1000 {
				count += "+"
			}
		}
		tabs = append(tabs, queueTab{
			Path: "/queue?view=" + string(view), Text: t.say("queue.view." + string(view)), Count: count,
			Key: string(rune('1' + i)), Here: here == view,
		})
	}
	return tabs
}

func (s *site) newQueueRow(t tongue, i db.QueueItem, now time.Time) queueRow {
	row := queueRow{
		ID: i.Subject, TPS: i.TPS, Ballot: i.Ballot, Since: clockOf(s.Profile, now).brief(i.Since), Age: t.age(now.Sub(i.Since)),
		Phone: maskedPhone(i.Phone), Claim: i.Claim, Text: visible(concealSMS(i.Text)), Place: place(i.Village, i.Number),
	}
	for _, f := range i.Flags {
		row.Flags = append(row.Flags, t.flag(f))
	}
	row.Path = "/case/" + i.Station + "/" + i.Ballot
	switch i.Kind {
	case db.QueueCase:
		row.Kind, row.Tone = t.caseKind(i)
	case db.QueueTyping:
		row.Path += "/type"
		row.Kind, row.Tone = t.say("queue.kind.typing"), toneAsk
		row.Text = t.say("queue.typing", i.Agreed)
	case db.QueueQuestion:
		row.Path = "/message/" + i.Message
		row.Kind, row.Tone = t.say("queue.kind.question"), toneAsk
	default:
		row.Path = "/message/" + i.Message
		row.Kind, row.Tone = t.outcome(verify.Outcome(i.Outcome)).Word, toneAsk
	}
	if i.Agreed != "" && i.Kind == db.QueueCase {
		row.Agreed = t.say("queue.agreed."+string(i.Proposes), i.Agreed)
	}
	return row
}

// caseKind says in one word why a case waits.
func (t tongue) caseKind(i db.QueueItem) (word, tone string) {
	for _, f := range i.Flags {
		if f == verify.FlagForm {
			return t.say("queue.kind.form"), toneStop
		}
	}
	switch {
	case i.Held > 0 && i.Entry > 0:
		return t.say("queue.kind.conflict", i.Held+1), toneStop
	case i.Held > 0:
		return t.say("queue.kind.held"), toneStop
	case len(i.Flags) > 0:
		return t.say("queue.kind.flagged"), toneAsk
	}
	return t.say("queue.kind.new"), toneGood
}

// flag is a soft rule in words.
func (t tongue) flag(f verify.Flag) string { return t.say("flag." + string(f)) }

// age is how long something waits, in the largest unit that is whole.
func (t tongue) age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return t.say("age.now")
	case d < time.Hour:
		return t.say("age.minutes", int(d/time.Minute))
	case d < 48*time.Hour:
		return t.say("age.hours", int(d/time.Hour))
	}
	return t.say("age.days", int(d/(24*time.Hour)))
}
