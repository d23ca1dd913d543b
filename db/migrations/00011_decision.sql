-- +goose Up
-- What the staff decide about a case, and what keeps them from deciding it
-- wrongly. Go checks the same; here it holds for whatever speaks to the tables.
--
-- SQLSTATEs of refusals: TL001 the case has changed since it was read, TL002 no
-- legal change, TL003 a second person is needed, TL004 a call-back is needed,
-- TL005 somebody else has opened it, TL006 the present and the facts disagree,
-- TL007 the account may not decide.

ALTER TABLE tally.standing ADD COLUMN since timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN tally.standing.since IS 'When the first entry came: the age in the staff''s queue';
CREATE INDEX standing_queue ON tally.standing (election, (-risk), since, station, ballot, round)
  WHERE state = 'masuk' OR held > 0;

ALTER TABLE tally.decision
  ALTER COLUMN state DROP NOT NULL,
  ADD COLUMN act bigint NOT NULL,
  ADD COLUMN kind text NOT NULL CHECK (kind IN ('confirm', 'reject', 'hold', 'replace', 'undo')),
  ADD COLUMN was text NOT NULL CHECK (was IN ('masuk', 'ditahan', 'terverifikasi', 'ditolak', 'digantikan')),
  ADD COLUMN version integer NOT NULL,
  ADD COLUMN seen smallint NOT NULL,
  ADD CONSTRAINT decided_by CHECK (staff <> ''),
  ADD CONSTRAINT reason_given CHECK (kind <> 'reject' OR reason <> ''),
  ADD CONSTRAINT only_undo_restores CHECK (state IS NOT NULL OR kind = 'undo');
COMMENT ON COLUMN tally.decision.state IS 'What the entry became; NULL when an undo made it stand again as it came';
COMMENT ON COLUMN tally.decision.act IS 'Rows of one click share it: confirming one version replaces the others';
COMMENT ON COLUMN tally.decision.was IS 'What the entry was before';
COMMENT ON COLUMN tally.decision.version IS 'Of the standing that was decided on';
COMMENT ON COLUMN tally.decision.seen IS 'Newest entry of the case at that moment: places the act between the entries';
CREATE SEQUENCE tally.act;
GRANT USAGE ON SEQUENCE tally.act TO tali_desk;

CREATE TABLE tally.remark (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  station  bigint NOT NULL,
  election smallint NOT NULL,
  ballot   smallint NOT NULL,
  round    smallint NOT NULL,
  revision smallint NOT NULL,
  version  integer NOT NULL,
  kind     text NOT NULL CHECK (kind IN ('agree', 'call', 'ask')),
  proposes text CHECK (proposes IN ('confirm', 'reject')),
  reached  boolean,
  staff    text NOT NULL CHECK (staff <> ''),
  note     text NOT NULL DEFAULT '',
  at       timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT agreed CHECK ((kind = 'agree') = (proposes IS NOT NULL)),
  CONSTRAINT called CHECK ((kind = 'call') = (reached IS NOT NULL))
);
CREATE INDEX remark_case ON tally.remark (station, ballot, round, election, revision, id);
SELECT registry.protect('tally.remark');
COMMENT ON TABLE tally.remark IS 'What the staff did about an entry without changing its state';
COMMENT ON COLUMN tally.remark.kind IS 'agree: the first of two people; call: rang the officer; ask: asked by SMS again';
COMMENT ON COLUMN tally.remark.version IS 'Of the standing that was seen: agreement with what has changed since counts no more';
COMMENT ON COLUMN tally.remark.reached IS 'Of a call: somebody answered and spoke about the figures';

CREATE TABLE tally.typing (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  station  bigint NOT NULL,
  election smallint NOT NULL,
  ballot   smallint NOT NULL CHECK (ballot BETWEEN 1 AND 8),
  round    smallint NOT NULL CHECK (round > 0),
  source   text NOT NULL CHECK (source IN ('paper', 'call', 'sms')),
  message  uuid,
  figures  smallint[] NOT NULL,
  flags    text[] NOT NULL,
  staff    text NOT NULL CHECK (staff <> ''),
  note     text NOT NULL DEFAULT '',
  at       timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT figures_range CHECK (0 <= ALL (figures) AND 999 >= ALL (figures) AND array_position(figures, NULL) IS NULL),
  CONSTRAINT figures_length CHECK (array_ndims(figures) = 1 AND cardinality(figures) BETWEEN 4 AND 62),
  CONSTRAINT from_sms CHECK ((source = 'sms') = (message IS NOT NULL))
);
CREATE INDEX typing_case ON tally.typing (station, ballot, round, election, id);
SELECT registry.protect('tally.typing');
COMMENT ON TABLE tally.typing IS 'Forms as somebody of the staff keyed them in; two equal ones of two people make an entry';

