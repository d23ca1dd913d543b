package db_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"tali/db"
	"tali/db/cluster"
	"tali/parser"
	"tali/verify"
)

// Two districts of the tests, with a station each.
const (
	hereArea, thereArea       = 710801, 710802
	hereStation, thereStation = "7108012001001", "7108022001001"
)

// twoDistricts is a centre with a tally, a quarantined SMS and a typing in each of
// two districts, and a quarantined SMS of nobody's.
func twoDistricts(t *testing.T) *centre {
	t.Helper()
	c := newCentre(t, 1)
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.desk.ImportAreas(ctx, []db.AreaRow{{
		Line: 2, Code: "7108022001", Name: "Desa Seberang", District: "Bintauna", Regency: "Bolaang Mongondow Utara", Province: "Sulawesi Utara",
	}}))
	must(c.desk.ImportStations(ctx, c.profile, []db.StationRow{{Line: 2, Code: thereStation, VotersL: 250, VotersP: 250}}, nil))
	must(c.desk.ImportOfficers(ctx, c.profile, []db.OfficerRow{{Line: 2, Name: "Petugas 1", Phone: phone(1), Station: thereStation}}, nil))
	registry, err := c.gateway.Registry(ctx, c.profile)
	must(nil, err)
	c.codes = nil
	for _, s := range registry.Stations {
		c.codes = append(c.codes, s.TPS)
	}
	for i, station := range []string{hereStation, thereStation} {
		c.intake(c.tally(i, 145), c.tally(i, 146), inbound(phone(i), "halo pak"))
		c.staff()
		must(c.desk.TypeIn(ctx, c.profile, db.Typing{
			Case: verify.CaseKey{Station: station, Ballot: "PILBUP"}, Source: db.FromPaper,
			Figures: parser.Figures{1, 2, 3, 6, 0, 6, 6, 8, 6, 0, 2}, Staff: "ani",
		}))
	}
	c.intake(inbound("+62800099999999", "siapa ini"))
	must(c.desk.FillLookup(ctx))
	return c
}

// limited is a pool whose every connection is the desk limited to an area, as
// somebody would have it who speaks SQL.
func (c *centre) limited(area int) *sqlx.DB {
	c.t.Helper()
	pool := c.pg.Open(cluster.Desk)
	pool.SetMaxOpenConns(1)
	for _, query := range []string{`SET ROLE tali_area`, fmt.Sprintf(`SET tali.area = '%d'`, area)} {
		if _, err := pool.ExecContext(c.t.Context(), query); err != nil {
			c.t.Fatal(err)
		}
	}
	return pool
}

// Whatever is asked as the desk of one area, no row of another's station comes
// back, nor one that belongs to no station.
func TestAreaSeesItsOwnRows(t *testing.T) {
	t.Parallel()
	c := twoDistricts(t)
	here, whole := c.limited(hereArea), c.pg.Open(cluster.Desk)
	for query, want := range map[string]int{
		`SELECT count(*) FROM registry.station`:                    1,
		`SELECT count(*) FROM registry.phone`:                      1,
		`SELECT count(*) FROM registry.officer`:                    1,
		`SELECT count(*) FROM intake.message`:                      3,
		`SELECT count(*) FROM intake.verdict`:                      3,
		`SELECT count(*) FROM tally.entry`:                         2,
		`SELECT count(*) FROM tally.standing`:                      1,
		`SELECT count(*) FROM tally.typing`:                        1,
		`SELECT count(*) FROM desk.typing_task`:                    1,
		`SELECT count(*) FROM desk.lookup`:                         3,
		`SELECT count(*) FROM outbox.reply`:                        2,
		`SELECT count(*) FROM intake.message WHERE text ~ 'siapa'`: 0,
	} {
		got := number(t, here, query)
		switch {
		case got > want:
			t.Errorf("as one area: %s = %d, want %d", query, got, want)
		case got < 1 && want > 0:
			t.Errorf("as one area: %s = 0, it sees nothing of its own", query)
		}
		if all := number(t, whole, query); strings.Contains(query, "WHERE") != (want == 0) || all <= want {
			t.Errorf("as all: %s = %d, want more than %d", query, all, want)
		}
	}
}

// A table that the role may read is guarded by a policy, or holds no station's
// rows: a new one is neither by accident.
func TestAreaReadsGuardedTables(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 0)
	var open []string
	err := c.owner().SelectContext(t.Context(), &open, `
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT c.relrowsecurity
  AND has_schema_privilege('tali_area', n.oid, 'USAGE') AND has_any_column_privilege('tali_area', c.oid, 'SELECT') ORDER BY 1`)
	want := []string{"registry.area", "registry.ballot", "registry.contestant", "registry.election", "registry.modem", "registry.profile", "staff.account"}
	if err != nil || !slices.Equal(open, want) {
		t.Errorf("without a policy it reads %v, %v, want %v", open, err, want)
	}
	var without []string
	err = c.owner().SelectContext(t.Context(), &without, `
SELECT c.oid::regclass::text FROM pg_class c WHERE c.relrowsecurity AND (
  SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND ('tali_desk'::regrole = ANY (p.polroles) AND pg_get_expr(p.polqual, p.polrelid) = 'true')) <> 1`)
	if err != nil || len(without) > 0 {
		t.Errorf("the desk does not see all of %v, %v", without, err)
	}
}

