package web

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tali/db"
	"tali/parser"
)

// phoneCooling is how long a change of a phone waits once two people want it:
// time for the officer to be called on the old number.
const phoneCooling = 2 * time.Hour

// stationsShown is more than any district has.
const stationsShown = 1000

// registryView is the page of stations and what is asked about them.
type registryView struct {
	Areas         []db.Area
	Area          int64
	Stations      []db.StationInfo
	Changes       []changeView
	Done, Problem string
	Imports       bool // works on all areas, as a table may hold
}

type changeView struct {
	db.PhoneChange
	OldMasked, NewMasked string
	Asked, In            string
	Mine                 bool // asked for by whoever looks
}

func (s *site) showRegistry(w http.ResponseWriter, r *http.Request) {
	s.renderRegistry(w, r, http.StatusOK, registryView{})
}

func (s *site) renderRegistry(w http.ResponseWriter, r *http.Request, status int, view registryView) {
	ctx := r.Context()
	var err error
	view.Imports = staffFrom(ctx).Area == 0
	if view.Areas, err = s.districts(ctx); err != nil {
		s.fail(w, r, err)
		return
	}
	if view.Area, err = strconv.ParseInt(r.URL.Query().Get("area"), 10, 64); err == nil && view.Area > 0 {
		if view.Stations, err = s.Centre.StationsIn(ctx, s.Profile, view.Area, stationsShown); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	changes, err := s.Centre.OpenPhones(ctx, s.Profile)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	t, c, who := s.tongue(r), clockOf(s.Profile, time.Now()), staffFrom(ctx)
	for _, x := range changes {
		row := changeView{
			PhoneChange: x, OldMasked: maskedPhone(x.Old), NewMasked: maskedPhone(x.New), Asked: c.brief(x.AskedAt).Text, Mine: x.AskedBy == who.Login,
		}
		if x.AskedBy == "" {
			row.AskedBy = t.say("change.command")
		}
		if x.State == db.PhoneAgreed {
			row.In = t.say("change.cools", x.DecidedBy, c.brief(x.Effective).Text)
		}
		view.Changes = append(view.Changes, row)
	}
	s.renderStatus(w, r, status, "registry", view)
}

// stationView is one station with its history.
type stationView struct {
	db.StationInfo
	Number   string
	Bindings []bindingView
	Events   []eventView // of its officers
	Problem  string
}

type bindingView struct {
	db.Binding
	Masked, Since, To string
	Now               bool
}

var stationPattern = regexp.MustCompile(`^[0-9]{13}$`)

func (s *site) showStation(w http.ResponseWriter, r *http.Request) {
	s.renderStation(w, r, http.StatusOK, "")
}

func (s *site) renderStation(w http.ResponseWriter, r *http.Request, status int, problem string) {
	station, bindings, ok := s.station(w, r)
	if !ok {
		return
	}
	c := clockOf(s.Profile, time.Now())
	view := stationView{StationInfo: station, Number: station.Code[10:], Problem: problem}
	for _, b := range bindings {
		row := bindingView{Binding: b, Masked: maskedPhone(b.Phone), Since: s.text(r, "binding.always"), To: nothing, Now: b.Until.IsZero()}
		if !b.From.IsZero() {
			row.Since = c.brief(b.From).Text
		}
		if !row.Now {
			row.To = c.brief(b.Until).Text
		}
		view.Bindings = append(view.Bindings, row)
	}
	events, err := s.officerEvents(r, bindings)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	view.Events = events
	s.renderStatus(w, r, status, "station", view)
}

// officerEvents is what the staff did about the officers of a station: changes
// of phones and who saw them.
func (s *site) officerEvents(r *http.Request, bindings []db.Binding) ([]eventView, error) {
	t, c := s.tongue(r), clockOf(s.Profile, time.Now())
	var out []eventView
	seen := make(map[int64]bool)
	for _, b := range bindings {
		if seen[b.Officer] {
			continue
		}
		seen[b.Officer] = true
		events, err := s.Centre.EventsOf(r.Context(), db.OfficerSubject(b.Officer), eventsShown)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			out = append(out, eventView{c.brief(e.At), e.Login, t.say("event." + string(e.Kind)), b.Name, e.Detail})
		}
	}
	return out, nil
}

