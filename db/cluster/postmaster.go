package cluster

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lib/pq"
)

const (
	// poll is how often a starting or stopping server is looked at.
	poll = 10 * time.Millisecond
	// startTimeout covers crash recovery of max_wal_size on a slow disk.
	startTimeout = 5 * time.Minute
	// fastTimeout is how long a fast shutdown may take before an immediate
	// one, which costs a crash recovery at the next start but no commit.
	fastTimeout = 60 * time.Second
	// lingerTimeout is how long backends of a killed server may take to
	// notice; a new one must not start beside them.
	lingerTimeout = 15 * time.Second
)

// child is a server that this process started. It is waited for as long as
// this process lives, lest its zombie look alive to others, and may outlive
// it: others use it too.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait, once done is closed
}

func (c *child) alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// end stops a server that is not up yet: it may not have written its pid file.
func (c *child) end() error {
	err := c.cmd.Process.Signal(syscall.SIGINT)
	if err == nil || errors.Is(err, os.ErrProcessDone) {
		<-c.done
		return nil
	}
	return err
}

// postmaster is what a server wrote about itself into postmaster.pid.
type postmaster struct {
	pid       int
	socketDir string
	ready     bool
}

// readPostmaster reads the pid file; zero when there is none or it is being
// written. Lines: pid, data directory, start time, port, socket directory, TCP address, shared memory, status.
func readPostmaster(data string) postmaster {
	raw, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return postmaster{}
	}
	lines := strings.Split(string(raw), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 1 {
		return postmaster{}
	}
	p := postmaster{pid: pid}
	if len(lines) > 4 {
		p.socketDir = strings.TrimSpace(lines[4])
	}
	p.ready = len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
	return p
}

// runs says whether the process is alive and a server of this directory: pids
// are used again after a crash or in a new container. A server's working
// directory is its data directory; a zombie has none.
func (p postmaster) runs(data string) bool {
	if p.pid == 0 {
		return false
	}
	if _, err := os.Stat("/proc/self/cwd"); err != nil { // no procfs: believe the pid
		return !errors.Is(syscall.Kill(p.pid, 0), syscall.ESRCH)
	}
	return worksIn("/proc/"+strconv.Itoa(p.pid), data)
}

func worksIn(proc, data string) bool {
	name, err := os.ReadFile(filepath.Join(proc, "comm"))
	if err != nil || !strings.HasPrefix(string(name), "post") { // postgres or postmaster, not a shell
		return false
	}
	cwd, err := os.Stat(filepath.Join(proc, "cwd"))
	if err != nil {
		return false
	}
	dir, err := os.Stat(data)
	return err == nil && os.SameFile(cwd, dir)
}

// bringUp adopts the server that runs or starts one, and returns when it
// takes connections. The caller holds the start lock.
func (s *Server) bringUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if p := readPostmaster(s.paths.data); p.runs(s.paths.data) {
			err := s.adopt(ctx, p)
			if err == nil || !errors.Is(err, errGone) {
				return err
			}
			continue
		}
		if err := s.clearStale(ctx); err != nil {
			return err
		}
		return s.launch(ctx)
	}
}

// errGone says that a server ended while we waited for it.
var errGone = errors.New("server ended")

// adopt waits for a running server to take connections.
func (s *Server) adopt(ctx context.Context, p postmaster) error {
	for p.socketDir == "" { // written a moment after the pid
		if err := pause(ctx, poll); err != nil {
			return fmt.Errorf("waiting for private PostgreSQL %d: %w", p.pid, err)
		}
		next := readPostmaster(s.paths.data)
		if next.pid != p.pid || !next.runs(s.paths.data) {
			return errGone
		}
		p = next
	}
	alive := func() bool { return p.runs(s.paths.data) }
	if err := s.awaitReady(ctx, p.socketDir, alive); err != nil {
		return err
	}
	s.log.Debug("private PostgreSQL found running", "pid", p.pid)
	return nil
}

// clearStale removes the pid file of a server that is no more. PostgreSQL
// does so itself unless the pid has a new owner. Backends that outlived their
// server hold its files: they must be gone first.
func (s *Server) clearStale(ctx context.Context) error {
	pidFile := filepath.Join(s.paths.data, "postmaster.pid")
	if _, err := os.Stat(pidFile); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lingerTimeout)
	defer cancel()
	for anyWorksIn(s.paths.data) {
		if err := pause(ctx, poll); err != nil {
			return fmt.Errorf("processes of a killed PostgreSQL still work in %s: %w", s.paths.data, err)
		}
	}
	s.log.Warn("private PostgreSQL was not stopped properly, recovering", "dir", s.paths.data)
	if err := os.Remove(pidFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing a stale pid file: %w", err)
	}
	return nil
}

