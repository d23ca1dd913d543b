package web

import (
	"fmt"
	"strings"
	"unicode"
)

// longestShown is how much of one SMS the page shows: three concatenated ones.
const longestShown = 459

// visible is a stranger's text as the page may show it: short enough, in one
// line, and with every character that would reorder or hide its neighbours
// named instead of obeyed. The template escapes it.
func visible(text string) string {
	var out strings.Builder
	count := 0
	for _, r := range strings.ReplaceAll(text, "\r\n", "\n") {
		count++
		switch {
		case count > longestShown:
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			out.WriteString(" ↵ ")
		case hidden(r):
			fmt.Fprintf(&out, "[U+%04X]", r)
		default:
			out.WriteRune(r)
		}
	}
	if count > longestShown {
		fmt.Fprintf(&out, " … (dipotong di halaman ini, panjangnya %s huruf)", dots(int64(count)))
	}
	return out.String()
}

// hidden reports control and format characters. Joiners stay: emoji and several
// scripts are built with them.
func hidden(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != nonJoiner && r != joiner
}
