package sheet

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// readCSV feeds the records of a CSV to a table. A line that cannot be read is
// a problem of its own; reading goes on behind it.
func readCSV(content []byte, t *table) error {
	text, err := toUTF8(content)
	if err != nil {
		return err
	}
	body, skipped, comma := preamble(text)
	r := csv.NewReader(strings.NewReader(body))
	r.Comma = comma
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	total := int64(len(body))
	for n := 0; ; n++ {
		cells, err := r.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			t.opts.Progress(total, total)
			return nil
		case errors.As(err, &broken):
			if t.fields == nil {
				return fmt.Errorf("line %d: the header cannot be read: %w", broken.StartLine+skipped, broken.Err)
			}
			t.problem(broken.StartLine+skipped, "", "", quoteReason(broken))
			continue
		case err != nil:
			return fmt.Errorf("reading the table: %w", err)
		}
		line, _ := r.FieldPos(0)
		if err := t.record(line+skipped, cells); err != nil {
			return err
		}
		if n%progressEvery == 0 {
			t.opts.Progress(r.InputOffset(), total)
		}
	}
}

func quoteReason(broken *csv.ParseError) string {
	if broken.Line > broken.StartLine {
		return `a quote (") opens here and is never closed: nothing from here on was read`
	}
	return `a quote (") stands inside the text: double it, or remove it`
}

var bom = []byte("\xef\xbb\xbf")

// toUTF8 tells the three encodings of spreadsheets apart: UTF-8 and UTF-16 by
// their mark or validity, the rest is Windows-1252.
func toUTF8(content []byte) (string, error) {
	switch {
	case bytes.HasPrefix(content, []byte("\xff\xfe")), bytes.HasPrefix(content, []byte("\xfe\xff")):
		out, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(content)
		if err != nil {
			return "", fmt.Errorf("reading UTF-16: %w", err)
		}
		return string(out), nil
	case bytes.IndexByte(content, 0) >= 0:
		return "", errors.New("this is no text: give a CSV or XLSX file")
	case utf8.Valid(content):
		return string(bytes.TrimPrefix(content, bom)), nil
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(content)
	if err != nil {
		return "", fmt.Errorf("reading Windows-1252: %w", err)
	}
	return string(out), nil
}

// preamble cuts off comments and Excel's "sep=;" before the header, counts
// their lines and finds the separator.
func preamble(text string) (body string, skipped int, comma rune) {
	for {
		line, rest, more := strings.Cut(text, "\n")
		line = strings.TrimSpace(line)
		sep, told := strings.CutPrefix(line, "sep=")
		switch {
		case told && len(sep) == 1:
			return rest, skipped + 1, rune(sep[0])
		case more && (line == "" || strings.HasPrefix(line, "#")):
			text, skipped = rest, skipped+1
		case strings.HasPrefix(line, "#"):
			return "", skipped, ','
		default:
			return text, skipped, separator(line)
		}
	}
}

// separator is the candidate that stands most often outside quotes.
func separator(header string) rune {
	counts := map[rune]int{}
	quoted := false
	for _, r := range header {
		if r == '"' {
			quoted = !quoted
		}
		if !quoted {
			counts[r]++
		}
	}
	best := ','
	for _, r := range []rune{';', '\t'} {
		if counts[r] > counts[best] {
			best = r
		}
	}
	return best
}
