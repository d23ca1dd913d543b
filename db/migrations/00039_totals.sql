-- +goose Up
-- Totals of the whole country, and a projector that adds what changed instead of
-- summing each touched area anew: its cost no longer grows with what an area
-- holds.

ALTER TABLE results.area_total
  DROP CONSTRAINT area_total_kode_wilayah_check,
  ADD CONSTRAINT area_total_kode_wilayah_check CHECK (kode_wilayah ~ '^(0|[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{10})$'),
  DROP CONSTRAINT area_total_tingkat_check,
  ADD CONSTRAINT area_total_tingkat_check CHECK (tingkat IN ('desa', 'kecamatan', 'kabupaten', 'provinsi', 'nasional'));
COMMENT ON TABLE results.area_total IS 'Sums of the confirmed rows of each area, village to nation, with what they cover. An area without a confirmed row stands here with zeros';
COMMENT ON COLUMN results.area_total.kode_wilayah IS 'Kemendagri code: 2 digits province, 4 regency, 6 district, 10 village; 0 is the whole country';
COMMENT ON COLUMN results.area_total.tingkat IS 'desa, kecamatan, kabupaten, provinsi or nasional';
COMMENT ON COLUMN results.area_total.induk IS 'kode_wilayah of the area above; NULL for the whole country';
COMMENT ON COLUMN results.area_total.suara_paslon IS 'Votes by row of the form; NULL where nothing is confirmed, and where areas below have other rows: pkwkk above the regency, and for the whole country all but ppwp and pdpr';

CREATE OR REPLACE VIEW results.progress AS
SELECT t.election, t.kode_wilayah, CASE WHEN t.kode_wilayah = '0' THEN 'Indonesia' ELSE a.name END AS nama, t.tingkat, t.induk, t.jenis, t.putaran,
       t.tps_total, t.tps_melapor, t.tps_terverifikasi,
       t.pemilih_dpt_j, t.pemilih_dpt_j_tercakup,
       round(100.0 * t.tps_terverifikasi / nullif(t.tps_total, 0), 2) AS persen_tps,
       round(100.0 * t.pemilih_dpt_j_tercakup / nullif(t.pemilih_dpt_j, 0), 2) AS persen_pemilih,
       t.diperbarui
FROM results.area_total t
LEFT JOIN registry.area a ON a.code = t.kode_wilayah::bigint;
COMMENT ON COLUMN results.progress.tingkat IS 'desa, kecamatan, kabupaten, provinsi or nasional';
COMMENT ON COLUMN results.progress.induk IS 'kode_wilayah of the area above; NULL for the whole country';

-- Who has reported: told by the transaction of the first report itself, counted
-- by the projector. One statement brings a whole batch of the intake.
CREATE TABLE tally.newly_reported (
  election smallint NOT NULL,
  ballot   smallint NOT NULL,
  round    smallint NOT NULL,
  villages bigint[] NOT NULL
);
COMMENT ON TABLE tally.newly_reported IS 'First reports that are not in results yet';
COMMENT ON COLUMN tally.newly_reported.villages IS 'Of the stations of one transaction, one each: rows of their own would cost the intake more';
GRANT SELECT ON tally.newly_reported TO tali_desk;

-- +goose StatementBegin
CREATE FUNCTION tally.note_reports() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO tally.newly_reported (election, ballot, round, villages)
  SELECT election, ballot, round, array_agg(station / 1000) FROM fresh WHERE revision > 0 GROUP BY 1, 2, 3;
  RETURN NULL;
END $$;

-- The staff had closed the ballot before anything came.
CREATE FUNCTION tally.note_report() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO tally.newly_reported (election, ballot, round, villages)
  VALUES (NEW.election, NEW.ballot, NEW.round, ARRAY[NEW.station / 1000]);
  RETURN NULL;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION tally.note_reports, tally.note_report FROM PUBLIC;
