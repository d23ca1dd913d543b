package db

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jmoiron/sqlx"

	"tali/parser"
)

// StationRow is one polling station of an import.
type StationRow struct {
	Line                int
	Code                string         // 13 digits: village and number
	TPS                 parser.TPSCode // on cards printed already; empty: a code is issued
	VotersL, VotersP    int            // registered voters; both 0 when unknown
	Latitude, Longitude float64        // both 0 when unknown
	Coverage            string
}

const (
	missingVillages = `
SELECT v.n FROM unnest($1::bigint[]) WITH ORDINALITY AS v(code, n)
LEFT JOIN registry.area a ON a.code = v.code AND a.level = 'village'
WHERE a.code IS NULL ORDER BY v.n`

	presentStations = `
SELECT s.code, coalesce(s.voters_l, 0), coalesce(s.voters_p, 0), coalesce(s.latitude, 0), coalesce(s.longitude, 0), s.coverage
FROM registry.station s WHERE s.election = $1 AND s.code = ANY ($2::bigint[])`

	takeNumbers = `
INSERT INTO registry.tps_sequence AS s (election, regency, next) VALUES ($1, $2, greatest(100001, $4::integer) + $3)
ON CONFLICT (election, regency) DO UPDATE SET next = greatest(s.next, $4::integer) + $3
RETURNING next - $3`

	tpsOwners = `
SELECT n.n, s.code::text, s.tps::text
FROM unnest($3::bigint[], $4::integer[]) WITH ORDINALITY AS n(code, tps, n)
JOIN registry.station s ON s.election = $1 AND s.code / 1000000000 = $2
  AND ((s.code = n.code AND s.tps <> n.tps) OR (s.code <> n.code AND s.tps = n.tps))`

	addStations = `
INSERT INTO registry.station (election, code, tps, voters_l, voters_p, latitude, longitude, coverage)
SELECT $1, code, tps, nullif(l, 0), nullif(p, 0), nullif(lat, 0), nullif(lon, 0), coverage
FROM unnest($2::bigint[], $3::integer[], $4::smallint[], $5::smallint[], $6::float8[], $7::float8[], $8::text[])
  AS s(code, tps, l, p, lat, lon, coverage)
ORDER BY code`

	changeStations = `
UPDATE registry.station s
SET voters_l = nullif(n.l, 0), voters_p = nullif(n.p, 0), latitude = nullif(n.lat, 0), longitude = nullif(n.lon, 0), coverage = n.coverage
FROM unnest($2::bigint[], $3::integer[], $4::smallint[], $5::smallint[], $6::float8[], $7::float8[], $8::text[])
  AS n(code, tps, l, p, lat, lon, coverage)
WHERE s.election = $1 AND s.code = n.code`

	openProvinces = `
SELECT tally.open_partition($1::smallint, province)
FROM (SELECT DISTINCT (code / 100000000000)::smallint AS province FROM unnest($2::bigint[]) AS s(code)) AS p`
)

// importStep is how many rows one statement of an import takes: enough to be
// quick, few enough for a progress bar.
const importStep = 5000

// ImportStations stores the stations of p's election, all or none, and issues a
// TPS code to each new one. A code never changes: importing again changes only
// what stands beside it. It needs the role tali_desk.
func (d *DB) ImportStations(ctx context.Context, p *parser.Profile, rows []StationRow, progress Progress) (Imported, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return Imported{}, fmt.Errorf("importing stations: %w", err)
	}
	codes, err := stationCodes(p, rows)
	if err != nil {
		return Imported{}, err
	}
	s := stationImport{election: row.Election, regency: p.Regency, rows: rows, codes: codes}
	err = d.importInto(ctx, row.Election, func(t *transaction) error { return s.run(ctx, t, progress) })
	if err != nil {
		return Imported{}, fmt.Errorf("importing %d stations: %w", len(rows), err)
	}
	return s.counts, nil
}

