package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// maxParts bounds the files inside an XLSX; a table has a dozen.
const maxParts = 2000

// readXLSX feeds the rows of one sheet to a table.
func readXLSX(content []byte, t *table) error {
	if err := checkZip(content, t.opts.MaxUnzip); err != nil {
		return err
	}
	book, err := excelize.OpenReader(bytes.NewReader(content), excelize.Options{
		RawCellValue: true,
		// Equal limits keep a sheet in memory: spilled to a temporary file, a
		// damaged one would end early without an error.
		UnzipSizeLimit:    t.opts.MaxUnzip,
		UnzipXMLSizeLimit: t.opts.MaxUnzip,
	})
	if err != nil {
		return fmt.Errorf("not readable as XLSX, save it again from the spreadsheet or as CSV: %w", err)
	}
	err = readSheet(book, t)
	return errors.Join(err, book.Close())
}

// checkZip adds up what an archive really unpacks to: what its directory says
// may be a lie, and excelize reads parts that this table does not need.
func checkZip(content []byte, limit int64) error {
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return fmt.Errorf("damaged XLSX, copy or save it again: %w", err)
	}
	if len(z.File) > maxParts {
		return fmt.Errorf("an XLSX of %d parts: this is no table", len(z.File))
	}
	left := limit
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return fmt.Errorf("damaged XLSX, part %q: %w", shorten(f.Name), err)
		}
		n, err := io.Copy(io.Discard, io.LimitReader(r, left+1))
		r.Close()
		if err != nil {
			return fmt.Errorf("damaged XLSX, part %q: %w", shorten(f.Name), err)
		}
		if left -= n; left < 0 {
			return fmt.Errorf("the XLSX unpacks to more than %d MB: save only the table itself, or as CSV", limit>>20)
		}
	}
	return nil
}

func readSheet(book *excelize.File, t *table) error {
	names := book.GetSheetList()
	name := t.opts.Sheet
	if name == "" && len(names) > 0 {
		name = names[0]
	}
	if !slices.Contains(names, name) {
		return fmt.Errorf("no sheet %q: the file has %s", name, strings.Join(names, ", "))
	}
	total := lastRow(book, name)
	rows, err := book.Rows(name)
	if err != nil {
		return fmt.Errorf("reading sheet %q: %w", name, err)
	}
	defer rows.Close()
	line := int64(0)
	for rows.Next() {
		line++
		cells, err := rows.Columns()
		if err != nil {
			return fmt.Errorf("reading row %d of sheet %q: %w", line, name, err)
		}
		if t.fields == nil && len(cells) > 0 && strings.HasPrefix(strings.TrimSpace(cells[0]), "#") {
			continue
		}
		if err := t.record(int(line), cells); err != nil {
			return err
		}
		if line%progressEvery == 0 {
			t.opts.Progress(line, max(total, line))
		}
	}
	if err := rows.Error(); err != nil {
		return fmt.Errorf("reading sheet %q: %w", name, err)
	}
	t.opts.Progress(line, line)
	return nil
}

var lastCell = regexp.MustCompile(`[0-9]+$`)

// lastRow is the number of rows as the sheet itself tells; 0 when it does not.
func lastRow(book *excelize.File, name string) int64 {
	ref, err := book.GetSheetDimension(name)
	if err != nil {
		return 0 // only progress suffers
	}
	n, err := strconv.ParseInt(lastCell.FindString(ref), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
