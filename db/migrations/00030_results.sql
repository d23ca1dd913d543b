-- +goose Up
-- The results interface, version 1. Tables, because publications refuse views,
-- and written by one projector, because sequence numbers commit out of order: a
-- reader past 2 would never see a 1 that committed later.

DROP VIEW results.station_result;

CREATE TABLE results.change_feed (
  urutan                       bigint NOT NULL PRIMARY KEY CHECK (urutan > 0),
  waktu                        timestamptz NOT NULL,
  dicatat                      timestamptz NOT NULL DEFAULT clock_timestamp(),
  peristiwa                    text NOT NULL CHECK (peristiwa IN ('konfirmasi', 'koreksi', 'penarikan')),
  election                     text NOT NULL,
  kode_tps                     text NOT NULL CHECK (kode_tps ~ '^[0-9]{13}$'),
  jenis                        text NOT NULL,
  putaran                      smallint NOT NULL,
  suara_paslon                 smallint[],
  suara_sah                    smallint,
  suara_tidak_sah              smallint,
  suara_total                  smallint,
  pengguna_total_j             smallint,
  surat_suara_diterima         smallint,
  surat_suara_digunakan        smallint,
  surat_suara_dikembalikan     smallint,
  surat_suara_tidak_digunakan  smallint,
  sumber                       text CHECK (sumber IN ('sms', 'manual')),
  revisi                       smallint,
  versi                        integer NOT NULL,
  CONSTRAINT figures_unless_withdrawn CHECK ((peristiwa = 'penarikan') = (suara_paslon IS NULL)
    AND num_nulls(suara_paslon, suara_sah, suara_tidak_sah, suara_total, sumber, revisi) IN (0, 6))
);
SELECT registry.protect('results.change_feed');
COMMENT ON TABLE results.change_feed IS 'Every change of what is confirmed, numbered without a gap; applied in order to nothing it gives station_result. Never changed, never shortened';
COMMENT ON COLUMN results.change_feed.urutan IS 'Number of the event: 1, 2, 3, ... without a gap, visible in that order';
COMMENT ON COLUMN results.change_feed.waktu IS 'When the staff decided, UTC';
COMMENT ON COLUMN results.change_feed.dicatat IS 'When the event was numbered, UTC';
COMMENT ON COLUMN results.change_feed.peristiwa IS 'konfirmasi: figures are confirmed for the first time or anew; koreksi: others replace confirmed ones; penarikan: confirmed figures are withdrawn';
COMMENT ON COLUMN results.change_feed.election IS 'Id of the election, e.g. pilkada-2024';
COMMENT ON COLUMN results.change_feed.kode_tps IS 'Station: 10-digit Kemendagri village and 3-digit TPS';
COMMENT ON COLUMN results.change_feed.jenis IS 'Contest: ppwp, dpd, dpr, dprdp, dprdk, pkwkp (governor), pkwkk (regent or mayor)';
COMMENT ON COLUMN results.change_feed.putaran IS 'Round: 1 the first count; a re-vote is another round';
COMMENT ON COLUMN results.change_feed.suara_paslon IS 'Votes by row of the form; NULL when withdrawn';
COMMENT ON COLUMN results.change_feed.suara_sah IS 'Valid votes; NULL when withdrawn';
COMMENT ON COLUMN results.change_feed.suara_tidak_sah IS 'Invalid votes; NULL when withdrawn';
COMMENT ON COLUMN results.change_feed.suara_total IS 'Valid and invalid votes as the form has them; NULL when withdrawn';
COMMENT ON COLUMN results.change_feed.pengguna_total_j IS 'People who voted; NULL when withdrawn or not reported (short form)';
COMMENT ON COLUMN results.change_feed.surat_suara_diterima IS 'Ballot papers received, with reserve; NULL like pengguna_total_j';
COMMENT ON COLUMN results.change_feed.surat_suara_digunakan IS 'Ballot papers used; NULL like pengguna_total_j';
COMMENT ON COLUMN results.change_feed.surat_suara_dikembalikan IS 'Ballot papers returned as spoiled; NULL like pengguna_total_j';
COMMENT ON COLUMN results.change_feed.surat_suara_tidak_digunakan IS 'Ballot papers not used; NULL like pengguna_total_j';
COMMENT ON COLUMN results.change_feed.sumber IS 'sms: an officer''s SMS; manual: keyed in by two of the staff; NULL when withdrawn';
COMMENT ON COLUMN results.change_feed.revisi IS 'Which report of the station it is: 1, 2, ...; NULL when withdrawn';
COMMENT ON COLUMN results.change_feed.versi IS 'Rises with every change of the station''s contest';

