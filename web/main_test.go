package web_test

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/parser"
	"tali/verify"
)

// TestMain lets more tests run at once than there are processors: most of them
// wait for the next second or for a deadline.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	dbtest.Main(m, db.Migrate)
}

// receivedAt is a moment at which the election of the tests is open.
var receivedAt = time.Date(2024, 11, 27, 6, 0, 0, 0, time.UTC)

// names of the registry that a careless page would obey.
const (
	electionName = `Pilkada <b>Uji</b> & Coba`
	villageName  = `Desa <i>Satu</i>`
)

// election is the profile of the tests: one ballot, two pairs, short form.
func election(t *testing.T) *parser.Profile {
	t.Helper()
	p, err := parser.NewProfile(parser.Profile{
		ID: "uji-halaman", Name: electionName, Version: 1, Digest: strings.Repeat("b2", 32), Phase: parser.PhaseRehearsal,
		Round: 1, Regency: "7108", Auth: parser.AuthOff, Zone: time.FixedZone("WITA", 8*3600), ZoneTag: "WITA",
		Opens: receivedAt.Add(-2 * time.Hour), Closes: receivedAt.Add(10 * time.Hour),
		ReservePermille: 25, QuestionTTL: time.Hour, UnknownPerHour: 3,
		Ballots: []*parser.Ballot{{
			Digit: '7', Keyword: "PILBUP", Aliases: []string{"BUP"}, Title: "Bupati", Contest: "pkwkk",
			Form: parser.FormShort, Unit: "calon", Contestants: []string{"Satu & Dua", "Tiga <Empat>"},
		}},
		Texts: map[string][]string{
			verify.KindAccepted:      {"DITERIMA {tps} RALAT {proof}"},
			verify.KindUnknown:       {"Nomor ini belum terdaftar."},
			verify.KindConflict:      {"SUDAH ADA laporan, DITAHAN"},
			verify.KindConflictProof: {"SUDAH ADA laporan {proof}, DITAHAN"},
			verify.KindHeldRalat:     {"DITAHAN dulu"},
			verify.KindRelation:      {"PERIKSA {tps}"},
			verify.KindForm:          {"PERIKSA {tps}. FORM?"},
			verify.KindK:             {"PERIKSA {tps}: K {k} tidak"},
			verify.KindNoKeyword:     {"Kata ke-{word} belum kami kenal"},
			verify.KindTest:          {"UJI BERHASIL"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// centre is a test's database with an election, stations and an officer each.
type centre struct {
	t       *testing.T
	pg      *dbtest.DB
	gateway *db.DB
	desk    *db.DB // beside that of the pages
	profile *parser.Profile
	codes   []string // TPS codes, by station
}

// newCentre is empty of messages. Its desk is opened by the tests, which may
// want a line of their own.
func newCentre(t *testing.T, pg *dbtest.DB, stations int) *centre {
	t.Helper()
	desk := open(t, pg.DSN(cluster.Desk))
	c := &centre{t: t, pg: pg, profile: election(t), gateway: open(t, pg.DSN(cluster.Gateway)), desk: desk}
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(desk.OpenElection(ctx, c.profile))
	must(desk.ImportAreas(ctx, []db.AreaRow{{
		Line: 2, Code: "7108012001", Name: villageName,
		District: "Sangkub", Regency: "Bolaang Mongondow Utara", Province: "Sulawesi Utara",
	}}))
	rows, officers := make([]db.StationRow, stations), make([]db.OfficerRow, stations)
	for i := range rows {
		rows[i] = db.StationRow{Line: i + 2, Code: stationCode(i), VotersL: 400, VotersP: 400}
		officers[i] = db.OfficerRow{Line: i + 2, Name: fmt.Sprintf("Petugas Rekaan %d", i), Phone: phone(i), Station: stationCode(i)}
	}
	must(desk.ImportStations(ctx, c.profile, rows, nil))
	must(desk.ImportOfficers(ctx, c.profile, officers, nil))
	registry, err := c.gateway.Registry(ctx, c.profile)
	must(nil, err)
	for _, s := range registry.Stations {
		c.codes = append(c.codes, s.TPS)
	}
	return c
}

func open(t *testing.T, dsn string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // the server may have been stopped under it
	return d
}

func stationCode(i int) string { return fmt.Sprintf("7108012001%03d", i+1) }

// phone is in a range that no operator has.
func phone(i int) string { return fmt.Sprintf("+62800%08d", i) }

// tally is a right SMS for a station.
func (c *centre) tally(station, one, two, invalid int) string {
	f := parser.Figures{int16(one), int16(two), int16(one + two), int16(invalid), int16(one + two + invalid)}
	text, err := parser.Render(c.profile.Ballots[0], parser.TPSCode(c.codes[station]), f)
	if err != nil {
		c.t.Fatal(err)
	}
	return text
}

// take stores one SMS, checks what was decided, and brings it into search and
// counts as a desk does that runs.
func (c *centre) take(sender, text string, want verify.Outcome) {
	c.t.Helper()
	m := db.Inbound{
		Message: verify.Message{
			Kind: verify.MessageText, Sender: sender, Text: text, SentAt: receivedAt, ReceivedAt: receivedAt,
			Gateway: "gw1", Modem: "m1", Proof: proof,
		},
		IMSI: "510100000000001", PDUs: []string{"00"},
	}
	sum := sha256.Sum256([]byte(sender + "\n" + text))
	copy(m.Key[:], sum[:])
	verdicts, err := c.gateway.Intake(c.t.Context(), db.Batch{Gateway: "gw1", Profile: c.profile, Messages: []db.Inbound{m}})
	if err != nil {
		c.t.Fatalf("Intake(%q): %v", text, err)
	}
	if verdicts[0].Outcome != want {
		c.t.Fatalf("Intake(%q) = %s, want %s", text, verdicts[0].Outcome, want)
	}
	c.keepUp()
}

func (c *centre) keepUp() {
	c.t.Helper()
	for _, step := range []func(context.Context) (bool, error){c.desk.FillLookup, c.desk.CountUp} {
		for more := true; more; {
			var err error
			if more, err = step(c.t.Context()); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

// proof is the code that every receipt of the tests carries.
const proof = "7F3K2"
