package compare

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func load(t *testing.T, text string, o Options) (Source, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "theirs")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if o.Contest == "" {
		o.Contest = "ppwp"
	}
	if o.Round == 0 {
		o.Round = 1
	}
	return Load(path, o)
}

const code = "7108012001001"

// ours is the row that every shape below holds too.
const ours = `{"election":"uji","kode_tps":"7108012001001","jenis":"ppwp","putaran":1,"suara_paslon":[62,136,13],"suara_sah":211,` +
	`"suara_tidak_sah":5,"suara_total":216,"pengguna_total_j":null,"sumber":"sms","revisi":1,"versi":2,"urutan":7}`

func TestShapes(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"by code":       `{"7108012001001": {"chart": {"100027": 13, "100026": 136, "100025": 62}, "administrasi": {"suara_sah": 211, "suara_tidak_sah": 5, "suara_total": 216, "pengguna_total_j": 216, "pemilih_dpt_j": 295}, "ts": "2024-02-15 07:00:00", "images": ["a.jpg", null]}}`,
		"a village":     `{"ts": "x", "chart": {"100025": 900}, "table": {"7108012001001": {"100025": 62, "100026": 136, "100027": 13, "persen": 100.5, "psu": "Reguler", "status_progress": true}}}`,
		"tabel":         `{"tabel": {"7108012001001": {"tabel": {"100025": 62, "100026": 136, "100027": 13}}}}`,
		"ids by length": `{"7108012001001": {"chart": {"10": 13, "9": 136, "8": 62}}}`,
		"a list":        `[{"kode_tps": "7108012001001", "jenis": "ppwp", "putaran": 1, "suara_paslon": [62, 136, 13], "suara_sah": 211}]`,
		"one station":   ` {"kode_tps": "7108012001001", "suara_total": 216, "chart": {"100025": 62, "100026": 136, "100027": 13}}`,
		"our JSON":      "[\n" + ours + "\n]\n",
		"our CSV":       "election,kode_tps,jenis,putaran,suara_paslon,suara_sah,pengguna_total_j\nuji,7108012001001,ppwp,1,62 136 13,211,\n",
		"columns":       "\xef\xbb\xbfKODE_TPS;paslon_1;paslon_2;paslon_3;suara_total\r\n7108012001001;62;136;13;216\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := load(t, text, Options{})
			if err != nil || len(s.Bad) > 0 {
				t.Fatalf("%v, bad %v", err, s.Bad)
			}
			row, err := ParseRow([]byte(ours))
			if err != nil {
				t.Fatal(err)
			}
			c := New(s, false)
			c.Add(row)
			if r := c.Finish(); r.Agree != 1 || !r.Equal() {
				t.Errorf("%+v", r)
			}
		})
	}
}

// What cannot be read is named with its line; the rows beside it are read.
func TestBadRows(t *testing.T) {
	t.Parallel()
	const good = `"7108012001009": {"chart": {"1": 1}}`
	for name, c := range map[string]struct {
		text string
		line int
		want string
	}{
		"a figure below 0":    {"{" + good + ",\n\n\"7108012001001\": {\"chart\": {\"1\": -1}}}", 3, `chart: 1: "-1" is no figure`},
		"a fraction":          {"{" + good + ",\n\"7108012001001\": {\"suara_sah\": 1.5}}", 2, `"1.5" is no figure`},
		"a text":              {"{" + good + ",\n\"7108012001001\": {\n\"suara_sah\": \"x\"}}", 2, "is no figure"},
		"no object":           {"{" + good + ",\n\"7108012001001\": 7}", 2, "is no object"},
		"twice":               {"{" + good + ",\n" + good + "}", 2, "stands in line 1 already"},
		"a short code":        {"[{\"kode_tps\": \"7108012001009\", \"suara_sah\": 1},\n{\"kode_tps\": \"710801\", \"suara_sah\": 1}]", 2, `"710801" is no station`},
		"votes twice":         {"{" + good + ",\n\"7108012001001\": {\"chart\": {\"1\": 1}, \"suara_paslon\": [1]}}", 2, "twice"},
		"a cell":              {"kode_tps,suara_sah\n7108012001009,1\n7108012001001,1o\n", 3, `suara_sah: "1o"`},
		"a cell too many":     {"kode_tps,suara_sah\n7108012001009,1\n7108012001001,1,2\n", 3, "3 cells below 2 headers"},
		"a hole in the votes": {"kode_tps,paslon_1,paslon_3\n7108012001009,1,\n7108012001001,1,2\n", 3, "paslon_2 is empty"},
		"a quote":             {"kode_tps,suara_sah\n7108012001009,1\n7108012001001,\"1\"2\n", 3, "quote"},
		"a rounded code":      {"kode_tps,suara_sah\n7108012001009,1\n7.1E+12,1\n", 3, `"7.1E+12" is no station`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := load(t, c.text, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Bad) != 1 || s.Bad[0].Line != c.line || !strings.Contains(s.Bad[0].Reason, c.want) {
				t.Errorf("bad = %v, want line %d with %q", s.Bad, c.line, c.want)
			}
			if len(s.Rows) != 1 {
				t.Errorf("%d rows beside it, want 1", len(s.Rows))
			}
		})
	}
}