CREATE TABLE results.station_result (
  election                     text NOT NULL,
  kode_tps                     text NOT NULL CHECK (kode_tps ~ '^[0-9]{13}$'),
  jenis                        text NOT NULL,
  putaran                      smallint NOT NULL,
  suara_paslon                 smallint[] NOT NULL,
  suara_sah                    smallint NOT NULL,
  suara_tidak_sah              smallint NOT NULL,
  suara_total                  smallint NOT NULL,
  pengguna_total_j             smallint,
  surat_suara_diterima         smallint,
  surat_suara_digunakan        smallint,
  surat_suara_dikembalikan     smallint,
  surat_suara_tidak_digunakan  smallint,
  sumber                       text NOT NULL CHECK (sumber IN ('sms', 'manual')),
  revisi                       smallint NOT NULL,
  versi                        integer NOT NULL,
  urutan                       bigint NOT NULL,
  PRIMARY KEY (kode_tps, jenis, putaran, election)
);
COMMENT ON TABLE results.station_result IS 'One row for each station, contest and round whose figures are confirmed now';
COMMENT ON COLUMN results.station_result.election IS 'Id of the election, e.g. pilkada-2024';
COMMENT ON COLUMN results.station_result.kode_tps IS 'Station: 10-digit Kemendagri village and 3-digit TPS';
COMMENT ON COLUMN results.station_result.jenis IS 'Contest: ppwp, dpd, dpr, dprdp, dprdk, pkwkp (governor), pkwkk (regent or mayor)';
COMMENT ON COLUMN results.station_result.putaran IS 'Round: 1 the first count; a re-vote is another round';
COMMENT ON COLUMN results.station_result.suara_paslon IS 'Votes by row of the form';
COMMENT ON COLUMN results.station_result.suara_sah IS 'Valid votes';
COMMENT ON COLUMN results.station_result.suara_tidak_sah IS 'Invalid votes';
COMMENT ON COLUMN results.station_result.suara_total IS 'Valid and invalid votes as the form has them';
COMMENT ON COLUMN results.station_result.pengguna_total_j IS 'People who voted; NULL when not reported (short form)';
COMMENT ON COLUMN results.station_result.surat_suara_diterima IS 'Ballot papers received, with reserve; NULL like pengguna_total_j';
COMMENT ON COLUMN results.station_result.surat_suara_digunakan IS 'Ballot papers used; NULL like pengguna_total_j';
COMMENT ON COLUMN results.station_result.surat_suara_dikembalikan IS 'Ballot papers returned as spoiled; NULL like pengguna_total_j';
COMMENT ON COLUMN results.station_result.surat_suara_tidak_digunakan IS 'Ballot papers not used; NULL like pengguna_total_j';
COMMENT ON COLUMN results.station_result.sumber IS 'sms: an officer''s SMS; manual: keyed in by two of the staff';
COMMENT ON COLUMN results.station_result.revisi IS 'Which report of the station it is: 1, 2, ...';
COMMENT ON COLUMN results.station_result.versi IS 'Rises with every change of the station''s contest';
COMMENT ON COLUMN results.station_result.urutan IS 'Event of change_feed that made this row';

