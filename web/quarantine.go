package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// messagePage is one SMS that waits for a person.
type messagePage struct {
	Path             string
	From, Officer    string
	At               stamp
	Kind, Tone       string
	Means            string
	Words            []wordView
	Unread           bool // nothing of it could be decoded
	Parts            int
	Way              string
	Asked            string // the question that nobody answered
	AskedAt          stamp
	Stations         []stationChoice
	Read             []readRow // what it says, where every figure was read
	Attachable       bool
	Ballot, Ballots  string
	TPS              string
	CasePath         string // of the entry that it gave rise to
	Waits            bool
	History          []historyRow
	Claim            claimView
	Around           []logView
	Problem, Done    string
	Note, StationRaw string // as they were typed
	HasPhone         bool
}

type stationChoice struct{ Code, Text, TypePath string }

type readRow struct{ Label, Figure string }

func (s *site) showMessage(w http.ResponseWriter, r *http.Request) {
	if page, _, ok := s.openMessage(w, r); ok {
		page.Done = s.done(r)
		s.render(w, r, "message", page)
	}
}

// openMessage reads the message of the address and claims it.
func (s *site) openMessage(w http.ResponseWriter, r *http.Request) (messagePage, *db.MessageFile, bool) {
	key := r.PathValue("key")
	file, err := s.Centre.Message(r.Context(), s.Profile, key)
	if errors.Is(err, db.ErrNoMessage) {
		s.refuse(w, r, http.StatusNotFound, "refused.message")
		return messagePage{}, nil, false
	}
	if err != nil {
		s.fail(w, r, err)
		return messagePage{}, nil, false
	}
	me := staffFrom(r.Context()).Login
	claim, err := s.Centre.OpenOnDesk(r.Context(), db.MessageSubject(file.Key), me)
	if err != nil {
		s.fail(w, r, err)
		return messagePage{}, nil, false
	}
	around, err := s.Centre.MessageLog(r.Context(), s.Profile, db.LogQuery{Phone: file.Phone, Limit: aroundShown})
	if err != nil {
		s.fail(w, r, err)
		return messagePage{}, nil, false
	}
	t := s.tongue(r)
	page := s.newMessagePage(t, file)
	view := caseView{}
	view.claim(t, claim, me)
	page.Claim, page.Around = view.Claim, s.newLog(t, around)
	return page, file, true
}

func (s *site) newMessagePage(t tongue, f *db.MessageFile) messagePage {
	c := clockOf(s.Profile, time.Now())
	word := t.outcome(f.Outcome)
	page := messagePage{
		Path: "/message/" + f.Key, From: maskedPhone(f.Phone), Officer: f.Officer, At: c.full(f.Received),
		Kind: word.Word, Tone: word.Tone, Means: word.Meaning, Words: s.smsWords(t, f.Text), Unread: f.Text == "", Parts: f.PDUs,
		Way: f.Gateway + " / " + f.Modem, Waits: f.Waits || f.Question != "", HasPhone: strings.HasPrefix(f.Phone, "+"),
	}
	if f.Question != "" {
		page.Asked, page.AskedAt = concealReply(f.Asked), c.full(f.AskedAt)
	}
	ballot := f.Ballot
	rep := parser.Parse(s.Profile, f.Text)
	if rep.Ballot != nil && f.Kind == verify.MessageText {
		ballot, page.TPS = rep.Ballot.Keyword, string(rep.TPS)
		page.Attachable = rep.Complete() && rep.K.OK && f.Revision == 0
		for i, figure := range rep.Figures {
			page.Read = append(page.Read, readRow{rowLabel(rep.Ballot, i), strconv.Itoa(int(figure))})
		}
	}
	if ballot == "" && len(s.Profile.Ballots) > 0 {
		ballot = s.Profile.Ballots[0].Keyword
	}
	page.Ballot = ballot
	for _, st := range f.Stations {
		page.Stations = append(page.Stations, stationChoice{
			Code: st.Code, Text: place(st.Village, st.Number) + " (" + st.TPS + ")",
			TypePath: casePath(verify.CaseKey{Station: st.Code, Ballot: ballot}) + "/type",
		})
	}
	if f.Revision > 0 {
		page.CasePath = casePath(verify.CaseKey{Station: f.Station, Ballot: f.Ballot})
	}
	for _, h := range f.Handled {
		page.History = append(page.History, historyRow{At: c.full(h.At), Who: h.Staff, Text: t.say("handling." + string(h.Kind)), Note: visible(h.Note)})
	}
	return page
}