// station is the station of the path, or an answer.
func (s *site) station(w http.ResponseWriter, r *http.Request) (db.StationInfo, []db.Binding, bool) {
	code := r.PathValue("code")
	if !stationPattern.MatchString(code) {
		s.refuse(w, r, http.StatusNotFound, "refused.gone")
		return db.StationInfo{}, nil, false
	}
	n, err := strconv.ParseInt(code, 10, 64)
	if err != nil {
		s.fail(w, r, err)
		return db.StationInfo{}, nil, false
	}
	station, bindings, err := s.Centre.StationHistory(r.Context(), s.Profile, n)
	switch {
	case errors.Is(err, db.ErrNoStation):
		s.refuse(w, r, http.StatusNotFound, "refused.gone")
		return station, nil, false
	case err != nil:
		s.fail(w, r, err)
		return station, nil, false
	}
	return station, bindings, true
}

// askPhone asks for another phone. The form names the officer; which phone is
// the old one is looked up, not believed.
func (s *site) askPhone(w http.ResponseWriter, r *http.Request) {
	_, bindings, ok := s.station(w, r)
	if !ok {
		return
	}
	change := db.PhoneChange{Reason: strings.TrimSpace(r.PostFormValue("reason"))}
	for i, b := range bindings {
		if b.Until.IsZero() && strconv.Itoa(i) == r.PostFormValue("binding") && strconv.FormatInt(b.Officer, 10) == r.PostFormValue("officer") {
			change.Officer, change.Old = b.Officer, b.Phone
		}
	}
	phone, kind := parser.ParsePhone(r.PostFormValue("phone"))
	change.New = phone
	problem := ""
	switch {
	case change.Officer == 0:
		problem = "change.stale"
	case kind != parser.PhoneNumber || len(phone) > 16 || len(phone) < 9:
		problem = "change.bad_phone"
	case change.Reason == "" || len([]rune(change.Reason)) > 500 || strings.ContainsFunc(change.Reason, hidden):
		problem = "change.bad_reason"
	}
	if problem != "" {
		s.renderStation(w, r, http.StatusUnprocessableEntity, s.text(r, problem))
		return
	}
	err := s.Centre.AskPhone(r.Context(), actor(r), s.Profile, change)
	switch {
	case errors.Is(err, db.ErrPhoneTaken):
		s.renderStation(w, r, http.StatusConflict, s.text(r, "change.taken"))
	case errors.Is(err, db.ErrNoChange):
		s.renderStation(w, r, http.StatusConflict, s.text(r, "change.stale"))
	case err != nil:
		s.fail(w, r, err)
	default:
		see(w, r, "/registry")
	}
}

// decidePhone agrees to a change or refuses it.
func (s *site) decidePhone(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		s.refuse(w, r, http.StatusNotFound, "refused.gone")
		return
	}
	switch r.PostFormValue("decision") {
	case "agree":
		err = s.Centre.AgreePhone(r.Context(), actor(r), id, phoneCooling)
	case "refuse":
		err = s.Centre.RefusePhone(r.Context(), actor(r), id)
	default:
		s.refuse(w, r, http.StatusBadRequest, "refused.form")
		return
	}
	switch {
	case errors.Is(err, db.ErrSamePerson):
		s.renderRegistry(w, r, http.StatusForbidden, registryView{Problem: s.text(r, "change.same_person")})
	case errors.Is(err, db.ErrNoChange):
		s.renderRegistry(w, r, http.StatusConflict, registryView{Problem: s.text(r, "change.decided")})
	case err != nil:
		s.fail(w, r, err)
	default:
		see(w, r, "/registry")
	}
}