CREATE TABLE tally.typed_entry (
  station  bigint NOT NULL,
  election smallint NOT NULL,
  ballot   smallint NOT NULL,
  round    smallint NOT NULL,
  revision smallint NOT NULL,
  first    bigint NOT NULL UNIQUE REFERENCES tally.typing,
  second   bigint UNIQUE REFERENCES tally.typing,
  PRIMARY KEY (station, ballot, round, election, revision)
);
SELECT registry.protect('tally.typed_entry');
COMMENT ON TABLE tally.typed_entry IS 'Which typings an entry of the staff comes from; second is NULL for an SMS that was attached';

-- Who has what open. Mutable: a claim lapses or is taken over.
CREATE SCHEMA desk;
COMMENT ON SCHEMA desk IS 'What the staff''s pages need beside the facts; can be made again from them';
GRANT USAGE ON SCHEMA desk TO tali_desk;

CREATE TABLE desk.claim (
  subject  text PRIMARY KEY,
  staff    text NOT NULL CHECK (staff <> ''),
  since    timestamptz NOT NULL DEFAULT now(),
  until    timestamptz NOT NULL,
  before   text NOT NULL DEFAULT '',
  note     text NOT NULL DEFAULT '',
  CONSTRAINT taken_over_with_note CHECK (before = '' OR note <> '')
);
COMMENT ON TABLE desk.claim IS 'What is open on whose desk';
COMMENT ON COLUMN desk.claim.subject IS 'c:election:station:ballot:round, or m: and the key of a message';
COMMENT ON COLUMN desk.claim.before IS 'Whom it was taken over from';
GRANT SELECT, INSERT, UPDATE, DELETE ON desk.claim TO tali_desk;

CREATE TABLE desk.task (
  message  uuid PRIMARY KEY,
  election smallint NOT NULL,
  station  bigint,
  ballot   smallint,
  kind     text NOT NULL,
  phone    text NOT NULL,
  risk     smallint NOT NULL,
  since    timestamptz NOT NULL
);
CREATE INDEX task_queue ON desk.task (election, (-risk), since, message);
COMMENT ON TABLE desk.task IS 'Messages in quarantine that nobody has dealt with';
COMMENT ON COLUMN desk.task.kind IS 'Outcome of the verdict';
GRANT SELECT, DELETE ON desk.task TO tali_desk;

CREATE TABLE desk.typing_task (
  station  bigint NOT NULL,
  election smallint NOT NULL,
  ballot   smallint NOT NULL,
  round    smallint NOT NULL,
  risk     smallint NOT NULL DEFAULT 6,
  since    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station, ballot, round, election)
);
CREATE INDEX typing_queue ON desk.typing_task (election, round, (-risk), since, station, ballot);
COMMENT ON TABLE desk.typing_task IS 'Forms that one person has keyed in and a second must';
GRANT SELECT, INSERT, DELETE ON desk.typing_task TO tali_desk;

CREATE TABLE tally.handling (
  message  uuid NOT NULL,
  kind     text NOT NULL CHECK (kind IN ('attached', 'dismissed', 'called')),
  election smallint NOT NULL,
  staff    text NOT NULL CHECK (staff <> ''),
  note     text NOT NULL CHECK (note <> ''),
  at       timestamptz NOT NULL DEFAULT now(),
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);
CREATE INDEX handling_message ON tally.handling (message);
CREATE UNIQUE INDEX handling_ends ON tally.handling (message) WHERE kind IN ('attached', 'dismissed');
SELECT registry.protect('tally.handling');
COMMENT ON TABLE tally.handling IS 'What the staff did with a message in quarantine or an unanswered question; attached and dismissed end it';

ALTER TABLE intake.question ADD COLUMN handled uuid;
COMMENT ON COLUMN intake.question.handled IS 'The message whose question the staff have dealt with: a newer question is open again';
CREATE INDEX question_queue ON intake.question (election, round, asked_at, message) WHERE handled IS DISTINCT FROM message;
CREATE INDEX question_message ON intake.question (message);
GRANT UPDATE (handled) ON intake.question TO tali_desk;

