-- +goose Up
-- What is over is archived and taken away: an election as a whole. Its partitions
-- of entries are dropped; those of messages and verdicts are shared by all
-- elections, so each is written anew without it, and the old one is dropped.
-- Nothing is deleted row by row from a table of facts, and nobody but the owner
-- can do any of it.

-- A message leaves its key: the same SMS that comes once more, from an old spool or
-- a SIM that lay in a drawer, is known and counts for no later election.
ALTER TABLE intake.message
  DROP CONSTRAINT message_kind_check,
  ADD CONSTRAINT message_kind_check CHECK (kind IN ('text', 'incomplete', 'unreadable', 'report', 'retired'));
COMMENT ON COLUMN intake.message.kind IS 'retired: only the key and the times are left, the rest was archived';

-- What goes with an election, for the archive and for the retirement alike.
-- +goose StatementBegin
CREATE FUNCTION audit.retiring_messages(election smallint) RETURNS SETOF intake.message
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT m.* FROM intake.verdict v JOIN intake.message m ON m.key = v.message WHERE v.election = $1
$$;

CREATE FUNCTION audit.retiring_verdicts(election smallint) RETURNS SETOF intake.verdict
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT v.* FROM intake.verdict v WHERE v.election = $1
$$;

CREATE FUNCTION audit.retiring_entries(election smallint) RETURNS SETOF tally.entry
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT e.* FROM tally.entry e WHERE e.election = $1
$$;

CREATE FUNCTION audit.retiring_standing(election smallint) RETURNS SETOF tally.standing
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT s.* FROM tally.standing s WHERE s.election = $1
$$;

-- What the staff wrote first answers no message: it goes with the phones that
-- report for no other election.
CREATE FUNCTION audit.retiring_replies(election smallint) RETURNS SETOF outbox.reply
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT r.* FROM outbox.reply r
  WHERE r.message IN (SELECT v.message FROM intake.verdict v WHERE v.election = $1)
     OR r.message IS NULL AND r.recipient IN (SELECT e.phone FROM tally.entry e WHERE e.election = $1
       EXCEPT SELECT e.phone FROM tally.entry e WHERE e.election <> $1)
$$;

CREATE FUNCTION audit.retiring_questions(election smallint) RETURNS SETOF intake.question
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT q.* FROM intake.question q WHERE q.election = $1
$$;

-- Parts name no election: those of its senders that came until its last message.
CREATE FUNCTION audit.retiring_segments(election smallint) RETURNS SETOF intake.segment
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT s.* FROM intake.segment s
  WHERE s.sender IN (SELECT m.sender FROM audit.retiring_messages($1) m)
    AND s.received_at <= (SELECT max(m.received_at) FROM audit.retiring_messages($1) m)
$$;