// attachMessage makes an SMS an entry of the station that the staff name. It is
// held: two people confirm it.
func (s *site) attachMessage(w http.ResponseWriter, r *http.Request) {
	page, file, ok := s.openMessage(w, r)
	if !ok {
		return
	}
	page.StationRaw = cutTo(strings.TrimSpace(r.PostFormValue("station")), 40)
	page.Note = cutTo(strings.Join(strings.Fields(r.PostFormValue("note")), " "), mostNote)
	code, problem := s.stationNamed(r, page.StationRaw)
	switch {
	case !page.Attachable:
		problem = s.text(r, "message.notattachable")
	case page.Note == "":
		problem = s.text(r, "case.note.missing")
	case page.Claim.Other:
		problem = s.text(r, "case.claimed")
	}
	if problem != "" {
		page.Problem = problem
		s.renderStatus(w, r, http.StatusUnprocessableEntity, "message", page)
		return
	}
	rep := parser.Parse(s.Profile, file.Text)
	key := verify.CaseKey{Station: code, Ballot: page.Ballot}
	_, err := s.Centre.TypeIn(r.Context(), s.Profile, db.Typing{
		Case: key, Source: db.FromSMS, Message: file.Key, Figures: rep.Figures, Staff: staffFrom(r.Context()).Login, Note: page.Note,
	})
	if errors.Is(err, db.ErrOutdated) {
		page.Problem = s.text(r, "case.outdated")
		s.renderStatus(w, r, http.StatusConflict, "message", page)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.goTo(w, r, casePath(key)+"?done=attached")
}

// stationNamed finds the one station that was typed, by either code.
func (s *site) stationNamed(r *http.Request, typed string) (code, problem string) {
	hits, err := s.Centre.FindStations(r.Context(), s.Profile, typed, 2)
	if err != nil || typed == "" || len(hits) != 1 || len(typed) != 8 && len(typed) != 13 {
		return "", s.text(r, "message.station.unknown")
	}
	return hits[0].Code, ""
}

// handleMessage keeps what was done: called, or nothing is to be done.
func (s *site) handleMessage(w http.ResponseWriter, r *http.Request) {
	page, file, ok := s.openMessage(w, r)
	if !ok {
		return
	}
	page.Note = cutTo(strings.Join(strings.Fields(r.PostFormValue("note")), " "), mostNote)
	kind := db.HandlingKind(r.PostFormValue("kind"))
	if kind != db.HandlingDismissed && kind != db.HandlingCalled {
		s.refuse(w, r, http.StatusBadRequest, "refused.act")
		return
	}
	switch {
	case page.Note == "":
		page.Problem = s.text(r, "case.note.missing")
	case page.Claim.Other:
		page.Problem = s.text(r, "case.claimed")
	}
	if page.Problem != "" {
		s.renderStatus(w, r, http.StatusConflict, "message", page)
		return
	}
	err := s.Centre.Handle(r.Context(), s.Profile, db.Handling{
		Message: file.Key, Kind: kind, Staff: staffFrom(r.Context()).Login, Note: page.Note,
	})
	switch {
	case errors.Is(err, db.ErrOutdated):
		page.Problem = s.text(r, "case.outdated")
		s.renderStatus(w, r, http.StatusConflict, "message", page)
	case err != nil:
		s.fail(w, r, err)
	case kind == db.HandlingCalled:
		s.goTo(w, r, page.Path+"?done=called")
	default:
		s.goTo(w, r, "/queue?"+url.Values{"view": {string(db.ViewMessages)}, "done": {"dismissed"}}.Encode())
	}
}

// showMessagePhone shows the number of the sender, after that was recorded.
func (s *site) showMessagePhone(w http.ResponseWriter, r *http.Request) {
	file, err := s.Centre.Message(r.Context(), s.Profile, r.PathValue("key"))
	if err == nil {
		err = s.Centre.RecordEvent(r.Context(), db.Event{Actor: actor(r), Kind: db.EventUnmasked, Subject: "message " + file.Key})
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.renderPart(w, r, "message", "number", file.Phone)
}

func (s *site) takeMessage(w http.ResponseWriter, r *http.Request) {
	page, file, ok := s.openMessage(w, r)
	if !ok {
		return
	}
	note := cutTo(strings.Join(strings.Fields(r.PostFormValue("note")), " "), mostNote)
	if note == "" {
		page.Problem = s.text(r, "claim.note.missing")
		s.renderStatus(w, r, http.StatusConflict, "message", page)
		return
	}
	if err := s.Centre.TakeOver(r.Context(), db.MessageSubject(file.Key), staffFrom(r.Context()).Login, note); err != nil {
		s.fail(w, r, err)
		return
	}
	s.goTo(w, r, page.Path)
}
