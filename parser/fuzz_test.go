package parser

import (
	"os"
	"path/filepath"
	"testing"
)

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.sms"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		sms, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(sms))
	}
	p := testProfile(f)
	f.Fuzz(func(t *testing.T, text string) {
		checkReport(t, p, text, Parse(p, text))
	})
}
