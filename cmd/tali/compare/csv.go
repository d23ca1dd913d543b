package compare

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// csv reads a table with a header. suara_paslon is a list with blanks, as in an
// export of ours, or a column for each row: paslon_1, paslon_2 ...
func (r *reader) csv(in *bufio.Reader) error {
	c := csv.NewReader(in)
	c.FieldsPerRecord, c.ReuseRecord = -1, true
	c.Comma = separator(in)
	head, err := c.Read()
	if err != nil {
		return fmt.Errorf("line 1: the header cannot be read: %w", err)
	}
	head = slices.Clone(head)
	for i, name := range head {
		head[i] = strings.ToLower(strings.TrimSpace(name))
	}
	if !slices.Contains(head, "kode_tps") {
		return errors.New("line 1: no column kode_tps; it is neither JSON nor a CSV with a header")
	}
	for {
		cells, err := c.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &broken):
			r.bad(broken.StartLine, "a quote is open or stands inside the text")
			continue
		case err != nil:
			return err
		}
		line, _ := c.FieldPos(0)
		row, err := cellsOf(head, cells)
		if row.Line = line; err != nil {
			r.bad(line, err.Error())
			continue
		}
		r.add(row)
	}
}

// separator is the one that the header uses.
func separator(in *bufio.Reader) rune {
	head, _ := in.Peek(4096) // a short file is shorter
	line, _, _ := strings.Cut(string(head), "\n")
	if strings.Count(line, ";") > strings.Count(line, ",") {
		return ';'
	}
	return ','
}

// cellsOf reads a line. An empty cell is a figure that is not there.
func cellsOf(head, cells []string) (Row, error) {
	row := Row{Fields: make(map[string]int)}
	if len(cells) > len(head) {
		return row, fmt.Errorf("%d cells below %d headers", len(cells), len(head))
	}
	columns := make(map[int]int)
	for i, cell := range cells {
		if cell = strings.TrimSpace(cell); cell == "" {
			continue
		}
		if err := row.cell(head[i], cell, columns); err != nil {
			return row, fmt.Errorf("%s: %w", head[i], err)
		}
	}
	for i := range len(columns) {
		n, ok := columns[i+1]
		if !ok {
			return row, fmt.Errorf("paslon_%d is empty", i+1)
		}
		row.Votes = append(row.Votes, n)
	}
	return row, nil
}

func (row *Row) cell(name, cell string, columns map[int]int) (err error) {
	switch n, numbered := strings.CutPrefix(name, "paslon_"); {
	case name == "kode_tps":
		row.Station = cell
	case name == "jenis":
		row.Contest = cell
	case name == "putaran":
		row.Round, err = figure(cell)
	case name == "suara_paslon":
		for _, text := range strings.Fields(cell) {
			votes, wrong := figure(text)
			if wrong != nil {
				return wrong
			}
			row.Votes = append(row.Votes, votes)
		}
	case numbered:
		i, wrong := strconv.Atoi(n)
		if wrong != nil || i < 1 || i > 99 {
			return errors.New("is no row of the form")
		}
		columns[i], err = figure(cell)
	case slices.Contains(Fields(), name):
		row.Fields[name], err = figure(cell)
	}
	return err
}
