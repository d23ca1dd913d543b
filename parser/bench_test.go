package parser

import "testing"

// tally58 is the message of the budget: 58 characters, at most 4 allocations
// (figures, TPS code, K, A). A timed test would depend on the machine: the other
// half of the budget, 2 us, is for BenchmarkParse to show.
const tally58 = "PILBUP 10013505 145 98 67 310 12 322 322 330 322 2 6 71674"

func TestParseAllocations(t *testing.T) {
	p := testProfile(t)
	for _, tt := range []struct {
		name, sms string
		most      float64
	}{
		{"tally", tally58, 3},
		{"tally with A", tally58 + " 2P6302", 4},
		{"labelled", "PILBUP 10013505 145 98 67 S310 T12 J322 P322 D330 U322 R2 Z6 K71674", 4},
		{"full-width", "ＰＩＬＢＵＰ 10013505 145 98 67 310 12 322 322 330 322 2 6 71674", 4},
		{"answer", "2=98", 1},
		{"nonsense", "selamat sore pak, ini dari TPS 3", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := testing.AllocsPerRun(200, func() { Parse(p, tt.sms) }); got > tt.most {
				t.Errorf("Parse(%q) allocates %v times, want at most %v", tt.sms, got, tt.most)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	p := testProfile(b)
	for _, bb := range []struct{ name, sms string }{
		{"tally58", tally58},
		{"withA", tally58 + " 2P6302"},
		{"labelled", "PILBUP 10013505 145 98 67 S310 T12 J322 P322 D330 U322 R2 Z6 K71674"},
		{"tooFew", "PILBUP 10013505 145 67 310 12 322 322 330 322 2 6 71674"},
		{"answer", "2=98 K 71674"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Parse(p, bb.sms)
			}
		})
	}
}
