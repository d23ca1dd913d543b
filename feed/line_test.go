package feed_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tali/db/cluster"
)

// readers are the states of the feed's connections to the database.
const readers = `
SELECT coalesce(string_agg(DISTINCT CASE WHEN state = 'idle' THEN 'idle' ELSE 'busy' END, ' '), '') FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'tali feed'`

// awaitReader waits until all connections of the feed are in one state.
func (s *site) awaitReader(want string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	pool := s.pg.Open(cluster.Superuser)
	defer pool.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for got := ""; ; {
		if err := pool.GetContext(ctx, &got, readers); err == nil && got == want {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("connections of the feed are %q, want %q", got, want)
		}
	}
}

// slow opens a line of its own with a small window, asks for everything and
// reads only the first bytes.
func (s *site) slow(path string) net.Conn {
	s.t.Helper()
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: tali\r\nAuthorization: Bearer %s\r\n\r\n", path, s.token)
	first := make([]byte, 12)
	if _, err := io.ReadFull(conn, first); err != nil || string(first) != "HTTP/1.1 200" {
		s.t.Fatalf("%q, %v", first, err)
	}
	return conn
}

const everything = "/v1/stations?limit=10000"

// A consumer that vanishes in the middle frees the connection to the database.
func TestConsumerVanishes(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 10_000, buffer: 4096, stall: time.Hour})
	conn := s.slow(everything)
	s.awaitReader("busy")
	began := time.Now()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	s.awaitReader("idle")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the connection was held for %v", took)
	}
	if p := s.page(everything); len(p.Data) != 10_000 {
		t.Errorf("the next consumer gets %d rows", len(p.Data))
	}
}

// A consumer that is there and reads nothing is given up, and sees that it has not
// got everything.
func TestSlowConsumer(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 10_000, buffer: 4096, stall: 300 * time.Millisecond})
	conn := s.slow(everything)
	s.awaitReader("busy")
	s.awaitReader("idle")
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(bufio.NewReader(conn))
	if strings.HasSuffix(string(rest), "0\r\n\r\n") {
		t.Errorf("an answer that was cut looks whole (%d bytes, %v)", len(rest), err)
	}
}

// A consumer that waits and leaves is not waited for.
func TestWaiterVanishes(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 1})
	for range 20 { // more than one may have at a time
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/v1/changes?after=1&wait=30", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.token)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if response, err := http.DefaultClient.Do(r); err == nil {
				response.Body.Close()
			}
		}()
		s.awaitReader("idle")
		cancel()
		<-ended
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.request("GET", "/v1/stations").StatusCode == http.StatusOK {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("consumers that left are still counted")
		}
	}
}