func anyWorksIn(data string) bool {
	procs, _ := filepath.Glob("/proc/[0-9]*") // only a malformed pattern fails
	for _, proc := range procs {
		if worksIn(proc, data) {
			return true
		}
	}
	return false
}

// launch starts a server as a direct child: no pg_ctl between us and its
// exit status.
func (s *Server) launch(ctx context.Context) error {
	socketDir, err := s.paths.makeSocketDir(s.as)
	if err != nil {
		return err
	}
	log, err := s.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	offset, err := log.Seek(0, 2)
	if err != nil {
		return fmt.Errorf("reading the server's log: %w", err)
	}
	args := []string{"-D", s.paths.data}
	for name, value := range s.settings(socketDir) {
		args = append(args, "-c", name+"="+value)
	}
	cmd := exec.Command(s.bin.path("postgres"), args...) // outlives ctx: others may use it
	s.as.own(cmd)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting private PostgreSQL: %w", err)
	}
	c := &child{cmd: cmd, done: make(chan struct{})}
	go func() { c.err = cmd.Wait(); close(c.done) }()

	err = s.awaitReady(ctx, socketDir, c.alive)
	if errors.Is(err, errGone) {
		return fmt.Errorf("private PostgreSQL in %s did not start: %w: %s", s.paths.dir, c.err, s.logTail(offset))
	}
	if err != nil {
		return errors.Join(err, c.end())
	}
	s.log.Info("private PostgreSQL started", "pid", cmd.Process.Pid, "dir", s.paths.dir)
	return nil
}

// awaitReady waits until the server at the socket takes connections, and
// keeps the socket's directory for DSNs.
func (s *Server) awaitReady(ctx context.Context, socketDir string, alive func() bool) error {
	s.mu.Lock()
	s.socketDir = socketDir
	s.mu.Unlock()
	db, err := s.connect(Superuser, "postgres")
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		if !alive() {
			return errGone
		}
		if errors.Is(err, syscall.ENOENT) && readPostmaster(s.paths.data).ready {
			return fmt.Errorf("the socket of private PostgreSQL %d in %s was removed: stop that process, then start tali again",
				s.PID(), socketDir)
		}
		if refused(err) {
			return fmt.Errorf("connecting to private PostgreSQL: %w", err)
		}
		if waited := pause(ctx, poll); waited != nil {
			return fmt.Errorf("waiting for private PostgreSQL: %w (last: %w)", waited, err)
		}
	}
}

// refused says whether waiting cannot help: the server answered, and not that
// it is starting or stopping (57P03) or full (53300).
func refused(err error) bool {
	var answer *pq.Error
	if !errors.As(err, &answer) {
		return false
	}
	return answer.Code != "57P03" && answer.Code != "53300"
}

func (s *Server) connect(role, dbname string) (*sql.DB, error) {
	connector, err := pq.NewConnector(s.DSN(role, dbname))
	if err != nil {
		return nil, fmt.Errorf("connecting to private PostgreSQL: %w", err)
	}
	return sql.OpenDB(connector), nil
}

// shutDown stops the server and waits for its end. The caller holds the start
// lock.
func (s *Server) shutDown(ctx context.Context) error {
	p := readPostmaster(s.paths.data)
	if !p.runs(s.paths.data) {
		return nil
	}
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGINT, fastTimeout}, {syscall.SIGQUIT, fastTimeout}} {
		if err := syscall.Kill(p.pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stopping private PostgreSQL %d: %w", p.pid, err)
		}
		if err := s.awaitEnd(ctx, p, step.wait); err == nil {
			s.log.Info("private PostgreSQL stopped", "pid", p.pid)
			return nil
		}
	}
	return fmt.Errorf("private PostgreSQL %d does not stop: see %s", p.pid, s.paths.log)
}

func (s *Server) awaitEnd(ctx context.Context, p postmaster, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for p.runs(s.paths.data) {
		if err := pause(ctx, poll); err != nil {
			return err
		}
	}
	return nil
}

// Kill ends the server with SIGKILL, as the out-of-memory killer does, and
// waits until its backends have noticed too: until then they still answer.
// It is for fault tests; Ensure recovers the server.
func (s *Server) Kill(ctx context.Context) error {
	if pid := s.PID(); pid != 0 {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("killing private PostgreSQL %d: %w", pid, err)
		}
	}
	for anyWorksIn(s.paths.data) {
		if err := pause(ctx, poll); err != nil {
			return fmt.Errorf("waiting for the end of a killed PostgreSQL in %s: %w", s.paths.data, err)
		}
	}
	return nil
}
