package parser

import "strings"

// PhoneKind says what a sender is.
type PhoneKind string

// The kinds of sender. Only a number is ever answered.
const (
	PhoneNumber       PhoneKind = "number"
	PhoneShortCode    PhoneKind = "short_code"   // fewer than 8 digits
	PhoneAlphanumeric PhoneKind = "alphanumeric" // a name, or anything else that is no number
)

// shortest is the number of digits from which a sender is a number.
const shortest = 8

// ParsePhone reads a sender as it came over the air or as staff typed it. A
// number comes back in E.164: 00x and bare international forms become +x, 0x
// becomes +62x. A short code comes back as bare digits, everything else as it
// was. Reading its own result changes nothing.
func ParsePhone(s string) (e164 string, kind PhoneKind) {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case !strings.ContainsRune("+-()./ \t\u00a0", r):
			return s, PhoneAlphanumeric
		}
	}
	digits := b.String()
	if digits == "" {
		return s, PhoneAlphanumeric
	}
	bare := strings.TrimLeft(digits, "0")
	if len(digits)-len(bare) == 1 {
		bare = "62" + bare
	}
	if len(digits) < shortest || len(bare) < shortest {
		return digits, PhoneShortCode
	}
	return "+" + bare, PhoneNumber
}
