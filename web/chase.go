package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tali/db"
)

// chaseShown is how many officers one page lists: more than an office can call
// before it opens the page anew.
const chaseShown = 200

// chaseView is the list of those to call.
type chaseView struct {
	Areas []db.Area
	Area  int64
	Rows  []chaseRow
	Full  bool // there are more
}

type chaseRow struct {
	db.ChaseRow
	Masked, LastText string
	LastTone         string
}

func (s *site) showChase(w http.ResponseWriter, r *http.Request) {
	areas, err := s.districts(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	area, err := strconv.ParseInt(r.FormValue("area"), 10, 64)
	if err != nil {
		area = staffFrom(r.Context()).Area
	}
	rows, err := s.Centre.Chase(r.Context(), s.Profile, area, chaseShown)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	t := s.tongue(r)
	view := chaseView{Areas: areas, Area: area, Full: len(rows) == chaseShown}
	for _, x := range rows {
		row := chaseRow{x, maskedPhone(x.Phone), t.say("chase.never"), toneStop}
		if !x.Last.IsZero() {
			row.LastText, row.LastTone = t.ago(time.Since(x.Last)), ""
		}
		view.Rows = append(view.Rows, row)
	}
	s.render(w, r, "chase", view)
}

// districts are those that whoever asks can choose from.
func (s *site) districts(ctx context.Context) ([]db.Area, error) {
	all, err := s.Centre.Districts(ctx, s.Profile)
	low, high := db.StationsUnder(staffFrom(ctx).Area)
	return slices.DeleteFunc(all, func(a db.Area) bool {
		first, last := db.StationsUnder(a.Code)
		return last < low || first > high
	}), err
}

// unmask shows an officer's numbers for a call, once that is on record.
func (s *site) unmask(w http.ResponseWriter, r *http.Request) {
	station, err := strconv.ParseInt(r.PostFormValue("station"), 10, 64)
	if err != nil {
		s.refuse(w, r, http.StatusBadRequest, "refused.form")
		return
	}
	officer, err := strconv.ParseInt(r.PostFormValue("officer"), 10, 32)
	if err != nil {
		s.refuse(w, r, http.StatusBadRequest, "refused.form")
		return
	}
	phones, err := s.Centre.Unmask(r.Context(), actor(r), s.Profile.ID, station, officer)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.renderPart(w, r, "chase", "numbers", phones)
}
