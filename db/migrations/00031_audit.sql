-- +goose Up
-- What people did, as a chain: each event's hash covers the one before it. The
-- rows themselves stay where they are; the chain holds their numbers and digests
-- keyed with a secret, never a phone or a text, so that rows may end one day and
-- the chain stays.

CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'The chain over what people did and over what came in: append-only';
GRANT USAGE ON SCHEMA audit TO tali_desk;

CREATE TABLE audit.secret (
  id     smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  secret bytea NOT NULL CHECK (length(secret) = 32),
  since  timestamptz NOT NULL DEFAULT now()
);
SELECT registry.protect('audit.secret');
COMMENT ON TABLE audit.secret IS 'Keys of the digests: without them, who has the chain cannot try out phones and texts';
INSERT INTO audit.secret (secret) VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

CREATE TABLE audit.event (
  seq     bigint NOT NULL PRIMARY KEY CHECK (seq > 0),
  at      timestamptz NOT NULL,
  source  text NOT NULL CHECK (source IN ('staff.event', 'tally.decision', 'tally.remark', 'tally.typing', 'tally.typed_entry',
    'tally.handling', 'audit.seal')),
  ref     bigint NOT NULL,
  kind    text NOT NULL CHECK (kind !~ '[\n]'),
  actor   text NOT NULL CHECK (actor !~ '[\n]'),
  subject text NOT NULL CHECK (subject !~ '[\n]'),
  secret  smallint NOT NULL REFERENCES audit.secret,
  content bytea NOT NULL CHECK (length(content) = 32),
  hash    bytea NOT NULL CHECK (length(hash) = 32),
  UNIQUE (source, ref)
);
SELECT registry.protect('audit.event');
COMMENT ON TABLE audit.event IS 'The chain. hash: SHA-256 of tali-audit-1, seq, at (UTC, microseconds, Z), source, ref, kind, actor, subject, secret, content (hex) and the hash before it (hex; 64 zeros for the first), a line each without one at the end';
COMMENT ON COLUMN audit.event.source IS 'Table of the row that this event is about, and ref its number there';
COMMENT ON COLUMN audit.event.actor IS 'Login or number of the account; empty: the command line, or nobody who is known';
COMMENT ON COLUMN audit.event.content IS 'SHA-256 of the secret and the row as a JSON array';

CREATE TABLE audit.pending (
  id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  ref    bigint NOT NULL
);
COMMENT ON TABLE audit.pending IS 'Rows that are committed and not in the chain yet';

CREATE TABLE audit.seal (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  lo       timestamptz NOT NULL,
  hi       timestamptz NOT NULL CHECK (lo < hi),
  messages integer NOT NULL CHECK (messages > 0),
  secret   smallint NOT NULL REFERENCES audit.secret,
  digest   bytea NOT NULL CHECK (length(digest) = 32),
  leaves   bytea NOT NULL
);
CREATE INDEX seal_time ON audit.seal (lo);
SELECT registry.protect('audit.seal');
COMMENT ON TABLE audit.seal IS 'What came in from lo until before hi, under one digest. The chain holds one event for each';
COMMENT ON COLUMN audit.seal.digest IS 'SHA-256 over the digests of message, verdict and entry, in the order of the keys';
COMMENT ON COLUMN audit.seal.leaves IS 'Of each message its key (16 bytes) and the first 8 of its digest: they name the one that was touched';

CREATE TABLE audit.mark (
  sole    boolean PRIMARY KEY DEFAULT true CHECK (sole),
  until   timestamptz NOT NULL,
  horizon timestamptz NOT NULL,
  busy    text[] NOT NULL
);
COMMENT ON TABLE audit.mark IS 'How far the intake is sealed';
COMMENT ON COLUMN audit.mark.until IS 'Everything that was stored before it is sealed';
COMMENT ON COLUMN audit.mark.horizon IS 'Once the transactions in busy have ended, nothing more can come before it';
INSERT INTO audit.mark (until, horizon, busy) VALUES ('2000-01-01Z', '2000-01-01Z', '{}');
GRANT SELECT ON audit.event, audit.pending, audit.seal, audit.mark TO tali_desk;

