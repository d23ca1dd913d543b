package verify

import (
	"maps"
	"strings"
	"testing"

	"tali/parser"
)

func TestDefaultTextsFit(t *testing.T) {
	t.Parallel()
	r := testRegistry(t)
	r.Stations = append(r.Stations, Station{Code: "7108012001111", TPS: "10013505", Village: "Busisingo Utara Bumi Nusantara Indah", Number: 111})
	many := make([]Station, 9)
	for i := range many {
		many[i] = r.Stations[3]
	}
	r.Officers[0].Stations = many
	pemilu := buildProfile(t,
		ballot('1', "PPWP", parser.FormFull, "calon", 3), ballot('2', "DPD", parser.FormFull, "calon", 54),
		ballot('3', "DPR", parser.FormShort, "partai", 18), ballot('4', "DPRDP", parser.FormShort, "partai", 18),
		ballot('5', "DPRDK", parser.FormFull, "partai", 24))
	for _, p := range []*parser.Profile{testProfile(t), pemilu} {
		if err := CheckTexts(p, r); err != nil {
			t.Errorf("CheckTexts = %v", err)
		}
		if err := CheckTexts(p, nil); err != nil {
			t.Errorf("CheckTexts without a registry = %v", err)
		}
	}
}

func TestCheckTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("panjang ", 20)
	for _, row := range []struct {
		name     string
		kind     string
		variants []string
		want     string
	}{
		{"missing", KindK, nil, "text k: missing"},
		{"unknown word", KindK, []string{"K {kk}"}, "text k: unknown {kk}: this text may use"},
		{"word of another text", KindK, []string{"K {proof}"}, "text k: unknown {proof}: this text may use"},
		{"open brace", KindK, []string{"K {k"}, `text k: "K {k": a brace is not closed`},
		{"no character of an SMS", KindK, []string{"K ☎"}, "text k: '☎' is no character of an SMS: write it otherwise"},
		{"too long", KindK, []string{long + long, long + "a"}, "text k: 161 characters with the longest names (PILGUB, Boroko Utara TPS 002), at most 160 fit one SMS: add a shorter variant"},
		{"extension characters count twice", KindK, []string{strings.Repeat("€", 81)}, "text k: 162 characters"},
		{"exactly one SMS", KindK, []string{long}, ""},
		{"only the shortest counts", KindK, []string{long + long, "K"}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := testProfile(t)
			p.Texts = maps.Clone(p.Texts)
			p.Texts[row.kind] = row.variants
			err := CheckTexts(p, testRegistry(t))
			if row.want == "" {
				if err != nil {
					t.Errorf("CheckTexts = %v, want nil", err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), row.want) {
				t.Errorf("CheckTexts = %v, want %s", err, row.want)
			}
		})
	}
}

func TestReceiptVariants(t *testing.T) {
	t.Parallel()
	p := buildProfile(t, ballot('7', "PILBUP", parser.FormFull, "calon", 4), ballot('2', "DPD", parser.FormFull, "calon", 12))
	village := station(t, "100135", "Tambulang Pantai Timur", 3, 0)
	f := testFacts(t)
	f.Officers[phoneA] = &Officer{Phone: phoneA, Stations: []Station{village}}
	for _, row := range []struct {
		name  string
		votes []int
		want  string
	}{
		{"without the village", []int{145, 198, 167, 189}, "DITERIMA PILBUP TPS 10013505: 1=145 2=198 3=167 4=189 sah 699 tdk sah 129 jml 828. Cek lagi. Salah? kirim ulang diawali RALAT 7F001"},
		{"short figures", []int{1, 2, 3, 4}, "DITERIMA PILBUP TPS 10013505 (Tambulang Pantai Timur TPS 003): 1=1 2=2 3=3 4=4 sah 10 tdk sah 129 jml 139. Cek lagi. Salah? kirim ulang diawali RALAT 7F001"},
		{"totals alone", []int{60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71}, "DITERIMA DPD TPS 10013505 (Tambulang Pantai Timur TPS 003): sah 786 tdk sah 129 jml 915, 20 baris terbaca. Cek lagi. Salah? kirim ulang diawali RALAT 7F001"},
	} {
		b := p.Ballots[0]
		if len(row.votes) == 12 {
			b = p.Ballots[1]
		}
		sms, err := parser.Render(b, tpsA, form(b, row.votes, 129, 0, 950))
		if err != nil {
			t.Fatal(err)
		}
		v := Decide(p, message(1, phoneA, sms, at("15:00")), nil, f)
		if v.Reply == nil || v.Reply.Text != row.want {
			t.Errorf("%s: reply = %+v\nwant %s", row.name, v.Reply, row.want)
		}
	}
}

func TestSeptets(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text string
		n    int
		ok   bool
	}{
		{"", 0, true}, {"abc 123", 7, true}, {"é@$_ñ", 5, true}, {"[€]", 6, true},
		{"`", 0, false}, {"ab☎", 2, false}, {"ç", 0, false}, {"Ç", 1, true}, {"\t", 0, false},
	} {
		if n, ok := Septets(row.text); n != row.n || ok != row.ok {
			t.Errorf("Septets(%q) = %d, %v, want %d, %v", row.text, n, ok, row.n, row.ok)
		}
	}
}

func TestNamesAreTransliterated(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Boroko":          "Boroko",
		"Nunuka’s Désa":   "Nunuka's Désa",
		"Bōroko – Çã":     "Boroko - Ça",
		"村":               "?",
		"a\u200bb\u00a0c": "ab c",
		"`x`":             "'x'",
		"１２":              "12",
	} {
		if got := string(appendName(nil, name)); got != want {
			t.Errorf("appendName(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestEveryKindHasOnePriority(t *testing.T) {
	t.Parallel()
	for _, s := range textSpecs() {
		if p := priorityOf(s.kind); p < PriorityQuestion || p > PriorityNotice {
			t.Errorf("priorityOf(%s) = %d", s.kind, p)
		}
	}
	if priorityOf(KindRelation) >= priorityOf(KindAccepted) {
		t.Error("a question must go before a receipt")
	}
	texts := defaultTexts(t)
	if got, want := len(texts), len(textSpecs()); got != want {
		t.Errorf("replies.yaml has %d texts, verify uses %d", got, want)
	}
}

// A text that CheckTexts never saw is cut rather than sent as two SMS.
func TestUncheckedTextIsCut(t *testing.T) {
	t.Parallel()
	p := testProfile(t)
	p.Texts = maps.Clone(p.Texts)
	p.Texts[KindUnknown] = []string{"☎ [" + strings.Repeat("x", 200), strings.Repeat("y", 300)}
	v := Decide(p, message(1, phoneAlien, "halo", at("15:00")), nil, testFacts(t))
	if want := "? [" + strings.Repeat("x", 156); v.Reply == nil || v.Reply.Text != want {
		t.Errorf("reply = %+v, want %q", v.Reply, want)
	}
}
