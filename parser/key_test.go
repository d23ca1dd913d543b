package parser

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func counting(n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(i)
	}
	return out
}

// Vectors shared with the offline page: a change here kills every printed card.
func TestKeyDerivation(t *testing.T) {
	t.Parallel()
	regency := RegencyKey(counting(32), "pilkada-2024", "7108")
	if got, want := hex.EncodeToString(regency), "d932e72bfa09d38e385490aab7723f58b7188900e7720f60f5e4ddc7591064eb"; got != want {
		t.Errorf("RegencyKey = %s, want %s", got, want)
	}
	id := StationID{Election: "pilkada-2024", Round: 1, Code: "7108012001003", Generation: 1}
	if got, want := hex.EncodeToString(StationKey(regency, id)), "268f467554b52eb93d68f66f472f5e37"; got != want {
		t.Errorf("StationKey = %s, want %s", got, want)
	}
	want := []string{"81590557", "17328908", "35678149"}
	if got := TANs(regency, id, 3); !slices.Equal(got, want) {
		t.Errorf("TANs = %v, want %v", got, want)
	}
}

func TestTANsAreNoTPSCodesAndDiffer(t *testing.T) {
	t.Parallel()
	id := StationID{Election: "e", Round: 1, Code: "7108012001003", Generation: 1}
	seen := map[string]bool{}
	for _, tan := range TANs(counting(32), id, 500) {
		if len(tan) != 8 || TPSCode(tan).Valid() || seen[tan] {
			t.Errorf("TAN %s: of another length, a TPS code or there twice", tan)
		}
		seen[tan] = true
	}
	id.Generation = 2
	for _, tan := range TANs(counting(32), id, 20) {
		if seen[tan] {
			t.Errorf("TAN %s outlives its card", tan)
		}
	}
}

// A card of the first count proves nothing in a re-vote.
func TestKeysDifferByRound(t *testing.T) {
	t.Parallel()
	first := StationID{Election: "e", Round: 1, Code: "7108012001003", Generation: 1}
	second := first
	second.Round = 2
	if a, b := StationKey(counting(32), first), StationKey(counting(32), second); slices.Equal(a, b) {
		t.Errorf("StationKey of both rounds = %x", a)
	}
	tans := TANs(counting(32), first, 100)
	for _, tan := range TANs(counting(32), second, 100) {
		if slices.Contains(tans, tan) {
			t.Errorf("TAN %s stands on the cards of both rounds", tan)
		}
	}
}

// Vectors shared with the offline page, station key 000102..0f.
func TestVectors(t *testing.T) {
	t.Parallel()
	key := counting(16)
	for _, tt := range []struct {
		name, sms, last, want string
		changes               []func(*Profile)
	}{
		{"positional", "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674", FirstReport, "2P6302", nil},
		{"ralat", "RALAT 7F3K2 PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674", "7F3K2", "Q5H3Z8", nil},
		{"hash signs", "PPWP#41207735#88#131#24#243#5#248#248#281#248#0#33#11327", FirstReport, "RQ0J7C", nil},
		{"lower case and dots", "pilgub 25000975 12.301.0.77.45.435.31.466.466.498.466.3.29 k 62896", FirstReport, "TGDK5M", nil},
		{"window 5", "PILBUP 10013505 121 98 67 286 12 298 298 306 298 2 6 71530", FirstReport, "MPQQB4", nil},
		{"short form", "PILWALI 73331031 203 188 391 9 400 80994", FirstReport, "NP7TZK", nil},
		{"20 candidates", "DPD 10013505 12 3 0 45 7 1 0 22 9 4 31 0 2 6 18 5 0 11 3 8 187 61 248 248 281 248 0 33 202952", FirstReport, "XPH67M",
			[]func(*Profile){contestants("DPD", 20)}},
		{"letters for digits", "PPWP,6OOOOl27,0,2lO,0 S 210 TS 0 J 210 P 210 D 214 G 210 R 0 X 4 K 11054", FirstReport, "0R7MK3", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := testProfile(t, tt.changes...)
			r := Parse(p, tt.sms)
			if !r.Consistent() || !r.TPS.Valid() {
				t.Fatalf("Parse(%q) = %+v, problem %+v, want a consistent tally", tt.sms, r, r.Problem)
			}
			last := FirstReport
			if r.Ralat {
				last = r.Proof
			}
			if last != tt.last {
				t.Errorf("Parse(%q): last field %q, want %q", tt.sms, last, tt.last)
			}
			canonical := Canonical(r.Ballot, r.TPS, r.Figures, last)
			if got := SignA2(key, canonical); got != tt.want {
				t.Errorf("SignA2(%q) = %s, want %s", canonical, got, tt.want)
			}
			again := Parse(p, tt.sms+" "+tt.want)
			if !again.Consistent() || again.Auth != (Auth{AuthHMAC, tt.want}) {
				t.Errorf("Parse(%q): %+v", tt.sms+" "+tt.want, again)
			}
		})
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	p := testProfile(t)
	full := Figures{145, 98, 67, 310, 12, 322, 322, 330, 322, 2, 6}
	if got, want := Canonical(ballot(t, p, "PILBUP"), "10013505", full, FirstReport),
		"KT1|PILBUP|10013505|145,98,67|310,12,322|322,330,322,2,6|1"; got != want {
		t.Errorf("Canonical = %q, want %q", got, want)
	}
	short := Figures{203, 188, 391, 9, 400}
	if got, want := Canonical(ballot(t, p, "PILWALI"), "73331031", short, "7F3K2"),
		"KT1|PILWALI|73331031|203,188|391,9,400|-|7F3K2"; got != want {
		t.Errorf("Canonical = %q, want %q", got, want)
	}
	if got := Canonical(ballot(t, p, "PILBUP"), "10013505", short, FirstReport); got != "" {
		t.Errorf("Canonical of another form's figures = %q, want none", got)
	}
}

func TestSignA2AlwaysHoldsADigit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		code := SignA2(counting(16), rapid.String().Draw(t, "canonical"))
		if len(code) != 6 || !strings.ContainsAny(code, "0123456789") || strings.Trim(code, crockford) != "" {
			t.Fatalf("SignA2 = %q", code)
		}
	})
}
