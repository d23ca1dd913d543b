package sheet

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"tali/configs"
)

var columns = []Column{
	{Name: "station_code", Aliases: []string{"kode tps 13", "kode_wilayah"}, Kind: Digits, Length: 13, Required: true},
	{Name: "name", Aliases: []string{"nama", "nama petugas"}, Required: true},
	{Name: "phone", Aliases: []string{"no hp", "nomor hp", "telepon"}, Kind: Phone},
	{Name: "voters", Aliases: []string{"dpt", "jumlah pemilih"}, Kind: Number},
}

// file writes a file for one test.
func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// told renders what was read, a line each: rows, then problems.
func told(rows []Row, problems []Problem) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%d %s|%s|%s|%s\n", r.Line, r.Get("station_code"), r.Get("name"), r.Get("phone"), r.Get("voters"))
	}
	for _, p := range problems {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

const (
	plainCSV  = "kode_wilayah,Nama Petugas,No. HP,DPT\n7108012001001,Bahía,+6289900000001,300\n7108012001002,Budi,089900000002,\n"
	plainRows = "2 7108012001001|Bahía|+6289900000001|300\n3 7108012001002|Budi|+6289900000002|\n"
)

func TestReadEncodingsAndSeparators(t *testing.T) {
	t.Parallel()
	latin, err := charmap.Windows1252.NewEncoder().Bytes([]byte(plainCSV))
	if err != nil {
		t.Fatal(err)
	}
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(strings.ReplaceAll(plainCSV, ",", "\t")))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"utf-8", []byte(plainCSV), plainRows},
		{"bom", []byte("\xef\xbb\xbf" + plainCSV), plainRows},
		{"windows-1252", latin, plainRows},
		{"utf-16 with tabs", wide, plainRows},
		{"semicolons", []byte(strings.ReplaceAll(plainCSV, ",", ";")), plainRows},
		{"crlf", []byte(strings.ReplaceAll(plainCSV, "\n", "\r\n")), plainRows},
		{"quotes", []byte(strings.ReplaceAll(plainCSV, "Budi", `"Budi"`)), plainRows},
		{"no last newline", []byte(strings.TrimSpace(plainCSV)), plainRows},
		{"sep line", []byte("sep=|\n" + strings.ReplaceAll(plainCSV, ",", "|")), moved(plainRows, 1)},
		{"comments and blank lines", []byte("# a; b; c\n\n# two\n" + plainCSV), moved(plainRows, 3)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rows, problems, err := Read(file(t, "t.csv", c.content), columns, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := told(rows, problems); got != c.want {
				t.Errorf("Read =\n%swant\n%s", got, c.want)
			}
		})
	}
}

// moved raises the line numbers 2 and 3 of the plain rows.
func moved(rows string, by int) string {
	return strings.NewReplacer("2 7", fmt.Sprintf("%d 7", 2+by), "3 7", fmt.Sprintf("%d 7", 3+by)).Replace(rows)
}

func TestReadNamesEveryProblem(t *testing.T) {
	t.Parallel()
	csv := "station_code,name,phone,voters,catatan\n" +
		"7108012001001,=HYPERLINK(\"\"x\"\"),+6289900000001,300,x\n" +
		"7.108E+12,Budi,abc,1.000,\n" +
		"710801200100,,12,-5,\n" +
		",,,,\n" +
		"7108012001004,\"A \"\"B\"\" C\",6289900000004,10.0,\n" +
		"7108012001005,a\u202eb,+6289900000005,3,\n" +
		"7108012001006,#REF!,+6289900000006,3,,,zuviel\n" +
		"7108012001007,'; DROP TABLE officer; --,89900000007,3\n" +
		"7108012001008\n" +
		"#108012001009,Cici,,4,\n" +
		"7108012001010,\"zwei\nZeilen\",,4,\n" +
		"7108012001011,Di\"di,,4,\n" +
		"7108012001012,Dodo,,4,\n"
	var ignored []string
	rows, problems, err := Read(file(t, "t.csv", []byte(csv)), columns, Options{Ignored: func(h []string) { ignored = h }})
	if err != nil {
		t.Fatal(err)
	}
	want := `6 7108012001004|A "B" C|+6289900000004|10
9 7108012001007|'; DROP TABLE officer; --|+6289900000007|3
15 7108012001012|Dodo||4
line 2: a quote (") stands inside the text: double it, or remove it
line 3, station_code "7.108E+12": was rounded by the spreadsheet: format the column as text and enter the value again
line 3, phone "abc": is no phone number: write +62812... or 0812..., the column formatted as text
line 3, voters "1.000": is no whole number: digits only, without dots or commas
line 4, station_code "710801200100": has 12 digits, not 13: a part or leading zeros were lost, format the column as text
line 4, phone "12": is no phone number: write +62812... or 0812..., the column formatted as text
line 4, voters "-5": is no whole number: digits only, without dots or commas
line 4, name: is empty
line 7, name "a\u202eb": holds a line break or an invisible character: type it again
line 8, name "#REF!": is an error of the spreadsheet: mend the formula or write the value
line 8 "zuviel": stands behind the last header: a separator too many in this line?
line 10, name: is empty
line 11, station_code "#108012001009": is no code: digits only
line 12, name "zwei\nZeilen": holds a line break or an invisible character: type it again
line 14: a quote (") stands inside the text: double it, or remove it
`
	if got := told(rows, problems); got != want {
		t.Errorf("Read =\n%swant\n%s", got, want)
	}
	if !slices.Equal(ignored, []string{"catatan"}) {
		t.Errorf("ignored = %q, want catatan", ignored)
	}
}