// stationCodes reads the codes and names the rows whose code cannot be.
func stationCodes(p *parser.Profile, rows []StationRow) ([]int64, error) {
	var bad RowErrors
	codes := make([]int64, len(rows))
	lines := make(map[int64]int, len(rows))
	for i, r := range rows {
		code, err := strconv.ParseInt(r.Code, 10, 64)
		switch first, twice := lines[code]; {
		case err != nil || len(r.Code) != 13 || code%1000 == 0:
			bad.add(r.Line, "code", "%q is no 13-digit station code", r.Code)
		case r.Code[:4] != p.Regency:
			bad.add(r.Line, "code", "station %s is not in regency %s of this election", r.Code, p.Regency)
		case twice:
			bad.add(r.Line, "code", "station %s stands in line %d already", r.Code, first)
		case r.TPS != "" && (!r.TPS.Valid() || r.TPS[0] == '0'):
			bad.add(r.Line, "tps_code", "%q is no TPS code: its last two digits do not check the first six", r.TPS)
		case r.VotersL < 0 || r.VotersP < 0 || r.VotersL > 9999 || r.VotersP > 9999:
			bad.add(r.Line, "voters", "%d and %d are no numbers of voters", r.VotersL, r.VotersP)
		}
		codes[i], lines[code] = code, r.Line
	}
	return codes, bad.orNil()
}

type stationImport struct {
	election int16
	regency  string
	rows     []StationRow
	codes    []int64
	counts   Imported
}

func (s *stationImport) run(ctx context.Context, t *transaction, progress Progress) error {
	for lo := 0; lo < len(s.rows); lo += importStep {
		hi := min(lo+importStep, len(s.rows))
		if err := s.step(ctx, t, lo, hi); err != nil {
			return err
		}
		progress.report(hi, len(s.rows))
	}
	return nil
}

