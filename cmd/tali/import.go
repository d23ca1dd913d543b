package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/spf13/cobra"

	"tali/cmd/tali/sheet"
	"tali/configs"
	"tali/db"
	"tali/parser"
)

func newImport() *cobra.Command {
	c := &cobra.Command{
		Use:   "import",
		Short: "Read stations or officers from CSV or XLSX",
		Long: `import reads a table into the registry: all of it or, when any row is wrong,
nothing; every bad row is named with its line, column and reason. Reading the
same table again changes nothing.

The header row may be Indonesian or English. TPS codes are issued to stations at
their first import and never change afterwards.`,
	}
	c.AddCommand(
		newImportTable("stations", "the polling stations (TPS) of the election", stationColumns(), importStations),
		newImportTable("officers", "officers (KPPS), their phones and stations", officerColumns(), importOfficers),
	)
	return c
}

// importTable stores rows that the sheet itself has no problem with.
type importTable func(ctx context.Context, to importTarget, rows []sheet.Row) (db.Imported, error)

// importTarget is where rows go.
type importTarget struct {
	desk     *db.DB
	profile  *parser.Profile
	progress db.Progress
}

func newImportTable(name, what string, columns []sheet.Column, store importTable) *cobra.Command {
	var config string
	c := &cobra.Command{
		Use:   name + " FILE",
		Short: "Read " + what,
		Long:  "Reads " + what + ".\n\nColumns (any of these headers):\n" + describe(columns),
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, profile, err := loadConfig(config)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			rows, err := readTable(out, args[0], columns)
			if err != nil {
				return err
			}
			n, err := storeTable(cmd.Context(), cfg, profile, rows, store)
			var bad *db.RowErrors
			if errors.As(err, &bad) {
				for _, r := range bad.Rows {
					fmt.Fprintf(out, "line %d, %s: %s\n", r.Line, r.Column, r.Reason)
				}
				return fmt.Errorf("%s: %d bad rows, nothing was imported", args[0], len(bad.Rows))
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s: %d new, %d changed, %d unchanged\n", name, n.New, n.Changed, n.Same)
			return nil
		},
	}
	c.Flags().StringVar(&config, "config", "", "configuration file")
	return c
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
		return nil, fmt.Errorf("%s: %d problems, nothing was imported", path, len(problems))
	}
	return rows, nil
}

func storeTable(ctx context.Context, cfg configs.Config, p *parser.Profile, rows []sheet.Row, store importTable) (n db.Imported, err error) {
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
	var bad db.RowErrors
	areas := knownAreas()
	stations := make([]db.StationRow, 0, len(rows))
	for _, r := range rows {
		s := db.StationRow{
			Line: r.Line, Code: r.Get("station_code"), TPS: parser.TPSCode(r.Get("tps_code")), Coverage: r.Get("coverage"),
			VotersL: number(r.Get("voters_l")), VotersP: number(r.Get("voters_p")),
		}
		for _, c := range []struct {
			column string
			into   *float64
		}{{"latitude", &s.Latitude}, {"longitude", &s.Longitude}} {
			if err := degrees(r.Get(c.column), c.into); err != nil {
				bad.Rows = append(bad.Rows, db.RowError{Line: r.Line, Column: c.column, Reason: err.Error()})
			}
		}
		areas.add(r)
		stations = append(stations, s)
	}
	if len(bad.Rows) > 0 {
		return db.Imported{}, &bad
	}
	if _, err := to.desk.ImportAreas(ctx, areas.rows); err != nil {
		return db.Imported{}, err
	}
	return to.desk.ImportStations(ctx, to.profile, stations, to.progress)
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

func degrees(s string, into *float64) error {
	if s == "" {
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v < -180 || v > 180 {
		return fmt.Errorf("%q is no angle: write degrees with a decimal point, such as 0.9167", s)
	}
	*into = v
	return nil
}

func officerColumns() []sheet.Column {
	return []sheet.Column{
		{Name: "name", Aliases: []string{"nama", "petugas", "nama_petugas"}, Required: true},
		{Name: "phone", Aliases: []string{"telepon", "nomor_hp", "no_hp", "hp", "nomor_telepon"}, Kind: sheet.Phone, Required: true},
		{Name: "station_code", Aliases: []string{"station", "tps", "kode_tps", "tps_code", "kode"}, Kind: sheet.Digits, Required: true},
	}
}

func importOfficers(ctx context.Context, to importTarget, rows []sheet.Row) (db.Imported, error) {
	officers := make([]db.OfficerRow, len(rows))
	for i, r := range rows {
		officers[i] = db.OfficerRow{Line: r.Line, Name: r.Get("name"), Phone: r.Get("phone"), Station: r.Get("station_code")}
	}
	return to.desk.ImportOfficers(ctx, to.profile, officers, to.progress)
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
	return text
}
