package db_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tali/db"
	"tali/db/cluster"
	"tali/parser"
	"tali/verify"
)

// regency is one of several at a centre, with the case that each station has in
// each ballot.
type regency struct {
	*centre
	stations []string
}

// nation is a centre with two regencies in one province and one in another. They
// vote for president in the short form, and for governor and regent in the full.
func nation(t *testing.T) (*centre, []*regency) {
	t.Helper()
	first := newCentre(t, 0)
	first.staff()
	var all []*regency
	for i, code := range []string{"7201", "7202", "7301"} {
		c := *first
		c.profile = election(t, func(p *parser.Profile) {
			p.ID, p.Regency = "pemilu-uji", code
			p.Ballots = []*parser.Ballot{
				{Digit: '1', Keyword: "PPWP", Title: "Presiden", Contest: "ppwp", Form: parser.FormShort, Unit: "calon", Contestants: []string{"Satu", "Dua"}},
				{Digit: '6', Keyword: "PILGUB", Title: "Gubernur", Contest: "pkwkp", Form: parser.FormFull, Unit: "calon", Contestants: []string{"Satu", "Dua", "Tiga"}},
				{Digit: '7', Keyword: "PILBUP", Title: "Bupati", Contest: "pkwkk", Form: parser.FormFull, Unit: "calon", Contestants: make([]string, 2+i)},
			}
			for n := range p.Ballots[2].Contestants {
				p.Ballots[2].Contestants[n] = fmt.Sprintf("Calon %d", n+1)
			}
		})
		r := &regency{centre: &c}
		r.enrol(i)
		all = append(all, r)
	}
	return first, all
}

// enrol fills the i-th regency: two villages with three stations each.
func (r *regency) enrol(i int) {
	r.t.Helper()
	ctx := r.t.Context()
	if _, err := r.desk.OpenElection(ctx, r.profile); err != nil {
		r.t.Fatal(err)
	}
	var areas []db.AreaRow
	var stations []db.StationRow
	var officers []db.OfficerRow
	for v := range 2 {
		village := fmt.Sprintf("%s%02d2001", r.profile.Regency, v+1)
		areas = append(areas, db.AreaRow{Line: v + 2, Code: village, Name: "Desa " + village, District: fmt.Sprint("Kecamatan ", v), Regency: "Rekaan " + r.profile.Regency, Province: "Provinsi " + r.profile.Regency[:2]})
		for n := range 3 {
			code := fmt.Sprintf("%s%03d", village, n+1)
			line := len(stations)
			r.stations = append(r.stations, code)
			stations = append(stations, db.StationRow{Line: line + 2, Code: code, VotersL: 200 + line, VotersP: 300})
			officers = append(officers, db.OfficerRow{Line: line + 2, Name: "Petugas " + code, Phone: r.phone(line), Station: code})
		}
	}
	if _, err := r.desk.ImportAreas(ctx, areas); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.desk.ImportStations(ctx, r.profile, stations, nil); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.desk.ImportOfficers(ctx, r.profile, officers, nil); err != nil {
		r.t.Fatal(err)
	}
	registry, err := r.gateway.Registry(ctx, r.profile)
	if err != nil {
		r.t.Fatal(err)
	}
	r.codes = nil
	for _, s := range registry.Stations {
		r.codes = append(r.codes, s.TPS)
	}
}

func (r *regency) phone(station int) string {
	return fmt.Sprintf("+62899%s%05d", r.profile.Regency, station)
}

// random sends a tally of a random case, or decides on it.
func (r *regency) random(random *rand.Rand) {
	r.t.Helper()
	ctx := r.t.Context()
	station, b := random.IntN(len(r.stations)), r.profile.Ballots[random.IntN(len(r.profile.Ballots))]
	key := verify.CaseKey{Station: r.stations[station], Ballot: b.Keyword}
	f, err := r.desk.Case(ctx, r.profile, key)
	if err != nil || len(f.Entries) == 0 || random.IntN(4) == 0 {
		text, err := parser.Render(b, parser.TPSCode(r.codes[station]), form(b, random))
		if err != nil {
			r.t.Fatal(err)
		}
		r.intake(inbound(r.phone(station), text))
		return
	}
	acts := []verify.Act{verify.ActConfirm, verify.ActConfirm, verify.ActConfirm, verify.ActUndo, verify.ActReject}
	d := db.Decision{
		Case: key, Revision: 1 + random.IntN(f.Revision), Version: f.Version, Act: acts[random.IntN(len(acts))], Reason: "uji", Staff: "ani",
	}
	if told, err := r.desk.Decide(ctx, r.profile, d); err == nil && told.First { // what is not legal now is refused
		d.Staff = "budi"
		_, _ = r.desk.Decide(ctx, r.profile, d)
	}
}

