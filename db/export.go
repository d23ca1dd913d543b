package db

import (
	"context"
	"fmt"
)

// ResultsTable is one table of the results interface, at the moment of an
// export.
type ResultsTable struct {
	Name    string
	Columns []string
	Rows    int
}

// ResultsSink takes an export in. It is told of a table before its rows.
type ResultsSink interface {
	Table(ResultsTable) error
	// Row is a row as a JSON object, its members in the order of the columns.
	Row(object []byte) error
}

// exportedTable is a table of an export and its statements.
type exportedTable struct{ name, count, rows string }

// exportedTables are in the order of the bundle. The order of their rows makes two
// exports of one state the same.
func exportedTables() []exportedTable {
	return []exportedTable{
		{"station_result", `SELECT count(*) FROM results.station_result WHERE election = $1`,
			`SELECT row_to_json(r)::text FROM results.station_result r WHERE election = $1 ORDER BY kode_tps, jenis, putaran`},
		{"area_total", `SELECT count(*) FROM results.area_total WHERE election = $1`,
			`SELECT row_to_json(r)::text FROM results.area_total r WHERE election = $1 ORDER BY length(kode_wilayah), kode_wilayah, jenis, putaran`},
		{"progress", `SELECT count(*) FROM results.progress WHERE election = $1`,
			`SELECT row_to_json(r)::text FROM results.progress r WHERE election = $1 ORDER BY length(kode_wilayah), kode_wilayah, jenis, putaran`},
		{"change_feed", `SELECT count(*) FROM results.change_feed WHERE election = $1`,
			`SELECT row_to_json(r)::text FROM results.change_feed r WHERE election = $1 ORDER BY urutan`},
	}
}

const (
	columnsOf = `
SELECT attname FROM pg_attribute WHERE attrelid = ('results.' || $1)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`

	exportUTC = `SET LOCAL timezone = 'UTC'`

	exportMoment = `
SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, (SELECT versi FROM results.interface) AS interface, (SELECT coalesce(max(urutan), 0) FROM results.change_feed) AS feed`
)

// ResultsMoment says what an export shows.
type ResultsMoment struct {
	At        string // UTC, RFC 3339
	Interface int    // version of the results interface
	Feed      int64  // newest event of change_feed
}

// ExportResults hands everything that is published of an election, as it is at
// one moment, to a sink. Rows are passed on as they come.
func (d *DB) ExportResults(ctx context.Context, election string, to ResultsSink) (m ResultsMoment, err error) {
	err = d.cold.within(ctx, func(t *transaction) error {
		m, err = t.export(ctx, election, to)
		return err
	})
	if err != nil {
		return ResultsMoment{}, fmt.Errorf("exporting the results of %s: %w", election, err)
	}
	return m, nil
}

func (t *transaction) export(ctx context.Context, election string, to ResultsSink) (m ResultsMoment, err error) {
	for _, query := range []string{readOneMoment, exportUTC} {
		if _, err := t.tx.ExecContext(ctx, query); err != nil {
			return m, err
		}
	}
	if err := t.tx.GetContext(ctx, &m, exportMoment); err != nil {
		return m, err
	}
	for _, e := range exportedTables() {
		table := ResultsTable{Name: e.name}
		if err := t.tx.SelectContext(ctx, &table.Columns, columnsOf, e.name); err != nil {
			return m, err
		}
		if err := t.tx.GetContext(ctx, &table.Rows, e.count, election); err != nil {
			return m, err
		}
		if err := to.Table(table); err != nil {
			return m, err
		}
		if err := t.objects(ctx, to.Row, e.rows, election); err != nil {
			return m, err
		}
	}
	return m, nil
}

func (t *transaction) objects(ctx context.Context, row func(object []byte) error, query string, args ...any) error {
	rows, err := t.tx.QueryxContext(ctx, query, args...)
	if err != nil {
		return err
	}
	return scanAll(rows, func() error {
		var object []byte
		if err := rows.Scan(&object); err != nil {
			return err
		}
		return row(object)
	})
}
