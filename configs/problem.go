package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// Problem is one thing to mend in a configuration, told in one line.
type Problem struct {
	Where  string // file and line, or the environment variable; may be empty
	Key    string // dotted path, e.g. "gateway.modems[0].baud"
	Value  string // as given, secrets masked; empty when the value is not the point
	Remedy string // what is wrong and what to write instead
}

// String is the line that the operator reads.
func (p Problem) String() string {
	var b strings.Builder
	for _, part := range []string{p.Where, p.Key} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	if p.Value != "" {
		b.WriteString(strconv.Quote(p.Value) + ": ")
	}
	b.WriteString(strings.ReplaceAll(p.Remedy, "\n", " "))
	return b.String()
}

// Error is every problem of a configuration, one a line.
type Error struct{ Problems []Problem }

func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// didYouMean ends a remedy with the known name nearest to a wrong one, or with
// the names themselves when none is near and they are few. Names are dotted
// paths; those beside the wrong one come first.
func didYouMean(wrong string, known []string) string {
	wrong = strings.ToLower(wrong)
	section, leaf := splitKey(wrong)
	var beside, elsewhere []string
	for _, k := range known {
		s, l := splitKey(k)
		switch {
		case s == section:
			beside = append(beside, k)
		case l == leaf:
			elsewhere = append(elsewhere, k)
		}
	}
	near := nearest(leaf, beside, func(k string) string { _, l := splitKey(k); return l })
	if near == "" {
		near = strings.Join(elsewhere, " or ")
	}
	switch {
	case near != "":
		return fmt.Sprintf("did you mean %s?", near)
	case len(beside) > 0 && len(beside) <= 12:
		for i, k := range beside {
			_, beside[i] = splitKey(k)
		}
		return "known here: " + strings.Join(beside, ", ")
	}
	return "nothing known is like it"
}

func splitKey(key string) (section, leaf string) {
	i := strings.LastIndexByte(key, '.')
	return key[:max(i, 0)], key[i+1:]
}

// nearest finds the candidate whose part is at most a third of its letters
// away from a word.
func nearest(word string, candidates []string, part func(string) string) string {
	best, least := "", max(len(word)/3, 1)+1
	for _, c := range candidates {
		if d := editDistance(word, part(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// editDistance counts the substitutions, insertions, deletions and exchanges
// of neighbours between two words.
func editDistance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 0
			if a[i-1] != b[j-1] {
				cost = 1
			}
			d[i][j] = min(d[i-1][j-1]+cost, d[i-1][j]+1, d[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
