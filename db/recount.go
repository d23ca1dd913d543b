package db

import (
	"context"
	"fmt"

	"github.com/lib/pq"
)

// A recount from stations, standing and entries. It shares nothing with the
// projector, which adds what changed. Elections whose rows were archived are left
// out: $2.
const recount = `
WITH base AS (
  SELECT el.code AS election, st.code::text AS station, b.contest, p.round, coalesce(st.voters_l, 0) + coalesce(st.voters_p, 0) AS voters,
         coalesce(s.revision, 0) > 0 AS reported, e.figures AS f, b.form,
         (SELECT count(*)::integer FROM registry.contestant c WHERE c.election = b.election AND c.regency = b.regency AND c.ballot = b.digit) AS n
  FROM registry.station st
  JOIN registry.election el ON el.id = st.election AND el.code <> ALL ($2)
  JOIN registry.ballot b ON b.election = st.election AND b.regency = st.code / 1000000000
  JOIN (SELECT DISTINCT election, regency, round FROM registry.profile WHERE current) AS p ON p.election = b.election AND p.regency = b.regency
  LEFT JOIN tally.standing s ON s.station = st.code AND s.ballot = b.digit AND s.round = p.round AND s.election = st.election
  LEFT JOIN tally.entry e ON s.state = 'terverifikasi' AND e.station = s.station AND e.ballot = s.ballot AND e.round = s.round
    AND e.election = s.election AND e.revision = s.entry AND e.province = (s.station / 100000000000)::smallint
), levels AS (
  SELECT *, CASE digits WHEN 0 THEN '0' ELSE left(station, digits) END AS area FROM base, unnest(ARRAY[10, 6, 4, 2, 0]) AS digits
), sums AS (
  SELECT election, area, contest, round,
         coalesce(sum(f[n + 1]), 0) AS sah, coalesce(sum(f[n + 2]), 0) AS tidak_sah, coalesce(sum(f[n + 3]), 0) AS total,
         sum(f[n + 4]) FILTER (WHERE form = 'full') AS pengguna, count(*) AS stations, count(*) FILTER (WHERE reported) AS reported,
         count(f) AS confirmed, sum(voters) AS voters, coalesce(sum(voters) FILTER (WHERE f IS NOT NULL), 0) AS covered
  FROM levels GROUP BY election, area, contest, round
), votes AS (
  SELECT election, area, contest, round, array_agg(votes ORDER BY line) AS votes
  FROM (SELECT election, area, contest, round, line, sum(v) AS votes
          FROM levels, unnest(f[1:n]) WITH ORDINALITY AS u(v, line)
         WHERE digits >= CASE WHEN contest = 'pkwkk' THEN 4 WHEN contest IN ('ppwp', 'pdpr', 'dpr') THEN 0 ELSE 2 END
         GROUP BY election, area, contest, round, line) AS s
  GROUP BY election, area, contest, round
)
SELECT coalesce(t.kode_wilayah, s.area) AS area, coalesce(t.jenis, s.contest) AS contest, coalesce(t.putaran, s.round) AS round,
       coalesce(concat_ws(' ', t.suara_paslon, t.suara_sah, t.suara_tidak_sah, t.suara_total, t.pengguna_total_j,
         t.tps_total, t.tps_melapor, t.tps_terverifikasi, t.pemilih_dpt_j, t.pemilih_dpt_j_tercakup), '') AS published,
       coalesce(concat_ws(' ', v.votes, s.sah, s.tidak_sah, s.total, s.pengguna, s.stations, s.reported, s.confirmed, s.voters, s.covered), '') AS counted
FROM sums s LEFT JOIN votes v USING (election, area, contest, round)
FULL JOIN results.area_total t ON t.kode_wilayah = s.area AND t.jenis = s.contest AND t.putaran = s.round AND t.election = s.election
WHERE coalesce(t.election, s.election) <> ALL ($2) AND (t.kode_wilayah IS NULL OR s.area IS NULL
   OR (t.suara_paslon, t.suara_sah, t.suara_tidak_sah, t.suara_total, t.pengguna_total_j,
       t.tps_total, t.tps_terverifikasi, t.pemilih_dpt_j, t.pemilih_dpt_j_tercakup)
     IS DISTINCT FROM (v.votes::bigint[], s.sah, s.tidak_sah, s.total, s.pengguna, s.stations, s.confirmed, s.voters, s.covered)
   OR $1 AND t.tps_melapor <> s.reported)
ORDER BY 1, 2, 3`

// TotalDifference is a row of results.area_total that a recount does not give.
type TotalDifference struct {
	Area      string
	Contest   string
	Round     int
	Published string // empty: there is no such row
	Counted   string // empty: there should be none
}

// Recount compares the totals of every area with what their rows give. Everything
// that was decided must have been projected before. Who has reported is compared
// with strict only: it is counted some seconds late.
func (d *DB) Recount(ctx context.Context, strict bool) ([]TotalDifference, error) {
	var gone []retiredElection
	if err := d.list(ctx, &gone, auditRetirements); err != nil {
		return nil, fmt.Errorf("counting totals again: %w", err)
	}
	var out []TotalDifference
	if err := d.list(ctx, &out, recount, strict, pq.Array(retiredCodes(gone))); err != nil {
		return nil, fmt.Errorf("counting totals again: %w", err)
	}
	return out, nil
}

func retiredCodes(all []retiredElection) []string {
	out := make([]string, len(all))
	for i, r := range all {
		out[i] = r.Code
	}
	return out
}
