-- +goose Up
-- What is known before the first SMS: elections, areas, stations, officers and
-- the gateways that listen. Status words equal constants of the Go packages; a
-- test compares them.

CREATE SCHEMA registry;
COMMENT ON SCHEMA registry IS 'What is known before the first SMS';
GRANT USAGE ON SCHEMA registry TO tali_gateway, tali_desk;
GRANT SELECT ON public.goose_db_version TO tali_gateway, tali_desk;

-- +goose StatementBegin
CREATE FUNCTION registry.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION '% on %.%: this table is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION registry.refuse_change IS 'Trigger of append-only tables; it stops the owner too';

-- Row triggers of a partitioned table are copied to every partition, now and
-- later; statement triggers are not, so TRUNCATE needs one on each of them.
-- +goose StatementBegin
CREATE FUNCTION registry.protect(guarded regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  part regclass;
BEGIN
  EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s
    FOR EACH ROW EXECUTE FUNCTION registry.refuse_change()', guarded);
  FOR part IN SELECT guarded UNION SELECT relid FROM pg_partition_tree(guarded) LOOP
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %s
      FOR EACH STATEMENT EXECUTE FUNCTION registry.refuse_change()', part);
  END LOOP;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION registry.protect FROM PUBLIC;

CREATE TABLE registry.incarnation (
  id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  since   timestamptz NOT NULL DEFAULT now(),
  sole    boolean NOT NULL DEFAULT true UNIQUE CHECK (sole)
);
COMMENT ON TABLE registry.incarnation IS 'One row: this life of the centre. A promotion or a restore replaces the id, and gateways offer their last hours again';
INSERT INTO registry.incarnation DEFAULT VALUES;
GRANT SELECT ON registry.incarnation TO tali_gateway, tali_desk;

CREATE TABLE registry.election (
  id     smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code   text NOT NULL UNIQUE,
  name   text NOT NULL,
  phase  text NOT NULL CHECK (phase IN ('rehearsal', 'real'))
);
COMMENT ON TABLE registry.election IS 'One election or its rehearsal. Other tables carry the two-byte id';
COMMENT ON COLUMN registry.election.code IS 'Id of the profile, part of every key derivation, e.g. pilkada-2024';

CREATE TABLE registry.profile (
  id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  election smallint NOT NULL REFERENCES registry.election,
  regency  smallint NOT NULL CHECK (regency BETWEEN 1101 AND 9999),
  version  integer NOT NULL,
  digest   text NOT NULL,
  round    smallint NOT NULL CHECK (round > 0),
  content  text NOT NULL,
  texts    text NOT NULL,
  current  boolean NOT NULL DEFAULT true,
  opened_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (election, regency, digest)
);
CREATE UNIQUE INDEX profile_current ON registry.profile (election, regency, round) WHERE current;
COMMENT ON TABLE registry.profile IS 'Ballot profiles as they were used. Verdicts name the row they were decided by';
COMMENT ON COLUMN registry.profile.regency IS 'Kemendagri code, four digits: contestants differ from regency to regency';
COMMENT ON COLUMN registry.profile.digest IS 'SHA-256 over everything but the reply texts; frozen once a message was decided by it';
COMMENT ON COLUMN registry.profile.content IS 'The profile as JSON, reply texts left out';
COMMENT ON COLUMN registry.profile.texts IS 'The reply texts as JSON: the only part that may change';

CREATE TABLE registry.ballot (
  election smallint NOT NULL REFERENCES registry.election,
  regency  smallint NOT NULL,
  digit    smallint NOT NULL CHECK (digit BETWEEN 1 AND 8),
  keyword  text NOT NULL,
  title    text NOT NULL,
  contest  text NOT NULL,
  form     text NOT NULL CHECK (form IN ('full', 'short')),
  unit     text NOT NULL,
  PRIMARY KEY (election, regency, digit),
  UNIQUE (election, regency, keyword)
);
COMMENT ON TABLE registry.ballot IS 'The contests of an election. The tables of facts name one by its digit, the first digit of K';
COMMENT ON COLUMN registry.ballot.contest IS 'Sirekap''s key: ppwp, pkwkp, pkwkk, ...';

CREATE TABLE registry.contestant (
  election smallint NOT NULL,
  regency  smallint NOT NULL,
  ballot   smallint NOT NULL,
  number   smallint NOT NULL CHECK (number > 0),
  name     text NOT NULL,
  PRIMARY KEY (election, regency, ballot, number),
  FOREIGN KEY (election, regency, ballot) REFERENCES registry.ballot
);
COMMENT ON COLUMN registry.contestant.number IS 'Row of the form, from 1: the place of its votes in tally.entry.figures';

CREATE TABLE registry.area (
  code  bigint PRIMARY KEY,
  level text NOT NULL,
  name  text NOT NULL CHECK (name <> ''),
  CHECK (CASE level
    WHEN 'province' THEN code BETWEEN 11 AND 99
    WHEN 'regency'  THEN code BETWEEN 1101 AND 9999
    WHEN 'district' THEN code BETWEEN 110101 AND 999999
    WHEN 'village'  THEN code BETWEEN 1101010001 AND 9999999999
    ELSE false END)
);
COMMENT ON TABLE registry.area IS 'Kemendagri areas. The code of the next level up is the code without its last digits';

CREATE TABLE registry.station (
  election     smallint NOT NULL REFERENCES registry.election,
  code         bigint NOT NULL CHECK (code BETWEEN 1101010001001 AND 9999999999999),
  tps          integer NOT NULL CHECK (tps BETWEEN 10000000 AND 99999999 AND tps % 97 = 1),
  generation   smallint NOT NULL DEFAULT 1 CHECK (generation > 0),
  voters_l     smallint CHECK (voters_l >= 0),
  voters_p     smallint CHECK (voters_p >= 0),
  latitude     double precision CHECK (latitude BETWEEN -90 AND 90),
  longitude    double precision CHECK (longitude BETWEEN -180 AND 180),
  coverage     text NOT NULL DEFAULT '',
  surveyed_at  date,
  surveyed_by  text NOT NULL DEFAULT '',
  PRIMARY KEY (code, election)
);
-- No index begins with the election alone: without statistics the planner would
-- walk all stations of an election to find one TPS code.
-- An expression, because a regency is part of the code and never of its own.
CREATE UNIQUE INDEX station_tps ON registry.station (election, tps, (code / 1000000000));
COMMENT ON TABLE registry.station IS 'Polling stations (TPS) of an election';
COMMENT ON COLUMN registry.station.code IS '13 digits: 10-digit village and 3-digit TPS';
COMMENT ON COLUMN registry.station.tps IS '8-digit code that officers type: six issued digits and two ISO 7064 MOD 97-10 check digits. Printed on cards: it never changes';
COMMENT ON COLUMN registry.station.generation IS 'Of the card: raising it kills a lost one';
COMMENT ON COLUMN registry.station.voters_l IS 'Registered voters, men; NULL when unknown';
COMMENT ON COLUMN registry.station.voters_p IS 'Registered voters, women';
COMMENT ON COLUMN registry.station.coverage IS 'Per operator: none, SMS only, 2G, data';

-- +goose StatementBegin
CREATE FUNCTION registry.keep_codes() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF (OLD.election, OLD.code, OLD.tps) IS DISTINCT FROM (NEW.election, NEW.code, NEW.tps) THEN
    RAISE EXCEPTION 'station %: its codes are printed on cards and never change', OLD.code
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.generation < OLD.generation THEN
    RAISE EXCEPTION 'station %: a card generation only rises', OLD.code
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER keep_codes BEFORE UPDATE ON registry.station
  FOR EACH ROW EXECUTE FUNCTION registry.keep_codes();

CREATE TABLE registry.tps_sequence (
  election smallint NOT NULL REFERENCES registry.election,
  regency  smallint NOT NULL,
  next     integer NOT NULL CHECK (next BETWEEN 100001 AND 1000000),
  PRIMARY KEY (election, regency)
);
COMMENT ON TABLE registry.tps_sequence IS 'The next six digits of a TPS code. A row, not a sequence: an import that fails leaves no gap';

CREATE TABLE registry.officer (
  id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  election smallint NOT NULL REFERENCES registry.election,
  name     text NOT NULL CHECK (name <> '')
);
COMMENT ON TABLE registry.officer IS 'People who may report';

CREATE TABLE registry.phone (
  election   smallint NOT NULL,
  phone      text NOT NULL CHECK (phone ~ '^\+[1-9][0-9]{7,14}$'),
  station    bigint NOT NULL,
  officer    integer NOT NULL REFERENCES registry.officer,
  valid_from timestamptz NOT NULL,
  valid_until timestamptz NOT NULL DEFAULT 'infinity',
  PRIMARY KEY (phone, election, station, valid_from),
  FOREIGN KEY (election, station) REFERENCES registry.station (election, code),
  CHECK (valid_from < valid_until)
);
CREATE UNIQUE INDEX phone_current ON registry.phone (station, phone, election) WHERE valid_until = 'infinity';
COMMENT ON TABLE registry.phone IS 'Which phone reports for which station, and when. A change closes one row and opens another';
COMMENT ON COLUMN registry.phone.phone IS 'E.164';
COMMENT ON COLUMN registry.phone.valid_from IS '-infinity for the first phone of an officer: gateways'' clocks may be behind';

CREATE TABLE registry.gateway (
  name         text PRIMARY KEY CHECK (name <> ''),
  version      text NOT NULL DEFAULT '',
  last_seen    timestamptz NOT NULL,
  spool_queued integer NOT NULL DEFAULT 0,
  spool_oldest timestamptz
);
COMMENT ON TABLE registry.gateway IS 'Receivers, as they last spoke up';
COMMENT ON COLUMN registry.gateway.spool_queued IS 'Messages that wait in its spool';

CREATE TABLE registry.gateway_intake (
  gateway  text NOT NULL,
  lane     smallint NOT NULL,
  profile  integer NOT NULL,
  batches  bigint NOT NULL,
  messages bigint NOT NULL,
  last_at  timestamptz NOT NULL,
  PRIMARY KEY (gateway, lane, profile)
) WITH (fillfactor = 50);
COMMENT ON TABLE registry.gateway_intake IS 'Written by every intake transaction, also when all its messages were known: so that a repeat waits for the standby too. The sum over lanes counts';
COMMENT ON COLUMN registry.gateway_intake.lane IS 'One for each connection of a gateway: one row for all would make their commits wait for each other';

CREATE TABLE registry.modem (
  gateway   text NOT NULL,
  name      text NOT NULL,
  number    text NOT NULL DEFAULT '',
  operator  text NOT NULL DEFAULT '',
  alive     boolean NOT NULL,
  last_seen timestamptz NOT NULL,
  PRIMARY KEY (gateway, name)
);

GRANT SELECT ON ALL TABLES IN SCHEMA registry TO tali_gateway, tali_desk;
GRANT INSERT, UPDATE ON registry.gateway, registry.gateway_intake, registry.modem TO tali_gateway;
GRANT INSERT ON registry.election, registry.profile, registry.ballot, registry.contestant, registry.area,
  registry.station, registry.tps_sequence, registry.officer, registry.phone TO tali_desk;
GRANT UPDATE (texts, version, current) ON registry.profile TO tali_desk;
GRANT UPDATE (name) ON registry.election, registry.area, registry.officer TO tali_desk;
GRANT UPDATE (generation, voters_l, voters_p, latitude, longitude, coverage, surveyed_at, surveyed_by)
  ON registry.station TO tali_desk;
GRANT UPDATE (next) ON registry.tps_sequence TO tali_desk;
GRANT UPDATE (officer, valid_until) ON registry.phone TO tali_desk;
-- The contests of a profile that has decided nothing yet may be written anew.
GRANT DELETE ON registry.ballot, registry.contestant TO tali_desk;
