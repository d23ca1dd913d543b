package configs

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strings"
)

//go:embed data/bolmut-villages.csv
var villages string

//go:embed data/bolmut-stations.invented.csv
var demoStations []byte

//go:embed data/bolmut-officers.invented.csv
var demoOfficers []byte

// Village is one desa or kelurahan with what it belongs to. Codes are those of
// Kemendagri without dots. Names and codes come from idn-area-data under the
// ODbL 1.0: whoever shows or ships them names the source (data/README.md).
type Village struct {
	Code         string // 10 digits
	Name         string
	Kind         string // desa or kelurahan
	DistrictCode string // 6 digits
	District     string
	RegencyCode  string // 4 digits
	Regency      string
	ProvinceCode string // 2 digits
	Province     string
}

// Villages lists the villages of Bolaang Mongondow Utara in the order of their
// codes.
func Villages() []Village {
	rows, err := csv.NewReader(strings.NewReader(villages)).ReadAll()
	if err != nil {
		panic(fmt.Errorf("embedded villages: %w", err))
	}
	plain := func(code string) string { return strings.ReplaceAll(code, ".", "") }
	out := make([]Village, 0, len(rows)-1)
	for _, r := range rows[1:] {
		out = append(out, Village{
			Code: r[1], Name: r[2], Kind: r[3], DistrictCode: plain(r[4]), District: r[5],
			RegencyCode: plain(r[6]), Regency: r[7], ProvinceCode: r[8], Province: r[9],
		})
	}
	return out
}

// DemoStations is the invented registry of polling stations of the demo, as a
// CSV that tali import accepts.
func DemoStations() []byte { return append([]byte(nil), demoStations...) }

// DemoOfficers is the invented list of officers and phones of the demo, as a
// CSV that tali import accepts.
func DemoOfficers() []byte { return append([]byte(nil), demoOfficers...) }
