package sheet

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// book writes an XLSX, cells[i] into row i+1 of the sheet.
func book(t *testing.T, sheetName string, cells [][]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	if sheetName != "Sheet1" {
		if _, err := f.NewSheet(sheetName); err != nil {
			t.Fatal(err)
		}
	}
	for i, row := range cells {
		if row == nil {
			continue
		}
		if err := f.SetSheetRow(sheetName, fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadXLSX(t *testing.T) {
	t.Parallel()
	content := book(t, "Sheet1", [][]any{
		{"# Contoh"},
		nil,
		{"Kode TPS 13", "Nama", "No HP", "DPT"},
		{"7108012001001", "Bahía", "+6289900000001", 300},
		{int64(7108012001002), "=1+1", int64(6289900000002), 301.0},
		nil,
		{7.108012001003e12, "Budi", int64(89900000003), "302"},
		{"7.108E+12", "Cici", "x", 1.5},
	})
	// The extension does not matter: staff rename files.
	rows, problems, err := Read(file(t, "t.csv", content), columns, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `4 7108012001001|Bahía|+6289900000001|300
5 7108012001002|=1+1|+6289900000002|301
7 7108012001003|Budi|+6289900000003|302
line 8, Kode TPS 13 "7.108E+12": was rounded by the spreadsheet: format the column as text and enter the value again
line 8, No HP "x": is no phone number: write +62812... or 0812..., the column formatted as text
line 8, DPT "1.5": is no whole number: digits only, without dots or commas
`
	if got := told(rows, problems); got != want {
		t.Errorf("Read =\n%swant\n%s", got, want)
	}
}

func TestReadXLSXByName(t *testing.T) {
	t.Parallel()
	path := file(t, "t.xlsx", book(t, "Petugas", [][]any{{"station_code", "name"}, {"7108012001001", "A"}}))
	rows, _, err := Read(path, columns, Options{Sheet: "Petugas"})
	if err != nil || len(rows) != 1 {
		t.Errorf("Read(Petugas) = %v, %v, want one row", rows, err)
	}
	if _, _, err := Read(path, columns, Options{}); err == nil || !strings.Contains(err.Error(), "holds no table") {
		t.Errorf("Read(first sheet) = %v, want it empty", err)
	}
	if _, _, err := Read(path, columns, Options{Sheet: "Lain"}); err == nil || !strings.Contains(err.Error(), `no sheet "Lain": the file has Sheet1, Petugas`) {
		t.Errorf("Read(Lain) = %v, want the sheets named", err)
	}
}

func TestReadXLSXProgress(t *testing.T) {
	t.Parallel()
	cells := [][]any{{"station_code", "name"}}
	for i := range 3000 {
		cells = append(cells, []any{fmt.Sprintf("71080%08d", i), "A"})
	}
	var seen []int64
	rows, _, err := Read(file(t, "t.xlsx", book(t, "Sheet1", cells)), columns, Options{Progress: func(done, total int64) {
		if done > total {
			t.Errorf("progress %d of %d", done, total)
		}
		seen = append(seen, done)
	}})
	if err != nil || len(rows) != 3000 || len(seen) != 4 || !slices.IsSorted(seen) {
		t.Errorf("Read = %d rows, %v; progress %v", len(rows), err, seen)
	}
}

func TestReadXLSXBombs(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat(" ", 1<<20)
	bomb := func(parts int, name string, times int) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i := range parts {
			w, err := z.Create(fmt.Sprintf(name, i))
			if err != nil {
				t.Fatal(err)
			}
			for range times {
				if _, err := w.Write([]byte(zeros)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"one large part", bomb(1, "xl/worksheets/sheet%d.xml", 40), "unpacks to more than 32 MB"},
		{"many parts", bomb(20, "xl/x%d.xml", 2), "unpacks to more than 32 MB"},
		{"very many parts", bomb(maxParts+1, "x%d", 0), "this is no table"},
		{"no workbook", bomb(1, "x%d", 0), "XLSX"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := Read(file(t, "t.xlsx", c.content), columns, Options{MaxUnzip: 32 << 20})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Read = %v, want ...%s...", err, c.want)
			}
		})
	}
}

// A directory that lies about the size must not get past the limit.
func TestReadXLSXWithALyingSize(t *testing.T) {
	t.Parallel()
	content := book(t, "Sheet1", [][]any{{"station_code", "name"}, {"7108012001001", strings.Repeat("A", 900)}})
	at := bytes.Index(content, []byte("PK\x01\x02"))
	content[at+24], content[at+25], content[at+26], content[at+27] = 1, 0, 0, 0
	if _, _, err := Read(file(t, "t.xlsx", content), columns, Options{}); err == nil || !strings.Contains(err.Error(), "damaged XLSX") {
		t.Errorf("Read = %v, want it refused as damaged", err)
	}
}
