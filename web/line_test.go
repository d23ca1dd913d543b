package web_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
)

// line is the way to the centre with a tap that can be closed: nothing passes
// then and nobody is told, as when a cable is cut far away.
type line struct {
	dir    string
	target string
	asked  atomic.Int64 // what was said to the server, in pieces

	mu     sync.Mutex
	open   *sync.Cond
	frozen bool
	ended  bool
	conns  []net.Conn
	copies sync.WaitGroup
}

// newLine listens beside the server's socket; dsn names it.
func newLine(t *testing.T, dsn string) (*line, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "line") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	host := regexp.MustCompile(`host='([^']*)' port='?(\d+)'?`).FindStringSubmatch(dsn)
	if host == nil {
		t.Fatalf("no host and port in %q", dsn)
	}
	socket := ".s.PGSQL." + host[2]
	l := &line{dir: dir, target: filepath.Join(host[1], socket)}
	l.open = sync.NewCond(&l.mu)
	listener, err := net.Listen("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	l.copies.Go(func() { l.accept(listener) })
	t.Cleanup(func() {
		_ = listener.Close()
		l.end()
		l.copies.Wait()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return l, regexp.MustCompile(`host='[^']*'`).ReplaceAllLiteralString(dsn, "host='"+dir+"'")
}

func (l *line) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", l.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		l.mu.Lock()
		l.conns = append(l.conns, client, server)
		l.mu.Unlock()
		l.copies.Go(func() { l.copy(server, client, &l.asked) })
		l.copies.Go(func() { l.copy(client, server, new(atomic.Int64)) })
	}
}

func (l *line) copy(to, from net.Conn, count *atomic.Int64) {
	defer to.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		l.mu.Lock()
		for l.frozen && !l.ended {
			l.open.Wait()
		}
		l.mu.Unlock()
		if _, werr := to.Write(buffer[:n]); err != nil || werr != nil {
			return
		}
		count.Add(1)
	}
}

func (l *line) freeze(frozen bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = frozen
	l.open.Broadcast()
}

func (l *line) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.open.Broadcast()
	for _, c := range l.conns {
		_ = c.Close()
	}
}
