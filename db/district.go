package db

import (
	"context"
	"fmt"

	"tali/parser"
)

// Area is a district of the election.
type Area struct {
	Code int64
	Name string
}

// StationState is one form of a station: Ballot is 0 where nothing has come.
type StationState struct {
	Code     string // 13 digits
	Village  string
	District string
	Ballot   int
	State    string // of what stands; empty: nothing does
	Held     int
}

const (
	districts = `
SELECT d.code, d.name FROM registry.area d
WHERE d.level = 'district' AND d.code BETWEEN $1::bigint * 100 AND $1::bigint * 100 + 99 ORDER BY d.code`

	stationStates = `
SELECT s.code::text AS code, coalesce(v.name, (s.code / 1000)::text) AS village, coalesce(d.name, (s.code / 10000000)::text) AS district,
       coalesce(t.ballot, 0) AS ballot, coalesce(t.state, '') AS state, coalesce(t.held, 0) AS held
FROM registry.station s
LEFT JOIN tally.standing t ON t.station = s.code AND t.election = s.election AND t.round = $2
LEFT JOIN registry.area v ON v.code = s.code / 1000
LEFT JOIN registry.area d ON d.code = s.code / 10000000
WHERE s.election = $1 AND s.code BETWEEN $3 AND $4 ORDER BY s.code, t.ballot LIMIT 20000`
)

// Districts are those of p's regency.
func (d *DB) Districts(ctx context.Context, p *parser.Profile) ([]Area, error) {
	var out []Area
	if err := d.list(ctx, &out, districts, p.Regency); err != nil {
		return nil, fmt.Errorf("reading the districts of %s: %w", p.Regency, err)
	}
	return out, nil
}

// StationStates tells where each form of an area stands, by station.
func (d *DB) StationStates(ctx context.Context, p *parser.Profile, area int64) ([]StationState, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("reading the stations of %d: %w", area, err)
	}
	low, high := stationsOf(area)
	var out []StationState
	if err := d.list(ctx, &out, stationStates, row.Election, p.Round, low, high); err != nil {
		return nil, fmt.Errorf("reading the stations of %d: %w", area, err)
	}
	return out, nil
}
