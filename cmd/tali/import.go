package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tali/cmd/tali/sheet"
	"tali/configs"
	"tali/db"
	"tali/parser"
)

func newImport() *cobra.Command {
	return groupOf(
		&cobra.Command{
			Use:   "import",
			Short: "Read stations or officers from CSV or XLSX",
			Long: `import reads a table into the registry: all of it or, when any row is wrong,
nothing; bad rows are named with line, column and reason. Reading the same table
again changes nothing, so mend the table and import it again.

The table is CSV or the first sheet of an XLSX. Its header row may be Indonesian
or English, in any order; columns that tali does not know are named and left
out. Stations come first, officers after them. Nothing is ever deleted.`,
			Example: `  tali import stations tps.csv
  tali import officers petugas.xlsx`,
		},
		newImportTable(importKind{
			name: "stations", short: "Read the polling stations (TPS) of the election",
			long: `stations reads polling stations. A station is known by its 13 digits: the village
(10) and the number of the TPS in it (3). Each gets an 8-digit TPS code for its
card at the first import; it never changes afterwards. A table may bring codes
of cards that are printed already, in the column tps_code.

  kode,dpt_l,dpt_p
  7108052002003,176,165

A village that tali does not know yet needs village, district, regency and
province in its row.`,
			columns: stationColumns(), store: importStations,
		}),
		newImportTable(importKind{
			name: "officers", short: "Read officers (KPPS), their phones and stations",
			long: `officers reads who may report for which station, one row for each phone and
station. The station is its 13 digits or the 8 digits of its card. A phone may
be written 0812..., 62812... or +62812... A row with the name and station of an
officer who is known and another phone asks for that phone: a supervisor or an
admin agrees to it on the desk's registry page, and two hours later it counts.

  nama,telepon,kode
  Petugas Contoh 108,+6289900000108,7108052002003`,
			columns: officerColumns(), store: importOfficers,
		}),
	)
}

// importKind is a sort of table.
type importKind struct {
	name, short, long string
	columns           []sheet.Column
	store             importTable
}

// importTable stores rows that the sheet itself has no problem with.
type importTable func(ctx context.Context, to importTarget, rows []sheet.Row) (db.Imported, error)

// importTarget is where rows go.
type importTarget struct {
	desk     *db.DB
	profile  *parser.Profile
	progress db.Progress
}

