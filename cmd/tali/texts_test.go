package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// longName is a village whose name leaves no room in a text that names it.
const longName = "Tambulang Pantai Timur Laut Sebelah Gunung Sangkub Kecil"

// profileWith is the shipped Pilkada with one reply text changed.
func profileWith(t *testing.T, text string) string {
	t.Helper()
	shipped, err := os.ReadFile(filepath.Join("..", "..", "configs", "pilkada-2024-bolmut.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "pilkada.yaml", string(shipped)+"\ntexts:\n  test: '"+text+"'\n")
}

// roomy fits with every shipped village name, and not with longName.
const roomy = "UJI BERHASIL. Nomor Anda terdaftar utk TPS {tps} ({station}). Kata pertama laporan {ballots}. Selamat bertugas, terima kasih."

var wantLong = []string{"election profile pilkada-2024", "text test: ", "characters with the longest names", longName, "add a shorter variant"}

func TestTooLongTextIsNamedAtLoad(t *testing.T) {
	t.Parallel()
	profile := profileWith(t, strings.Repeat("panjang ", 21))
	config := file(t, "tali.yaml", "election: "+quoted(profile)+"\n")
	for name, args := range map[string][]string{
		"try":          {"try", "--profile", profile, "UJI"},
		"import":       {"import", "stations", "tps.csv", "--config", config},
		"serve":        {"serve", "--config", config},
		"config check": {"config", "check", config},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tali(t, args...)
			wantError(t, err, "election profile pilkada-2024: text test: 168 characters", "at most 160 fit one SMS", "add a shorter variant")
		})
	}
}

func TestTryChecksTextsWithItsRegistry(t *testing.T) {
	t.Parallel()
	rows := registryTable()
	profile := profileWith(t, roomy)
	if _, err := tali(t, "try", "--profile", profile, "--registry", csvFile(t, rows), "UJI"); err != nil {
		t.Errorf("with short names: %v", err)
	}
	rows[1][4] = longName
	_, err := tali(t, "try", "--profile", profile, "--registry", csvFile(t, rows), "UJI")
	wantError(t, err, wantLong...)
}

// A table that brings a name which some text has no room for is refused whole.
func TestImportChecksTexts(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	config, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	own := file(t, "tali.yaml", string(config)+"election: "+quoted(profileWith(t, roomy))+"\n")
	before := c.rows()
	out, err := tali(t, "import", "stations", table(t, `
kode,desa,kecamatan,kabupaten,provinsi
7108052999001,`+longName+`,Contoh,Bolaang Mongondow Utara,Sulawesi Utara
`), "--config", own)
	wantError(t, err, append(wantLong, "nothing was imported")...)
	if after := c.rows(); after != before {
		t.Errorf("%s before, %s after: %s", before, after, out)
	}
}

// The same name in the registry ends a daemon whose texts have no room for it.
func TestServeChecksTextsWithTheRegistry(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.take("stations", table(t, `
kode,desa,kecamatan,kabupaten,provinsi
7108052999001,`+longName+`,Contoh,Bolaang Mongondow Utara,Sulawesi Utara
`), "1 new, 0 changed, 0 unchanged")
	config, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	own := file(t, "tali.yaml", string(config)+"election: "+quoted(profileWith(t, roomy))+"\n")
	p := start(t, []string{"TALI_DESK_LISTEN=127.0.0.1:0"}, "serve", "--only", "desk", "--config", own)
	if code := p.end(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, part := range wantLong {
		wantPart(t, p.output(), part)
	}
	p = start(t, []string{"TALI_DESK_LISTEN=127.0.0.1:0"}, "serve", "--only", "desk", "--config", c.config)
	p.await("url=")
	p.signal(syscall.SIGTERM)
	if code := p.end(); code != 0 {
		t.Errorf("with the shipped texts: exit code %d, want 0:\n%s", code, p.output())
	}
}
