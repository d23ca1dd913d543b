-- +goose Up
-- The results over HTTP: who may read, and what a reader needs to know whether
-- anything has changed. The reader's role sees no table of this schema; it asks
-- two functions.

CREATE SCHEMA feed;
COMMENT ON SCHEMA feed IS 'Consumers of the HTTP feed, and what has changed since they looked';
GRANT USAGE ON SCHEMA feed TO tali_desk, tali_results_reader;

CREATE TABLE feed.token (
  id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,31}$'),
  hash       bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
  added_at   timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
CREATE UNIQUE INDEX token_name ON feed.token (name) WHERE revoked_at IS NULL;
COMMENT ON TABLE feed.token IS 'One key of one consumer. Never deleted: what was read names its reader';
COMMENT ON COLUMN feed.token.hash IS 'SHA-256 of the token, which is random: who reads this table cannot read the feed';
COMMENT ON COLUMN feed.token.revoked_at IS 'Since when it opens nothing; NULL: in force';
GRANT SELECT, INSERT (name, hash), UPDATE (revoked_at) ON feed.token TO tali_desk;

-- +goose StatementBegin
CREATE FUNCTION feed.keep_token() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL
     OR (OLD.id, OLD.name, OLD.hash, OLD.added_at) IS DISTINCT FROM (NEW.id, NEW.name, NEW.hash, NEW.added_at) THEN
    RAISE EXCEPTION 'token %: it can be revoked, once, and nothing else', OLD.name USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER keep_token BEFORE UPDATE OR DELETE ON feed.token FOR EACH ROW EXECUTE FUNCTION feed.keep_token();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON feed.token FOR EACH STATEMENT EXECUTE FUNCTION registry.refuse_change();

-- Totals and coverage also change without an event of change_feed: a station has
-- reported, a list was imported. Their number rises in the projector's commit.
-- No clock is asked: one that jumps back would make new figures look old.
CREATE TABLE feed.state (
  step bigint NOT NULL,
  sole boolean NOT NULL DEFAULT true UNIQUE CHECK (sole)
);
COMMENT ON TABLE feed.state IS 'One row: how often area_total has changed';
INSERT INTO feed.state (step) VALUES (0);

-- Imports may run side by side: a row each, counted, because a number would
-- make one wait for the other, and the projector for both.
CREATE TABLE feed.naming (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
COMMENT ON TABLE feed.naming IS 'A row for each statement that changed names of areas: progress shows them';

-- +goose StatementBegin
CREATE FUNCTION feed.note_sums() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF EXISTS (SELECT FROM touched) THEN
    UPDATE feed.state SET step = step + 1;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION feed.note_names() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  IF EXISTS (SELECT FROM touched) THEN
    INSERT INTO feed.naming DEFAULT VALUES;
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION feed.consumer(token_hash bytea) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT name FROM feed.token WHERE hash = token_hash AND revoked_at IS NULL
$$;

CREATE FUNCTION feed.moment(OUT centre text, OUT feed bigint, OUT state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT i.id::text, (SELECT coalesce(max(urutan), 0) FROM results.change_feed),
         s.step || '.' || (SELECT count(*) FROM feed.naming)
  FROM registry.incarnation i, feed.state s
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION feed.consumer IS 'Whose token has this hash; NULL: nobody''s, or it was revoked';
COMMENT ON FUNCTION feed.moment IS 'This life of the centre, the newest event of change_feed, and a word that is another one when totals, coverage or names are';
REVOKE ALL ON FUNCTION feed.keep_token, feed.note_sums, feed.note_names, feed.consumer, feed.moment FROM PUBLIC;
GRANT EXECUTE ON FUNCTION feed.consumer, feed.moment TO tali_results_reader;

CREATE TRIGGER feed_insert AFTER INSERT ON results.area_total
  REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION feed.note_sums();
CREATE TRIGGER feed_update AFTER UPDATE ON results.area_total
  REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION feed.note_sums();
CREATE TRIGGER feed_delete AFTER DELETE ON results.area_total
  REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION feed.note_sums();
CREATE TRIGGER feed_insert AFTER INSERT ON registry.area
  REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION feed.note_names();
CREATE TRIGGER feed_update AFTER UPDATE ON registry.area
  REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION feed.note_names();
CREATE TRIGGER feed_delete AFTER DELETE ON registry.area
  REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION feed.note_names();
