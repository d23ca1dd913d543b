-- +goose Up
-- What arrived and what was decided on it. Nothing here is ever changed.

CREATE SCHEMA intake;
COMMENT ON SCHEMA intake IS 'What arrived and what was decided on it: append-only';
GRANT USAGE ON SCHEMA intake TO tali_gateway, tali_desk;

-- Hash partitions: a message of an unknown sender has no province, and a unique
-- key needs the partition column. Four keep the index of one small at 5 million
-- messages without costing the insert much.
CREATE TABLE intake.message (
  key         uuid NOT NULL PRIMARY KEY,
  received_at timestamptz NOT NULL,
  sent_at     timestamptz,
  interim_at  timestamptz,
  stored_at   timestamptz NOT NULL DEFAULT now(),
  kind        text NOT NULL CHECK (kind IN ('text', 'incomplete', 'unreadable', 'report')),
  sender      text NOT NULL,
  text        text NOT NULL,
  gateway     text NOT NULL,
  modem       text NOT NULL,
  imsi        text NOT NULL,
  interim     text NOT NULL,
  pdus        text[] NOT NULL
) PARTITION BY HASH (key);
CREATE TABLE intake.message_0 PARTITION OF intake.message FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE intake.message_1 PARTITION OF intake.message FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE intake.message_2 PARTITION OF intake.message FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE intake.message_3 PARTITION OF intake.message FOR VALUES WITH (MODULUS 4, REMAINDER 3);
-- BRIN: rows come nearly in this order, and it costs the insert next to nothing.
CREATE INDEX message_stored ON intake.message USING brin (stored_at) WITH (pages_per_range = 16, autosummarize = on);
SELECT registry.protect('intake.message');
COMMENT ON TABLE intake.message IS 'Every SMS, raw, as its gateway read it';
COMMENT ON COLUMN intake.message.key IS 'First 128 bits of the hash over the raw PDUs: the same message is the same key at every gateway';
COMMENT ON COLUMN intake.message.received_at IS 'By the gateway''s clock: every limit in time goes by this';
COMMENT ON COLUMN intake.message.sent_at IS 'SMSC time stamp; NULL when it held no time';
COMMENT ON COLUMN intake.message.interim IS 'Kind of the answer given while the centre was away; empty if none';
COMMENT ON COLUMN intake.message.pdus IS 'Raw PDUs in hex, by part';
COMMENT ON COLUMN intake.message.stored_at IS 'By the centre''s clock';

-- No foreign keys here and in tally: both rows come from one statement under
-- the station's lock, and a check for each row would cost a third of the intake.
CREATE TABLE intake.verdict (
  message    uuid NOT NULL PRIMARY KEY,
  station    bigint,
  profile    integer NOT NULL,
  election   smallint NOT NULL,
  ballot     smallint,
  revision   smallint,
  quarantine boolean NOT NULL,
  outcome    text NOT NULL CHECK (outcome IN ('ignored', 'unknown', 'damaged', 'service', 'no_question', 'courtesy',
    'unreadable', 'not_open', 'wrong_tps', 'structure', 'same', 'figures', 'held', 'conflict', 'accepted')),
  reason     text NOT NULL,
  phone      text NOT NULL,
  program    text NOT NULL
) PARTITION BY HASH (message);
CREATE TABLE intake.verdict_0 PARTITION OF intake.verdict FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE intake.verdict_1 PARTITION OF intake.verdict FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE intake.verdict_2 PARTITION OF intake.verdict FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE intake.verdict_3 PARTITION OF intake.verdict FOR VALUES WITH (MODULUS 4, REMAINDER 3);
SELECT registry.protect('intake.verdict');
COMMENT ON TABLE intake.verdict IS 'The decision on each message, partitioned like it';
COMMENT ON COLUMN intake.verdict.revision IS 'Of the entry that the message gave rise to; NULL when none';
COMMENT ON COLUMN intake.verdict.quarantine IS 'The staff must look at the message itself';
COMMENT ON COLUMN intake.verdict.program IS 'Version of the program that decided';

CREATE TABLE intake.segment (
  key         uuid NOT NULL PRIMARY KEY,
  gateway     text NOT NULL,
  modem       text NOT NULL,
  sender      text NOT NULL,
  reference   integer NOT NULL,
  parts       smallint NOT NULL,
  part        smallint NOT NULL CHECK (part BETWEEN 1 AND parts),
  received_at timestamptz NOT NULL,
  pdu         text NOT NULL
);
SELECT registry.protect('intake.segment');
COMMENT ON TABLE intake.segment IS 'Parts of long SMS that no single spool could join';

GRANT SELECT (key), INSERT ON intake.message TO tali_gateway;
GRANT INSERT ON intake.verdict TO tali_gateway;
GRANT SELECT, INSERT ON intake.segment TO tali_gateway;
GRANT SELECT ON ALL TABLES IN SCHEMA intake TO tali_desk;