-- unfinished says what keeps an election from being retired; nothing: it may go.
CREATE FUNCTION audit.unfinished(election smallint, before timestamptz) RETURNS TABLE (what text, n bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  SELECT u.what, u.n FROM (
    SELECT 'messages that came after the limit' AS what, count(*) AS n FROM audit.retiring_messages($1) m WHERE m.stored_at >= $2
    UNION ALL SELECT 'rounds that are still open', count(*) FROM registry.profile p
      WHERE p.election = $1 AND p.current AND (p.content::jsonb ->> 'Closes')::timestamptz > now()
    UNION ALL SELECT 'unconfirmed or held entries', count(*) FROM tally.standing s WHERE s.election = $1 AND (s.state = 'masuk' OR s.held > 0)
    UNION ALL SELECT 'SMS in quarantine', count(*) FROM desk.task t WHERE t.election = $1
    UNION ALL SELECT 'questions without an answer', count(*) FROM intake.question q WHERE q.election = $1 AND q.handled IS DISTINCT FROM q.message
    UNION ALL SELECT 'forms keyed in once', count(*) FROM desk.typing_task t WHERE t.election = $1
    UNION ALL SELECT 'replies not sent yet', count(*) FROM audit.retiring_replies($1) r WHERE r.state IN ('queued', 'leased')
    UNION ALL SELECT 'phone changes under way', count(*) FROM staff.phone_change c WHERE c.election = $1 AND c.state IN ('asked', 'agreed')
    UNION ALL SELECT 'decisions not in the results yet', (SELECT count(*) FROM tally.unprojected u JOIN tally.decision d ON d.id = u.decision WHERE d.election = $1)
      + (SELECT count(*) FROM tally.newly_reported r WHERE r.election = $1) + (SELECT count(*) FROM tally.stale_village v WHERE v.election = $1)
    UNION ALL SELECT 'messages not sealed yet', count(*) FROM audit.retiring_messages($1) m WHERE m.stored_at >= (SELECT k.until FROM audit.mark k)
    UNION ALL SELECT 'rows not in the audit chain yet', count(*) FROM audit.pending) AS u
  WHERE u.n > 0
$$;

-- rewrite puts a partition of intake in the place of the old one, filled by a
-- query, with the same indexes, checks, rights and triggers.
CREATE FUNCTION audit.rewrite(parent regclass, part regclass, fill text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  old record;
  fresh text;
  g record;
BEGIN
  SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound, c.relacl AS acl, c.relowner AS owner,
         array_to_string(c.reloptions, ', ') AS options INTO old FROM pg_class c WHERE c.oid = part;
  fresh := old.name || '_fresh';
  EXECUTE format('CREATE TABLE intake.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)', fresh, part);
  IF old.options <> '' THEN
    EXECUTE format('ALTER TABLE intake.%I SET (%s)', fresh, old.options);
  END IF;
  EXECUTE format('INSERT INTO intake.%I %s', fresh, fill);
  FOR g IN SELECT a.grantee::regrole AS role, a.privilege_type AS privilege FROM aclexplode(old.acl) AS a WHERE a.grantee NOT IN (0, old.owner) LOOP
    EXECUTE format('GRANT %s ON intake.%I TO %s', g.privilege, fresh, g.role);
  END LOOP;
  EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, part);
  EXECUTE format('DROP TABLE %s', part);
  EXECUTE format('ALTER TABLE intake.%I RENAME TO %I', fresh, old.name);
  EXECUTE format('ALTER TABLE %s ATTACH PARTITION intake.%I %s', parent, old.name, old.bound);
  EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON intake.%I FOR EACH STATEMENT EXECUTE FUNCTION registry.refuse_change()', old.name);
END $$;

-- retire takes an election out of the centre. It belongs to nobody's rights: only
-- the owner can run it, and what it did stands in the audit chain.
CREATE FUNCTION audit.retire(election smallint, before timestamptz, by text, archive text, digest bytea) RETURNS smallint
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  u record;
  part regclass;
  rows jsonb;
  seals bytea;
  retired smallint;
BEGIN
  LOCK TABLE intake.message, intake.verdict, tally.entry, tally.standing, outbox.reply, intake.question, intake.segment IN ACCESS EXCLUSIVE MODE;
  IF NOT EXISTS (SELECT FROM registry.election x WHERE x.id = retire.election) OR retire.before > now() THEN
    RAISE EXCEPTION 'no such election, or a limit that is not past' USING ERRCODE = 'TL010';
  END IF;
  IF EXISTS (SELECT FROM audit.retirement r WHERE r.election = retire.election) THEN
    RAISE EXCEPTION 'it was retired already' USING ERRCODE = 'TL010';
  END IF;
  FOR u IN SELECT * FROM audit.unfinished(retire.election, retire.before) LOOP
    RAISE EXCEPTION '% %', u.n, u.what USING ERRCODE = 'TL010';
  END LOOP;

  CREATE TEMP TABLE retiring (key uuid PRIMARY KEY) ON COMMIT DROP;
  INSERT INTO pg_temp.retiring SELECT v.message FROM intake.verdict v WHERE v.election = retire.election;
  CREATE TEMP TABLE retiring_seal ON COMMIT DROP AS
    SELECT s.id AS seal, string_agg(uuid_send(m.key), ''::bytea ORDER BY m.key) AS keys
    FROM pg_temp.retiring r JOIN intake.message m ON m.key = r.key
    JOIN LATERAL (SELECT x.id FROM audit.seal x WHERE x.lo <= m.stored_at ORDER BY x.lo DESC LIMIT 1) AS s ON true
    GROUP BY s.id;
  SELECT sha256(coalesce(string_agg(int8send(t.seal) || t.keys, ''::bytea ORDER BY t.seal), ''::bytea)) INTO seals FROM pg_temp.retiring_seal t;
  SELECT jsonb_object_agg(c.name, c.n) INTO rows FROM (
    SELECT 'intake.message' AS name, count(*) AS n FROM audit.retiring_messages(election)
    UNION ALL SELECT 'intake.verdict', count(*) FROM audit.retiring_verdicts(election)
    UNION ALL SELECT 'tally.entry', count(*) FROM audit.retiring_entries(election)
    UNION ALL SELECT 'tally.standing', count(*) FROM audit.retiring_standing(election)
    UNION ALL SELECT 'outbox.reply', count(*) FROM audit.retiring_replies(election)
    UNION ALL SELECT 'intake.question', count(*) FROM audit.retiring_questions(election)
    UNION ALL SELECT 'intake.segment', count(*) FROM audit.retiring_segments(election)) AS c;
  INSERT INTO audit.retirement AS r (election, before, by, archive, digest, rows, seals)
  VALUES (election, before, by, archive, digest, rows, seals) RETURNING r.id INTO retired;
  INSERT INTO audit.retired_seal (retirement, seal, keys) SELECT retired, t.seal, t.keys FROM pg_temp.retiring_seal t;

  -- What is found by way of other tables goes before them.
  DELETE FROM outbox.reply WHERE id IN (SELECT r.id FROM audit.retiring_replies(election) r);
  ALTER TABLE intake.segment DISABLE TRIGGER append_only;
  DELETE FROM intake.segment WHERE key IN (SELECT s.key FROM audit.retiring_segments(election) s);
  ALTER TABLE intake.segment ENABLE TRIGGER append_only;
  DELETE FROM intake.question q WHERE q.election = retire.election;
  DELETE FROM desk.lookup l WHERE l.election = retire.election;
  DELETE FROM tally.standing s WHERE s.election = retire.election;
  EXECUTE format('DROP TABLE IF EXISTS tally.%I', 'entry_e' || election);
  FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'intake.message'::regclass ORDER BY 1 LOOP
    PERFORM audit.rewrite('intake.message', part, format($fill$
      (key, received_at, sent_at, interim_at, stored_at, kind, sender, text, gateway, modem, imsi, interim, pdus)
      SELECT m.key, m.received_at, CASE WHEN r.key IS NULL THEN m.sent_at END, CASE WHEN r.key IS NULL THEN m.interim_at END, m.stored_at,
             CASE WHEN r.key IS NULL THEN m.kind ELSE 'retired' END, CASE WHEN r.key IS NULL THEN m.sender ELSE '' END,
             CASE WHEN r.key IS NULL THEN m.text ELSE '' END, CASE WHEN r.key IS NULL THEN m.gateway ELSE '' END,
             CASE WHEN r.key IS NULL THEN m.modem ELSE '' END, CASE WHEN r.key IS NULL THEN m.imsi ELSE '' END,
             CASE WHEN r.key IS NULL THEN m.interim ELSE '' END, CASE WHEN r.key IS NULL THEN m.pdus ELSE '{}' END
      FROM %s m LEFT JOIN pg_temp.retiring r ON r.key = m.key ORDER BY m.stored_at, m.key$fill$, part));
  END LOOP;
  FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'intake.verdict'::regclass ORDER BY 1 LOOP
    PERFORM audit.rewrite('intake.verdict', part, format('SELECT v.* FROM %s v WHERE v.election <> %s', part, election));
  END LOOP;
  UPDATE registry.profile p SET current = false WHERE p.election = retire.election AND p.current;
  RETURN retired;
END $$;

-- An election that was taken away is not opened again: its SMS would be decided
-- by facts that are no longer there.
CREATE FUNCTION registry.refuse_retired() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF EXISTS (SELECT FROM audit.retirement r WHERE r.election = NEW.election) THEN
    RAISE EXCEPTION 'the election was archived and taken away: it cannot be opened again' USING ERRCODE = 'TL011';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER retired BEFORE INSERT OR UPDATE ON registry.profile
  FOR EACH ROW WHEN (NEW.current) EXECUTE FUNCTION registry.refuse_retired();
REVOKE ALL ON FUNCTION audit.retiring_messages, audit.retiring_verdicts, audit.retiring_entries, audit.retiring_standing, audit.retiring_replies,
  audit.retiring_questions, audit.retiring_segments, audit.unfinished, audit.rewrite, audit.retire, registry.refuse_retired FROM PUBLIC;
