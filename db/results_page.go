package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ResultsPart is a table of the results interface that is read in pages.
type ResultsPart string

// The parts of the results interface.
const (
	PartStations ResultsPart = "station_result"
	PartAreas    ResultsPart = "area_total"
	PartProgress ResultsPart = "progress"
	PartChanges  ResultsPart = "change_feed"
)

// ResultsQuery asks for one page. Empty filters let everything through; those
// but Limit and Event mean nothing to PartChanges, whose events have no gap.
type ResultsQuery struct {
	Part     ResultsPart
	Election string
	Contest  string
	Round    int
	Area     string // 2 to 13 digits: it and what lies in it
	Level    string // of areas: desa, kecamatan, kabupaten, provinsi
	After    ResultsKey
	Event    int64 // of changes: those behind it
	Limit    int
}

// ResultsKey is a row's place in the order of its table.
type ResultsKey struct {
	Code     string `db:"code"` // of the station or area
	Contest  string `db:"jenis"`
	Round    int    `db:"putaran"`
	Election string `db:"election"`
	Event    int64  // of changes, which have no other
}

// ResultsPage says what a page is, before its rows.
type ResultsPage struct {
	ResultsPosition
	Interface int    `db:"versi"`
	Note      string `db:"catatan"`
	Columns   []string
	Last      ResultsKey // of the last row of a full page
	More      bool       // rows follow behind it
}

// ResultsReader takes a page in: what it is, then its rows as they come.
type ResultsReader interface {
	Page(ResultsPage) error
	// Row is a row as a JSON object, its members in the order of the columns.
	Row(object []byte) error
}

const (
	pageMoment = `SELECT m.centre, m.feed, m.state, i.versi, i.catatan FROM feed.moment() AS m, results.interface AS i`

	// What stands in a page is one range of the primary key: both statements of
	// a part read the same one.
	stationsWhere = `
FROM results.station_result r WHERE (kode_tps, jenis, putaran, election) > ($1, $2, $3, $4)
AND ($5 = '' OR election = $5) AND ($6 = '' OR jenis = $6) AND ($7 = 0 OR putaran = $7) AND kode_tps BETWEEN rpad($8, 13, '0') AND rpad($8, 13, '9') AND $9 = ''
ORDER BY kode_tps, jenis, putaran, election`
	stationsEnd  = `SELECT kode_tps AS code, jenis, putaran, election` + stationsWhere + ` OFFSET $10 LIMIT 2`
	stationsRows = `SELECT row_to_json(r)::text` + stationsWhere + ` LIMIT $10`

	// A code is followed by those that begin with it.
	areasWhere = `
AS r WHERE (kode_wilayah, jenis, putaran, election) > ($1, $2, $3, $4)
AND ($5 = '' OR election = $5) AND ($6 = '' OR jenis = $6) AND ($7 = 0 OR putaran = $7) AND kode_wilayah BETWEEN $8 AND rpad($8, 13, '9') AND ($9 = '' OR tingkat = $9)
ORDER BY kode_wilayah, jenis, putaran, election`
	areasEnd     = `SELECT kode_wilayah AS code, jenis, putaran, election FROM results.area_total ` + areasWhere + ` OFFSET $10 LIMIT 2`
	areasRows    = `SELECT row_to_json(r)::text FROM results.area_total ` + areasWhere + ` LIMIT $10`
	progressRows = `SELECT row_to_json(r)::text FROM results.progress ` + areasWhere + ` LIMIT $10`

	changesRows = `SELECT row_to_json(r)::text FROM results.change_feed r WHERE urutan > $1 ORDER BY urutan LIMIT $2`
)

// statements are the end of a page, where it has to be looked for, and its rows.
func (q ResultsQuery) statements() (end, rows string) {
	switch q.Part {
	case PartStations:
		return stationsEnd, stationsRows
	case PartAreas:
		return areasEnd, areasRows
	case PartProgress:
		return areasEnd, progressRows
	case PartChanges:
		return "", changesRows
	}
	panic("db: no part " + string(q.Part))
}

