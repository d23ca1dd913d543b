package web

import (
	"net/http"
	"strings"
)

// tongue is one language of the desk.
type tongue struct {
	words    *words
	language string
}

// tongue is the language of whoever asks.
func (s *site) tongue(r *http.Request) tongue { return tongue{s.words, s.language(r)} }

func (t tongue) say(key string, args ...any) string { return t.words.in(t.language, key, args...) }

// number is a count as it is written in this language: 12.345 or 12,345.
func (t tongue) number(n int) string { return t.marks(dots(int64(n))) }

// share and coverage are parts of a whole: 36,6 % or 36.6 %.
func (t tongue) share(part, whole int) string    { return t.marks(share(part, whole)) }
func (t tongue) coverage(part, whole int) string { return t.marks(coverage(part, whole)) }

// marks turns the Indonesian marks of a number into those of the language.
func (t tongue) marks(s string) string {
	if t.language != english {
		return s
	}
	return strings.NewReplacer(".", ",", ",", ".").Replace(s)
}
