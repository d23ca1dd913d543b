-- +goose Up
-- Three more tables under the audit chain: cards that were issued again, what the
-- intake noted of authenticity codes, and what was archived and taken away.

ALTER TABLE registry.card ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY UNIQUE;
COMMENT ON COLUMN registry.card.id IS 'Number in the audit chain';

-- Rows of codes are written by the transaction of the message that brought them,
-- so they are sealed with it, under a digest of their own: a message may be
-- archived one day, its codes stay.
CREATE TABLE audit.code_seal (
  seal     bigint PRIMARY KEY REFERENCES audit.seal,
  messages integer NOT NULL CHECK (messages > 0),
  secret   smallint NOT NULL REFERENCES audit.secret,
  digest   bytea NOT NULL CHECK (length(digest) = 32),
  leaves   bytea NOT NULL
);
SELECT registry.protect('audit.code_seal');
COMMENT ON TABLE audit.code_seal IS 'What the messages under a seal brought of authenticity codes; no row where they brought none';
COMMENT ON COLUMN audit.code_seal.digest IS 'SHA-256 over the digests of the codes of each message, in the order of the keys';
COMMENT ON COLUMN audit.code_seal.leaves IS 'Of each message its key (16 bytes) and the first 8 of the digest of its codes';

CREATE TABLE audit.retirement (
  id       smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  election smallint NOT NULL REFERENCES registry.election,
  before   timestamptz NOT NULL,
  by       text NOT NULL CHECK (by <> ''),
  archive  text NOT NULL,
  digest   bytea CHECK (length(digest) = 32),
  rows     jsonb NOT NULL,
  seals    bytea NOT NULL CHECK (length(seals) = 32),
  CONSTRAINT archived CHECK ((archive = '') = (digest IS NULL))
);
SELECT registry.protect('audit.retirement');
COMMENT ON TABLE audit.retirement IS 'What was taken out of the centre for good, by whom, and where it was archived';
COMMENT ON COLUMN audit.retirement.before IS 'Everything of the election was stored before';
COMMENT ON COLUMN audit.retirement.by IS 'User of the operating system who ran the command';
COMMENT ON COLUMN audit.retirement.archive IS 'Name of the archive; empty: there is none';
COMMENT ON COLUMN audit.retirement.digest IS 'SHA-256 of the archive''s list of sums';
COMMENT ON COLUMN audit.retirement.rows IS 'How many of each table';
COMMENT ON COLUMN audit.retirement.seals IS 'SHA-256 over the keys in audit.retired_seal, by seal';

CREATE TABLE audit.retired_seal (
  retirement smallint NOT NULL REFERENCES audit.retirement,
  seal       bigint NOT NULL REFERENCES audit.seal,
  keys       bytea NOT NULL,
  PRIMARY KEY (seal, retirement)
);
SELECT registry.protect('audit.retired_seal');
COMMENT ON TABLE audit.retired_seal IS 'Which messages of a seal were taken away; what is left of each is its key';
COMMENT ON COLUMN audit.retired_seal.keys IS 'In order, 16 bytes each';

GRANT SELECT ON audit.code_seal, audit.retirement, audit.retired_seal TO tali_desk;

ALTER TABLE audit.event
  DROP CONSTRAINT event_source_check,
  ADD CONSTRAINT event_source_check CHECK (source IN ('staff.event', 'tally.decision', 'tally.remark', 'tally.typing', 'tally.typed_entry',
    'tally.handling', 'audit.seal', 'audit.code_seal', 'audit.retirement', 'registry.card'));

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION audit.row_of(source text, ref bigint, OUT kind text, OUT actor text, OUT subject text, OUT line text)
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
  WHEN 'audit.code_seal' THEN
    SELECT 'codes_sealed', '', s.messages::text,
           jsonb_build_array(s.seal, s.messages, s.secret, encode(s.digest, 'hex'), encode(sha256(s.leaves), 'hex'))::text
      INTO kind, actor, subject, line FROM audit.code_seal s WHERE s.seal = ref;
  WHEN 'audit.retirement' THEN
    SELECT 'retired', translate(r.by, E'\n', ' '), r.election::text,
           jsonb_build_array(r.id, r.at, r.election, r.before, r.by, r.archive, encode(r.digest, 'hex'), r.rows, encode(r.seals, 'hex'))::text
      INTO kind, actor, subject, line FROM audit.retirement r WHERE r.id = ref;
  WHEN 'registry.card' THEN
    SELECT 'card_reissued', translate(c.issued_by, E'\n', ' '), concat_ws('/', c.election, c.station, c.generation),
           jsonb_build_array(c.id, c.election, c.station, c.generation, c.issued_at, c.issued_by)::text
      INTO kind, actor, subject, line FROM registry.card c WHERE c.id = ref;
  END CASE;
END $$;