// args are the parameters of both statements; last is their own.
func (q ResultsQuery) args(last int) []any {
	if q.Part == PartChanges {
		return []any{q.Event, last}
	}
	k := q.After
	return []any{k.Code, k.Contest, k.Round, k.Election, q.Election, q.Contest, q.Round, q.Area, q.Level, last}
}

// Read hands one page over as it is at one moment. Rows are passed on as they
// come: a reader that is slow keeps a connection, not memory.
func (r *Results) Read(ctx context.Context, q ResultsQuery, to ResultsReader) error {
	var told error // once the reader was told of the page, nothing is read again
	err := r.again(ctx, func() error {
		err := r.pool.within(ctx, func(t *transaction) error {
			page, err := t.page(ctx, q)
			if err != nil {
				return err
			}
			told = t.handOver(ctx, q, page, to)
			return nil
		})
		if told != nil {
			return nil
		}
		return err
	})
	if err = errors.Join(told, err); err != nil {
		return fmt.Errorf("reading %s: %w", q.Part, r.classify(err))
	}
	return nil
}

// page finds out what a page is.
func (t *transaction) page(ctx context.Context, q ResultsQuery) (page ResultsPage, err error) {
	if _, err := t.tx.ExecContext(ctx, readOneMoment); err != nil {
		return page, err
	}
	if err := t.tx.GetContext(ctx, &page, pageMoment); err != nil {
		return page, err
	}
	if err := t.tx.SelectContext(ctx, &page.Columns, columnsOf, string(q.Part)); err != nil {
		return page, err
	}
	end, _ := q.statements()
	return page, t.end(ctx, &page, end, q)
}

func (t *transaction) handOver(ctx context.Context, q ResultsQuery, page ResultsPage, to ResultsReader) error {
	if err := to.Page(page); err != nil {
		return err
	}
	_, query := q.statements()
	return t.objects(ctx, to.Row, query, q.args(q.Limit)...)
}

// end finds out where a full page ends, so that its first line can say so. Events
// have no gap: where theirs ends is known.
func (t *transaction) end(ctx context.Context, page *ResultsPage, query string, q ResultsQuery) error {
	if q.Part == PartChanges {
		page.Last.Event = max(q.Event, min(q.Event+int64(q.Limit), page.Feed))
		page.More = page.Last.Event < page.Feed
		return nil
	}
	var keys []ResultsKey
	if err := t.tx.SelectContext(ctx, &keys, query, q.args(q.Limit-1)...); err != nil {
		return err
	}
	if page.More = len(keys) == 2; len(keys) > 0 {
		page.Last = keys[0]
	}
	return nil
}

// String is the key as a word that ParseResultsKey reads.
func (k ResultsKey) String() string {
	return strings.Join([]string{k.Code, k.Contest, strconv.Itoa(k.Round), k.Election}, ".")
}

// ParseResultsKey reads what String wrote.
func ParseResultsKey(text string) (k ResultsKey, ok bool) {
	parts := strings.SplitN(text, ".", 4)
	if len(parts) != 4 || parts[0] == "" || strings.Trim(parts[0], "0123456789") != "" {
		return k, false
	}
	round, err := strconv.ParseInt(parts[2], 10, 16)
	return ResultsKey{Code: parts[0], Contest: parts[1], Round: int(round), Election: parts[3]}, err == nil
}

const stationRows = `SELECT row_to_json(r)::text FROM results.station_result r WHERE election = $1 ORDER BY kode_tps, jenis, putaran`

// StationResults hands over what is confirmed of an election, a JSON object a
// row, as it is at one moment.
func (d *DB) StationResults(ctx context.Context, election string, each func(object []byte) error) error {
	err := d.cold.within(ctx, func(t *transaction) error {
		if _, err := t.tx.ExecContext(ctx, readOneMoment); err != nil {
			return err
		}
		rows, err := t.tx.QueryxContext(ctx, stationRows, election)
		if err != nil {
			return err
		}
		return scanAll(rows, func() error {
			var object []byte
			if err := rows.Scan(&object); err != nil {
				return err
			}
			return each(object)
		})
	})
	if err != nil {
		return fmt.Errorf("reading the stations of %s: %w", election, err)
	}
	return nil
}