// Without an area set, the role sees nothing, and it writes into no other one.
func TestAreaIsClosedByDefault(t *testing.T) {
	t.Parallel()
	c := twoDistricts(t)
	for name, area := range map[string]string{"none": "", "no code": "71' OR '1", "zero": "0", "too long": "71080120010011"} {
		pool := c.limited(0)
		if _, err := pool.ExecContext(t.Context(), `SELECT set_config('tali.area', $1, false)`, area); err != nil {
			t.Fatal(err)
		}
		if got := number(t, pool, `SELECT (SELECT count(*) FROM tally.standing) + (SELECT count(*) FROM intake.message) + (SELECT count(*) FROM registry.phone)`); got != 0 {
			t.Errorf("area %s: %d rows, want none", name, got)
		}
	}
	here := c.limited(hereArea)
	for statement, want := range map[string]string{
		`INSERT INTO desk.claim (subject, staff, until) VALUES ('c:1:` + thereStation + `:7:1', 'ani', now())`:                                                   "42501",
		`INSERT INTO tally.remark (station, election, ballot, round, revision, version, kind, staff) VALUES (` + thereStation + `, 1, 7, 1, 1, 1, 'ask', 'ani')`: "42501",
		`SELECT tally.add_entry(max(id), max(id)) FROM tally.typing`:                                                                                             "TL003",
		`SELECT password FROM staff.account`: "42501",
		`SELECT token FROM staff.session`:    "42501",
		`INSERT INTO registry.phone (election, phone, station, officer, valid_from) VALUES (1, '+62899', 1, 1, now())`: "42501",
		`SELECT assurance FROM tally.proven_entry`: "42501",
		`SELECT figures FROM tally.entry_e1_p71`:   "42501",
		`SELECT text FROM intake.message_0`:        "42501",
	} {
		_, err := here.ExecContext(t.Context(), statement)
		var refused *pq.Error
		if got := asError(err, &refused); got != want {
			t.Errorf("%s: %v, want SQLSTATE %s", statement, err, want)
		}
	}
	// As an area without rows of its own: nothing changes elsewhere.
	if result, err := here.ExecContext(t.Context(), `UPDATE tally.standing SET version = version + 1 WHERE station = `+thereStation); err == nil {
		if n, _ := result.RowsAffected(); n != 0 {
			t.Errorf("%d standings of another area were changed", n)
		}
	}
}

