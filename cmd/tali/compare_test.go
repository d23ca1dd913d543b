package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// The exit code tells what was found; what is printed names it.
func TestCompare(t *testing.T) {
	t.Parallel()
	config, _ := published(t)
	bundle := filepath.Join(t.TempDir(), "hasil")
	mustTali(t, "export", "--out", bundle, "--key", signingKey(t), "--config", config)
	const head, same = "kode_tps,jenis,suara_paslon,suara_sah\n", "7108052002001,pkwkk,145 98 67,310\n"
	for name, c := range map[string]struct {
		text string
		args []string
		code int
		want string
	}{
		"equal":            {head + same, nil, 0, "1 station agree, 0 differ"},
		"another figure":   {head + strings.Replace(same, "98", "89", 1), nil, 1, "suara_paslon 2  98    89"},
		"only there":       {head + same + "7108052002002,pkwkk,1 2 3,6\n", nil, 1, "only there"},
		"only here":        {head + "7108052002002,pkwkk,1 2 3,6\n", nil, 1, "only here"},
		"another area":     {head + same + "7108062002002,pkwkk,1 2 3,6\n", []string{"--area", "710805"}, 0, "1 station agree"},
		"a bad row":        {head + same + "7108052002002,pkwkk,1 2 x,6\n", nil, 2, `line 3 cannot be compared: suara_paslon: "x"`},
		"no contest":       {"kode_tps,suara_sah\n7108052002001,310\n", nil, 2, "--jenis"},
		"contest by flag":  {"kode_tps,suara_sah\n7108052002001,310\n", []string{"--jenis", "pkwkk"}, 0, "1 station agree"},
		"CSV":              {head + strings.Replace(same, "310", "311", 1), []string{"--csv"}, 1, "differ,7108052002001,pkwkk,1,suara_sah,310,311,,"},
		"all":              {head + same, []string{"--all", "--csv"}, 0, "agree,7108052002001,pkwkk,1,,,,,"},
		"Sirekap's":        {`{"7108052002001": {"chart": {"11": 145, "12": 98, "13": 67}}}`, []string{"--jenis", "pkwkk"}, 0, "1 station agree"},
		"with a bundle":    {head + same, []string{"--bundle", bundle}, 0, "1 station agree"},
		"no file's shape":  {"halo\n", nil, 2, "kode_tps"},
		"a flag":           {head, []string{"--nonsense"}, 2, "unknown flag"},
		"a wrong area":     {head + same, []string{"--area", "x"}, 2, "--area"},
		"a missing bundle": {head + same, []string{"--bundle", bundle + "x"}, 2, "--bundle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, append([]string{"compare", file(t, "mereka", c.text), "--config", config}, c.args...)...)
			if code := p.end(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			wantPart(t, p.output(), c.want)
		})
	}
	// A bundle compared with its own table is equal; JSON says the words too.
	out := mustTali(t, "compare", filepath.Join(bundle, stationTableFile), "--json", "--config", config)
	var r struct {
		Note  string `json:"catatan"`
		Agree int
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Agree != 1 || r.Note != exportNote {
		t.Errorf("%s, %v", out, err)
	}
}
