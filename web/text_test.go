package web

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestVisibleIsTame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		got := visible(text)
		if strings.ContainsFunc(got, hidden) {
			t.Fatalf("visible(%q) = %q has a hidden character", text, got)
		}
		if plain := !strings.ContainsFunc(text, hidden); plain && !strings.ContainsAny(text, "\u2028\u2029") && utf8.RuneCountInString(text) <= longestShown && got != text {
			t.Fatalf("visible(%q) = %q changes a plain text", text, got)
		}
	})
	if got := visible(strings.Repeat("\u202e", 100_000)); len(got) > 10*longestShown {
		t.Errorf("a long text has %d bytes on the page", len(got))
	}
}
