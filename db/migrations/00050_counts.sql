-- +goose Up
-- What the overview shows, kept beside the facts: a page must not read whole
-- tables. The intake pays for the replies alone, one row a batch; messages are
-- counted as the desk brings them into the search, and cases that changed are
-- listed there and by the staff's decisions, and counted by desk.count_up.

CREATE TABLE desk.message_count (
  election smallint NOT NULL,
  outcome  text NOT NULL,
  messages bigint NOT NULL,
  PRIMARY KEY (election, outcome)
) WITH (fillfactor = 50);
COMMENT ON TABLE desk.message_count IS 'Messages in desk.lookup by outcome';

CREATE TABLE desk.minute_count (
  minute   timestamptz PRIMARY KEY,
  messages integer NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE desk.minute_count IS 'Messages in desk.lookup by the minute in which they were stored';

CREATE TABLE desk.reply_count (
  state   text PRIMARY KEY,
  replies bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE desk.reply_count IS 'Replies by state, without those of desk.reply_change';

-- No key: transactions that answer must not wait for each other.
CREATE TABLE desk.reply_change (
  state   text NOT NULL,
  replies integer NOT NULL
);
COMMENT ON TABLE desk.reply_change IS 'What desk.reply_count does not hold yet';

CREATE TABLE desk.station_count (
  election smallint NOT NULL,
  village  bigint NOT NULL,
  stations integer NOT NULL,
  PRIMARY KEY (election, village)
);
COMMENT ON TABLE desk.station_count IS 'Stations of each village';

CREATE TABLE desk.uncounted (
  election smallint NOT NULL,
  station  bigint NOT NULL,
  ballot   smallint NOT NULL
);
COMMENT ON TABLE desk.uncounted IS 'Cases that may stand otherwise than they were counted';

CREATE TABLE desk.counted_case (
  station  bigint NOT NULL,
  election smallint NOT NULL,
  ballot   smallint NOT NULL,
  round    smallint NOT NULL,
  entry    smallint NOT NULL,
  revision smallint NOT NULL,
  held     smallint NOT NULL,
  rejected smallint NOT NULL,
  state    text NOT NULL,
  PRIMARY KEY (station, ballot, round, election)
) WITH (fillfactor = 80);
COMMENT ON TABLE desk.counted_case IS 'Each case as it is in the counts: what is to be taken out of them when it changes';
COMMENT ON COLUMN desk.counted_case.entry IS 'That stands; 0 when none does, and state is empty';
COMMENT ON COLUMN desk.counted_case.rejected IS 'Entries whose newest decision is ditolak';

CREATE TABLE desk.village_count (
  election  smallint NOT NULL,
  village   bigint NOT NULL,
  ballot    smallint NOT NULL,
  round     smallint NOT NULL,
  reporting integer NOT NULL,
  confirmed integer NOT NULL,
  held      integer NOT NULL,
  PRIMARY KEY (election, village, ballot, round)
) WITH (fillfactor = 60);
COMMENT ON TABLE desk.village_count IS 'Forms of each village: an entry stands, it is confirmed, something is held';

CREATE TABLE desk.ballot_count (
  election  smallint NOT NULL,
  regency   smallint NOT NULL,
  ballot    smallint NOT NULL,
  round     smallint NOT NULL,
  arrived   integer NOT NULL,
  confirmed integer NOT NULL,
  held      integer NOT NULL,
  rejected  integer NOT NULL,
  entries   integer NOT NULL,
  PRIMARY KEY (election, regency, ballot, round)
) WITH (fillfactor = 50);
COMMENT ON TABLE desk.ballot_count IS 'Entries of each ballot of a regency by where they stand; the rest of them was replaced';

CREATE TABLE desk.vote_count (
  election smallint NOT NULL,
  regency  smallint NOT NULL,
  ballot   smallint NOT NULL,
  round    smallint NOT NULL,
  line     smallint NOT NULL,
  votes    bigint NOT NULL,
  PRIMARY KEY (election, regency, ballot, round, line)
) WITH (fillfactor = 50);
COMMENT ON TABLE desk.vote_count IS 'Sums of the entries that stand, confirmed or not, by line of the form';

GRANT SELECT ON desk.message_count, desk.minute_count, desk.reply_count, desk.reply_change, desk.station_count, desk.uncounted,
  desk.counted_case, desk.village_count, desk.ballot_count, desk.vote_count TO tali_desk;

-- +goose StatementBegin
CREATE FUNCTION desk.note_lookup() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO desk.message_count AS c (election, outcome, messages)
  SELECT election, outcome, count(*) FROM fresh GROUP BY 1, 2
  ON CONFLICT (election, outcome) DO UPDATE SET messages = c.messages + excluded.messages;
  INSERT INTO desk.minute_count AS c (minute, messages)
  SELECT date_trunc('minute', stored_at), count(*) FROM fresh GROUP BY 1
  ON CONFLICT (minute) DO UPDATE SET messages = c.messages + excluded.messages;
  INSERT INTO desk.uncounted (election, station, ballot)
  SELECT DISTINCT election, station, ballot FROM fresh WHERE revision IS NOT NULL;
  RETURN NULL;
END $$;

CREATE FUNCTION desk.note_cases() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO desk.uncounted (election, station, ballot) SELECT DISTINCT election, station, ballot FROM fresh;
  RETURN NULL;
END $$;

CREATE FUNCTION desk.note_replies() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO desk.reply_change (state, replies) SELECT state, count(*) FROM fresh GROUP BY 1;
  RETURN NULL;
END $$;

CREATE FUNCTION desk.note_sending() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO desk.reply_change (state, replies)
  SELECT state, sum(one) FROM (SELECT state, 1 AS one FROM fresh UNION ALL SELECT state, -1 FROM stale) AS both_of_them
  GROUP BY 1 HAVING sum(one) <> 0;
  RETURN NULL;
END $$;

-- What goes with an election that is taken away goes from the counts.
CREATE FUNCTION desk.note_gone_lookup() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  UPDATE desk.message_count c SET messages = c.messages - g.messages
  FROM (SELECT election, outcome, count(*) AS messages FROM stale GROUP BY 1, 2) AS g
  WHERE c.election = g.election AND c.outcome = g.outcome;
  UPDATE desk.minute_count c SET messages = c.messages - g.messages
  FROM (SELECT date_trunc('minute', stored_at) AS minute, count(*) AS messages FROM stale GROUP BY 1) AS g WHERE c.minute = g.minute;
  RETURN NULL;
END $$;

CREATE FUNCTION desk.note_gone_replies() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO desk.reply_change (state, replies) SELECT state, -count(*) FROM stale GROUP BY 1;
  RETURN NULL;
END $$;

CREATE FUNCTION desk.note_gone_cases() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  gone smallint;
BEGIN
  FOR gone IN SELECT DISTINCT election FROM stale LOOP
    DELETE FROM desk.uncounted WHERE election = gone;
    DELETE FROM desk.counted_case WHERE election = gone;
    DELETE FROM desk.village_count WHERE election = gone;
    DELETE FROM desk.ballot_count WHERE election = gone;
    DELETE FROM desk.vote_count WHERE election = gone;
    INSERT INTO desk.uncounted (election, station, ballot) SELECT election, station, ballot FROM tally.standing WHERE election = gone;
  END LOOP;
  RETURN NULL;
END $$;

CREATE FUNCTION desk.note_stations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO desk.station_count AS c (election, village, stations)
  SELECT election, code / 1000, count(*) FROM fresh GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (election, village) DO UPDATE SET stations = c.stations + excluded.stations;
  RETURN NULL;
END $$;

CREATE FUNCTION desk.note_gone_stations() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  UPDATE desk.station_count c SET stations = c.stations - g.stations
  FROM (SELECT election, code / 1000 AS village, count(*) AS stations FROM stale GROUP BY 1, 2) AS g
  WHERE c.election = g.election AND c.village = g.village;
  RETURN NULL;
END $$;

-- count_cases brings cases that are listed into the counts: what they hold of a
-- case is taken out, what stands now is put in. What changes meanwhile is listed
-- again.
CREATE FUNCTION desk.count_cases(most integer) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH taken AS (
    DELETE FROM desk.uncounted WHERE ctid = ANY (ARRAY(SELECT ctid FROM desk.uncounted LIMIT most)) RETURNING election, station, ballot
  ), listed AS MATERIALIZED (
    SELECT DISTINCT election, station, ballot FROM taken
  ), change AS MATERIALIZED (
    SELECT s.election, s.station, s.ballot, s.round, coalesce(s.entry, 0::smallint) AS entry, s.revision, s.held, r.rejected, coalesce(s.state, '') AS state,
           coalesce(c.entry, 0::smallint) AS was_entry, coalesce(c.revision, 0) AS was_revision, coalesce(c.held, 0) AS was_held,
           coalesce(c.rejected, 0) AS was_rejected, coalesce(c.state, '') AS was_state
    FROM listed l
    JOIN tally.standing s ON s.station = l.station AND s.ballot = l.ballot AND s.election = l.election
    LEFT JOIN desk.counted_case c ON c.station = s.station AND c.ballot = s.ballot AND c.round = s.round AND c.election = s.election
    CROSS JOIN LATERAL (SELECT count(*)::smallint AS rejected FROM tally.decision d
      WHERE d.election = s.election AND d.station = s.station AND d.ballot = s.ballot AND d.round = s.round AND d.state = 'ditolak'
        AND NOT EXISTS (SELECT FROM tally.decision n WHERE n.election = d.election AND n.station = d.station AND n.ballot = d.ballot
          AND n.round = d.round AND n.revision = d.revision AND n.id > d.id)) AS r
  ), counted AS (
    INSERT INTO desk.counted_case AS k (station, election, ballot, round, entry, revision, held, rejected, state)
    SELECT station, election, ballot, round, entry, revision, held, rejected, state FROM change ORDER BY station, ballot, round
    ON CONFLICT (station, ballot, round, election) DO UPDATE
    SET entry = excluded.entry, revision = excluded.revision, held = excluded.held, rejected = excluded.rejected, state = excluded.state
    WHERE (k.entry, k.revision, k.held, k.rejected, k.state) <> (excluded.entry, excluded.revision, excluded.held, excluded.rejected, excluded.state)
  ), villages AS (
    INSERT INTO desk.village_count AS k (election, village, ballot, round, reporting, confirmed, held)
    SELECT election, station / 1000, ballot, round, sum((entry > 0)::integer - (was_entry > 0)::integer),
           sum((state = 'terverifikasi')::integer - (was_state = 'terverifikasi')::integer), sum((held > 0)::integer - (was_held > 0)::integer)
    FROM change GROUP BY 1, 2, 3, 4
    ON CONFLICT (election, village, ballot, round) DO UPDATE
    SET reporting = k.reporting + excluded.reporting, confirmed = k.confirmed + excluded.confirmed, held = k.held + excluded.held
    WHERE excluded.reporting <> 0 OR excluded.confirmed <> 0 OR excluded.held <> 0
  ), ballots AS (
    INSERT INTO desk.ballot_count AS k (election, regency, ballot, round, arrived, confirmed, held, rejected, entries)
    SELECT election, station / 1000000000, ballot, round, sum((state = 'masuk')::integer - (was_state = 'masuk')::integer),
           sum((state = 'terverifikasi')::integer - (was_state = 'terverifikasi')::integer), sum(held - was_held),
           sum(rejected - was_rejected), sum(revision - was_revision)
    FROM change GROUP BY 1, 2, 3, 4
    ON CONFLICT (election, regency, ballot, round) DO UPDATE
    SET arrived = k.arrived + excluded.arrived, confirmed = k.confirmed + excluded.confirmed, held = k.held + excluded.held,
        rejected = k.rejected + excluded.rejected, entries = k.entries + excluded.entries
  ), votes AS (
    INSERT INTO desk.vote_count AS k (election, regency, ballot, round, line, votes)
    SELECT x.election, x.station / 1000000000, x.ballot, x.round, u.line, sum(x.sign * u.votes)
    FROM (SELECT election, station, ballot, round, entry AS revision, 1 AS sign FROM change WHERE entry <> was_entry AND entry > 0
          UNION ALL
          SELECT election, station, ballot, round, was_entry, -1 FROM change WHERE entry <> was_entry AND was_entry > 0) AS x
    JOIN tally.entry e ON e.station = x.station AND e.ballot = x.ballot AND e.round = x.round AND e.revision = x.revision
      AND e.election = x.election AND e.province = (x.station / 100000000000)::smallint
    CROSS JOIN LATERAL unnest(e.figures) WITH ORDINALITY AS u(votes, line)
    GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (election, regency, ballot, round, line) DO UPDATE SET votes = k.votes + excluded.votes
  )
  SELECT count(*) FROM taken
$$;

-- Each statement sees what was committed before it, so the lock comes first and
-- the transaction is READ COMMITTED.
CREATE FUNCTION desk.count_up(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'counts are kept in READ COMMITTED only';
  END IF;
  IF NOT pg_try_advisory_xact_lock(hashtextextended('desk.count_up', 0)) THEN
    RETURN 0;
  END IF;
  WITH taken AS (DELETE FROM desk.reply_change RETURNING state, replies)
  INSERT INTO desk.reply_count AS c (state, replies) SELECT state, sum(replies) FROM taken GROUP BY 1 HAVING sum(replies) <> 0
  ON CONFLICT (state) DO UPDATE SET replies = c.replies + excluded.replies;
  RETURN desk.count_cases(most);
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION desk.note_lookup, desk.note_cases, desk.note_replies, desk.note_sending, desk.note_stations, desk.note_gone_stations,
  desk.note_gone_lookup, desk.note_gone_replies, desk.note_gone_cases, desk.count_cases, desk.count_up FROM PUBLIC;
GRANT EXECUTE ON FUNCTION desk.count_up TO tali_desk;
COMMENT ON FUNCTION desk.count_up IS 'Brings what has changed into the counts, in batches; returns how many cases it looked at, 0 when none is left or somebody else counts';

-- Triggers lock their tables until the end of this migration: what is read below
-- is all that they have missed.
CREATE TRIGGER counted AFTER INSERT ON desk.lookup
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION desk.note_lookup();
CREATE TRIGGER counted AFTER INSERT ON tally.decision
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION desk.note_cases();
CREATE TRIGGER counted AFTER INSERT ON tally.typed_entry
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION desk.note_cases();
CREATE TRIGGER counted_insert AFTER INSERT ON outbox.reply
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION desk.note_replies();
CREATE TRIGGER counted_update AFTER UPDATE ON outbox.reply
  REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION desk.note_sending();
CREATE TRIGGER counted_delete AFTER DELETE ON desk.lookup
  REFERENCING OLD TABLE AS stale FOR EACH STATEMENT EXECUTE FUNCTION desk.note_gone_lookup();
CREATE TRIGGER counted_delete AFTER DELETE ON outbox.reply
  REFERENCING OLD TABLE AS stale FOR EACH STATEMENT EXECUTE FUNCTION desk.note_gone_replies();
CREATE TRIGGER counted_delete AFTER DELETE ON tally.standing
  REFERENCING OLD TABLE AS stale FOR EACH STATEMENT EXECUTE FUNCTION desk.note_gone_cases();
CREATE TRIGGER counted_insert AFTER INSERT ON registry.station
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION desk.note_stations();
CREATE TRIGGER counted_delete AFTER DELETE ON registry.station
  REFERENCING OLD TABLE AS stale FOR EACH STATEMENT EXECUTE FUNCTION desk.note_gone_stations();

INSERT INTO desk.message_count (election, outcome, messages) SELECT election, outcome, count(*) FROM desk.lookup GROUP BY 1, 2;
INSERT INTO desk.minute_count (minute, messages) SELECT date_trunc('minute', stored_at), count(*) FROM desk.lookup GROUP BY 1;
INSERT INTO desk.reply_count (state, replies) SELECT state, count(*) FROM outbox.reply GROUP BY 1;
INSERT INTO desk.station_count (election, village, stations) SELECT election, code / 1000, count(*) FROM registry.station GROUP BY 1, 2;
INSERT INTO desk.uncounted (election, station, ballot) SELECT election, station, ballot FROM tally.standing;
