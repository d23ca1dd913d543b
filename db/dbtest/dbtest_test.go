package dbtest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jmoiron/sqlx"

	"tali/db/cluster"
	"tali/db/dbtest"
)

// bareBinary makes the test binary run a New without any PostgreSQL to find.
const bareBinary = "TALI_TEST_NO_MAIN"

// migrations counts how often the shared template was made.
var migrations atomic.Int64

func TestMain(m *testing.M) {
	if os.Getenv(bareBinary) != "" {
		os.Exit(m.Run())
	}
	dbtest.Main(m, migrate)
}

func migrate(ctx context.Context, ownerDSN string) error {
	migrations.Add(1)
	db, err := sqlx.Open("postgres", ownerDSN)
	if err != nil {
		return err
	}
	// Left open on purpose: a clone must not fail for it.
	_, err = db.ExecContext(ctx, `CREATE TABLE note (n int); GRANT SELECT, INSERT ON note TO tali_gateway`)
	return err
}

func count(t *testing.T, db *sqlx.DB) int {
	t.Helper()
	var n int
	if err := db.GetContext(t.Context(), &n, `SELECT count(*) FROM note`); err != nil {
		t.Fatal(err)
	}
	return n
}

func insert(t *testing.T, db *sqlx.DB) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), `INSERT INTO note VALUES (1)`); err != nil {
		t.Fatal(err)
	}
}

func TestEachTestHasItsDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "b", "c", "d"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.New(t).Open(cluster.Gateway)
			insert(t, db)
			if got := count(t, db); got != 1 {
				t.Errorf("rows = %d, want this test's 1", got)
			}
		})
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	t.Parallel()
	outer := dbtest.New(t)
	var name string
	t.Run("inner", func(t *testing.T) {
		db := dbtest.New(t).Open(cluster.Owner)
		if err := db.GetContext(t.Context(), &name, `SELECT current_database()`); err != nil {
			t.Fatal(err)
		}
	})
	var there bool
	err := outer.Open(cluster.Owner).GetContext(t.Context(), &there,
		`SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name)
	if err != nil {
		t.Fatal(err)
	}
	if there {
		t.Errorf("database %s is there after its test", name)
	}
}

func TestCutConnections(t *testing.T) {
	t.Parallel()
	pg := dbtest.New(t)
	db := pg.Open(cluster.Gateway)
	tx, err := db.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `INSERT INTO note VALUES (1)`); err != nil {
		t.Fatal(err)
	}
	if got := pg.CutConnections(); got != 1 {
		t.Errorf("CutConnections() = %d, want 1", got)
	}
	if err := tx.Commit(); err == nil {
		t.Error("a transaction committed on a cut connection")
	}
	if got := count(t, db); got != 0 {
		t.Errorf("rows after the cut = %d, want 0", got)
	}
}

func TestStopStartKill(t *testing.T) {
	t.Parallel()
	pg := dbtest.Own(t)
	db := pg.Open(cluster.Gateway)
	insert(t, db)

	pg.Stop()
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("the server answers after Stop")
	}
	pg.Start()
	insert(t, db)

	pg.Kill()
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("the server answers after Kill")
	}
	pg.Start()
	pg.Start() // of a running server: nothing
	if got := count(t, db); got != 2 {
		t.Errorf("rows after Stop, Kill and Start = %d, want 2", got)
	}
}

func TestOwnServerLeavesTheSharedOneAlone(t *testing.T) {
	t.Parallel()
	shared := dbtest.New(t).Open(cluster.Gateway)
	insert(t, shared)
	own := dbtest.Own(t)
	own.Kill()
	if got := count(t, shared); got != 1 {
		t.Errorf("rows on the shared server = %d, want 1", got)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, run, env, want string }{
		{"no Main", "TestHelperNew", bareBinary + "=1", "TestMain must call dbtest.Main"},
		{"stopping the shared server", "TestHelperStop", helper + "=1", "dbtest.Own, not dbtest.New"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^"+tc.run+"$")
			cmd.Env = append(os.Environ(), helper+"=1", tc.env)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), tc.want) {
				t.Errorf("error %v, output %s; want a failure with %q", err, out, tc.want)
			}
		})
	}
}

// helper marks a run of this binary by TestMistakesAreNamed.
const helper = "TALI_TEST_HELPER"

func TestHelperNew(t *testing.T) {
	if os.Getenv(helper) == "" {
		return
	}
	dbtest.New(t)
}

func TestHelperStop(t *testing.T) {
	if os.Getenv(helper) == "" {
		return
	}
	dbtest.New(t).Stop()
}