-- A question stands in the queue itself once it lapses; a message that was asked
-- about, answered or asked about anew waits for nobody.
-- +goose StatementBegin
CREATE FUNCTION desk.note_verdict() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO desk.task (message, election, station, ballot, kind, phone, risk, since)
  SELECT NEW.message, NEW.election, NEW.station, NEW.ballot, NEW.outcome, NEW.phone,
         CASE NEW.outcome WHEN 'figures' THEN 4 WHEN 'damaged' THEN 3 WHEN 'wrong_tps' THEN 3 WHEN 'unknown' THEN 1 ELSE 2 END, now()
  WHERE NOT EXISTS (SELECT FROM intake.question q WHERE q.message = NEW.message)
  ON CONFLICT (message) DO NOTHING;
  RETURN NULL;
END $$;

CREATE FUNCTION desk.note_question() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  DELETE FROM desk.task t WHERE t.message IN (NEW.message, OLD.message);
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER quarantine AFTER INSERT ON intake.verdict
  FOR EACH ROW WHEN (NEW.quarantine) EXECUTE FUNCTION desk.note_verdict();
CREATE TRIGGER asked AFTER INSERT OR UPDATE OR DELETE ON intake.question
  FOR EACH ROW EXECUTE FUNCTION desk.note_question();
REVOKE ALL ON FUNCTION desk.note_verdict, desk.note_question FROM PUBLIC;