func TestNoSource(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "blank": " \n", "cut JSON": `{"7108012001001": {"chart"`, "no stations": `{"a": 1}`, "an empty list": "[]",
		"two values": `[{"kode_tps":"7108012001001","suara_sah":1}] x`, "no header": "7108012001001,1\n", "text": "halo",
		"a table that is none": `{"table": 3}`, "NUL": "\x00\x00", "deep": strings.Repeat("[", 20_000),
	} {
		if _, err := load(t, text, Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	s, err := load(t, `{
		"7108012001001": {"chart": {"25": 136, "26": 62, "27": 13, "28": 4}, "administrasi": {"suara_sah": 211, "suara_total": 217, "pengguna_total_j": 300}},
		"7108012001002": {"chart": {"25": 1}}, "7108012001003": null, "7108012001004": {"chart": null, "administrasi": null},
		"7109012001001": {"chart": {"25": 1}}}`, Options{Area: "7108"})
	if err != nil || len(s.Bad) > 0 {
		t.Fatal(err, s.Bad)
	}
	c := New(s, true)
	for _, station := range []string{code, "7108012001003"} {
		row, err := ParseRow([]byte(strings.Replace(ours, code, station, 1)))
		if err != nil {
			t.Fatal(err)
		}
		c.Add(row)
	}
	var got strings.Builder
	r := c.Finish()
	for _, f := range r.Findings {
		fmt.Fprintf(&got, "%s %s %s %d %d\n", f.Status, f.Station[10:], f.Row, f.Here, f.There)
	}
	want := "differ 001 suara_paslon 1 62 136\ndiffer 001 suara_paslon 2 136 62\ndiffer 001 suara_paslon 4 -1 4\ndiffer 001 suara_total 216 217\n" +
		"missing_here 002  -1 -1\nmissing_there 003  -1 -1\n"
	if got.String() != want || r.Differ != 1 || r.MissingHere != 1 || r.MissingThere != 1 || r.Agree != 0 || r.Equal() {
		t.Errorf("%+v\n%s\nwant\n%s", r, got.String(), want)
	}
}

// Ids may be in another order than the form.
func TestOrderOfContestants(t *testing.T) {
	t.Parallel()
	const text = `{"7108012001001": {"chart": {"25": 136, "26": 62, "27": 13}}}`
	s, err := load(t, text, Options{Order: []string{"26", "25", "27"}})
	if err != nil || fmt.Sprint(s.Rows[Key{code, "ppwp", 1}].Votes) != "[62 136 13]" {
		t.Errorf("%v, %v", s.Rows, err)
	}
	for _, order := range [][]string{{"26", "25"}, {"26", "25", "28"}} {
		if s, err = load(t, text, Options{Order: order}); err != nil || len(s.Bad) != 1 {
			t.Errorf("order %v: %v, %v", order, s, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(`{"7108012001001": {"chart": {"1": 1}}}`)
	f.Add("kode_tps,paslon_1\n7108012001001,3\n")
	f.Add(`[` + ours + `]`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := load(t, text, Options{})
		for key, row := range s.Rows {
			if err == nil && (!stationPattern.MatchString(key.Station) || len(row.Votes)+len(row.Fields) == 0) {
				t.Errorf("%q gives %+v", text, row)
			}
			for _, n := range row.Votes {
				if n < 0 {
					t.Errorf("%q gives votes %d", text, n)
				}
			}
		}
	})
}