CREATE TABLE results.area_total (
  election                  text NOT NULL,
  kode_wilayah              text NOT NULL CHECK (kode_wilayah ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{10})$'),
  tingkat                   text NOT NULL CHECK (tingkat IN ('desa', 'kecamatan', 'kabupaten', 'provinsi')),
  induk                     text,
  jenis                     text NOT NULL,
  putaran                   smallint NOT NULL,
  suara_paslon              bigint[],
  suara_sah                 bigint NOT NULL,
  suara_tidak_sah           bigint NOT NULL,
  suara_total               bigint NOT NULL,
  pengguna_total_j          bigint,
  tps_total                 integer NOT NULL,
  tps_melapor               integer NOT NULL,
  tps_terverifikasi         integer NOT NULL,
  pemilih_dpt_j             bigint NOT NULL,
  pemilih_dpt_j_tercakup    bigint NOT NULL,
  urutan                    bigint NOT NULL,
  diperbarui                timestamptz NOT NULL,
  PRIMARY KEY (kode_wilayah, jenis, putaran, election)
) WITH (fillfactor = 60);
CREATE INDEX area_total_children ON results.area_total (induk, jenis, putaran, election);
COMMENT ON TABLE results.area_total IS 'Sums of the confirmed rows of each area, village to province, with what they cover. An area without a confirmed row stands here with zeros';
COMMENT ON COLUMN results.area_total.election IS 'Id of the election, e.g. pilkada-2024';
COMMENT ON COLUMN results.area_total.kode_wilayah IS 'Kemendagri code: 2 digits province, 4 regency, 6 district, 10 village';
COMMENT ON COLUMN results.area_total.tingkat IS 'desa, kecamatan, kabupaten or provinsi';
COMMENT ON COLUMN results.area_total.induk IS 'kode_wilayah of the area above; NULL for a province';
COMMENT ON COLUMN results.area_total.jenis IS 'Contest, as in station_result';
COMMENT ON COLUMN results.area_total.putaran IS 'Round, as in station_result';
COMMENT ON COLUMN results.area_total.suara_paslon IS 'Votes by row of the form; NULL where nothing is confirmed, and for pkwkk above the regency, whose candidates differ';
COMMENT ON COLUMN results.area_total.suara_sah IS 'Valid votes';
COMMENT ON COLUMN results.area_total.suara_tidak_sah IS 'Invalid votes';
COMMENT ON COLUMN results.area_total.suara_total IS 'Valid and invalid votes';
COMMENT ON COLUMN results.area_total.pengguna_total_j IS 'People who voted; NULL where no confirmed row reports it';
COMMENT ON COLUMN results.area_total.tps_total IS 'Stations that are expected to report';
COMMENT ON COLUMN results.area_total.tps_melapor IS 'Stations from which a report has come, whatever became of it';
COMMENT ON COLUMN results.area_total.tps_terverifikasi IS 'Stations whose figures are confirmed: the sums are theirs';
COMMENT ON COLUMN results.area_total.pemilih_dpt_j IS 'Registered voters of all stations, unknown ones counted as 0';
COMMENT ON COLUMN results.area_total.pemilih_dpt_j_tercakup IS 'Registered voters of the stations whose figures are confirmed';
COMMENT ON COLUMN results.area_total.urutan IS 'Newest event of change_feed that is in these sums';
COMMENT ON COLUMN results.area_total.diperbarui IS 'When this row last changed, UTC';

CREATE VIEW results.progress AS
SELECT t.election, t.kode_wilayah, a.name AS nama, t.tingkat, t.induk, t.jenis, t.putaran,
       t.tps_total, t.tps_melapor, t.tps_terverifikasi,
       t.pemilih_dpt_j, t.pemilih_dpt_j_tercakup,
       round(100.0 * t.tps_terverifikasi / nullif(t.tps_total, 0), 2) AS persen_tps,
       round(100.0 * t.pemilih_dpt_j_tercakup / nullif(t.pemilih_dpt_j, 0), 2) AS persen_pemilih,
       t.diperbarui
