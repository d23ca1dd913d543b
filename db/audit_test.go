package db_test

import (
	"context"
	"strings"
	"testing"

	"tali/db"
	"tali/db/cluster"
	"tali/verify"
)

// chain brings everything that was done, and what came in until now, into the
// audit chain.
func (c *centre) chain() {
	c.t.Helper()
	if _, err := c.owner().ExecContext(c.t.Context(), `UPDATE audit.mark SET horizon = clock_timestamp(), busy = '{}'`); err != nil {
		c.t.Fatal(err)
	}
	for _, task := range []func(context.Context) (int, error){c.desk.SealIntake, c.desk.ExtendChain, c.desk.Project} {
		for {
			n, err := task(c.t.Context())
			if err != nil {
				c.t.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
	}
}

func (c *centre) verifyAudit(printed db.AuditHead) db.AuditReport {
	c.t.Helper()
	r, err := c.desk.VerifyAudit(c.t.Context(), printed, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// night is a centre with a little of everything, chained.
func night(t *testing.T) *centre {
	c := newCentre(t, 3)
	c.intake(c.plain(0, 145), c.plain(1, 146), inbound(phone(2), "halo pak"))
	c.confirm(0, 1, "ani")
	c.intake(c.plain(0, 150))
	if _, err := c.decide(0, 1, verify.ActUndo, "budi"); err != nil {
		t.Fatal(err)
	}
	c.confirm(1, 1, "citra")
	for _, kind := range []db.EventKind{db.EventLogin, db.EventUnmasked, db.EventExported} {
		if err := c.desk.RecordEvent(t.Context(), db.Event{Kind: kind, Subject: "officer 1", Detail: "station 7108012001001"}); err != nil {
			t.Fatal(err)
		}
	}
	c.chain()
	return c
}

func TestAuditChainHolds(t *testing.T) {
	t.Parallel()
	c := night(t)
	r := c.verifyAudit(db.AuditHead{})
	if len(r.Faults) != 0 || r.Messages != 4 || r.Pending != 0 || !r.Recount || r.Head.Seq != int64(r.Events) {
		t.Fatalf("report = %+v", r)
	}
	head, err := c.desk.AuditHead(t.Context())
	if err != nil || head.Hash != r.Head.Hash || head.Seq != r.Head.Seq || len(head.Hash) != 64 {
		t.Errorf("head = %+v, %v; the chain ends with %+v", head, err, r.Head)
	}
	var kinds string
	err = c.owner().GetContext(t.Context(), &kinds, `SELECT string_agg(DISTINCT kind, ' ' ORDER BY kind) FROM audit.event`)
	if want := "confirm exported login registry_changed sealed undo unmasked"; err != nil || kinds != want {
		t.Errorf("kinds of events = %q, %v; want %q", kinds, err, want)
	}
	var all string
	if err := c.owner().GetContext(t.Context(), &all, `SELECT string_agg(to_jsonb(e)::text, ' ') FROM audit.event e`); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{phone(0), strings.TrimPrefix(phone(0), "+62"), "PILBUP", "halo"} {
		if strings.Contains(all, secret) {
			t.Errorf("the chain holds %q", secret)
		}
	}
	if err := c.desk.RecordEvent(t.Context(), db.Event{Kind: db.EventLogout}); err != nil {
		t.Fatal(err)
	}
	if r := c.verifyAudit(head); len(r.Faults) != 0 || r.Pending != 1 {
		t.Errorf("with one event waiting: %+v", r)
	}
	c.chain()
	if r := c.verifyAudit(head); len(r.Faults) != 0 || r.Head.Seq != head.Seq+1 {
		t.Errorf("one event later, against the printed head: %+v", r)
	}
}

// tamper gives the hand of whoever owns the server: no trigger stops it.
func (c *centre) tamper() func(query string) {
	c.t.Helper()
	super, err := c.pg.Open(cluster.Superuser).Connx(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = super.Close() })
	do := func(query string) {
		c.t.Helper()
		if _, err := super.ExecContext(c.t.Context(), query); err != nil {
			c.t.Fatalf("%s: %v", query, err)
		}
	}
	do(`SET session_replication_role = replica`)
	return do
}

// Whoever owns the server can write what no role may. It shows, and by name.
func TestTamperingIsNamed(t *testing.T) {
	t.Parallel()
	c := night(t)
	head, err := c.desk.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do := c.tamper()
	tables := []string{"audit.event", "audit.seal", "audit.pending", "staff.event", "tally.decision", "tally.entry", "intake.message", "intake.verdict", "results.area_total"}
	for i, table := range tables {
		do(`CREATE TABLE public.copy_` + string(rune('a'+i)) + ` AS SELECT * FROM ` + table)
	}
	const message = `(SELECT key FROM intake.message WHERE sender = '+6280000000002')`
	for name, tc := range map[string]struct{ sql, want string }{
		"decision changed":       {`UPDATE tally.decision SET staff = 'citra' WHERE kind = 'undo'`, "undo by budi on 1/7108012001001/7/1/1"},
		"decision backdated":     {`UPDATE tally.decision SET at = at - interval '1 microsecond' WHERE kind = 'undo'`, "its row was changed afterwards"},
		"decision removed":       {`DELETE FROM tally.decision WHERE kind = 'undo'`, "its row was removed"},
		"decision and its event": {`DELETE FROM audit.event WHERE kind = 'undo'; DELETE FROM tally.decision WHERE kind = 'undo'`, "was removed"},
		"unmasking removed":      {`DELETE FROM staff.event WHERE kind = 'unmasked'`, "unmasked"},
		"unmasking slipped in":   {`INSERT INTO staff.event (kind, subject) VALUES ('unmasked', 'x')`, "staff.event"},
		"event removed":          {`DELETE FROM audit.event WHERE kind = 'login'`, "was removed"},
		"event changed":          {`UPDATE audit.event SET actor = 'ani' WHERE kind = 'undo'`, "undo by ani on 1/7108012001001/7/1/1"},
		"events swapped": {`UPDATE audit.event SET seq = seq + 1000000 WHERE kind IN ('login', 'exported');
			UPDATE audit.event e SET seq = o.seq - 1000000 FROM audit.event o WHERE e.kind IN ('login', 'exported') AND o.kind IN ('login', 'exported') AND e.kind <> o.kind`, "(staff.event"},
		"tail cut with its rows":  {`DELETE FROM staff.event USING audit.event e WHERE e.source = 'staff.event' AND e.ref = id AND e.seq = (SELECT max(seq) FROM audit.event WHERE source = 'staff.event'); DELETE FROM audit.event WHERE seq >= (SELECT max(seq) FROM audit.event WHERE source = 'staff.event')`, "the printed record has event"},
		"SMS changed":             {`UPDATE intake.message SET text = 'halo bu' WHERE key = ` + message, " was changed: it, its verdict or its entry"},
		"SMS removed":             {`DELETE FROM intake.message WHERE key = ` + message, " was removed"},
		"SMS added":               {`INSERT INTO intake.message SELECT gen_random_uuid(), received_at, sent_at, interim_at, stored_at, kind, sender, text, gateway, modem, imsi, interim, pdus FROM intake.message LIMIT 1`, " was added"},
		"SMS moved out of a seal": {`UPDATE intake.message SET stored_at = stored_at - interval '1 day' WHERE key = ` + message, " was removed"},
		"verdict changed":         {`UPDATE intake.verdict SET outcome = 'ignored' WHERE message = ` + message, " was changed: it, its verdict or its entry"},
		"figures changed":         {`UPDATE tally.entry SET figures[1] = figures[1] + 1 WHERE station = 7108012001002`, " was changed: it, its verdict or its entry"},
		"seal removed":            {`DELETE FROM audit.seal WHERE id = (SELECT min(id) FROM audit.seal)`, "audit.seal 1, sealed"},
		"seal written anew":       {`UPDATE audit.seal SET messages = messages + 1`, "audit.seal 1, sealed"},
		"total changed":           {`UPDATE results.area_total SET suara_sah = suara_sah + 1 WHERE kode_wilayah = '7108'`, "results.area_total 7108 pkwkk"},
	} {
		do(tc.sql)
		faults := strings.Join(c.verifyAudit(head).Faults, "\n")
		if !strings.Contains(faults, tc.want) {
			t.Errorf("%s: faults = %q, want %q in it", name, faults, tc.want)
		}
		for i, table := range tables {
			do(`DELETE FROM ` + table + `; INSERT INTO ` + table + ` OVERRIDING SYSTEM VALUE SELECT * FROM public.copy_` + string(rune('a'+i)))
		}
		if r := c.verifyAudit(head); len(r.Faults) != 0 {
			t.Fatalf("%s, restored: %v", name, r.Faults)
		}
	}
}

// A chain that was written anew from its first event is whole in itself: only
// the printed head tells.
func TestPrintedHeadTellsARewrittenChain(t *testing.T) {
	t.Parallel()
	c := night(t)
	head, err := c.desk.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.tamper()(`UPDATE tally.decision SET staff = 'citra' WHERE kind = 'undo';
		INSERT INTO audit.pending (source, ref) SELECT source, ref FROM audit.event ORDER BY seq;
		DELETE FROM audit.event`)
	c.chain()
	if r := c.verifyAudit(db.AuditHead{}); len(r.Faults) != 0 {
		t.Errorf("without the printed head: %v", r.Faults)
	}
	if got := strings.Join(c.verifyAudit(head).Faults, "\n"); !strings.Contains(got, "the chain was written anew") {
		t.Errorf("with the printed head: %q", got)
	}
}

// A transaction that still runs may yet store something: nothing after it is
// sealed before it has ended.
func TestSealWaitsForWriters(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	slow, err := c.pg.Open(cluster.Owner).BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slow.Rollback() })
	if _, err := slow.ExecContext(t.Context(), `INSERT INTO intake.message SELECT gen_random_uuid(), now(), now(), NULL, now(), 'text', 'x', 'x', 'g', 'm', 'i', '', '{}'`); err != nil {
		t.Fatal(err)
	}
	c.intake(c.plain(0, 145))
	const note = `UPDATE audit.mark SET horizon = clock_timestamp(), busy = ARRAY(SELECT virtualtransaction FROM pg_locks
		WHERE locktype = 'virtualxid' AND mode = 'ExclusiveLock' AND pid <> pg_backend_pid())`
	if _, err := c.owner().ExecContext(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	if n, err := c.desk.SealIntake(t.Context()); n != 0 || err != nil {
		t.Errorf("sealed beside a writer: %d, %v", n, err)
	}
	if err := slow.Commit(); err != nil {
		t.Fatal(err)
	}
	c.chain()
	if r := c.verifyAudit(db.AuditHead{}); r.Messages != 2 || len(r.Faults) != 0 {
		t.Errorf("after it: %+v", r)
	}
}
