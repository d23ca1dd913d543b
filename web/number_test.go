package web

import "testing"

func TestNumbers(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1.000", 12345: "12.345", 823220: "823.220", 1234567: "1.234.567", -5: "-5", -123: "-123", -1234: "-1.234",
	} {
		if got := dots(n); got != want {
			t.Errorf("dots(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestPercentages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		part, whole     int
		share, coverage string
		permille        int
	}{
		{"nothing of nothing", 0, 0, "–", "–", 0},
		{"nothing yet", 0, 159, "0,0\u00a0%", "0,0\u00a0%", 0},
		{"one third", 1, 3, "33,3\u00a0%", "33,3\u00a0%", 333},
		{"two thirds", 2, 3, "66,7\u00a0%", "66,6\u00a0%", 666},
		{"one missing is not all", 9999, 10000, "100,0\u00a0%", "99,9\u00a0%", 999},
		{"all", 159, 159, "100,0\u00a0%", "100,0\u00a0%", 1000},
		{"a bar never leaves its frame", 3, 2, "150,0\u00a0%", "150,0\u00a0%", 1000},
	} {
		if got := share(c.part, c.whole); got != c.share {
			t.Errorf("%s: share = %q, want %q", c.name, got, c.share)
		}
		if got := coverage(c.part, c.whole); got != c.coverage {
			t.Errorf("%s: coverage = %q, want %q", c.name, got, c.coverage)
		}
		if got := permille(c.part, c.whole); got != c.permille {
			t.Errorf("%s: permille = %d, want %d", c.name, got, c.permille)
		}
	}
}
