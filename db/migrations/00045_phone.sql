-- +goose Up
-- Another phone takes two people of the desk, whoever asked. A table read on the
-- command line names nobody: the first of the desk to agree then stands for it,
-- and a second one must agree too. Until now one was enough, who may have been
-- the one at the command line.

UPDATE staff.phone_change SET state = 'asked', asked_by = decided_by, decided_by = NULL, decided_at = NULL, effective_at = NULL
WHERE asked_by IS NULL AND state = 'agreed';
ALTER TABLE staff.phone_change
  DROP CONSTRAINT two_people,
  -- What is done is done: rows from before are not looked at.
  ADD CONSTRAINT two_people CHECK (state IN ('asked', 'refused') OR (asked_by IS NOT NULL AND decided_by <> asked_by)) NOT VALID;
GRANT UPDATE (asked_by) ON staff.phone_change TO tali_desk, tali_area;
COMMENT ON COLUMN staff.phone_change.asked_by IS 'NULL: the command line, until somebody at the desk stands for it';

-- +goose StatementBegin
CREATE FUNCTION staff.keep_asker() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF OLD.asked_by IS DISTINCT FROM NEW.asked_by AND (OLD.asked_by IS NOT NULL OR NEW.state <> 'asked') THEN
    RAISE EXCEPTION 'phone change %: who asked never changes, and does not agree in the same step', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

-- An import binds officers whom a station does not have yet. One who reports for
-- it already gets another phone only by a change that two people agreed to and
-- whose cooling time is over. Two phones of one table are no change.
CREATE FUNCTION registry.guard_phone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  place bigint;
BEGIN
  SELECT f.station INTO place
  FROM fresh f
  JOIN registry.officer o ON o.id = f.officer
  JOIN registry.phone p ON p.station = f.station AND p.election = f.election AND p.phone <> f.phone AND p.valid_until >= now()
  JOIN registry.officer q ON q.id = p.officer
  WHERE (q.id = o.id OR regexp_replace(lower(btrim(q.name)), '\s+', ' ', 'g') = regexp_replace(lower(btrim(o.name)), '\s+', ' ', 'g'))
    AND NOT EXISTS (SELECT FROM fresh g WHERE g.station = p.station AND g.election = p.election AND g.phone = p.phone AND g.valid_from = p.valid_from)
    AND NOT EXISTS (SELECT FROM staff.phone_change c WHERE c.officer = f.officer AND c.new_phone = f.phone
      AND c.state IN ('agreed', 'done') AND c.effective_at <= now())
  LIMIT 1;
  IF place IS NOT NULL THEN
    RAISE EXCEPTION 'station %: another phone of an officer takes two people and time', place USING ERRCODE = 'TL009';
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION staff.keep_asker, registry.guard_phone FROM PUBLIC;
CREATE TRIGGER keep_asker BEFORE UPDATE ON staff.phone_change FOR EACH ROW EXECUTE FUNCTION staff.keep_asker();
CREATE TRIGGER guard_phone AFTER INSERT ON registry.phone
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION registry.guard_phone();
