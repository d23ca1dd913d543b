package main

import (
	"path/filepath"
	"strings"
	"testing"

	"tali/parser"
)

// codeOf is the A2 of a tally of Boroko's first card, and its one-time codes,
// from the master key of the published vectors.
func codeOf(t *testing.T, text string) (a2 string, tans []string) {
	t.Helper()
	master := make([]byte, keySize)
	for i := range master {
		master[i] = byte(i)
	}
	key := parser.RegencyKey(master, "pilkada-2024", "7108")
	id := parser.StationID{Election: "pilkada-2024", Round: 1, Code: "7108052002003", Generation: 1}
	p, _, err := tryOptions{profile: "pilkada-2024-bolmut"}.election()
	if err != nil {
		t.Fatal(err)
	}
	r := parser.Parse(p, text)
	last := parser.FirstReport
	if r.Ralat {
		last = r.Proof
	}
	return parser.SignA2(parser.StationKey(key, id), parser.Canonical(r.Ballot, r.TPS, r.Figures, last)),
		parser.TANs(key, id, parser.TANsPerCard)
}

// A conversation about codes, with the master key and with the regency's.
func TestTryChecksCodes(t *testing.T) {
	t.Parallel()
	const other = "PILGUB 10013505 145 98 67 310 12 322 322 330 322 2 6 61674"
	a2, tans := codeOf(t, goodTally)
	derived := filepath.Join(t.TempDir(), "bolmut.key")
	mustTali(t, "key", "derive", "--election", "pilkada-2024", "--regency", "7108", masterFile(t), derived)
	for name, key := range map[string]string{"master": masterFile(t), "regency": derived} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := converse(t, strings.Join([]string{
				goodTally, "A 222222", "A " + a2, goodTally + " " + tans[0], other + " " + tans[0], "A " + tans[1], other,
			}, "\n"), "--auth", "required", "--key", key)
			for i, want := range []string{"unproven auth_missing", "unproven auth_wrong", "accepted accepted", "same masuk",
				"unproven auth_wrong", "accepted accepted", "same masuk"} {
				if s := string(got[i].Outcome) + " " + got[i].Reason; s != want {
					t.Errorf("SMS %d: %s (%s), want %s", i+1, s, got[i].Reply, want)
				}
			}
			wantPart(t, got[0].Reply, "Sisa 5 percobaan")
			wantPart(t, got[1].Reply, "Sisa 4 percobaan")
		})
	}
}

func TestTryPrintsCodes(t *testing.T) {
	t.Parallel()
	a2, tans := codeOf(t, goodTally)
	for name, c := range map[string]struct{ mode, text string }{
		"code-of-the-page": {"accepted", goodTally + " " + a2},
		"code-of-the-card": {"required", goodTally + " A " + tans[11]},
		"code-missing":     {"required", goodTally},
		"code-wrong":       {"accepted", goodTally + " 222222"},
		"code-not-read":    {"required", "PILBUP 10013505 145 89 67 310 12 322 322 330 322 2 6 71674 " + a2},
		"code-is-off":      {"off", goodTally + " " + a2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"try", "--at", electionNight, "--auth", c.mode}
			if c.mode != "off" {
				args = append(args, "--key", masterFile(t))
			}
			golden(t, filepath.Join("try", name+".txt"), unproven(mustTali(t, append(args, c.text)...)))
		})
	}
}

func TestTryRefusesWithoutAKey(t *testing.T) {
	t.Parallel()
	foreign := filepath.Join(t.TempDir(), "foreign.key")
	mustTali(t, "key", "derive", "--election", "pilkada-2024", "--regency", "7109", masterFile(t), foreign)
	for name, c := range map[string]struct{ args, want []string }{
		"no key":                {[]string{"--auth", "required"}, []string{"--key", "required", "--auth off"}},
		"no codes":              {[]string{"--key", masterFile(t)}, []string{"--key", "--auth accepted"}},
		"no mode":               {[]string{"--auth", "on"}, []string{"--auth", `"on"`, "required"}},
		"another regency's key": {[]string{"--auth", "accepted", "--key", foreign}, []string{"--key", "foreign.key", "7109", "7108", "tali key derive"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tali(t, append(append([]string{"try"}, c.args...), goodTally)...)
			wantError(t, err, c.want...)
		})
	}
}