-- The state of one entry now: what stands says so itself, the others by what was
-- decided last, and one that was in and stands no longer was replaced.
-- +goose StatementBegin
CREATE FUNCTION tally.state_of(began text, decided text, stands boolean, standing text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT CASE WHEN stands THEN standing WHEN decided IS NOT NULL THEN decided
              WHEN began = 'masuk' THEN 'digantikan' ELSE began END
$$;

CREATE FUNCTION tally.subject(election smallint, station bigint, ballot smallint, round smallint) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT 'c:' || election || ':' || station || ':' || ballot || ':' || round
$$;

-- needs_two: flagged, corrected, keyed in by hand, attached, or one of several.
CREATE FUNCTION tally.needs_two(e tally.entry, revisions smallint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT cardinality(e.flags) > 0 OR e.message IS NULL OR revisions > 1 OR EXISTS (
    SELECT FROM tally.typed_entry t
    WHERE t.station = e.station AND t.ballot = e.ballot AND t.round = e.round AND t.election = e.election AND t.revision = e.revision)
$$;

CREATE FUNCTION tally.guard_decision() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  s tally.standing;
  e tally.entry;
  last tally.decision;
  before text;
BEGIN
  SELECT * INTO s FROM tally.standing
   WHERE station = NEW.station AND ballot = NEW.ballot AND round = NEW.round AND election = NEW.election FOR UPDATE;
  SELECT * INTO e FROM tally.entry
   WHERE station = NEW.station AND ballot = NEW.ballot AND round = NEW.round AND election = NEW.election
     AND revision = NEW.revision AND province = NEW.station / 100000000000;
  IF s.station IS NULL OR e.station IS NULL THEN
    RAISE EXCEPTION 'no such entry' USING ERRCODE = 'TL002';
  END IF;
  SELECT * INTO last FROM tally.decision
   WHERE station = NEW.station AND ballot = NEW.ballot AND round = NEW.round AND election = NEW.election
     AND revision = NEW.revision ORDER BY id DESC LIMIT 1;
  before := tally.state_of(e.state, last.state, coalesce(s.entry = NEW.revision, false), s.state);
  IF NEW.version <> s.version OR NEW.seen <> s.revision OR NEW.was <> before THEN
    RAISE EXCEPTION 'version % (%) was seen, it is % (%)', NEW.version, NEW.was, s.version, before USING ERRCODE = 'TL001';
  END IF;
  IF EXISTS (SELECT FROM desk.claim c
      WHERE c.subject = tally.subject(NEW.election, NEW.station, NEW.ballot, NEW.round) AND c.staff <> NEW.staff AND c.until > now()) THEN
    RAISE EXCEPTION 'open on another desk' USING ERRCODE = 'TL005';
  END IF;
  IF NOT (CASE NEW.kind
      WHEN 'confirm' THEN before IN ('masuk', 'ditahan') AND NEW.state = 'terverifikasi'
      WHEN 'reject' THEN before IN ('masuk', 'ditahan') AND NEW.state = 'ditolak'
      WHEN 'hold' THEN before = 'masuk' AND NEW.state = 'ditahan'
      WHEN 'replace' THEN before IN ('masuk', 'ditahan', 'terverifikasi') AND NEW.state = 'digantikan'
      WHEN 'undo' THEN last.state IS NOT NULL AND last.kind <> 'undo' AND (
           NEW.state = last.was AND last.was <> 'masuk'
        OR NEW.state IS NULL AND last.was = 'masuk' AND e.state = 'masuk'
        OR NEW.state = 'ditahan' AND last.was = 'masuk')
      ELSE false END) THEN
    RAISE EXCEPTION '% makes no % of %', NEW.kind, NEW.state, before USING ERRCODE = 'TL002';
  END IF;
  IF NEW.kind = 'confirm' AND 'form' = ANY (e.flags) AND NOT EXISTS (SELECT FROM tally.remark r
      WHERE r.station = NEW.station AND r.ballot = NEW.ballot AND r.round = NEW.round AND r.election = NEW.election
        AND r.revision = NEW.revision AND r.kind = 'call' AND r.reached) THEN
    RAISE EXCEPTION 'the officer was not called' USING ERRCODE = 'TL004';
  END IF;
  IF NEW.kind IN ('confirm', 'reject') AND tally.needs_two(e, s.revision) AND NOT EXISTS (SELECT FROM tally.remark r
      WHERE r.station = NEW.station AND r.ballot = NEW.ballot AND r.round = NEW.round AND r.election = NEW.election
        AND r.revision = NEW.revision AND r.kind = 'agree' AND r.proposes = NEW.kind AND r.staff <> NEW.staff AND r.version = NEW.version) THEN
    RAISE EXCEPTION 'a second person is needed' USING ERRCODE = 'TL003';
  END IF;
  RETURN NEW;
END $$;

-- check_case folds the facts of a case again: the confirmed entry stands, else
-- the newest that came in unless the staff decided otherwise about it.
CREATE FUNCTION tally.check_case() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  s tally.standing;
  f record;
BEGIN
  SELECT * INTO s FROM tally.standing
   WHERE station = NEW.station AND ballot = NEW.ballot AND round = NEW.round AND election = NEW.election;
  SELECT count(*) FILTER (WHERE state = 'terverifikasi') AS confirmed,
         max(revision) FILTER (WHERE state = 'terverifikasi') AS final,
         max(revision) FILTER (WHERE began = 'masuk') AS newest,
         (array_agg(state ORDER BY revision DESC) FILTER (WHERE began = 'masuk'))[1] AS newest_state,
         count(*) FILTER (WHERE coalesce(state, began) = 'ditahan') AS held INTO f
    FROM (SELECT e.revision, e.state AS began, d.state
            FROM tally.entry e
            LEFT JOIN LATERAL (SELECT state FROM tally.decision
              WHERE station = e.station AND ballot = e.ballot AND round = e.round AND election = e.election AND revision = e.revision
              ORDER BY id DESC LIMIT 1) AS d ON true
           WHERE e.station = NEW.station AND e.ballot = NEW.ballot AND e.round = NEW.round AND e.election = NEW.election
             AND e.province = NEW.station / 100000000000) AS facts;
  IF (f.confirmed > 1 OR f.held <> s.held
     OR s.entry IS DISTINCT FROM coalesce(f.final, CASE WHEN f.newest_state IS NULL THEN f.newest END)
     OR s.state IS DISTINCT FROM CASE WHEN f.confirmed > 0 THEN 'terverifikasi'
                                      WHEN f.newest IS NOT NULL AND f.newest_state IS NULL THEN 'masuk' END) THEN
    RAISE EXCEPTION 'case %/%/%: the standing is not what the decisions say', NEW.station, NEW.ballot, NEW.round USING ERRCODE = 'TL006';
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
-- Accounts change and end: who decides must be allowed to at that moment.
-- +goose StatementBegin
CREATE FUNCTION staff.guard_decider() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM staff.account a WHERE a.login = NEW.staff AND a.active AND a.role IN ('supervisor', 'verifier')) THEN
    RAISE EXCEPTION 'account % decides nothing', NEW.staff USING ERRCODE = 'TL007';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER decider BEFORE INSERT ON tally.decision FOR EACH ROW EXECUTE FUNCTION staff.guard_decider();
CREATE TRIGGER decider BEFORE INSERT ON tally.remark FOR EACH ROW EXECUTE FUNCTION staff.guard_decider();
CREATE TRIGGER decider BEFORE INSERT ON tally.typing FOR EACH ROW EXECUTE FUNCTION staff.guard_decider();
CREATE TRIGGER decider BEFORE INSERT ON tally.handling FOR EACH ROW EXECUTE FUNCTION staff.guard_decider();
CREATE TRIGGER guard BEFORE INSERT ON tally.decision FOR EACH ROW EXECUTE FUNCTION tally.guard_decision();
CREATE CONSTRAINT TRIGGER agrees AFTER INSERT ON tally.decision DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION tally.check_case();
-- The intake changes neither in the common case: it pays for a comparison only.
CREATE CONSTRAINT TRIGGER agrees AFTER UPDATE ON tally.standing DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state OR NEW.held < OLD.held
    OR OLD.state = 'terverifikasi' AND OLD.entry IS DISTINCT FROM NEW.entry)
  EXECUTE FUNCTION tally.check_case();

