package web

import (
	"net/http"
	"strconv"

	"tali/db"
)

// areaView is one district with its stations.
type areaView struct {
	Name     string
	Ballots  []string
	Villages []areaVillage
}

type areaVillage struct {
	Name     string
	Stations []areaStation
}

type areaStation struct {
	Number string
	Code   string
	Cells  []areaCell
}

// areaCell is one form.
type areaCell struct{ Word, Tone, Mark string }

func (s *site) showArea(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.ParseInt(r.PathValue("code"), 10, 64)
	if err != nil || code < 110101 || code > 999999 {
		s.refuse(w, r, http.StatusNotFound, "refused.gone")
		return
	}
	rows, err := s.Centre.StationStates(r.Context(), s.Profile, code)
	switch {
	case err != nil:
		s.fail(w, r, err)
		return
	case len(rows) == 0:
		s.refuse(w, r, http.StatusNotFound, "refused.gone")
		return
	}
	s.render(w, r, "area", s.newArea(s.tongue(r), rows))
}

// newArea folds rows that come by station.
func (s *site) newArea(t tongue, rows []db.StationState) areaView {
	view := areaView{Name: rows[0].District}
	for _, b := range s.Profile.Ballots {
		view.Ballots = append(view.Ballots, b.Keyword)
	}
	for _, x := range rows {
		if n := len(view.Villages); n == 0 || view.Villages[n-1].Name != x.Village {
			view.Villages = append(view.Villages, areaVillage{Name: x.Village})
		}
		v := &view.Villages[len(view.Villages)-1]
		if n := len(v.Stations); n == 0 || v.Stations[n-1].Code != x.Code {
			cells := make([]areaCell, len(s.Profile.Ballots))
			for i := range cells {
				cells[i] = newAreaCell(t, db.StationState{})
			}
			v.Stations = append(v.Stations, areaStation{Number: x.Code[len(x.Code)-3:], Code: x.Code, Cells: cells})
		}
		for i, b := range s.Profile.Ballots {
			if int(b.Digit-'0') == x.Ballot {
				v.Stations[len(v.Stations)-1].Cells[i] = newAreaCell(t, x)
			}
		}
	}
	return view
}

func newAreaCell(t tongue, x db.StationState) areaCell {
	key := "none"
	switch {
	case x.Held > 0:
		key = "held"
	case x.State == "terverifikasi":
		key = "sure"
	case x.State != "":
		key = "in"
	}
	return areaCell{t.say("form.state." + key), key, t.say("map.mark." + key)}
}
