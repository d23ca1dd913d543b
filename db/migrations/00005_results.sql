-- +goose Up
-- The only schema that other systems read.

CREATE SCHEMA results;
COMMENT ON SCHEMA results IS 'Confirmed results for other systems, with Sirekap''s names. Data sementara, bukan hasil resmi KPU';
GRANT USAGE ON SCHEMA results TO tali_results_reader, tali_desk;

CREATE VIEW results.station_result AS
SELECT p.election, p.kode_tps, p.jenis, p.putaran,
       e.figures[1:p.n] AS suara_paslon,
       e.figures[p.n + 1] AS suara_sah,
       e.figures[p.n + 2] AS suara_tidak_sah,
       e.figures[p.n + 3] AS suara_total,
       CASE WHEN p.form = 'full' THEN e.figures[p.n + 4] END AS pengguna_total_j,
       p.version AS versi
FROM (SELECT el.code AS election, s.station::text AS kode_tps, b.contest AS jenis, s.round AS putaran,
             s.version, s.election AS eid, s.station, s.ballot, s.round, s.entry, b.form,
             (SELECT count(*)::integer FROM registry.contestant c
               WHERE c.election = b.election AND c.regency = b.regency AND c.ballot = b.digit) AS n
        FROM tally.standing s
        JOIN registry.election el ON el.id = s.election
        JOIN registry.ballot b ON b.election = s.election AND b.regency = s.station / 1000000000 AND b.digit = s.ballot
       WHERE s.state = 'terverifikasi') p
JOIN tally.entry e ON e.election = p.eid AND e.province = (p.station / 100000000000)::smallint
  AND e.station = p.station AND e.ballot = p.ballot AND e.round = p.round AND e.revision = p.entry;
COMMENT ON VIEW results.station_result IS 'One row per confirmed station, contest and round';
COMMENT ON COLUMN results.station_result.kode_tps IS '13-digit code';
COMMENT ON COLUMN results.station_result.jenis IS 'ppwp, pkwkp, pkwkk, ...';
COMMENT ON COLUMN results.station_result.versi IS 'Rises with every change of the station''s case';
GRANT SELECT ON results.station_result TO tali_results_reader, tali_desk;
