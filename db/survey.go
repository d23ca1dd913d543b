package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// Survey says what is in the whole database at one moment, so that a copy can be
// held against it.
type Survey struct {
	Schema      int64
	Incarnation string // of the row; a gateway's also tells promotions
	Server      int    // server_version_num
	Head        AuditHead
	Tables      []TableSum
	Sequences   []SequenceValue
}

// TableSum is a table's number of rows and a digest over them that does not
// depend on their order.
type TableSum struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Digest string `json:"digest"`
}

// SequenceValue is how far a sequence has come. Sequences are beside any moment: a
// copy may be further.
type SequenceValue struct {
	Name string `json:"name"`
	Last int64  `json:"last"`
}

const (
	surveyFacts = `
SELECT (SELECT max(version_id) FROM public.goose_db_version WHERE is_applied) AS schema,
       (SELECT id::text FROM registry.incarnation) AS incarnation,
       current_setting('server_version_num')::integer AS server`

	// What a row looks like as text must depend on nothing but the row.
	surveyForms = `SET LOCAL timezone = 'UTC'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL intervalstyle = 'iso_8601'`

	surveyRelations = `
SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind = 'S' AS sequence
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'S', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY c.relkind <> 'S', n.nspname, c.relname`

	exportSnapshot = `SELECT pg_catalog.pg_export_snapshot()`
)

// tableSum counts a table and adds up the first 128 bits of its rows' SHA-256.
func tableSum(name string) string {
	return `SELECT count(*) AS rows, coalesce(sum(('x' || left(h, 16))::bit(64)::bigint::numeric), 0)::text || '/' ||
  coalesce(sum(('x' || substr(h, 17, 16))::bit(64)::bigint::numeric), 0)::text AS digest
FROM (SELECT encode(sha256(convert_to(t::text, 'UTF8')), 'hex') AS h FROM ` + name + ` t) AS hashed`
}

// Survey looks at everything at one moment. Before it counts it hands a snapshot
// of that moment to dump (nil: none), for a program that copies what it shows.
// It must be the owner's: others may not read all.
func (d *DB) Survey(ctx context.Context, dump func(snapshot string) error, progress Progress) (s Survey, err error) {
	err = d.cold.within(ctx, func(t *transaction) error {
		for _, query := range []string{readOneMoment, surveyForms} {
			if _, err := t.tx.ExecContext(ctx, query); err != nil {
				return err
			}
		}
		if dump != nil {
			var snapshot string
			if err := t.tx.GetContext(ctx, &snapshot, exportSnapshot); err != nil {
				return err
			}
			if err := dump(snapshot); err != nil {
				return err
			}
		}
		s, err = t.survey(ctx, progress)
		return err
	})
	if err != nil {
		return Survey{}, fmt.Errorf("looking at every table: %w", err)
	}
	return s, nil
}

func (t *transaction) survey(ctx context.Context, progress Progress) (s Survey, err error) {
	if err := t.tx.GetContext(ctx, &s, surveyFacts); err != nil {
		return s, err
	}
	if err := t.tx.GetContext(ctx, &s.Head, auditHead); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return s, err
	}
	var relations []struct {
		Name     string
		Sequence bool
	}
	if err := t.tx.SelectContext(ctx, &relations, surveyRelations); err != nil {
		return s, err
	}
	for i, r := range relations {
		if r.Sequence {
			v := SequenceValue{Name: r.Name}
			err = t.tx.GetContext(ctx, &v.Last, `SELECT last_value FROM `+r.Name)
			s.Sequences = append(s.Sequences, v)
		} else {
			sum := TableSum{Name: r.Name}
			err = t.tx.GetContext(ctx, &sum, tableSum(r.Name))
			s.Tables = append(s.Tables, sum)
		}
		if err != nil {
			return s, fmt.Errorf("%s: %w", r.Name, err)
		}
		progress.report(i+1, len(relations))
	}
	return s, nil
}

// Differences names what got is not the same in as s.
func (s Survey) Differences(got Survey) []string {
	var out []string
	if s.Incarnation != got.Incarnation || s.Schema != got.Schema || s.Head.Hash != got.Head.Hash {
		out = append(out, fmt.Sprintf("incarnation, schema, audit head: %s, %d, %q instead of %s, %d, %q",
			got.Incarnation, got.Schema, got.Head.Hash, s.Incarnation, s.Schema, s.Head.Hash))
	}
	for _, want := range s.Tables {
		i := slices.IndexFunc(got.Tables, func(t TableSum) bool { return t.Name == want.Name })
		switch {
		case i < 0:
			out = append(out, want.Name+" is missing")
		case got.Tables[i].Rows != want.Rows:
			out = append(out, fmt.Sprintf("%s has %d rows instead of %d", want.Name, got.Tables[i].Rows, want.Rows))
		case got.Tables[i].Digest != want.Digest:
			out = append(out, want.Name+" has other rows")
		}
	}
	for _, t := range got.Tables {
		if !slices.ContainsFunc(s.Tables, func(want TableSum) bool { return want.Name == t.Name }) {
			out = append(out, t.Name+" was not in the backup")
		}
	}
	for _, want := range s.Sequences {
		i := slices.IndexFunc(got.Sequences, func(v SequenceValue) bool { return v.Name == want.Name })
		if i < 0 || got.Sequences[i].Last < want.Last {
			out = append(out, fmt.Sprintf("sequence %s does not reach %d", want.Name, want.Last))
		}
	}
	return out
}

// ServerMajor is the major version of the server.
func (d *DB) ServerMajor(ctx context.Context) (int, error) {
	var n int
	if err := d.get(ctx, &n, `SELECT current_setting('server_version_num')::integer / 10000`); err != nil {
		return 0, fmt.Errorf("asking the server for its version: %w", err)
	}
	return n, nil
}
