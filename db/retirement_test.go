package db_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tali/db"
	"tali/db/cluster"
	"tali/parser"
	"tali/verify"
)

// tell closes every reply as sent.
const tell = `UPDATE outbox.reply SET state = 'sent', closed_at = now(), lease_until = NULL WHERE state IN ('queued', 'leased')`

// finishedNight is a centre whose election is over: two stations confirmed, one
// SMS of a stranger, one entry keyed in by two, everything answered and chained.
func finishedNight(t *testing.T) *centre {
	t.Helper()
	c := newCentre(t, 3)
	c.intake(c.plain(0, 145), c.plain(1, 146), inbound(phone(2), "terima kasih"))
	c.confirm(0, 1, "ani")
	c.confirm(1, 1, "citra")
	must(t, c.owner(), codeRows[:strings.Index(codeRows, "INSERT INTO registry.card")])
	must(t, c.owner(), tell+`; DELETE FROM desk.task`)
	c.chain()
	return c
}

// later is the election after it, with the same stations and phones.
func (c *centre) later(t *testing.T) *parser.Profile {
	t.Helper()
	p := election(t, func(p *parser.Profile) { p.ID, p.Digest = "pilkada-lagi", strings.Repeat("d4", 32) })
	if _, err := c.desk.OpenElection(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if _, err := c.desk.ImportStations(t.Context(), p, stationRows(3), nil); err != nil {
		t.Fatal(err)
	}
	officers := make([]db.OfficerRow, 3)
	for i := range officers {
		officers[i] = db.OfficerRow{Line: i + 2, Name: "Petugas", Phone: phone(i), Station: stationCode(i)}
	}
	if _, err := c.desk.ImportOfficers(t.Context(), p, officers, nil); err != nil {
		t.Fatal(err)
	}
	c.chain()
	return p
}

func (c *centre) retire(t *testing.T, order db.Retire) (int, error) {
	t.Helper()
	order.Election, order.By = 1, "uji"
	if order.Before.IsZero() {
		order.Before = time.Now()
	}
	return open(t, c.pg.DSN(cluster.Owner)).RetireElection(t.Context(), order)
}

func TestRetiredElection(t *testing.T) {
	t.Parallel()
	c := finishedNight(t)
	next := c.later(t)
	old := []db.Inbound{c.plain(0, 145), c.plain(1, 146)}
	totals := c.number(`SELECT sum(suara_sah) FROM results.area_total WHERE election = 'pilkada-uji'`)
	if _, err := c.retire(t, db.Retire{}); err != nil {
		t.Fatal(err)
	}
	c.chain()
	r := c.verifyAudit(db.AuditHead{})
	if len(r.Faults) != 0 || r.Archived != 3 || !r.Recount {
		t.Errorf("afterwards: %+v", r)
	}
	c.wantNumbers(map[string]int{
		`SELECT count(*) FROM intake.message WHERE kind = 'retired' AND sender || text || gateway || modem || imsi = '' AND pdus = '{}'`: 3,
		`SELECT count(*) FROM intake.message`: 3,
		`SELECT (SELECT count(*) FROM intake.verdict) + (SELECT count(*) FROM tally.entry) + (SELECT count(*) FROM tally.standing) + (SELECT count(*) FROM outbox.reply) + (SELECT count(*) FROM desk.lookup)`: 0,
		`SELECT count(*) FROM pg_class WHERE relname LIKE 'entry_e1%'`:                                                 0,
		`SELECT count(*) FROM pg_inherits WHERE inhparent IN ('intake.message'::regclass, 'intake.verdict'::regclass)`: 8,
		`SELECT count(*) FROM audit.event WHERE kind = 'retired' AND actor = 'uji' AND subject = '1'`:                  1,
		`SELECT (rows ->> 'intake.message')::integer * 10 + (rows ->> 'tally.entry')::integer FROM audit.retirement`:   32,
		`SELECT count(*) FROM tally.decision`:                                                                          2,
		`SELECT sum(suara_sah) FROM results.area_total WHERE election = 'pilkada-uji'`:                                 totals,
		`SELECT count(*) FROM results.station_result`:                                                                  2,
	})
	t.Run("an old SMS counts for no later election", func(t *testing.T) {
		fresh := c.plain(0, 145)
		fresh.Key[15]++ // the same words, sent today
		c.profile = next
		c.overview()
		if got := outcomes(c.intake(append(old, fresh)...)); got != "known known accepted" {
			t.Errorf("outcomes = %q, want the old ones known and the new one accepted", got)
		}
		c.wantNumbers(map[string]int{`SELECT count(*) FROM tally.entry`: 1, `SELECT count(*) FROM intake.message`: 4})
		c.overview()
	})
	t.Run("it cannot be opened or retired again", func(t *testing.T) {
		_, err := c.desk.OpenElection(t.Context(), election(t, nil))
		if err == nil || !strings.Contains(err.Error(), "archived and taken away") {
			t.Errorf("opening it: %v", err)
		}
		if _, err := c.retire(t, db.Retire{}); !errors.Is(err, db.ErrUnfinished) || !strings.Contains(err.Error(), "retired already") {
			t.Errorf("retiring it: %v", err)
		}
	})
	t.Run("the new partitions are guarded like the old ones", c.guarded)
	c.chain()
	if r := c.verifyAudit(db.AuditHead{}); len(r.Faults) != 0 || r.Archived != 3 || r.Messages != 4 {
		t.Errorf("one SMS later: %+v", r)
	}
}

func (c *centre) guarded(t *testing.T) {
	for _, query := range []string{
		`UPDATE intake.message SET text = 'x'`, `DELETE FROM intake.message`, `TRUNCATE intake.message`, `UPDATE intake.verdict SET reason = 'x'`,
		`TRUNCATE intake.message_0`, `TRUNCATE intake.message_3`, `TRUNCATE intake.verdict_2`, `DELETE FROM audit.retired_seal`, `UPDATE audit.retirement SET by = 'x'`,
	} {
		_, err := c.owner().ExecContext(t.Context(), query)
		if err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", query, err)
		}
	}
	for _, role := range []string{cluster.Desk, cluster.Gateway} {
		for _, query := range []string{`SELECT audit.retire(2::smallint, now(), 'x', '', NULL)`, `SELECT * FROM audit.retiring_messages(2::smallint)`, `DROP TABLE intake.message_1`} {
			if _, err := c.pg.Open(role).ExecContext(t.Context(), query); err == nil || !strings.Contains(err.Error(), "42501") {
				t.Errorf("%s: %s: %v", role, query, err)
			}
		}
	}
	var indexes, want string
	const list = `SELECT string_agg(regexp_replace(pg_get_indexdef(indexrelid), '^.* USING', ''), ';' ORDER BY 1) FROM pg_index WHERE indrelid = $1::regclass`
	for part, parent := range map[string]string{"intake.message_1": "intake.message", "intake.verdict_1": "intake.verdict"} {
		for table, into := range map[string]*string{part: &indexes, parent: &want} {
			if err := c.owner().GetContext(t.Context(), into, list, table); err != nil {
				t.Fatal(err)
			}
		}
		if strings.Count(indexes, ";") != strings.Count(want, ";") {
			t.Errorf("indexes of %s: %s, want %s", part, indexes, want)
		}
	}
	if n := number(t, c.pg.Open(cluster.Desk), `SELECT count(*) FROM intake.message_0`); n < 0 {
		t.Errorf("%d rows", n)
	}
}

