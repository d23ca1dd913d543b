package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// RowError is what is wrong with one row of an import, beyond what its file
// shows.
type RowError struct {
	Line   int    // of the file, as the caller counts
	Column string // name of the column in question
	Reason string
}

// RowErrors lists every bad row of an import. Nothing of it was stored.
type RowErrors struct{ Rows []RowError }

func (e *RowErrors) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d bad rows, nothing was imported", len(e.Rows))
	for i, r := range e.Rows {
		if i == 10 {
			b.WriteString("; ...")
			break
		}
		fmt.Fprintf(&b, "; line %d, %s: %s", r.Line, r.Column, r.Reason)
	}
	return b.String()
}

func (e *RowErrors) add(line int, column, reason string, args ...any) {
	e.Rows = append(e.Rows, RowError{Line: line, Column: column, Reason: fmt.Sprintf(reason, args...)})
}

// orNil is the error of rows only where there are some.
func (e *RowErrors) orNil() error {
	if len(e.Rows) == 0 {
		return nil
	}
	return e
}

// Imported counts the rows of an import by what they meant.
type Imported struct {
	New, Changed, Same int
	Asked              int // phone changes that wait for a second person
}

// Progress is told how far an import has come. It may be nil.
type Progress func(done, total int)

func (p Progress) report(done, total int) {
	if p != nil {
		p(done, total)
	}
}

// AreaRow is a village with the areas above it.
type AreaRow struct {
	Line                              int
	Code                              string // 10-digit Kemendagri code
	Name, District, Regency, Province string
}

const upsertAreas = `
WITH input AS (
  SELECT DISTINCT ON (code) code, level, name
  FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY AS a(code, level, name, n)
  ORDER BY code, n DESC
), compared AS MATERIALIZED (
  SELECT i.*, a.name AS before FROM input i LEFT JOIN registry.area a ON a.code = i.code
), written AS (
  INSERT INTO registry.area (code, level, name)
  SELECT code, level, name FROM compared WHERE before IS DISTINCT FROM name ORDER BY code
  ON CONFLICT (code) DO UPDATE SET name = excluded.name
)
SELECT count(*) FILTER (WHERE before IS NULL) AS new, count(*) FILTER (WHERE before <> name) AS changed,
       count(*) FILTER (WHERE before = name) AS same
FROM compared WHERE level = 'village'`

// ImportAreas stores villages and the areas above them. Counted are villages.
func (d *DB) ImportAreas(ctx context.Context, rows []AreaRow) (Imported, error) {
	var n Imported
	err := d.cold.within(ctx, func(t *transaction) (err error) {
		n, err = t.upsertAreas(ctx, rows)
		return err
	})
	var bad *RowErrors
	switch {
	case errors.As(err, &bad):
		return Imported{}, bad
	case err != nil:
		return Imported{}, fmt.Errorf("importing %d areas: %w", len(rows), err)
	}
	return n, nil
}

func (t *transaction) upsertAreas(ctx context.Context, rows []AreaRow) (n Imported, err error) {
	var bad RowErrors
	var codes, levels, names array
	for _, r := range rows {
		code, err := strconv.ParseInt(r.Code, 10, 64)
		if err != nil || len(r.Code) != 10 {
			bad.add(r.Line, "village", "%q is no 10-digit code", r.Code)
			continue
		}
		for _, a := range []struct {
			code        int64
			level, name string
		}{{code, "village", r.Name}, {code / 1e4, "district", r.District}, {code / 1e6, "regency", r.Regency}, {code / 1e8, "province", r.Province}} {
			if a.name == "" {
				bad.add(r.Line, a.level, "the name is missing")
				continue
			}
			codes.int(a.code)
			levels.text(a.level)
			names.text(a.name)
		}
	}
	if err := bad.orNil(); err != nil {
		return n, err
	}
	return n, t.tx.GetContext(ctx, &n, upsertAreas, codes.arg(), levels.arg(), names.arg())
}

// lockRegistry makes imports of one election wait for each other.
const lockRegistry = `SELECT pg_advisory_xact_lock(hashtextextended('registry ' || $1, 0))`

// importInto runs an import of p's election in one transaction: all or nothing.
func (d *DB) importInto(ctx context.Context, election int16, do func(*transaction) error) error {
	err := d.cold.within(ctx, func(t *transaction) error {
		if _, err := t.tx.ExecContext(ctx, lockRegistry, strconv.Itoa(int(election))); err != nil {
			return err
		}
		return do(t)
	})
	var bad *RowErrors
	if errors.As(err, &bad) {
		return bad
	}
	return err
}
