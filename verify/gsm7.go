package verify

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// MaxSeptets is the length of one SMS in the GSM 7-bit alphabet.
const MaxSeptets = 160

// gsmBeyondASCII is the GSM 7-bit default alphabet beyond ASCII (3GPP TS 23.038
// §6.2.1).
const gsmBeyondASCII = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà"

// septetsOf is the room a character takes: two for those of the extension
// table, 0 when the alphabet lacks it.
func septetsOf(r rune) int {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == ' ', r == '\n', r == '\r':
		return 1
	case r >= 0x80:
		return septetsBeyond(r)
	}
	switch r {
	case '^', '{', '}', '\\', '[', '~', ']', '|', '\f':
		return 2
	case '`':
		return 0
	}
	if r < ' ' || r == 0x7f {
		return 0
	}
	return 1
}

func septetsBeyond(r rune) int {
	if r == '€' {
		return 2
	}
	if strings.ContainsRune(gsmBeyondASCII, r) {
		return 1
	}
	return 0
}

// Septets is the length of s as an SMS; ok is false when the alphabet lacks one
// of its characters.
func Septets(s string) (n int, ok bool) {
	for _, r := range s {
		c := septetsOf(r)
		if c == 0 {
			return n, false
		}
		n += c
	}
	return n, true
}

// appendName appends s, with what the alphabet lacks transliterated: the names
// of villages and words that officers typed come as they are.
func appendName(buf []byte, s string) []byte {
	for _, r := range s {
		if septetsOf(r) > 0 {
			buf = append(buf, string(r)...)
			continue
		}
		buf = appendLike(buf, r)
	}
	return buf
}

// appendLike appends what comes nearest to a character the alphabet lacks.
func appendLike(buf []byte, r rune) []byte {
	switch r {
	case '‘', '’', 'ʼ', '`', '´':
		return append(buf, '\'')
	case '“', '”', '„':
		return append(buf, '"')
	case '‐', '‑', '–', '—':
		return append(buf, '-')
	case '…':
		return append(buf, "..."...)
	}
	if unicode.IsSpace(r) {
		return append(buf, ' ')
	}
	found := false
	for _, base := range norm.NFKD.String(string(r)) {
		if septetsOf(base) == 1 {
			buf = append(buf, string(base)...)
			found = true
		}
	}
	if !found && !unicode.Is(unicode.M, r) && !unicode.Is(unicode.C, r) {
		buf = append(buf, '?')
	}
	return buf
}
