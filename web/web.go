// Package web is the verifiers' desk: what arrives, what waits for a person, how
// far the count is, who works here. It reads and changes the centre through db
// alone, and every change is guarded there a second time.
//
// It loads nothing from outside and runs no inline script. No phone number is
// shown in full but where calling is the task, and each of those is recorded; no
// code is shown that an officer could be robbed of. Every total stands beside its
// coverage: these are reports by SMS, not results.
//
// However many watch the overview, the centre is asked at most once a second.
package web

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"tali/db"
	"tali/parser"
)

//go:embed static templates texts
var files embed.FS

// Parts are what the desk is built from.
type Parts struct {
	Centre   *db.DB // as the role of the desk
	Profile  *parser.Profile
	Log      *slog.Logger
	Language string         // of those who chose none: id or en; empty is id
	Secure   bool           // served by TLS: cookies are for that alone
	Seal     *Seal          // of second factors; nil leaves them open in the database
	Tables   Tables         // reads uploaded tables; nil refuses them
	Proxies  []netip.Prefix // whose word about their clients is taken; empty: nobody's
}

// Desk is the handler of all pages.
type Desk struct {
	*site
	handler http.Handler
}

// site is what handlers share.
type site struct {
	Parts
	pages    *pages
	words    *words
	sessions *scs.SessionManager
	hasher   *hasher
	guesses  *limiter
	latest   latest
	uploads  uploads
	feeds    feeds
}

// New builds the desk. Its loop is Run.
func New(p Parts) *Desk {
	if p.Language == "" {
		p.Language = indonesian
	}
	s := &site{Parts: p, words: newWords(files), hasher: newHasher(), guesses: newLimiter(loginRate())}
	s.pages = newPages(files, s.words)
	s.latest.log = p.Log
	s.sessions = newSessions(s)
	return &Desk{site: s, handler: s.handler(s.routes())}
}

// ServeHTTP answers one request.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// choresEvery is how often Run looks for what time has brought about.
const choresEvery = 20 * time.Second

// Run does what nobody asks for by opening a page, until ctx ends: sessions that
// are over are deleted, phone changes come into force.
func (d *Desk) Run(ctx context.Context) error {
	var lookup sync.WaitGroup
	lookup.Go(func() { d.runLookup(ctx) })
	defer lookup.Wait()
	for {
		if err := d.chores(ctx); err != nil && ctx.Err() == nil {
			d.Log.Warn("desk chores", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(choresEvery):
		}
	}
}

// routes are all pages of the desk.
func (s *site) routes() *routes {
	rt := newRoutes(s)
	s.houseRoutes(rt)
	s.casesRoutes(rt)
	return rt
}

// static is what pages load: style sheets, scripts, the icon.
func static() http.Handler {
	folder, err := fs.Sub(files, "static")
	if err != nil {
		panic(err) // the embedded folder is always there
	}
	return http.StripPrefix("/static/", http.FileServerFS(folder))
}
