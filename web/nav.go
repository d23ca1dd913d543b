package web

import (
	"net/http"
	"slices"
	"strings"

	"tali/db"
)

// navItem is one line of the menu.
type navItem struct {
	Path, Text string
	Key        string // what is pressed behind g
	Here       bool
}

// nav is the menu of whoever asks: only what they may open.
func (s *site) nav(r *http.Request) []navItem {
	who := staffFrom(r.Context())
	var out []navItem
	for _, i := range []struct {
		path, word, key string
		roles           []db.Role
	}{
		{"/", "nav.overview", "o", anyone()},
		{"/queue", "nav.queue", "q", deciders()},
		{"/quarantine", "nav.quarantine", "k", deciders()},
		{"/search", "nav.search", "s", anyone()},
		{"/log", "nav.log", "l", callers()},
		{"/chase", "nav.chase", "c", callers()},
		{"/registry", "nav.registry", "r", registrars()},
		{"/staff", "nav.staff", "u", registrars()},
	} {
		if !slices.Contains(i.roles, who.Role) || i.path == "/staff" && who.Area != 0 {
			continue
		}
		here := r.URL.Path == i.path || i.path != "/" && strings.HasPrefix(r.URL.Path, i.path+"/")
		out = append(out, navItem{i.path, s.text(r, i.word), i.key, here})
	}
	return out
}
