package web

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tali/db"
)

// peopleView is the page of all accounts.
type peopleView struct {
	Admin         bool
	Accounts      []accountRow
	Roles         []string
	Areas         []db.Area
	Events        []eventView
	Older         int64  // id to go on before; 0: there are no more
	Link, For     string // a fresh one-time link, and whom it is for
	Problem, Done string
}

type accountRow struct {
	db.Account
	State, Tone string
	LastText    string
	AreaName    string
	OtherArea   bool // none of the districts: a village, set on the command line
}

type eventView struct {
	At                           stamp
	Login, What, Subject, Detail string
}

// eventsShown is a page of events.
const eventsShown = 50

func (s *site) showPeople(w http.ResponseWriter, r *http.Request) {
	s.renderPeople(w, r, http.StatusOK, peopleView{})
}

func (s *site) renderPeople(w http.ResponseWriter, r *http.Request, status int, view peopleView) {
	view.Admin = staffFrom(r.Context()).Role == db.RoleAdmin
	before, err := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	if err != nil {
		before = 0
	}
	accounts, err := s.Centre.Accounts(r.Context())
	if err == nil {
		view.Areas, err = s.Centre.Districts(r.Context(), s.Profile)
	}
	var events []db.EventRow
	if err == nil {
		events, err = s.Centre.EventsBefore(r.Context(), before, eventsShown)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	t, c := s.tongue(r), clockOf(s.Profile, time.Now())
	for _, role := range db.Roles() {
		view.Roles = append(view.Roles, string(role))
	}
	for _, a := range accounts {
		view.Accounts = append(view.Accounts, newAccountRow(t, c, a).in(t, view.Areas))
	}
	for _, e := range events {
		view.Events = append(view.Events, eventView{c.brief(e.At), e.Login, t.say("event." + string(e.Kind)), e.Subject, e.Detail})
	}
	if len(events) == eventsShown {
		view.Older = events[len(events)-1].ID
	}
	s.renderStatus(w, r, status, "people", view)
}

func newAccountRow(t tongue, c clock, a db.Account) accountRow {
	row := accountRow{Account: a, State: t.say("account.active"), Tone: toneGood, LastText: nothing}
	switch now := time.Now(); {
	case !a.Active:
		row.State, row.Tone = t.say("account.inactive"), toneQuiet
	case a.LockedUntil.After(now):
		row.State, row.Tone = t.say("account.locked", c.brief(a.LockedUntil).Text), toneStop
	case a.Password == "" && a.InviteUntil.After(now):
		row.State, row.Tone = t.say("account.invited", c.brief(a.InviteUntil).Text), toneAsk
	case a.Password == "":
		row.State, row.Tone = t.say("account.lapsed"), toneStop
	}
	if !a.LastLogin.IsZero() {
		row.LastText = c.brief(a.LastLogin).Text
	}
	return row
}

// in names the area of an account.
func (row accountRow) in(t tongue, areas []db.Area) accountRow {
	row.AreaName = t.say("people.all_areas")
	if row.Area == 0 {
		return row
	}
	row.AreaName, row.OtherArea = strconv.FormatInt(row.Area, 10), true
	for _, a := range areas {
		if a.Code == row.Area {
			row.AreaName, row.OtherArea = a.Name, false
		}
	}
	return row
}

var loginPattern = regexp.MustCompile(`^[a-z][a-z0-9._-]{1,31}$`)

// formStaff reads what an admin typed about an account; problem is the key of a
// text.
func (s *site) formStaff(r *http.Request) (staff db.Staff, problem string) {
	staff = db.Staff{
		Login: strings.ToLower(strings.TrimSpace(r.PostFormValue("login"))),
		Name:  strings.TrimSpace(r.PostFormValue("name")), Role: db.Role(r.PostFormValue("role")),
	}
	area, err := strconv.ParseInt("0"+r.PostFormValue("area"), 10, 64)
	staff.Area = area
	switch {
	case err != nil || !slices.Contains(db.Roles(), staff.Role):
		return staff, "refused.form"
	case staff.Role == db.RoleAdmin && staff.Area != 0:
		return staff, "people.admin_area"
	case staff.Name == "" || len([]rune(staff.Name)) > 100 || strings.ContainsFunc(staff.Name, hidden):
		return staff, "people.bad_name"
	}
	return staff, ""
}

func (s *site) addPerson(w http.ResponseWriter, r *http.Request) {
	staff, problem := s.formStaff(r)
	if problem == "" && !loginPattern.MatchString(staff.Login) {
		problem = "people.bad_login"
	}
	if problem != "" {
		s.renderPeople(w, r, http.StatusUnprocessableEntity, peopleView{Problem: s.text(r, problem)})
		return
	}
	path, invite := NewInvite()
	_, err := s.Centre.AddStaff(r.Context(), actor(r), db.NewStaff{Staff: staff, Invite: invite})
	switch {
	case errors.Is(err, db.ErrTaken):
		s.renderPeople(w, r, http.StatusConflict, peopleView{Problem: s.text(r, "people.taken", staff.Login)})
	case err != nil:
		s.fail(w, r, err)
	default:
		s.renderPeople(w, r, http.StatusOK, peopleView{Link: s.base(r) + path, For: staff.Login})
	}
}

// base is the address that this browser knows the desk by.
func (s *site) base(r *http.Request) string {
	if s.Secure {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// personID is the account that a form is about, or an answer.
func (s *site) personID(w http.ResponseWriter, r *http.Request) (db.Account, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 32)
	if err != nil {
		s.refuse(w, r, http.StatusNotFound, "refused.gone")
		return db.Account{}, false
	}
	a, err := s.Centre.AccountByID(r.Context(), id)
	switch {
	case errors.Is(err, db.ErrNoStaff):
		s.refuse(w, r, http.StatusNotFound, "refused.gone")
		return a, false
	case err != nil:
		s.fail(w, r, err)
		return a, false
	}
	return a, true
}

func (s *site) changePerson(w http.ResponseWriter, r *http.Request) {
	a, ok := s.personID(w, r)
	if !ok {
		return
	}
	staff, problem := s.formStaff(r)
	if problem == "" && staff.Role.NeedsTOTP() && a.TOTP == "" && a.Password != "" {
		problem = "people.needs_totp"
	}
	if problem != "" {
		s.renderPeople(w, r, http.StatusUnprocessableEntity, peopleView{Problem: s.text(r, problem)})
		return
	}
	staff.ID = a.ID
	err := s.Centre.ChangeStaff(r.Context(), actor(r), staff, r.PostFormValue("active") == "yes")
	switch {
	case errors.Is(err, db.ErrLastAdmin):
		s.renderPeople(w, r, http.StatusConflict, peopleView{Problem: s.text(r, "people.last_admin")})
	case err != nil:
		s.fail(w, r, err)
	default:
		see(w, r, "/staff")
	}
}

// resetPerson is for somebody who lost password or phone: everything that lets
// them in is taken away, and a one-time link given.
func (s *site) resetPerson(w http.ResponseWriter, r *http.Request) {
	a, ok := s.personID(w, r)
	if !ok {
		return
	}
	path, invite := NewInvite()
	if err := s.Centre.InviteStaff(r.Context(), actor(r), a.Login, invite); err != nil {
		s.fail(w, r, err)
		return
	}
	s.renderPeople(w, r, http.StatusOK, peopleView{Link: s.base(r) + path, For: a.Login})
}

func (s *site) signPersonOut(w http.ResponseWriter, r *http.Request) {
	a, ok := s.personID(w, r)
	if !ok {
		return
	}
	if err := s.Centre.EndSessions(r.Context(), actor(r), a.ID, ""); err != nil {
		s.fail(w, r, err)
		return
	}
	see(w, r, "/staff")
}

// activityRow is what one of the staff did lately.
type activityRow struct {
	Name, Role, Seen          string
	Here                      bool
	LastHour, Today, Unmasked int
}

// showActivity is a part of the overview for those who lead.
func (s *site) showActivity(w http.ResponseWriter, r *http.Request) {
	rows, err := s.Centre.StaffActivity(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	t := s.tongue(r)
	var view []activityRow
	for _, a := range rows {
		row := activityRow{a.Name, t.say("role." + string(a.Role)), nothing, !a.Seen.IsZero(), a.LastHour, a.Today, a.Unmasked}
		if row.Here {
			row.Seen = t.ago(time.Since(a.Seen))
		}
		view = append(view, row)
	}
	s.renderPart(w, r, "overview", "activity", view)
}
