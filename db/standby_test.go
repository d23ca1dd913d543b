package db_test

import (
	"errors"
	"testing"
	"time"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
)

// A commit whose wait for the standby is cancelled returns as if it held: only
// a notice tells. It must not pass for stored.
func TestCommitWithoutItsStandby(t *testing.T) {
	t.Parallel()
	c := &centre{t: t, pg: dbtest.Own(t), profile: election(t, nil)}
	c.fill(1, c.pg.DSN(cluster.Desk), c.pg.DSN(cluster.Gateway))
	super := c.pg.Open(cluster.Superuser)
	set := func(standby string) {
		t.Helper()
		for _, query := range []string{`ALTER SYSTEM SET synchronous_standby_names = '` + standby + `'`, `SELECT pg_reload_conf()`} {
			if _, err := super.ExecContext(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
	}
	set("away")
	m := c.tally(0, 145)
	done := make(chan error, 1)
	go func() {
		_, err := c.gateway.Intake(t.Context(), c.batch(m))
		done <- err
	}()
	const cancel = `SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
	for deadline := time.Now().Add(20 * time.Second); number(t, super, cancel) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("no commit waits for the standby")
		}
	}
	if err := <-done; !errors.Is(err, db.ErrUnknownOutcome) {
		t.Errorf("Intake without its standby = %v, want ErrUnknownOutcome", err)
	}
	set("")
	c.intakeUntilStored(m)
}