FROM results.area_total t
LEFT JOIN registry.area a ON a.code = t.kode_wilayah::bigint;
COMMENT ON VIEW results.progress IS 'How far each area is, with its name';
COMMENT ON COLUMN results.progress.election IS 'Id of the election';
COMMENT ON COLUMN results.progress.kode_wilayah IS 'Kemendagri code, as in area_total';
COMMENT ON COLUMN results.progress.nama IS 'Name of the area; NULL when it is not known';
COMMENT ON COLUMN results.progress.tingkat IS 'desa, kecamatan, kabupaten or provinsi';
COMMENT ON COLUMN results.progress.induk IS 'kode_wilayah of the area above; NULL for a province';
COMMENT ON COLUMN results.progress.jenis IS 'Contest, as in station_result';
COMMENT ON COLUMN results.progress.putaran IS 'Round, as in station_result';
COMMENT ON COLUMN results.progress.tps_total IS 'Stations that are expected to report';
COMMENT ON COLUMN results.progress.tps_melapor IS 'Stations from which a report has come';
COMMENT ON COLUMN results.progress.tps_terverifikasi IS 'Stations whose figures are confirmed';
COMMENT ON COLUMN results.progress.pemilih_dpt_j IS 'Registered voters of all stations';
COMMENT ON COLUMN results.progress.pemilih_dpt_j_tercakup IS 'Registered voters of the stations whose figures are confirmed';
COMMENT ON COLUMN results.progress.persen_tps IS 'tps_terverifikasi in percent of tps_total; NULL when none is expected';
COMMENT ON COLUMN results.progress.persen_pemilih IS 'pemilih_dpt_j_tercakup in percent of pemilih_dpt_j; NULL when none is known';
COMMENT ON COLUMN results.progress.diperbarui IS 'When this row last changed, UTC';

CREATE VIEW results.interface AS SELECT 1 AS versi, 'Data sementara, bukan hasil resmi KPU'::text AS catatan;
COMMENT ON VIEW results.interface IS 'Version of this schema: columns may be added within a version, none is taken away or changes its meaning';
COMMENT ON COLUMN results.interface.versi IS 'Version of the interface';
COMMENT ON COLUMN results.interface.catatan IS 'To be shown with every figure';

GRANT SELECT ON ALL TABLES IN SCHEMA results TO tali_results_reader, tali_desk;

CREATE PUBLICATION tali_results FOR TABLE results.change_feed, results.station_result, results.area_total;

-- What the projector has still to do. A queue whose rows appear with the commit
-- of the decision loses none, however late that commit comes.
CREATE TABLE tally.unprojected (
  decision bigint NOT NULL PRIMARY KEY,
  station  bigint NOT NULL,
  act      bigint NOT NULL
);
CREATE INDEX unprojected_act ON tally.unprojected (station, act);
COMMENT ON TABLE tally.unprojected IS 'Decisions that change what is confirmed and are not in results yet';
INSERT INTO tally.unprojected (decision, station, act)
SELECT id, station, act FROM tally.decision WHERE 'terverifikasi' IN (state, was);

-- No key: two transactions about one village must not wait for each other.
CREATE TABLE tally.stale_village (
  election smallint NOT NULL,
  village  bigint NOT NULL
);
COMMENT ON TABLE tally.stale_village IS 'Villages whose coverage has to be counted anew';
INSERT INTO tally.stale_village (election, village) SELECT DISTINCT election, code / 1000 FROM registry.station;
GRANT SELECT ON tally.unprojected, tally.stale_village TO tali_desk;

-- +goose StatementBegin
CREATE FUNCTION tally.note_decision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO tally.unprojected (decision, station, act) VALUES (NEW.id, NEW.station, NEW.act);
  RETURN NULL;
END $$;

CREATE FUNCTION tally.note_typed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO tally.stale_village (election, village) VALUES (NEW.election, NEW.station / 1000);
  RETURN NULL;
END $$;

CREATE FUNCTION registry.note_stations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO tally.stale_village (election, village) SELECT DISTINCT election, code / 1000 FROM fresh;
  RETURN NULL;
END $$;

CREATE FUNCTION registry.note_contests() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO tally.stale_village (election, village)
  SELECT DISTINCT s.election, s.code / 1000 FROM (SELECT DISTINCT election, regency FROM fresh) AS f
  JOIN registry.station s ON s.election = f.election AND s.code / 1000000000 = f.regency;
  RETURN NULL;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION tally.note_decision, tally.note_typed, registry.note_stations, registry.note_contests FROM PUBLIC;
CREATE TRIGGER unprojected AFTER INSERT ON tally.decision FOR EACH ROW
  WHEN (NEW.was = 'terverifikasi' OR NEW.state = 'terverifikasi') EXECUTE FUNCTION tally.note_decision();
CREATE TRIGGER stale AFTER INSERT ON tally.typed_entry FOR EACH ROW
  WHEN (NEW.revision = 1) EXECUTE FUNCTION tally.note_typed();
