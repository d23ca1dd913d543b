package web

import (
	"fmt"
	"io/fs"

	"go.yaml.in/yaml/v3"
)

// The languages of the desk.
const (
	indonesian = "id"
	english    = "en"
)

func languages() []string { return []string{indonesian, english} }

// words are all texts of the pages: by key, in each language. The files under
// texts are one table; each key stands in one of them.
type words struct {
	texts map[string]map[string]string // key, language
}

// newWords reads the table. It is part of the program: a mistake in it is ours.
func newWords(files fs.FS) *words {
	w := &words{texts: make(map[string]map[string]string)}
	names, err := fs.Glob(files, "texts/*.yaml")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		if err := w.read(files, name); err != nil {
			panic(fmt.Errorf("%s: %w", name, err))
		}
	}
	return w
}

func (w *words) read(files fs.FS, name string) error {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	var table map[string]map[string]string
	if err := yaml.Unmarshal(content, &table); err != nil {
		return err
	}
	for key, texts := range table {
		if w.texts[key] != nil {
			return fmt.Errorf("%s stands in another file already", key)
		}
		for _, language := range languages() {
			if texts[language] == "" {
				return fmt.Errorf("%s has no text in %s", key, language)
			}
		}
		w.texts[key] = texts
	}
	return nil
}

// in is the text of a key, with its arguments put in. An unknown key shows
// itself: half a page is more use than none.
func (w *words) in(language, key string, args ...any) string {
	text := w.texts[key][language]
	switch {
	case text == "":
		return key
	case len(args) == 0:
		return text
	}
	return fmt.Sprintf(text, args...)
}

// has reports whether there is a text for a key.
func (w *words) has(key string) bool { return w.texts[key] != nil }
