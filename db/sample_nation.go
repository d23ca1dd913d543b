package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"tali/parser"
)

// Nation is how a centre that holds an opened election and nothing else is
// filled with the registry of a whole country, for a measurement.
type Nation struct {
	Stations int // at most MostNation
	Profile  *parser.Profile
	Progress Progress
}

// The shape of an invented country. In Pemilu 2024 a village had 9.8 stations, a
// district 11.5 villages, a regency 14.2 districts, a province 13.5 regencies.
const (
	stationsAVillage    = 10
	stationsADistrict   = 12 * stationsAVillage
	stationsARegency    = 14 * stationsADistrict
	stationsAProvince   = 13 * stationsARegency
	firstNationProvince = 11

	// MostNation is how many stations fit the provinces below the real election's.
	MostNation = 59 * stationsAProvince
)

// NationStation is the code of invented station i of a country.
func NationStation(i int) int64 {
	village := int64(firstNationProvince+i/stationsAProvince)*1e8 + int64(1+i%stationsAProvince/stationsARegency)*1e6 +
		int64(1+i%stationsARegency/stationsADistrict)*1e4 + int64(2001+i%stationsADistrict/stationsAVillage)
	return village*1000 + int64(1+i%stationsAVillage)
}

// NationTPS is its TPS code, which counts from the beginning in each regency.
func NationTPS(i int) int {
	six := 100_001 + i%stationsARegency
	return six*100 + 98 - six*100%97
}

const (
	nationAreas = `
INSERT INTO registry.area (code, level, name)
SELECT DISTINCT code, level, 'Rekaan ' || code FROM unnest($1::bigint[]) AS s(station), LATERAL (
  VALUES (station / 1000, 'village'), (station / 10000000, 'district'), (station / 1000000000, 'regency'), (station / 100000000000, 'province')) AS a(code, level)
ON CONFLICT DO NOTHING`

	// What the one real regency votes on, in every other one too.
	nationContests = `
WITH r AS (SELECT DISTINCT (station / 1000000000)::smallint AS regency FROM unnest($1::bigint[]) AS s(station)
), profile AS (
  INSERT INTO registry.profile (election, regency, version, digest, round, content, texts)
  SELECT p.election, r.regency, p.version, p.digest, p.round, p.content, p.texts FROM registry.profile p, r WHERE p.election = $2 AND p.regency = $3 AND p.current
), ballot AS (
  INSERT INTO registry.ballot (election, regency, digit, keyword, title, contest, form, unit)
  SELECT b.election, r.regency, b.digit, b.keyword, b.title, b.contest, b.form, b.unit FROM registry.ballot b, r WHERE b.election = $2 AND b.regency = $3
)
INSERT INTO registry.contestant (election, regency, ballot, number, name)
SELECT c.election, r.regency, c.ballot, c.number, c.name FROM registry.contestant c, r WHERE c.election = $2 AND c.regency = $3`

	nationStations = `
INSERT INTO registry.station (election, code, tps, voters_l, voters_p)
SELECT $1::smallint, code, tps, 124, 125 FROM unnest($2::bigint[], $3::integer[]) AS s(code, tps)`

	nationOfficers = `
WITH o AS (
  INSERT INTO registry.officer (election, name) SELECT $1::smallint, 'Petugas ' || code FROM unnest($2::bigint[]) AS s(code) RETURNING id, name
)
INSERT INTO registry.phone (election, phone, station, officer, valid_from)
SELECT $1::smallint, s.phone, s.code, o.id, '-infinity' FROM unnest($2::bigint[], $3::text[]) AS s(code, phone) JOIN o ON o.name = 'Petugas ' || s.code`
)

// FillNation fills the registry set-based, as the owner of the database: areas
// from village to province, the contests of the profile's regency in every
// regency, and a station each with an officer, whose phone is SamplePhone.
func FillNation(ctx context.Context, ownerDSN string, n Nation) (err error) {
	if n.Stations > MostNation {
		return fmt.Errorf("%d stations: at most %d", n.Stations, MostNation)
	}
	links, err := newConnector(ownerDSN, nil)
	if err != nil {
		return err
	}
	pool := sqlx.NewDb(openPool(links), "postgres")
	defer func() { err = errors.Join(err, pool.Close()) }()
	if err := n.fill(ctx, pool); err != nil {
		return fmt.Errorf("a nation for %s: %w", n.Profile.ID, classify(err))
	}
	return nil
}

func (n Nation) fill(ctx context.Context, pool *sqlx.DB) error {
	regency, err := strconv.Atoi(n.Profile.Regency)
	if err != nil {
		return err
	}
	var election int16
	if err := pool.GetContext(ctx, &election, electionID, n.Profile.ID); err != nil {
		return err
	}
	codes := make([]int64, n.Stations)
	tps, phones := make([]int64, n.Stations), make([]string, n.Stations)
	for i := range codes {
		codes[i], tps[i], phones[i] = NationStation(i), int64(NationTPS(i)), SamplePhone(i)
	}
	if _, err := pool.ExecContext(ctx, nationContests, pq.Array(codes), election, regency); err != nil {
		return fmt.Errorf("contests: %w", err)
	}
	for lo := 0; lo < n.Stations; lo += sampleStep {
		hi := min(lo+sampleStep, n.Stations)
		if err := fillNation(ctx, pool, election, codes[lo:hi], tps[lo:hi], phones[lo:hi]); err != nil {
			return err
		}
		n.Progress.report(hi, n.Stations)
	}
	_, err = pool.ExecContext(ctx, `ANALYZE`)
	return err
}

// fillNation adds some stations, with partitions for what they will report.
func fillNation(ctx context.Context, pool *sqlx.DB, election int16, codes, tps []int64, phones []string) error {
	provinces := make([]int64, len(codes))
	for i, code := range codes {
		provinces[i] = code / 1e11
	}
	for _, province := range slices.Compact(provinces) {
		if _, err := pool.ExecContext(ctx, `SELECT tally.open_partition($1::smallint, $2::smallint)`, election, province); err != nil {
			return fmt.Errorf("partition of province %d: %w", province, err)
		}
	}
	for _, part := range []struct {
		what, query string
		args        []any
	}{
		{"areas", nationAreas, []any{pq.Array(codes)}},
		{"stations", nationStations, []any{election, pq.Array(codes), pq.Array(tps)}},
		{"officers", nationOfficers, []any{election, pq.Array(codes), pq.Array(phones)}},
	} {
		if _, err := pool.ExecContext(ctx, part.query, part.args...); err != nil {
			return fmt.Errorf("%s: %w", part.what, err)
		}
	}
	return nil
}
