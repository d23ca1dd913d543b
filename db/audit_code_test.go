package db_test

import (
	"strings"
	"testing"

	"tali/db"
)

// codeRows gives each message of a night rows of codes, as the intake writes them.
const codeRows = `
INSERT INTO tally.spent_code (station, code, generation, round, election, ballot, revision, message)
SELECT v.station, '22222222', 1, 1, v.election, 7, v.revision, v.message FROM intake.verdict v WHERE v.station = 7108012001001 AND v.revision = 1;
INSERT INTO tally.wrong_code (station, code, generation, round, election, message)
SELECT v.station, '333333', 1, 1, v.election, v.message FROM intake.verdict v WHERE v.station = 7108012001001 AND v.revision = 1;
INSERT INTO tally.raised_proof (station, ballot, round, revision, assurance, election, message)
SELECT v.station, 7, 1, 1, 'A2', v.election, v.message FROM intake.verdict v WHERE v.station = 7108012001002;
INSERT INTO registry.card (election, station, generation, issued_by) VALUES (1, 7108012001003, 2, 'uji');`

func TestCodesAndCardsAreSealed(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 3)
	c.intake(c.plain(0, 145), c.plain(1, 146), c.plain(2, 147))
	if _, err := c.owner().ExecContext(t.Context(), codeRows); err != nil {
		t.Fatal(err)
	}
	c.chain()
	if r := c.verifyAudit(db.AuditHead{}); len(r.Faults) != 0 {
		t.Fatalf("before anything was touched: %v", r.Faults)
	}
	c.wantNumbers(map[string]int{
		`SELECT sum(messages) FROM audit.code_seal`:                                                                         2,
		`SELECT count(*) FROM audit.event WHERE kind = 'codes_sealed'`:                                                      c.number(`SELECT count(*) FROM audit.code_seal`),
		`SELECT count(*) FROM audit.event WHERE kind = 'card_reissued' AND actor = 'uji' AND subject = '1/7108012001003/2'`: 1,
	})
	do := c.tamper()
	tables := []string{"tally.spent_code", "tally.wrong_code", "tally.raised_proof", "registry.card", "audit.code_seal"}
	for _, table := range tables {
		do(`CREATE TABLE public.copy_` + strings.ReplaceAll(table, ".", "_") + ` AS SELECT * FROM ` + table)
	}
	for name, tc := range map[string]struct{ sql, want string }{
		"spent code removed":       {`DELETE FROM tally.spent_code`, "were changed"}, // the wrong one of the message is left
		"spent code of another":    {`UPDATE tally.spent_code SET revision = 2`, "were changed"},
		"wrong code removed":       {`DELETE FROM tally.wrong_code`, "were changed"},
		"proof taken away":         {`DELETE FROM tally.raised_proof`, "were removed"},
		"proof raised higher":      {`UPDATE tally.raised_proof SET assurance = 'A1'`, "were changed"},
		"proof slipped in":         {`INSERT INTO tally.raised_proof SELECT v.station, 7, 1, 1, 'A2', v.election, v.message FROM intake.verdict v WHERE v.station = 7108012001003`, "were added"},
		"code of no message":       {`INSERT INTO tally.spent_code SELECT station, '44444444', generation, round, election, ballot, revision, gen_random_uuid() FROM tally.spent_code`, "were added"},
		"card backdated":           {`UPDATE registry.card SET issued_at = issued_at - interval '1 day'`, "card_reissued by uji on 1/7108012001003/2"},
		"card removed":             {`DELETE FROM registry.card`, "its row was removed"},
		"card slipped in":          {`INSERT INTO registry.card (election, station, generation, issued_by) VALUES (1, 7108012001002, 2, 'x')`, "registry.card"},
		"seal of codes removed":    {`DELETE FROM audit.code_seal`, "codes_sealed"},
		"seal of codes written on": {`UPDATE audit.code_seal SET messages = messages + 1`, "codes_sealed"},
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
