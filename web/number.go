package web

import (
	"fmt"
	"strconv"
)

// dots writes a number as Indonesians do: 12.345.
func dots(n int64) string {
	s := strconv.FormatInt(n, 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "." + s[i:]
	}
	return s
}

// nothing stands where a part of nothing would.
const nothing = "–"

// share is a part of a whole, rounded: 36,6 %.
func share(part, whole int) string {
	if whole <= 0 {
		return nothing
	}
	return percent((part*1000 + whole/2) / whole)
}

// coverage is share rounded down: it says 100 % only when nothing is missing.
func coverage(part, whole int) string {
	if whole <= 0 {
		return nothing
	}
	return percent(part * 1000 / whole)
}

// percent keeps number and sign in one line with a no-break space.
func percent(permille int) string {
	return fmt.Sprintf("%d,%d\u00a0%%", permille/10, permille%10)
}

// permille is the length of a bar.
func permille(part, whole int) int {
	if whole <= 0 {
		return 0
	}
	return min(part*1000/whole, 1000)
}
