package db_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lib/pq"

	"tali/db"
	"tali/db/cluster"
	"tali/parser"
	"tali/verify"
)

func TestForbidden(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	c.intake(c.tally(0, 145))
	c.confirm(0, 1, "ani", "budi")
	c.chain()
	for _, fact := range []string{ // row triggers need a row
		`INSERT INTO tally.spent_code VALUES (1, '22222222', 1, 1, 1, 7, 1, gen_random_uuid())`,
		`INSERT INTO tally.wrong_code VALUES (1, '222222', 1, 1, 1, gen_random_uuid())`,
		`INSERT INTO registry.card (election, station, generation, issued_by) VALUES (1, 7108012001001, 2, 'uji')`,
	} {
		if _, err := c.owner().ExecContext(t.Context(), fact); err != nil {
			t.Fatal(err)
		}
	}
	const denied, appendOnly = "42501", "23001"
	forbidden := map[string]map[string]string{
		cluster.Owner: {
			`UPDATE intake.message SET text = ''`:                 appendOnly,
			`DELETE FROM intake.message`:                          appendOnly,
			`TRUNCATE intake.message`:                             appendOnly,
			`TRUNCATE intake.message_2`:                           appendOnly,
			`UPDATE intake.verdict SET outcome = 'accepted'`:      appendOnly,
			`DELETE FROM tally.entry`:                             appendOnly,
			`UPDATE tally.entry_e1_p71 SET figures = '{1,2,3,4}'`: appendOnly,
			`TRUNCATE tally.entry`:                                appendOnly,
			`TRUNCATE tally.entry_e1`:                             appendOnly,
			`TRUNCATE tally.entry_e1_p71`:                         appendOnly,
			`TRUNCATE tally.decision`:                             appendOnly,
			`UPDATE results.change_feed SET suara_sah = 1`:        appendOnly,
			`DELETE FROM results.change_feed`:                     appendOnly,
			`TRUNCATE results.change_feed`:                        appendOnly,
			`UPDATE audit.event SET actor = ''`:                   appendOnly,
			`DELETE FROM audit.event`:                             appendOnly,
			`TRUNCATE audit.event`:                                appendOnly,
			`UPDATE audit.seal SET messages = 1`:                  appendOnly,
			`DELETE FROM audit.seal`:                              appendOnly,
			`TRUNCATE audit.seal CASCADE`:                         appendOnly,
			`TRUNCATE audit.code_seal`:                            appendOnly,
			`TRUNCATE audit.retirement CASCADE`:                   appendOnly,
			`TRUNCATE audit.retired_seal`:                         appendOnly,
			`UPDATE tally.spent_code SET revision = 2`:            appendOnly,
			`TRUNCATE tally.spent_code`:                           appendOnly,
			`DELETE FROM tally.wrong_code`:                        appendOnly,
			`TRUNCATE tally.wrong_code`:                           appendOnly,
			`UPDATE registry.card SET issued_by = 'x'`:            appendOnly,
			`TRUNCATE registry.card`:                              appendOnly,
			`UPDATE audit.secret SET since = now()`:               appendOnly,
			`DELETE FROM audit.secret`:                            appendOnly,
			`TRUNCATE audit.secret CASCADE`:                       appendOnly,
			`DELETE FROM tally.spent_code`:                        appendOnly,
			`UPDATE tally.wrong_code SET generation = 9`:          appendOnly,
			`TRUNCATE tally.raised_proof`:                         appendOnly,
			`DELETE FROM registry.card`:                           appendOnly,
			`UPDATE registry.station SET tps = tps + 97`:          appendOnly,
			`UPDATE registry.station SET generation = 0`:          appendOnly,
		},
		cluster.Gateway: {
			`UPDATE intake.message SET text = ''`:                           denied,
			`DELETE FROM intake.verdict`:                                    denied,
			`SELECT text FROM intake.message`:                               denied,
			`DELETE FROM tally.standing`:                                    denied,
			`UPDATE tally.standing SET closed = true`:                       denied,
			`DELETE FROM outbox.reply`:                                      denied,
			`UPDATE outbox.reply SET recipient = '+6281'`:                   denied,
			`INSERT INTO registry.officer (election, name) VALUES (1, 'x')`: denied,
			`INSERT INTO tally.decision (election, station, ballot, round, revision, state, staff) VALUES (1, 1, 7, 1, 1, 'ditolak', 'x')`: denied,
			`SELECT tally.open_partition(1::smallint, 72::smallint)`:                                                                       denied,
			`CREATE TABLE public.mine (n int)`:                                                                                             denied,
			`SELECT seq FROM audit.event`:                                                                                                  denied,
			`SELECT audit.extend(1)`:                                                                                                       denied,
			`SELECT kode_tps FROM results.station_result`:                                                                                  denied,
			`SELECT staff FROM tally.decision`:                                                                                             denied,
			`SELECT login FROM staff.account`:                                                                                              denied,
			`SELECT subject FROM staff.event`:                                                                                              denied,
			`DROP TABLE tally.decision`:                                                                                                    denied,
			`DELETE FROM tally.spent_code`:                                                                                                 denied,
			`DELETE FROM tally.wrong_code`:                                                                                                 denied,
			`UPDATE registry.station SET generation = generation + 1`:                                                                      denied,
			`INSERT INTO registry.card (election, station, generation, issued_by) VALUES (1, 7108012001001, 2, 'x')`: denied,
		},
		cluster.Desk: {
			`INSERT INTO tally.entry SELECT * FROM tally.entry`: denied,
			`UPDATE tally.decision SET state = 'masuk'`:         denied,
			`UPDATE tally.spent_code SET revision = 2`:          denied,
			`DELETE FROM tally.raised_proof`:                    denied,
			`UPDATE registry.card SET issued_by = 'x'`:          denied,
			`INSERT INTO audit.retirement DEFAULT VALUES`:       denied,
			`SELECT audit.seal_codes(1)`:                        denied,
			`DROP TABLE intake.message_0`:                       denied,
			`DELETE FROM intake.message`:                        denied,
			`UPDATE registry.station SET tps = tps + 97`:        denied,
			`DELETE FROM registry.phone`:                        denied,
			`TRUNCATE tally.entry`:                              denied,
			`DELETE FROM intake.question`:                       denied,
			`ALTER TABLE tally.entry DISABLE TRIGGER ALL`:       denied,
			`UPDATE results.station_result SET suara_sah = 0`:   denied,
			`DELETE FROM results.area_total`:                    denied,
			`INSERT INTO results.change_feed SELECT 1`:          denied,
			`DELETE FROM tally.unprojected`:                     denied,
			`INSERT INTO audit.event (seq) VALUES (1)`:          denied,
			`UPDATE audit.event SET actor = ''`:                 denied,
			`DELETE FROM audit.event`:                           denied,
			`TRUNCATE audit.event`:                              denied,
			`DELETE FROM audit.pending`:                         denied,
			`UPDATE audit.mark SET until = now()`:               denied,
			`SELECT secret FROM audit.secret`:                   denied,
			`SELECT * FROM audit.row_of('staff.event', 1)`:      denied,
			`DELETE FROM feed.token`:                            denied,
			`UPDATE feed.token SET hash = ''`:                   denied,
			`SELECT feed.consumer('')`:                          denied,
			`UPDATE feed.state SET step = 0`:                    denied,
		},
		cluster.ResultsReader: {
			`SELECT figures FROM tally.entry`:                       denied,
			`SELECT phone FROM registry.phone`:                      denied,
			`SELECT text FROM intake.message`:                       denied,
			`SELECT text FROM outbox.reply`:                         denied,
			`SELECT code FROM registry.station`:                     denied,
			`SELECT name FROM registry.area`:                        denied,
			`SELECT login FROM staff.account`:                       denied,
			`SELECT subject FROM desk.claim`:                        denied,
			`SELECT decision FROM tally.unprojected`:                denied,
			`SELECT tally.project(1)`:                               denied,
			`SELECT seq FROM audit.event`:                           denied,
			`SELECT audit.content('staff.event', 1, 1::smallint)`:   denied,
			`INSERT INTO results.station_result (versi) VALUES (1)`: denied,
			`UPDATE results.station_result SET suara_sah = 0`:       denied,
			`DELETE FROM results.change_feed`:                       denied,
			`TRUNCATE results.area_total`:                           denied,
			`CREATE TABLE results.mine (n int)`:                     denied,
			`DROP PUBLICATION tali_results`:                         denied,
			`SELECT name FROM feed.token`:                           denied,
			`UPDATE feed.state SET step = 0`:                        denied,
			`INSERT INTO feed.naming DEFAULT VALUES`:                denied,
		},
	}
	for role, statements := range forbidden {
		pool := c.pg.Open(role)
		for statement, want := range statements {
			_, err := pool.ExecContext(t.Context(), statement)
			var refused *pq.Error
			if got := asError(err, &refused); got != want {
				t.Errorf("%s: %s: error %v, want SQLSTATE %s", role, statement, err, want)
			}
		}
	}
}

