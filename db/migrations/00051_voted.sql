-- +goose Up
-- What the tally of one ballot needs to know of the other ballots of its station
-- is how many voted there. With that number beside the state the intake no longer
-- reads the entries of all ballots for each SMS: at the end of a night of five
-- ballots that was more work than to store the SMS itself.

ALTER TABLE tally.standing ADD COLUMN voted smallint CHECK (voted BETWEEN 0 AND 999);
COMMENT ON COLUMN tally.standing.voted IS 'How many voted by the entry that stands; NULL: the entry itself must be asked';
GRANT UPDATE (voted) ON tally.standing TO tali_gateway;

-- Whoever changes what stands and says no number leaves none: a gateway of an
-- older version, and the staff.
-- +goose StatementBegin
CREATE FUNCTION tally.forget_voted() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  NEW.voted := NULL;
  RETURN NEW;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION tally.forget_voted FROM PUBLIC;
CREATE TRIGGER forget_voted BEFORE UPDATE ON tally.standing FOR EACH ROW
  WHEN (NEW.voted IS NOT NULL AND NEW.voted = OLD.voted AND NEW.entry IS DISTINCT FROM OLD.entry)
  EXECUTE FUNCTION tally.forget_voted();