-- code_rows are the rows of codes that a message brought.
CREATE FUNCTION audit.code_rows(station bigint, message uuid) RETURNS TABLE (line jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog SET timezone = 'UTC' AS $$
  SELECT jsonb_build_array('spent', s.station, s.code, s.generation, s.round, s.election, s.ballot, s.revision, s.message)
    FROM tally.spent_code s WHERE s.station = $1 AND s.message = $2
  UNION ALL
  SELECT jsonb_build_array('wrong', w.station, w.code, w.generation, w.round, w.election, w.message)
    FROM tally.wrong_code w WHERE w.station = $1 AND w.message = $2
  UNION ALL
  SELECT jsonb_build_array('raised', r.station, r.ballot, r.round, r.revision, r.assurance, r.election, r.message)
    FROM tally.raised_proof r WHERE r.station = $1 AND r.message = $2
$$;

CREATE FUNCTION audit.codes_digest(key bytea, lines jsonb[]) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
  SELECT sha256(key || convert_to(to_jsonb(lines)::text, 'UTF8'))
$$;

-- seal_codes seals the codes of the messages of one seal.
CREATE FUNCTION audit.seal_codes(sealed bigint) RETURNS void
LANGUAGE sql SET search_path = pg_catalog AS $$
  INSERT INTO audit.code_seal (seal, messages, secret, digest, leaves)
  SELECT s.id, count(*), s.secret, sha256(string_agg(l.digest, ''::bytea ORDER BY l.message)),
         string_agg(uuid_send(l.message) || substr(l.digest, 1, 8), ''::bytea ORDER BY l.message)
  FROM audit.seal s
  JOIN audit.secret k ON k.id = s.secret
  CROSS JOIN LATERAL (
    SELECT m.key AS message, audit.codes_digest(k.secret, array_agg(c.line ORDER BY c.line)) AS digest
    FROM intake.message m JOIN intake.verdict v ON v.message = m.key CROSS JOIN LATERAL audit.code_rows(v.station, m.key) AS c
    WHERE m.stored_at >= s.lo AND m.stored_at < s.hi AND v.station IS NOT NULL
    GROUP BY m.key) AS l
  WHERE s.id = sealed
  GROUP BY s.id, s.secret
$$;

-- code_leaves reads all rows of codes at once and says which seal each belongs to:
-- NULL where its message is unknown or stands under no seal. What is stored after
-- the mark is not sealed yet and left out.
CREATE FUNCTION audit.code_leaves() RETURNS TABLE (seal bigint, message uuid, digest bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog SET timezone = 'UTC' AS $$
  WITH lines AS (
    SELECT s.message, jsonb_build_array('spent', s.station, s.code, s.generation, s.round, s.election, s.ballot, s.revision, s.message) AS line FROM tally.spent_code s
    UNION ALL SELECT w.message, jsonb_build_array('wrong', w.station, w.code, w.generation, w.round, w.election, w.message) FROM tally.wrong_code w
    UNION ALL SELECT r.message, jsonb_build_array('raised', r.station, r.ballot, r.round, r.revision, r.assurance, r.election, r.message) FROM tally.raised_proof r
  ), codes AS (
    SELECT l.message, array_agg(l.line ORDER BY l.line) AS lines FROM lines l GROUP BY l.message
  )
  SELECT s.id, c.message, CASE WHEN s.id IS NOT NULL THEN audit.codes_digest(k.secret, c.lines) END
  FROM codes c
  LEFT JOIN intake.message m ON m.key = c.message
  LEFT JOIN LATERAL (
    SELECT x.id, x.hi, x.secret FROM audit.seal x WHERE x.lo <= m.stored_at ORDER BY x.lo DESC LIMIT 1) AS s ON m.stored_at < s.hi
  LEFT JOIN audit.secret k ON k.id = s.secret
  WHERE m.key IS NULL OR m.stored_at < (SELECT until FROM audit.mark)
  ORDER BY s.id, c.message
$$;
COMMENT ON FUNCTION audit.code_leaves IS 'Digest of the codes of each message as they are now, and the seal that the message is under';

CREATE FUNCTION audit.note_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM audit.seal_codes(NEW.id);
  RETURN NULL;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION audit.code_rows, audit.codes_digest, audit.seal_codes, audit.code_leaves, audit.note_seal FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.code_leaves TO tali_desk;

CREATE TRIGGER codes AFTER INSERT ON audit.seal FOR EACH ROW EXECUTE FUNCTION audit.note_seal();
CREATE TRIGGER audited AFTER INSERT ON audit.code_seal FOR EACH ROW EXECUTE FUNCTION audit.note('seal');
CREATE TRIGGER audited AFTER INSERT ON audit.retirement FOR EACH ROW EXECUTE FUNCTION audit.note('id');
CREATE TRIGGER audited AFTER INSERT ON registry.card FOR EACH ROW EXECUTE FUNCTION audit.note('id');

-- What is there already comes into the chain as it is today.
SELECT audit.seal_codes(id) FROM audit.seal ORDER BY id;
INSERT INTO audit.pending (source, ref) SELECT 'registry.card', id FROM registry.card ORDER BY issued_at, id;
