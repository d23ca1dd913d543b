package db_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"tali/db"
	"tali/db/cluster"
	"tali/verify"
)

// project brings everything into the results interface.
func (c *centre) project() {
	c.t.Helper()
	for {
		n, err := c.desk.Project(c.t.Context())
		if err != nil {
			c.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// wantRecount compares area_total, station_result and a replay of the feed with
// the facts.
func (c *centre) wantRecount(t *testing.T) {
	t.Helper()
	differ, err := c.desk.Recount(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differ {
		t.Errorf("area %s %s round %d: published %q, counted %q", d.Area, d.Contest, d.Round, d.Published, d.Counted)
	}
	for name, query := range map[string]string{
		"station_result and what stands": `SELECT count(*) FROM (
			SELECT station::text AS s, round AS r, entry AS e FROM tally.standing WHERE state = 'terverifikasi') AS a
			FULL JOIN results.station_result b ON b.kode_tps = a.s AND b.putaran = a.r AND b.revisi = a.e WHERE a.s IS NULL OR b.kode_tps IS NULL`,
		"station_result and the entries": `SELECT count(*) FROM results.station_result r JOIN tally.entry e ON e.station = r.kode_tps::bigint AND e.revision = r.revisi
			AND e.figures IS DISTINCT FROM r.suara_paslon || ARRAY[suara_sah, suara_tidak_sah, suara_total, pengguna_total_j,
			surat_suara_diterima, surat_suara_digunakan, surat_suara_dikembalikan, surat_suara_tidak_digunakan]`,
		"the feed's replay and station_result": `WITH replay AS (
			SELECT DISTINCT ON (kode_tps, jenis, putaran, election) * FROM results.change_feed ORDER BY kode_tps, jenis, putaran, election, urutan DESC)
			SELECT count(*) FROM (SELECT * FROM replay WHERE peristiwa <> 'penarikan') AS f
			FULL JOIN results.station_result r ON (r.kode_tps, r.jenis, r.putaran, r.election, r.urutan, r.versi, r.suara_paslon, r.suara_sah)
			  = (f.kode_tps, f.jenis, f.putaran, f.election, f.urutan, f.versi, f.suara_paslon, f.suara_sah)
			WHERE r.kode_tps IS NULL OR f.kode_tps IS NULL`,
		"numbers of the feed without a gap": `SELECT coalesce(max(urutan), 0) - count(*) FROM results.change_feed`,
		"versions of one case that do not rise": `SELECT count(*) FROM (SELECT versi, lag(versi) OVER (PARTITION BY kode_tps, jenis, putaran, election ORDER BY urutan) AS before
			FROM results.change_feed) AS f WHERE versi <= before`,
	} {
		if n := c.number(query); n != 0 {
			t.Errorf("%s: %d rows differ", name, n)
		}
	}
}

func TestFeedTellsEveryChange(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 2)
	c.intake(c.plain(0, 145), c.plain(0, 146), c.plain(1, 100))
	c.confirm(1, 1, "ani")
	c.confirm(0, 1, "ani", "budi")
	c.project()
	if _, err := c.decide(0, 1, verify.ActUndo, "citra"); err != nil {
		t.Fatal(err)
	}
	c.confirm(0, 2, "ani", "budi")
	c.project()
	c.project() // nothing twice
	var got []string
	err := c.pg.Open(cluster.ResultsReader).SelectContext(t.Context(), &got, `
		SELECT urutan || ' ' || peristiwa || ' ' || right(kode_tps, 3) || coalesce(' ' || suara_paslon[1] || ' r' || revisi || ' ' || sumber, '') || ' v' || versi
		FROM results.change_feed ORDER BY urutan`)
	if err != nil {
		t.Fatal(err)
	}
	want := "[1 konfirmasi 002 100 r1 sms v2 2 konfirmasi 001 145 r1 sms v2 3 penarikan 001 v3 4 konfirmasi 001 146 r2 sms v4]"
	if fmt.Sprint(got) != want {
		t.Errorf("feed = %v\nwant   %s", got, want)
	}
	c.wantRecount(t)
}

// Reconfirming another version replaces the confirmed one in one act.
func TestFeedTellsACorrection(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 1)
	c.intake(c.plain(0, 145))
	c.confirm(0, 1, "ani")
	c.intake(c.plain(0, 150))
	c.project()
	c.confirm(0, 2, "ani", "budi")
	c.project()
	if n := c.number(`SELECT suara_paslon[1] FROM results.change_feed WHERE urutan = 2 AND peristiwa = 'koreksi'`); n != 150 {
		t.Errorf("corrected votes = %d, want 150", n)
	}
	if n := c.number(`SELECT suara_paslon[1] FROM results.area_total WHERE kode_wilayah = '7108' AND urutan = 2`); n != 150 {
		t.Errorf("votes of the regency = %d, want 150", n)
	}
	c.wantRecount(t)
}

// Expected stations and voters follow the registry, at every level.
func TestCoverageBesideEveryFigure(t *testing.T) {
	t.Parallel()
	c := newCentre(t, 3)
	c.project()
	reader := c.pg.Open(cluster.ResultsReader)
	const row = `SELECT tps_total || ' ' || tps_melapor || ' ' || tps_terverifikasi || ' ' || pemilih_dpt_j || ' ' || pemilih_dpt_j_tercakup || ' ' || coalesce(persen_tps::text, '-')
		FROM results.progress WHERE kode_wilayah = $1 AND nama <> ''`
	want := func(area, want string) {
		t.Helper()
		var got string
		if err := reader.GetContext(t.Context(), &got, row, area); err != nil || got != want {
			t.Errorf("progress of %s = %q, %v; want %q", area, got, err, want)
		}
	}
	want("7108012001", "3 0 0 1500 0 0.00")
	c.intake(c.plain(0, 145), c.plain(1, 145))
	c.confirm(0, 1, "ani")
	c.project()
	for _, area := range []string{"7108012001", "710801", "7108", "71", "0"} {
		want(area, "3 2 1 1500 500 33.33")
	}
	more := []db.StationRow{{Line: 2, Code: stationCode(0), VotersL: 300, VotersP: 250}, {Line: 3, Code: stationCode(3), VotersL: 100}}
	if _, err := c.desk.ImportStations(t.Context(), c.profile, more, nil); err != nil {
		t.Fatal(err)
	}
	c.project()
	want("71", "4 2 1 1650 550 25.00")
	c.wantRecount(t)
}

// Whatever the staff decide and undo while two projectors race and lines are
// cut, the totals are what the rows say, and the feed has no gap.
func TestTotalsEqualARecount(t *testing.T) {
	t.Parallel()
	const steps = 120
	c := newCentre(t, 502) // two villages
	c.staff()
	c.elsewhere()
	stations := []int{0, 1, 2, 3, 500, 501}
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	cuts := 0
	for range 2 {
		projector := open(t, c.pg.DSN(cluster.Desk))
		work.Go(func() {
			for ctx.Err() == nil {
				_, _ = projector.Project(ctx) // it may have been cut: again
			}
		})
	}
	random := rand.New(rand.NewPCG(6, 1))
	acts := []verify.Act{verify.ActConfirm, verify.ActConfirm, verify.ActUndo, verify.ActReject, verify.ActHold}
	for step := range steps {
		station := stations[random.IntN(len(stations))]
		if step%12 == 11 {
			cuts += c.pg.CutConnections()
		}
		c.step(station, acts[random.IntN(len(acts))], random)
	}
	stop()
	work.Wait()
	c.project()
	c.wantRecount(t)
	if n := c.number(`SELECT count(*) FROM results.change_feed`); n < steps/10 || cuts < 10 {
		t.Errorf("%d events, %d lines cut: the test does too little", n, cuts)
	}
}

// elsewhere adds a village with two stations in another district.
func (c *centre) elsewhere() {
	c.t.Helper()
	areas := []db.AreaRow{{Line: 2, Code: "7108022001", Name: "Desa Lain", District: "Bintauna", Regency: "Bolaang Mongondow Utara", Province: "Sulawesi Utara"}}
	if _, err := c.desk.ImportAreas(c.t.Context(), areas); err != nil {
		c.t.Fatal(err)
	}
	rows := []db.StationRow{{Line: 2, Code: "7108022001001", VotersL: 101, VotersP: 102}, {Line: 3, Code: "7108022001002", VotersP: 7}}
	if _, err := c.desk.ImportStations(c.t.Context(), c.profile, rows, nil); err != nil {
		c.t.Fatal(err)
	}
}

// step sends a tally or decides; what a cut line refuses is left.
func (c *centre) step(station int, a verify.Act, random *rand.Rand) {
	ctx := c.t.Context()
	f, err := c.desk.Case(ctx, c.profile, c.caseKey(station))
	if err != nil || len(f.Entries) == 0 || random.IntN(5) == 0 {
		_, _ = c.gateway.Intake(ctx, c.batch(c.plain(station, 100+random.IntN(50))))
		return
	}
	n := db.Decision{
		Case: c.caseKey(station), Revision: 1 + random.IntN(f.Revision), Version: f.Version, Act: a, Reason: "uji", Staff: "ani",
	}
	if told, err := c.desk.Decide(ctx, c.profile, n); err == nil && told.First {
		n.Staff = "budi"
		_, _ = c.desk.Decide(ctx, c.profile, n)
	}
}