// A formula in a name is a name: it is neither run nor changed.
func TestReadKeepsInjectionAsText(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "<script>alert(1)</script>", "'); DELETE FROM x; --", "{{.Secret}}", "%s%n",
	} {
		quoted := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		path := file(t, "t.csv", []byte("station_code;name\n7108012001001;"+quoted+"\n"))
		rows, problems, err := Read(path, columns, Options{})
		if err != nil || len(problems) > 0 || rows[0].Get("name") != name {
			t.Errorf("Read with name %q = %v, %v, %v, want it as it stands", name, rows, problems, err)
		}
	}
}

func TestReadRefusesTables(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, content, want string }{
		{"empty", "", "holds no table"},
		{"blank", " \n\n", "holds no table"},
		{"only comments", "# a\n# b", "holds no table"},
		{"wrong columns", "kolom,lain\n1,2\n", `line 1: columns missing: station_code (or kode tps 13, kode_wilayah), name (or nama, nama petugas); found: "kolom", "lain"`},
		{"duplicate header", "# x\nstation_code,name,Nama\n1,2,3\n", `line 2: the headers "name" and "Nama" mean the same column name: keep one`},
		{"header with open quote", "station_code,\"name\n1,2\n", "the header cannot be read"},
		{"old excel", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "before 2007 or one with a password"},
		{"binary", "\x7fELF\x00\x01", "no text"},
		{"broken zip", "PK\x03\x04 and nothing", "damaged XLSX"},
		{"too many columns", "station_code,name" + strings.Repeat(",x", 300) + "\n", "302 columns, at most 200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := file(t, "t.csv", []byte(c.content))
			rows, problems, err := Read(path, columns, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
				t.Errorf("Read = %v, %v, %v, want the path and ...%s...", rows, problems, err, c.want)
			}
		})
	}
	if _, _, err := Read(filepath.Join(t.TempDir(), "none.csv"), columns, Options{}); !os.IsNotExist(unwrapped(err)) {
		t.Errorf("Read(missing) = %v, want not exist", err)
	}
}

func unwrapped(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || os.IsNotExist(err) {
			return err
		}
		err = inner.Unwrap()
	}
}

func TestReadReportsAnOpenQuoteWhereItOpens(t *testing.T) {
	t.Parallel()
	path := file(t, "t.csv", []byte("station_code,name\n7108012001001,A\n7108012001002,\"B\n7108012001003,C\n"))
	rows, problems, err := Read(path, columns, Options{})
	if err != nil || len(rows) != 1 || len(problems) != 1 || problems[0].Line != 3 || !strings.Contains(problems[0].Reason, "never closed") {
		t.Errorf("Read = %v, %v, %v, want the problem at line 3", rows, problems, err)
	}
}

func TestReadLimits(t *testing.T) {
	t.Parallel()
	path := file(t, "t.csv", []byte(plainCSV))
	for _, c := range []struct {
		name string
		opts Options
		want string
	}{
		{"bytes", Options{MaxBytes: 20}, "larger than"},
		{"rows", Options{MaxRows: 1}, "more than 1 rows"},
	} {
		if _, _, err := Read(path, columns, c.opts); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Read = %v, want ...%s...", c.name, err, c.want)
		}
	}
	if _, problems, _ := Read(path, columns, Options{MaxCell: 5}); len(problems) == 0 {
		t.Error("cell: no problem, want one for each long cell")
	}
}