-- Nobody of the staff may write an entry: this function does, from two equal
-- typings of two people, or from an SMS that somebody attached. What it makes is
-- held: it counts once two people have confirmed it.
-- +goose StatementBegin
CREATE FUNCTION tally.add_entry(first_typing bigint, second_typing bigint) RETURNS smallint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  a tally.typing;
  b tally.typing;
  s tally.standing;
  at timestamptz := now();
  sender text := '';
  added smallint;
BEGIN
  SELECT * INTO STRICT a FROM tally.typing WHERE id = first_typing;
  IF second_typing IS NOT NULL THEN
    SELECT * INTO STRICT b FROM tally.typing WHERE id = second_typing;
    IF a.staff = b.staff THEN
      RAISE EXCEPTION 'both were keyed in by the same person' USING ERRCODE = 'TL003';
    END IF;
    IF (a.station, a.ballot, a.round, a.election, a.figures, a.flags) IS DISTINCT FROM (b.station, b.ballot, b.round, b.election, b.figures, b.flags) THEN
      RAISE EXCEPTION 'the two typings differ' USING ERRCODE = 'TL002';
    END IF;
  ELSIF a.source <> 'sms' THEN
    RAISE EXCEPTION 'a second typing is needed' USING ERRCODE = 'TL003';
  ELSE
    SELECT m.received_at, v.phone INTO STRICT at, sender FROM intake.message m JOIN intake.verdict v ON v.message = m.key
     WHERE m.key = a.message AND v.revision IS NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(a.station);
  SELECT * INTO s FROM tally.standing
   WHERE station = a.station AND ballot = a.ballot AND round = a.round AND election = a.election FOR UPDATE;
  added := coalesce(s.revision, 0) + 1;
  INSERT INTO tally.entry (station, election, province, ballot, round, revision, message, received_at, state, assurance, proof, phone, figures, flags)
  VALUES (a.station, a.election, a.station / 100000000000, a.ballot, a.round, added, a.message, at, 'ditahan', 'A0', '', sender, a.figures, a.flags);
  INSERT INTO tally.typed_entry (station, election, ballot, round, revision, first, second)
  VALUES (a.station, a.election, a.ballot, a.round, added, first_typing, second_typing);
  INSERT INTO tally.standing (station, election, ballot, round, entry, revision, held, risk, version, state)
  VALUES (a.station, a.election, a.ballot, a.round, NULL, 1, 1, 10, 1, NULL)
  ON CONFLICT (station, ballot, round, election) DO UPDATE
  SET revision = added, held = tally.standing.held + 1, risk = tally.standing.risk + 10, version = tally.standing.version + 1;
  DELETE FROM desk.typing_task t
   WHERE t.station = a.station AND t.ballot = a.ballot AND t.round = a.round AND t.election = a.election;
  IF a.message IS NOT NULL THEN
    INSERT INTO tally.handling (message, kind, election, staff, note)
    VALUES (a.message, 'attached', a.election, a.staff, a.station || ' ' || a.note);
    DELETE FROM desk.task t WHERE t.message = a.message;
    UPDATE intake.question q SET handled = q.message WHERE q.message = a.message;
  END IF;
  RETURN added;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION tally.add_entry FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tally.add_entry TO tali_desk;

GRANT SELECT, INSERT ON tally.remark, tally.typing, tally.handling TO tali_desk;
GRANT SELECT ON tally.typed_entry TO tali_desk;
