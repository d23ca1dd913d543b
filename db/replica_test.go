package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"tali/db"
	"tali/db/cluster"
)

// logical is a server of the test's own that can publish and subscribe, with an
// empty database and a pool on it as superuser.
func logical(t *testing.T) (server *cluster.Server, pool *sqlx.DB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	server, err := cluster.Start(ctx, cluster.Options{Ephemeral: true, Settings: map[string]string{
		"wal_level": "logical", "wal_retrieve_retry_interval": "100ms", "max_connections": "50",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("closing a server: %v", err)
		}
	})
	pool, err = sqlx.Open("postgres", server.DSN(cluster.Superuser, cluster.Database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return server, pool
}

// copyTables makes the tables of the interface on a subscriber, as docs/results.md says.
func copyTables(t *testing.T, from, to string) {
	t.Helper()
	tools, err := cluster.FindTools(15)
	if err != nil {
		t.Skip(err)
	}
	dump := filepath.Join(t.TempDir(), "tables.dump")
	list := filepath.Join(t.TempDir(), "tables.list")
	run := func(dsn, tool string, args ...string) []byte {
		t.Helper()
		cmd, err := tools.Command(t.Context(), tool, dsn, args...)
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.Output()
		if err != nil {
			var failed *exec.ExitError
			errors.As(err, &failed)
			t.Fatalf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, failed.Stderr)
		}
		return out
	}
	run(from, "pg_dump", "-Fc", "--schema-only", "--no-owner", "--no-privileges", "--no-publications",
		"-t", "results.change_feed", "-t", "results.station_result", "-t", "results.area_total", "-f", dump)
	var kept []string
	for line := range strings.Lines(string(run(to, "pg_restore", "--list", dump))) {
		if !strings.Contains(line, " TRIGGER ") {
			kept = append(kept, line)
		}
	}
	if err := os.WriteFile(list, []byte(strings.Join(kept, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	run(to, "psql", "-c", "CREATE SCHEMA results")
	run(to, "pg_restore", "--exit-on-error", "--no-owner", "-L", list, "-d", cluster.Database, dump)
}

func must(t *testing.T, pool *sqlx.DB, query string) {
	t.Helper()
	if _, err := pool.ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// awaitNumber waits until a query on the subscriber gives a number.
func awaitNumber(t *testing.T, pool *sqlx.DB, query string, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for got := 0; ; {
		if err := pool.GetContext(ctx, &got, query); err == nil && got == want {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s = %d on the subscriber, want %d", query, got, want)
		}
	}
}

// A second PostgreSQL subscribes, receives what is confirmed, and what came while
// its line was cut and while it was down.
func TestSubscriberSurvivesACut(t *testing.T) {
	t.Parallel()
	centreServer, publisher := logical(t)
	other, subscriber := logical(t)
	if err := db.Migrate(t.Context(), centreServer.DSN(cluster.Owner, cluster.Database)); err != nil {
		t.Fatal(err)
	}
	copyTables(t, centreServer.DSN(cluster.Superuser, cluster.Database), other.DSN(cluster.Superuser, cluster.Database))
	c := &centre{t: t, profile: election(t, nil)}
	c.fill(4, centreServer.DSN(cluster.Desk, cluster.Database), centreServer.DSN(cluster.Gateway, cluster.Database))
	must(t, publisher, staffRows)
	confirm := func(station int) {
		t.Helper()
		c.intake(c.plain(station, 140+station))
		n := db.Decision{Case: c.caseKey(station), Revision: 1, Version: 1, Act: "confirm", Staff: "ani"}
		if _, err := c.desk.Decide(t.Context(), c.profile, n); err != nil {
			t.Fatal(err)
		}
		c.project()
	}
	confirm(0)
	// With its default, asynchronous commits, a subscriber whose line is cut and
	// which is killed soon after tells the centre to forget what it has not kept.
	must(t, subscriber, fmt.Sprintf(`CREATE SUBSCRIPTION hasil CONNECTION %s PUBLICATION tali_results WITH (synchronous_commit = on)`,
		pq.QuoteLiteral(centreServer.DSN(cluster.Superuser, cluster.Database)+" application_name=hasil")))
	t.Cleanup(func() { // a slot without a subscriber would keep a server from ending
		_, _ = subscriber.Exec(`DROP SUBSCRIPTION hasil`)
	})
	const events, sum = `SELECT count(*) FROM results.change_feed`, `SELECT coalesce(max(suara_paslon[1]), 0) FROM results.area_total WHERE kode_wilayah = '7108'`
	awaitNumber(t, subscriber, events, 1) // the copy of what was there
	// Until every table is copied, each catches up on its own.
	awaitNumber(t, subscriber, `SELECT count(*) FROM pg_subscription_rel WHERE srsubstate = 'r'`, 3)
	confirm(1)
	awaitNumber(t, subscriber, sum, 140+141)
	const cut = `SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_replication WHERE application_name = 'hasil'`
	if n := number(t, publisher, cut); n < 1 {
		t.Errorf("%d lines of the subscriber were cut", n)
	}
	confirm(2)
	awaitNumber(t, subscriber, sum, 140+141+142)
	if err := other.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	confirm(3)
	if err := other.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitNumber(t, subscriber, sum, 140+141+142+143)
	if n := number(t, subscriber, `SELECT max(urutan) * 100 + count(*) FROM results.change_feed`); n != 404 {
		t.Errorf("highest event and number of events = %d, want 404", n)
	}
}

// Whoever listens is woken once the rows can be read.
func TestNotifyAfterCommit(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.project()
	heard := pq.NewListener(c.pg.DSN(cluster.ResultsReader), time.Second, time.Second, nil)
	t.Cleanup(func() { _ = heard.Close() })
	if err := heard.Listen("tali_results"); err != nil {
		t.Fatal(err)
	}
	c.intake(c.plain(0, 145))
	c.confirm(0, 1, "ani")
	c.project()
	select {
	case n := <-heard.Notify:
		if n == nil || strings.TrimSpace(n.Extra) != "1" {
			t.Errorf("notification = %+v, want event 1", n)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was heard")
	}
	if n := number(t, c.pg.Open(cluster.ResultsReader), `SELECT count(*) FROM results.change_feed`); n != 1 {
		t.Errorf("events = %d, want 1", n)
	}
}
