package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"tali/configs"
	"tali/db"
	"tali/db/cluster"
	"tali/db/dbtest"
	"tali/parser"
)

// centre is a central database with an opened election, as an operator has it.
type centre struct {
	t      *testing.T
	config string // file with its DSN
	sql    *sqlx.DB
	pg     *dbtest.DB
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	pg := dbtest.New(t)
	c := &centre{t: t, config: configFor(t, pg.DSN(cluster.Desk)), sql: pg.Open(cluster.Desk), pg: pg}
	want := "schema is up to date, election pilkada-2024 is open\n"
	if got := mustTali(t, "migrate", "--config", c.config, "--owner", pg.DSN(cluster.Owner)); got != want {
		t.Fatalf("migrate = %q, want %q", got, want)
	}
	return c
}

func configFor(t *testing.T, dsn string) string {
	t.Helper()
	return file(t, "tali.yaml", fmt.Sprintf("data_dir: %s\ndatabase:\n  dsn: %s\n", quoted(t.TempDir()), quoted(dsn)))
}

// take imports a table that is right, and compares the summary.
func (c *centre) take(kind, path, want string) {
	c.t.Helper()
	out := mustTali(c.t, "import", kind, path, "--config", c.config)
	if all := lines(out); all[len(all)-1] != kind+": "+want {
		c.t.Errorf("import %s = %q, want %q at the end", kind, out, want)
	}
}

