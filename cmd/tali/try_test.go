package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

const (
	goodTally = "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674"
	// electionNight lies within the opening hours of the default profile.
	electionNight = "2024-11-27 15:42"
)

var proofCode = regexp.MustCompile(`(RALAT|bukti|laporan) [0-9A-HJKMNP-TV-Z]{5}\b`)

// unproven hides the proof code, which is random.
func unproven(s string) string { return proofCode.ReplaceAllString(s, "$1 *****") }

// What a person sees.
func TestTryPrints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		args []string
	}{
		{"accepted", []string{goodTally}},
		{"relation", []string{"PILBUP 10013505 145 89 67 310 12 322 322 330 322 2 6 71674"}},
		{"form", []string{"PILBUP 10013505 145 98 67 310 12 332 322 330 322 2 6 71674"}},
		{"wrong-k", []string{"PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71675"}},
		{"swapped", []string{"PILBUP 10013505 98 145 67 310 12 322 322 330 322 2 6 71674"}},
		{"too-few", []string{"PILBUP 10013505 145 98 310 12 322 322 330 322 2 6 71674"}},
		{"too-many", []string{"PILBUP 10013505 145 98 67 67 310 12 322 322 330 322 2 6 71674"}},
		{"cut-off", []string{"PILBUP 10013505 145 98 67 310 12 32"}},
		{"bad-figure", []string{"PILBUP 10013505 145 9x 67 310 12 322 322 330 322 2 6 71674"}},
		{"labels", []string{"bup#10013505#145#98#67#S310#TS12#J322#P322#D330#G322#R2#X6#K71674 trims"}},
		{"wrong-tps", []string{"--from", "+6289900000108", "PILBUP 10013550 145 98 67 310 12 322 322 330 322 2 6 71674"}},
		{"other-station", []string{"--from", "+6289900000001", goodTally}},
		{"other-ballot", []string{"PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 61674"}},
		{"no-keyword", []string{"Selamat malam pak"}},
		{"unknown-phone", []string{"--from", "+6289912345678", goodTally}},
		{"short-code", []string{"--from", "5000", goodTally}},
		{"name-as-sender", []string{"--from", "TELKOMSEL", goodTally}},
		{"local-phone", []string{"--from", "089900000108", "UJI"}},
		{"status", []string{"STATUS 10013505"}},
		{"help", []string{"BANTU"}},
		{"empty", []string{""}},
		{"ten-kilobytes", []string{strings.Repeat("PILBUP 10013505 ", 640)}},
		{"one-long-word", []string{strings.Repeat("9", 10<<10)}},
		{"before-the-opening", []string{"--at", "2024-11-27 12:59", goodTally}},
		{"late", []string{"--at", "2024-11-28 12:01", goodTally}},
		{"pemilu-short-form", []string{"--profile", "pemilu-2024-bolmut", "--at", "2024-02-14 18:00", "PPWP 10013505 88 131 24 243 5 248 10798"}},
		{"pemilu-party-rows", []string{"--profile", "pemilu-2024-bolmut", "--at", "2024-02-14 18:00", "DPR 10013505 1 2 3"}},
		{"pemilu-other-election", []string{"--profile", "pemilu-2024-bolmut", "--at", "2024-02-14 18:00", goodTally}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			args := c.args
			if !slices.Contains(args, "--at") {
				args = append([]string{"--at", electionNight}, args...)
			}
			out := unproven(mustTali(t, append([]string{"try"}, args...)...))
			for _, line := range lines(out) {
				if len(line) > 400 {
					t.Errorf("a line of %d characters", len(line))
				}
			}
			golden(t, filepath.Join("try", c.name+".txt"), out)
		})
	}
}

// The names of the JSON are an interface.
func TestTryJSONHasExactlyItsKeys(t *testing.T) {
	t.Parallel()
	for _, text := range []string{goodTally, "", "UJI", "PILBUP 10013505 145 89 67 310 12 322 322 330 322 2 6 71674"} {
		var got map[string]json.RawMessage
		out := mustTali(t, "try", "--json", "--at", electionNight, text)
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		wantKeys(t, got, "ballot", "failed", "figures", "flags", "k", "outcome", "reason", "reply", "suggestion", "tps")
		var k map[string]json.RawMessage
		if err := json.Unmarshal(got["k"], &k); err != nil {
			t.Fatal(err)
		}
		wantKeys(t, k, "given", "ok")
		for key, value := range got {
			if string(value) == "null" && key != "suggestion" {
				t.Errorf("try --json %q: %s is null: readers would need to ask", text, key)
			}
		}
		if lines := strings.Count(out, "\n"); lines != 1 {
			t.Errorf("try --json %q prints %d lines", text, lines)
		}
	}
}

