package web_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/verify"
)

// patience is for what is soon: a machine that runs other tests beside may be
// slow.
const patience = 10 * time.Second

// slowly is for what comes after a picture that rests because it was slow to
// draw, as every picture is on a machine that runs other tests beside.
const slowly = 6 * patience

func TestStreamDeliversAChange(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 2)
	w := serve(c).watch()
	if recent := w.until(patience, "the newest SMS", named("recent")); !strings.Contains(recent.data, "Belum ada SMS.") {
		t.Fatalf("the first board has %q", recent.data)
	}
	if at := w.until(patience, "time of the board", named("at")); !strings.HasSuffix(at.data, " WITA") {
		t.Fatalf("after the board comes %v, want its time", at)
	}
	c.take(phone(0), c.tally(0, 120, 80, 4), verify.OutcomeAccepted)
	// A picture drawn while the report was committed may show its SMS and not yet
	// its station; the next one does.
	w.until(slowly, "count with the report", func(e event) bool {
		return e.name == "count" && strings.Contains(e.data, "1 dari 2 TPS melapor")
	})
	w.until(patience, "time", named("at"))
	counts := 0
	for range 3 { // nothing happens: nothing but the time is sent
		if w.next(patience).name == "count" {
			counts++
		}
	}
	if counts > 1 {
		t.Errorf("the count was sent %d times in three seconds without a change", counts)
	}
}

// TestWatchersShareOnePicture: fifty watchers ask the centre no more than one.
func TestWatchersShareOnePicture(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	l, dsn := newLine(t, c.pg.DSN(cluster.Desk))
	s := serveOn(c, open(t, dsn))
	const pictures = 3
	asked := func(watchers []*watcher) int64 {
		for _, w := range watchers {
			w.until(patience, "time", named("at"))
		}
		before := l.asked.Load()
		for range pictures {
			for _, w := range watchers {
				w.until(patience, "time", named("at"))
			}
		}
		return l.asked.Load() - before
	}
	one := asked([]*watcher{s.watch()})
	many := make([]*watcher, 50)
	for i := range many {
		many[i] = s.watch()
	}
	// Each watcher has its own session looked up now and then, in a few pieces.
	if all := asked(many); all > 3*one+int64(5*len(many)) {
		t.Errorf("50 watchers asked the centre %d times, one watcher %d times", all, one)
	}
	if l.asked.Load() == 0 {
		t.Error("nothing was asked: the line does not count")
	}
}

func TestWatcherLeaves(t *testing.T) {
	t.Parallel()
	s := serve(newCentre(t, dbtest.New(t), 1))
	w := s.watch()
	w.until(patience, "time", named("at"))
	w.leave()
	s.ended(1, time.Second)
}

func TestShutdownEndsStreams(t *testing.T) {
	t.Parallel()
	s := serve(newCentre(t, dbtest.New(t), 1))
	for range 5 {
		s.watch().until(patience, "time", named("at"))
	}
	s.cancel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	s.ended(5, time.Second)
}

// TestSlowWatcher: a watcher who reads nothing loses the stream, and nobody
// waits for him.
func TestSlowWatcher(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	pipes := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	cookie := serve(c).cookie()
	s := start(c, open(t, c.pg.DSN(cluster.Desk)), pipes)
	client, server := net.Pipe() // holds no byte: the first write waits for a reader
	pipes.conns <- server
	request := "GET /live HTTP/1.1\r\nHost: tali\r\nCookie: " + cookie + "\r\n\r\n"
	if _, err := client.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	s.ended(1, 5*time.Second+patience)
}

// pipeListener accepts what it is handed.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipeListener) Close() error { close(p.done); return nil }

func (p *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// TestCentreAway: the page says so, streams stay, and both come back alone.
func TestCentreAway(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.Own(t), 1)
	s := serve(c)
	w := s.watch()
	w.until(patience, "time", named("at"))
	c.pg.Stop()
	if e := w.until(slowly, "word that the centre is away", named("away")); e.data != "Basis data pusat sedang tidak terjangkau." {
		t.Errorf("away = %q", e.data)
	}
	got := s.ask(http.MethodGet, "/")
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "5" {
		t.Errorf("GET / = %d, Retry-After %q, want 503 and 5", got.status, got.header.Get("Retry-After"))
	}
	if got.header.Get("Refresh") != "5" {
		t.Error("the page does not come back by itself")
	}
	for _, want := range []string{"Basis data pusat tidak terjangkau", "SMS tetap diterima gateway"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	c.pg.Start()
	w.until(slowly, "time after the outage", named("at"))
	s.page()
}

// TestElectionIsNotOpen: the centre answers, but there is nothing to show yet.
func TestElectionIsNotOpen(t *testing.T) {
	t.Parallel()
	c := &centre{t: t, pg: dbtest.New(t), profile: election(t)}
	got := serve(c).ask(http.MethodGet, "/")
	if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "belum dapat dibaca") {
		t.Errorf("GET / = %d, want 503 with the reason:\n%s", got.status, got.body)
	}
}

// TestCentreHangs: a line that is dead and does not say so holds nobody, not
// even the end of the server.
func TestCentreHangs(t *testing.T) {
	t.Parallel()
	c := newCentre(t, dbtest.New(t), 1)
	l, dsn := newLine(t, c.pg.DSN(cluster.Desk))
	s := serveOn(c, open(t, dsn))
	w := s.watch()
	w.until(patience, "time", named("at"))
	l.freeze(true)
	w.until(slowly, "word that the centre hangs", named("away"))
	if got := s.ask(http.MethodGet, "/"); got.status != http.StatusServiceUnavailable {
		t.Errorf("GET / = %d, want 503", got.status)
	}
	l.freeze(false)
	w.until(slowly, "time after the hang", named("at"))
	s.page()
	l.freeze(true)
	s.watch()
	s.cancel()
	s.ended(2, time.Second)
}
