package verify

// oneSlip reports whether a person who means one number may have typed the other
// with a single slip: one digit other, added or omitted; two neighbours, or two
// digits around a third, exchanged; aa for bb; aca for bcb; x0 for 1x, which
// sound alike ("tiga puluh", "tiga belas"). Equal numbers are no slip.
func oneSlip(typed, meant string) bool {
	switch len(typed) - len(meant) {
	case 1:
		return oneMore(typed, meant)
	case -1:
		return oneMore(meant, typed)
	case 0:
		return typed != meant && slipInPlace(typed, meant)
	}
	return false
}

// oneMore reports whether long is short with one digit added.
func oneMore(long, short string) bool {
	i := 0
	for i < len(short) && long[i] == short[i] {
		i++
	}
	return long[i+1:] == short[i:]
}

// slipInPlace compares the shortest stretch that differs.
func slipInPlace(a, b string) bool {
	for len(a) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	switch len(a) {
	case 1:
		return true
	case 2:
		exchanged := a[0] == b[1] && a[1] == b[0]
		twin := a[0] == a[1] && b[0] == b[1]
		return exchanged || twin || soundsLike(a, b) || soundsLike(b, a)
	case 3:
		around := a[1] == b[1]
		return around && (a[0] == b[2] && a[2] == b[0] || a[0] == a[2] && b[0] == b[2])
	}
	return false
}

// soundsLike reports whether tens is x0 where teens is 1x.
func soundsLike(tens, teens string) bool {
	return tens[1] == '0' && teens[0] == '1' && tens[0] == teens[1]
}
