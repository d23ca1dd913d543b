package parser

import "fmt"

// TPSCode is the 8-digit code of a polling station: six digits that the
// registry issues and two ISO 7064 MOD 97-10 check digits, so that the whole
// number mod 97 is 1. What an officer typed may be of another length or fail
// the check: ask Valid.
type TPSCode string

// NewTPSCode appends the check digits to the six digits of the registry.
func NewTPSCode(six string) (TPSCode, error) {
	if len(six) != 6 || !allDigits(six) {
		return "", fmt.Errorf("TPS number %q: six digits are needed", six)
	}
	return TPSCode(fmt.Sprintf("%s%02d", six, 98-number(six)*100%97)), nil
}

// Valid reports whether c has eight digits and its check digits hold. Check
// digits outside 02..98 would satisfy the congruence too, but are never issued.
func (c TPSCode) Valid() bool {
	if len(c) != 8 || !allDigits(c) {
		return false
	}
	n := number(c)
	return n%97 == 1 && n%100 >= 2 && n%100 <= 98
}

// Grouped is the code as it is printed: "1001 3505". A code of another length
// than eight is left as it was typed.
func (c TPSCode) Grouped() string {
	if len(c) != 8 {
		return string(c)
	}
	return string(c[:4] + " " + c[4:])
}

func allDigits[S ~string](s S) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// number is the value of ASCII digits; the caller bounds their count.
func number[S ~string](s S) int {
	n := 0
	for i := 0; i < len(s); i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n
}
