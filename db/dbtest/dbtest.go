// Package dbtest gives tests a real PostgreSQL: one ephemeral private server
// for a test binary, started at the first need, and a database a test, cloned
// from a template that was migrated once. It knows no schema: the caller says
// how to migrate.
//
//	func TestMain(m *testing.M) { dbtest.Main(m, db.Migrate) }
//
//	func TestSaveInbound(t *testing.T) {
//		t.Parallel()
//		pg := dbtest.New(t)
//		gateway := pg.Open(cluster.Gateway)
//		...
//	}
//
// A machine without PostgreSQL fails the test with the line that says what to
// install; nothing is skipped. The server ends with the test binary, however
// that ends.
package dbtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"tali/db/cluster"
)

// template is the migrated database that tests get clones of.
const template = "tali_template"

// timeout is for one step on the server; a machine that runs other tests
// beside may be slow.
const timeout = 2 * time.Minute

// Migrate brings an empty database, reached as its owner, to the schema under
// test. Nil leaves it empty.
type Migrate func(ctx context.Context, ownerDSN string) error

// suite is what the tests of one binary share.
type suite struct {
	migrate Migrate
	server  func() (*cluster.Server, error) // starts it once
	started atomic.Pointer[cluster.Server]
	numbers atomic.Int64
}

// current is the suite of this test binary: set by Main before any test runs.
// testing.M hands nothing on to the tests.
var current *suite

// Main runs the tests of a package, stops the server and exits. Its place is
// TestMain.
func Main(m *testing.M, migrate Migrate) {
	s := &suite{migrate: migrate}
	s.server = sync.OnceValues(s.start)
	current = s
	code := m.Run()
	if server := s.started.Load(); server != nil {
		if err := server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "dbtest:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

func (s *suite) start() (*cluster.Server, error) {
	server, err := startMigrated(s.migrate)
	if err == nil {
		s.started.Store(server)
	}
	return server, err
}

// startMigrated starts an ephemeral server and makes the template in it.
func startMigrated(migrate Migrate) (*cluster.Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	server, err := cluster.Start(ctx, cluster.Options{Ephemeral: true})
	if err != nil {
		return nil, err
	}
	if err := makeTemplate(ctx, server, migrate); err != nil {
		return nil, fmt.Errorf("%w (closing: %v)", err, server.Close())
	}
	return server, nil
}

func makeTemplate(ctx context.Context, server *cluster.Server, migrate Migrate) error {
	if err := server.CreateDatabase(ctx, template, "template0"); err != nil {
		return err
	}
	if migrate != nil {
		if err := migrate(ctx, server.DSN(cluster.Owner, template)); err != nil {
			return fmt.Errorf("migrating the template database: %w", err)
		}
	}
	// A connection that migrate left open would make every clone fail.
	return superuser(ctx, server,
		`ALTER DATABASE `+template+` ALLOW_CONNECTIONS false`,
		`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '`+template+`'`)
}

// superuser runs statements, each on its own (CREATE DATABASE and the like
// refuse to share), outside the tests' databases.
func superuser(ctx context.Context, server *cluster.Server, statements ...string) error {
	db, err := sqlx.Open("postgres", server.DSN(cluster.Superuser, "postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// DB is one test's database.
type DB struct {
	t      testing.TB
	server *cluster.Server
	name   string
	own    bool
}

// New clones a migrated database for this test, on the server that all tests
// of the binary share, and drops it when the test ends.
func New(t testing.TB) *DB {
	t.Helper()
	s := mustSuite(t)
	server, err := s.server()
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	d := &DB{t: t, server: server, name: fmt.Sprintf("test_%d", s.numbers.Add(1))}
	d.clone()
	t.Cleanup(d.drop)
	return d
}

// Own is New with a server of the test's own, for tests that stop it. It
// costs a second.
func Own(t testing.TB) *DB {
	t.Helper()
	server, err := startMigrated(mustSuite(t).migrate)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	d := &DB{t: t, server: server, name: "test", own: true}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	d.clone()
	return d
}

func mustSuite(t testing.TB) *suite {
	t.Helper()
	if current == nil {
		t.Fatal("dbtest: TestMain must call dbtest.Main")
	}
	return current
}

func (d *DB) clone() {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := d.server.CreateDatabase(ctx, d.name, template); err != nil {
		d.t.Fatalf("dbtest: %v", err)
	}
}

// drop removes the database under whatever is still connected.
func (d *DB) drop() {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := superuser(ctx, d.server, `DROP DATABASE `+d.name+` WITH (FORCE)`); err != nil {
		d.t.Errorf("dbtest: %v", err)
	}
}

// DSN is the connection string of a role (see package cluster) for the test's
// database.
func (d *DB) DSN(role string) string { return d.server.DSN(role, d.name) }

// Open is a pool on the test's database as a role, closed when the test ends.
func (d *DB) Open(role string) *sqlx.DB {
	d.t.Helper()
	db, err := sqlx.Open("postgres", d.DSN(role))
	if err != nil {
		d.t.Fatalf("dbtest: %v", err)
	}
	d.t.Cleanup(func() { _ = db.Close() }) // the server may have been killed under it
	return db
}

// CutConnections ends every connection to the test's database, as a failover
// or a cut line does, and returns how many there were. They are gone when it
// returns; new ones are let in.
func (d *DB) CutConnections() int {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	db, err := sqlx.Open("postgres", d.server.DSN(cluster.Superuser, "postgres"))
	if err != nil {
		d.t.Fatalf("dbtest: %v", err)
	}
	defer db.Close()
	var cut int
	err = db.GetContext(ctx, &cut, `SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 10000))
		FROM pg_stat_activity WHERE datname = `+pq.QuoteLiteral(d.name))
	if err != nil {
		d.t.Fatalf("dbtest: cutting connections: %v", err)
	}
	return cut
}
