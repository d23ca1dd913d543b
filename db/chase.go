package db

import (
	"context"
	"fmt"
	"time"

	"tali/parser"
)

// ChaseRow is an officer of a station whose report is missing.
type ChaseRow struct {
	Station  string // 13-digit code
	TPS      string
	Village  string
	District string
	Missing  string    // keywords of the ballots, apart by a space
	Officer  int64     // 0: the station has none
	Name     string    // of the officer
	Phone    string    // E.164; the caller masks it
	Last     time.Time // newest SMS of this phone; zero: none
}

// chaseLimit bounds how many stations are put in order at once.
const chaseLimit = 2000

const (
	// Who was never heard comes first: their phone or their signal may be the
	// reason.
	chaseRows = `
WITH missing AS (
  SELECT s.code, s.tps, string_agg(b.keyword, ' ' ORDER BY b.digit) AS ballots
  FROM registry.station s
  JOIN registry.ballot b ON b.election = s.election AND b.regency = s.code / 1000000000
  WHERE s.election = $1 AND s.code BETWEEN $3 AND $4 AND NOT EXISTS (
    SELECT FROM tally.standing t
    WHERE t.station = s.code AND t.ballot = b.digit AND t.round = $2 AND t.election = s.election AND t.entry IS NOT NULL)
  GROUP BY s.code, s.tps ORDER BY s.code LIMIT $5
)
SELECT m.code::text AS station, m.tps::text AS tps, coalesce(v.name, '') AS village, coalesce(d.name, '') AS district, m.ballots AS missing,
       coalesce(p.officer, 0) AS officer, coalesce(o.name, '') AS name, coalesce(p.phone, '') AS phone,
       coalesce((SELECT max(l.stored_at) FROM desk.lookup l WHERE l.phone = p.phone), '0001-01-01Z') AS last
FROM missing m
LEFT JOIN registry.area v ON v.code = m.code / 1000
LEFT JOIN registry.area d ON d.code = m.code / 10000000
LEFT JOIN registry.phone p ON p.station = m.code AND p.election = $1 AND p.valid_until = 'infinity'
LEFT JOIN registry.officer o ON o.id = p.officer
ORDER BY last, m.code, p.phone LIMIT $6`

	officerPhones = `
SELECT DISTINCT p.phone FROM registry.phone p JOIN registry.election e ON e.id = p.election
WHERE e.code = $1 AND p.station = $2 AND p.officer = $3 AND p.valid_until = 'infinity' ORDER BY 1`
)

// Chase lists stations of an area without a report of every ballot, at most
// limit officers, those who were silent for longest first. Area 0 is the whole
// election.
func (d *DB) Chase(ctx context.Context, p *parser.Profile, area int64, limit int) ([]ChaseRow, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("listing missing stations: %w", err)
	}
	low, high := stationsOf(area)
	var out []ChaseRow
	if err := d.list(ctx, &out, chaseRows, row.Election, p.Round, low, high, chaseLimit, limit); err != nil {
		return nil, fmt.Errorf("listing missing stations: %w", err)
	}
	return out, nil
}

// stationsOf is the range of station codes in an area of any level.
func stationsOf(area int64) (low, high int64) {
	const last = 9_999_999_999_999
	if area <= 0 {
		return 0, last
	}
	low, high = area, area
	for low < 1_000_000_000_000 {
		low, high = low*10, high*10+9
	}
	return low, high
}

// Unmask returns the phone numbers of an officer for a call, and records that
// they were seen, by whom and about which station, before it does.
func (d *DB) Unmask(ctx context.Context, by Actor, election string, station, officer int64) ([]string, error) {
	var phones []string
	if err := d.list(ctx, &phones, officerPhones, election, station, officer); err != nil {
		return nil, fmt.Errorf("reading phones of officer %d: %w", officer, err)
	}
	if len(phones) == 0 {
		return nil, fmt.Errorf("officer %d of station %d: %w", officer, station, ErrNoStation)
	}
	err := d.RecordEvent(ctx, Event{
		Actor: by, Kind: EventUnmasked, Subject: OfficerSubject(officer), Detail: fmt.Sprintf("station %d", station),
	})
	if err != nil {
		return nil, err
	}
	return phones, nil
}
