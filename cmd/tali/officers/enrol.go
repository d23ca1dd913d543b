package officers

import (
	"context"
	"fmt"

	"tali/configs"
	"tali/db"
	"tali/parser"
	"tali/verify"
)

// Enrol gives the centre an invented registry: n stations spread over Bolmut's
// real villages and one officer for each. Officer i has Phone(i). It returns the
// registry as stored; progress may be nil.
func Enrol(ctx context.Context, desk *db.DB, p *parser.Profile, n int, progress db.Progress) (*verify.Registry, error) {
	villages := configs.Villages()
	if most := 999 * len(villages); n > most {
		return nil, fmt.Errorf("%d stations: at most %d fit the villages", n, most)
	}
	areas := make([]db.AreaRow, len(villages))
	for i, v := range villages {
		areas[i] = db.AreaRow{Line: i + 1, Code: v.Code, Name: v.Name, District: v.District, Regency: v.Regency, Province: v.Province}
	}
	if _, err := desk.ImportAreas(ctx, areas); err != nil {
		return nil, err
	}
	stations, people := make([]db.StationRow, n), make([]db.OfficerRow, n)
	for i := range n {
		code := fmt.Sprintf("%s%03d", villages[i%len(villages)].Code, 1+i/len(villages))
		stations[i] = db.StationRow{Line: i + 1, Code: code, VotersL: 200, VotersP: 200}
		people[i] = db.OfficerRow{Line: i + 1, Name: fmt.Sprintf("Petugas %06d", i), Phone: Phone(i), Station: code}
	}
	if _, err := desk.ImportStations(ctx, p, stations, progress); err != nil {
		return nil, err
	}
	if _, err := desk.ImportOfficers(ctx, p, people, progress); err != nil {
		return nil, err
	}
	return desk.Registry(ctx, p)
}

// Phone is the phone of invented officer i. No operator has assigned 899 with so
// many zeros behind it.
func Phone(i int) string { return fmt.Sprintf("+6289900%06d", i) }

// ModemNumber is the number of the SIM in invented modem i.
func ModemNumber(i int) string { return fmt.Sprintf("+628990000%04d", 9000+i) }