CREATE TRIGGER stale_insert AFTER INSERT ON registry.station
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION registry.note_stations();
CREATE TRIGGER stale_update AFTER UPDATE ON registry.station
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION registry.note_stations();
CREATE TRIGGER stale AFTER INSERT ON registry.ballot
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION registry.note_contests();
CREATE TRIGGER stale AFTER INSERT ON registry.profile
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION registry.note_contests();

-- One village's rows from its stations' rows. What has not changed is not
-- written, so that subscribers are not told.
-- +goose StatementBegin
CREATE FUNCTION tally.sum_villages(elections smallint[], villages bigint[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH v AS MATERIALIZED (
    SELECT DISTINCT u.election, u.village FROM unnest(elections, villages) AS u(election, village)
  ), contest AS (
    SELECT v.election AS eid, v.village, el.code AS election, b.digit, b.contest, r.round
    FROM v JOIN registry.election el ON el.id = v.election
    JOIN registry.ballot b ON b.election = v.election AND b.regency = v.village / 1000000
    JOIN LATERAL (SELECT DISTINCT p.round FROM registry.profile p
      WHERE p.election = v.election AND p.regency = v.village / 1000000 AND p.current) AS r ON true
  ), gone AS (
    DELETE FROM results.area_total t USING v, registry.election el
    WHERE el.id = v.election AND t.election = el.code AND t.kode_wilayah = v.village::text AND NOT EXISTS (
      SELECT FROM contest c WHERE c.eid = v.election AND c.village = v.village AND c.contest = t.jenis AND c.round = t.putaran)
  )
  INSERT INTO results.area_total AS t (election, kode_wilayah, tingkat, induk, jenis, putaran,
    suara_paslon, suara_sah, suara_tidak_sah, suara_total, pengguna_total_j,
    tps_total, tps_melapor, tps_terverifikasi, pemilih_dpt_j, pemilih_dpt_j_tercakup, urutan, diperbarui)
  SELECT c.election, c.village::text, 'desa', (c.village / 10000)::text, c.contest, c.round,
         (SELECT array_agg(s.votes ORDER BY s.n) FROM (
            SELECT n, sum(x) AS votes FROM results.station_result r, unnest(r.suara_paslon) WITH ORDINALITY AS u(x, n)
            WHERE r.kode_tps BETWEEN c.village || '000' AND c.village || '999' AND r.jenis = c.contest AND r.putaran = c.round AND r.election = c.election
            GROUP BY n) AS s),
         f.sah, f.tidak_sah, f.total, f.pengguna, e.stations, l.stations, f.stations, e.voters, f.voters, f.last, clock_timestamp()
  FROM contest c
  JOIN LATERAL (SELECT coalesce(sum(r.suara_sah), 0) AS sah, coalesce(sum(r.suara_tidak_sah), 0) AS tidak_sah,
           coalesce(sum(r.suara_total), 0) AS total, sum(r.pengguna_total_j) AS pengguna, count(*) AS stations,
           coalesce(sum(coalesce(s.voters_l, 0) + coalesce(s.voters_p, 0)), 0) AS voters,
           (SELECT coalesce(max(urutan), 0) FROM results.change_feed) AS last
      FROM results.station_result r LEFT JOIN registry.station s ON s.code = r.kode_tps::bigint AND s.election = c.eid
     WHERE r.kode_tps BETWEEN c.village || '000' AND c.village || '999' AND r.jenis = c.contest AND r.putaran = c.round AND r.election = c.election) AS f ON true
  JOIN LATERAL (SELECT count(*) AS stations, coalesce(sum(coalesce(s.voters_l, 0) + coalesce(s.voters_p, 0)), 0) AS voters
      FROM registry.station s WHERE s.code / 1000 = c.village AND s.election = c.eid) AS e ON true
  JOIN LATERAL (SELECT count(*) AS stations FROM tally.standing s
     WHERE s.station BETWEEN c.village * 1000 AND c.village * 1000 + 999 AND s.ballot = c.digit AND s.round = c.round
       AND s.election = c.eid AND s.revision > 0) AS l ON true
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

-- The rows of areas from those of the areas just below them.
CREATE FUNCTION tally.sum_areas(codes text[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH gone AS (
    DELETE FROM results.area_total t WHERE t.kode_wilayah = ANY (codes) AND NOT EXISTS (
      SELECT FROM results.area_total c WHERE c.induk = t.kode_wilayah AND c.jenis = t.jenis AND c.putaran = t.putaran AND c.election = t.election)
  )
  INSERT INTO results.area_total AS t (election, kode_wilayah, tingkat, induk, jenis, putaran,
    suara_paslon, suara_sah, suara_tidak_sah, suara_total, pengguna_total_j,
    tps_total, tps_melapor, tps_terverifikasi, pemilih_dpt_j, pemilih_dpt_j_tercakup, urutan, diperbarui)
  SELECT c.election, c.induk,
         CASE length(c.induk) WHEN 6 THEN 'kecamatan' WHEN 4 THEN 'kabupaten' ELSE 'provinsi' END,
         CASE WHEN length(c.induk) > 2 THEN left(c.induk, -2) END, c.jenis, c.putaran,
         CASE WHEN c.jenis <> 'pkwkk' OR length(c.induk) > 2 THEN (
           SELECT array_agg(s.votes ORDER BY s.n) FROM (
             SELECT n, sum(x)::bigint AS votes FROM results.area_total k, unnest(k.suara_paslon) WITH ORDINALITY AS u(x, n)
             WHERE k.induk = c.induk AND k.jenis = c.jenis AND k.putaran = c.putaran AND k.election = c.election
             GROUP BY n) AS s) END,
         sum(c.suara_sah), sum(c.suara_tidak_sah), sum(c.suara_total), sum(c.pengguna_total_j),
         sum(c.tps_total), sum(c.tps_melapor), sum(c.tps_terverifikasi), sum(c.pemilih_dpt_j), sum(c.pemilih_dpt_j_tercakup),
         max(c.urutan), clock_timestamp()
  FROM results.area_total c WHERE c.induk = ANY (codes)
  GROUP BY c.election, c.induk, c.jenis, c.putaran
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

-- number_changes turns the oldest decisions into events of the feed and takes
-- them from the queue; the rows of one act are one event. For one case they come
-- in the order in which they were made, because its lock is held until they
-- commit.
CREATE FUNCTION tally.number_changes(most integer) RETURNS void
LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH oldest AS (
    SELECT station, act FROM tally.unprojected ORDER BY decision LIMIT most
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

-- fold_changes brings the events after one into station_result.
CREATE FUNCTION tally.fold_changes(after bigint) RETURNS void
LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH last AS (
    SELECT DISTINCT ON (kode_tps, jenis, putaran, election) *
    FROM results.change_feed WHERE urutan > after ORDER BY kode_tps, jenis, putaran, election, urutan DESC
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
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  before bigint;
  last bigint;
  elections smallint[];
  villages bigint[];
  parents text[];
  digits integer;
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
  PERFORM tally.fold_changes(before);
  WITH stale AS (
    DELETE FROM tally.stale_village WHERE ctid = ANY (ARRAY(SELECT ctid FROM tally.stale_village LIMIT most)) RETURNING election, village
  ), touched AS (
    SELECT election, village FROM stale
    UNION SELECT el.id, left(f.kode_tps, 10)::bigint FROM results.change_feed f JOIN registry.election el ON el.code = f.election WHERE f.urutan > before
  )
  SELECT array_agg(election), array_agg(village) INTO elections, villages FROM touched;
  IF villages IS NULL THEN
    RETURN 0;
  END IF;
  PERFORM tally.sum_villages(elections, villages);
  FOREACH digits IN ARRAY ARRAY[6, 4, 2] LOOP
    SELECT array_agg(DISTINCT left(v::text, digits)) INTO parents FROM unnest(villages) AS v;
    PERFORM tally.sum_areas(parents);
  END LOOP;
  PERFORM pg_notify('tali_results', last::text);
  RETURN cardinality(villages);
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION tally.sum_villages, tally.sum_areas, tally.number_changes, tally.fold_changes, tally.project FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tally.project TO tali_desk;
COMMENT ON FUNCTION tally.project IS 'Brings what was decided into results, in batches; 0 when nothing is left or another projector works';
