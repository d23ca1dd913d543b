-- +goose Up
-- Staff of one area see and change what belongs to its stations. Their pages ask
-- as the role tali_area, whose rows these policies choose by the setting
-- tali.area of the transaction; without it there are none. The roles of gateway
-- and desk keep all rows, and plans as if there were no policy: of a condition
-- that is true the planner leaves nothing.
--
-- An SMS or a question without a station belongs to no area: it may be from
-- anywhere, and showing it to every area would show each the officers of all.

CREATE FUNCTION staff.reach_from() RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT CASE WHEN a ~ '^[1-9][0-9]{1,9}$' THEN rpad(a, 13, '0')::bigint END FROM current_setting('tali.area', true) AS a
$$;
CREATE FUNCTION staff.reach_to() RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT CASE WHEN a ~ '^[1-9][0-9]{1,9}$' THEN rpad(a, 13, '9')::bigint END FROM current_setting('tali.area', true) AS a
$$;
COMMENT ON FUNCTION staff.reach_from IS 'First station code of the area of this transaction; NULL: there is none';

CREATE INDEX phone_officer ON registry.phone (officer);
CREATE INDEX typing_message ON tally.typing (message) WHERE message IS NOT NULL;

-- These look further than whoever calls them, and answer with yes or no. They are
-- functions so that each is asked of one row that an index has found: as part of
-- a condition, the planner may read all verdicts to answer it for one.
-- +goose StatementBegin
CREATE FUNCTION staff.reaches_message(key uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT EXISTS (SELECT FROM intake.verdict v WHERE v.message = key AND v.station BETWEEN staff.reach_from() AND staff.reach_to())
      OR EXISTS (SELECT FROM tally.typing y WHERE y.message = key AND y.station BETWEEN staff.reach_from() AND staff.reach_to())
$$;

CREATE FUNCTION staff.reaches_officer(id integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT EXISTS (SELECT FROM registry.phone p WHERE p.officer = id AND p.station BETWEEN staff.reach_from() AND staff.reach_to())
$$;

CREATE FUNCTION staff.owns_officer(id integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT coalesce(bool_and(p.station BETWEEN staff.reach_from() AND staff.reach_to()), false)
  FROM registry.phone p WHERE p.officer = id AND p.valid_until > now()
$$;

CREATE FUNCTION staff.reaches_reply(message uuid, recipient text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT CASE WHEN message IS NOT NULL THEN staff.reaches_message(message) ELSE
    EXISTS (SELECT FROM registry.phone p WHERE p.phone = recipient AND p.station BETWEEN staff.reach_from() AND staff.reach_to()) END
$$;

CREATE FUNCTION staff.reaches_subject(subject text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT CASE
    WHEN subject ~ '^c:[0-9]+:[0-9]{13}:' THEN split_part(subject, ':', 3)::bigint BETWEEN staff.reach_from() AND staff.reach_to()
    WHEN subject ~ '^m:[0-9a-f-]{36}$' THEN staff.reaches_message(substr(subject, 3)::uuid)
    WHEN subject ~ '^officer [0-9]{1,9}$' THEN staff.reaches_officer(substr(subject, 9)::integer)
    ELSE false END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION staff.reaches_officer IS 'Reports or has reported for a station of the area';
COMMENT ON FUNCTION staff.owns_officer IS 'Reports for stations of the area alone: another phone would be another one for the rest too';

-- +goose StatementBegin
DO $$
DECLARE
  t text;
  condition text;
BEGIN
  FOR t, condition IN VALUES
    ('registry.station', 'code BETWEEN (SELECT staff.reach_from()) AND (SELECT staff.reach_to())'),
    ('registry.phone', 'station'), ('registry.officer', 'staff.reaches_officer(id)'),
    ('intake.message', 'staff.reaches_message(key)'), ('intake.verdict', 'station'), ('intake.question', 'station'),
    ('tally.entry', 'station'), ('tally.decision', 'station'), ('tally.standing', 'station'), ('tally.remark', 'station'),
    ('tally.typing', 'station'), ('tally.typed_entry', 'station'), ('tally.raised_proof', 'station'),
    ('tally.handling', 'staff.reaches_message(message)'),
    ('desk.task', 'station'), ('desk.typing_task', 'station'), ('desk.lookup', 'station'), ('desk.claim', 'staff.reaches_subject(subject)'),
    ('outbox.reply', 'staff.reaches_reply(message, recipient)')
  LOOP
    IF condition = 'station' THEN
      condition := 'station BETWEEN (SELECT staff.reach_from()) AND (SELECT staff.reach_to())';
    END IF;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY whole ON %s TO tali_gateway, tali_desk USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY area ON %s TO tali_area USING (%s) WITH CHECK (%2$s)', t, condition);
  END LOOP;
END $$;
-- +goose StatementEnd
ALTER TABLE staff.phone_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY whole ON staff.phone_change TO tali_desk USING (true) WITH CHECK (true);
CREATE POLICY area_seen ON staff.phone_change FOR SELECT TO tali_area USING (staff.reaches_officer(officer));
CREATE POLICY area_asked ON staff.phone_change FOR INSERT TO tali_area WITH CHECK (staff.owns_officer(officer));
CREATE POLICY area_decided ON staff.phone_change FOR UPDATE TO tali_area USING (staff.owns_officer(officer));
ALTER TABLE staff.event ENABLE ROW LEVEL SECURITY;
CREATE POLICY whole ON staff.event TO tali_desk USING (true) WITH CHECK (true);
CREATE POLICY area_seen ON staff.event FOR SELECT TO tali_area USING (staff.reaches_subject(subject));
CREATE POLICY area_done ON staff.event FOR INSERT TO tali_area WITH CHECK (true);

GRANT USAGE ON SCHEMA registry, intake, tally, outbox, desk, staff TO tali_area;
GRANT SELECT ON registry.election, registry.profile, registry.ballot, registry.contestant, registry.area, registry.modem,
  registry.station, registry.phone, registry.officer TO tali_area;
GRANT SELECT ON intake.message, intake.verdict, intake.question TO tali_area;
GRANT UPDATE (handled) ON intake.question TO tali_area;
GRANT SELECT ON tally.entry, tally.decision, tally.standing, tally.remark, tally.typing, tally.typed_entry, tally.raised_proof, tally.handling TO tali_area;
GRANT INSERT ON tally.decision, tally.remark, tally.typing, tally.handling TO tali_area;
GRANT UPDATE (entry, held, risk, version, state) ON tally.standing TO tali_area;
GRANT USAGE ON SEQUENCE tally.act TO tali_area;
GRANT EXECUTE ON FUNCTION tally.add_entry TO tali_area;
GRANT SELECT, INSERT, UPDATE, DELETE ON desk.claim TO tali_area;
GRANT SELECT, DELETE ON desk.task TO tali_area;
GRANT SELECT, INSERT, DELETE ON desk.typing_task TO tali_area;
GRANT SELECT ON desk.lookup TO tali_area;
GRANT SELECT, INSERT ON outbox.reply TO tali_area;
GRANT SELECT (id, login, name, role, area, active) ON staff.account TO tali_area;
GRANT SELECT, INSERT ON staff.event, staff.phone_change TO tali_area;
GRANT UPDATE (state, decided_by, decided_at, effective_at) ON staff.phone_change TO tali_area;

-- add_entry runs as the owner, whom no policy holds.
-- +goose StatementBegin
CREATE FUNCTION staff.guard_reach() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF current_setting('role') = 'tali_area' AND (NEW.station BETWEEN staff.reach_from() AND staff.reach_to()) IS NOT TRUE THEN
    RAISE EXCEPTION 'station % is outside the area', NEW.station USING ERRCODE = 'TL008';
  END IF;
  RETURN NEW;
END $$;

-- Whoever decides must be allowed to at that moment, and there: by whatever line
-- the decision comes.
CREATE OR REPLACE FUNCTION staff.guard_decider() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  a staff.account;
  place bigint := (to_jsonb(NEW) ->> 'station')::bigint;
BEGIN
  SELECT * INTO a FROM staff.account WHERE login = NEW.staff AND active AND role IN ('supervisor', 'verifier');
  IF a.id IS NULL THEN
    RAISE EXCEPTION 'account % decides nothing', NEW.staff USING ERRCODE = 'TL007';
  END IF;
  IF a.area IS NULL THEN
    RETURN NEW;
  END IF;
  IF TG_TABLE_NAME = 'handling' THEN
    SELECT coalesce((SELECT v.station FROM intake.verdict v WHERE v.message = NEW.message),
                    (SELECT y.station FROM tally.typing y WHERE y.message = NEW.message ORDER BY y.id LIMIT 1)) INTO place;
  END IF;
  IF (place BETWEEN rpad(a.area::text, 13, '0')::bigint AND rpad(a.area::text, 13, '9')::bigint) IS NOT TRUE THEN
    RAISE EXCEPTION 'account % works on area %', NEW.staff, a.area USING ERRCODE = 'TL008';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION staff.guard_reach, staff.guard_decider FROM PUBLIC;
CREATE TRIGGER reach BEFORE INSERT ON tally.typed_entry FOR EACH ROW EXECUTE FUNCTION staff.guard_reach();

-- Whoever manages accounts could take the area from their own.
UPDATE staff.account SET area = NULL WHERE role = 'admin';
ALTER TABLE staff.account ADD CONSTRAINT admins_have_no_area CHECK (role <> 'admin' OR area IS NULL);
COMMENT ON COLUMN staff.account.area IS 'Their pages hold rows of its stations alone; NULL: of all';
