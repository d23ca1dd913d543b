package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/parser"
	"tali/verify"
)

// firstRelease is the schema of the oldest centre that may be brought up to date.
const firstRelease = 7

// emptyDSN is an empty database beside the test's own.
func emptyDSN(t *testing.T, name string) func(role string) string {
	t.Helper()
	pg := dbtest.New(t)
	super := pg.Open(cluster.Superuser)
	for _, query := range []string{`CREATE DATABASE ` + name + ` OWNER tali_owner TEMPLATE template0`, `GRANT CONNECT ON DATABASE ` + name + ` TO PUBLIC`} {
		if _, err := super.Exec(query); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if _, err := super.ExecContext(context.WithoutCancel(t.Context()), `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	return func(role string) string {
		before, _, _ := strings.Cut(pg.DSN(role), "dbname=")
		return before + "dbname=" + name + " sslmode=disable"
	}
}

func opened(t *testing.T, dsn string) *DB {
	t.Helper()
	d, err := Open(t.Context(), dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func shipped(t *testing.T) fs.FS {
	t.Helper()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// firstRows are what a centre of the first release held: invented, one of each.
const firstRows = `
INSERT INTO registry.election (code, name, phase) VALUES ('pilkada-lama', 'Uji', 'rehearsal');
INSERT INTO registry.profile (election, regency, version, digest, round, content, texts) VALUES (1, 7108, 1, repeat('b2', 32), 1, '{}', '{}');
INSERT INTO registry.ballot VALUES (1, 7108, 7, 'PILBUP', 'Bupati', 'pkwkk', 'full', 'calon');
INSERT INTO registry.contestant VALUES (1, 7108, 7, 1, 'Satu'), (1, 7108, 7, 2, 'Dua'), (1, 7108, 7, 3, 'Tiga');
INSERT INTO registry.area VALUES (71, 'province', 'Sulawesi Utara'), (7108, 'regency', 'Bolaang Mongondow Utara'), (710801, 'district', 'Sangkub'), (7108012001, 'village', 'Desa');
INSERT INTO registry.station (election, code, tps, voters_l, voters_p) VALUES (1, 7108012001001, 10000119, 250, 250), (1, 7108012001002, 10000216, 250, 250);
INSERT INTO registry.tps_sequence VALUES (1, 7108, 100003);
INSERT INTO registry.officer (election, name) VALUES (1, 'Petugas Satu'), (1, 'Petugas Dua');
INSERT INTO registry.phone (election, phone, station, officer, valid_from) VALUES
  (1, '+6289900000001', 7108012001001, 1, '-infinity'), (1, '+6289900000002', 7108012001002, 2, '-infinity');
INSERT INTO registry.gateway (name, last_seen) VALUES ('gw1', now());
INSERT INTO registry.gateway_intake VALUES ('gw1', 0, 1, 1, 1, now());
INSERT INTO registry.modem VALUES ('gw1', 'm1', '+6289900009000', 'uji', true, now());
INSERT INTO intake.message (key, received_at, kind, sender, text, gateway, modem, imsi, interim, pdus)
  VALUES ('00000000-0000-0000-0000-000000000001', '2024-11-27 06:00Z', 'text', '+6289900000001', 'PILBUP lama', 'gw1', 'm1', '510', '', '{0791}');
INSERT INTO intake.verdict (message, station, profile, election, ballot, revision, quarantine, outcome, reason, phone, program)
  VALUES ('00000000-0000-0000-0000-000000000001', 7108012001001, 1, 1, 7, 1, false, 'accepted', '', '+6289900000001', 'lama');
SELECT tally.open_partition(1::smallint, 71::smallint);
INSERT INTO tally.entry (station, election, province, ballot, round, revision, message, received_at, state, assurance, proof, phone, figures, flags)
  VALUES (7108012001001, 1, 71, 7, 1, 1, '00000000-0000-0000-0000-000000000001', '2024-11-27 06:00Z', 'masuk', 'A0', '7F3K2', '+6289900000001', '{145,98,67,310,12,322,322,330,322,2,6}', '{}');
INSERT INTO tally.standing (station, election, ballot, round, entry, revision, held, risk, version, state) VALUES (7108012001001, 1, 7, 1, 1, 1, 0, 0, 1, 'masuk');
INSERT INTO tally.wrong_code (station, code, generation, round, election, message) VALUES (7108012001001, '222222', 1, 1, 1, '00000000-0000-0000-0000-000000000001');
`

// survivors are the tables of the first release whose rows must be what they were.
var survivors = []string{
	"registry.election", "registry.ballot", "registry.contestant", "registry.area", "registry.station", "registry.officer", "registry.phone",
	"intake.message", "intake.verdict", "tally.entry", "tally.wrong_code", "registry.incarnation",
}

// A centre of the first release is brought to the newest schema with all its rows,
// and goes on taking in.
func TestUpgradeFromTheFirstRelease(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dsn := emptyDSN(t, "upgrade_first")
	if err := migrate(ctx, dsn(cluster.Owner), shipped(t), firstRelease); err != nil {
		t.Fatal(err)
	}
	owner := opened(t, dsn(cluster.Owner))
	if _, err := owner.cold.ExecContext(ctx, firstRows); err != nil {
		t.Fatal(err)
	}
	columns := make(map[string]string) // of the first release
	before := make(map[string]string)
	for _, name := range survivors {
		const list = `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`
		columns[name] = text(t, owner, list, name)
		before[name] = text(t, owner, rowsAsText(name, columns[name]))
	}
	if err := Migrate(ctx, dsn(cluster.Owner)); err != nil {
		t.Fatal(err)
	}
	for name, want := range before {
		if got := text(t, owner, rowsAsText(name, columns[name])); got != want || len(want) < 3 {
			t.Errorf("%s after the upgrade:\n%s\nwant\n%s", name, got, want)
		}
	}
	takesIn(t, opened(t, dsn(cluster.Desk)), opened(t, dsn(cluster.Gateway)))
}

// The oldest schema that this program works with takes in without a migration, and
// so does a newer one than it knows, as long as the centre says that it may.
func TestSchemasOfOtherPrograms(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dsn := emptyDSN(t, "other_programs")
	if err := migrate(ctx, dsn(cluster.Owner), shipped(t), firstRelease); err != nil {
		t.Fatal(err)
	}
	if _, err := opened(t, dsn(cluster.Owner)).cold.ExecContext(ctx, firstRows); err != nil {
		t.Fatal(err)
	}
	if err := migrate(ctx, dsn(cluster.Owner), shipped(t), minSchema); err != nil {
		t.Fatal(err)
	}
	desk, gateway := opened(t, dsn(cluster.Desk)), opened(t, dsn(cluster.Gateway))
	fits := func(schema int64) {
		t.Helper()
		if v, err := gateway.Version(ctx); err != nil || v != schema {
			t.Fatalf("schema %d, %v; want %d", v, err, schema)
		}
		for _, d := range []*DB{desk, gateway} {
			if err := d.CheckVersion(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	fits(minSchema)
	takesIn(t, desk, gateway)

	const adds = "-- +goose Up\nALTER TABLE tally.entry ADD COLUMN more text;\nALTER TABLE registry.phone ADD COLUMN more text;\n"
	needs := fmt.Sprintf("-- +goose Up\nUPDATE registry.compatibility SET oldest = %d;\n", maxSchema+2)
	all := copied(t, shipped(t))
	all[fmt.Sprintf("%05d_adds.sql", maxSchema+1)] = &fstest.MapFile{Data: []byte(adds)}
	if err := migrate(ctx, dsn(cluster.Owner), all, 0); err != nil {
		t.Fatal(err)
	}
	fits(maxSchema + 1)
	reports(t, gateway, 146, verify.OutcomeConflict)

	all[fmt.Sprintf("%05d_needs.sql", maxSchema+2)] = &fstest.MapFile{Data: []byte(needs)}
	if err := migrate(ctx, dsn(cluster.Owner), all, 0); err != nil {
		t.Fatal(err)
	}
	if err := gateway.CheckVersion(ctx); !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), fmt.Sprintf("needs a program that knows %d", maxSchema+2)) {
		t.Errorf("a schema that needs a newer program: %v", err)
	}
}

func rowsAsText(table, columns string) string {
	return fmt.Sprintf(`SELECT coalesce(json_agg(r ORDER BY r::text)::text, '') FROM (SELECT %s FROM %s) AS r`, columns, table)
}

func text(t *testing.T, d *DB, query string, args ...any) (out string) {
	t.Helper()
	if err := d.cold.GetContext(t.Context(), &out, query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

// takesIn has an officer of the first release report to a centre of today.
func takesIn(t *testing.T, desk, gateway *DB) {
	t.Helper()
	if _, err := desk.OpenElection(t.Context(), laterProfile(t)); err != nil {
		t.Fatal(err)
	}
	reports(t, gateway, 145, verify.OutcomeAccepted)
}

// polls is when the elections of these tests opened.
var polls = time.Date(2024, 11, 27, 6, 0, 0, 0, time.UTC)

// laterProfile is of the first release's election, as it is known today.
func laterProfile(t *testing.T) *parser.Profile {
	t.Helper()
	p, err := parser.NewProfile(parser.Profile{
		ID: "pilkada-lama", Name: "Uji", Version: 2, Digest: strings.Repeat("c3", 32), Phase: parser.PhaseRehearsal, Round: 2, Regency: "7108", Auth: parser.AuthOff,
		Zone: time.UTC, ZoneTag: "WITA", Opens: polls, Closes: polls.Add(2 * time.Hour), ReservePermille: 25, QuestionTTL: time.Hour,
		Ballots: []*parser.Ballot{{Digit: '7', Keyword: "PILBUP", Title: "Bupati", Contest: "pkwkk", Form: parser.FormFull, Unit: "calon", Contestants: []string{"Satu", "Dua", "Tiga"}}},
		Texts:   map[string][]string{verify.KindAccepted: {"DITERIMA {tps} RALAT {proof}"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// reports has the officer report that so many voted for the first candidate.
func reports(t *testing.T, gateway *DB, votes int16, want verify.Outcome) {
	t.Helper()
	p, now := laterProfile(t), polls.Add(time.Hour)
	sms, err := parser.Render(p.Ballots[0], "10000216", parser.Figures{votes, 243 - votes, 67, 310, 12, 322, 322, 330, 322, 2, 6})
	if err != nil {
		t.Fatal(err)
	}
	m := Inbound{PDUs: []string{fmt.Sprintf("0791%02X", votes)}, Message: verify.Message{Kind: verify.MessageText, Sender: "+6289900000002", Text: sms,
		SentAt: now, ReceivedAt: now, Gateway: "gw1", Modem: "m1", Proof: "8G4L3", Key: verify.Key{byte(votes)}}}
	verdicts, err := gateway.Intake(t.Context(), Batch{Gateway: "gw1", Profile: p, Messages: []Inbound{m}})
	if err != nil || len(verdicts) != 1 || verdicts[0].Outcome != want {
		t.Errorf("intake: %+v, %v; want %s", verdicts, err, want)
	}
}

// copied is migrations to which others can be added.
func copied(t *testing.T, files fs.FS) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: content}
	}
	return out
}

// A migration that fails half-way leaves the version before it and says so; the
// next try, mended, goes on from there.
func TestMigrationThatFailsHalfway(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dsn := emptyDSN(t, "upgrade_halfway")
	if err := Migrate(ctx, dsn(cluster.Owner)); err != nil {
		t.Fatal(err)
	}
	files := copied(t, shipped(t))
	const bad = "90000_bad.sql"
	files[bad] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE registry.half (n int);\nSELECT 1 / 0;\n")}
	err := migrate(ctx, dsn(cluster.Owner), files, 0)
	if err == nil || !strings.Contains(err.Error(), bad+" was rolled back") || !strings.Contains(err.Error(), "division by zero") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error = %v", err)
	}
	d := opened(t, dsn(cluster.Gateway))
	if err := d.CheckVersion(ctx); err != nil {
		t.Errorf("after a migration that failed: %v", err)
	}
	if got := text(t, opened(t, dsn(cluster.Owner)), `SELECT coalesce(to_regclass('registry.half')::text, 'none')`); got != "none" {
		t.Errorf("half of a migration is there: %s", got)
	}
	files[bad].Data = []byte("-- +goose Up\nCREATE TABLE registry.half (n int);\n")
	if err := migrate(ctx, dsn(cluster.Owner), files, 0); err != nil {
		t.Errorf("mended: %v", err)
	}
}