func newImportTable(k importKind) *cobra.Command {
	var config string
	c := &cobra.Command{
		Use:     k.name + " FILE",
		Short:   k.short,
		Long:    k.long + "\n\nColumns, each under any of these headers:\n" + describe(k.columns),
		Example: "  tali import " + k.name + " table.csv --config /etc/tali/tali.yaml",
		Args:    oneArg("one FILE, CSV or XLSX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, profile, err := loadConfig(config)
			if err != nil {
				return err
			}
			return k.read(cmd, args[0], cfg, profile)
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file, for its election and database")
	return c
}

// read takes a table in, and tells what became of it.
func (k importKind) read(cmd *cobra.Command, path string, cfg configs.Config, p *parser.Profile) error {
	out := cmd.OutOrStdout()
	rows, err := readTable(out, path, k.columns)
	if err != nil {
		return fmt.Errorf("%w; nothing was imported", err)
	}
	n, err := storeTable(cmd.Context(), cfg, p, rows, k.store)
	var bad *db.RowErrors
	switch {
	case errors.As(err, &bad):
		slices.SortStableFunc(bad.Rows, func(a, b db.RowError) int { return a.Line - b.Line })
		for _, r := range bad.Rows {
			fmt.Fprintf(out, "line %d, %s: %s\n", r.Line, r.Column, r.Reason)
		}
		return fmt.Errorf("%s: %s; nothing was imported", path, counted(len(bad.Rows), "problem"))
	case errors.Is(err, db.ErrNotOpened):
		return fmt.Errorf("%w: run tali migrate with this configuration first", err)
	case err != nil && cmd.Context().Err() != nil && !errors.Is(err, db.ErrUnknownOutcome):
		return errors.New("stopped; nothing was imported")
	case err != nil:
		return err
	}
	if n.Asked > 0 {
		fmt.Fprintf(out, "%s asked for, not in force: two people, supervisors or admins, agree on the desk's registry page, and two hours later the new phone counts\n",
			counted(n.Asked, "phone change"))
	}
	fmt.Fprintf(out, "%s: %d new, %d changed, %d unchanged\n", k.name, n.New, n.Changed, n.Same)
	return nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// readTable reads the file and prints every bad row.
func readTable(out io.Writer, path string, columns []sheet.Column) ([]sheet.Row, error) {
	bar := newBar("reading")
	rows, problems, err := sheet.Read(path, columns, sheet.Options{
		Progress: func(done, total int64) { bar.set(int(done), int(total)) },
		Ignored:  func(headers []string) { fmt.Fprintf(out, "columns not used: %q\n", headers) },
	})
	bar.done()
	if err != nil {
		return nil, err
	}
	for _, p := range problems {
		fmt.Fprintln(out, p)
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%s: %s", path, counted(len(problems), "problem"))
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: no row below the header", path)
	}
	return rows, nil
}

func storeTable(ctx context.Context, cfg configs.Config, p *parser.Profile, rows []sheet.Row, store importTable) (n db.Imported, err error) {
	if err := refuseDemo(cfg.DataDir); err != nil {
		return n, err
	}
	centre, err := openCentre(ctx, cfg, p, slog.New(slog.DiscardHandler))
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, centre.Close()) }()
	bar := newBar("storing")
	defer bar.done()
	return store(ctx, importTarget{desk: centre.desk, profile: p, progress: bar.set}, rows)
}

func stationColumns() []sheet.Column {
	return []sheet.Column{
		{Name: "station_code", Aliases: []string{"code", "kode", "kode_tps_13", "kode_wilayah_tps"}, Kind: sheet.Digits, Length: 13, Required: true},
		{Name: "tps_code", Aliases: []string{"kode_tps"}, Kind: sheet.Digits, Length: 8},
		{Name: "village", Aliases: []string{"desa", "kelurahan", "desa_kelurahan", "nama_desa"}},
		{Name: "district", Aliases: []string{"kecamatan", "nama_kecamatan"}},
		{Name: "regency", Aliases: []string{"kabupaten", "kota", "kabupaten_kota"}},
		{Name: "province", Aliases: []string{"provinsi"}},
		{Name: "voters_l", Aliases: []string{"dpt_l", "pemilih_l", "laki_laki"}, Kind: sheet.Number},
		{Name: "voters_p", Aliases: []string{"dpt_p", "pemilih_p", "perempuan"}, Kind: sheet.Number},
		{Name: "latitude", Aliases: []string{"lintang"}},
		{Name: "longitude", Aliases: []string{"bujur"}},
		{Name: "coverage", Aliases: []string{"sinyal", "jangkauan"}},
	}
}

func importStations(ctx context.Context, to importTarget, rows []sheet.Row) (db.Imported, error) {
	table, err := stationRows(rows)
	if err != nil {
		return db.Imported{}, err
	}
	if err := checkStations(to.profile, table); err != nil {
		return db.Imported{}, fmt.Errorf("%w; nothing was imported", err)
	}
	if _, err := to.desk.ImportAreas(ctx, table.Areas); err != nil {
		return db.Imported{}, err
	}
	return to.desk.ImportStations(ctx, to.profile, table.Stations, to.progress)
}

// stationRows reads rows whose cells are right each by itself.
func stationRows(rows []sheet.Row) (db.StationTable, error) {
	var bad db.RowErrors
	areas := knownAreas()
	stations := make([]db.StationRow, 0, len(rows))
	for _, r := range rows {
		s := db.StationRow{
			Line: r.Line, Code: r.Get("station_code"), TPS: parser.TPSCode(r.Get("tps_code")), Coverage: r.Get("coverage"),
			VotersL: number(r.Get("voters_l")), VotersP: number(r.Get("voters_p")),
		}
		if at, problem := place(r); problem != nil {
			bad.Rows = append(bad.Rows, *problem)
		} else {
			s.Latitude, s.Longitude = at.latitude, at.longitude
		}
		areas.add(r)
		stations = append(stations, s)
	}
	if len(bad.Rows) > 0 {
		return db.StationTable{}, &bad
	}
	return db.StationTable{Areas: areas.rows, Stations: stations}, nil
}

// areaRows are the villages that a table of stations speaks of, beside those
// that are shipped with tali.
type areaRows struct {
	rows []db.AreaRow
	seen map[string]bool
}

func knownAreas() *areaRows {
	a := &areaRows{seen: make(map[string]bool)}
	for _, v := range configs.Villages() {
		a.seen[v.Code] = true
		a.rows = append(a.rows, db.AreaRow{Code: v.Code, Name: v.Name, District: v.District, Regency: v.Regency, Province: v.Province})
	}
	return a
}

// add takes a village that the row describes completely; one that it does not is
// looked for in the registry.
func (a *areaRows) add(r sheet.Row) {
	code := r.Get("station_code")[:10]
	row := db.AreaRow{
		Line: r.Line, Code: code, Name: r.Get("village"), District: r.Get("district"),
		Regency: r.Get("regency"), Province: r.Get("province"),
	}
	if a.seen[code] || row.Name == "" || row.District == "" || row.Regency == "" || row.Province == "" {
		return
	}
	a.seen[code] = true
	a.rows = append(a.rows, row)
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0 // empty: the sheet has checked the others
	}
	return n
}

func officerColumns() []sheet.Column {
	return []sheet.Column{
		{Name: "name", Aliases: []string{"nama", "petugas", "nama_petugas"}, Required: true},
		{Name: "phone", Aliases: []string{"telepon", "nomor_hp", "no_hp", "hp", "nomor_telepon"}, Kind: sheet.Phone, Required: true},
		{Name: "station_code", Aliases: []string{"station", "tps", "kode_tps", "tps_code", "kode"}, Kind: sheet.Digits, Required: true},
	}
}

func importOfficers(ctx context.Context, to importTarget, rows []sheet.Row) (db.Imported, error) {
	officers := officerRows(rows)
	if err := checkOfficers(ctx, to.desk, to.profile, officers); err != nil {
		return db.Imported{}, fmt.Errorf("%w; nothing was imported", err)
	}
	return to.desk.ImportOfficers(ctx, to.profile, officers, to.progress)
}

func officerRows(rows []sheet.Row) []db.OfficerRow {
	officers := make([]db.OfficerRow, len(rows))
	for i, r := range rows {
		officers[i] = db.OfficerRow{Line: r.Line, Name: r.Get("name"), Phone: r.Get("phone"), Station: r.Get("station_code")}
	}
	return officers
}

func describe(columns []sheet.Column) string {
	text := ""
	for _, c := range columns {
		text += "  " + c.Name
		for _, alias := range c.Aliases {
			text += ", " + alias
		}
		if c.Required {
			text += "   (needed)"
		}
		text += "\n"
	}
	return strings.TrimSuffix(text, "\n")
}
