package parser

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Words that mean something, to get further than random text does.
func drawText(t *rapid.T) string {
	word := rapid.OneOf(
		rapid.SampledFrom([]string{"PILBUP", "GUB", "DPR", "RALAT", "K", "KUNCI", "A", "S", "TDK", "SAH", "SUARA", "YA", "FORM",
			"KODE", "UJI", "HADIR", "TERIMA", "KASIH", "10013505", "71674", "2P6302", "1", "O", "²", "९", "\u200b", "S310", "K71674"}),
		rapid.StringMatching(`[0-9OIL]{1,9}`),
		rapid.String(),
	)
	separator := rapid.SampledFrom([]string{" ", "", "=", "\n", "\u00a0", "\xff"})
	var out strings.Builder
	for range rapid.IntRange(0, 30).Draw(t, "words") {
		out.WriteString(word.Draw(t, "word"))
		out.WriteString(separator.Draw(t, "separator"))
	}
	return out.String()
}

func TestParseIsTotalAndDeterministic(t *testing.T) {
	t.Parallel()
	p := testProfile(t)
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t)
		r := Parse(p, text)
		if again := Parse(p, text); !reflect.DeepEqual(r, again) {
			t.Fatalf("Parse(%q) twice: %s and %s", text, describe(r), describe(again))
		}
		checkReport(t, p, text, r)
	})
}

type failer interface{ Fatalf(string, ...any) }

// checkReport holds a report to what report.go promises of every one.
func checkReport(t failer, p *Profile, text string, r Report) {
	fail := func(what string) { t.Fatalf("Parse(%q): %s\n%s", text, what, describe(r)) }
	if fault := kindFault(r); fault != "" {
		fail(fault)
	}
	for _, v := range r.Figures {
		if v < 0 || v > MaxFigure {
			fail("a figure out of range")
		}
	}
	if r.Figures != nil && len(r.Figures) != r.Ballot.Rows() {
		fail("figures of another number than rows")
	}
	if !r.Complete() {
		return
	}
	if k, ok := r.Ballot.K(r.Figures); r.K.OK != (ok && k == r.K.Given) {
		fail("K is not what it says")
	}
	if !r.Consistent() {
		return
	}
	again, err := Render(r.Ballot, "10013505", r.Figures)
	if err != nil {
		fail(err.Error())
	}
	if s := Parse(p, again); !s.Consistent() || s.Ballot != r.Ballot || !slices.Equal(s.Figures, r.Figures) {
		fail("rendered again it reads otherwise: " + describe(s))
	}
}

func TestParsePhone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, want string
		kind           PhoneKind
	}{
		{"local", "089900123456", "+6289900123456", PhoneNumber},
		{"international", "+6289900123456", "+6289900123456", PhoneNumber},
		{"bare international", "6289900123456", "+6289900123456", PhoneNumber},
		{"double zero", "006289900123456", "+6289900123456", PhoneNumber},
		{"spaces and signs", "+62 899-0012.(3456)", "+6289900123456", PhoneNumber},
		{"no-break space", "0899\u00a000123456", "+6289900123456", PhoneNumber},
		{"foreign", "+65 0000 4567", "+6500004567", PhoneNumber},
		{"short code", "3636", "3636", PhoneShortCode},
		{"short code with plus", "+3636", "3636", PhoneShortCode},
		{"seven digits", "1234567", "1234567", PhoneShortCode},
		{"eight digits", "12345678", "+12345678", PhoneNumber},
		{"eight digits, too few behind the zeros", "00123456", "00123456", PhoneShortCode},
		{"zeros", "00000000", "00000000", PhoneShortCode},
		{"name", "TELKOMSEL", "TELKOMSEL", PhoneAlphanumeric},
		{"name with digits", "Info 08990012345", "Info 08990012345", PhoneAlphanumeric},
		{"empty", "", "", PhoneAlphanumeric},
		{"signs only", "+-", "+-", PhoneAlphanumeric},
		{"digits of another script", "٠٨٩٩٠٠١٢٣٤٥", "٠٨٩٩٠٠١٢٣٤٥", PhoneAlphanumeric},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, kind := ParsePhone(tt.in); got != tt.want || kind != tt.kind {
				t.Errorf("ParsePhone(%q) = %q, %s, want %q, %s", tt.in, got, kind, tt.want, tt.kind)
			}
		})
	}
}

func TestParsePhoneIsIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.StringMatching(`[+0-9 ().-]{0,20}`), rapid.StringMatching(`0{0,4}[0-9]{0,14}`), rapid.String()).Draw(t, "phone")
		once, kind := ParsePhone(in)
		if twice, again := ParsePhone(once); twice != once || again != kind {
			t.Fatalf("ParsePhone(%q) = %q, %s; again %q, %s", in, once, kind, twice, again)
		}
	})
}

func TestProofs(t *testing.T) {
	t.Parallel()
	p := testProfile(t, func(p *Profile) { p.Ballots[0].Aliases = []string{"POSKO", "WIOSI"} })
	rapid.Check(t, func(t *rapid.T) {
		code := NewProof(rapid.SliceOfN(rapid.Byte(), 8, 16).Draw(t, "random"))
		if len(code) != 5 || !strings.ContainsAny(code, "23456789") || strings.Trim(code, crockford) != "" {
			t.Fatalf("NewProof = %q", code)
		}
		if got, ok := NormalizeProof(strings.ToLower(code)); !ok || got != code {
			t.Fatalf("NormalizeProof(%q) = %q, %v", code, got, ok)
		}
		r := Parse(p, "RALAT "+code+" "+tally58)
		if !r.Ralat || r.Proof != code || !r.Consistent() {
			t.Fatalf("RALAT %s: %s", code, describe(r))
		}
	})
	if got := NewProof(make([]byte, 7)); got != "" {
		t.Errorf("NewProof of seven bytes = %q, want none", got)
	}
	for _, s := range []string{"", "7F3K", "7F3K22", "ABCDE", "7F3KU", "7F-K2", "OOOOO", "7F3é"} {
		if got, ok := NormalizeProof(s); ok {
			t.Errorf("NormalizeProof(%q) = %q, want none", s, got)
		}
	}
	if r := Parse(p, "RALAT P0SK0 10013505 145"); r.Proof != "" || r.Ballot == nil || r.Ballot.Keyword != "PPWP" {
		t.Errorf("a keyword was read as proof: %s", describe(r))
	}
}

func TestProofsAreUniform(t *testing.T) {
	t.Parallel()
	first := map[byte]int{}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200_000 {
		first[NewProof(binary.BigEndian.AppendUint64(nil, rng.Uint64()))[0]]++
	}
	// A digit 2..9 in front leaves the rest free: 32^4 of 32^5-24^5 codes each.
	for _, c := range []byte(crockford) {
		want := 200_000 * (1 << 20) / 25_591_808
		if c < '2' || c > '9' {
			want = 200_000 * ((1 << 20) - 331_776) / 25_591_808
		}
		if got := first[c]; got < want*9/10 || got > want*11/10 {
			t.Errorf("first character %c: %d of 200000, want about %d", c, got, want)
		}
	}
}

// kindFault names what a report of its kind may not be.
func kindFault(r Report) string {
	switch r.Kind {
	case KindTally:
		if r.Ballot == nil || (r.Figures == nil && r.Problem == nil) {
			return "a tally without ballot, or without figures and problem"
		}
	case KindUnreadable:
		if r.Problem == nil {
			return "unreadable without problem"
		}
	case KindService, KindFollowUp, KindCourtesy:
		if r.Problem != nil || r.Figures != nil {
			return "figures or problem where none belong"
		}
	default:
		return "no kind"
	}
	return ""
}
