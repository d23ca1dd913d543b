-- +goose Up
-- Parts of one long SMS that came in at several gateways: each hands over what it
-- has, takes what the others have, and joins the whole in its own spool.

ALTER TABLE intake.segment ADD COLUMN hash bytea NOT NULL CHECK (length(hash) = 32);
COMMENT ON COLUMN intake.segment.hash IS 'Whole hash over the raw PDU, whose head is the key: that of the joined message follows from those of its parts, so that it is one message whoever joins it';
CREATE INDEX segment_bucket ON intake.segment (sender, reference, parts);