-- Text of a row as it is hashed. Columns are named: what a later version adds
-- does not change the digest of an older row.
-- +goose StatementBegin
CREATE FUNCTION audit.row_of(source text, ref bigint, OUT kind text, OUT actor text, OUT subject text, OUT line text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog SET timezone = 'UTC' AS $$
BEGIN
  CASE source
  WHEN 'staff.event' THEN
    SELECT e.kind, coalesce(e.account::text, ''), '',
           jsonb_build_array(e.id, e.at, e.account, e.kind, e.subject, e.detail, e.address)::text
      INTO kind, actor, subject, line FROM staff.event e WHERE e.id = ref;
  WHEN 'tally.decision' THEN
    SELECT d.kind, d.staff, concat_ws('/', d.election, d.station, d.ballot, d.round, d.revision),
           jsonb_build_array(d.id, d.election, d.station, d.ballot, d.round, d.revision, d.state, d.staff, d.reason, d.at, d.act, d.kind, d.was, d.version, d.seen)::text
      INTO kind, actor, subject, line FROM tally.decision d WHERE d.id = ref;
  WHEN 'tally.remark' THEN
    SELECT r.kind, r.staff, concat_ws('/', r.election, r.station, r.ballot, r.round, r.revision),
           jsonb_build_array(r.id, r.station, r.election, r.ballot, r.round, r.revision, r.version, r.kind, r.proposes, r.reached, r.staff, r.note, r.at)::text
      INTO kind, actor, subject, line FROM tally.remark r WHERE r.id = ref;
  WHEN 'tally.typing' THEN
    SELECT 'typed', t.staff, concat_ws('/', t.election, t.station, t.ballot, t.round),
           jsonb_build_array(t.id, t.station, t.election, t.ballot, t.round, t.source, t.message, t.figures, t.flags, t.staff, t.note, t.at)::text
      INTO kind, actor, subject, line FROM tally.typing t WHERE t.id = ref;
  WHEN 'tally.typed_entry' THEN
    SELECT 'entry', '', concat_ws('/', t.election, t.station, t.ballot, t.round, t.revision),
           jsonb_build_array(t.station, t.election, t.ballot, t.round, t.revision, t.first, t.second,
             e.message, e.received_at, e.state, e.assurance, e.proof, e.phone, e.figures, e.flags)::text
      INTO kind, actor, subject, line FROM tally.typed_entry t
      LEFT JOIN tally.entry e ON e.station = t.station AND e.ballot = t.ballot AND e.round = t.round AND e.revision = t.revision
        AND e.election = t.election AND e.province = (t.station / 100000000000)::smallint
     WHERE t.first = ref;
  WHEN 'tally.handling' THEN
    SELECT h.kind, h.staff, h.message::text,
           jsonb_build_array(h.id, h.message, h.kind, h.election, h.staff, h.note, h.at)::text
      INTO kind, actor, subject, line FROM tally.handling h WHERE h.id = ref;
  WHEN 'audit.seal' THEN
    SELECT 'sealed', '', s.messages::text,
           jsonb_build_array(s.id, s.lo, s.hi, s.messages, s.secret, encode(s.digest, 'hex'), encode(sha256(s.leaves), 'hex'))::text
      INTO kind, actor, subject, line FROM audit.seal s WHERE s.id = ref;
  END CASE;
END $$;

CREATE FUNCTION audit.content(source text, ref bigint, key smallint) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT sha256(k.secret || convert_to(r.line, 'UTF8')) FROM audit.secret k, audit.row_of(source, ref) AS r WHERE k.id = key AND r.line IS NOT NULL
$$;
COMMENT ON FUNCTION audit.content IS 'Digest of a row as it is now; NULL when it is gone';

CREATE FUNCTION audit.leaves(lo timestamptz, hi timestamptz, key smallint) RETURNS TABLE (message uuid, digest bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' AS $$
  SELECT m.key, sha256(k.secret || convert_to(jsonb_build_array(
           m.key, m.received_at, m.sent_at, m.interim_at, m.stored_at, m.kind, m.sender, m.text, m.gateway, m.modem, m.imsi, m.interim, m.pdus,
           v.station, v.profile, v.election, v.ballot, v.revision, v.quarantine, v.outcome, v.reason, v.phone, v.program,
           e.round, e.received_at, e.state, e.assurance, e.proof, e.phone, e.figures, e.flags)::text, 'UTF8'))
  FROM audit.secret k, intake.message m
  LEFT JOIN intake.verdict v ON v.message = m.key
  LEFT JOIN tally.entry e ON e.station = v.station AND e.ballot = v.ballot AND e.revision = v.revision AND e.election = v.election
    AND e.province = (v.station / 100000000000)::smallint AND e.message = m.key
  WHERE k.id = $3 AND m.stored_at >= lo AND m.stored_at < hi
$$;
COMMENT ON FUNCTION audit.leaves IS 'Digest of each message of a time with its verdict and entry, as they are now';

CREATE FUNCTION audit.note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO audit.pending (source, ref) VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, (to_jsonb(NEW) ->> TG_ARGV[0])::bigint);
  RETURN NULL;
END $$;

-- extend appends the oldest pending rows to the chain, in a transaction of its
-- own: what people do does not wait for the chain, and the chain for nobody.
CREATE FUNCTION audit.extend(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  p audit.pending;
  r record;
  e audit.event;
  n integer := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('audit.extend', 0)) THEN
    RETURN 0;
  END IF;
  SELECT seq, hash INTO e.seq, e.hash FROM audit.event ORDER BY seq DESC LIMIT 1;
  e.seq := coalesce(e.seq, 0);
  e.hash := coalesce(e.hash, decode(repeat('00', 32), 'hex'));
  SELECT max(id) INTO e.secret FROM audit.secret;
  FOR p IN SELECT * FROM audit.pending ORDER BY id LIMIT most LOOP
    -- A row that somebody has taken away since must not stop the chain.
    SELECT coalesce(kind, 'gone') AS kind, coalesce(actor, '') AS actor, coalesce(subject, '') AS subject INTO r FROM audit.row_of(p.source, p.ref);
    e.seq := e.seq + 1;
    e.at := clock_timestamp();
    e.content := coalesce(audit.content(p.source, p.ref, e.secret), decode(repeat('00', 32), 'hex'));
    e.hash := sha256(convert_to(concat_ws(E'\n', 'tali-audit-1', e.seq, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      p.source, p.ref, r.kind, r.actor, r.subject, e.secret, encode(e.content, 'hex'), encode(e.hash, 'hex')), 'UTF8'));
    INSERT INTO audit.event (seq, at, source, ref, kind, actor, subject, secret, content, hash)
    VALUES (e.seq, e.at, p.source, p.ref, r.kind, r.actor, r.subject, e.secret, e.content, e.hash);
    DELETE FROM audit.pending WHERE id = p.id;
    n := n + 1;
  END LOOP;
  RETURN n;
END $$;
COMMENT ON FUNCTION audit.extend IS 'Appends what is pending to the chain; 0 when nothing is, or another works';

-- seal_intake seals ten seconds of intake. A moment is noted with the
-- transactions that run then; once they have ended, all that was stored before
-- it can be seen. One that has written nothing after two minutes is a reader,
-- such as a backup, and not waited for. The moment lies back because a
-- transaction's clock is read before others can see it.
CREATE FUNCTION audit.seal_intake() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  m audit.mark;
  key smallint;
  first timestamptz;
  hi timestamptz;
  n integer := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('audit.seal_intake', 0)) THEN
    RETURN 0;
  END IF;
  SELECT * INTO m FROM audit.mark;
  IF m.until >= m.horizon THEN
    IF clock_timestamp() - interval '10 seconds' > m.until THEN
      hi := clock_timestamp() - interval '5 seconds';
      UPDATE audit.mark SET horizon = hi, busy = ARRAY(
        SELECT virtualtransaction FROM pg_locks WHERE locktype = 'virtualxid' AND mode = 'ExclusiveLock' AND granted AND pid <> pg_backend_pid());
    END IF;
    RETURN 0;
  END IF;
  IF EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted AND l.virtualtransaction = ANY (m.busy)
      AND (clock_timestamp() < m.horizon + interval '2 minutes' OR EXISTS (
        SELECT FROM pg_locks x WHERE x.locktype = 'transactionid' AND x.mode = 'ExclusiveLock' AND x.virtualtransaction = l.virtualtransaction))) THEN
    RETURN 0;
  END IF;
  SELECT min(stored_at) INTO first FROM intake.message WHERE stored_at >= m.until AND stored_at < least(m.until + interval '10 seconds', m.horizon);
  IF first IS NULL THEN
    SELECT min(stored_at) INTO first FROM intake.message WHERE stored_at >= m.until AND stored_at < m.horizon;
  END IF;
  hi := m.horizon;
  IF first IS NOT NULL THEN
    hi := least(first + interval '10 seconds', hi);
    SELECT max(id) INTO key FROM audit.secret;
    INSERT INTO audit.seal (lo, hi, messages, secret, digest, leaves)
    SELECT first, hi, count(*), key, sha256(string_agg(l.digest, ''::bytea ORDER BY l.message)),
           string_agg(uuid_send(l.message) || substr(l.digest, 1, 8), ''::bytea ORDER BY l.message)
    FROM audit.leaves(first, hi, key) AS l RETURNING messages INTO n;
    INSERT INTO tally.stale_village (election, village)
    SELECT DISTINCT v.election, v.station / 1000 FROM intake.message i JOIN intake.verdict v ON v.message = i.key
    WHERE i.stored_at >= first AND i.stored_at < hi AND v.revision = 1;
  END IF;
  UPDATE audit.mark SET until = hi;
  RETURN n;
