package configs

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tali/parser"
)

func TestEmbeddedProfiles(t *testing.T) {
	t.Parallel()
	type shape struct {
		keyword     string
		digit       byte
		form        parser.Form
		contestants int
	}
	for _, c := range []struct {
		name, id, opens string
		reserve         int
		ballots         []shape
	}{
		{"pilkada-2024-bolmut", "pilkada-2024", "2024-11-27T05:00:00Z", 25, []shape{
			{"PILGUB", '6', parser.FormFull, 3}, {"PILBUP", '7', parser.FormFull, 3},
		}},
		{"pemilu-2024-bolmut", "pemilu-2024", "2024-02-14T05:00:00Z", 20, []shape{
			{"PPWP", '1', parser.FormShort, 3}, {"DPD", '2', parser.FormFull, 11}, {"DPR", '3', parser.FormFull, 18},
			{"DPRDP", '4', parser.FormFull, 18}, {"DPRDK", '5', parser.FormFull, 18},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := LoadProfile(c.name)
			if err != nil {
				t.Fatalf("LoadProfile(%q) = %v", c.name, err)
			}
			var got []shape
			for _, b := range p.Ballots {
				got = append(got, shape{b.Keyword, b.Digit, b.Form, len(b.Contestants)})
			}
			if !reflect.DeepEqual(got, c.ballots) {
				t.Errorf("ballots = %v, want %v", got, c.ballots)
			}
			if p.ID != c.id || p.ReservePermille != c.reserve || p.Regency != "7108" || p.ZoneTag != "WITA" ||
				p.Auth != parser.AuthOff || p.QuestionTTL != time.Hour || p.Phase != parser.PhaseReal || p.Round != 1 {
				t.Errorf("profile = %+v", p)
			}
			if at := p.Opens.UTC().Format(time.RFC3339); at != c.opens {
				t.Errorf("opens = %s, want %s", at, c.opens)
			}
			if len(p.Texts) == 0 {
				t.Error("no reply texts")
			}
		})
	}
	if want := []string{"pemilu-2024-bolmut", "pilkada-2024-bolmut"}; !slices.Equal(Profiles(), want) {
		t.Errorf("Profiles() = %v, want %v", Profiles(), want)
	}
}

// changed loads the Pilkada profile with a text replaced.
func changed(t *testing.T, from, to string) *parser.Profile {
	t.Helper()
	text, err := profiles.ReadFile("pilkada-2024-bolmut.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		t.Fatalf("the profile does not hold %q", from)
	}
	path := filepath.Join(t.TempDir(), "p.yaml")
	write(t, path, strings.Replace(string(text), from, to, 1))
	p, err := LoadProfile(path)
	if err != nil {
		t.Fatalf("LoadProfile with %q = %v", to, err)
	}
	return p
}

func TestDigest(t *testing.T) {
	t.Parallel()
	base, err := LoadProfile("pilkada-2024-bolmut")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(base.Digest) {
		t.Fatalf("digest = %q, want 64 hex digits", base.Digest)
	}
	name := firstText(t, base)
	for _, c := range []struct {
		name, from, to string
		same           bool
	}{
		{"comment", "# Local time.", "# local time.", true},
		{"own text", "ballots:\n", "texts:\n  " + name + ": [x]\nballots:\n", true},
		{"version", "version: 1", "version: 2", false},
		{"phase", "phase: real", "phase: rehearsal", false},
		{"round", "round: 1", "round: 2", false},
		{"auth", `auth: "off"`, "auth: accepted", false},
		{"time", "2024-11-28 12:00", "2024-11-28 12:01", false},
		{"ttl", "question_ttl: 60m", "question_ttl: 61m", false},
		{"form", "form: full", "form: short", false},
		{"contestant", "Pasangan calon 3", "Pasangan calon III", false},
		{"alias", "aliases: [BUP]", "aliases: []", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := changed(t, c.from, c.to).Digest; (got == base.Digest) != c.same {
				t.Errorf("%q -> %q: digest equal = %v, want %v", c.from, c.to, got == base.Digest, c.same)
			}
		})
	}
}

// The digest of a frozen profile must not move with a refactoring: gateways
// and the centre of different versions compare it.
func TestDigestIsStable(t *testing.T) {
	t.Parallel()
	p := &parser.Profile{
		ID: "x", Name: "X", Version: 1, Phase: parser.PhaseReal, Round: 1, Regency: "7108", Auth: parser.AuthOff,
		Zone: time.UTC, ZoneTag: "WITA", Opens: time.Unix(0, 0), Closes: time.Unix(3600, 0),
		ReservePermille: 25, QuestionTTL: time.Hour, UnknownPerHour: 30,
		Ballots: []*parser.Ballot{{Digit: '7', Keyword: "PILBUP", Form: parser.FormFull, Unit: "calon", Contestants: []string{"A"}}},
	}
	const want = "48fdc819c2a5465bbb4db30a0d8178a7f36265772f2d3ea2b628d13e5ed76abb"
	if got := digest(p); got != want {
		t.Errorf("digest = %s, want %s", got, want)
	}
}

