package db_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/parser"
	"tali/verify"
)

func TestMain(m *testing.M) {
	if os.Getenv(secondProcess) != "" { // it uses the server of the first
		os.Exit(m.Run())
	}
	dbtest.Main(m, db.Migrate)
}

// receivedAt is a moment at which the election of the tests is open.
var receivedAt = time.Date(2024, 11, 27, 6, 0, 0, 0, time.UTC)

// election is the profile of the tests.
func election(t testing.TB, change func(*parser.Profile)) *parser.Profile {
	t.Helper()
	p := parser.Profile{
		ID: "pilkada-uji", Name: "Uji", Version: 1, Digest: strings.Repeat("a1", 32), Phase: parser.PhaseRehearsal,
		Round: 1, Regency: "7108", Auth: parser.AuthOff, Zone: time.FixedZone("WITA", 8*3600), ZoneTag: "WITA",
		Opens: receivedAt.Add(-2 * time.Hour), Closes: receivedAt.Add(10 * time.Hour),
		ReservePermille: 25, QuestionTTL: time.Hour, UnknownPerHour: 3,
		Ballots: []*parser.Ballot{{
			Digit: '7', Keyword: "PILBUP", Aliases: []string{"BUP"}, Title: "Bupati", Contest: "pkwkk",
			Form: parser.FormFull, Unit: "calon", Contestants: []string{"Satu", "Dua", "Tiga"},
		}},
		Texts: map[string][]string{
			verify.KindAccepted:      {"DITERIMA {tps} RALAT {proof}"},
			verify.KindUnknown:       {"Nomor ini belum terdaftar."},
			verify.KindConflict:      {"SUDAH ADA laporan, DITAHAN"},
			verify.KindConflictProof: {"SUDAH ADA laporan {proof}, DITAHAN"},
			verify.KindSame:          {"Laporan yang sama sudah kami terima"},
			verify.KindRelation:      {"PERIKSA {tps}"},
			verify.KindForm:          {"PERIKSA {tps}. FORM?"},
			verify.KindAskFormRow:    {"PERIKSA {tps}: {fix} atau {form}?"},
			verify.KindAskRow:        {"PERIKSA {tps}: {fix}?"},
			verify.KindAskK:          {"PERIKSA {tps}: K?"},
			verify.KindAskSwap:       {"PERIKSA {tps}: {fix} {second}?"},
			verify.KindAskTPS:        {"TPS {tps}? {yes}"},
			verify.KindRecorded:      {"DICATAT APA ADANYA {tps}"},
			verify.KindSameReplaced:  {"sudah digantikan"},
			verify.KindHeldRalat:     {"PERBAIKAN DITAHAN"},
			verify.KindNoQuestion:    {"tidak ada pertanyaan"},
		},
	}
	if change != nil {
		change(&p)
	}
	made, err := parser.NewProfile(p)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// centre is a test's database with an election, n stations and an officer each.
type centre struct {
	t       testing.TB
	pg      *dbtest.DB
	desk    *db.DB
	gateway *db.DB
	profile *parser.Profile
	codes   []string // TPS codes, by station
	key     []byte   // of the regency; nil where no code is checked
}

func newCentre(t testing.TB, stations int) *centre {
	t.Helper()
	c := &centre{t: t, pg: dbtest.New(t), profile: election(t, nil)}
	c.fill(stations, c.pg.DSN(cluster.Desk), c.pg.DSN(cluster.Gateway))
	return c
}

func (c *centre) fill(stations int, deskDSN, gatewayDSN string) {
	c.t.Helper()
	ctx := c.t.Context()
	c.desk, c.gateway = open(c.t, deskDSN), open(c.t, gatewayDSN)
	if _, err := c.desk.OpenElection(ctx, c.profile); err != nil {
		c.t.Fatal(err)
	}
	areas := make([]db.AreaRow, (stations+499)/500)
	for i := range areas {
		areas[i] = db.AreaRow{
			Line: i + 2, Code: fmt.Sprintf("710801%04d", 2001+i), Name: fmt.Sprintf("Desa %d", i+1),
			District: "Sangkub", Regency: "Bolaang Mongondow Utara", Province: "Sulawesi Utara",
		}
	}
	if _, err := c.desk.ImportAreas(ctx, areas); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.desk.ImportStations(ctx, c.profile, stationRows(stations), nil); err != nil {
		c.t.Fatal(err)
	}
	officers := make([]db.OfficerRow, stations)
	for i := range officers {
		officers[i] = db.OfficerRow{Line: i + 2, Name: fmt.Sprintf("Petugas %d", i), Phone: phone(i), Station: stationCode(i)}
	}
	if _, err := c.desk.ImportOfficers(ctx, c.profile, officers, nil); err != nil {
		c.t.Fatal(err)
	}
	registry, err := c.gateway.Registry(ctx, c.profile)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, s := range registry.Stations {
		c.codes = append(c.codes, s.TPS)
	}
}

func open(t testing.TB, dsn string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // its lines may have been cut
	return d
}

func stationCode(i int) string { return fmt.Sprintf("710801%04d%03d", 2001+i/500, 1+i%500) }

func phone(i int) string { return fmt.Sprintf("+62800%08d", i) }

func stationRows(n int) []db.StationRow {
	rows := make([]db.StationRow, n)
	for i := range rows {
		rows[i] = db.StationRow{Line: i + 2, Code: stationCode(i), VotersL: 250, VotersP: 250}
	}
	return rows
}

// tally is a right message for a station; first is the votes of its first row.
func (c *centre) tally(station, first int) db.Inbound {
	f := parser.Figures{int16(first), 98, 67, 0, 12, 0, 0, 0, 0, 2, 6}
	f[3] = f[0] + f[1] + f[2]
	f[4+1] = f[3] + f[4]
	f[6], f[8] = f[5], f[5]
	f[7] = f[8] + f[9] + f[10]
	b := c.profile.Ballots[0]
	k, _ := b.K(f)
	var text strings.Builder
	fmt.Fprintf(&text, "PILBUP %s", c.codes[station])
	for _, v := range f {
		fmt.Fprintf(&text, " %d", v)
	}
	fmt.Fprintf(&text, " %s", k)
	return inbound(phone(station), text.String())
}

// inbound is a message whose key follows from sender and text.
func inbound(sender, text string) db.Inbound {
	sum := sha256.Sum256([]byte(sender + "\n" + text))
	m := db.Inbound{
		Message: verify.Message{
			Kind: verify.MessageText, Sender: sender, Text: text, SentAt: receivedAt, ReceivedAt: receivedAt,
			Gateway: "gw1", Modem: "m1", Proof: "7F3K2",
		},
		IMSI: "510100000000001",
		PDUs: []string{fmt.Sprintf("0791%X", binary.BigEndian.Uint64(sum[:]))},
	}
	copy(m.Key[:], sum[:])
	return m
}

func (c *centre) batch(messages ...db.Inbound) db.Batch {
	return db.Batch{Gateway: "gw1", Profile: c.profile, Key: c.key, Messages: messages}
}

// intake stores messages and returns what was decided.
func (c *centre) intake(messages ...db.Inbound) []verify.Verdict {
	c.t.Helper()
	verdicts, err := c.gateway.Intake(c.t.Context(), c.batch(messages...))
	if err != nil {
		c.t.Fatalf("Intake: %v", err)
	}
	return verdicts
}

// overview is the overview once everything is counted. What it counts must be what
// the facts say.
func (c *centre) overview() *db.Overview {
	c.t.Helper()
	ctx := context.WithoutCancel(c.t.Context())
	for _, step := range []func(context.Context) (bool, error){c.desk.FillLookup, c.desk.CountUp} {
		for more := true; more; {
			var err error
			if more, err = step(ctx); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	o, err := c.desk.Overview(ctx, c.profile.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	anew, err := c.desk.OverviewAnew(ctx, c.profile.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	anew.At, anew.Counted = o.At, o.Counted
	if !reflect.DeepEqual(o, anew) {
		c.t.Errorf("counted:\n%+v\nin the facts:\n%+v", o, anew)
	}
	return o
}

func outcomes(verdicts []verify.Verdict) string {
	words := make([]string, len(verdicts))
	for i, v := range verdicts {
		words[i] = string(v.Outcome)
	}
	return strings.Join(words, " ")
}

func (c *centre) owner() *sqlx.DB { return c.pg.Open(cluster.Owner) }

// number is the result of a query for one number, as the owner.
func (c *centre) number(query string, args ...any) int {
	c.t.Helper()
	return number(c.t, c.owner(), query, args...)
}

func number(t testing.TB, pool *sqlx.DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := pool.GetContext(context.WithoutCancel(t.Context()), &n, query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
