package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tali/db/cluster"
	"tali/db/dbtest"
)

// published is a centre with a station's row in the results interface.
func published(t *testing.T) (config string, pg *dbtest.DB) {
	t.Helper()
	pg = dbtest.New(t)
	config = configFor(t, pg.DSN(cluster.Desk))
	mustTali(t, "migrate", "--config", config, "--owner", pg.DSN(cluster.Owner))
	mustTali(t, "import", "stations", table(t, "kode,dpt_l,dpt_p\n7108052002001,176,165\n"), "--config", config)
	if _, err := pg.Open(cluster.Desk).Exec(`SELECT tally.project(500)`); err != nil {
		t.Fatal(err)
	}
	_, err := pg.Open(cluster.Owner).Exec(`
		INSERT INTO results.change_feed (urutan, waktu, peristiwa, election, kode_tps, jenis, putaran, suara_paslon, suara_sah, suara_tidak_sah, suara_total, sumber, revisi, versi)
		VALUES (1, '2024-11-27 07:00:00Z', 'konfirmasi', 'pilkada-2024', '7108052002001', 'pkwkk', 1, '{145,98,67}', 310, 12, 322, 'sms', 1, 2);
		INSERT INTO results.station_result (election, kode_tps, jenis, putaran, suara_paslon, suara_sah, suara_tidak_sah, suara_total, sumber, revisi, versi, urutan)
		SELECT election, kode_tps, jenis, putaran, suara_paslon, suara_sah, suara_tidak_sah, suara_total, sumber, revisi, versi, urutan FROM results.change_feed`)
	if err != nil {
		t.Fatal(err)
	}
	return config, pg
}

func signingKey(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "export.key")
	if out, err := exec.Command("openssl", "genpkey", "-algorithm", "ed25519", "-out", path).CombinedOutput(); err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// in runs a public tool in a bundle.
func in(dir string, name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	return string(out), err
}

var checkSignature = []string{"pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-in", "SHA256SUMS", "-sigfile", "SHA256SUMS.sig"}

func TestExportIsCheckedWithPublicTools(t *testing.T) {
	t.Parallel()
	config, pg := published(t)
	key := signingKey(t)
	dir := filepath.Join(t.TempDir(), "hasil")
	mustTali(t, "export", "--out", dir, "--key", key, "--config", config)
	if out, err := in(dir, "sha256sum", "-c", "--strict", "SHA256SUMS"); err != nil || strings.Count(out, ": OK") != 9 {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
	if out, err := in(dir, "openssl", checkSignature...); err != nil {
		t.Errorf("openssl: %v\n%s", err, out)
	}
	checkTables(t, dir)
	var detail string
	err := pg.Open(cluster.Desk).Get(&detail, `SELECT detail FROM staff.event WHERE kind = 'exported'`)
	if err != nil || !strings.Contains(detail, "at event 1, SHA256SUMS ") {
		t.Errorf("event = %q, %v", detail, err)
	}
	again := filepath.Join(t.TempDir(), "hasil")
	mustTali(t, "export", "--out", again, "--key", key, "--config", config)
	for _, name := range []string{"station_result.csv", "area_total.json", "change_feed.csv"} {
		if read(t, filepath.Join(dir, name)) != read(t, filepath.Join(again, name)) {
			t.Errorf("%s differs between two exports of one state", name)
		}
	}
	tamper(t, filepath.Join(dir, "station_result.csv"), "145 98 67", "146 98 67")
	if out, err := in(dir, "sha256sum", "-c", "SHA256SUMS"); err == nil {
		t.Errorf("sha256sum takes a changed file: %s", out)
	}
	sums := filepath.Join(dir, "SHA256SUMS")
	tamper(t, sums, read(t, sums)[:1], "x")
	if out, err := in(dir, "openssl", checkSignature...); err == nil {
		t.Errorf("openssl takes changed sums: %s", out)
	}
}

func checkTables(t *testing.T, dir string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(read(t, filepath.Join(dir, "station_result.csv")))).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("station_result.csv: %v, %v", rows, err)
	}
	at := func(column string) string { return rows[1][slices.Index(rows[0], column)] }
	if at("kode_tps") != "7108052002001" || at("suara_paslon") != "145 98 67" || at("pengguna_total_j") != "" || at("suara_sah") != "310" {
		t.Errorf("station_result.csv = %q", rows[1])
	}
	var areas []struct {
		Kode  string `json:"kode_wilayah"`
		Total int    `json:"tps_total"`
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, "area_total.json"))), &areas); err != nil || len(areas) == 0 || areas[0].Kode != "0" || areas[0].Total != 1 {
		t.Errorf("area_total.json = %v, %v", areas, err)
	}
	var m manifest
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, "manifest.json"))), &m); err != nil || m.Election != "pilkada-2024" || m.Interface != 1 || m.Feed != 1 || len(m.Files) != 8 || m.Note != exportNote {
		t.Errorf("manifest = %+v, %v", m, err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func tamper(t *testing.T, path, before, after string) {
	t.Helper()
	text := strings.Replace(read(t, path), before, after, 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestExportRefuses(t *testing.T) {
	t.Parallel()
	key := signingKey(t)
	there := t.TempDir()
	open := filepath.Join(t.TempDir(), "open.key")
	if err := os.WriteFile(open, []byte(read(t, key)), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		out, key, want string
	}{
		"a directory that is there": {there, key, "--out"},
		"no key":                    {filepath.Join(there, "x"), filepath.Join(there, "none"), "openssl genpkey"},
		"a key that all can read":   {filepath.Join(there, "x"), open, "chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tali(t, "export", "--out", tc.out, "--key", tc.key)
			wantError(t, err, tc.want)
		})
	}
}

// What fails half-way leaves nothing, and says so.
func TestExportLeavesNothingHalf(t *testing.T) {
	t.Parallel()
	config, pg := published(t)
	if _, err := pg.Open(cluster.Owner).Exec(`REVOKE SELECT ON results.change_feed FROM tali_desk`); err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	_, err := tali(t, "export", "--out", filepath.Join(parent, "hasil"), "--key", signingKey(t), "--config", config)
	wantError(t, err, "nothing was written")
	left, err := os.ReadDir(parent)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
