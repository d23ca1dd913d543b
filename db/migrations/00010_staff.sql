-- +goose Up
-- Who works at the desk, where they are signed in, and what they did that is no
-- decision on an entry. Only the desk sees this schema.

CREATE SCHEMA staff;
COMMENT ON SCHEMA staff IS 'People at the desk: accounts, sessions, what they did';
GRANT USAGE ON SCHEMA staff TO tali_desk;

CREATE TABLE staff.account (
  id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  login        text NOT NULL UNIQUE CHECK (login ~ '^[a-z][a-z0-9._-]{1,31}$'),
  name         text NOT NULL CHECK (name <> '' AND length(name) <= 100),
  role         text NOT NULL CHECK (role IN ('admin', 'supervisor', 'verifier', 'viewer')),
  area         bigint REFERENCES registry.area,
  language     text NOT NULL DEFAULT '' CHECK (language IN ('', 'id', 'en')),
  active       boolean NOT NULL DEFAULT true,
  password     text NOT NULL DEFAULT '',
  totp         text NOT NULL DEFAULT '',
  totp_step    bigint NOT NULL DEFAULT 0,
  totp_pending text NOT NULL DEFAULT '',
  failures     integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
  locked_until timestamptz NOT NULL DEFAULT '-infinity',
  invite       bytea UNIQUE CHECK (length(invite) = 32),
  invite_until timestamptz,
  last_login   timestamptz,
  created_at   timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT invited CHECK ((invite IS NULL) = (invite_until IS NULL))
);
COMMENT ON TABLE staff.account IS 'Never deleted: what was decided names its people. An account that is over is not active';
COMMENT ON COLUMN staff.account.area IS 'Whose stations they work on; NULL: all of the election';
COMMENT ON COLUMN staff.account.language IS 'Empty: that of the desk';
COMMENT ON COLUMN staff.account.password IS 'argon2id in PHC form; empty until an invitation was accepted';
COMMENT ON COLUMN staff.account.totp IS 'Secret of the second factor, base32; empty: none';
COMMENT ON COLUMN staff.account.totp_step IS 'Time step of the newest code that was taken: it and all before are refused';
COMMENT ON COLUMN staff.account.totp_pending IS 'Secret that is offered and not confirmed by a code yet';
COMMENT ON COLUMN staff.account.failures IS 'Sign-ins begun since the last that succeeded';
COMMENT ON COLUMN staff.account.invite IS 'SHA-256 of the one-time link''s token';

-- +goose StatementBegin
CREATE FUNCTION staff.keep_login() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF (OLD.id, OLD.login, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.login, NEW.created_at) THEN
    RAISE EXCEPTION 'account %: its login never changes', OLD.login USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER keep_login BEFORE UPDATE ON staff.account FOR EACH ROW EXECUTE FUNCTION staff.keep_login();

CREATE TABLE staff.session (
  token      text PRIMARY KEY,
  id         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  account    integer NOT NULL REFERENCES staff.account,
  data       bytea NOT NULL,
  began_at   timestamptz NOT NULL DEFAULT now(),
  seen_at    timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  address    text NOT NULL,
  agent      text NOT NULL
);
CREATE INDEX session_account ON staff.session (account);
CREATE INDEX session_expires ON staff.session (expires_at);
COMMENT ON TABLE staff.session IS 'Browsers that are signed in';
COMMENT ON COLUMN staff.session.token IS 'Hash of the cookie''s value: who reads this table cannot take a session over';
COMMENT ON COLUMN staff.session.seen_at IS 'Last thing that a person did there, to the minute';

CREATE TABLE staff.event (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      timestamptz NOT NULL DEFAULT now(),
  account integer REFERENCES staff.account,
  kind    text NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
  subject text NOT NULL DEFAULT '' CHECK (length(subject) <= 200),
  detail  text NOT NULL DEFAULT '' CHECK (length(detail) <= 2000),
  address text NOT NULL DEFAULT ''
);
CREATE INDEX event_account ON staff.event (account, id DESC);
CREATE INDEX event_subject ON staff.event (subject, id DESC);
CREATE INDEX event_at ON staff.event USING brin (at) WITH (pages_per_range = 16, autosummarize = on);
SELECT registry.protect('staff.event');
COMMENT ON TABLE staff.event IS 'What people at the desk did beside decisions: sign-ins, accounts, registry, unmasking, exports. Append-only';
COMMENT ON COLUMN staff.event.account IS 'Who did it; NULL: the command line, or nobody who is known';
COMMENT ON COLUMN staff.event.subject IS 'What it was done to: ids and codes, never a phone number';

-- A phone is an officer's signature: changing it takes two people, and time in
-- which the officer or the staff may object.
CREATE TABLE staff.phone_change (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  election     smallint NOT NULL,
  officer      integer NOT NULL REFERENCES registry.officer,
  old_phone    text NOT NULL,
  new_phone    text NOT NULL CHECK (new_phone ~ '^\+[1-9][0-9]{7,14}$'),
  reason       text NOT NULL CHECK (reason <> '' AND length(reason) <= 500),
  asked_by     integer NOT NULL REFERENCES staff.account,
  asked_at     timestamptz NOT NULL DEFAULT now(),
  state        text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'agreed', 'refused', 'done')),
  decided_by   integer REFERENCES staff.account,
  decided_at   timestamptz,
  effective_at timestamptz,
  CONSTRAINT two_people CHECK (state = 'refused' OR decided_by <> asked_by),
  CONSTRAINT decided CHECK ((state = 'asked') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
  CONSTRAINT cooling CHECK ((state IN ('agreed', 'done')) = (effective_at IS NOT NULL) AND effective_at >= decided_at)
);
CREATE UNIQUE INDEX phone_change_open ON staff.phone_change (election, officer, old_phone) WHERE state IN ('asked', 'agreed');
CREATE INDEX phone_change_officer ON staff.phone_change (officer);
COMMENT ON TABLE staff.phone_change IS 'Another phone for an officer: asked by one, agreed to by another, in force after a cooling time';
COMMENT ON COLUMN staff.phone_change.effective_at IS 'End of the cooling time; until then it can still be refused';

CREATE INDEX decision_staff ON tally.decision (staff, at);

GRANT SELECT, INSERT ON staff.account, staff.event, staff.phone_change TO tali_desk;
GRANT UPDATE (name, role, area, language, active, password, totp, totp_step, totp_pending, failures, locked_until,
  invite, invite_until, last_login) ON staff.account TO tali_desk;
GRANT UPDATE (state, decided_by, decided_at, effective_at) ON staff.phone_change TO tali_desk;
GRANT SELECT, INSERT, UPDATE, DELETE ON staff.session TO tali_desk;
