package web

import (
	"net/http"
	"slices"
	"strings"

	"tali/db"
	"tali/parser"
	"tali/verify"
)

// searchShown bounds each of the two lists that a search gives.
const searchShown = 30

// searchPage is what was found.
type searchPage struct {
	Query    string
	Asked    bool
	Stations []stationHit
	Messages []logView
	Texts    bool // the role may read SMS
}

type stationHit struct {
	Place, District, TPS, Code string
	States                     string
	Cases                      []caseLink
}

type caseLink struct{ Path, Ballot string }

// showSearch looks for stations by codes and villages, and for SMS by phone,
// receipt code and words.
func (s *site) showSearch(w http.ResponseWriter, r *http.Request) {
	role := staffFrom(r.Context()).Role
	page := searchPage{Query: cutTo(strings.TrimSpace(r.URL.Query().Get("q")), 100), Texts: slices.Contains(callers(), role)}
	if page.Query == "" {
		s.render(w, r, "search", page)
		return
	}
	page.Asked = true
	phone, kind := parser.ParsePhone(page.Query)
	isPhone := kind == parser.PhoneNumber && strings.ContainsAny(page.Query[:1], "+0")
	if !isPhone {
		hits, err := s.Centre.FindStations(r.Context(), s.Profile, page.Query, searchShown)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		for _, h := range hits {
			page.Stations = append(page.Stations, s.newStationHit(h, slices.Contains(deciders(), role)))
		}
	}
	if page.Texts {
		q := db.LogQuery{Words: page.Query, Limit: searchShown}
		if isPhone {
			q = db.LogQuery{Phone: phone, Limit: searchShown}
		} else if proof, ok := parser.NormalizeProof(page.Query); ok && len(page.Query) == 5 {
			q = db.LogQuery{Proof: proof, Limit: searchShown}
		}
		rows, err := s.Centre.MessageLog(r.Context(), s.Profile, q)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		page.Messages = s.newLog(s.tongue(r), rows)
	}
	s.render(w, r, "search", page)
}

func (s *site) newStationHit(h db.StationHit, decides bool) stationHit {
	hit := stationHit{Place: place(h.Village, h.Number), District: h.District, TPS: h.TPS, Code: h.Code, States: h.States}
	if !decides {
		return hit
	}
	for _, b := range s.Profile.Ballots {
		hit.Cases = append(hit.Cases, caseLink{casePath(verify.CaseKey{Station: h.Code, Ballot: b.Keyword}), b.Keyword})
	}
	return hit
}
