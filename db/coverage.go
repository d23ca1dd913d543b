package db

import "time"

// VillageCoverage counts the forms of one village: one for each station and
// ballot.
type VillageCoverage struct {
	Code      int64 // 10 digits; the first 6 are the district's
	Name      string
	District  string
	Stations  int
	Expected  int // stations by ballots
	Reporting int // an entry stands
	Confirmed int // and was confirmed by the staff
	Held      int // something waits for a decision
}

// ModemRow is a modem as its gateway last told of it.
type ModemRow struct {
	Gateway  string
	Name     string
	Number   string
	Operator string
	Alive    bool
	LastSeen time.Time `db:"last_seen"`
	ModemHealth
}

const (
	// The rounds are those of the profiles in force, as in ballotCoverage.
	villageCoverage = `
WITH ballots AS (
  SELECT regency, count(*) AS ballots FROM registry.ballot WHERE election = $1 GROUP BY 1
), forms AS (
  SELECT c.village, sum(c.reporting) AS reporting, sum(c.confirmed) AS confirmed, sum(c.held) AS held
  FROM desk.village_count c
  JOIN (SELECT regency, max(round) AS round FROM registry.profile WHERE current AND election = $1 GROUP BY 1) AS p
    ON p.regency = c.village / 1000000 AND p.round = c.round
  WHERE c.election = $1 GROUP BY 1
)
SELECT s.village AS code, coalesce(v.name, s.village::text) AS name, coalesce(d.name, (s.village / 10000)::text) AS district,
       s.stations, s.stations * coalesce(b.ballots, 0) AS expected,
       coalesce(f.reporting, 0) AS reporting, coalesce(f.confirmed, 0) AS confirmed, coalesce(f.held, 0) AS held
FROM desk.station_count s
LEFT JOIN ballots b ON b.regency = s.village / 1000000
LEFT JOIN forms f ON f.village = s.village
LEFT JOIN registry.area v ON v.code = s.village
LEFT JOIN registry.area d ON d.code = s.village / 10000
WHERE s.election = $1 AND s.stations > 0 ORDER BY s.village`

	modemRows = `
SELECT gateway, name, number, operator, alive, last_seen, coalesce(heard_at, '0001-01-01Z') AS heard_at, coalesce(signal_dbm, 0) AS signal_dbm,
       coalesce(slots_used, 0) AS slots_used, coalesce(slots, 0) AS slots, coalesce(balance, 0) AS balance, coalesce(balance_at, '0001-01-01Z') AS balance_at
FROM registry.modem ORDER BY gateway, name`
)
