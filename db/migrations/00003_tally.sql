-- +goose Up
-- What stations reported. entry and decision are facts; standing is the present
-- and can be rebuilt from them.

CREATE SCHEMA tally;
COMMENT ON SCHEMA tally IS 'What stations reported and where it stands';
GRANT USAGE ON SCHEMA tally TO tali_gateway, tali_desk;

-- Two levels: an election is detached and archived as one, and a province keeps
-- its rows together for its projector and its readers. The primary key is the
-- only index: it finds the entries of a case, and that a message gives at most
-- one entry follows from the key of intake.message, written with it.
CREATE TABLE tally.entry (
  station     bigint NOT NULL,
  election    smallint NOT NULL,
  province    smallint NOT NULL CHECK (province = station / 100000000000),
  ballot      smallint NOT NULL CHECK (ballot BETWEEN 1 AND 8),
  round       smallint NOT NULL CHECK (round > 0),
  revision    smallint NOT NULL CHECK (revision > 0),
  message     uuid,
  received_at timestamptz NOT NULL,
  state       text NOT NULL CHECK (state IN ('masuk', 'ditahan')),
  assurance   text NOT NULL CHECK (assurance IN ('A0', 'A1', 'A2')),
  proof       text NOT NULL,
  phone       text NOT NULL,
  figures     smallint[] NOT NULL,
  flags       text[] NOT NULL CHECK (flags <@ ARRAY['over_voters', 'ballot_stock', 'turnout', 'one_sided', 'round', 'late', 'apart', 'rejected']),
  PRIMARY KEY (station, ballot, round, revision, election, province),
  CONSTRAINT figures_range CHECK (0 <= ALL (figures) AND 999 >= ALL (figures) AND array_position(figures, NULL) IS NULL),
  CONSTRAINT figures_length CHECK (array_ndims(figures) = 1 AND array_lower(figures, 1) = 1 AND cardinality(figures) BETWEEN 4 AND 62)
) PARTITION BY LIST (election);
COMMENT ON TABLE tally.entry IS 'Tallies as they were typed; one row each, never changed';
COMMENT ON COLUMN tally.entry.message IS 'The SMS that brought it, and the entry''s own key; NULL when the staff typed it in';
COMMENT ON COLUMN tally.entry.revision IS '1, 2, ... within its case (station, ballot, round)';
COMMENT ON COLUMN tally.entry.state IS 'As it began. Later states are in decision and standing; a masuk that no longer stands is digantikan';
COMMENT ON COLUMN tally.entry.proof IS 'Code of the receipt; empty when none was given';
COMMENT ON COLUMN tally.entry.phone IS 'Who the receipt went to, E.164';
COMMENT ON COLUMN tally.entry.figures IS 'Rows of the form in order: v1..vn, S, T, J and, in the full form, P, D, U, R, Z. 0..999: three boxes on paper';
SELECT registry.protect('tally.entry');

-- Whoever opens an election or imports stations is no owner: this function is.
-- +goose StatementBegin
CREATE FUNCTION tally.open_partition(election smallint, province smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  parent text := format('entry_e%s', election);
  child  text := format('entry_e%s_p%s', election, province);
BEGIN
  IF election IS NULL OR province NOT BETWEEN 11 AND 99 OR province IS NULL THEN
    RAISE EXCEPTION 'no partition for election % province %', election, province;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('tally.open_partition', 0));
  IF to_regclass('tally.' || parent) IS NULL THEN
    EXECUTE format('CREATE TABLE tally.%I PARTITION OF tally.entry FOR VALUES IN (%s) PARTITION BY LIST (province)', parent, election);
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON tally.%I FOR EACH STATEMENT EXECUTE FUNCTION registry.refuse_change()', parent);
    EXECUTE format('GRANT SELECT ON tally.%I TO tali_gateway, tali_desk', parent);
  END IF;
  IF to_regclass('tally.' || child) IS NULL THEN
    EXECUTE format('CREATE TABLE tally.%I PARTITION OF tally.%I FOR VALUES IN (%s)', child, parent, province);
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON tally.%I FOR EACH STATEMENT EXECUTE FUNCTION registry.refuse_change()', child);
    EXECUTE format('GRANT SELECT ON tally.%I TO tali_gateway, tali_desk', child);
  END IF;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION tally.open_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tally.open_partition TO tali_desk;
COMMENT ON FUNCTION tally.open_partition IS 'Makes the partitions of an election and a province if they are missing';

CREATE TABLE tally.decision (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  election smallint NOT NULL,
  station  bigint NOT NULL,
  ballot   smallint NOT NULL,
  round    smallint NOT NULL,
  revision smallint NOT NULL,
  state    text NOT NULL CHECK (state IN ('masuk', 'ditahan', 'terverifikasi', 'ditolak', 'digantikan')),
  staff    text NOT NULL,
  reason   text NOT NULL DEFAULT '',
  at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX decision_case ON tally.decision (election, station, ballot, round, revision, id DESC);
SELECT registry.protect('tally.decision');
COMMENT ON TABLE tally.decision IS 'What the staff decided on an entry; the newest row of an entry counts';
COMMENT ON COLUMN tally.decision.revision IS 'Of the entry decided on';

-- The primary key is the invariant: one entry stands per election, station,
-- ballot and round, so at most one is ever confirmed.
CREATE TABLE tally.standing (
  station  bigint NOT NULL,
  election smallint NOT NULL,
  ballot   smallint NOT NULL CHECK (ballot BETWEEN 1 AND 8),
  round    smallint NOT NULL CHECK (round > 0),
  entry    smallint CHECK (entry BETWEEN 1 AND revision),
  revision smallint NOT NULL CHECK (revision >= 0),
  held     smallint NOT NULL CHECK (held >= 0),
  risk     smallint NOT NULL CHECK (risk >= 0),
  version  integer NOT NULL CHECK (version > 0),
  closed   boolean NOT NULL DEFAULT false,
  state    text CHECK (state IN ('masuk', 'terverifikasi')),
  PRIMARY KEY (station, ballot, round, election),
  CONSTRAINT state_of_entry CHECK ((entry IS NULL) = (state IS NULL))
) WITH (fillfactor = 80);
COMMENT ON TABLE tally.standing IS 'The present of each case, changed in the transaction of the fact that changes it';
COMMENT ON COLUMN tally.standing.entry IS 'Revision of the entry that stands; NULL before the first and after ditolak';
COMMENT ON COLUMN tally.standing.revision IS 'Of the newest entry of the case; 0 when there is none yet';
COMMENT ON COLUMN tally.standing.held IS 'Entries that wait for a decision beside the one that stands';
COMMENT ON COLUMN tally.standing.risk IS 'Order of the staff''s queue: 10 for each held entry, 1 for each flag of what stands';
COMMENT ON COLUMN tally.standing.version IS 'Rises by one with each change; every change names the version it saw';
COMMENT ON COLUMN tally.standing.closed IS 'The staff closed this ballot: what comes now is held';

GRANT SELECT, INSERT ON tally.entry TO tali_gateway;
GRANT SELECT ON tally.decision TO tali_gateway;
GRANT SELECT, INSERT ON tally.standing TO tali_gateway;
GRANT UPDATE (entry, revision, held, risk, version, state) ON tally.standing TO tali_gateway;
GRANT SELECT ON ALL TABLES IN SCHEMA tally TO tali_desk;
GRANT INSERT ON tally.decision TO tali_desk;
GRANT UPDATE (entry, held, risk, version, closed, state) ON tally.standing TO tali_desk;
