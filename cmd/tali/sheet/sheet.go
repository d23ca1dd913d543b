// Package sheet reads the tables that staff hand to tali: CSV as it comes out
// of any spreadsheet, or XLSX.
//
// It owns what spreadsheets do to a table: separators, encodings, headers in two
// languages, codes turned into floating numbers, phones without their plus. It
// repairs only what has one reading; everything else is a Problem with its line,
// so that a caller can refuse the whole table and name every bad row. It knows
// nothing of stations or officers: the caller says which columns there are.
package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Kind says what a column holds and with it what may be repaired.
type Kind int

// The kinds of column.
const (
	Text   Kind = iota // kept as it stands, spaces around it dropped
	Digits             // a code: digits only, dots and spaces between them dropped
	Number             // a whole number from 0
	Phone              // becomes E.164
)

// Column is one field that a caller wants.
type Column struct {
	Name     string   // canonical name, also a header
	Aliases  []string // other headers, in any case; "_", "-" and spaces are the same
	Kind     Kind
	Length   int  // of a Digits column; 0 means any
	Required bool // the column must be there and every row must fill it
}

// Row is one line of the table without a problem.
type Row struct {
	Line  int // 1-based, of the file or sheet
	cells []string
	index map[string]int
}

// Get returns the cell of a column by its canonical name, "" when the table
// has no such column. A name that was not asked for is a programmer's mistake.
func (r Row) Get(name string) string {
	i, ok := r.index[name]
	if !ok {
		panic("sheet: no column " + name)
	}
	return r.cells[i]
}

// Problem is one cell that cannot be used, or with an empty Column one line.
type Problem struct {
	Line   int
	Column string // header as the table has it
	Value  string // shortened
	Reason string
}

func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d", p.Line)
	if p.Column != "" {
		fmt.Fprintf(&b, ", %s", p.Column)
	}
	if p.Value != "" {
		fmt.Fprintf(&b, " %q", p.Value)
	}
	return b.String() + ": " + p.Reason
}

// Options are limits and wishes; the zero value is right for most.
type Options struct {
	Sheet    string                  // name of the XLSX sheet; empty: the first
	MaxBytes int64                   // of the file; 0: 64 MB
	MaxUnzip int64                   // of an XLSX when unpacked; 0: 256 MB
	MaxRows  int                     // 0: 1,000,000
	MaxCell  int                     // bytes of one cell; 0: 1,000
	Progress func(done, total int64) // bytes of a CSV, rows of an XLSX; total 0 when unknown
	Ignored  func(headers []string)  // told the headers that no column knows
}

const (
	maxColumns    = 200
	progressEvery = 1000 // rows
)

func (o Options) withDefaults() Options {
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if o.MaxUnzip == 0 {
		o.MaxUnzip = 256 << 20
	}
	if o.MaxRows == 0 {
		o.MaxRows = 1_000_000
	}
	if o.MaxCell == 0 {
		o.MaxCell = 1000
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	if o.Ignored == nil {
		o.Ignored = func([]string) {}
	}
	return o
}

// Read reads a table. Rows holds the rows without a problem, problems all that
// was found in the others; an err means that the table as a whole cannot be
// read, for one reason that it tells.
func Read(path string, columns []Column, opts Options) (rows []Row, problems []Problem, err error) {
	content, err := readFile(path, opts.withDefaults().MaxBytes)
	if err != nil {
		return nil, nil, err
	}
	return Parse(path, content, columns, opts)
}

// Parse is Read for a table that is in memory already; name stands in errors.
func Parse(name string, content []byte, columns []Column, opts Options) (rows []Row, problems []Problem, err error) {
	opts = opts.withDefaults()
	t := newTable(columns, opts)
	switch {
	case len(bytes.TrimSpace(content)) == 0:
		err = errEmpty
	case bytes.HasPrefix(content, []byte("PK\x03\x04")):
		err = readXLSX(content, t)
	case bytes.HasPrefix(content, []byte("\xd0\xcf\x11\xe0")):
		err = errors.New("this is an Excel file of before 2007 or one with a password: save it as .xlsx without password, or as CSV")
	default:
		err = readCSV(content, t)
	}
	if err == nil && t.fields == nil {
		err = errEmpty
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(t.unknown) > 0 {
		opts.Ignored(t.unknown)
	}
	return t.rows, t.problems, nil
}

var errEmpty = errors.New("the file holds no table: a header row and at least one row below are needed")

// readFile reads at most limit bytes, of a file that may grow meanwhile too.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the table: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s: larger than %d MB: split it, or save only the table itself", path, limit>>20)
	}
	return content, nil
}