// What is not finished is not taken away, and nothing of it is touched.
func TestUnfinishedElectionStays(t *testing.T) {
	t.Parallel()
	c := finishedNight(t)
	for name, tc := range map[string]struct {
		do, undo string
		want     string
	}{
		"an entry that waits": {`UPDATE tally.standing SET held = held + 1`, `UPDATE tally.standing SET held = held - 1`, "unconfirmed or held entries"},
		"an SMS in quarantine": {`INSERT INTO desk.task SELECT message, 1, NULL, NULL, 'unknown', '+6289900000001', 1, now() FROM intake.verdict LIMIT 1`,
			`DELETE FROM desk.task`, "1 SMS in quarantine"},
		"a reply in the queue": {`UPDATE outbox.reply SET state = 'queued', closed_at = NULL WHERE id = (SELECT min(id) FROM outbox.reply)`, tell, "1 replies not sent yet"},
		"a form keyed in once": {`INSERT INTO desk.typing_task VALUES (7108012001003, 1, 7, 1)`, `DELETE FROM desk.typing_task`, "1 forms keyed in once"},
		"an open round": {`UPDATE registry.profile SET content = jsonb_set(content::jsonb, '{Closes}', to_jsonb(now() + interval '1 hour'))::text`,
			`UPDATE registry.profile SET content = jsonb_set(content::jsonb, '{Closes}', to_jsonb(now() - interval '1 hour'))::text`, "1 rounds that are still open"},
		"what is not sealed": {`UPDATE audit.mark SET until = '2000-01-01Z'`, `UPDATE audit.mark SET until = clock_timestamp()`, "3 messages not sealed yet"},
	} {
		do := c.tamper()
		do(tc.do)
		before := c.number(`SELECT count(*) FROM intake.message WHERE kind = 'text'`)
		if _, err := c.retire(t, db.Retire{}); !errors.Is(err, db.ErrUnfinished) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error = %v, want %q", name, err, tc.want)
		}
		do(tc.undo)
		if after := c.number(`SELECT count(*) FROM intake.message WHERE kind = 'text'`); after != before || before != 3 {
			t.Errorf("%s: %d messages, before %d", name, after, before)
		}
		c.chain() // what the registry notes about itself
	}
	if _, err := c.retire(t, db.Retire{Before: time.Now().Add(-time.Hour)}); !errors.Is(err, db.ErrUnfinished) || !strings.Contains(err.Error(), "after the limit") {
		t.Errorf("a limit of an hour ago: %v", err)
	}
	if _, err := c.retire(t, db.Retire{Archive: "arsip", Digest: make([]byte, 32), Tables: []db.TableSum{{Name: "intake.message", Rows: 2}}}); !errors.Is(err, db.ErrNotArchived) {
		t.Errorf("an archive with other rows: %v", err)
	}
}

