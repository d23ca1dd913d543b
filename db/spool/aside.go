package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// asideMark stands in the names of damaged spools that were set aside.
const asideMark = ".damaged-"

// SetAside gives a damaged spool, with what belongs to it, another name in its
// folder, and returns that. Nothing of it is changed. The next Open makes a new one.
func SetAside(path string, now time.Time) (aside string, err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	lock, err := takeLock(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	aside = path + asideMark + now.UTC().Format("20060102-150405.000")
	for _, end := range []string{"-wal", "-shm", ""} { // the file itself last: until then it is found again
		if err := os.Rename(path+end, aside+end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("setting a damaged spool aside: %w", err)
		}
	}
	return aside, syncDir(filepath.Dir(path))
}

// Aside lists the damaged spools beside the one at path, oldest first.
func Aside(path string) ([]string, error) {
	found, err := filepath.Glob(globQuoted(path) + asideMark + "*")
	if err != nil {
		return nil, fmt.Errorf("looking for damaged spools: %w", err)
	}
	return slices.DeleteFunc(found, func(name string) bool {
		return strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-shm")
	}), nil
}

// Aside lists the damaged spools beside this one, oldest first.
func (s *Spool) Aside() ([]string, error) { return Aside(s.path) }

func globQuoted(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// Raw is what a damaged spool still tells of an SMS or a part of one.
type Raw struct {
	Modem, IMSI, Hex, Store string
	ReadAt                  time.Time
}

// salvage is one table of a damaged spool, read by row id from both ends: what
// lies between two broken pages is all that is missed.
type salvage struct{ up, down string }

// Of messages, those that the centre has not confirmed. Of parts, all: what they
// were joined to is told by the rows that may be broken; a long SMS that the
// centre has is known there by its key.
func salvages() []salvage {
	const message = `SELECT seq, modem, imsi, hex, '', received_at FROM message NOT INDEXED
		WHERE parts = 0 AND delivered_at IS NULL AND `
	const part = `SELECT id, modem, imsi, hex, store, read_at FROM part NOT INDEXED WHERE `
	const first = `SELECT id, modem, imsi, hex, '', read_at FROM part NOT INDEXED WHERE ` // of version 1
	return []salvage{
		{message + `seq > ?1 ORDER BY seq`, message + `seq > ?1 ORDER BY seq DESC`},
		{part + `id > ?1 ORDER BY id`, part + `id > ?1 ORDER BY id DESC`},
		{first + `id > ?1 ORDER BY id`, first + `id > ?1 ORDER BY id DESC`},
	}
}

// Salvage calls each for everything that can still be read of a damaged spool and
// may not have reached the centre; twice is possible. It writes nothing to it. An
// error of the reading, with what was missed, comes after all that could be read;
// one of each ends it.
func Salvage(ctx context.Context, path string, each func(Raw) error) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("reading damaged spool: %w", err)
	}
	if info.Size() == 0 { // SQLite would take its journal for a leftover, and delete it
		return fmt.Errorf("reading damaged spool %s: %w: it is empty", path, ErrDamaged)
	}
	db, err := sql.Open("sqlite", dataSource(path, "query_only(1)")+"&mode=ro")
	if err != nil {
		return fmt.Errorf("reading damaged spool %s: %w", path, err)
	}
	var missed error
	for _, s := range salvages() {
		err := s.run(ctx, db, each)
		var stop *stopped
		if errors.As(err, &stop) {
			return errors.Join(stop.error, db.Close())
		}
		missed = errors.Join(missed, err)
	}
	if err := errors.Join(missed, db.Close()); err != nil {
		return fmt.Errorf("reading damaged spool %s: %w", path, sentinel(err))
	}
	return nil
}

// stopped is an error of who was told, not of the reading.
type stopped struct{ error }

func (s salvage) run(ctx context.Context, db *sql.DB, each func(Raw) error) error {
	last, err := scan(ctx, db, s.up, 0, each)
	if err == nil {
		return nil
	}
	var stop *stopped
	if errors.As(err, &stop) {
		return err
	}
	if strings.Contains(err.Error(), "no such column") { // of a later version
		return nil
	}
	if _, down := scan(ctx, db, s.down, last, each); errors.As(down, &stop) {
		return down
	}
	return err
}

// scan reads rows until it cannot, and returns the last id.
func scan(ctx context.Context, db *sql.DB, query string, after int64, each func(Raw) error) (last int64, err error) {
	last = after
	rows, err := db.QueryContext(ctx, query, after)
	if err != nil {
		return last, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id, at int64
		var r Raw
		if err := rows.Scan(&id, &r.Modem, &r.IMSI, &r.Hex, &r.Store, &at); err != nil {
			return last, err
		}
		r.ReadAt = moment(at)
		if err := each(r); err != nil {
			return last, &stopped{err}
		}
		last = id
	}
	return last, rows.Err()
}
