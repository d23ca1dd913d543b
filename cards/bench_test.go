package cards

import (
	"io"
	"testing"
)

func BenchmarkPDF(b *testing.B) {
	c := card(shipped(b, "pilkada-2024-bolmut"), secret())
	for b.Loop() {
		if err := PDF(io.Discard, c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	c := card(shipped(b, "pilkada-2024-bolmut"), secret())
	for b.Loop() {
		if err := Page(io.Discard, c); err != nil {
			b.Fatal(err)
		}
	}
}