CREATE TRIGGER reported_insert AFTER INSERT ON tally.standing
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tally.note_reports();
CREATE TRIGGER reported_update AFTER UPDATE ON tally.standing FOR EACH ROW
  WHEN (OLD.revision = 0 AND NEW.revision > 0) EXECUTE FUNCTION tally.note_report();
DROP TRIGGER stale ON tally.typed_entry;
DROP FUNCTION tally.note_typed;

DROP FUNCTION tally.project;
DROP FUNCTION tally.sum_villages, tally.sum_areas, tally.fold_changes;

-- The areas that hold an area or a station, itself left out. Neither of these two
-- sets its search path: then they become part of the queries that call them.
-- +goose StatementBegin
CREATE FUNCTION tally.above(code text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE AS $$
  SELECT left(code, digits) FROM unnest(ARRAY[10, 6, 4, 2]) AS digits WHERE digits < length(code) UNION ALL SELECT '0' WHERE code <> '0'
$$;

-- Whether the rows of a contest mean the same in all of an area. Local parties
-- stand in one province only.
CREATE FUNCTION tally.adds_up(contest text, area text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE contest WHEN 'pkwkk' THEN length(area) > 2 WHEN 'ppwp' THEN true WHEN 'pdpr' THEN true WHEN 'dpr' THEN true ELSE area <> '0' END
$$;

-- put_areas is the only one that writes area_total. What has not changed is not
-- written, so that subscribers are not told.
CREATE FUNCTION tally.put_areas(areas results.area_total[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog AS $$
  INSERT INTO results.area_total AS t SELECT (a).* FROM unnest(areas) AS a
  ON CONFLICT (kode_wilayah, jenis, putaran, election) DO UPDATE SET
    suara_paslon = excluded.suara_paslon, suara_sah = excluded.suara_sah, suara_tidak_sah = excluded.suara_tidak_sah,
    suara_total = excluded.suara_total, pengguna_total_j = excluded.pengguna_total_j, tps_total = excluded.tps_total,
    tps_melapor = excluded.tps_melapor, tps_terverifikasi = excluded.tps_terverifikasi, pemilih_dpt_j = excluded.pemilih_dpt_j,
    pemilih_dpt_j_tercakup = excluded.pemilih_dpt_j_tercakup, urutan = excluded.urutan, diperbarui = excluded.diperbarui
  WHERE (t.suara_paslon, t.suara_sah, t.suara_tidak_sah, t.suara_total, t.pengguna_total_j, t.tps_total, t.tps_melapor,
         t.tps_terverifikasi, t.pemilih_dpt_j, t.pemilih_dpt_j_tercakup)
    IS DISTINCT FROM (excluded.suara_paslon, excluded.suara_sah, excluded.suara_tidak_sah, excluded.suara_total, excluded.pengguna_total_j,
         excluded.tps_total, excluded.tps_melapor, excluded.tps_terverifikasi, excluded.pemilih_dpt_j, excluded.pemilih_dpt_j_tercakup)
$$;

-- changed_areas are the areas as they are with some events, and with so many of
-- the new reports, which leave their queue. It comes before the events are in
-- station_result, which says what they replace. Withdrawals are left out: what
-- they leave is summed anew.
--
-- Here and below events are named by their numbers: of "all after a number" the
-- planner would expect a third of the feed.
CREATE FUNCTION tally.changed_areas(events bigint[], most integer) RETURNS SETOF results.area_total
LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH last AS MATERIALIZED (
    SELECT DISTINCT ON (kode_tps, jenis, putaran, election) *
    FROM results.change_feed WHERE urutan = ANY (events) ORDER BY kode_tps, jenis, putaran, election, urutan DESC
  ), confirmed AS MATERIALIZED (
    SELECT l.*, r.suara_paslon AS before, l.suara_sah - coalesce(r.suara_sah, 0) AS sah, l.suara_tidak_sah - coalesce(r.suara_tidak_sah, 0) AS tidak_sah,
           l.suara_total - coalesce(r.suara_total, 0) AS total, l.pengguna_total_j - coalesce(r.pengguna_total_j, 0) AS pengguna,
           CASE WHEN r.kode_tps IS NULL THEN 1 ELSE 0 END AS stations,
           CASE WHEN r.kode_tps IS NULL THEN coalesce(s.voters_l, 0) + coalesce(s.voters_p, 0) ELSE 0 END AS voters
    FROM last l JOIN registry.election el ON el.code = l.election
    LEFT JOIN results.station_result r ON r.kode_tps = l.kode_tps AND r.jenis = l.jenis AND r.putaran = l.putaran AND r.election = l.election
    LEFT JOIN registry.station s ON s.code = l.kode_tps::bigint AND s.election = el.id
    WHERE l.peristiwa <> 'penarikan'
  ), reported AS (
    DELETE FROM tally.newly_reported WHERE ctid = ANY (ARRAY(SELECT ctid FROM tally.newly_reported LIMIT most / 50 + 1)) RETURNING election, ballot, round, villages
  ), votes AS (
    SELECT s.code, s.jenis, s.putaran, s.election, array_agg(s.votes ORDER BY s.n) AS votes FROM (
      SELECT a.code, c.jenis, c.putaran, c.election, u.n, sum(coalesce(u.x, 0) - coalesce(u.before, 0)) AS votes
      FROM confirmed c, tally.above(c.kode_tps) AS a(code), unnest(c.suara_paslon, c.before) WITH ORDINALITY AS u(x, before, n)
      WHERE tally.adds_up(c.jenis, a.code) GROUP BY 1, 2, 3, 4, 5) AS s GROUP BY 1, 2, 3, 4
  ), change AS (
    SELECT a.code, c.jenis, c.putaran, c.election, sum(c.sah) AS sah, sum(c.tidak_sah) AS tidak_sah, sum(c.total) AS total, sum(c.pengguna) AS pengguna,
           sum(c.stations) AS stations, sum(c.voters) AS voters, sum(c.reported) AS reported
    FROM (SELECT kode_tps, jenis, putaran, election, sah, tidak_sah, total, pengguna, stations, voters, 0 AS reported FROM confirmed
      UNION ALL
      SELECT r.village || '000', b.contest, r.round, el.code, 0, 0, 0, NULL, 0, 0, r.stations
      FROM (SELECT election, ballot, round, village, count(*) AS stations FROM reported, unnest(villages) AS village GROUP BY 1, 2, 3, 4) AS r
      JOIN registry.election el ON el.id = r.election
      JOIN registry.ballot b ON b.election = r.election AND b.regency = r.village / 1000000 AND b.digit = r.ballot) AS c,
    tally.above(c.kode_tps) AS a(code) GROUP BY 1, 2, 3, 4
  )
  SELECT t.election, t.kode_wilayah, t.tingkat, t.induk, t.jenis, t.putaran,
         CASE WHEN v.votes IS NULL THEN t.suara_paslon ELSE (
           SELECT array_agg((coalesce(u.x, 0) + coalesce(u.more, 0))::bigint ORDER BY u.n)
           FROM unnest(t.suara_paslon, v.votes) WITH ORDINALITY AS u(x, more, n)) END,
         t.suara_sah + c.sah, t.suara_tidak_sah + c.tidak_sah, t.suara_total + c.total,
         CASE WHEN c.pengguna IS NULL THEN t.pengguna_total_j ELSE coalesce(t.pengguna_total_j, 0) + c.pengguna END,
         t.tps_total, t.tps_melapor + c.reported::integer, t.tps_terverifikasi + c.stations::integer, t.pemilih_dpt_j,
         t.pemilih_dpt_j_tercakup + c.voters, greatest(t.urutan, (SELECT max(e) FROM unnest(events) AS e)), clock_timestamp()
  FROM change c
  JOIN results.area_total t ON t.kode_wilayah = c.code AND t.jenis = c.jenis AND t.putaran = c.putaran AND t.election = c.election
  LEFT JOIN votes v ON v.code = c.code AND v.jenis = c.jenis AND v.putaran = c.putaran AND v.election = c.election
$$;

-- summed_villages are villages from their stations' rows. New reports that can be
-- seen are in that count, and leave their queue in the same statement.
CREATE FUNCTION tally.summed_villages(elections smallint[], villages bigint[]) RETURNS SETOF results.area_total
LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH v AS MATERIALIZED (
    SELECT DISTINCT u.election, u.village FROM unnest(elections, villages) AS u(election, village)
  ), contest AS (
    SELECT v.election AS eid, v.village, el.code AS election, b.digit, b.contest, r.round
    FROM v JOIN registry.election el ON el.id = v.election
    JOIN registry.ballot b ON b.election = v.election AND b.regency = v.village / 1000000
    JOIN LATERAL (SELECT DISTINCT p.round FROM registry.profile p
      WHERE p.election = v.election AND p.regency = v.village / 1000000 AND p.current) AS r ON true
  ), counted AS (
    UPDATE tally.newly_reported n
    SET villages = ARRAY(SELECT u.village FROM unnest(n.villages) AS u(village) WHERE NOT EXISTS (SELECT FROM v WHERE v.election = n.election AND v.village = u.village))
    WHERE n.villages && $2
  ), gone AS (
    DELETE FROM results.area_total t USING v, registry.election el
    WHERE el.id = v.election AND t.election = el.code AND t.kode_wilayah = v.village::text AND NOT EXISTS (
      SELECT FROM contest c WHERE c.eid = v.election AND c.village = v.village AND c.contest = t.jenis AND c.round = t.putaran)
  )
  SELECT c.election, c.village::text, 'desa', (c.village / 10000)::text, c.contest, c.round,
         (SELECT array_agg(s.votes ORDER BY s.n) FROM (
            SELECT n, sum(x) AS votes FROM results.station_result r, unnest(r.suara_paslon) WITH ORDINALITY AS u(x, n)
            WHERE r.kode_tps BETWEEN c.village || '000' AND c.village || '999' AND r.jenis = c.contest AND r.putaran = c.round AND r.election = c.election
            GROUP BY n) AS s),
         f.sah, f.tidak_sah, f.total, f.pengguna, e.stations::integer, l.stations::integer, f.stations::integer, e.voters, f.voters,
         (SELECT coalesce(max(urutan), 0) FROM results.change_feed), clock_timestamp()
  FROM contest c
  JOIN LATERAL (SELECT coalesce(sum(r.suara_sah), 0) AS sah, coalesce(sum(r.suara_tidak_sah), 0) AS tidak_sah,
           coalesce(sum(r.suara_total), 0) AS total, sum(r.pengguna_total_j) AS pengguna, count(*) AS stations,
           coalesce(sum(coalesce(s.voters_l, 0) + coalesce(s.voters_p, 0)), 0) AS voters
      FROM results.station_result r LEFT JOIN registry.station s ON s.code = r.kode_tps::bigint AND s.election = c.eid
     WHERE r.kode_tps BETWEEN c.village || '000' AND c.village || '999' AND r.jenis = c.contest AND r.putaran = c.round AND r.election = c.election) AS f ON true
  JOIN LATERAL (SELECT count(*) AS stations, coalesce(sum(coalesce(s.voters_l, 0) + coalesce(s.voters_p, 0)), 0) AS voters
      FROM registry.station s WHERE s.code / 1000 = c.village AND s.election = c.eid) AS e ON true
  JOIN LATERAL (SELECT count(*) AS stations FROM tally.standing s
     WHERE s.station BETWEEN c.village * 1000 AND c.village * 1000 + 999 AND s.ballot = c.digit AND s.round = c.round
       AND s.election = c.eid AND s.revision > 0) AS l ON true
$$;

-- summed_areas are areas from those just below them.
CREATE FUNCTION tally.summed_areas(codes text[]) RETURNS SETOF results.area_total
LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH gone AS (
    DELETE FROM results.area_total t WHERE t.kode_wilayah = ANY (codes) AND NOT EXISTS (
      SELECT FROM results.area_total c WHERE c.induk = t.kode_wilayah AND c.jenis = t.jenis AND c.putaran = t.putaran AND c.election = t.election)
  )
  SELECT c.election, c.induk,
         CASE length(c.induk) WHEN 6 THEN 'kecamatan' WHEN 4 THEN 'kabupaten' WHEN 2 THEN 'provinsi' ELSE 'nasional' END,
         (SELECT a FROM tally.above(c.induk) AS a ORDER BY length(a) DESC LIMIT 1), c.jenis, c.putaran,
         CASE WHEN tally.adds_up(c.jenis, c.induk) THEN (
           SELECT array_agg(s.votes ORDER BY s.n) FROM (
             SELECT n, sum(x)::bigint AS votes FROM results.area_total k, unnest(k.suara_paslon) WITH ORDINALITY AS u(x, n)
             WHERE k.induk = c.induk AND k.jenis = c.jenis AND k.putaran = c.putaran AND k.election = c.election
             GROUP BY n) AS s) END,
         sum(c.suara_sah)::bigint, sum(c.suara_tidak_sah)::bigint, sum(c.suara_total)::bigint, sum(c.pengguna_total_j)::bigint,
         sum(c.tps_total)::integer, sum(c.tps_melapor)::integer, sum(c.tps_terverifikasi)::integer, sum(c.pemilih_dpt_j)::bigint, sum(c.pemilih_dpt_j_tercakup)::bigint,
         max(c.urutan), clock_timestamp()
  FROM results.area_total c WHERE c.induk = ANY (codes)
  GROUP BY c.election, c.induk, c.jenis, c.putaran
$$;

-- sum_anew has villages and all that lies above them summed from their rows.
CREATE FUNCTION tally.sum_anew(elections smallint[], villages bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  digits integer;
BEGIN
  PERFORM tally.put_areas(ARRAY(SELECT a FROM tally.summed_villages(elections, villages) AS a));
  FOREACH digits IN ARRAY ARRAY[6, 4, 2, 1] LOOP
    PERFORM tally.put_areas(ARRAY(SELECT a FROM tally.summed_areas(
      ARRAY(SELECT DISTINCT u.code FROM unnest(villages) AS v, tally.above(v::text) AS u(code) WHERE length(u.code) = digits)) AS a));
  END LOOP;
END $$;

-- number_changes turns the oldest decisions into events of the feed and takes
-- them from the queue; the rows of one act are one event. For one case they come
-- in the order in which they were made, because its lock is held until they
-- commit.
CREATE OR REPLACE FUNCTION tally.number_changes(most integer) RETURNS void
LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH oldest AS (
    SELECT station, act FROM tally.unprojected WHERE decision = ANY (ARRAY(SELECT decision FROM tally.unprojected ORDER BY decision LIMIT most))
  ), taken AS (
    DELETE FROM tally.unprojected u USING (SELECT DISTINCT station, act FROM oldest) AS o
    WHERE u.station = o.station AND u.act = o.act RETURNING u.decision
  ), acts AS (
    SELECT d.election, d.station, d.ballot, d.round, min(d.id) AS first, max(d.at) AS at, d.version + 1 AS version,
           max(d.revision) FILTER (WHERE d.state = 'terverifikasi') AS final,
           bool_or(d.was = 'terverifikasi') AS replaces
    FROM taken JOIN tally.decision d ON d.id = taken.decision
    GROUP BY d.election, d.station, d.ballot, d.round, d.act, d.version
  ), events AS (
    SELECT a.*, el.code, b.contest, b.form, e.figures AS f, e.message,
           (SELECT count(*)::integer FROM registry.contestant c
             WHERE c.election = b.election AND c.regency = b.regency AND c.ballot = b.digit) AS n
    FROM acts a
    JOIN registry.election el ON el.id = a.election
    LEFT JOIN registry.ballot b ON b.election = a.election AND b.regency = a.station / 1000000000 AND b.digit = a.ballot
    LEFT JOIN tally.entry e ON e.station = a.station AND e.ballot = a.ballot AND e.round = a.round AND e.revision = a.final
      AND e.election = a.election AND e.province = (a.station / 100000000000)::smallint
  )
  INSERT INTO results.change_feed (urutan, waktu, peristiwa, election, kode_tps, jenis, putaran,
    suara_paslon, suara_sah, suara_tidak_sah, suara_total, pengguna_total_j,
    surat_suara_diterima, surat_suara_digunakan, surat_suara_dikembalikan, surat_suara_tidak_digunakan, sumber, revisi, versi)
  SELECT (SELECT coalesce(max(urutan), 0) FROM results.change_feed) + row_number() OVER (ORDER BY first),
         at, CASE WHEN final IS NULL THEN 'penarikan' WHEN replaces THEN 'koreksi' ELSE 'konfirmasi' END,
         code, station::text, contest, round, f[1:n], f[n + 1], f[n + 2], f[n + 3],
         CASE WHEN form = 'full' THEN f[n + 4] END, CASE WHEN form = 'full' THEN f[n + 5] END,
         CASE WHEN form = 'full' THEN f[n + 6] END, CASE WHEN form = 'full' THEN f[n + 7] END,
         CASE WHEN form = 'full' THEN f[n + 8] END,
         CASE WHEN final IS NOT NULL THEN CASE WHEN message IS NULL THEN 'manual' ELSE 'sms' END END, final, version
  FROM events
$$;

-- fold_changes brings events into station_result.
CREATE FUNCTION tally.fold_changes(events bigint[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH last AS MATERIALIZED (
    SELECT DISTINCT ON (kode_tps, jenis, putaran, election) *
    FROM results.change_feed WHERE urutan = ANY (events) ORDER BY kode_tps, jenis, putaran, election, urutan DESC
  ), gone AS (
    DELETE FROM results.station_result r USING last l
    WHERE l.peristiwa = 'penarikan' AND r.kode_tps = l.kode_tps AND r.jenis = l.jenis AND r.putaran = l.putaran AND r.election = l.election
  )
  INSERT INTO results.station_result (election, kode_tps, jenis, putaran, suara_paslon, suara_sah, suara_tidak_sah, suara_total, pengguna_total_j,
    surat_suara_diterima, surat_suara_digunakan, surat_suara_dikembalikan, surat_suara_tidak_digunakan, sumber, revisi, versi, urutan)
  SELECT election, kode_tps, jenis, putaran, suara_paslon, suara_sah, suara_tidak_sah, suara_total, pengguna_total_j,
    surat_suara_diterima, surat_suara_digunakan, surat_suara_dikembalikan, surat_suara_tidak_digunakan, sumber, revisi, versi, urutan
  FROM last WHERE peristiwa <> 'penarikan'
  ON CONFLICT (kode_tps, jenis, putaran, election) DO UPDATE SET
    suara_paslon = excluded.suara_paslon, suara_sah = excluded.suara_sah, suara_tidak_sah = excluded.suara_tidak_sah,
    suara_total = excluded.suara_total, pengguna_total_j = excluded.pengguna_total_j,
    surat_suara_diterima = excluded.surat_suara_diterima, surat_suara_digunakan = excluded.surat_suara_digunakan,
    surat_suara_dikembalikan = excluded.surat_suara_dikembalikan, surat_suara_tidak_digunakan = excluded.surat_suara_tidak_digunakan,
    sumber = excluded.sumber, revisi = excluded.revisi, versi = excluded.versi, urutan = excluded.urutan
$$;

-- project is the projector's one step: nobody else writes to results. Each
-- statement sees what was committed before it, so the lock must come first and
-- the transaction be READ COMMITTED.
CREATE FUNCTION tally.project(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET enable_seqscan = off SET jit = off AS $$
DECLARE
  before bigint;
  last bigint;
  events bigint[];
  areas results.area_total[];
  elections smallint[];
  villages bigint[];
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'the projector works in READ COMMITTED only';
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended('tally.project', 0)) THEN
    RETURN 0;
  END IF;
  SELECT coalesce(max(urutan), 0) INTO before FROM results.change_feed;
  PERFORM tally.number_changes(most);
  SELECT coalesce(max(urutan), 0) INTO last FROM results.change_feed;
  events := ARRAY(SELECT generate_series(before + 1, last));
  areas := ARRAY(SELECT a FROM tally.changed_areas(events, most) AS a);
  PERFORM tally.put_areas(areas);
  PERFORM tally.fold_changes(events);
  WITH stale AS (
    DELETE FROM tally.stale_village WHERE ctid = ANY (ARRAY(SELECT ctid FROM tally.stale_village LIMIT most)) RETURNING election, village
  ), touched AS (
    SELECT election, village FROM stale
    UNION SELECT el.id, left(f.kode_tps, 10)::bigint FROM results.change_feed f JOIN registry.election el ON el.code = f.election
      WHERE f.urutan = ANY (events) AND f.peristiwa = 'penarikan'
  )
  SELECT array_agg(election), array_agg(village) INTO elections, villages FROM touched;
  IF villages IS NOT NULL THEN
    PERFORM tally.sum_anew(elections, villages);
  END IF;
  IF last > before OR villages IS NOT NULL OR cardinality(areas) > 0 THEN
    PERFORM pg_notify('tali_results', last::text);
  END IF;
  RETURN last - before + cardinality(areas) + coalesce(cardinality(villages), 0);
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION tally.above, tally.adds_up, tally.put_areas, tally.changed_areas, tally.summed_villages, tally.summed_areas, tally.sum_anew,
  tally.fold_changes, tally.project FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tally.project TO tali_desk;
COMMENT ON FUNCTION tally.project IS 'Brings what was decided and who has reported into results, in batches; 0 when nothing is left or another projector works';

-- Sealing has no villages counted any more.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit.seal_intake() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  m audit.mark;
  key smallint;
  first timestamptz;
  hi timestamptz;
  n integer := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('audit.seal_intake', 0)) THEN
    RETURN 0;
  END IF;
  SELECT * INTO m FROM audit.mark;
  IF m.until >= m.horizon THEN
    IF clock_timestamp() - interval '10 seconds' > m.until THEN
      hi := clock_timestamp() - interval '5 seconds';
      UPDATE audit.mark SET horizon = hi, busy = ARRAY(
        SELECT virtualtransaction FROM pg_locks WHERE locktype = 'virtualxid' AND mode = 'ExclusiveLock' AND granted AND pid <> pg_backend_pid());
    END IF;
    RETURN 0;
  END IF;
  IF EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted AND l.virtualtransaction = ANY (m.busy)
      AND (clock_timestamp() < m.horizon + interval '2 minutes' OR EXISTS (
        SELECT FROM pg_locks x WHERE x.locktype = 'transactionid' AND x.mode = 'ExclusiveLock' AND x.virtualtransaction = l.virtualtransaction))) THEN
    RETURN 0;
  END IF;
  SELECT min(stored_at) INTO first FROM intake.message WHERE stored_at >= m.until AND stored_at < least(m.until + interval '10 seconds', m.horizon);
  IF first IS NULL THEN
    SELECT min(stored_at) INTO first FROM intake.message WHERE stored_at >= m.until AND stored_at < m.horizon;
  END IF;
  hi := m.horizon;
  IF first IS NOT NULL THEN
    hi := least(first + interval '10 seconds', hi);
    SELECT max(id) INTO key FROM audit.secret;
    INSERT INTO audit.seal (lo, hi, messages, secret, digest, leaves)
    SELECT first, hi, count(*), key, sha256(string_agg(l.digest, ''::bytea ORDER BY l.message)),
           string_agg(uuid_send(l.message) || substr(l.digest, 1, 8), ''::bytea ORDER BY l.message)
    FROM audit.leaves(first, hi, key) AS l RETURNING messages INTO n;
  END IF;
  UPDATE audit.mark SET until = hi;
  RETURN n;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION audit.seal_intake IS 'Seals some seconds of intake; returns its messages';

INSERT INTO tally.stale_village (election, village) SELECT DISTINCT election, code / 1000 FROM registry.station;