func TestReadFiveMegabytes(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString("station_code,name,phone,voters\n")
	n := 0
	for ; b.Len() < 5<<20; n++ {
		fmt.Fprintf(&b, "71080%08d,Petugas Contoh %d,+62899%08d,%d\n", n, n, n, n%600)
	}
	var last, total int64
	calls := 0
	rows, problems, err := Read(file(t, "t.csv", b.Bytes()), columns, Options{Progress: func(d, of int64) {
		if d < last || d > of {
			t.Errorf("progress %d of %d after %d", d, of, last)
		}
		last, total = d, of
		calls++
	}})
	if err != nil || len(problems) > 0 || len(rows) != n {
		t.Fatalf("Read = %d rows, %d problems, %v, want %d rows", len(rows), len(problems), err, n)
	}
	if calls < n/progressEvery || last != total || total != int64(b.Len()) {
		t.Errorf("progress: %d calls, last %d of %d, want the end", calls, last, total)
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	tab := newTable(nil, Options{}.withDefaults())
	for _, c := range []struct {
		kind   Kind
		length int
		in     string
		want   string // empty: refused
	}{
		{Digits, 13, "7108012001003", "7108012001003"},
		{Digits, 13, "7.108012001003E+12", "7108012001003"},
		{Digits, 13, "7,108012001003e12", "7108012001003"},
		{Digits, 13, "7108012001003.0", "7108012001003"},
		{Digits, 13, "'7108012001003", "7108012001003"},
		{Digits, 10, "71.08.01.2001", "7108012001"},
		{Digits, 13, "7.10801200101E+12", ""},
		{Digits, 13, "7.10801E+12", ""},
		{Digits, 13, "71080120010035", ""},
		{Digits, 0, "1.2345678901234567E+16", ""},
		{Digits, 4, "71o8", ""},
		{Digits, 3, "٠٠٣", ""},
		{Number, 0, "007", "7"},
		{Number, 0, "300,0", "300"},
		{Number, 0, "1,234", ""},
		{Number, 0, "99999999999999999999", ""},
		{Number, 0, "3e2", ""},
		{Phone, 0, "+62 899-0000-0001", "+6289900000001"},
		{Phone, 0, "0899 0000 0001", "+6289900000001"},
		{Phone, 0, "'089900000001", "+6289900000001"},
		{Phone, 0, "6289900000001", "+6289900000001"},
		{Phone, 0, "89900000001", "+6289900000001"},
		{Phone, 0, "6.289900000001E+12", "+6289900000001"},
		{Phone, 0, "6.2899E+12", ""},
		{Phone, 0, "006589900000", "+6589900000"},
		{Phone, 0, "3636", ""},
		{Phone, 0, "1234567890", ""},
		{Phone, 0, "+6289900000001 / 0812", ""},
		{Phone, 0, "TELKOMSEL", ""},
		{Text, 0, "\u00a0 Voa'a \t", "Voa'a"},
	} {
		got, reason := tab.cell(c.in, Column{Kind: c.kind, Length: c.length})
		if got != c.want || (reason == "") != (c.want != "") {
			t.Errorf("cell(%q) = %q, %q, want %q", c.in, got, reason, c.want)
		}
	}
}

// The registry of the demo is a table like any other.
func TestReadDemoRegistry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		content []byte
		columns []Column
		rows    int
	}{
		{"stations", configs.DemoStations(), []Column{
			{Name: "station_code", Kind: Digits, Length: 13, Required: true},
			{Name: "tps_code", Kind: Digits, Length: 8, Required: true},
			{Name: "village_code", Kind: Digits, Length: 10, Required: true},
			{Name: "village", Required: true}, {Name: "district", Required: true},
			{Name: "number", Kind: Number, Required: true}, {Name: "voters_l", Kind: Number, Required: true},
			{Name: "voters_p", Kind: Number, Required: true}, {Name: "voters", Kind: Number, Required: true},
		}, 159},
		{"officers", configs.DemoOfficers(), []Column{
			{Name: "name", Required: true}, {Name: "phone", Kind: Phone, Required: true},
			{Name: "station_code", Kind: Digits, Length: 13, Required: true},
		}, 171},
	} {
		rows, problems, err := Read(file(t, c.name+".csv", c.content), c.columns, Options{
			Ignored: func(headers []string) { t.Errorf("%s: columns %q are read by nobody", c.name, headers) },
		})
		if err != nil || len(problems) > 0 || len(rows) != c.rows {
			t.Errorf("Read(%s) = %d rows, %v, %v, want %d rows", c.name, len(rows), problems, err, c.rows)
		}
	}
}

func TestGetOfAnUnknownColumnPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("Get of a column that was not asked for did not panic")
		}
	}()
	Row{index: map[string]int{}}.Get("x")
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte(plainCSV))
	f.Add([]byte("\xff\xfea\x00"))
	f.Add([]byte("sep=;\n\"a"))
	f.Fuzz(func(t *testing.T, content []byte) {
		tab := newTable(columns, Options{}.withDefaults())
		if err := readCSV(content, tab); err != nil {
			return
		}
		for _, r := range tab.rows {
			if len(r.Get("station_code")) != 13 || r.Get("name") == "" {
				t.Errorf("row %v of %q breaks the rules of its columns", r, content)
			}
		}
	})
}
