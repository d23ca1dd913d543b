package main

import (
	"fmt"
	"io"
	"strconv"

	"tali/cmd/tali/sheet"
	"tali/configs"
	"tali/parser"
	"tali/verify"
)

// tryRegistry is the registry of the test console: a table, or the demo's. What
// is wrong with the table is told to notes, row by row.
func tryRegistry(path string, notes io.Writer) (*verify.Registry, error) {
	if path == "" {
		return demoRegistry()
	}
	rows, err := readTable(notes, path, tryColumns())
	if err != nil {
		return nil, fmt.Errorf("--registry: %w", err)
	}
	r := newRegistryBuilder()
	for _, row := range rows {
		if tps := parser.TPSCode(row.Get("tps_code")); !tps.Valid() {
			return nil, fmt.Errorf("--registry: %s: line %d, tps_code %q: its last two digits do not check the first six", path, row.Line, tps)
		}
		r.bind(row.Get("phone"), row.Get("name"), verify.Station{
			Code: row.Get("station_code"), TPS: row.Get("tps_code"), Village: row.Get("village"),
			Number: stationNumber(row.Get("station_code")), Voters: number(row.Get("voters")),
			Generation: max(number(row.Get("card")), firstGeneration),
		})
	}
	return r.build()
}

// tryColumns are an officer and the station in one row.
func tryColumns() []sheet.Column {
	return []sheet.Column{
		{Name: "name", Aliases: []string{"nama", "petugas", "nama_petugas"}, Required: true},
		{Name: "phone", Aliases: []string{"telepon", "nomor_hp", "no_hp", "hp", "nomor_telepon"}, Kind: sheet.Phone, Required: true},
		{Name: "station_code", Aliases: []string{"station", "code", "kode"}, Kind: sheet.Digits, Length: 13, Required: true},
		{Name: "tps_code", Aliases: []string{"kode_tps"}, Kind: sheet.Digits, Length: 8, Required: true},
		{Name: "village", Aliases: []string{"desa", "kelurahan", "desa_kelurahan", "nama_desa"}, Required: true},
		{Name: "voters", Aliases: []string{"dpt", "pemilih"}, Kind: sheet.Number},
		{Name: "card", Aliases: []string{"kartu"}, Kind: sheet.Number},
	}
}

// demoRegistry is the invented registry that is shipped with tali.
func demoRegistry() (*verify.Registry, error) {
	stations, officers, err := demoTables()
	if err != nil {
		return nil, err
	}
	known := make(map[string]verify.Station, len(stations))
	for _, s := range stations {
		code := s.Get("station_code")
		known[code] = verify.Station{
			Code: code, TPS: s.Get("tps_code"), Village: s.Get("village"), District: s.Get("district"),
			Number: stationNumber(code), Voters: number(s.Get("voters_l")) + number(s.Get("voters_p")), Generation: firstGeneration,
		}
	}
	r := newRegistryBuilder()
	for _, o := range officers {
		r.bind(o.Get("phone"), o.Get("name"), known[o.Get("station_code")])
	}
	return r.build()
}

// demoTables reads the shipped tables as tali import would.
func demoTables() (stations, officers []sheet.Row, err error) {
	if stations, err = shipped("stations", configs.DemoStations(), stationColumns()); err != nil {
		return nil, nil, err
	}
	officers, err = shipped("officers", configs.DemoOfficers(), officerColumns())
	return stations, officers, err
}

func shipped(name string, table []byte, columns []sheet.Column) ([]sheet.Row, error) {
	rows, problems, err := sheet.Parse(name, table, columns, sheet.Options{})
	if err == nil && len(problems) > 0 {
		err = fmt.Errorf("%s: %s", name, problems[0])
	}
	return rows, err
}

// registryBuilder gathers the stations of each phone.
type registryBuilder struct {
	officers map[string]*verify.Officer
	registry verify.Registry
}

func newRegistryBuilder() *registryBuilder {
	return &registryBuilder{officers: make(map[string]*verify.Officer)}
}

func (b *registryBuilder) bind(phone, name string, s verify.Station) {
	o := b.officers[phone]
	if o == nil {
		o = &verify.Officer{Phone: phone, Name: name}
		b.officers[phone] = o
	}
	o.Stations = append(o.Stations, s)
	b.registry.Stations = append(b.registry.Stations, s)
}

func (b *registryBuilder) build() (*verify.Registry, error) {
	for _, o := range b.officers {
		b.registry.Officers = append(b.registry.Officers, *o)
	}
	return verify.NewRegistry(b.registry)
}

// stationNumber is the TPS number in its village: the last three digits.
func stationNumber(code string) int {
	n, err := strconv.Atoi(code[max(0, len(code)-3):])
	if err != nil {
		return 0
	}
	return n
}
