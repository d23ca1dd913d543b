package parser

import (
	"slices"
	"strings"
	"testing"
)

func bupati() Figures { return Figures{145, 98, 67, 310, 12, 322, 322, 330, 322, 2, 6} }

func TestRender(t *testing.T) {
	t.Parallel()
	p := testProfile(t)
	const want = "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674"
	if got, err := Render(ballot(t, p, "PILBUP"), "10013505", bupati()); got != want || err != nil {
		t.Errorf("Render = %q, %v, want %q", got, err, want)
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	p := testProfile(t)
	with := func(row int, v int16) Figures {
		f := bupati()
		f[row] = v
		return f
	}
	for _, tt := range []struct {
		name    string
		keyword string
		tps     TPSCode
		figures Figures
		want    string
	}{
		{"too few", "PILBUP", "10013505", bupati()[:10], "11 are needed"},
		{"bad code", "PILBUP", "10013550", bupati(), "10013550"},
		{"negative", "PILBUP", "10013505", with(1, -1), "calon 2 is -1"},
		{"four digits", "PILBUP", "10013505", with(10, 1000), "tidak digunakan is 1000"},
		{"sum of the votes", "PILBUP", "10013505", with(3, 311), "S=V"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Render(ballot(t, p, tt.keyword), tt.tps, tt.figures); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Render: %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestContradictions(t *testing.T) {
	t.Parallel()
	p := testProfile(t)
	pilbup := ballot(t, p, "PILBUP")
	short := ballot(t, testProfile(t, contestants("PILWALI", 3)), "PILWALI")
	// 3172031003141 and 3173051005036, as published for Pemilu 2024.
	sound := Figures{62, 136, 13, 211, 5, 216}
	for _, tt := range []struct {
		name    string
		b       *Ballot
		figures Figures
		want    []Contradiction
	}{
		{"none", pilbup, bupati(), nil},
		{"published, sound", short, sound, nil},
		{"published, total misread", short, Figures{190, 0, 0, 190, 4, 594}, []Contradiction{{RelationJ, 194, 594}}},
		{"another length", pilbup, sound, nil},
		{"every one, in form order", pilbup, Figures{1, 2, 3, 7, 4, 12, 13, 20, 14, 1, 2}, []Contradiction{
			{RelationS, 6, 7}, {RelationJ, 11, 12}, {RelationP, 12, 13}, {RelationD, 17, 20}, {RelationU, 12, 14},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.b.Contradictions(tt.figures); !slices.Equal(got, tt.want) {
				t.Errorf("Contradictions(%v) = %v, want %v", tt.figures, got, tt.want)
			}
		})
	}
}

func TestK(t *testing.T) {
	t.Parallel()
	p := testProfile(t, contestants("PILGUB", 6), contestants("DPD", 54))
	many := make(Figures, 62)
	for i := range many {
		many[i] = MaxFigure
	}
	for _, tt := range []struct {
		name, keyword string
		figures       Figures
		want          string
		ok            bool
	}{
		{"full form", "PILBUP", bupati(), "71674", true},
		{"all zero, padded", "PILBUP", make(Figures, 11), "70000", true},
		{"six contestants have four digits", "PILGUB", make(Figures, 14), "60000", true},
		{"six contestants may not fit", "PILGUB", Figures{999, 999, 999, 999, 999, 999, 999, 999, 999, 999, 999, 999, 999, 999}, "", false},
		{"54 contestants have five digits", "DPD", make(Figures, 62), "200000", true},
		{"54 contestants may not fit", "DPD", many, "", false},
		{"figures of another form", "PILBUP", make(Figures, 6), "", false},
		{"no figure", "PILBUP", Figures{-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := ballot(t, p, tt.keyword).K(tt.figures); got != tt.want || ok != tt.ok {
				t.Errorf("K(%v) = %q, %v, want %q, %v", tt.figures, got, ok, tt.want, tt.ok)
			}
		})
	}
}

// The worksheet as it is printed on the cards.
func TestTotals(t *testing.T) {
	t.Parallel()
	want := []Total{{0, 145}, {1, 243}, {2, 310}, {4, 322}, {9, 324}, {10, 330}}
	if got := ballot(t, testProfile(t), "PILBUP").Totals(bupati()); !slices.Equal(got, want) {
		t.Errorf("Totals = %v, want %v", got, want)
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	p := testProfile(t)
	full, short := ballot(t, p, "PILBUP"), ballot(t, p, "PILWALI")
	if full.Rows() != 11 || short.Rows() != 5 || full.N() != 3 {
		t.Errorf("Rows = %d and %d, N = %d", full.Rows(), short.Rows(), full.N())
	}
	if full.Index(LabelS) != 3 || full.Index(LabelZ) != 10 || short.Index(LabelJ) != 4 || short.Index(LabelP) != -1 || full.Index('Q') != -1 {
		t.Error("Index is wrong")
	}
	if full.LabelAt(3) != LabelS || full.LabelAt(2) != 0 || short.LabelAt(5) != 0 {
		t.Error("LabelAt is wrong")
	}
	want := []string{"calon 1", "calon 2", "calon 3", "suara sah", "suara tidak sah", "jumlah sah+tidak sah",
		"pengguna hak pilih", "surat suara diterima", "digunakan", "rusak", "tidak digunakan", "baris 12"}
	for i, name := range want {
		if got := full.RowName(i); got != name {
			t.Errorf("RowName(%d) = %q, want %q", i, got, name)
		}
	}
	if got := ballot(t, p, "DPR").RowName(17); got != "partai 18" {
		t.Errorf("RowName(17) = %q", got)
	}
}

func TestTPSCode(t *testing.T) {
	t.Parallel()
	if c, err := NewTPSCode("100135"); c != "10013505" || err != nil || !c.Valid() || c.Grouped() != "1001 3505" {
		t.Errorf("NewTPSCode = %q, %v", c, err)
	}
	for _, six := range []string{"", "10013", "1001355", "1O0135", "-10013"} {
		if c, err := NewTPSCode(six); err == nil {
			t.Errorf("NewTPSCode(%q) = %q, want an error", six, c)
		}
	}
	for n := range 1_000_000 {
		if n%97 != 0 {
			continue
		}
		c, err := NewTPSCode(digitsOf(n))
		if err != nil || !c.Valid() || c[6:] < "02" || c[6:] > "98" {
			t.Fatalf("NewTPSCode(%06d) = %q, %v", n, c, err)
		}
	}
	for _, c := range []TPSCode{"", "1001350", "100135051", "10013550", "1001350A", "00000001"} {
		if c.Valid() {
			t.Errorf("%q is valid", c)
		}
	}
	if got := TPSCode("1001350").Grouped(); got != "1001350" {
		t.Errorf("Grouped = %q", got)
	}
}

func digitsOf(n int) string {
	out := []byte("000000")
	for i := 5; n > 0; i, n = i-1, n/10 {
		out[i] = byte('0' + n%10)
	}
	return string(out)
}
