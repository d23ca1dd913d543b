// Package feed is the results interface over HTTP: what is published, as JSON and
// CSV, for consumers that hold a token. It only reads.
//
// It knows no other part of the centre: its role at the database sees the results
// and nothing else. It holds no figures; what it answers is read when it is asked
// for, as it is at one moment.
//
// Every answer says that these are provisional figures. A page is limited and is
// sent as it is read, so that nobody's wish costs memory; who reads too slowly, or
// leaves, gives the connection to the database back at once.
package feed

import (
	"context"
	_ "embed"
	"log/slog"
	"net/http"
	"time"

	"tali/db"
)

//go:embed openapi.json
var document []byte

// Parts are what the feed is built from.
type Parts struct {
	Results   *db.Results
	Log       *slog.Logger
	PerMinute int           // requests of one token
	Stall     time.Duration // how long a consumer may take nothing; 0: 15 s
	Secure    bool          // served by TLS
}

// Feed is the handler of the whole feed.
type Feed struct {
	Parts
	tokens    *limiter // by consumer
	strangers *limiter // by address, without a token that is in force
	known     known
	handler   http.Handler
}

// The limits of what one consumer may ask.
const (
	usualRows     = 1000
	mostRows      = 10_000
	mostWait      = 30 * time.Second
	usualStall    = 15 * time.Second
	answerTime    = 55 * time.Second // of one answer, all in all
	atOnce        = 4                // answers to one consumer
	strangersRate = 30               // a minute
)

// New builds the feed. Its loop is Run.
func New(p Parts) *Feed {
	if p.Stall <= 0 {
		p.Stall = usualStall
	}
	f := &Feed{Parts: p, tokens: newLimiter(p.PerMinute), strangers: newLimiter(strangersRate)}
	mux := http.NewServeMux()
	mux.HandleFunc("/", notFound)
	for path, part := range map[string]db.ResultsPart{
		"/v1/stations": db.PartStations, "/v1/areas": db.PartAreas, "/v1/progress": db.PartProgress, "/v1/changes": db.PartChanges,
	} {
		mux.Handle(path, f.reading(f.admitted(f.page(part))))
	}
	mux.Handle("/v1/openapi.json", f.reading(f.openAPI))
	f.handler = f.headers(mux)
	return f
}

// ServeHTTP answers one request.
func (f *Feed) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.handler.ServeHTTP(w, r) }

// Run hears of changes for those who wait, until ctx ends.
func (f *Feed) Run(ctx context.Context) error { return f.Results.Follow(ctx) }

// note is what every answer carries.
const note = "Data sementara, bukan hasil resmi KPU"

// The headers of our own.
const (
	headerNote   = "X-Tali-Catatan"
	headerFeed   = "X-Tali-Urutan"
	headerCentre = "X-Tali-Pusat"
)

// headers sets what every answer carries.
func (f *Feed) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set(headerNote, note)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "private, no-cache") // kept, but asked for again
		if f.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// reading lets through what only reads, and gives it its time.
func (f *Feed) reading(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			problem{http.StatusMethodNotAllowed, "the feed is only read", r.Method + " " + r.URL.Path, "ask with GET or HEAD"}.tell(w)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), answerTime)
		defer cancel()
		next(w, r.WithContext(ctx))
	})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	problem{http.StatusNotFound, "there is nothing here", "path " + r.URL.Path,
		"ask for /v1/stations, /v1/areas, /v1/progress or /v1/changes; /v1/openapi.json describes them"}.tell(w)
}

// openAPI tells anybody how to ask; it holds no figures.
func (f *Feed) openAPI(w http.ResponseWriter, r *http.Request) {
	if !f.strange(w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(document) // who asked may be gone
}