// form is one whose relations hold.
func form(b *parser.Ballot, random *rand.Rand) parser.Figures {
	f, sum := make(parser.Figures, b.Rows()), int16(0)
	for i := range b.N() {
		f[i] = int16(random.IntN(90))
		sum += f[i]
	}
	for label, value := range map[parser.Label]int16{
		parser.LabelS: sum, parser.LabelT: 5, parser.LabelJ: sum + 5, parser.LabelP: sum + 5, parser.LabelU: sum + 5, parser.LabelR: 2,
		parser.LabelZ: 503 - sum, parser.LabelD: 510,
	} {
		if i := b.Index(label); i >= 0 {
			f[i] = value
		}
	}
	return f
}

// Whatever is confirmed, corrected and withdrawn, in whatever order the projector
// meets it, every area up to the nation holds what its rows give.
func TestNationEqualsARecount(t *testing.T) {
	t.Parallel()
	const steps, seed = 500, 7
	c, regencies := nation(t)
	random := rand.New(rand.NewPCG(seed, 1))
	for step := range steps {
		regencies[random.IntN(len(regencies))].random(random)
		if random.IntN(6) == 0 {
			if _, err := c.desk.Project(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if step%100 == 99 {
			c.project()
			c.wantNation(t)
		}
	}
	for kind, least := range map[string]int{"konfirmasi": 40, "koreksi": 3, "penarikan": 10} {
		if n := c.number(`SELECT count(*) FROM results.change_feed WHERE peristiwa = $1`, kind); n < least {
			t.Errorf("%d events %s: the test does too little", n, kind)
		}
	}
}

// wantNation compares all totals with a recount, and those of the nation with the
// confirmed rows.
func (c *centre) wantNation(t *testing.T) {
	t.Helper()
	differ, err := c.desk.Recount(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differ {
		t.Errorf("area %s %s: published %q, counted %q", d.Area, d.Contest, d.Published, d.Counted)
	}
	const rows = `SELECT count(*) FROM results.area_total t WHERE kode_wilayah = '0' AND tingkat = 'nasional' AND induk IS NULL
		AND (suara_sah, tps_terverifikasi) = (SELECT coalesce(sum(suara_sah), 0), count(*) FROM results.station_result r WHERE r.jenis = t.jenis)`
	if n := c.number(rows); n != 3 {
		t.Errorf("%d of 3 contests of the nation are the sum of their stations", n)
	}
	const votes = `SELECT count(*) FROM results.area_total WHERE length(kode_wilayah) = $2 AND jenis = $1 AND suara_paslon IS NOT NULL`
	for contest, want := range map[string][3]int{"ppwp": {1, 2, 3}, "pkwkp": {0, 2, 3}, "pkwkk": {0, 0, 3}} {
		for i, digits := range []int{1, 2, 4} {
			if n := c.number(votes, contest, digits); n > want[i] || want[i] == 0 && n != 0 {
				t.Errorf("votes of %s stand in %d areas of %d digits, want at most %d", contest, n, digits, want[i])
			}
		}
	}
	if n := c.number(`SELECT count(*) FROM results.progress WHERE kode_wilayah = '0' AND nama = 'Indonesia'`); n != 3 {
		t.Errorf("%d rows of progress for the nation, want 3", n)
	}
}

// A first report is in the coverage with the projector's next step.
func TestReportsAreCountedAtOnce(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 3)
	c.project()
	want := func(reported int) {
		t.Helper()
		c.project()
		for _, area := range []string{"7108012001", "710801", "7108", "71", "0"} {
			if n := c.number(`SELECT tps_melapor FROM results.area_total WHERE kode_wilayah = $1`, area); n != reported {
				t.Errorf("%d stations of %s have reported, want %d", n, area, reported)
			}
		}
	}
	c.intake(c.plain(0, 145), c.plain(1, 145))
	want(2)
	c.intake(c.plain(0, 146)) // a second report of the same
	want(2)
	// The village is counted anew while a report waits to be counted.
	c.intake(c.plain(2, 100))
	if _, err := c.pg.Open(cluster.Owner).ExecContext(t.Context(), `INSERT INTO tally.stale_village SELECT DISTINCT election, code / 1000 FROM registry.station`); err != nil {
		t.Fatal(err)
	}
	want(3)
	c.wantRecount(t)
}