// One login may be gateway and desk at once: it sees all, and takes on the role of
// one area like the desk's own.
func TestOneLoginForBothIsLimitedToo(t *testing.T) {
	t.Parallel()
	c := twoDistricts(t)
	super := c.pg.Open(cluster.Superuser)
	super.SetMaxOpenConns(1)
	exec := func(query string) {
		t.Helper()
		if _, err := super.ExecContext(context.WithoutCancel(t.Context()), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec(`CREATE ROLE test_reach NOLOGIN IN ROLE tali_gateway, tali_desk`)
	t.Cleanup(func() {
		exec(`RESET ROLE; RESET SESSION AUTHORIZATION`)
		exec(`DROP ROLE test_reach`)
	})
	exec(`SET SESSION AUTHORIZATION test_reach`)
	if got := number(t, super, `SELECT count(*) FROM tally.standing`); got != 2 {
		t.Errorf("as itself it sees %d cases, want 2", got)
	}
	exec(`SET ROLE tali_area`)
	exec(fmt.Sprintf(`SET tali.area = '%d'`, thereArea))
	if got := number(t, super, `SELECT sum(station) FROM tally.standing`); fmt.Sprint(got) != thereStation {
		t.Errorf("as one area it sees %d, want %s", got, thereStation)
	}
}

// areaPerson makes an account of an area.
func (c *centre) areaPerson(login string, area int64) {
	c.t.Helper()
	token := sha256.Sum256([]byte(login))
	_, err := c.desk.AddStaff(c.t.Context(), db.Actor{}, db.NewStaff{
		Staff: db.Staff{Login: login, Name: login, Role: db.RoleVerifier, Area: area}, Invite: db.Invite{Hash: token[:], For: time.Hour},
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// The methods of the desk within an area: what lies outside is not there.
func TestReachOfPages(t *testing.T) {
	t.Parallel()
	c := twoDistricts(t)
	c.areaPerson("camat", hereArea)
	here := db.WithReach(t.Context(), hereArea)
	there := verify.CaseKey{Station: thereStation, Ballot: "PILBUP"}
	own := verify.CaseKey{Station: hereStation, Ballot: "PILBUP"}
	if _, err := c.desk.Case(here, c.profile, there); !errors.Is(err, db.ErrNoCase) {
		t.Errorf("another area's case: %v, want ErrNoCase", err)
	}
	file, err := c.desk.Case(here, c.profile, own)
	if err != nil || len(file.Entries) != 2 || file.Entries[0].Text == "" {
		t.Fatalf("its own case: %+v, %v", file, err)
	}
	if _, err := c.desk.Decide(here, c.profile, db.Decision{Case: there, Revision: 1, Version: 2, Act: verify.ActHold, Staff: "camat"}); !errors.Is(err, db.ErrNoCase) {
		t.Errorf("deciding another area's case: %v, want ErrNoCase", err)
	}
	// Also by a line that shows everything.
	other, err := c.desk.Case(t.Context(), c.profile, there)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.desk.Decide(t.Context(), c.profile, db.Decision{Case: there, Revision: 1, Version: other.Version, Act: verify.ActHold, Staff: "camat"})
	if !errors.Is(err, db.ErrReach) {
		t.Errorf("deciding outside by a whole line: %v, want ErrReach", err)
	}
	if _, err := c.desk.Decide(here, c.profile, db.Decision{Case: own, Revision: 1, Version: file.Version, Act: verify.ActHold, Staff: "camat"}); err != nil {
		t.Errorf("deciding its own: %v", err)
	}
	if _, err := c.desk.Unmask(here, db.Actor{}, c.profile.ID, 7108022001001, c.officer(1)); !errors.Is(err, db.ErrNoStation) {
		t.Errorf("another area's number: %v, want ErrNoStation", err)
	}
	if phones, err := c.desk.Unmask(here, db.Actor{}, c.profile.ID, 7108012001001, c.officer(0)); err != nil || len(phones) != 1 {
		t.Errorf("its own number: %v, %v", phones, err)
	}
	subject, err := c.desk.CaseSubject(here, c.profile, there)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.desk.OpenOnDesk(here, subject, "camat"); !errors.Is(err, db.ErrForbidden) {
		t.Errorf("claiming outside: %v, want ErrForbidden", err)
	}
	out, err := c.desk.TypeIn(here, c.profile, db.Typing{
		Case: own, Source: db.FromPaper, Figures: parser.Figures{1, 2, 3, 6, 0, 6, 6, 8, 6, 0, 2}, Staff: "camat",
	})
	if err != nil || out.Revision != 3 {
		t.Errorf("keying in its own form: %+v, %v", out, err)
	}
	if err := c.desk.AskPhone(here, db.Actor{ID: 1}, c.profile, db.PhoneChange{Officer: c.officer(1), Old: phone(1), New: "+6289900008888", Reason: "uji"}); err == nil {
		t.Error("a change of another area's phone was asked for")
	}
	if err := c.desk.AskPhone(here, db.Actor{ID: 1}, c.profile, db.PhoneChange{Officer: c.officer(0), Old: phone(0), New: "+6289900008889", Reason: "uji"}); err != nil {
		t.Errorf("asking for a phone of its own: %v", err)
	}
	for _, view := range db.QueueViews() {
		items, err := c.desk.Queue(here, c.profile, db.QueueQuery{View: view, Area: hereArea, Limit: 50}, receivedAt)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range items {
			if i.Station != hereStation {
				t.Errorf("the queue's %s shows station %q", view, i.Station)
			}
		}
	}
}

// officer is the id of an officer of the tests.
func (c *centre) officer(i int) int64 {
	return int64(number(c.t, c.owner(), `SELECT officer FROM registry.phone WHERE phone = $1`, phone(i)))
}

// The reach of one request is never that of the next, whatever connection either
// gets.
func TestReachDoesNotLeak(t *testing.T) {
	t.Parallel()
	c := twoDistricts(t)
	want := map[int64]string{0: hereStation + thereStation, hereArea: hereStation, thereArea: thereStation}
	var all sync.WaitGroup
	for n := range 24 {
		area := []int64{hereArea, 0, thereArea}[n%3]
		all.Go(func() {
			for range 15 {
				got, err := c.stationsSeen(db.WithReach(t.Context(), area))
				if err != nil || got != want[area] {
					t.Errorf("area %d sees %q, %v, want %q", area, got, err, want[area])
				}
			}
		})
	}
	all.Wait()
}

// stationsSeen asks by each way there is: planned once, planned anew, in a
// transaction of its own.
func (c *centre) stationsSeen(ctx context.Context) (string, error) {
	hits, err := c.desk.FindStations(ctx, c.profile, "7108", 10)
	if err != nil {
		return "", err
	}
	infos, err := c.desk.StationsIn(ctx, c.profile, 0, 10)
	if err != nil {
		return "", err
	}
	var a, b string
	for _, h := range hits {
		a += h.Code
	}
	for _, i := range infos {
		b += i.Code
	}
	if a != b {
		return "", fmt.Errorf("found %q, listed %q", a, b)
	}
	_, err = c.desk.Case(ctx, c.profile, verify.CaseKey{Station: hereStation, Ballot: "PILBUP"})
	if errors.Is(err, db.ErrNoCase) == strings.Contains(a, hereStation) {
		return "", fmt.Errorf("the case: %w", err)
	}
	return a, nil
}