// What a gateway may read, by whatever right: a new table is not among it by
// accident.
func TestGatewayReadsNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	var got []string
	err := c.owner().SelectContext(t.Context(), &got, `
SELECT n.nspname || '.' || c.relname || CASE WHEN has_table_privilege('tali_gateway', c.oid, 'SELECT') THEN '' ELSE ' in part' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND has_schema_privilege('tali_gateway', n.oid, 'USAGE') AND has_any_column_privilege('tali_gateway', c.oid, 'SELECT')
ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"intake.message in part", "intake.question", "intake.segment", "outbox.reply", "public.goose_db_version",
		"registry.area", "registry.ballot", "registry.compatibility", "registry.election", "registry.gateway",
		"registry.gateway_intake", "registry.incarnation", "registry.modem", "registry.officer", "registry.phone", "registry.profile", "registry.station",
		"tally.decision in part", "tally.entry", "tally.raised_proof", "tally.spent_code", "tally.standing", "tally.wrong_code",
	}
	if !slices.Equal(got, want) {
		t.Errorf("a gateway reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func asError(err error, into **pq.Error) string {
	if e, ok := err.(*pq.Error); ok {
		*into = e
		return string(e.Code)
	}
	return ""
}

func TestResultsShowConfirmedOnly(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	c.intake(c.tally(0, 145), c.tally(1, 100))
	reader := c.pg.Open(cluster.ResultsReader)
	if got := number(t, reader, `SELECT count(*) FROM results.station_result`); got != 0 {
		t.Errorf("rows before anything is confirmed = %d, want 0", got)
	}
	c.confirm(0, 1, "ani", "budi")
	c.project()
	if got := number(t, reader, `SELECT suara_sah * 1000 + pengguna_total_j FROM results.station_result WHERE jenis = 'pkwkk' AND cardinality(suara_paslon) = 3`); got != 310322 {
		t.Errorf("valid votes and users = %d, want 310322", got)
	}
}

// The words of the CHECKs are the constants of the Go packages, no more and no
// less.
func TestChecksEqualConstants(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 0)
	quoted := regexp.MustCompile(`'([^']*)'::text`)
	for _, tc := range []struct {
		table, column string
		want          []string
	}{
		{"intake.message", "kind", words(verify.MessageText, verify.MessageIncomplete, verify.MessageUnreadable, verify.MessageReport, db.MessageRetired)},
		{"intake.verdict", "outcome", words(verify.OutcomeIgnored, verify.OutcomeUnknown, verify.OutcomeDamaged, verify.OutcomeService,
			verify.OutcomeNoQuestion, verify.OutcomeCourtesy, verify.OutcomeUnreadable, verify.OutcomeNotOpen, verify.OutcomeWrongTPS,
			verify.OutcomeStructure, verify.OutcomeSame, verify.OutcomeFigures, verify.OutcomeHeld, verify.OutcomeConflict, verify.OutcomeAccepted,
			verify.OutcomeUnproven)},
		{"tally.entry", "state", words(verify.StateIn, verify.StateHeld)},
		{"tally.entry", "assurance", words(verify.AssuranceA0, verify.AssuranceA1, verify.AssuranceA2)},
		{"tally.entry", "flags", words(verify.FlagOverVoters, verify.FlagBallotStock, verify.FlagTurnout, verify.FlagOneSided,
			verify.FlagRound, verify.FlagLate, verify.FlagApart, verify.FlagRejected, verify.FlagForm, verify.FlagWrongProof)},
		{"intake.question", "kind", words(verify.KindAskTPS, verify.KindAskCode, verify.KindAskRepair, verify.KindAskMissing, verify.KindAskFits,
			verify.KindAskNoK, verify.KindAskRow, verify.KindAskForm, verify.KindAskFormRow, verify.KindAskK, verify.KindAskSwap, verify.KindAskBallot,
			verify.KindAskAuth, verify.KindAskAuthAgain, verify.KindAskAuthCall)},
		{"tally.raised_proof", "assurance", words(verify.AssuranceA1, verify.AssuranceA2)},
		{"tally.decision", "state", words(verify.StateIn, verify.StateHeld, verify.StateVerified, verify.StateRejected, verify.StateSuperseded)},
		{"tally.decision", "was", words(verify.StateIn, verify.StateHeld, verify.StateVerified, verify.StateRejected, verify.StateSuperseded)},
		{"tally.decision", "kind", words(verify.ActConfirm, verify.ActReject, verify.ActHold, verify.ActReplace, verify.ActUndo)},
		{"tally.remark", "kind", words(db.RemarkAgree, db.RemarkCall, db.RemarkAsk)},
		{"tally.typing", "source", words(db.FromPaper, db.FromCall, db.FromSMS)},
		{"tally.handling", "kind", words(db.HandlingAttached, db.HandlingDismissed, db.HandlingCalled)},
		{"tally.standing", "state", words(verify.StateIn, verify.StateVerified)},
		{"registry.election", "phase", words(parser.PhaseRehearsal, parser.PhaseReal)},
		{"registry.ballot", "form", words(parser.FormFull, parser.FormShort)},
		{"outbox.reply", "state", words(db.ReplyQueued, db.ReplyLeased, db.ReplySent, db.ReplyFailed, db.ReplyUnknown)},
	} {
		var check string
		err := c.owner().GetContext(t.Context(), &check, `SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
			JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
			WHERE k.contype = 'c' AND k.conrelid = $1::regclass AND a.attname = $2`, tc.table, tc.column)
		if err != nil {
			t.Fatalf("%s.%s: %v", tc.table, tc.column, err)
		}
		var got []string
		for _, m := range quoted.FindAllStringSubmatch(check, -1) {
			got = append(got, m[1])
		}
		slices.Sort(got)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s.%s allows %s, want %s", tc.table, tc.column, strings.Join(got, " "), strings.Join(tc.want, " "))
		}
	}
}

func words[S ~string](constants ...S) []string {
	out := make([]string, len(constants))
	for i, c := range constants {
		out[i] = string(c)
	}
	slices.Sort(out)
	return out
}
