package web_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tali/db"
	"tali/db/cluster"
	"tali/web"
)

// site is the page as the daemon serves it.
type site struct {
	t       *testing.T
	centre  *centre
	url     string
	client  *http.Client
	person  person        // signed in with client
	people  *atomic.Int64 // accounts made so far
	server  *http.Server
	cancel  context.CancelFunc // the daemon's own context
	streams chan struct{}      // one value for each stream whose handler ended
}

// serve runs the desk of c on its own line to its centre, and signs a supervisor
// in.
func serve(c *centre) *site {
	c.t.Helper()
	return serveOn(c, open(c.t, c.pg.DSN(cluster.Desk)))
}

func serveOn(c *centre, desk *db.DB) *site {
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	return serveAt(c, desk, l)
}

func serveAt(c *centre, desk *db.DB, l net.Listener) *site {
	return start(c, desk, l).as(db.RoleSupervisor)
}

// startSecure is the desk as it is behind TLS, over a plain line.
func startSecure(c *centre) *site {
	c.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	return startParts(c, web.Parts{Centre: open(c.t, c.pg.DSN(cluster.Desk)), Secure: true}, l)
}

// start is serveAt without anybody signed in.
func start(c *centre, desk *db.DB, l net.Listener) *site {
	c.t.Helper()
	return startParts(c, web.Parts{Centre: desk, Tables: c.tables(desk)}, l)
}

func startParts(c *centre, parts web.Parts, l net.Listener) *site {
	c.t.Helper()
	parts.Profile, parts.Log = c.profile, slog.New(slog.DiscardHandler)
	pages := web.New(parts)
	ctx, cancel := context.WithCancel(context.Background())
	s := &site{
		t: c.t, centre: c, url: "http://" + l.Addr().String(), client: newClient(c.t), people: new(atomic.Int64),
		cancel: cancel, streams: make(chan struct{}, 100),
	}
	s.server = &http.Server{
		BaseContext: func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			pages.ServeHTTP(w, r)
			if r.URL.Path == "/live" {
				s.streams <- struct{}{}
			}
		}),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.server.Serve(l)
	}()
	c.t.Cleanup(func() {
		cancel()
		_ = s.server.Close()
		<-done
	})
	return s
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

func (s *site) ask(method, path string) reply {
	s.t.Helper()
	return s.do(method, path, nil)
}

// do sends one request with header names and values in turn.
func (s *site) do(method, path string, body io.Reader, header ...string) reply {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(text)}
}

// page is the live page, which must be there.
func (s *site) page() string {
	s.t.Helper()
	got := s.ask(http.MethodGet, "/")
	if got.status != http.StatusOK {
		s.t.Fatalf("GET / = %d, want 200:\n%s", got.status, got.body)
	}
	return got.body
}

// event is one event of a stream.
type event struct{ name, data string }

// postFrom signs in as a proxy would pass it on for a client.
func (s *site) postFrom(client string, form url.Values) reply {
	s.t.Helper()
	return s.do(http.MethodPost, "/login", strings.NewReader(form.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "X-Forwarded-For", client)
}

// watcher reads a stream as a browser does.
type watcher struct {
	t      *testing.T
	header http.Header
	leave  context.CancelFunc
	events chan event // closed when the stream ends
}

func (s *site) watch() *watcher {
	s.t.Helper()
	return s.follow("/live")
}

func (s *site) follow(path string) *watcher {
	s.t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	w := &watcher{t: s.t, header: answer.Header, leave: leave, events: make(chan event, 1000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(w.events)
		readEvents(answer.Body, w.events)
	}()
	s.t.Cleanup(func() {
		leave()
		_ = answer.Body.Close()
		<-done
	})
	return w
}

// readEvents follows the standard: any of CR, LF and both ends a line.
func readEvents(r io.Reader, out chan<- event) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	lines.Split(splitLines)
	var now event
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "":
			now.data = strings.TrimSuffix(now.data, "\n")
			if now != (event{}) {
				out <- now
			}
			now = event{}
		case "event":
			now.name = value
		case "data":
			now.data += value + "\n"
		case "retry":
		default:
			out <- event{name: "stray field", data: lines.Text()}
		}
	}
}

func splitLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	for i, b := range data {
		switch {
		case b == '\n':
			return i + 1, data[:i], nil
		case b != '\r':
		case i+1 == len(data) && !atEOF:
			return 0, nil, nil
		case i+1 < len(data) && data[i+1] == '\n':
			return i + 2, data[:i], nil
		default:
			return i + 1, data[:i], nil
		}
	}
	return 0, nil, nil
}

// next is the next event, which must come within a time.
func (w *watcher) next(within time.Duration) event {
	w.t.Helper()
	select {
	case e, ok := <-w.events:
		if !ok {
			w.t.Fatal("the stream ended")
		}
		return e
	case <-time.After(within):
		w.t.Fatalf("no event within %v", within)
	}
	return event{}
}

// until reads on to the event that is awaited.
func (w *watcher) until(within time.Duration, what string, is func(event) bool) event {
	w.t.Helper()
	deadline := time.Now().Add(within)
	for {
		if e := w.next(time.Until(deadline)); is(e) {
			return e
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("no %s within %v", what, within)
		}
	}
}

func named(name string) func(event) bool { return func(e event) bool { return e.name == name } }

// ended waits for handlers of streams to be through.
func (s *site) ended(count int, within time.Duration) {
	s.t.Helper()
	deadline := time.After(within)
	for i := range count {
		select {
		case <-s.streams:
		case <-deadline:
			s.t.Fatalf("%d of %d streams ended within %v", i, count, within)
		}
	}
}