func (s *stationImport) step(ctx context.Context, t *transaction, lo, hi int) error {
	var codes, villages array
	for _, code := range s.codes[lo:hi] {
		codes.int(code)
		villages.int(code / 1000)
	}
	if err := s.checkVillages(ctx, t, lo, villages); err != nil {
		return err
	}
	if err := s.checkGiven(ctx, t, lo, hi); err != nil {
		return err
	}
	present, err := s.present(ctx, t, codes)
	if err != nil {
		return err
	}
	fresh, changed := &stationColumns{}, &stationColumns{}
	for i := lo; i < hi; i++ {
		switch before, ok := present[s.codes[i]]; {
		case !ok:
			fresh.add(s.codes[i], s.rows[i])
		case before != s.rows[i].values():
			changed.add(s.codes[i], s.rows[i])
		}
	}
	s.counts.New += fresh.n
	s.counts.Changed += changed.n
	s.counts.Same += hi - lo - fresh.n - changed.n
	if _, err := t.tx.ExecContext(ctx, openProvinces, s.election, codes.arg()); err != nil {
		return err
	}
	if err := s.number(ctx, t, fresh); err != nil {
		return err
	}
	for range changed.n {
		changed.tps.null()
	}
	for query, c := range map[string]*stationColumns{addStations: fresh, changeStations: changed} {
		_, err := t.tx.ExecContext(ctx, query, s.election, c.code.arg(), c.tps.arg(), c.l.arg(), c.p.arg(),
			c.lat.arg(), c.lon.arg(), c.coverage.arg())
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *stationImport) checkVillages(ctx context.Context, t *transaction, lo int, villages array) error {
	var missing []int
	if err := t.tx.SelectContext(ctx, &missing, missingVillages, villages.arg()); err != nil {
		return err
	}
	var bad RowErrors
	for _, n := range missing {
		r := s.rows[lo+n-1]
		bad.add(r.Line, "code", "village %s is not known: give its village, district, regency and province in the row", r.Code[:10])
	}
	return bad.orNil()
}

// checkGiven names the rows whose TPS code cannot be: codes are on printed
// cards, so a station keeps its own and takes no other's.
func (s *stationImport) checkGiven(ctx context.Context, t *transaction, lo, hi int) error {
	var bad RowErrors
	var codes, given array
	var lines []int
	first := make(map[parser.TPSCode]int)
	for i := lo; i < hi; i++ {
		r := s.rows[i]
		if r.TPS == "" {
			continue
		}
		if line, twice := first[r.TPS]; twice {
			bad.add(r.Line, "tps_code", "%s stands in line %d already", r.TPS, line)
		}
		first[r.TPS] = r.Line
		tps, err := strconv.ParseInt(string(r.TPS), 10, 32)
		if err != nil {
			return err
		}
		codes.int(s.codes[i])
		given.int(tps)
		lines = append(lines, r.Line)
	}
	var clashes []struct {
		N         int
		Code, TPS string
	}
	if err := t.tx.SelectContext(ctx, &clashes, tpsOwners, s.election, s.regency, codes.arg(), given.arg()); err != nil {
		return err
	}
	for _, c := range clashes {
		bad.add(lines[c.N-1], "tps_code", "station %s has the code %s, which never changes", c.Code, c.TPS)
	}
	return bad.orNil()
}

// stationValues is what an import may change.
type stationValues struct {
	l, p     int
	lat, lon float64
	coverage string
}

func (r StationRow) values() stationValues {
	return stationValues{r.VotersL, r.VotersP, r.Latitude, r.Longitude, r.Coverage}
}

func (s *stationImport) present(ctx context.Context, t *transaction, codes array) (map[int64]stationValues, error) {
	present := make(map[int64]stationValues)
	rows, err := t.tx.QueryxContext(ctx, presentStations, s.election, codes.arg())
	if err != nil {
		return nil, err
	}
	return present, scanAll(rows, func() error {
		var code int64
		var v stationValues
		err := rows.Scan(&code, &v.l, &v.p, &v.lat, &v.lon, &v.coverage)
		present[code] = v
		return err
	})
}

// scanAll hands every row on and closes the rows.
func scanAll(rows *sqlx.Rows, row func() error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// number issues TPS codes to new stations that bring none, in the order of the
// file and above every code that was brought.
func (s *stationImport) number(ctx context.Context, t *transaction, fresh *stationColumns) error {
	missing, above := 0, 0
	for _, tps := range fresh.given {
		if tps == "" {
			missing++
			continue
		}
		six, err := strconv.Atoi(string(tps[:6]))
		if err != nil {
			return fmt.Errorf("reading TPS code %s: %w", tps, err)
		}
		above = max(above, six+1)
	}
	if len(fresh.given) == 0 {
		return nil
	}
	var next int
	if err := t.tx.GetContext(ctx, &next, takeNumbers, s.election, s.regency, missing, above); err != nil {
		return fmt.Errorf("issuing TPS codes: %w", err)
	}
	for _, tps := range fresh.given {
		if tps == "" {
			var err error
			if tps, err = parser.NewTPSCode(strconv.Itoa(next)); err != nil {
				return fmt.Errorf("issuing TPS codes: %w", err)
			}
			next++
		}
		fresh.tps.next()
		fresh.tps.b = append(fresh.tps.b, tps...)
	}
	return nil
}

// stationColumns are rows turned into columns.
type stationColumns struct {
	n                                   int
	given                               []parser.TPSCode // as the rows have them
	code, tps, l, p, lat, lon, coverage array
}

func (c *stationColumns) add(code int64, r StationRow) {
	c.n++
	c.given = append(c.given, r.TPS)
	c.code.int(code)
	c.l.int(int64(r.VotersL))
	c.p.int(int64(r.VotersP))
	c.lat.float(r.Latitude)
	c.lon.float(r.Longitude)
	c.coverage.text(r.Coverage)
}
