-- +goose Up
-- What officers are to be told. Rows are the queue: a claim is a committed lease.

CREATE SCHEMA outbox;
COMMENT ON SCHEMA outbox IS 'What officers are to be told';
GRANT USAGE ON SCHEMA outbox TO tali_gateway, tali_desk;

CREATE TABLE outbox.reply (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message       uuid,
  queued_at     timestamptz NOT NULL DEFAULT now(),
  asked_at      timestamptz NOT NULL,
  not_before    timestamptz,
  lease_until   timestamptz,
  closed_at     timestamptz,
  priority      smallint NOT NULL,
  attempts      smallint NOT NULL DEFAULT 0,
  repeats       smallint NOT NULL DEFAULT 0 CHECK (repeats BETWEEN 0 AND 1),
  neutral       boolean NOT NULL,
  state         text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'leased', 'sent', 'failed', 'unknown')),
  gateway       text NOT NULL,
  modem         text NOT NULL,
  recipient     text NOT NULL,
  kind          text NOT NULL,
  text          text NOT NULL,
  lease_gateway text,
  lease_modem   text,
  error         text,
  reference     text,
  CONSTRAINT leased CHECK ((state = 'leased') = (lease_until IS NOT NULL)),
  CONSTRAINT closed CHECK ((state IN ('sent', 'failed', 'unknown')) = (closed_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX reply_queue ON outbox.reply (gateway, modem, priority, id) WHERE state IN ('queued', 'leased');
CREATE INDEX reply_leased ON outbox.reply (lease_until) WHERE state = 'leased';
CREATE INDEX reply_sent ON outbox.reply (recipient, closed_at) WHERE state IN ('sent', 'unknown');
CREATE INDEX reply_neutral ON outbox.reply (asked_at, recipient) WHERE neutral;
COMMENT ON TABLE outbox.reply IS 'Replies, from queued to told';
COMMENT ON COLUMN outbox.reply.message IS 'What it answers; NULL when the staff wrote first. At most one reply a message: both are written by one statement';
COMMENT ON COLUMN outbox.reply.asked_at IS 'When the message was received, by its gateway';
COMMENT ON COLUMN outbox.reply.gateway IS 'Who received the message and should answer it, with modem';
COMMENT ON COLUMN outbox.reply.repeats IS '1 once a send whose outcome nobody knows is to be tried again; never more';
COMMENT ON COLUMN outbox.reply.attempts IS 'Claims so far; the holder of a lease names its own when closing';
COMMENT ON COLUMN outbox.reply.neutral IS 'To a phone that is not registered: counted, at most one a day';
COMMENT ON COLUMN outbox.reply.reference IS 'What the network called the sent SMS';

GRANT SELECT, INSERT ON outbox.reply TO tali_gateway, tali_desk;
GRANT UPDATE (not_before, lease_until, closed_at, attempts, repeats, state, lease_gateway, lease_modem, error, reference)
  ON outbox.reply TO tali_gateway;
