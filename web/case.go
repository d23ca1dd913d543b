package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tali/db"
	"tali/verify"
)

// casePage is one case on somebody's desk.
type casePage struct {
	caseView
	Problem string   // why the form was not taken
	Changed []string // what has changed since the form was shown
	Reason  string   // as it was typed
	Done    string
	Number  string // the officer's, in full: recorded
}

// caseKey is the case that the address names.
func caseKey(r *http.Request) verify.CaseKey {
	return verify.CaseKey{Station: r.PathValue("station"), Ballot: r.PathValue("ballot")}
}

// casePath is the address of a case.
func casePath(key verify.CaseKey) string {
	return "/case/" + url.PathEscape(key.Station) + "/" + url.PathEscape(key.Ballot)
}

// openCase reads the case of the address and claims it for whoever asks; it
// answers where there is none.
func (s *site) openCase(w http.ResponseWriter, r *http.Request) (casePage, bool) {
	key := caseKey(r)
	file, err := s.Centre.Case(r.Context(), s.Profile, key)
	if errors.Is(err, db.ErrNoCase) {
		s.refuse(w, r, http.StatusNotFound, "refused.case")
		return casePage{}, false
	}
	if err != nil {
		s.fail(w, r, err)
		return casePage{}, false
	}
	claim, err := s.claim(r, key)
	if err != nil {
		s.fail(w, r, err)
		return casePage{}, false
	}
	v := s.newCase(s.tongue(r), file, time.Now())
	v.claim(s.tongue(r), claim, staffFrom(r.Context()).Login)
	around, err := s.Centre.MessageLog(r.Context(), s.Profile, db.LogQuery{Station: key.Station, Limit: aroundShown})
	if err != nil {
		s.fail(w, r, err)
		return casePage{}, false
	}
	v.Around = s.newLog(s.tongue(r), around)
	return casePage{caseView: v, Done: s.done(r)}, true
}

// aroundShown is how many SMS of the station stand below its case.
const aroundShown = 20

func (s *site) claim(r *http.Request, key verify.CaseKey) (db.DeskClaim, error) {
	subject, err := s.Centre.CaseSubject(r.Context(), s.Profile, key)
	if err != nil {
		return db.DeskClaim{}, err
	}
	return s.Centre.OpenOnDesk(r.Context(), subject, staffFrom(r.Context()).Login)
}

// claimNow is the claim as it is, renewed where somebody works on the page.
func (s *site) claimNow(r *http.Request, key verify.CaseKey) (db.DeskClaim, error) {
	if r.URL.Query().Get("active") == "yes" {
		return s.claim(r, key)
	}
	subject, err := s.Centre.CaseSubject(r.Context(), s.Profile, key)
	if err != nil {
		return db.DeskClaim{}, err
	}
	return s.Centre.ClaimOf(r.Context(), subject)
}

func (s *site) showCase(w http.ResponseWriter, r *http.Request) {
	if page, ok := s.openCase(w, r); ok {
		s.render(w, r, "case", page)
	}
}

// number reads a number of a form; -1 where there is none.
func number(r *http.Request, name string) int {
	n, err := strconv.Atoi(strings.TrimSpace(r.PostFormValue(name)))
	if err != nil {
		return -1
	}
	return n
}

// decisionOf reads the form below an entry.
func decisionOf(r *http.Request) db.Decision {
	reason := strings.Join(strings.Fields(r.PostFormValue("reason")), " ")
	if reason == "" {
		reason = r.PostFormValue("why")
	}
	return db.Decision{
		Case: caseKey(r), Revision: number(r, "revision"), Version: number(r, "version"),
		Act: verify.Act(r.PostFormValue("act")), Reason: cutTo(reason, mostNote), Staff: staffFrom(r.Context()).Login,
	}
}

// mostNote is the length of a note in characters.
const mostNote = 300

func cutTo(text string, most int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), most)])
}

// actAsk is what is no change of a state but stands in the same form.
const actAsk = verify.Act("ask")

func (s *site) decideCase(w http.ResponseWriter, r *http.Request) {
	n := decisionOf(r)
	known := []verify.Act{verify.ActConfirm, verify.ActReject, verify.ActHold, verify.ActUndo, actAsk}
	switch {
	case !slices.Contains(known, n.Act):
		s.refuse(w, r, http.StatusBadRequest, "refused.act")
		return
	case n.Reason == "" && (n.Act == verify.ActReject || n.Act == actAsk):
		s.askBack(w, r, n, s.text(r, "case.reason.missing"))
		return
	}
	done, err := s.carryOut(r, n)
	if err != nil {
		s.refuseDecision(w, r, n, err)
		return
	}
	if subject, err := s.Centre.CaseSubject(r.Context(), s.Profile, n.Case); err == nil {
		if err := s.Centre.LeaveDesk(r.Context(), subject, n.Staff); err != nil {
			s.Log.Warn("a claim was not given back", "err", err) // it lapses
		}
	}
	s.goTo(w, r, "/queue?done="+done)
}

