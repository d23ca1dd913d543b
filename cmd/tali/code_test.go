package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"tali/cmd/tali/officers"
	"tali/configs"
	"tali/parser"
)

func TestCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, args, want string }{
		{"full form", "--ballot PILBUP --tps 10013505 145 98 67 12 2 6", "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674"},
		{"alias, lower case", "--ballot bup --tps 10013505 145 98 67 12 2 6", "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674"},
		{"other ballot, other K", "--ballot PILGUB --tps 10013505 145 98 67 12 2 6", "PILGUB 10013505 145 98 67 310 12 322 322 330 322 2 6 61674"},
		{"leading zeros", "--ballot PILBUP --tps 10013505 007 008 009 00 0 1", "PILBUP 10013505 7 8 9 24 0 24 24 25 24 0 1 70119"},
		{"all zero", "--ballot PILBUP --tps 10013505 0 0 0 0 0 0", "PILBUP 10013505 0 0 0 0 0 0 0 0 0 0 0 70000"},
		{"highest sum", "--ballot PILBUP --tps 10013505 999 0 0 0 0 0", "PILBUP 10013505 999 0 0 999 0 999 999 999 999 0 0 75994"},
		{"short form, number of rows tells", "--profile pemilu-2024-bolmut --tps 10013505 88 131 24 5", "PPWP 10013505 88 131 24 243 5 248 10798"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := mustTali(t, append([]string{"code"}, strings.Fields(c.args)...)...); got != c.want+"\n" {
				t.Errorf("code %s = %q, want %q", c.args, got, c.want)
			}
		})
	}
}

func TestCodeRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, args string
		want       []string
	}{
		{"several ballots fit", "--tps 10013505 145 98 67 12 2 6", []string{"6 figures fit several ballots", "--ballot", "PILGUB (6 rows), PILBUP (6 rows)"}},
		{"no ballot fits", "--tps 10013505 145 98", []string{"2 figures fit no ballot", "PILGUB (6 rows)"}},
		{"unknown ballot", "--ballot PILWALI --tps 10013505 145 98 67 12 2 6", []string{`"PILWALI" is no ballot of this election`, "PILBUP"}},
		{"one too few", "--ballot PILBUP --tps 10013505 145 98 67 12 2", []string{"PILBUP: 5 figures given, needs 6: 3 votes, T, R, Z"}},
		{"one too many", "--ballot PILBUP --tps 10013505 145 98 67 12 2 6 7", []string{"7 figures given, needs 6"}},
		{"short form", "--ballot PPWP --profile pemilu-2024-bolmut --tps 10013505 1 2 3", []string{"3 figures given, needs 4: 3 votes, T"}},
		{"sum over 999", "--ballot PILBUP --tps 10013505 900 98 67 12 2 6", []string{"suara sah adds up to 1065", "999"}},
		{"received over 999", "--ballot PILBUP --tps 10013505 900 9 7 12 2 96", []string{"surat suara diterima adds up to 1026"}},
		{"figure over 999", "--ballot PILBUP --tps 10013505 1000 98 67 12 2 6", []string{`figure 1 is "1000"`, "0 to 999"}},
		{"no number", "--ballot PILBUP --tps 10013505 145 9x 67 12 2 6", []string{`figure 2 is "9x"`}},
		{"negative", "--ballot PILBUP --tps 10013505 145 98 67 12 2 -6", []string{"a figure is a number from 0 to 999"}},
		{"negative behind --", "--ballot PILBUP --tps 10013505 -- 145 98 67 12 2 -6", []string{`figure 6 is "-6"`}},
		{"TPS code with a slip", "--ballot PILBUP --tps 10013506 145 98 67 12 2 6", []string{`--tps "10013506"`, "8 digits", "check"}},
		{"station code for TPS code", "--ballot PILBUP --tps 7108052002003 145 98 67 12 2 6", []string{"8 digits"}},
		{"profile", "--profile none --tps 10013505 1", []string{`profile "none"`, "pilkada-2024-bolmut"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := tali(t, append([]string{"code"}, strings.Fields(c.args)...)...)
			wantError(t, err, c.want...)
		})
	}
}

// What code writes, try accepts: for every ballot of both profiles.
func TestCodeIsAccepted(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, profile := range []string{"pilkada-2024-bolmut", "pemilu-2024-bolmut"} {
		p, err := configs.LoadProfile(profile)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Ballots {
			f := officers.NewForm(b, 341, random)
			args := []string{"code", "--profile", profile, "--ballot", b.Keyword, "--tps", "10013505"}
			for _, v := range f[:b.N()] {
				args = append(args, fmt.Sprint(v))
			}
			args = append(args, fmt.Sprint(f[b.Index('T')]))
			if b.Form == parser.FormFull {
				args = append(args, fmt.Sprint(f[b.Index('R')]), fmt.Sprint(f[b.Index('Z')]))
			}
			text := strings.TrimSpace(mustTali(t, args...))
			var got tryResult
			out := mustTali(t, "try", "--profile", profile, "--json", text)
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			if got.Outcome != "accepted" || got.Ballot != b.Keyword || !got.K.OK {
				t.Errorf("try %q = %s, want it accepted", text, out)
			}
		}
	}
}
