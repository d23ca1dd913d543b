package bench

import (
	"fmt"
	"math"
)

// share is how often something happened.
type share struct{ n, of int }

func (s *share) count(hit bool) {
	s.of++
	if hit {
		s.n++
	}
}

func (s *share) add(other share) { s.n, s.of = s.n+other.n, s.of+other.of }

func (s share) value() float64 { return float64(s.n) / float64(max(s.of, 1)) }

// bounds is the exact 95 % interval of Clopper and Pearson.
func (s share) bounds() (low, high float64) {
	const tail = 0.025
	if s.of == 0 {
		return 0, 1
	}
	high = 1
	if s.n > 0 { // P(at least n) = tail
		low = solve(func(p float64) float64 { return betaBelow(p, float64(s.n), float64(s.of-s.n+1)) - tail })
	}
	if s.n < s.of { // P(at most n) = tail
		high = solve(func(p float64) float64 { return betaBelow(p, float64(s.n+1), float64(s.of-s.n)) - (1 - tail) })
	}
	return low, high
}

// percent is a share that should be large, rare one that should be small.
func (s share) percent() string {
	low, high := s.bounds()
	return fmt.Sprintf("%.3f %% of %d\t%.3f to %.3f %%", 100*s.value(), s.of, 100*low, 100*high)
}

func (s share) rare() string {
	low, high := s.bounds()
	return fmt.Sprintf("%d of %d = %.2g\t%.2g to %.2g", s.n, s.of, s.value(), low, high)
}

// solve finds where a rising function crosses zero between 0 and 1, to a
// millionth of the value.
func solve(f func(float64) float64) float64 {
	low, high := 0.0, 1.0
	for range 200 {
		middle := (low + high) / 2
		if f(middle) < 0 {
			low = middle
		} else {
			high = middle
		}
		if high-low <= 1e-7*high {
			break
		}
	}
	return (low + high) / 2
}

// betaBelow is the regularised incomplete beta function: the chance that a
// variable of the beta distribution (a, b) lies below x.
func betaBelow(x, a, b float64) float64 {
	if x <= 0 || x >= 1 {
		return min(max(x, 0), 1)
	}
	if x > (a+1)/(a+b+2) { // the fraction converges fast on the other side
		return 1 - betaBelow(1-x, b, a)
	}
	gamma := func(v float64) float64 { g, _ := math.Lgamma(v); return g }
	front := math.Exp(gamma(a+b) - gamma(a) - gamma(b) + a*math.Log(x) + b*math.Log1p(-x))
	return front * betaFraction(x, a, b) / a
}

// betaFraction evaluates the continued fraction of the incomplete beta function
// term by term, as Lentz does.
func betaFraction(x, a, b float64) float64 {
	const tiny, terms = 1e-300, 100_000
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/away(1-(a+b)*x/(a+1))
	value := d
	for i := 1; i < terms; i++ {
		m := float64(i)
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/away(1+even*d), away(1+even/c)
		value *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/away(1+odd*d), away(1+odd/c)
		value *= d * c
		if math.Abs(d*c-1) < 1e-13 {
			break
		}
	}
	return value
}
