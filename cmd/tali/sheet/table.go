package sheet

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// table takes records one by one: first the header, then rows.
type table struct {
	columns []Column
	index   map[string]int
	opts    Options

	fields  []int    // position in a record -> column, -1 for none; nil before the header
	headers []string // as the table has them
	unknown []string

	rows     []Row
	problems []Problem
	read     int // records below the header
}

func newTable(columns []Column, opts Options) *table {
	t := &table{columns: columns, index: map[string]int{}, opts: opts}
	for i, c := range columns {
		t.index[c.Name] = i
	}
	return t
}

// record takes one record. An error ends the reading.
func (t *table) record(line int, cells []string) error {
	if len(cells) > maxColumns {
		return fmt.Errorf("line %d has %d columns, at most %d can be read: save only the table itself", line, len(cells), maxColumns)
	}
	if blank(cells) {
		return nil
	}
	if t.fields == nil {
		return t.header(line, cells)
	}
	if t.read++; t.read > t.opts.MaxRows {
		return fmt.Errorf("more than %d rows: split the table", t.opts.MaxRows)
	}
	t.row(line, cells)
	return nil
}

// header finds out which column stands where.
func (t *table) header(line int, cells []string) error {
	fields := make([]int, len(cells))
	first := map[int]string{}
	for i, h := range cells {
		fields[i] = t.find(h)
		if fields[i] < 0 {
			if name := strings.TrimSpace(h); name != "" {
				t.unknown = append(t.unknown, shorten(name))
			}
			continue
		}
		if other, twice := first[fields[i]]; twice {
			return fmt.Errorf("line %d: the headers %q and %q mean the same column %s: keep one",
				line, other, shorten(h), t.columns[fields[i]].Name)
		}
		first[fields[i]] = shorten(h)
	}
	var missing []string
	for i, c := range t.columns {
		if _, there := first[i]; c.Required && !there {
			missing = append(missing, described(c))
		}
	}
	if len(missing) > 0 {
		found := make([]string, 0, len(cells))
		for _, h := range cells {
			found = append(found, fmt.Sprintf("%q", shorten(strings.TrimSpace(h))))
		}
		return fmt.Errorf("line %d: columns missing: %s; found: %s", line, strings.Join(missing, ", "), strings.Join(found, ", "))
	}
	t.fields, t.headers = fields, slices.Clone(cells)
	return nil
}

// described names a column with its other headers.
func described(c Column) string {
	if len(c.Aliases) == 0 {
		return c.Name
	}
	return c.Name + " (or " + strings.Join(c.Aliases, ", ") + ")"
}

func (t *table) find(header string) int {
	h := folded(header)
	for i, c := range t.columns {
		if h == folded(c.Name) || slices.ContainsFunc(c.Aliases, func(a string) bool { return h == folded(a) }) {
			return i
		}
	}
	return -1
}

// folded is a header in the form in which two are compared.
func folded(header string) string {
	words := strings.FieldsFunc(strings.ToLower(header), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	return strings.Join(words, " ")
}

// row checks one record and keeps it when every cell is right.
func (t *table) row(line int, cells []string) {
	before := len(t.problems)
	out := make([]string, len(t.columns))
	for i, cell := range cells {
		if i >= len(t.fields) {
			if strings.TrimSpace(cell) != "" {
				t.problem(line, "", cell, "stands behind the last header: a separator too many in this line?")
			}
			continue
		}
		if t.fields[i] < 0 {
			continue
		}
		c := t.columns[t.fields[i]]
		value, reason := t.cell(cell, c)
		if reason != "" {
			t.problem(line, t.headers[i], cell, reason)
		}
		out[t.fields[i]] = value
	}
	t.missing(line, cells)
	if len(t.problems) == before {
		t.rows = append(t.rows, Row{Line: line, cells: out, index: t.index})
	}
}

// missing reports required cells that are empty or beyond the end of the record.
func (t *table) missing(line int, cells []string) {
	for i, f := range t.fields {
		if f >= 0 && t.columns[f].Required && (i >= len(cells) || strings.TrimSpace(cells[i]) == "") {
			t.problem(line, t.headers[i], "", "is empty")
		}
	}
}

func (t *table) problem(line int, header, value, reason string) {
	t.problems = append(t.problems, Problem{
		Line: line, Column: strings.TrimSpace(header), Value: shorten(strings.TrimSpace(value)), Reason: reason,
	})
}

// blank reports whether a record holds nothing.
func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" })
}

// shorten keeps a value readable in one line of a report.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return s
}
