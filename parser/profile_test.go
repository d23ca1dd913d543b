package parser

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// names makes n contestants called after what.
func names(what string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s %d", what, i+1)
	}
	return out
}

// rawProfile is a profile with every kind of ballot, not yet checked. No real
// election has all of them.
func rawProfile() Profile {
	wita := time.FixedZone("WITA", 8*3600)
	return Profile{
		ID: "pilkada-2024", Name: "Contoh", Version: 1, Phase: PhaseRehearsal, Round: 1,
		Regency: "7108", Auth: AuthAccepted, Zone: wita, ZoneTag: "WITA",
		Opens: time.Date(2024, 11, 27, 13, 0, 0, 0, wita), Closes: time.Date(2024, 11, 28, 12, 0, 0, 0, wita),
		ReservePermille: 25, QuestionTTL: time.Hour, UnknownPerHour: 10,
		Ballots: []*Ballot{
			{Digit: '1', Keyword: "PPWP", Aliases: []string{"PRES", "PILPRES"}, Title: "Presiden", Contest: "ppwp", Form: FormFull, Unit: "calon", Contestants: names("Pasangan", 3)},
			{Digit: '2', Keyword: "DPD", Title: "DPD", Contest: "pdpd", Form: FormFull, Unit: "calon", Contestants: names("Calon", 18)},
			{Digit: '3', Keyword: "DPR", Title: "DPR", Contest: "pdpr", Form: FormFull, Unit: "partai", Contestants: names("Partai", 18)},
			{Digit: '4', Keyword: "DPRDP", Title: "DPRD Provinsi", Contest: "pdprdp", Form: FormFull, Unit: "partai", Contestants: names("Partai", 18)},
			{Digit: '5', Keyword: "DPRDK", Title: "DPRD Kabupaten", Contest: "pdprdk", Form: FormShort, Unit: "partai", Contestants: names("Partai", 18)},
			{Digit: '6', Keyword: "PILGUB", Aliases: []string{"GUB"}, Title: "Gubernur", Contest: "pkwkp", Form: FormFull, Unit: "calon", Contestants: names("Pasangan", 5)},
			{Digit: '7', Keyword: "PILBUP", Aliases: []string{"BUP"}, Title: "Bupati", Contest: "pkwkk", Form: FormFull, Unit: "calon", Contestants: names("Pasangan", 3)},
			{Digit: '8', Keyword: "PILWALI", Aliases: []string{"WALI"}, Title: "Wali Kota", Contest: "pkwkk", Form: FormShort, Unit: "calon", Contestants: names("Pasangan", 2)},
		},
	}
}

// testProfile is rawProfile after the changes, checked.
func testProfile(t testing.TB, changes ...func(*Profile)) *Profile {
	t.Helper()
	raw := rawProfile()
	for _, change := range changes {
		change(&raw)
	}
	p, err := NewProfile(raw)
	if err != nil {
		t.Fatalf("NewProfile: %v", err)
	}
	return p
}

// contestants gives the ballot of a keyword n contestants.
func contestants(keyword string, n int) func(*Profile) {
	return func(p *Profile) {
		for _, b := range p.Ballots {
			if b.Keyword == keyword {
				b.Contestants = names("Pasangan", n)
			}
		}
	}
}

// form gives the ballot of a keyword another form.
func form(keyword string, f Form) func(*Profile) {
	return func(p *Profile) {
		for _, b := range p.Ballots {
			if b.Keyword == keyword {
				b.Form = f
			}
		}
	}
}

func authMode(mode AuthMode) func(*Profile) { return func(p *Profile) { p.Auth = mode } }

func ballot(t testing.TB, p *Profile, keyword string) *Ballot {
	t.Helper()
	for _, b := range p.Ballots {
		if b.Keyword == keyword {
			return b
		}
	}
	t.Fatalf("no ballot %s", keyword)
	return nil
}

func TestNewProfileRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*Profile)
		want   []string // parts of the error: key, value, remedy
	}{
		{"id empty", func(p *Profile) { p.ID = "" }, []string{"id:", "lower-case"}},
		{"id with a bar", func(p *Profile) { p.ID = "a|b" }, []string{"id:", "a|b"}},
		{"phase", func(p *Profile) { p.Phase = "test" }, []string{"phase", "test", "rehearsal or real"}},
		{"round", func(p *Profile) { p.Round = 0 }, []string{"round", "0", "first count"}},
		{"regency with dot", func(p *Profile) { p.Regency = "71.08" }, []string{"regency", "71.08", "four digits"}},
		{"auth", func(p *Profile) { p.Auth = "on" }, []string{"auth", "on", "required"}},
		{"zone", func(p *Profile) { p.Zone = nil }, []string{"zone", "Asia/Makassar"}},
		{"zone tag", func(p *Profile) { p.ZoneTag = "CST" }, []string{"zone_tag", "CST", "WITA"}},
		{"opens", func(p *Profile) { p.Opens = time.Time{} }, []string{"opens"}},
		{"closes before opens", func(p *Profile) { p.Closes = p.Opens }, []string{"closes", "after opens"}},
		{"reserve", func(p *Profile) { p.ReservePermille = -1 }, []string{"reserve_permille", "-1"}},
		{"question ttl", func(p *Profile) { p.QuestionTTL = -1 }, []string{"question_ttl", "60m"}},
		{"unknown per hour", func(p *Profile) { p.UnknownPerHour = -1 }, []string{"unknown_per_hour"}},
		{"no ballots", func(p *Profile) { p.Ballots = nil }, []string{"ballots", "at least one"}},
		{"nil ballot", func(p *Profile) { p.Ballots[2] = nil }, []string{"ballots[2]"}},
		{"digit 9", func(p *Profile) { p.Ballots[1].Digit = '9' }, []string{"ballots[1].digit", "9", "1 to 8"}},
		{"digit twice", func(p *Profile) { p.Ballots[1].Digit = '1' }, []string{"ballots[1].digit", "taken by PPWP"}},
		{"form", func(p *Profile) { p.Ballots[0].Form = "long" }, []string{"ballots[0].form", "long", "full or short"}},
		{"unit", func(p *Profile) { p.Ballots[0].Unit = " " }, []string{"ballots[0].unit", "calon"}},
		{"no contestants", contestants("PPWP", 0), []string{"ballots[0].contestants"}},
		{"55 contestants", contestants("DPD", 55), []string{"ballots[1].contestants", "55", "54"}},
		{"unnamed contestant", func(p *Profile) { p.Ballots[0].Contestants[1] = "" }, []string{"ballots[0].contestants[1]"}},
		{"keyword twice", func(p *Profile) { p.Ballots[1].Aliases = []string{"BUP"} }, []string{"ballots[6].aliases[0]", "BUP", "taken by DPD"}},
		{"keyword lower case", func(p *Profile) { p.Ballots[0].Keyword = "ppwp" }, []string{"ballots[0].keyword", "capital"}},
		{"keyword with digit", func(p *Profile) { p.Ballots[0].Keyword = "PPWP2" }, []string{"capital letters"}},
		{"keyword of one letter", func(p *Profile) { p.Ballots[0].Keyword = "B" }, []string{"2 to 16"}},
		{"keyword reserved", func(p *Profile) { p.Ballots[0].Keyword = "RALAT" }, []string{"RALAT", "meaning of its own"}},
		{"keyword a label", func(p *Profile) { p.Ballots[0].Aliases = []string{"TOTAL"} }, []string{"TOTAL", "meaning of its own"}},
		{"keyword courtesy", func(p *Profile) { p.Ballots[0].Aliases = []string{"SIAP"} }, []string{"SIAP"}},
		{"keyword a figure", func(p *Profile) { p.Ballots[0].Aliases = []string{"OLI"} }, []string{"OLI", "figure"}},
		{"keyword a glued label", func(p *Profile) { p.Ballots[0].Aliases = []string{"SOLO"} }, []string{"SOLO", "figure"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			raw := rawProfile()
			tt.change(&raw)
			_, err := NewProfile(raw)
			if err == nil {
				t.Fatalf("NewProfile took it, want an error with %q", tt.want)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("NewProfile: %q lacks %q", err, part)
				}
			}
		})
	}
}

func TestNewProfileCopiesBallots(t *testing.T) {
	t.Parallel()
	raw := rawProfile()
	p, err := NewProfile(raw)
	if err != nil {
		t.Fatal(err)
	}
	raw.Ballots[6].Keyword, raw.Ballots[6].Contestants[0] = "X", "changed"
	if b := p.Ballots[6]; b.Keyword != "PILBUP" || b.Contestants[0] != "Pasangan 1" {
		t.Errorf("the profile follows its source: %+v", b)
	}
}
