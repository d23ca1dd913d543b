package web

import (
	"strings"
	"unicode"

	"tali/parser"
)

// What a code is replaced by.
const concealed = "•••••"

// concealSMS hides what would let a reader of the page act for an officer: the
// proof code behind RALAT, and a TAN, which may still be unspent. K and a
// mistyped TPS code stay.
func concealSMS(text string) string {
	return conceal(text, func(before, word string) bool {
		return isProof(before, word) || isTAN(before, word)
	})
}

// concealReply hides proof codes: they are told to one phone only. A code of
// digits alone looks like a K, which is public but stands behind its letter.
func concealReply(text string) string {
	return conceal(text, func(before, word string) bool {
		_, ok := parser.NormalizeProof(word)
		return ok && before != "K"
	})
}

// conceal replaces the words of text that secret picks, given the word before.
func conceal(text string, secret func(before, word string) bool) string {
	var out strings.Builder
	before, rest := "", text
	for rest != "" {
		start := strings.IndexFunc(rest, isWord)
		if start < 0 {
			break
		}
		end := start + len(rest[start:])
		if i := strings.IndexFunc(rest[start:], isSeparator); i >= 0 {
			end = start + i
		}
		word := rest[start:end]
		out.WriteString(rest[:start])
		if secret(before, word) {
			out.WriteString(concealed)
		} else {
			out.WriteString(word)
		}
		before, rest = strings.ToUpper(word), rest[end:]
	}
	out.WriteString(rest)
	return out.String()
}

// isWord counts invisible characters in: the parser drops them from a code.
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Cf, r)
}

func isSeparator(r rune) bool { return !isWord(r) }

// isProof reports a proof code: what follows RALAT and is no keyword, and
// elsewhere five characters that cannot be a K.
func isProof(before, word string) bool {
	if before == "RALAT" && strings.ContainsFunc(word, unicode.IsDigit) {
		return true
	}
	_, ok := parser.NormalizeProof(word)
	return ok && before != "K" && strings.Trim(strings.ToUpper(word), "0123456789OIL") != ""
}

// isTAN reports eight digits that are no TPS code and do not stand where one
// is typed, behind a keyword.
func isTAN(before, word string) bool {
	digits := strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(word))
	if strings.HasPrefix(digits, "A") && len(digits) == 9 {
		digits, before = digits[1:], ""
	}
	if len(digits) != 8 || strings.Trim(digits, "0123456789") != "" || parser.TPSCode(digits).Valid() {
		return false
	}
	keyword := before != "" && before != "A" && !strings.ContainsFunc(before, unicode.IsDigit)
	return !keyword
}
