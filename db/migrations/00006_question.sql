-- +goose Up
-- What officers were asked. Mutable: a question is answered, replaced or lapses.

CREATE TABLE intake.question (
  phone    text NOT NULL,
  ballot   smallint NOT NULL CHECK (ballot BETWEEN 1 AND 8),
  round    smallint NOT NULL CHECK (round > 0),
  election smallint NOT NULL,
  kind     text NOT NULL CHECK (kind IN ('ask_tps', 'ask_code', 'ask_repair', 'ask_missing', 'ask_fits', 'ask_no_k',
    'ask_row', 'ask_form', 'ask_form_row', 'ask_k', 'ask_swap', 'ask_ballot')),
  message  uuid NOT NULL,
  station  bigint,
  draft    text NOT NULL,
  offer    text NOT NULL,
  asked    text NOT NULL,
  asked_at timestamptz NOT NULL,
  k        text NOT NULL,
  k_at     timestamptz,
  k_sent   timestamptz,
  PRIMARY KEY (phone, ballot, round, election)
) WITH (fillfactor = 70);
COMMENT ON TABLE intake.question IS 'The open question of each phone and ballot; one that has lapsed stays for a call-back';
COMMENT ON COLUMN intake.question.phone IS 'Who was asked, E.164';
COMMENT ON COLUMN intake.question.kind IS 'Text that asked it, and so which answers are admitted';
COMMENT ON COLUMN intake.question.message IS 'The SMS that gave rise to it';
COMMENT ON COLUMN intake.question.station IS 'NULL while it is the station that is asked about';
COMMENT ON COLUMN intake.question.draft IS 'The tally as typed, its words in form order';
COMMENT ON COLUMN intake.question.offer IS 'The tally that YA, or the other ballot''s keyword, stands for; empty if none';
COMMENT ON COLUMN intake.question.asked IS 'The text that was sent';
COMMENT ON COLUMN intake.question.asked_at IS 'By the gateway''s clock: the question lapses by it';
COMMENT ON COLUMN intake.question.k IS 'The K that was asked about; empty if none';
COMMENT ON COLUMN intake.question.k_at IS 'Receipt of the message that first brought this K';
COMMENT ON COLUMN intake.question.k_sent IS 'SMSC time stamp of that message';
GRANT SELECT, INSERT, UPDATE, DELETE ON intake.question TO tali_gateway;
GRANT SELECT ON intake.question TO tali_desk;

ALTER TABLE tally.entry
  DROP CONSTRAINT entry_flags_check,
  ADD CONSTRAINT entry_flags_check CHECK (flags <@ ARRAY['over_voters', 'ballot_stock', 'turnout', 'one_sided', 'round', 'late',
    'apart', 'rejected', 'form', 'wrong_proof']);
