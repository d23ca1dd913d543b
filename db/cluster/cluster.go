// Package cluster owns tali's private PostgreSQL: the server that tali
// initialises, starts, shares between its processes and stops when no DSN is
// configured. It knows roles and databases, but no table: the schema is db's.
//
// Invariants:
//   - one server a directory; whoever starts or stops it holds start.lock,
//     and whoever uses it holds users.lock shared, so that the last one to
//     leave stops it and a kill -9 leaves an orphan which the next one adopts;
//   - nothing listens on a network, and every connection is checked by the
//     kernel (peer) against an explicit map, never trusted;
//   - as root, nothing is written through a directory that the operating
//     system's user postgres could have prepared: only data and run are its.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The roles of a private server. All but Area may log in; only Superuser is one,
// and only Owner owns anything.
const (
	Superuser     = "postgres"
	Owner         = "tali_owner"
	Gateway       = "tali_gateway"
	Desk          = "tali_desk"
	Area          = "tali_area" // of desk pages that hold one area; nobody logs in as it
	ResultsReader = "tali_results_reader"
)

// Database is the database that Start creates, owned by Owner.
const Database = "tali"

// port only names the socket file: there is no TCP listener.
const port = "5432"

// closeTimeout covers the checkpoint of a fast shutdown on a slow disk.
const closeTimeout = 90 * time.Second

// Options says where the server lives and how it runs.
type Options struct {
	// Dir holds data, socket, locks and log. As root its parents must be
	// open to the operating system's user postgres.
	Dir string
	// Log receives starts, adoptions and stops. Nil discards them.
	Log *slog.Logger
	// Settings are added to the server's own (names as in postgresql.conf),
	// and win over them. An adopted server keeps those it was started with.
	Settings map[string]string
	// Ephemeral is for tests: a temporary directory of its own (Dir must be
	// empty), no fsync, and a server that ends with this process, even on
	// kill -9. What it held is gone afterwards.
	Ephemeral bool
}

// Server is this process's hold on a running private server.
type Server struct {
	opts  Options
	log   *slog.Logger
	paths paths
	as    account
	bin   binaries

	users *lock
	guard *guard

	mu        sync.Mutex
	socketDir string

	closeOnce sync.Once
	closeErr  error
}

// Start returns a hold on the private server in o.Dir: it initialises the
// directory when it is new, starts the server or adopts the one that runs,
// and creates the roles and the database that are missing.
func Start(ctx context.Context, o Options) (*Server, error) {
	s, err := prepare(o)
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.abandon())
	}
	return s, nil
}

func prepare(o Options) (*Server, error) {
	s := &Server{opts: o, log: o.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.as, err = serverAccount(); err != nil {
		return nil, err
	}
	dir, err := homeDir(o, s.as)
	if err != nil {
		return nil, err
	}
	s.paths = pathsIn(dir)
	return s, nil
}

// homeDir is the absolute directory of the server.
func homeDir(o Options, as account) (string, error) {
	switch {
	case o.Ephemeral && o.Dir != "":
		return "", fmt.Errorf("private PostgreSQL in %s: an ephemeral server takes no directory", o.Dir)
	case o.Ephemeral:
		return ephemeralDir(as)
	case o.Dir == "":
		return "", errors.New("private PostgreSQL: no directory given")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return "", fmt.Errorf("private PostgreSQL in %s: %w", o.Dir, err)
	}
	return dir, nil
}

// open does what Start promises, under the start lock.
func (s *Server) open(ctx context.Context) error {
	if err := s.paths.create(s.as); err != nil {
		return err
	}
	starting, err := takeLock(ctx, s.paths.startLock)
	if err != nil {
		return err
	}
	defer starting.release()
	if s.users, err = shareLock(s.paths.usersLock); err != nil {
		return err
	}
	if s.bin, err = s.binaries(); err != nil {
		return err
	}
	if s.opts.Ephemeral {
		if s.guard, err = startGuard(s.paths); err != nil {
			return err
		}
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	return s.createRoles(ctx)
}

// binaries picks a server for the data directory that is there, or the
// newest for one to be made.
func (s *Server) binaries() (binaries, error) {
	major, err := dataVersion(s.paths.data)
	if err != nil {
		return binaries{}, err
	}
	found := findBinaries(os.Getenv("PATH"), serverDirs())
	if major == 0 {
		return newest(found)
	}
	return matching(found, major, s.paths.data)
}

// run brings the server up and its configuration files up to date. The caller
// holds the start lock.
func (s *Server) run(ctx context.Context) error {
	if err := s.initialise(ctx); err != nil {
		return err
	}
	if err := s.writeAccess(); err != nil {
		return err
	}
	return s.bringUp(ctx)
}

// Ensure starts the server again if it has ended, whoever ended it. DSNs stay
// valid: the server comes back at the same socket.
func (s *Server) Ensure(ctx context.Context) error {
	starting, err := takeLock(ctx, s.paths.startLock)
	if err != nil {
		return err
	}
	defer starting.release()
	return s.run(ctx)
}

// Stop ends the server for everyone who uses it: open transactions are rolled
// back, and connections cut. The hold stays; Ensure brings the server back.
func (s *Server) Stop(ctx context.Context) error {
	starting, err := takeLock(ctx, s.paths.startLock)
	if err != nil {
		return err
	}
	defer starting.release()
	return s.shutDown(ctx)
}

// PID is the server's process id, or 0 when it does not run.
func (s *Server) PID() int {
	p := readPostmaster(s.paths.data)
	if !p.runs(s.paths.data) {
		return 0
	}
	return p.pid
}

// LogFile is where the server writes its log.
func (s *Server) LogFile() string { return s.paths.log }

// DSN is the connection string of a role for lib/pq.
func (s *Server) DSN(role, dbname string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable",
		quoteDSN(s.socketDir), port, quoteDSN(role), quoteDSN(dbname))
}

func quoteDSN(v string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
}

// Close gives up this process's hold. The last one to do so stops the server.
func (s *Server) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.leave() })
	return s.closeErr
}

func (s *Server) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	starting, err := takeLock(ctx, s.paths.startLock)
	if err != nil {
		s.users.release()
		return err
	}
	defer starting.release()
	alone, err := s.users.alone()
	if err == nil && alone {
		err = s.shutDown(ctx)
	}
	s.users.release()
	return errors.Join(err, s.discard())
}

// abandon undoes a Start that failed half-way.
func (s *Server) abandon() error {
	if s.users != nil {
		return s.Close()
	}
	return s.discard()
}

// discard removes what an ephemeral server leaves; others keep everything.
func (s *Server) discard() error {
	if s.guard != nil {
		s.guard.dismiss()
	}
	if !s.opts.Ephemeral {
		return nil
	}
	return os.RemoveAll(s.paths.dir)
}
