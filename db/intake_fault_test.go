package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tali/db"
)

func TestPoisonStandsAlone(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 8)
	var messages []db.Inbound
	for i := range 8 {
		messages = append(messages, c.tally(i, 145))
	}
	messages[2] = inbound(phone(2), "PILBUP \x00 halo")
	messages[5] = inbound(phone(5), "halo")
	messages[5].Kind = "telex"
	got := c.intake(messages...)
	if want := "accepted accepted damaged accepted accepted damaged accepted accepted"; outcomes(got) != want {
		t.Errorf("outcomes = %q, want %q", outcomes(got), want)
	}
	if got, want := got[2].Reason, "sqlstate_22021"; got != want {
		t.Errorf("reason = %q, want %q", got, want)
	}
	if got := c.number(`SELECT count(*) FROM intake.message m JOIN intake.verdict v ON v.message = m.key WHERE v.quarantine AND m.pdus <> '{}'`); got != 2 {
		t.Errorf("poisoned messages kept with their PDUs = %d, want 2", got)
	}
	if got := outcomes(c.intake(messages[2])); got != "known" {
		t.Errorf("offered again: %q, want known", got)
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	d := open(t, "host=/nowhere user=tali_gateway dbname=tali sslmode=disable")
	_, err := d.Intake(t.Context(), db.Batch{Gateway: "gw1", Profile: election(t, nil)})
	if !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("Intake = %v, want ErrUnavailable", err)
	}
	if _, err := db.Open(t.Context(), "host=/nowhere", nil); err == nil || !strings.Contains(err.Error(), "sslmode") {
		t.Errorf("Open without sslmode = %v, want an error that names it", err)
	}
}

func TestCutDuringIntake(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	c.intake(c.tally(1, 100)) // connections are open
	// Intake waits here with its locks taken and its facts still to be read.
	holder, err := c.owner().BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.ExecContext(t.Context(), `LOCK TABLE registry.officer`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	m := c.tally(0, 145)
	go func() {
		_, err := c.gateway.Intake(context.WithoutCancel(t.Context()), c.batch(m))
		done <- err
	}()
	c.waitFor(`SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'registry.officer'::regclass`)
	c.pg.CutConnections()
	// The holder's connection is cut too: where it goes first, the intake may get
	// through before its own turn comes.
	if err := <-done; err != nil && !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("Intake on a cut line = %v, want ErrUnavailable", err)
	}
	c.intakeUntilStored(m)
}

// A deferred constraint trigger makes the commit itself wait, and the line is
// cut under it.
func TestCutDuringCommit(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	for _, query := range []string{
		`CREATE TABLE public.gate (n int)`,
		`GRANT SELECT ON public.gate TO tali_gateway`,
		`CREATE FUNCTION public.wait_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM count(*) FROM public.gate; RETURN NULL; END $$`,
		`CREATE CONSTRAINT TRIGGER wait_at_commit AFTER INSERT ON tally.standing DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.wait_at_commit()`,
	} {
		if _, err := c.owner().ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	holder, err := c.owner().BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.ExecContext(t.Context(), `LOCK TABLE public.gate`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	m := c.tally(0, 145)
	if _, err := c.gateway.Intake(ctx, c.batch(m)); !errors.Is(err, db.ErrUnknownOutcome) {
		t.Errorf("Intake whose commit hangs = %v, want ErrUnknownOutcome", err)
	}
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	c.intakeUntilStored(m)
}

// intakeUntilStored offers a message again, as a gateway does, and checks that
// it is there once.
func (c *centre) intakeUntilStored(m db.Inbound) {
	c.t.Helper()
	for try := 0; ; try++ {
		_, err := c.gateway.Intake(c.t.Context(), c.batch(m))
		if err == nil {
			break
		}
		if try == 20 {
			c.t.Fatalf("Intake again: %v", err)
		}
	}
	key := fmt.Sprintf("%x", m.Key)
	for query, want := range map[string]int{
		`SELECT count(*) FROM intake.message WHERE key = $1`:     1,
		`SELECT count(*) FROM intake.verdict WHERE message = $1`: 1,
		`SELECT count(*) FROM tally.entry WHERE message = $1`:    1,
		`SELECT count(*) FROM outbox.reply WHERE message = $1`:   1,
	} {
		if got := c.number(query, key); got != want {
			c.t.Errorf("%s = %d, want %d", query, got, want)
		}
	}
}

// waitFor polls until a count is not zero.
func (c *centre) waitFor(query string) {
	c.t.Helper()
	pool := c.owner()
	for deadline := time.Now().Add(30 * time.Second); number(c.t, pool, query) == 0; {
		if time.Now().After(deadline) {
			c.t.Fatalf("nothing came of %s", query)
		}
	}
}

// The first two attempts lose a race, as on a deadlock or a failover's replay.
func TestLostRacesAreTriedAgain(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"40P01", "40001"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			c := newCentre(t, 1)
			for _, query := range []string{
				`CREATE SEQUENCE public.tries`, `GRANT USAGE ON SEQUENCE public.tries TO tali_gateway`,
				`CREATE FUNCTION public.lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				   IF nextval('public.tries') < 3 THEN RAISE EXCEPTION 'lost' USING ERRCODE = '` + code + `'; END IF; RETURN NEW; END $$`,
				`CREATE TRIGGER lose BEFORE INSERT ON tally.standing FOR EACH ROW EXECUTE FUNCTION public.lose()`,
			} {
				if _, err := c.owner().ExecContext(t.Context(), query); err != nil {
					t.Fatal(err)
				}
			}
			if got := outcomes(c.intake(c.tally(0, 145))); got != "accepted" {
				t.Errorf("outcome = %q, want accepted", got)
			}
			if got := c.number(`SELECT count(*) FROM intake.message`); got != 1 {
				t.Errorf("messages = %d, want 1", got)
			}
		})
	}
}

// Replaying any prefix of what arrived, in batches of any size, changes nothing.
func TestReplayChangesNothing(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 3)
	const facts = `SELECT (SELECT count(*) FROM intake.message) * 1000000 + (SELECT count(*) FROM tally.entry) * 10000
	  + (SELECT count(*) FROM outbox.reply) * 100 + (SELECT coalesce(sum(version), 0) FROM tally.standing)`
	pool := c.owner()
	var stream []db.Inbound
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 3).Draw(rt, "new") {
			m := c.tally(rapid.IntRange(0, 2).Draw(rt, "station"), rapid.IntRange(100, 103).Draw(rt, "votes"))
			if rapid.Bool().Draw(rt, "other") {
				m = inbound(phone(rapid.IntRange(0, 5).Draw(rt, "sender")), rapid.SampledFrom([]string{"halo", "BANTU", "PILBUP"}).Draw(rt, "text"))
			}
			stream = append(stream, m)
			c.intake(m)
		}
		before := number(t, pool, facts)
		prefix := stream[:rapid.IntRange(1, len(stream)).Draw(rt, "prefix")]
		for len(prefix) > 0 {
			n := rapid.IntRange(1, min(len(prefix), 20)).Draw(rt, "batch")
			c.intake(prefix[:n]...)
			prefix = prefix[n:]
		}
		if after := number(t, pool, facts); after != before {
			rt.Fatalf("facts after a replay = %d, before %d", after, before)
		}
	})
	c.checkStanding(t)
}
