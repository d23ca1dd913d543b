-- +goose Up
-- A table of officers read on the command line asks for a changed phone as
-- anybody at the desk does: the second person is one of the desk.

ALTER TABLE staff.phone_change ALTER COLUMN asked_by DROP NOT NULL;
COMMENT ON COLUMN staff.phone_change.asked_by IS 'NULL: the command line. Somebody at the desk is then the second person';
