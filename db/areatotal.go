package db

import (
	"context"
	"fmt"
)

// AreaTotal is what is published of one contest in one area.
type AreaTotal struct {
	Contest   string
	Valid     int64
	Expected  int // stations
	Reported  int
	Confirmed int
}

const areaTotals = `
SELECT jenis AS contest, suara_sah AS valid, tps_total AS expected, tps_melapor AS reported, tps_terverifikasi AS confirmed
FROM results.area_total WHERE kode_wilayah = $2 AND election = $1 ORDER BY jenis, putaran`

// AreaTotals are the totals of an area, 0 for the whole country, in every contest
// and round of an election.
func (d *DB) AreaTotals(ctx context.Context, election, area string) ([]AreaTotal, error) {
	var out []AreaTotal
	if err := d.list(ctx, &out, areaTotals, election, area); err != nil {
		return nil, fmt.Errorf("reading totals of %s: %w", area, err)
	}
	return out, nil
}
