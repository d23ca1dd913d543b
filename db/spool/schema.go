package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// schemaVersion goes up with every change of the schema below.
	schemaVersion = 2
	// firstVersion is the oldest that is brought up to date in place.
	firstVersion = 1
	// applicationID marks a file as ours: "tali".
	applicationID = 0x74616c69
)

// Times are nanoseconds since 1970 in UTC, 0 for none. A PDU that is a whole SMS
// is its message, in one row, so that one index over hashes decides: a second one
// costs Keep dearly, each row dirties a leaf of its own. message.key is then the PDU's, 32 bytes, whose head is the
// key of the message; a joined message has 16, and its PDUs in joined. part.use
// is the fate of a part: open, in an incomplete message only (reported), in a
// whole one (joined), or the same part sent again (copy).
//
// The CHECKs say OR and not IN: SQLite builds a table for an IN of three values
// or more, each time a row is checked.
const schema = `
CREATE TABLE message (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	key BLOB NOT NULL UNIQUE CHECK (length(key) = iif(parts = 0, 32, 16)),
	kind TEXT NOT NULL CHECK (kind = 'text' OR kind = 'incomplete' OR kind = 'unreadable' OR kind = 'report'),
	parts INTEGER NOT NULL,
	modem TEXT NOT NULL,
	imsi TEXT NOT NULL,
	hex TEXT NOT NULL,
	sender TEXT NOT NULL,
	text TEXT NOT NULL,
	reason TEXT NOT NULL,
	sent_at INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	copies INTEGER NOT NULL DEFAULT 1 CHECK (copies > 0),
	interim TEXT NOT NULL DEFAULT '',
	interim_at INTEGER NOT NULL DEFAULT 0,
	delivered_at INTEGER
);
CREATE INDEX message_waiting ON message (seq, received_at, delivered_at) WHERE delivered_at IS NULL;
CREATE INDEX message_delivered ON message (seq, delivered_at) WHERE delivered_at IS NOT NULL;

CREATE TABLE part (
	id INTEGER PRIMARY KEY,
	key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
	modem TEXT NOT NULL,
	imsi TEXT NOT NULL,
	hex TEXT NOT NULL,
	sender TEXT NOT NULL,
	text TEXT NOT NULL,
	sent_at INTEGER NOT NULL,
	read_at INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	copies INTEGER NOT NULL DEFAULT 1 CHECK (copies > 0),
	ref INTEGER NOT NULL,
	width INTEGER NOT NULL,
	total INTEGER NOT NULL,
	seq INTEGER NOT NULL CHECK (seq BETWEEN 1 AND total),
	use TEXT NOT NULL CHECK (use = 'open' OR use = 'reported' OR use = 'joined' OR use = 'copy'),
	copy_of INTEGER,
	CHECK ((use = 'copy') = (copy_of IS NOT NULL))
);
CREATE INDEX part_bucket ON part (imsi, sender, ref, width, total, seq);
CREATE INDEX part_open ON part (id) WHERE use = 'open';
CREATE INDEX part_copy ON part (copy_of) WHERE copy_of IS NOT NULL;

CREATE TABLE joined (
	message INTEGER NOT NULL,
	pos INTEGER NOT NULL,
	part INTEGER NOT NULL,
	PRIMARY KEY (message, pos)
) WITHOUT ROWID;
CREATE INDEX joined_part ON joined (part);

CREATE TABLE interim (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	message INTEGER NOT NULL UNIQUE,
	modem TEXT NOT NULL,
	recipient TEXT NOT NULL,
	kind TEXT NOT NULL CHECK (kind <> ''),
	text TEXT NOT NULL,
	at INTEGER NOT NULL,
	state TEXT NOT NULL CHECK (state = 'queued' OR state = 'sending' OR state = 'sent' OR state = 'failed' OR state = 'unknown'),
	attempts INTEGER NOT NULL DEFAULT 0,
	err TEXT NOT NULL DEFAULT ''
);
CREATE INDEX interim_queued ON interim (id, modem) WHERE state = 'queued';
CREATE INDEX interim_sending ON interim (id) WHERE state = 'sending';

CREATE TABLE send (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	reply INTEGER NOT NULL,
	modem TEXT NOT NULL,
	recipient TEXT NOT NULL,
	begun_at INTEGER NOT NULL,
	ended_at INTEGER,
	outcome TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX send_open ON send (reply) WHERE ended_at IS NULL;
CREATE INDEX send_ended ON send (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE snapshot (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	data BLOB NOT NULL,
	at INTEGER NOT NULL,
	sum BLOB NOT NULL
);
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`

