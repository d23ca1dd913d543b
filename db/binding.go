package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tali/parser"
)

// StationInfo is what the registry knows of a station.
type StationInfo struct {
	Code       string // 13 digits
	TPS        string
	Village    string
	District   string
	Generation int     // of the card
	VotersL    int     `db:"voters_l"` // 0: unknown
	VotersP    int     `db:"voters_p"`
	Latitude   float64 // 0 with Longitude: unknown
	Longitude  float64
	Coverage   string
	Officers   string // names of those who report now, apart by a comma
}

// Binding is a phone that reports or has reported for a station.
type Binding struct {
	Phone   string
	Officer int64
	Name    string
	From    time.Time `db:"valid_from"`  // zero: from the beginning
	Until   time.Time `db:"valid_until"` // zero: still
}

const stationFacts = `s.code::text AS code, s.tps::text AS tps, coalesce(v.name, '') AS village, coalesce(d.name, '') AS district, s.generation,
  coalesce(s.voters_l, 0) AS voters_l, coalesce(s.voters_p, 0) AS voters_p, coalesce(s.latitude, 0) AS latitude,
  coalesce(s.longitude, 0) AS longitude, s.coverage,
  coalesce((SELECT string_agg(DISTINCT o.name, ', ') FROM registry.phone p JOIN registry.officer o ON o.id = p.officer
    WHERE p.station = s.code AND p.election = s.election AND p.valid_until = 'infinity'), '') AS officers
FROM registry.station s
LEFT JOIN registry.area v ON v.code = s.code / 1000
LEFT JOIN registry.area d ON d.code = s.code / 10000000`

const (
	stationsIn = `SELECT ` + stationFacts + ` WHERE s.election = $1 AND s.code BETWEEN $2 AND $3 ORDER BY s.code LIMIT $4`

	bindingsOf = `
SELECT p.phone, p.officer, o.name,
       CASE WHEN isfinite(p.valid_from) THEN p.valid_from ELSE '0001-01-01Z' END AS valid_from,
       CASE WHEN isfinite(p.valid_until) THEN p.valid_until ELSE '0001-01-01Z' END AS valid_until
FROM registry.phone p JOIN registry.officer o ON o.id = p.officer
WHERE p.station = $2 AND p.election = $1 ORDER BY p.valid_until DESC, p.valid_from DESC, o.name`
)

// ErrNoStation: the registry has no such station.
var ErrNoStation = errors.New("no such station")

// StationsIn lists stations of an area of any level, at most limit.
func (d *DB) StationsIn(ctx context.Context, p *parser.Profile, area int64, limit int) ([]StationInfo, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("reading stations of %d: %w", area, err)
	}
	low, high := stationsOf(area)
	var out []StationInfo
	if err := d.list(ctx, &out, stationsIn, row.Election, low, high, limit); err != nil {
		return nil, fmt.Errorf("reading stations of %d: %w", area, err)
	}
	return out, nil
}

// StationHistory is a station with every phone that ever reported for it, those
// in force first.
func (d *DB) StationHistory(ctx context.Context, p *parser.Profile, station int64) (StationInfo, []Binding, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return StationInfo{}, nil, fmt.Errorf("reading station %d: %w", station, err)
	}
	var s StationInfo
	err = d.get(ctx, &s, stationsIn, row.Election, station, station, 1)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil, ErrNoStation
	}
	var bindings []Binding
	if err == nil {
		err = d.list(ctx, &bindings, bindingsOf, row.Election, station)
	}
	if err != nil {
		return s, nil, fmt.Errorf("reading station %d: %w", station, err)
	}
	return s, bindings, nil
}