// A message made to look archived, or an archived one that is made to disappear.
func TestTamperingBehindARetirement(t *testing.T) {
	t.Parallel()
	c := finishedNight(t)
	next := c.later(t)
	if _, err := c.retire(t, db.Retire{}); err != nil {
		t.Fatal(err)
	}
	c.profile = next
	if got := c.intake(c.tally(2, 150)); got[0].Outcome != verify.OutcomeAccepted {
		t.Fatalf("outcome = %s", got[0].Outcome)
	}
	c.chain()
	do := c.tamper()
	tables := []string{"intake.message", "audit.retired_seal", "audit.retirement", "tally.typed_entry"}
	for _, table := range tables {
		do(`CREATE TABLE public.copy_` + strings.ReplaceAll(table, ".", "_") + ` AS SELECT * FROM ` + table)
	}
	const one = `(SELECT min(key::text)::uuid FROM intake.message WHERE kind = 'retired')`
	for name, tc := range map[string]struct{ sql, want string }{
		"key taken away":            {`DELETE FROM intake.message WHERE key = ` + one, "its key was taken away"},
		"brought back changed":      {`UPDATE intake.message SET kind = 'text', text = 'x' WHERE key = ` + one, "its key was taken away or the message brought back"},
		"made to look archived":     {`UPDATE intake.message SET kind = 'retired', text = '', sender = '' WHERE kind = 'text'`, "was changed: it, its verdict or its entry"},
		"listed as archived":        {`UPDATE audit.retired_seal SET keys = keys || uuid_send((SELECT key FROM intake.message WHERE kind = 'text'))`, "its list of messages was changed"},
		"moved":                     {`UPDATE intake.message SET stored_at = stored_at - interval '1 day' WHERE key = ` + one, "its key was taken away"},
		"retirement of another day": {`UPDATE audit.retirement SET at = at - interval '1 day'`, "retired by uji on 1"},
		"retirement removed":        {`DELETE FROM audit.retired_seal; DELETE FROM audit.retirement`, "retired by uji on 1"},
	} {
		do(tc.sql)
		if faults := strings.Join(c.verifyAudit(db.AuditHead{}).Faults, "\n"); !strings.Contains(faults, tc.want) {
			t.Errorf("%s: faults = %q, want %q in it", name, faults, tc.want)
		}
		for _, table := range tables {
			do(`DELETE FROM ` + table + `; INSERT INTO ` + table + ` OVERRIDING SYSTEM VALUE SELECT * FROM public.copy_` + strings.ReplaceAll(table, ".", "_"))
		}
		if r := c.verifyAudit(db.AuditHead{}); len(r.Faults) != 0 {
			t.Fatalf("%s, restored: %v", name, r.Faults)
		}
	}
}