// sinceVersion2 is what later versions have added.
const sinceVersion2 = `
CREATE TABLE held (
	modem TEXT NOT NULL,
	hex TEXT NOT NULL,
	imsi TEXT NOT NULL,
	store TEXT NOT NULL,
	slot INTEGER NOT NULL,
	at INTEGER NOT NULL,
	PRIMARY KEY (modem, hex)
) WITHOUT ROWID;

CREATE TABLE notice (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	recipient TEXT NOT NULL,
	text TEXT NOT NULL,
	at INTEGER NOT NULL,
	state TEXT NOT NULL CHECK (state = 'queued' OR state = 'sending' OR state = 'sent' OR state = 'failed' OR state = 'unknown'),
	attempts INTEGER NOT NULL DEFAULT 0,
	err TEXT NOT NULL DEFAULT ''
);
CREATE INDEX notice_queued ON notice (id) WHERE state = 'queued';
CREATE INDEX notice_sending ON notice (id) WHERE state = 'sending';

ALTER TABLE part ADD COLUMN store TEXT NOT NULL DEFAULT '';
`

// checkSchema creates the schema in an empty file and refuses any other file
// that is not exactly ours and sound, before anything in it is changed: turning
// on the WAL writes to the file.
func checkSchema(ctx context.Context, c *sql.Conn) error {
	var version, app, tables int64
	for _, q := range []struct {
		query string
		dest  *int64
	}{
		{"PRAGMA user_version", &version},
		{"PRAGMA application_id", &app},
		{"SELECT count(*) FROM sqlite_master", &tables},
	} {
		if err := c.QueryRowContext(ctx, q.query).Scan(q.dest); err != nil {
			return err
		}
	}
	fresh := version == 0 && app == 0 && tables == 0
	switch {
	case !fresh && app != applicationID:
		return fmt.Errorf("%w: it is a database of another program", ErrForeign)
	case !fresh && (version < firstVersion || version > schemaVersion):
		return fmt.Errorf("%w: it has version %d, this tali reads %d", ErrVersion, version, schemaVersion)
	}
	var mode string
	if err := c.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("journal mode is %s: the folder must be on a local disk", mode)
	}
	if fresh {
		return createSchema(ctx, c)
	}
	if err := checkPages(ctx, c); err != nil || version == schemaVersion {
		return err
	}
	return upgrade(ctx, c)
}

// createSchema writes everything in one transaction, so that a crash leaves
// either an empty file or a whole schema.
func createSchema(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; PRAGMA application_id = %d; PRAGMA user_version = %d; %s %s COMMIT",
		applicationID, schemaVersion, schema, sinceVersion2))
	return err
}

// upgrade adds what a file of the first version lacks; nothing in it is changed.
func upgrade(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA user_version = %d; COMMIT", sinceVersion2, schemaVersion))
	return err
}

func checkPages(ctx context.Context, c *sql.Conn) error {
	var finding string
	if err := c.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&finding); err != nil {
		return err
	}
	if finding != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, strings.Join(strings.Fields(finding), " "))
	}
	return nil
}

// describe turns what opening found into one line with path and remedy.
func describe(path string, err error) error {
	err = sentinel(err)
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_IOERR && noRoom(filepath.Dir(path)) {
		err = fmt.Errorf("%w: %w", ErrFull, err) // the files beside it could not grow
	}
	switch {
	case errors.Is(err, ErrVersion):
		return fmt.Errorf("opening spool %s: %w: run the tali that wrote it until nothing waits, then move the file away", path, err)
	case errors.Is(err, ErrForeign):
		return fmt.Errorf("opening spool %s: %w: give this gateway a data_dir of its own", path, err)
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("opening spool %s: %w: tali serve sets it aside, takes over what can be read of it and goes on with a new one; "+
			"a backup put in its place may be used, as nothing counts twice", path, err)
	case errors.Is(err, ErrFull):
		return fmt.Errorf("opening spool %s: %w: make room on that disk", path, err)
	}
	return fmt.Errorf("opening spool %s: %w", path, err)
}

// noRoom reports whether the disk under dir is full, as far as it says.
func noRoom(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && st.Bavail*uint64(st.Bsize) < 1<<20
}

// sentinel maps SQLite's codes to the errors that callers branch on.
func sentinel(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}