func wantKeys(t *testing.T, got map[string]json.RawMessage, want ...string) {
	t.Helper()
	var keys []string
	for k := range got {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if !slices.Equal(keys, want) {
		t.Errorf("keys %q, want %q", keys, want)
	}
}

func TestTryJSON(t *testing.T) {
	t.Parallel()
	golden(t, "try/accepted.json", unproven(mustTali(t, "try", "--json", "--at", electionNight, goodTally)))
	golden(t, "try/relation.json", mustTali(t, "try", "--json", "--at", electionNight,
		"PILBUP 10013505 145 89 67 310 12 322 322 330 322 2 6 71674"))
}

// converse sends lines and returns one result each.
func converse(t *testing.T, stdin string, args ...string) []tryResult {
	t.Helper()
	out, err := taliReading(t, stdin, append([]string{"try", "--at", electionNight, "-"}, args...)...)
	if err != nil {
		t.Fatalf("try -: %v", err)
	}
	var results []tryResult
	for decoder := json.NewDecoder(strings.NewReader(out)); decoder.More(); {
		var r tryResult
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	return results
}

func TestTryConversation(t *testing.T) {
	t.Parallel()
	other := "PILBUP 10013505 144 99 67 310 12 322 322 330 322 2 6 71673"
	got := converse(t, strings.Join([]string{
		"PILBUP 10013505 145 89 67 310 12 322 322 330 322 2 6 71674", // a slip
		goodTally,
		"bup.10013505.145.98.67.310.12.322.322.330.322.2.6.71674 trims", // the same again
		other,
		"PILGUB 10013505 145 98 67 310 12 322 322 330 322 2 6 61674", // another ballot of the station
		"",
		"STATUS 10013505",
	}, "\r\n"))
	want := []string{"figures", "accepted", "same", "conflict", "accepted", "unreadable", "service"}
	var outcomes []string
	for _, r := range got {
		outcomes = append(outcomes, string(r.Outcome))
	}
	if !slices.Equal(outcomes, want) {
		t.Fatalf("outcomes %q, want %q", outcomes, want)
	}
	proof := strings.Fields(got[1].Reply[strings.Index(got[1].Reply, "RALAT "):])[1]
	for i, part := range map[int]string{2: "bukti " + proof, 3: "SUDAH ADA laporan " + proof, 6: "PILBUP"} {
		wantPart(t, got[i].Reply, part)
	}

	asked := converse(t, strings.Join([]string{
		"PILBUP 10013505 145 89 67 310 12 322 322 330 322 2 6 71674",
		"ok pak",
		"2=97",
		"2=98",
		"2=98",
		"PILGUB 10013505 145 98 67 301 12 322 322 330 322 2 6 61674",
		"FORM",
	}, "\n"))
	for i, want := range []string{"figures", "courtesy", "figures", "accepted", "no_question", "figures", "accepted"} {
		if string(asked[i].Outcome) != want {
			t.Errorf("answer %d = %s (%s), want %s", i+1, asked[i].Outcome, asked[i].Reply, want)
		}
	}
	if s := asked[0].Suggestion; s == nil || s.Row != "2" || *s.From != 89 || s.To != 98 || asked[2].Reply != asked[0].Reply {
		t.Errorf("suggestion = %+v, repeated as %q", s, asked[2].Reply)
	}
	if asked[3].Figures["2"] != 98 || !asked[3].K.OK || len(asked[6].Failed) != 2 || !slices.Contains(asked[6].Flags, "form") {
		t.Errorf("answers make %+v and %+v", asked[3], asked[6])
	}

	ralat := converse(t, goodTally+"\nRALAT AAAA1 "+other)
	if ralat[1].Outcome != "conflict" {
		t.Errorf("RALAT with a wrong proof = %s (%s), want a conflict", ralat[1].Outcome, ralat[1].Reply)
	}
}

func TestTryReadsFilesOfAnyEditor(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no last line end": goodTally, "Windows": goodTally + "\r\n", "byte order mark": "\ufeff" + goodTally + "\n",
	} {
		got := converse(t, text)
		if len(got) != 1 || got[0].Outcome != "accepted" {
			t.Errorf("%s: %+v, want one tally accepted", name, got)
		}
	}
	if got := converse(t, ""); len(got) != 0 {
		t.Errorf("no line gives %+v", got)
	}
	if got := converse(t, "\n"+strings.Repeat("x ", 5<<10)+"\n"+goodTally); len(got) != 3 || got[2].Outcome != "accepted" {
		t.Errorf("a line of 10 kB is in the way: %+v", got)
	}
	_, err := taliReading(t, "UJI\n"+strings.Repeat("9", 2<<20)+"\n", "try", "-")
	wantError(t, err, "line 2", "longer than 1 MB")
}

func TestTryFromAnUnknownPhoneTellsNothing(t *testing.T) {
	t.Parallel()
	got := converse(t, goodTally+"\nUJI\nSTATUS 10013505\nBANTU", "--from", "+6289912345678")
	if !strings.HasPrefix(got[0].Reply, "Nomor ini belum terdaftar") {
		t.Errorf("first reply %q, want the neutral one", got[0].Reply)
	}
	for i, r := range got {
		if r.Outcome != "unknown" || strings.Contains(r.Reply, "10013505") || strings.Contains(r.Reply, "Boroko") {
			t.Errorf("SMS %d of an unknown phone: %s %q", i+1, r.Outcome, r.Reply)
		}
		if i > 0 && r.Reply != "" {
			t.Errorf("SMS %d of an unknown phone is answered again: %q", i+1, r.Reply)
		}
	}
}

// registryTable is a registry with one officer of two stations.
func registryTable() [][]string {
	return [][]string{
		{"Nama", "Telepon", "Kode", "Kode TPS", "Desa", "DPT"},
		{"Contoh Satu", "089900000901", "7108052002003", "10013505", "Boroko", "341"},
		{"Contoh Satu", "089900000901", "7108012001001", "10002932", "Sangkub I", "474"},
		{"Contoh Dua", "+62 899-0000-0902", "7108012001002", "10003029", "Sangkub I", "265"},
	}
}

func csvFile(t *testing.T, rows [][]string) string {
	t.Helper()
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(strings.Join(r, ";") + "\n")
	}
	return file(t, "table.csv", b.String())
}

