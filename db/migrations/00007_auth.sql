-- +goose Up
-- Authenticity codes: which were used, which were wrong, which entries they have
-- proven since, and the cards that were issued again. All of it facts.

-- The primary key is what makes a one-time code one: of two entries that come
-- with it, whatever the phone, the gateway and the moment, one is written.
CREATE TABLE tally.spent_code (
  station    bigint NOT NULL,
  code       text NOT NULL CHECK (code ~ '^[0-9]{8}$'),
  generation smallint NOT NULL CHECK (generation > 0),
  round      smallint NOT NULL CHECK (round > 0),
  election   smallint NOT NULL,
  ballot     smallint NOT NULL CHECK (ballot BETWEEN 1 AND 8),
  revision   smallint NOT NULL CHECK (revision > 0),
  message    uuid NOT NULL,
  PRIMARY KEY (station, code, generation, round, election)
);
SELECT registry.protect('tally.spent_code');
COMMENT ON TABLE tally.spent_code IS 'One-time codes of the sealed cards that were used';
COMMENT ON COLUMN tally.spent_code.generation IS 'Of the station''s card, each of which has codes of its own';
COMMENT ON COLUMN tally.spent_code.revision IS 'Of the entry that it proves: for that one it stays right';
COMMENT ON COLUMN tally.spent_code.message IS 'The SMS that brought it';

CREATE TABLE tally.wrong_code (
  station    bigint NOT NULL,
  code       text NOT NULL CHECK (code ~ '^[0-9A-Z]{6,8}$'),
  generation smallint NOT NULL CHECK (generation > 0),
  round      smallint NOT NULL CHECK (round > 0),
  election   smallint NOT NULL,
  message    uuid NOT NULL,
  PRIMARY KEY (station, code, generation, round, election)
);
SELECT registry.protect('tally.wrong_code');
COMMENT ON TABLE tally.wrong_code IS 'Codes that were wrong, the first five of each card; the same one again is no second try';
COMMENT ON COLUMN tally.wrong_code.message IS 'The SMS that first brought it';

CREATE TABLE tally.raised_proof (
  station   bigint NOT NULL,
  ballot    smallint NOT NULL CHECK (ballot BETWEEN 1 AND 8),
  round     smallint NOT NULL CHECK (round > 0),
  revision  smallint NOT NULL CHECK (revision > 0),
  assurance text NOT NULL CHECK (assurance IN ('A1', 'A2')),
  election  smallint NOT NULL,
  message   uuid NOT NULL,
  PRIMARY KEY (station, ballot, round, revision, assurance, election)
);
SELECT registry.protect('tally.raised_proof');
COMMENT ON TABLE tally.raised_proof IS 'Proof that reached an entry later than the entry itself; the best one counts';
COMMENT ON COLUMN tally.raised_proof.message IS 'The SMS that brought it: the same tally again, with a code';

CREATE VIEW tally.proven_entry AS
SELECT e.election, e.station, e.ballot, e.round, e.revision,
       greatest(e.assurance, (SELECT max(r.assurance) FROM tally.raised_proof r
         WHERE r.station = e.station AND r.ballot = e.ballot AND r.round = e.round AND r.revision = e.revision
           AND r.election = e.election)) AS assurance
FROM tally.entry e;
COMMENT ON VIEW tally.proven_entry IS 'How well each entry is proven now: A0 the phone alone, A1 a one-time code, A2 a code bound to the figures';

CREATE TABLE registry.card (
  election   smallint NOT NULL,
  station    bigint NOT NULL,
  generation smallint NOT NULL CHECK (generation > 1),
  issued_at  timestamptz NOT NULL DEFAULT now(),
  issued_by  text NOT NULL CHECK (issued_by <> ''),
  PRIMARY KEY (station, generation, election),
  FOREIGN KEY (election, station) REFERENCES registry.station (election, code)
);
SELECT registry.protect('registry.card');
COMMENT ON TABLE registry.card IS 'Cards that were issued again. The first one of a station has no row; the newest is the one of registry.station';
COMMENT ON COLUMN registry.card.issued_by IS 'User of the operating system who ran the command';

GRANT SELECT, INSERT ON tally.spent_code, tally.wrong_code, tally.raised_proof TO tali_gateway;
GRANT SELECT ON tally.spent_code, tally.wrong_code, tally.raised_proof, tally.proven_entry TO tali_desk;
GRANT SELECT ON registry.card TO tali_gateway, tali_desk;
GRANT INSERT ON registry.card TO tali_desk;

ALTER TABLE intake.verdict
  DROP CONSTRAINT verdict_outcome_check,
  ADD CONSTRAINT verdict_outcome_check CHECK (outcome IN ('ignored', 'unknown', 'damaged', 'service', 'no_question', 'courtesy',
    'unreadable', 'not_open', 'wrong_tps', 'structure', 'same', 'figures', 'held', 'conflict', 'accepted', 'unproven'));

ALTER TABLE intake.question
  DROP CONSTRAINT question_kind_check,
  ADD CONSTRAINT question_kind_check CHECK (kind IN ('ask_tps', 'ask_code', 'ask_repair', 'ask_missing', 'ask_fits', 'ask_no_k',
    'ask_row', 'ask_form', 'ask_form_row', 'ask_k', 'ask_swap', 'ask_ballot', 'ask_auth', 'ask_auth_again', 'ask_auth_call'));
