package gateway_test

import (
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tali/db/cluster"
	"tali/db/dbtest"
)

// exec runs a statement as the owner of the database.
func (r *rig) exec(query string, args ...any) {
	r.Helper()
	_, err := r.pg.Open(cluster.Owner).ExecContext(r.Context(), query, args...)
	r.must(err)
}

// TestAnotherCentre: a centre that was promoted or restored has lost the last
// hours. It gets them again, with the codes that officers hold, and nobody is
// told anything a second time.
func TestAnotherCentre(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{stations: 10})
	stop := r.start()
	words := strings.Fields(r.tally(1, 145))
	words[3] = "89" // of 98
	r.text(phone(0), 0, r.tally(0, 145))
	r.text(phone(1), 0, strings.Join(words, " "))
	receipt := r.awaitReplies(phone(0), 1)[0].Text
	question := r.awaitReplies(phone(1), 1)[0].Text
	r.await("sends noted", func() bool {
		st, err := r.journal.Stats(r.Context())
		return err == nil && st.OpenSends == 0 && st.Waiting == 0
	})
	stop()

	r.pg, r.pool = dbtest.New(t), nil
	r.exec(`UPDATE registry.incarnation SET id = gen_random_uuid(), since = now()`)
	r.desk, r.centre = r.open(cluster.Desk), r.open(cluster.Gateway)
	r.fill(10)
	r.start()
	r.awaitDrained(2)
	proof := receipt[strings.LastIndexByte(receipt, ' ')+1:]
	if n := r.count(`SELECT count(*) FROM tally.entry WHERE proof = $1`, proof); n != 1 {
		t.Errorf("%d entries hold the officer's code %s, want 1", n, proof)
	}
	if n := r.count(`SELECT count(*) FROM outbox.reply`); n != 0 {
		t.Errorf("%d replies are queued again", n)
	}
	// What was said before still holds.
	r.text(phone(0), 0, "RALAT "+proof+" "+r.tally(0, 146))
	r.text(phone(1), 0, "2=98")
	if got := r.awaitReplies(phone(0), 2); len(got) != 2 || !strings.HasPrefix(got[1].Text, "DITERIMA") {
		t.Errorf("after the RALAT: %v", got)
	}
	if got := r.awaitReplies(phone(1), 2); len(got) != 2 || !strings.HasPrefix(got[1].Text, "DITERIMA") {
		t.Errorf("after the answer to %q: %v", question, got)
	}
}

// TestUnknownSchema: a program that does not know the centre's schema writes
// nothing there and loses nothing.
func TestUnknownSchema(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{stations: 10})
	r.exec(`INSERT INTO public.goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	r.exec(`UPDATE registry.compatibility SET oldest = 99999`)
	r.start()
	r.text(phone(0), 0, r.tally(0, 145))
	r.await("alarm", func() bool {
		alarms := r.gateway.Alarms()
		return len(alarms) == 1 && alarms[0].Name == "schema"
	})
	r.await("kept", func() bool {
		n, _, err := r.journal.Undelivered(r.Context())
		return err == nil && n == 1
	})
	if n := r.count(`SELECT count(*) FROM intake.message`); n != 0 {
		t.Errorf("%d messages at a centre that this program does not know", n)
	}
	r.exec(`UPDATE registry.compatibility SET oldest = 52`) // the newer program only added something
	r.awaitReplies(phone(0), 1)
	r.await("end of the alarm", func() bool { return len(r.gateway.Alarms()) == 0 })
	r.audit()
}

// TestDamagedSnapshot: a registry snapshot that is not what was saved is named and
// not used. Officers then wait for the centre; they are not told nonsense.
func TestDamagedSnapshot(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{stations: 10, pg: dbtest.Own(t), interimAfter: 50 * time.Millisecond})
	stop := r.start()
	r.await("snapshot", func() bool {
		_, _, err := r.journal.Snapshot(r.Context())
		return err == nil
	})
	stop()
	file, err := sql.Open("sqlite", r.spool)
	r.must(err)
	_, err = file.ExecContext(t.Context(), `UPDATE snapshot SET data = replace(data, '0', '1')`)
	r.must(errors.Join(err, file.Close()))
	r.pg.Stop()
	log := &buffer{}
	r.log = slog.New(slog.NewTextHandler(log, nil))
	r.start()
	r.text(phone(0), 0, r.tally(0, 145))
	r.await("the damage named", func() bool {
		return strings.Contains(log.String(), "registry snapshot of the last run is not used") &&
			strings.Contains(log.String(), "no interim answers")
	})
	if got := r.network.Inbox(phone(0)); len(got) != 0 {
		t.Errorf("answered from a damaged snapshot: %v", got)
	}
	if v, _ := r.metric("tali_snapshot_age_seconds"); v != -1 {
		t.Errorf("age of a damaged snapshot = %v, want -1", v)
	}
	r.pg.Start()
	if got := r.awaitReplies(phone(0), 1); !strings.HasPrefix(got[0].Text, "DITERIMA") {
		t.Errorf("final answer = %v", got)
	}
	r.await("a new snapshot", func() bool { v, _ := r.metric("tali_snapshot_age_seconds"); return v >= 0 })
}

// TestRetention: what the centre has had for long enough is forgotten, what it
// has not is never.
func TestRetention(t *testing.T) {
	t.Parallel()
	r := newRig(t, plan{stations: 10})
	stop := r.start()
	r.text(phone(0), 0, r.tally(0, 145))
	r.awaitReplies(phone(0), 1)
	stop()
	r.settings.Retention = time.Nanosecond
	r.start()
	r.await("pruned", func() bool {
		kept, err := r.journal.DeliveredSince(r.Context(), time.Time{}, 0, 10)
		return err == nil && len(kept) == 0
	})
}