// carryOut does what was decided and names what was done.
func (s *site) carryOut(r *http.Request, n db.Decision) (done string, err error) {
	if n.Act == actAsk {
		told, err := s.Centre.AskAgain(r.Context(), s.Profile, n)
		if told == nil {
			return "ask_nobody", err
		}
		return "ask", err
	}
	out, err := s.Centre.Decide(r.Context(), s.Profile, n)
	if out.First {
		return "first", err
	}
	return string(n.Act), err
}

// refuseDecision says why a decision was not taken, beside what was typed.
func (s *site) refuseDecision(w http.ResponseWriter, r *http.Request, n db.Decision, err error) {
	for _, why := range []struct {
		err error
		key string
	}{
		{db.ErrOutdated, "case.outdated"}, {db.ErrSecondPerson, "case.second"}, {db.ErrCallBack, "case.callback"},
		{db.ErrClaimed, "case.claimed"}, {db.ErrNotDecider, "case.notdecider"}, {verify.ErrIllegal, "case.illegal"},
	} {
		if errors.Is(err, why.err) {
			s.askBack(w, r, n, s.text(r, why.key))
			return
		}
	}
	s.fail(w, r, err)
}

// askBack shows the case as it is now with the form as it was filled in. Within a
// page that is open only the answer is sent: what was typed there stays.
func (s *site) askBack(w http.ResponseWriter, r *http.Request, n db.Decision, problem string) {
	page, ok := s.openCase(w, r)
	if !ok {
		return
	}
	page.Problem, page.Reason = problem, n.Reason
	page.Changed = page.since(n.Version, number(r, "seen"))
	if r.Header.Get("HX-Request") == "true" {
		s.execute(w, r, http.StatusConflict, templateName{"case", "answer"}, page)
		return
	}
	s.renderStatus(w, r, http.StatusConflict, "case", page)
}

// goTo leads on after a form was taken: by a header where htmx has sent it, which
// would otherwise put the next page into this one.
func (s *site) goTo(w http.ResponseWriter, r *http.Request, path string) {
	if r.Header.Get("HX-Request") == "true" {
		w.Header().Set("HX-Redirect", path)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	see(w, r, path)
}

// callCase keeps what was said on the phone.
func (s *site) callCase(w http.ResponseWriter, r *http.Request) {
	n := decisionOf(r)
	if n.Reason == "" {
		s.askBack(w, r, n, s.text(r, "case.note.missing"))
		return
	}
	if err := s.Centre.RecordCall(r.Context(), s.Profile, n, r.PostFormValue("reached") == "yes"); err != nil {
		s.refuseDecision(w, r, n, err)
		return
	}
	s.goTo(w, r, casePath(n.Case)+"?done=call")
}

// showCasePhone shows the number of an entry's officer, after that was recorded.
func (s *site) showCasePhone(w http.ResponseWriter, r *http.Request) {
	key := caseKey(r)
	file, err := s.Centre.Case(r.Context(), s.Profile, key)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	e := file.Of(number(r, "revision"))
	if e == nil || e.Phone == "" {
		s.refuse(w, r, http.StatusNotFound, "refused.case")
		return
	}
	err = s.Centre.RecordEvent(r.Context(), db.Event{
		Actor: actor(r), Kind: db.EventUnmasked, Subject: "case " + key.Station + " " + key.Ballot, Detail: "revision " + strconv.Itoa(e.Revision),
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.renderPart(w, r, "case", "number", e.Phone)
}

// takeCase takes a case over from another desk.
func (s *site) takeCase(w http.ResponseWriter, r *http.Request) {
	key := caseKey(r)
	note := cutTo(strings.Join(strings.Fields(r.PostFormValue("note")), " "), mostNote)
	if note == "" {
		s.askBack(w, r, db.Decision{Case: key}, s.text(r, "claim.note.missing"))
		return
	}
	subject, err := s.Centre.CaseSubject(r.Context(), s.Profile, key)
	if err == nil {
		err = s.Centre.TakeOver(r.Context(), subject, staffFrom(r.Context()).Login, note)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.goTo(w, r, casePath(key))
}

// watchCase is asked by an open page every few seconds: it is told when the case
// has changed or lies on another desk. The claim is renewed only while somebody
// works on the page: one left open gives it back, and keeps no session awake.
func (s *site) watchCase(w http.ResponseWriter, r *http.Request) {
	key := caseKey(r)
	file, err := s.Centre.Case(r.Context(), s.Profile, key)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	claim, err := s.claimNow(r, key)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := casePage{caseView: s.newCase(s.tongue(r), file, time.Now())}
	page.claim(s.tongue(r), claim, staffFrom(r.Context()).Login)
	seen, errVersion := strconv.Atoi(r.URL.Query().Get("version"))
	entry, errEntry := strconv.Atoi(r.URL.Query().Get("seen"))
	if errVersion != nil || errEntry != nil {
		s.refuse(w, r, http.StatusBadRequest, "refused.act")
		return
	}
	if seen != page.Version {
		page.Problem = s.text(r, "case.moved")
		page.Changed = page.since(seen, entry)
	}
	page.Version, page.Seen = seen, entry // what this page has shown stays what it asks about
	s.renderPart(w, r, "case", "watch", page)
}