END $$;
COMMENT ON FUNCTION audit.seal_intake IS 'Seals some seconds of intake and has its villages counted anew; returns its messages';
-- +goose StatementEnd
REVOKE ALL ON FUNCTION audit.row_of, audit.content, audit.leaves, audit.note, audit.extend, audit.seal_intake FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.content, audit.leaves, audit.extend, audit.seal_intake TO tali_desk;

-- What changes the registry, by whatever way, is an event: which table, how many
-- rows and, when they are few, which ones.
-- +goose StatementBegin
CREATE FUNCTION registry.note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  n bigint;
  which text := '';
BEGIN
  SELECT count(*) INTO n FROM touched;
  IF n = 0 THEN
    RETURN NULL;
  END IF;
  IF n <= 20 THEN
    SELECT string_agg(concat_ws('/', j ->> 'election', j ->> 'regency', coalesce(j ->> 'station', j ->> 'code', j ->> 'id'),
             j ->> 'officer', j ->> 'digit', j ->> 'ballot', j ->> 'number', j ->> 'generation'), ' ') INTO which
      FROM (SELECT to_jsonb(t) AS j FROM touched t) AS rows;
  END IF;
  INSERT INTO staff.event (kind, subject, detail)
  VALUES ('registry_changed', 'registry.' || TG_TABLE_NAME || ' ' || TG_OP, left(concat_ws(' ', n, CASE n WHEN 1 THEN 'row' ELSE 'rows' END, 'by', session_user, which), 2000));
  RETURN NULL;