func firstText(t *testing.T, p *parser.Profile) string {
	t.Helper()
	var names []string
	for name := range p.Texts {
		names = append(names, name)
	}
	if len(names) == 0 {
		t.Fatal("no reply texts")
	}
	slices.Sort(names)
	return names[0]
}

func TestOwnText(t *testing.T) {
	t.Parallel()
	base, err := LoadProfile("pilkada-2024-bolmut")
	if err != nil {
		t.Fatal(err)
	}
	name := firstText(t, base)
	p := changed(t, "ballots:\n", "texts:\n  "+name+":\n    - panjang sekali\n    - pendek\nballots:\n")
	if want := []string{"panjang sekali", "pendek"}; !slices.Equal(p.Texts[name], want) {
		t.Errorf("texts[%s] = %q, want %q", name, p.Texts[name], want)
	}
	if len(p.Texts) != len(base.Texts) {
		t.Errorf("%d texts, want the other %d kept", len(p.Texts), len(base.Texts))
	}
	if p := changed(t, "ballots:\n", "texts:\n  "+name+": satu\nballots:\n"); !slices.Equal(p.Texts[name], []string{"satu"}) {
		t.Errorf("texts[%s] = %q, want the single text", name, p.Texts[name])
	}
}

func TestLoadProfileByWrongName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"pilkada-2024-bolmt": "did you mean pilkada-2024-bolmut?",
		"":                   "is missing",
		"/nowhere/p.yaml":    "is no file that can be read",
		os.TempDir():         "is not a file",
	} {
		if _, err := LoadProfile(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("LoadProfile(%q) = %v, want ...%s...", name, err, want)
		}
	}
}

func TestVillages(t *testing.T) {
	t.Parallel()
	v := Villages()
	if len(v) != 107 {
		t.Fatalf("%d villages, want 107", len(v))
	}
	want := Village{
		Code: "7108012001", Name: "Sangkub I", Kind: "desa", DistrictCode: "710801", District: "Sangkub",
		RegencyCode: "7108", Regency: "Kabupaten Bolaang Mongondow Utara", ProvinceCode: "71", Province: "Sulawesi Utara",
	}
	if v[0] != want {
		t.Errorf("first village = %+v, want %+v", v[0], want)
	}
	if !slices.IsSortedFunc(v, func(a, b Village) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("villages are not in the order of their codes")
	}
}

func demoRows(t *testing.T, text []byte) [][]string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(string(text)))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// The invented registry keeps the published totals and the rules of a code.
func TestDemoRegistry(t *testing.T) {
	t.Parallel()
	names := map[string]string{}
	for _, v := range Villages() {
		names[v.Code] = v.Name
	}
	perVillage, codes, total := map[string]int{}, map[string]bool{}, 0
	for _, r := range demoRows(t, DemoStations()) {
		code, tps, village := r[0], r[1], r[2]
		number, l, p, voters := atoi(t, r[5]), atoi(t, r[6]), atoi(t, r[7]), atoi(t, r[8])
		if code != village+r[0][10:] || atoi(t, code[10:]) != number || names[village] != r[3] {
			t.Errorf("station %v does not fit its village", r)
		}
		if atoi(t, tps)%97 != 1 || len(tps) != 8 || codes[tps] || codes[code] {
			t.Errorf("station %v: code doubled or check digits wrong", r)
		}
		if l+p != voters || voters > 600 || voters < 1 {
			t.Errorf("station %v: voters do not add up or exceed 600", r)
		}
		perVillage[village]++
		codes[tps], codes[code] = true, true
		total += voters
	}
	if len(perVillage) != 107 || len(codes) != 2*159 || total != 63777 {
		t.Errorf("%d villages, %d stations, %d voters, want 107, 159, 63777", len(perVillage), len(codes)/2, total)
	}
	if !codes["10013505"] {
		t.Error("the station of the protocol's examples, 10013505, is missing")
	}

	stations, phones := map[string]int{}, map[string]int{}
	for _, r := range demoRows(t, DemoOfficers()) {
		if !codes[r[2]] || !strings.HasPrefix(r[0], "Petugas Contoh ") || !strings.HasPrefix(r[1], "+6289900000") {
			t.Errorf("officer %v: unknown station, or not marked as invented", r)
		}
		stations[r[2]]++
		phones[r[1]]++
	}
	twoPhones, twoStations := 0, 0
	for _, n := range stations {
		twoPhones += n - 1
	}
	for _, n := range phones {
		twoStations += n - 1
	}
	if len(stations) != 159 || twoPhones != 12 || twoStations != 6 {
		t.Errorf("%d stations with officers, %d with two phones, %d phones with two, want 159, 12, 6", len(stations), twoPhones, twoStations)
	}
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
