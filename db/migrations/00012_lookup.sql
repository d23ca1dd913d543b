-- +goose Up
-- What the staff search in. The intake pays nothing for it: the desk fills it,
-- a second behind, from what the intake has committed.

CREATE TABLE desk.lookup (
  message   uuid PRIMARY KEY,
  stored_at timestamptz NOT NULL,
  election  smallint NOT NULL,
  phone     text NOT NULL,
  station   bigint,
  ballot    smallint,
  revision  smallint,
  outcome   text NOT NULL,
  reply     bigint,
  words     tsvector NOT NULL
);
CREATE INDEX lookup_time ON desk.lookup (stored_at, message);
CREATE INDEX lookup_phone ON desk.lookup (phone, stored_at, message);
CREATE INDEX lookup_station ON desk.lookup (station, stored_at, message) WHERE station IS NOT NULL;
CREATE INDEX lookup_words ON desk.lookup USING gin (words);
COMMENT ON TABLE desk.lookup IS 'Messages by phone, station, time and word; a copy that can be made again';
COMMENT ON COLUMN desk.lookup.reply IS 'What answered it';
COMMENT ON COLUMN desk.lookup.words IS 'Of the text, and the proof code of the receipt behind proof/';

CREATE TABLE desk.lookup_mark (
  sole  boolean PRIMARY KEY DEFAULT true CHECK (sole),
  until timestamptz NOT NULL
);
COMMENT ON TABLE desk.lookup_mark IS 'Everything stored before this moment is in desk.lookup';
INSERT INTO desk.lookup_mark (until) VALUES ('2000-01-01Z');
GRANT SELECT, INSERT ON desk.lookup TO tali_desk;
GRANT SELECT, UPDATE (until) ON desk.lookup_mark TO tali_desk;

-- Replies carry the time of their message's transaction; BRIN costs the intake
-- next to nothing, and what the staff wrote first is little.
CREATE INDEX reply_queued ON outbox.reply USING brin (queued_at) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX reply_staff ON outbox.reply (recipient, id) WHERE message IS NULL;
CREATE INDEX station_village ON registry.station ((code / 1000), election);
CREATE INDEX area_name ON registry.area (lower(name) text_pattern_ops);
CREATE INDEX handling_at ON tally.handling (at, id);
