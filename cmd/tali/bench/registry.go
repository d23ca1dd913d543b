package bench

import (
	"context"
	"fmt"

	"tali/configs"
	"tali/db"
	"tali/verify"
)

// fill gives the centre a registry of n stations with one officer each, spread
// over Bolmut's villages; phones are invented. It returns them as stored.
func (c *centre) fill(ctx context.Context, s Settings, n int) (*verify.Registry, error) {
	villages := configs.Villages()
	if n > 999*len(villages) {
		return nil, fmt.Errorf("%d stations: at most %d fit", n, 999*len(villages))
	}
	areas := make([]db.AreaRow, len(villages))
	for i, v := range villages {
		areas[i] = db.AreaRow{Code: v.Code, Name: v.Name, District: v.District, Regency: v.Regency, Province: v.Province}
	}
	if _, err := c.desk.ImportAreas(ctx, areas); err != nil {
		return nil, err
	}
	stations, officers := make([]db.StationRow, n), make([]db.OfficerRow, n)
	for i := range n {
		code := fmt.Sprintf("%s%03d", villages[i%len(villages)].Code, 1+i/len(villages))
		stations[i] = db.StationRow{Line: i + 1, Code: code, VotersL: 200, VotersP: 200}
		officers[i] = db.OfficerRow{Line: i + 1, Name: fmt.Sprintf("Petugas %06d", i), Phone: phone(i), Station: code}
	}
	if _, err := c.desk.ImportStations(ctx, c.profile, stations, func(done, total int) { s.progress("stations", done, total) }); err != nil {
		return nil, err
	}
	if _, err := c.desk.ImportOfficers(ctx, c.profile, officers, func(done, total int) { s.progress("officers", done, total) }); err != nil {
		return nil, err
	}
	return c.desk.Registry(ctx, c.profile)
}

func phone(i int) string { return fmt.Sprintf("+62899001%06d", i) }
