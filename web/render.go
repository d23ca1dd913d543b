package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"tali/db"
	"tali/parser"
)

// pages are the templates, ready in each language.
type pages struct {
	sets map[string]map[string]*template.Template // language, name of the page
}

// newPages parses every file of templates/pages with the layout and all parts.
func newPages(files fs.FS, w *words) *pages {
	names, err := fs.Glob(files, "templates/pages/*.html")
	if err != nil {
		panic(err)
	}
	p := &pages{sets: make(map[string]map[string]*template.Template)}
	for _, language := range languages() {
		p.sets[language] = make(map[string]*template.Template)
		base := template.New("").Funcs(functions(w, language))
		template.Must(base.ParseFS(files, "templates/layout.html", "templates/parts/*.html"))
		for _, name := range names {
			set := template.Must(template.Must(base.Clone()).ParseFS(files, name))
			p.sets[language][strings.TrimSuffix(path.Base(name), ".html")] = set
		}
	}
	return p
}

// functions are what templates may call.
func functions(w *words, language string) template.FuncMap {
	return template.FuncMap{
		"t":    func(key string, args ...any) string { return w.in(language, key, args...) },
		"list": func(values ...any) []any { return values },
	}
}

// view is what the layout is filled with; the page itself gets Data.
type view struct {
	Staff     db.Staff
	Path      string
	Lang      string
	Election  string
	Rehearsal bool
	Nav       []navItem
	Data      any
}

// render writes a page: templates/pages/NAME.html defines "title" and "main",
// both filled with data.
func (s *site) render(w http.ResponseWriter, r *http.Request, name string, data any) {
	s.renderStatus(w, r, http.StatusOK, name, data)
}

// renderStatus is render with another status than 200.
func (s *site) renderStatus(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	staff := staffFrom(r.Context())
	v := view{
		Staff: staff, Path: r.URL.Path, Lang: s.language(r), Election: s.Profile.Name,
		Rehearsal: s.Profile.Phase == parser.PhaseRehearsal, Nav: s.nav(r), Data: data,
	}
	s.execute(w, r, status, templateName{name, "layout"}, v)
}

// renderPart writes one defined template of a page alone, for htmx to put in.
func (s *site) renderPart(w http.ResponseWriter, r *http.Request, page, part string, data any) {
	s.execute(w, r, http.StatusOK, templateName{page, part}, data)
}

type templateName struct{ page, part string }

func (s *site) execute(w http.ResponseWriter, r *http.Request, status int, name templateName, data any) {
	var out bytes.Buffer
	if err := s.draw(&out, s.language(r), name, data); err != nil {
		s.Log.Error("drawing a page", "page", name.page, "part", name.part, "err", err)
		http.Error(w, s.text(r, "broken"), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // a reader who left needs no page
}

func (s *site) draw(out *bytes.Buffer, language string, name templateName, data any) error {
	set := s.pages.sets[language][name.page]
	if set == nil {
		return fmt.Errorf("no page %q in %s", name.page, language)
	}
	return set.ExecuteTemplate(out, name.part, data)
}

// refusal is a page that says why there is none.
type refusal struct{ Title, Text string }

// refuse answers with a page that says what is the matter and what to do; key
// has two texts, KEY.title and KEY.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, status int, key string) {
	s.renderStatus(w, r, status, "refused", refusal{s.text(r, key+".title"), s.text(r, key)})
}

// fail answers a request that the centre could not serve.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		s.refuse(w, r, http.StatusRequestEntityTooLarge, "refused.large")
	case errors.Is(err, db.ErrUnavailable), errors.Is(err, db.ErrUnknownOutcome), errors.Is(err, errLate):
		s.Log.Warn("a page had no data", "page", r.Pattern, "err", err)
		w.Header().Set("Retry-After", "5")
		if r.Method == http.MethodGet {
			w.Header().Set("Refresh", "5") // a page comes back by itself; a form must not be sent twice
		}
		key := "refused.away"
		if errors.Is(err, db.ErrUnknownOutcome) {
			key = "refused.unknown"
		}
		s.refuse(w, r, http.StatusServiceUnavailable, key)
	case errors.Is(err, db.ErrNoCase), errors.Is(err, db.ErrNoStation):
		s.refuse(w, r, http.StatusNotFound, "refused.case")
	case errors.Is(err, db.ErrNoMessage):
		s.refuse(w, r, http.StatusNotFound, "refused.message")
	case errors.Is(err, db.ErrReach), errors.Is(err, db.ErrForbidden) && staffFrom(r.Context()).Area != 0:
		s.refuse(w, r, http.StatusForbidden, "refused.area")
	default:
		s.Log.Error("a page failed", "page", r.Pattern, "err", err)
		s.refuse(w, r, http.StatusInternalServerError, "refused.broken")
	}
}

// language is the language of whoever asks.
func (s *site) language(r *http.Request) string {
	if l := staffFrom(r.Context()).Language; l == indonesian || l == english {
		return l
	}
	return s.Language
}

// text is a text in the language of whoever asks.
func (s *site) text(r *http.Request, key string, args ...any) string {
	return s.words.in(s.language(r), key, args...)
}

// see sends the browser on after a form was taken.
func see(w http.ResponseWriter, r *http.Request, path string) {
	http.Redirect(w, r, path, http.StatusSeeOther)
}

// maskedPhone leaves the country code and the last three digits.
func maskedPhone(phone string) string {
	if len(phone) < 8 || phone[0] != '+' {
		return strings.Repeat("•", min(len(phone), 8))
	}
	return phone[:3] + strings.Repeat("•", len(phone)-6) + phone[len(phone)-3:]
}