END $$;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['election', 'profile', 'ballot', 'contestant', 'area', 'station', 'officer', 'phone', 'incarnation'] LOOP
    EXECUTE format('CREATE TRIGGER audit_insert AFTER INSERT ON registry.%I REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION registry.note_change()', name);
    EXECUTE format('CREATE TRIGGER audit_update AFTER UPDATE ON registry.%I REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION registry.note_change()', name);
    EXECUTE format('CREATE TRIGGER audit_delete AFTER DELETE ON registry.%I REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION registry.note_change()', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['staff.event', 'tally.decision', 'tally.remark', 'tally.typing', 'tally.handling', 'audit.seal'] LOOP
    EXECUTE format('CREATE TRIGGER audited AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION audit.note(''id'')', name);
  END LOOP;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION registry.note_change FROM PUBLIC;
CREATE TRIGGER audited AFTER INSERT ON tally.typed_entry FOR EACH ROW EXECUTE FUNCTION audit.note('first');

INSERT INTO audit.pending (source, ref)
SELECT source, ref FROM (
  SELECT 'staff.event' AS source, id AS ref, at FROM staff.event
  UNION ALL SELECT 'tally.decision', id, at FROM tally.decision
  UNION ALL SELECT 'tally.remark', id, at FROM tally.remark
  UNION ALL SELECT 'tally.typing', id, at FROM tally.typing
  UNION ALL SELECT 'tally.typed_entry', e.first, t.at FROM tally.typed_entry e JOIN tally.typing t ON t.id = e.first
  UNION ALL SELECT 'tally.handling', id, at FROM tally.handling) AS all_rows
ORDER BY at, source, ref;
