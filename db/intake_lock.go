package db

import (
	"context"
	"hash/fnv"
	"slices"
	"strconv"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// intakeStatements are those of one intake transaction, prepared on the pool.
type intakeStatements struct {
	lock, known, officers, neutral, cases, questions, codes, write, addCodes *sqlx.Stmt
}

func (d *DB) intakeStatements(ctx context.Context) (s intakeStatements, err error) {
	for _, p := range []struct {
		into  **sqlx.Stmt
		query string
	}{
		{&s.lock, lockBatch}, {&s.known, knownKeys}, {&s.officers, officersOf},
		{&s.neutral, neutralReplies}, {&s.cases, casesOf}, {&s.questions, questionsOf}, {&s.write, writeBatch},
		{&s.codes, codesOf}, {&s.addCodes, addCodes},
	} {
		if *p.into, err = d.prepare(ctx, p.query); err != nil {
			return s, err
		}
	}
	return s, nil
}

// unknownLock is taken for senders that are not registered: their answers are
// counted together. Like the locks on phones it is negative, stations are not.
const unknownLock = -1

// lockBatch locks the senders, the stations bound to them and the stations that
// messages name, in one order for everybody, and returns the stations. Sorting
// stands below the locking, so that the locks are taken in that order. The
// subquery, where a join would do, keeps a planner without statistics from walking
// all stations of the regency.
const lockBatch = `
WITH sender AS MATERIALIZED (
  SELECT phone, lock FROM unnest($2::text[], $3::bigint[]) AS s(phone, lock)
), bound AS MATERIALIZED (
  SELECT s.phone, p.station
  FROM sender s LEFT JOIN registry.phone p ON p.phone = s.phone AND p.election = $1
), wanted AS (
  SELECT lock FROM sender
  UNION SELECT station FROM bound WHERE station IS NOT NULL
  UNION SELECT (SELECT code FROM registry.station WHERE election = $1 AND tps = n.tps AND code / 1000000000 = $4)
    FROM unnest($5::integer[]) AS n(tps)
  UNION SELECT -1 FROM bound WHERE station IS NULL
)
SELECT coalesce(array_agg(lock) FILTER (WHERE lock > 0), '{}'), count(taken)
FROM (SELECT lock, pg_advisory_xact_lock(lock) AS taken
      FROM (SELECT lock FROM wanted WHERE lock IS NOT NULL ORDER BY lock) AS sorted OFFSET 0) AS locks`

// lock takes the locks of messages lo to hi and says which stations it has.
func (in *intake) lock(ctx context.Context, t *transaction, lo, hi int) (map[int64]bool, error) {
	var phones, locks, codes array
	for _, phone := range distinct(in.phones[lo:hi]) {
		phones.text(phone)
		locks.int(phoneLock(phone))
	}
	for _, tps := range in.namedCodes(lo, hi) {
		codes.int(tps)
	}
	var stations pq.Int64Array
	var taken int
	err := t.on(ctx, in.stmts.lock).QueryRowContext(ctx, in.row.Election,
		phones.String(), locks.String(), in.regency, codes.String()).Scan(&stations, &taken)
	if err != nil {
		return nil, err
	}
	locked := make(map[int64]bool, len(stations))
	for _, station := range stations {
		locked[station] = true
	}
	return locked, nil
}

// namedCodes lists the TPS codes that the messages name, as typed and valid.
func (in *intake) namedCodes(lo, hi int) []int64 {
	codes := make([]int64, 0, hi-lo)
	for _, r := range in.reports[lo:hi] {
		if r == nil {
			continue
		}
		for _, tps := range [...]string{string(r.TPS), string(r.Answer.TPS)} {
			if len(tps) != 8 {
				continue
			}
			if n, err := strconv.ParseInt(tps, 10, 32); err == nil {
				codes = append(codes, n)
			}
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// phoneLock is the lock of a phone: negative, so that it never meets a station's.
func phoneLock(phone string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(phone)) // never fails
	return min(-int64(h.Sum64()>>1), unknownLock-1)
}

func distinct(values []string) []string {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
