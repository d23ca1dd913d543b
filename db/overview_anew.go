package db

import (
	"context"
	"fmt"
)

// The overview's counts as the facts have them, row by row.
const (
	arrivalsAnew = `
SELECT date_trunc('minute', stored_at) AS minute, count(*) AS messages
FROM intake.message WHERE kind <> 'retired' AND stored_at >= date_trunc('minute', now()) - interval '1 hour'
GROUP BY 1 ORDER BY 1`

	verdictCountsAnew = `
SELECT outcome, count(*) AS messages FROM intake.verdict WHERE election = $1 GROUP BY 1 ORDER BY 2 DESC, 1`

	// One read of what stands instead of all facts: revisions of a case are
	// 1, 2, ..., so their sum counts its entries, and what neither stands, waits
	// nor was rejected was replaced.
	entryCountsAnew = `
WITH s AS (
  SELECT count(*) FILTER (WHERE state = 'masuk') AS arrived, count(*) FILTER (WHERE state = 'terverifikasi') AS confirmed,
         coalesce(sum(held), 0) AS held, coalesce(sum(revision), 0) AS entries
  FROM tally.standing WHERE election = $1
), r AS (
  SELECT count(*) AS rejected FROM tally.decision d
  WHERE d.election = $1 AND d.state = 'ditolak' AND NOT EXISTS (SELECT FROM tally.decision n
    WHERE n.election = d.election AND n.station = d.station AND n.ballot = d.ballot AND n.round = d.round
      AND n.revision = d.revision AND n.id > d.id)
)
SELECT c.state, c.entries
FROM s CROSS JOIN r CROSS JOIN LATERAL (VALUES ('masuk', s.arrived), ('terverifikasi', s.confirmed), ('ditahan', s.held),
  ('ditolak', r.rejected), ('digantikan', s.entries - s.arrived - s.confirmed - s.held - r.rejected)) AS c (state, entries)
WHERE c.entries > 0 ORDER BY 1`

	ballotCoverageAnew = `
SELECT b.regency, b.digit, b.keyword, b.title,
  (SELECT count(*) FROM registry.station s WHERE s.election = b.election AND s.code BETWEEN b.regency * 1000000000::bigint AND b.regency * 1000000000::bigint + 999999999) AS expected,
  (SELECT count(*) FROM tally.standing s
    WHERE s.election = b.election AND s.ballot = b.digit AND s.entry IS NOT NULL
      AND s.station BETWEEN b.regency * 1000000000::bigint AND b.regency * 1000000000::bigint + 999999999 AND s.round = p.round) AS reporting
FROM registry.ballot b
JOIN (SELECT election, regency, max(round) AS round FROM registry.profile WHERE current GROUP BY 1, 2) AS p USING (election, regency)
WHERE b.election = $1 ORDER BY b.regency, b.digit`

	// The first entries are added up as they lie, without looking up which of
	// them stand: only the few cases where another one stands, or none, are
	// joined, to take the first out again and put the other in.
	ballotVotesAnew = `
WITH p AS MATERIALIZED (
  SELECT regency, max(round) AS round FROM registry.profile WHERE current AND election = $1 GROUP BY 1
), c AS MATERIALIZED (
  SELECT regency, ballot, number, name FROM registry.contestant WHERE election = $1
), other AS MATERIALIZED (
  SELECT station, ballot, round, entry FROM tally.standing
  WHERE election = $1 AND revision > 0 AND (entry > 1 OR entry IS NULL)
), first AS (
  SELECT e.station / 1000000000 AS regency, e.ballot, n.number, sum(e.figures[n.number]) AS votes
  FROM tally.entry e
  JOIN p ON p.regency = e.station / 1000000000 AND p.round = e.round
  JOIN c AS n ON n.regency = p.regency AND n.ballot = e.ballot
  WHERE e.election = $1 AND e.revision = 1 GROUP BY 1, 2, 3
), change AS (
  SELECT o.station / 1000000000 AS regency, o.ballot, n.number, sum(CASE WHEN e.revision = 1 THEN -e.figures[n.number] ELSE e.figures[n.number] END) AS votes
  FROM other o
  JOIN tally.entry e ON e.election = $1 AND e.province = (o.station / 100000000000)::smallint
    AND e.station = o.station AND e.ballot = o.ballot AND e.round = o.round AND (e.revision = 1 OR e.revision = o.entry)
  JOIN p ON p.regency = o.station / 1000000000 AND p.round = o.round
  JOIN c AS n ON n.regency = p.regency AND n.ballot = o.ballot
  GROUP BY 1, 2, 3
)
SELECT c.regency, c.ballot, c.number, c.name, coalesce(f.votes, 0) + coalesce(x.votes, 0) AS votes
FROM c
LEFT JOIN first f USING (regency, ballot, number)
LEFT JOIN change x USING (regency, ballot, number)
ORDER BY c.regency, c.ballot, c.number`

	replyCountsAnew = `
SELECT state, count(*) AS replies FROM outbox.reply GROUP BY 1 ORDER BY 1`

	villageCoverageAnew = `
WITH stations AS (
  SELECT s.code / 1000 AS village, count(*) AS stations FROM registry.station s WHERE s.election = $1 GROUP BY 1
), ballots AS (
  SELECT regency, count(*) AS ballots FROM registry.ballot WHERE election = $1 GROUP BY 1
), forms AS (
  SELECT t.station / 1000 AS village, count(*) FILTER (WHERE t.entry IS NOT NULL) AS reporting,
         count(*) FILTER (WHERE t.state = 'terverifikasi') AS confirmed, count(*) FILTER (WHERE t.held > 0) AS held
  FROM tally.standing t
  JOIN (SELECT regency, max(round) AS round FROM registry.profile WHERE current AND election = $1 GROUP BY 1) AS p
    ON p.regency = t.station / 1000000000 AND p.round = t.round
  WHERE t.election = $1 GROUP BY 1
)
SELECT s.village AS code, coalesce(v.name, s.village::text) AS name, coalesce(d.name, (s.village / 10000)::text) AS district,
       s.stations, s.stations * coalesce(b.ballots, 0) AS expected,
       coalesce(f.reporting, 0) AS reporting, coalesce(f.confirmed, 0) AS confirmed, coalesce(f.held, 0) AS held
FROM stations s
LEFT JOIN ballots b ON b.regency = s.village / 1000000
LEFT JOIN forms f ON f.village = s.village
LEFT JOIN registry.area v ON v.code = s.village
LEFT JOIN registry.area d ON d.code = s.village / 10000
ORDER BY s.village`
)

// OverviewAnew is Overview counted from the facts. It reads whole tables: for
// checks and measurements.
func (d *DB) OverviewAnew(ctx context.Context, election string) (*Overview, error) {
	o, err := d.overview(ctx, election, counting{
		arrivalsAnew, verdictCountsAnew, entryCountsAnew, ballotCoverageAnew, ballotVotesAnew, replyCountsAnew, villageCoverageAnew,
	})
	if err != nil {
		return nil, fmt.Errorf("counting %s anew: %w", election, err)
	}
	return o, nil
}
