package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"tali/configs"
)

// withModems adds the modems of a gateway, and perhaps a key, to a
// configuration.
func (c *centre) withModems(extra string) string {
	c.t.Helper()
	return file(c.t, "cards.yaml", content(c.t, c.config)+`gateway:
  modems:
    - {name: satu, device: /dev/ttyUSB7, number: "+6289900009001", operator: Telkomsel}
    - {name: dua, device: /dev/ttyUSB8, number: "+6289900009002"}
`+extra)
}

func (c *centre) withKey() string {
	c.t.Helper()
	return c.withModems(fmt.Sprintf("auth:\n  master_key_file: %s\n", quoted(masterFile(c.t))))
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// The whole registry of a regency, for the officer's eyes only and in the time
// of a coffee.
func TestCardsOfARegency(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	stations, limit := 159, 20*time.Second
	if raceBuild() { // ten times slower: a part of them will do, in any time
		stations, limit = 20, time.Hour
	}
	rows := strings.SplitAfter(string(configs.DemoStations()), "\n")
	c.take("stations", file(t, "stations.csv", strings.Join(rows[:2+stations], "")), fmt.Sprintf("%d new, 0 changed, 0 unchanged", stations))
	dir := filepath.Join(t.TempDir(), "kartu")
	began := time.Now()
	out := mustTali(t, "cards", "--out", dir, "--config", c.withKey())
	if took := time.Since(began); took > limit {
		t.Errorf("%d stations took %s, want less than %s", stations, took, limit)
	}
	if want := fmt.Sprintf("%d cards in %s", stations, dir); !strings.HasPrefix(out, want) {
		t.Errorf("cards = %q, want %q", out, want)
	}
	wantMode(t, dir, 0o700)
	files := names(t, dir)
	if len(files) != 2*stations {
		t.Fatalf("%d files, want two for each of %d stations", len(files), stations)
	}
	for _, name := range files {
		path := filepath.Join(dir, name)
		wantMode(t, path, 0o600)
		switch text := content(t, path); {
		case strings.HasSuffix(name, ".pdf") && strings.HasPrefix(text, "%PDF-"):
		case strings.HasSuffix(name, ".html") && strings.Contains(text, "</html>"):
		default:
			t.Errorf("%s is neither a PDF nor a page", name)
		}
	}
}

// raceBuild tells whether the race detector runs along.
func raceBuild() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// One station, with the key of the published vector where it is asked for.
func TestCardsOfOneStation(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.take("stations", file(t, "stations.csv", string(configs.DemoStations())), "159 new, 0 changed, 0 unchanged")
	const station, key = "7108012001003", "268f467554b52eb93d68f66f472f5e37"
	for name, k := range map[string]struct {
		config string
		args   []string
		inPage bool
		asked  bool
	}{
		"by its 13 digits": {c.withModems(""), []string{"--station", station}, false, false},
		"by its TPS code":  {c.withModems(""), []string{"--station", c.codes()[station]}, false, false},
		"key on the card":  {c.withKey(), []string{"--station", station}, false, true},
		"key in the page":  {c.withKey(), []string{"--station", station, "--key-in-page"}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "kartu")
			mustTali(t, append([]string{"cards", "--out", dir, "--config", k.config}, k.args...)...)
			if got := names(t, dir); len(got) != 2 || got[0] != station+".html" || got[1] != station+".pdf" {
				t.Fatalf("files %q, want page and PDF of %s", got, station)
			}
			page := content(t, filepath.Join(dir, station+".html"))
			wantPart(t, page, "Sangkub I TPS 003")
			wantPart(t, page, `"tps":"`+c.codes()[station]+`"`)
			if strings.Contains(page, key) != k.inPage {
				t.Errorf("key in the page: %v, want %v", !k.inPage, k.inPage)
			}
			if strings.Contains(page, `"check":""`) == k.asked {
				t.Errorf("the page has a use for the key: %v, want %v", !k.asked, k.asked)
			}
		})
	}
}

func TestCardsRefuses(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.take("stations", table(t, "kode\n7108052002001\n"), "1 new, 0 changed, 0 unchanged")
	shared := filepath.Join(t.TempDir(), "bersama")
	if err := os.Mkdir(shared, 0o755); err != nil {
		t.Fatal(err)
	}
	badKey := c.withModems(fmt.Sprintf("auth:\n  master_key_file: %s\n", quoted(file(t, "bad.key", "secret\n"))))
	for name, r := range map[string]struct {
		args []string
		want []string
	}{
		"no modem":                  {[]string{"--config", c.config}, []string{"gateway.modems", "number"}},
		"no such station":           {[]string{"--config", c.withModems(""), "--station", "7108052002009"}, []string{"--station", "7108052002009", "13 digits"}},
		"a directory that all read": {[]string{"--config", c.withModems(""), "--out", shared}, []string{shared, "0755", "chmod 0700"}},
		"a page for no key":         {[]string{"--config", c.withModems(""), "--key-in-page"}, []string{"--key-in-page", "auth.master_key_file"}},
		"a key that is none":        {[]string{"--config", badKey}, []string{"auth.master_key_file", "64 hexadecimal"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "kartu")
			_, err := tali(t, append([]string{"cards", "--out", dir}, r.args...)...)
			wantError(t, err, r.want...)
			if _, err := os.Stat(dir); err == nil {
				t.Error("a directory was made all the same")
			}
		})
	}
	empty := newCentre(t)
	_, err := tali(t, "cards", "--out", filepath.Join(t.TempDir(), "kartu"), "--config", empty.withModems(""))
	wantError(t, err, "no station", "tali import stations")
}
