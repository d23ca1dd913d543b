package gateway_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// relay is the line between a gateway and the centre, as a Unix socket of its
// own: it can be cut, go deaf, or swallow the answer to a COMMIT.
type relay struct {
	dir      string
	upstream string
	listener net.Listener
	serving  sync.WaitGroup

	mu     sync.Mutex
	lines  map[*relayed]bool
	state  relayState
	spoil  []spoiling // of the next commits
	spoilt map[spoiling]int
}

// relayState is what becomes of connections.
type relayState int

const (
	relayPasses relayState = iota
	relayRefuses
	relayDeaf // takes everything and answers nothing
)

// spoiling is what becomes of one commit: its outcome is unknown either way.
type spoiling string

const (
	commitLost     spoiling = "commit lost"                 // the server never heard of it
	commitUnheard  spoiling = "commit unheard"              // it holds, and nobody was told
	postgresSocket          = ".s.PGSQL.5432"               // as in every DSN of a private server
	commitMessage           = "Q\x00\x00\x00\x0bCOMMIT\x00" // lib/pq commits by a simple query
)

func newRelay(t *testing.T, socketDir string) *relay {
	t.Helper()
	dir, err := os.MkdirTemp("", "tali-line-") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	l := &relay{
		dir: dir, upstream: filepath.Join(socketDir, postgresSocket),
		lines: make(map[*relayed]bool), spoilt: make(map[spoiling]int),
	}
	if l.listener, err = net.Listen("unix", filepath.Join(dir, postgresSocket)); err != nil {
		t.Fatal(err)
	}
	l.serving.Go(l.accept)
	t.Cleanup(func() {
		_ = l.listener.Close() // accept returns
		l.cut()
		l.serving.Wait()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return l
}

func (l *relay) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.serving.Go(func() { l.serve(client) })
	}
}

func (l *relay) serve(client net.Conn) {
	line := &relayed{relay: l, client: client}
	defer line.close()
	if l.is(relayRefuses) {
		return
	}
	server, err := net.Dial("unix", l.upstream)
	if err != nil {
		return // the centre is stopped
	}
	line.server = server
	l.mu.Lock()
	l.lines[line] = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.lines, line)
		l.mu.Unlock()
	}()
	var back sync.WaitGroup
	back.Go(line.answers)
	line.asks()
	line.close()
	back.Wait()
}

func (l *relay) is(s relayState) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == s
}

// set changes what becomes of everything from now on; lines that were deaf
// stay useless, as they would.
func (l *relay) set(s relayState) {
	l.mu.Lock()
	was := l.state
	l.state = s
	l.mu.Unlock()
	if was == relayDeaf || s == relayRefuses {
		l.cut()
	}
}

// cut ends every line at once and returns how many there were.
func (l *relay) cut() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range l.lines {
		line.close()
	}
	return len(l.lines)
}

// spoilNext has the outcome of a commit unknown.
func (l *relay) spoilNext(s spoiling) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spoil = append(l.spoil, s)
}

func (l *relay) takeSpoiling() (spoiling, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.spoil) == 0 {
		return "", false
	}
	s := l.spoil[0]
	l.spoil = l.spoil[1:]
	l.spoilt[s]++
	return s, true
}

// spoiled counts the commits whose outcome nobody was told.
func (l *relay) spoiled() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, times := range l.spoilt {
		n += times
	}
	return n
}

// relayed is one connection through the relay.
type relayed struct {
	relay          *relay
	client, server net.Conn

	mu      sync.Mutex
	unheard bool // what the server says next is its word on a commit: drop it
	closed  bool
}

func (r *relayed) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	_ = r.client.Close() // whoever reads hears the end
	if r.server != nil {
		_ = r.server.Close()
	}
}

// asks passes on what the client says.
func (r *relayed) asks() {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.client.Read(buf)
		if err != nil || !r.pass(buf[:n]) {
			return
		}
	}
}

func (r *relayed) pass(chunk []byte) bool {
	if r.relay.is(relayDeaf) {
		return true
	}
	if bytes.Contains(chunk, []byte(commitMessage)) {
		switch s, ok := r.relay.takeSpoiling(); {
		case ok && s == commitLost:
			return false
		case ok:
			r.mu.Lock()
			r.unheard = true
			r.mu.Unlock()
		}
	}
	_, err := r.server.Write(chunk)
	return err == nil
}

// answers passes on what the server says.
func (r *relayed) answers() {
	defer r.close()
	buf := make([]byte, 64<<10)
	for {
		n, err := r.server.Read(buf)
		if n > 0 && !r.passBack(buf[:n]) {
			return
		}
		if err == io.EOF || err != nil {
			return
		}
	}
}

func (r *relayed) passBack(chunk []byte) bool {
	r.mu.Lock()
	unheard := r.unheard
	r.mu.Unlock()
	if unheard {
		return false
	}
	if r.relay.is(relayDeaf) {
		return true
	}
	_, err := r.client.Write(chunk)
	return err == nil
}
