package web

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tali/db"
)

// TestEveryTextIsThere: a key that a template or the code names stands in the
// table, in both languages with the same arguments.
func TestEveryTextIsThere(t *testing.T) {
	t.Parallel()
	w := newWords(files)
	verbs := regexp.MustCompile(`%[sdq]`)
	for key, texts := range w.texts {
		id, en := verbs.FindAllString(texts[indonesian], -1), verbs.FindAllString(texts[english], -1)
		spoken := strings.HasPrefix(key, "script.") // what is said to an officer stands in Indonesian on every page
		if strings.Join(id, "") != strings.Join(en, "") && !spoken {
			t.Errorf("%s takes %v in Indonesian and %v in English", key, id, en)
		}
	}
	inTemplate := regexp.MustCompile(`\bt "([a-z_.]+[a-z_])"`)
	check := func(path string, content []byte, pattern *regexp.Regexp) {
		for _, m := range pattern.FindAllSubmatch(content, -1) {
			if !w.has(string(m[1])) {
				t.Errorf("%s: there is no text %q", path, m[1])
			}
		}
	}
	err := fs.WalkDir(files, "templates", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		check(path, content, inTemplate)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	inCode := regexp.MustCompile(`(?:\.say\(|s\.text\(r, |s\.refuse\(w, r, [^,]+, )"([a-z_.]+[a-z_])"[,)]`)
	for _, path := range sources {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		check(path, content, inCode)
	}
	for _, kind := range db.EventKinds() {
		if !w.has("event." + string(kind)) {
			t.Errorf("there is no text for the event %s", kind)
		}
	}
}