// xlsxFile writes cells as a spreadsheet does: what is not a string is a number.
func xlsxFile(t *testing.T, rows [][]any) string {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		if err == nil {
			err = book.SetSheetRow("Sheet1", cell, &row)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "table.xlsx")
	if err := book.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTryRegistry(t *testing.T) {
	t.Parallel()
	rows := registryTable()
	var cells [][]any
	for i, r := range rows {
		row := make([]any, len(r))
		for j, c := range r {
			row[j] = c
		}
		if i > 0 {
			row[1], row[2] = 89900000901+int64(i/3), 7108052002003 // numbers: the zero in front is lost
			row[2] = map[int]int64{1: 7108052002003, 2: 7108012001001, 3: 7108012001002}[i]
		}
		cells = append(cells, row)
	}
	for name, path := range map[string]string{"csv": csvFile(t, rows), "xlsx": xlsxFile(t, cells)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := converse(t, goodTally+"\nUJI 10002932\nUJI 10003029", "--registry", path, "--from", "+6289900000901")
			if got[0].Outcome != "accepted" || !strings.Contains(got[0].Reply, "Boroko TPS 003") {
				t.Errorf("own station: %s %q", got[0].Outcome, got[0].Reply)
			}
			wantPart(t, got[1].Reply, "UJI BERHASIL")
			if strings.Contains(got[2].Reply, "BERHASIL") {
				t.Errorf("another officer's station: %q", got[2].Reply)
			}
			if got := converse(t, goodTally, "--registry", path); got[0].Outcome != "accepted" {
				t.Errorf("without --from: %s, want the officer of the station named to be the sender", got[0].Outcome)
			}
		})
	}
}

func TestTryRefuses(t *testing.T) {
	t.Parallel()
	table := registryTable()
	wrongCode := append(table[:3:3], []string{"Contoh Dua", "089900000902", "7108012001002", "10003028", "Sangkub I", "265"})
	wrongPhone := append(table[:3:3], []string{"Contoh Dua", "telepon saya", "7108012001002", "10003029", "Sangkub I", "265"})
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"profile", []string{"--profile", "pilkada"}, []string{`profile "pilkada"`, "known here: pemilu-2024-bolmut, pilkada-2024-bolmut"}},
		{"profile that is no profile", []string{"--profile", file(t, "p.yaml", "a: b\n")}, []string{"p.yaml"}},
		{"time", []string{"--at", "yesterday"}, []string{`--at "yesterday"`, `"2024-11-27 15:42"`}},
		{"registry missing", []string{"--registry", "/nonexistent.csv"}, []string{"--registry", "/nonexistent.csv", "no such file"}},
		{"registry without phones", []string{"--registry", csvFile(t, [][]string{{"nama"}, {"x"}})}, []string{"columns missing: phone (or telepon"}},
		{"registry with a wrong code", []string{"--registry", csvFile(t, wrongCode)}, []string{"line 4", `"10003028"`, "do not check"}},
		{"registry with a wrong phone", []string{"--registry", csvFile(t, wrongPhone)}, []string{"--registry", "1 problem"}},
		{"longer than any SMS", nil, []string{"longer than 1 MB"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := "UJI"
			if c.args == nil {
				text = strings.Repeat("9", 2<<20)
			}
			_, err := tali(t, append(append([]string{"try"}, c.args...), text)...)
			if err != nil && c.name == "profile that is no profile" {
				wantPart(t, err.Error(), c.want[0])
				return
			}
			wantError(t, err, c.want...)
			if strings.Contains(err.Error(), "imported") {
				t.Errorf("%q speaks of an import", err)
			}
		})
	}
}
