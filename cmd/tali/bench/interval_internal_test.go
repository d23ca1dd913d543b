package bench

import (
	"math"
	"testing"
)

// The bounds are held to what the binomial distribution itself says at them.
func TestBounds(t *testing.T) {
	t.Parallel()
	for _, s := range []share{{0, 100}, {1, 100}, {5, 10}, {10, 10}, {3, 1000}, {997, 1000}, {40, 2_000}} {
		low, high := s.bounds()
		if below := 1 - chanceUpTo(s.n-1, s.of, low); s.n > 0 && math.Abs(below-0.025) > 1e-4 {
			t.Errorf("%d of %d: at least as many at %g has chance %g, want 0.025", s.n, s.of, low, below)
		}
		if above := chanceUpTo(s.n, s.of, high); s.n < s.of && math.Abs(above-0.025) > 1e-4 {
			t.Errorf("%d of %d: at most as many at %g has chance %g, want 0.025", s.n, s.of, high, above)
		}
	}
	if low, high := (share{0, 1e8}).bounds(); low != 0 || math.Abs(high-3.689e-8) > 1e-10 {
		t.Errorf("0 of 1e8: %g to %g, want 0 to 3.689e-8", low, high)
	}
	if low, high := (share{44_000, 20_000_000}).bounds(); math.Abs(low-2.1795e-3) > 1e-6 || math.Abs(high-2.2206e-3) > 1e-6 {
		t.Errorf("44000 of 2e7: %g to %g, want about 2.2e-3 -+ 2.06e-5", low, high)
	}
	if low, high := (share{}).bounds(); low != 0 || high != 1 {
		t.Errorf("0 of 0: %g to %g, want 0 to 1", low, high)
	}
}

// chanceUpTo is the chance of at most k hits in n tries, summed up.
func chanceUpTo(k, n int, p float64) float64 {
	sum := 0.0
	for i := 0; i <= k; i++ {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(a - b - c + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}
