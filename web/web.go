// Package web is the page for the staff: what arrives, what was decided, how
// far the count is. It reads the centre through db and changes nothing.
//
// It loads nothing from outside and runs no inline script. No phone number is
// shown in full, and no code that an officer could be robbed of. Every total
// stands beside its coverage: these are reports by SMS, not results.
//
// However many watch, the centre is asked at most once a second.
package web

import (
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"tali/db"
	"tali/parser"
)

//go:embed static templates
var files embed.FS

// Parts are what the page is built from.
type Parts struct {
	Centre  *db.DB // as the role of the desk
	Profile *parser.Profile
	Log     *slog.Logger
}

// site is the page with its parsed templates.
type site struct {
	Parts
	pages  *template.Template
	latest latest
}

// New returns the handler of all pages.
func New(p Parts) http.Handler {
	s := &site{Parts: p, pages: template.Must(template.New("").ParseFS(files, "templates/*.html"))}
	s.latest.log = p.Log
	static, err := fs.Sub(files, "static")
	if err != nil {
		panic(err) // the embedded folder is always there
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.showLive)
	mux.HandleFunc("GET /live", s.followLive)
	mux.Handle("GET /static/{file}", http.StripPrefix("/static/", http.FileServerFS(static)))
	return guard(mux)
}

// guard sets what every answer carries: nothing from outside, no frame around
// the page, no guess about content, no copy left in a browser.
func guard(next http.Handler) http.Handler {
	policy := strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