// refuse imports a table that is wrong, and compares every line said of it.
func (c *centre) refuse(kind, path string, want ...string) {
	c.t.Helper()
	before := c.rows()
	out, err := tali(c.t, "import", kind, path, "--config", c.config)
	wantError(c.t, err, path, "nothing was imported")
	if got := lines(out); !slices.Equal(got, want) {
		c.t.Errorf("import %s said\n%s\nwant\n%s", kind, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if after := c.rows(); after != before {
		c.t.Errorf("rows before a refused import: %s, after: %s", before, after)
	}
}

func (c *centre) rows() string {
	c.t.Helper()
	var s, o, p int
	err := c.sql.QueryRow(`SELECT (SELECT count(*) FROM registry.station), (SELECT count(*) FROM registry.officer),
		(SELECT count(*) FROM registry.phone)`).Scan(&s, &o, &p)
	if err != nil {
		c.t.Fatal(err)
	}
	return fmt.Sprintf("%d stations, %d officers, %d phones", s, o, p)
}

// codes are the TPS codes by station.
func (c *centre) codes() map[string]string {
	c.t.Helper()
	var rows []struct{ Code, TPS string }
	if err := c.sql.Select(&rows, `SELECT code::text, tps::text FROM registry.station`); err != nil {
		c.t.Fatal(err)
	}
	out := make(map[string]string)
	for _, r := range rows {
		out[r.Code] = r.TPS
	}
	return out
}

// bound is who may send for a station now, as "name phone".
func (c *centre) bound(station string) (out []string) {
	c.t.Helper()
	err := c.sql.Select(&out, `SELECT o.name || ' ' || p.phone FROM registry.phone p JOIN registry.officer o ON o.id = p.officer
		WHERE p.station = $1::bigint AND p.valid_until = 'infinity' ORDER BY 1`, station)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// agreePhones has two people at the desk agree to the change that was asked for.
func (c *centre) agreePhones() {
	c.t.Helper()
	var people []int64
	err := c.sql.Select(&people, `INSERT INTO staff.account (login, name, role)
		VALUES ('rekaan1', 'Staf Rekaan 1', 'supervisor'), ('rekaan2', 'Staf Rekaan 2', 'supervisor') RETURNING id`)
	var change int64
	if err == nil {
		err = c.sql.Get(&change, `SELECT id FROM staff.phone_change WHERE state = 'asked' AND asked_by IS NULL`)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	desk, err := db.Open(c.t.Context(), c.pg.DSN(cluster.Desk), slog.New(slog.DiscardHandler))
	if err != nil {
		c.t.Fatal(err)
	}
	defer desk.Close()
	for _, id := range people {
		if err := desk.AgreePhone(c.t.Context(), db.Actor{ID: id}, change, 0); err != nil {
			c.t.Fatal(err)
		}
	}
	if n, err := desk.ApplyPhones(c.t.Context()); err != nil || n != 1 {
		c.t.Fatalf("%d phone changes came into force, %v, want 1", n, err)
	}
}

func table(t *testing.T, text string) string {
	t.Helper()
	return file(t, "table.csv", strings.TrimLeft(text, "\n"))
}

func TestImportStations(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"english": table(t, "station_code,voters_l,voters_p,latitude,longitude,coverage\n7108052002001,100,110,0.9167,123.2500,SMS only\n7108052002002,120,130,,,\n"),
		"indonesian": table(t, "Kode;Pemilih L;Pemilih P;Lintang;Bujur;Sinyal\n7108052002001;100;110;0,9167;123,2500;SMS only\n"+
			"7108052002002;120;130;;;\n"),
		"xlsx": xlsxFile(t, [][]any{{"KODE", "DPT_L", "DPT_P", "Lintang", "Bujur", "Sinyal"},
			{7108052002001, 100, 110, 0.9167, 123.25, "SMS only"}, {"7108052002002", "120", "130"}}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCentre(t)
			c.take("stations", path, "2 new, 0 changed, 0 unchanged")
			c.take("stations", path, "0 new, 0 changed, 2 unchanged")
			var got string
			err := c.sql.Get(&got, `SELECT string_agg(format('%s %s %s %s %s %s', code, voters_l, voters_p, latitude, longitude, coverage), '|' ORDER BY code) FROM registry.station`)
			if want := "7108052002001 100 110 0.9167 123.25 SMS only|7108052002002 120 130   "; err != nil || got != want {
				t.Errorf("stored %q, %v, want %q", got, err, want)
			}
			for station, tps := range c.codes() {
				if !parser.TPSCode(tps).Valid() {
					t.Errorf("station %s was given %s: its check digits are wrong", station, tps)
				}
			}
		})
	}
}

func TestImportKeepsIssuedCodes(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.take("stations", table(t, "kode,dpt_l\n7108052002002,10\n7108052002003,20\n"), "2 new, 0 changed, 0 unchanged")
	first := c.codes()
	// A station in front of them, a changed one, one with a code of its own.
	c.take("stations", table(t, "kode,dpt_l,tps_code\n7108052002001,5,\n7108052002002,11,\n7108052002003,20,\n7108052002004,7,20000043\n"),
		"2 new, 1 changed, 1 unchanged")
	c.take("stations", table(t, "kode,dpt_l\n7108052002005,1\n"), "1 new, 0 changed, 0 unchanged")
	then := c.codes()
	for station, tps := range first {
		if then[station] != tps {
			t.Errorf("code of %s was %s and became %s", station, tps, then[station])
		}
	}
	if then["7108052002004"] != "20000043" {
		t.Errorf("the code that the table brought became %s", then["7108052002004"])
	}
	seen := make(map[string]string)
	for station, tps := range then {
		if other, twice := seen[tps]; twice || !parser.TPSCode(tps).Valid() {
			t.Errorf("station %s has code %s, station %q too", station, tps, other)
		}
		seen[tps] = station
	}
}

func TestImportRefusesCodesThatClashOrChange(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	path := table(t, "kode,tps_code\n7108052002001,10013505\n7108052002002,10002932\n")
	c.take("stations", path, "2 new, 0 changed, 0 unchanged")
	c.take("stations", path, "0 new, 0 changed, 2 unchanged")
	c.refuse("stations", table(t, "kode,tps_code\n7108052002003,10003029\n7108052002001,10003126\n7108052002004,10002932\n"),
		"line 3, tps_code: station 7108052002001 has the code 10013505, which never changes",
		"line 4, tps_code: station 7108052002002 has the code 10002932, which never changes")
	c.refuse("stations", table(t, "kode,tps_code\n7108052002003,10003029\n7108052002004,10003029\n"),
		"line 3, tps_code: 10003029 stands in line 2 already")
	c.refuse("stations", table(t, "kode,tps_code\n7108052002003,10003028\n"),
		`line 2, tps_code: "10003028" is no TPS code: its last two digits do not check the first six`)
}

func TestImportNamesEveryBadStation(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.take("stations", table(t, "kode\n7108052002001\n"), "1 new, 0 changed, 0 unchanged")
	c.refuse("stations", table(t, `
kode,dpt_l,lintang,bujur,kode_tps
7108052002002,10,,,
710805200200,10,,,
7108052002003,ten,,,
,10,,,
7108052002004,7.1E+02,,,
7.10805E+12,10,,,
7108052002005,-1,,,10013505
7108052002006,10,,,1001350
`),
		`line 3, kode "710805200200": has 12 digits, not 13: a part or leading zeros were lost, format the column as text`,
		`line 4, dpt_l "ten": is no whole number: digits only, without dots or commas`,
		`line 5, kode: is empty`,
		`line 6, dpt_l "7.1E+02": was rounded by the spreadsheet: format the column as text and enter the value again`,
		`line 7, kode "7.10805E+12": was rounded by the spreadsheet: format the column as text and enter the value again`,
		`line 8, dpt_l "-1": is no whole number: digits only, without dots or commas`,
		`line 9, kode_tps "1001350": has 7 digits, not 8: a part or leading zeros were lost, format the column as text`)
	c.refuse("stations", table(t, "kode,dpt_l\n7108052002002,10\n7108052002002,10\n7102052002003,10\n7108052002000,10\n7108052002004,10000\n"),
		"line 3, code: station 7108052002002 stands in line 2 already",
		"line 4, code: station 7102052002003 is not in regency 7108 of this election",
		`line 5, code: "7108052002000" is no 13-digit station code`,
		"line 6, voters: 10000 and 0 are no numbers of voters")
	c.refuse("stations", table(t, `
kode,lintang,bujur
7108052002002,0.9,
7108052002003,91,123
7108052002004,0.9,NaN
7108052002005,1;2,123
7108052002006,-0.5,-179.25
`),
		"line 2, latitude: latitude and longitude are given together or not at all",
		`line 3, latitude: "91" is no angle: write degrees from -90 to 90, such as 0.9167`,
		`line 4, longitude: "NaN" is no angle: write degrees from -180 to 180, such as 0.9167`,
		`line 5, latitude: "1;2" is no angle: write degrees from -90 to 90, such as 0.9167`)
}

func TestImportVillages(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	out, err := tali(t, "import", "stations", table(t, "kode\n7108052002001\n7108999999001\n"), "--config", c.config)
	wantError(t, err, "1 problem; nothing was imported")
	wantPart(t, out, "line 3, code: village 7108999999 is not known: give its village, district, regency and province in the row")
	if got := c.rows(); got != "0 stations, 0 officers, 0 phones" {
		t.Errorf("a refused import left %s", got)
	}
	c.take("stations", table(t, "kode,desa,kecamatan,kabupaten,provinsi\n"+
		"7108999999001,Desa Contoh,Kecamatan Contoh,Kabupaten Bolaang Mongondow Utara,Sulawesi Utara\n7108999999002,,,,\n"),
		"2 new, 0 changed, 0 unchanged")
}

func TestImportOfficers(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.take("stations", table(t, "kode,tps_code\n7108052002001,10013505\n7108052002002,\n"), "2 new, 0 changed, 0 unchanged")
	c.take("officers", table(t, "Nama,Nomor HP,TPS\nContoh Satu,0899-0000-0901,7108052002001\nContoh Dua,+6289900000902,10013505\n"),
		"2 new, 0 changed, 0 unchanged")
	c.take("officers", table(t, "phone;name;station\n6289900000901;Contoh Satu;10013505\n"), "0 new, 0 changed, 1 unchanged")

	moved := table(t, "name,phone,station_code\nContoh Satu,089900000911,7108052002001\n")
	c.take("officers", moved, "0 new, 0 changed, 0 unchanged")
	if got, want := c.bound("7108052002001"), []string{"Contoh Dua +6289900000902", "Contoh Satu +6289900000901"}; !slices.Equal(got, want) {
		t.Errorf("before anybody agreed %q may report, want %q", got, want)
	}
	if out := mustTali(t, "import", "officers", moved, "--config", c.config); strings.Contains(out, "asked for") {
		t.Errorf("read again it asks again: %q", out)
	}
	c.agreePhones()
	want := []string{"Contoh Dua +6289900000902", "Contoh Satu +6289900000911"}
	if got := c.bound("7108052002001"); !slices.Equal(got, want) {
		t.Errorf("after a phone change %q may report, want %q", got, want)
	}
	var closed int
	if err := c.sql.Get(&closed, `SELECT count(*) FROM registry.phone WHERE valid_until <> 'infinity'`); err != nil || closed != 1 {
		t.Errorf("%d closed bindings, %v: the old phone must stay on record", closed, err)
	}
	c.take("officers", table(t, "name,phone,station_code\nContoh Satu Lengkap,089900000911,7108052002001\n"), "0 new, 1 changed, 0 unchanged")
	c.take("officers", table(t, "name,phone,station_code\nContoh Satu Lengkap,089900000911,7108052002002\n"), "1 new, 0 changed, 0 unchanged")
	if got := c.bound("7108052002002"); !slices.Equal(got, []string{"Contoh Satu Lengkap +6289900000911"}) {
		t.Errorf("a second station of a phone: %q", got)
	}
}

func TestImportNamesEveryBadOfficer(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.take("stations", table(t, "kode\n7108052002001\n7108052002002\n"), "2 new, 0 changed, 0 unchanged")
	c.take("officers", table(t, "nama,hp,kode\nContoh Lama,089900000909,7108052002002\n"), "1 new, 0 changed, 0 unchanged")
	out, err := tali(t, "import", "officers", table(t, "nama,hp,kode\n,089900000901,7108052002001\nContoh Dua,telepon,7108052002001\nContoh Tiga,,7108052002001\n"+
		"Contoh Empat,089900000904,\nContoh Lima,8.99E+10,7108052002001\nContoh Enam,089900000906,7108052002001\n"), "--config", c.config)
	wantError(t, err, "5 problems; nothing was imported")
	for i, part := range []string{"line 2, nama: is empty", `line 3, hp "telepon": `, "line 4, hp: is empty", "line 5, kode: is empty", `line 6, hp "8.99E+10": `} {
		if got := lines(out)[i]; !strings.HasPrefix(got, part) {
			t.Errorf("line %d of the report is %q, want %q", i+1, got, part)
		}
	}
	c.refuse("officers", table(t, `
nama,hp,kode
Contoh Satu,089900000901,7108052002009
Contoh Dua,089900000902,71080520020
Contoh Tiga,089900000903,7108052002001
Contoh Tiga,+6289900000903,7108052002001
Contoh Lain,6289900000903,7108052002002
`),
		`line 2, station: "7108052002009" is no station of this election`,
		`line 3, station: "71080520020" is no station of this election`,
		"line 5, phone: +6289900000903 with station 7108052002001 stands in line 4 already",
		"line 6, phone: +6289900000903 belongs to Contoh Tiga in line 4")
	c.refuse("officers", table(t, "nama,hp,kode\nContoh Baru,089900000909,7108052002001\n"),
		"line 2, phone: +6289900000909 belongs to Contoh Lama; end that first")
}

func TestImportPhonesThatLostTheirPlus(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.take("stations", table(t, "kode\n7108052002001\n7108052002002\n7108052002003\n7108052002004\n"), "4 new, 0 changed, 0 unchanged")
	path := xlsxFile(t, [][]any{{"Nama", "No HP", "Kode"},
		{"Contoh Satu", 6289900000901, 7108052002001}, // +62... taken for a number
		{"Contoh Dua", 89900000902, "7108052002002"},  // 089... taken for a number
		{"Contoh Tiga", "+62 899 0000 0903", 7108052002003},
		{"Contoh Empat", "0899.0000.0904", 7108052002004.0},
	})
	c.take("officers", path, "4 new, 0 changed, 0 unchanged")
	c.take("officers", path, "0 new, 0 changed, 4 unchanged")
	for i, name := range []string{"Satu", "Dua", "Tiga", "Empat"} {
		want := fmt.Sprintf("Contoh %s +628990000090%d", name, i+1)
		if got := c.bound(fmt.Sprintf("710805200200%d", i+1)); !slices.Equal(got, []string{want}) {
			t.Errorf("row %d is bound as %q, want %q", i+2, got, want)
		}
	}
}

func TestImportFiveThousandRows(t *testing.T) {
	t.Parallel()
	const count = 5000
	c := newCentre(t)
	villages := configs.Villages()
	var stations, people strings.Builder
	stations.WriteString("kode,dpt_l,dpt_p\n")
	people.WriteString("nama,telepon,kode\n")
	for i := range count {
		code := fmt.Sprintf("%s%03d", villages[i%100].Code, 1+i/100)
		fmt.Fprintf(&stations, "%s,%d,%d\n", code, i%300, i%290)
		fmt.Fprintf(&people, "Contoh %d,+6289900%06d,%s\n", i, i, code)
	}
	c.take("stations", table(t, stations.String()), "5000 new, 0 changed, 0 unchanged")
	c.take("officers", table(t, people.String()), "5000 new, 0 changed, 0 unchanged")
	last := strings.Replace(stations.String(), villages[99].Code+"050", villages[99].Code+"000", 1)
	c.refuse("stations", table(t, last), fmt.Sprintf(`line 5001, code: "%s000" is no 13-digit station code`, villages[99].Code))
	c.take("stations", table(t, stations.String()), "0 new, 0 changed, 5000 unchanged")
	if got := c.rows(); got != "5000 stations, 5000 officers, 5000 phones" {
		t.Errorf("stored %s", got)
	}
}

func TestImportSpeaksOfColumnsItDoesNotUse(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	out := mustTali(t, "import", "stations", table(t, "no,kode,ketua\n1,7108052002001,Contoh\n"), "--config", c.config)
	if want := "columns not used: [\"no\" \"ketua\"]\nstations: 1 new, 0 changed, 0 unchanged\n"; out != want {
		t.Errorf("import = %q, want %q", out, want)
	}
}

// A table that cannot be read at all is refused before any database is asked.
func TestImportRefusesFiles(t *testing.T) {
	t.Parallel()
	config := configFor(t, "host=/nonexistent dbname=tali user=tali_desk sslmode=disable")
	for _, c := range []struct {
		name, path string
		want       []string
	}{
		{"missing", "/nonexistent/table.csv", []string{"/nonexistent/table.csv", "no such file"}},
		{"a folder", t.TempDir(), []string{"is a directory"}},
		{"empty", file(t, "empty.csv", ""), []string{"empty.csv", "a header row and at least one row below are needed"}},
		{"blank", file(t, "blank.csv", "\n \n,,\n"), []string{"blank.csv", "header row"}},
		{"empty spreadsheet", xlsxFile(t, nil), []string{"table.xlsx", "header row"}},
		{"old Excel", file(t, "old.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), []string{"old.xls", "save it as .xlsx"}},
		{"PDF", file(t, "table.pdf", "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"), []string{"table.pdf"}},
		{"broken spreadsheet", file(t, "broken.xlsx", "PK\x03\x04 and nothing behind"), []string{"broken.xlsx"}},
		{"no needed column", table(t, "desa,dpt\nBoroko,300\n"), []string{"columns missing: station_code (or code, kode", `found: "desa", "dpt"`}},
		{"a column twice", table(t, "kode,code\n7108052002001,7108052002001\n"), []string{`"kode" and "code" mean the same column`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := tali(t, "import", "stations", c.path, "--config", config)
			wantError(t, err, append(c.want, "nothing was imported")...)
		})
	}
}

func TestImportHeaderOnly(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	_, err := tali(t, "import", "stations", table(t, "kode,dpt_l,dpt_p\n"), "--config", c.config)
	wantError(t, err, "no row below the header", "nothing was imported")
}

func TestImportNeedsAnOpenedElection(t *testing.T) {
	t.Parallel()
	config := configFor(t, dbtest.New(t).DSN(cluster.Desk))
	_, err := tali(t, "import", "stations", table(t, "kode\n7108052002001\n"), "--config", config)
	wantError(t, err, "pilkada-2024", "not opened", "tali migrate")
}

func TestImportIntoADemoIsRefused(t *testing.T) {
	t.Parallel()
	dir := dbtest.Dir(t)
	markDemo(t, dir)
	config := file(t, "tali.yaml", "data_dir: "+dir+"\n")
	_, err := tali(t, "import", "stations", table(t, "kode\n7108052002001\n"), "--config", config)
	wantError(t, err, dir, "holds the data of a demo")
}

// Without a DSN the private server of data_dir takes the tables, and keeps them.
func TestImportIntoAPrivateServer(t *testing.T) {
	t.Parallel()
	dir := dbtest.Dir(t)
	config := file(t, "tali.yaml", "data_dir: "+dir+"\n")
	path := table(t, "kode\n7108052002001\n")
	for _, want := range []string{"stations: 1 new, 0 changed, 0 unchanged\n", "stations: 0 new, 0 changed, 1 unchanged\n"} {
		if got := mustTali(t, "import", "stations", path, "--config", config); got != want {
			t.Errorf("import = %q, want %q", got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres", "data", "postmaster.pid")); !os.IsNotExist(err) {
		t.Errorf("the server still runs after the import: %v", err)
	}
}

func TestImportStopped(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // as Ctrl-C does
	root := newRoot()
	root.SetArgs([]string{"import", "stations", table(t, "kode\n7108052002001\n"), "--config", c.config})
	root.SetOut(io.Discard)
	if err := root.ExecuteContext(ctx); err == nil || err.Error() != "stopped; nothing was imported" {
		t.Errorf("import after a Ctrl-C = %v", err)
	}
	if got := c.rows(); got != "0 stations, 0 officers, 0 phones" {
		t.Errorf("an import that was stopped left %s", got)
	}
}
