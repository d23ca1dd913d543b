package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tali/configs"
)

// A card that is issued again has another key, and every later run prints it;
// no file of an earlier card is touched.
func TestReissuedCard(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	rows := strings.SplitAfter(string(configs.DemoStations()), "\n")
	c.take("stations", file(t, "stations.csv", strings.Join(rows[:5], "")), "3 new, 0 changed, 0 unchanged")
	const station = "7108012001003"
	dir, config := filepath.Join(t.TempDir(), "kartu"), c.withKey()
	run := func(want string, args ...string) {
		t.Helper()
		out := mustTali(t, append([]string{"cards", "--out", dir, "--config", config, "--key-in-page", "--station", station}, args...)...)
		wantPart(t, out, want)
	}
	key := func(name string) string {
		t.Helper()
		page := content(t, filepath.Join(dir, name))
		_, rest, ok := strings.Cut(page, `"key":"`)
		if !ok {
			t.Fatalf("%s has no key", name)
		}
		return rest[:32]
	}
	run("1 card in " + dir)
	first := content(t, filepath.Join(dir, station+".pdf"))
	run("station "+station+": card 1 is dead, card 2 is in "+dir, "--reissue")
	if got, want := names(t, dir), []string{station + "-2.html", station + "-2.pdf", station + ".html", station + ".pdf"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	for _, name := range names(t, dir) {
		wantMode(t, filepath.Join(dir, name), 0o600)
	}
	wantMode(t, dir, 0o700)
	if key(station+".html") == key(station+"-2.html") || content(t, filepath.Join(dir, station+".pdf")) != first {
		t.Error("the new card has the key of the old one, or took its place")
	}
	second := key(station + "-2.html")
	run("1 card in " + dir)
	if key(station+"-2.html") != second {
		t.Error("a later run printed another card")
	}
	run("card 2 is dead, card 3", "--reissue")
	var history []string
	if err := c.sql.Select(&history, `SELECT station || ' ' || generation FROM registry.card ORDER BY generation`); err != nil {
		t.Fatal(err)
	}
	if want := []string{station + " 2", station + " 3"}; !slices.Equal(history, want) {
		t.Errorf("history %q, want %q", history, want)
	}
}

func TestReissueRefuses(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.take("stations", table(t, "kode\n7108052002001\n"), "1 new, 0 changed, 0 unchanged")
	required := c.withModems("auth:\n  mode: required\n")
	for name, r := range map[string]struct{ args, want []string }{
		"every card":    {[]string{"--config", c.withKey(), "--reissue"}, []string{"--reissue", "--station"}},
		"without a key": {[]string{"--config", c.withModems(""), "--reissue", "--station", "7108052002001"}, []string{"--reissue", "auth.master_key_file"}},
		"no such one":   {[]string{"--config", c.withKey(), "--reissue", "--station", "7108052002009"}, []string{"--station", "7108052002009"}},
		"cards without codes where they are required": {[]string{"--config", required}, []string{"auth.master_key_file", "pilkada-2024"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tali(t, append([]string{"cards", "--out", filepath.Join(t.TempDir(), "kartu")}, r.args...)...)
			wantError(t, err, r.want...)
			if n := c.count(`SELECT count(*) FROM registry.station WHERE generation > 1`); n != 0 {
				t.Error("a card was declared dead all the same")
			}
		})
	}
}

// The directory is looked at before the card is declared dead.
func TestReissueNeedsAPlaceFirst(t *testing.T) {
	t.Parallel()
	c := newCentre(t)
	c.take("stations", table(t, "kode\n7108052002001\n"), "1 new, 0 changed, 0 unchanged")
	taken := file(t, "kartu", "x")
	_, err := tali(t, "cards", "--out", taken, "--config", c.withKey(), "--reissue", "--station", "7108052002001")
	wantError(t, err, "--out")
	if n := c.count(`SELECT max(generation) FROM registry.station`); n != 1 {
		t.Errorf("generation = %d, want 1", n)
	}
}

func (c *centre) count(query string) (n int) {
	c.t.Helper()
	if err := c.sql.Get(&n, query); err != nil {
		c.t.Fatal(fmt.Errorf("%s: %w", query, err))
	}
	return n
}
