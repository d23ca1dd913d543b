-- +goose Up
-- Two parts of the staff's queue ask about the entry itself: whether it was taken
-- by FORM, and whether a code has proven who sent it. Each case says so, so that
-- an index finds them. Only entries of that kind pay for it: the triggers ask
-- nothing of the others, and where no code is asked for there is none for codes.

ALTER TABLE tally.standing
  ADD COLUMN form boolean NOT NULL DEFAULT false,
  ADD COLUMN unproven boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN tally.standing.form IS 'What stands, or else the newest entry, was taken by FORM';
COMMENT ON COLUMN tally.standing.unproven IS 'No code has proven it, in an election that asks for codes';
CREATE INDEX standing_form ON tally.standing (election, (-risk), since, station, ballot, round)
  WHERE form AND (state = 'masuk' OR held > 0);
CREATE INDEX standing_unproven ON tally.standing (election, (-risk), since, station, ballot, round)
  WHERE unproven AND (state = 'masuk' OR held > 0);

-- +goose StatementBegin
CREATE FUNCTION tally.asks_codes(election smallint, regency bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT EXISTS (SELECT FROM registry.profile p WHERE p.election = $1 AND p.regency = $2 AND p.current AND p.content::jsonb ->> 'Auth' IN ('accepted', 'required'))
$$;

CREATE FUNCTION tally.is_unproven(e tally.entry) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT e.assurance = 'A0' AND tally.asks_codes(e.election, e.station / 1000000000) AND NOT EXISTS (SELECT FROM tally.raised_proof r
    WHERE r.station = e.station AND r.ballot = e.ballot AND r.round = e.round AND r.revision = e.revision AND r.election = e.election)
$$;

-- At commit, because an entry and what stands are written in either order.
CREATE FUNCTION tally.mark_case() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  by_form boolean := 'form' = ANY (NEW.flags);
  by_phone boolean := tally.is_unproven(NEW);
BEGIN
  UPDATE tally.standing s SET form = by_form, unproven = by_phone
   WHERE s.station = NEW.station AND s.ballot = NEW.ballot AND s.round = NEW.round AND s.election = NEW.election
     AND coalesce(s.entry, s.revision) = NEW.revision AND (s.form, s.unproven) IS DISTINCT FROM (by_form, by_phone);
  RETURN NULL;
END $$;

-- Another entry stands: one that comes with this very statement marks the case
-- itself, later.
CREATE FUNCTION tally.mark_standing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  e tally.entry;
BEGIN
  SELECT * INTO e FROM tally.entry
   WHERE station = NEW.station AND ballot = NEW.ballot AND round = NEW.round AND election = NEW.election
     AND revision = coalesce(NEW.entry, NEW.revision) AND province = NEW.station / 100000000000;
  NEW.form := coalesce('form' = ANY (e.flags), false);
  NEW.unproven := e.station IS NOT NULL AND tally.is_unproven(e);
  RETURN NEW;
END $$;

CREATE FUNCTION tally.mark_proven() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  UPDATE tally.standing s SET unproven = false
   WHERE s.station = NEW.station AND s.ballot = NEW.ballot AND s.round = NEW.round AND s.election = NEW.election
     AND coalesce(s.entry, s.revision) = NEW.revision AND s.unproven;
  RETURN NULL;
END $$;

-- watch_codes has the entries of elections that ask for codes looked at.
CREATE FUNCTION tally.watch_codes(elections smallint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  part regclass;
BEGIN
  FOR part IN SELECT to_regclass('tally.entry_e' || e) FROM unnest(elections) AS e
     WHERE to_regclass('tally.entry_e' || e) IS NOT NULL
       AND EXISTS (SELECT FROM registry.profile p WHERE p.election = e AND p.content::jsonb ->> 'Auth' IN ('accepted', 'required'))
       AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = to_regclass('tally.entry_e' || e) AND t.tgname = 'marks_unproven')
  LOOP
    EXECUTE format('CREATE CONSTRAINT TRIGGER marks_unproven AFTER INSERT ON %s DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (NEW.assurance = ''A0'') EXECUTE FUNCTION tally.mark_case()', part);
  END LOOP;
END $$;

CREATE FUNCTION tally.note_codes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM tally.watch_codes(ARRAY(SELECT DISTINCT election FROM fresh));
  RETURN NULL;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION tally.mark_case, tally.mark_standing, tally.mark_proven, tally.watch_codes, tally.note_codes FROM PUBLIC;

CREATE CONSTRAINT TRIGGER marks_form AFTER INSERT ON tally.entry DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN ('form' = ANY (NEW.flags)) EXECUTE FUNCTION tally.mark_case();
CREATE TRIGGER marks BEFORE UPDATE ON tally.standing FOR EACH ROW
  WHEN (OLD.entry IS DISTINCT FROM NEW.entry OR OLD.revision <> NEW.revision) EXECUTE FUNCTION tally.mark_standing();
CREATE TRIGGER marks AFTER INSERT ON tally.raised_proof FOR EACH ROW EXECUTE FUNCTION tally.mark_proven();
-- Before its stations an election has no entries, and its partition is there.
CREATE TRIGGER watch_codes AFTER INSERT ON registry.station
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tally.note_codes();
CREATE TRIGGER watch_codes AFTER INSERT ON registry.profile
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tally.note_codes();
CREATE TRIGGER watch_codes_anew AFTER UPDATE ON registry.profile
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION tally.note_codes();

UPDATE tally.standing s SET form = 'form' = ANY (e.flags), unproven = tally.is_unproven(e)
FROM tally.entry e
WHERE e.station = s.station AND e.ballot = s.ballot AND e.round = s.round AND e.election = s.election
  AND e.revision = coalesce(s.entry, s.revision)
  AND ('form' = ANY (e.flags) OR e.assurance = 'A0' AND tally.asks_codes(e.election, e.station / 1000000000));
SELECT tally.watch_codes(ARRAY(SELECT id FROM registry.election));
