package spool

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"sync"
	"time"
)

const (
	// readTimeout ends a read that a sick disk holds up.
	readTimeout = 30 * time.Second
	// readers is how many reads run at once: the intake loop and one more.
	readers = 2
)

// reader owns the connections that only read.
type reader struct {
	db    *sql.DB
	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

func openReader(path string) (*reader, error) {
	db, err := sql.Open("sqlite", dataSource(path, "query_only(1)", "cache_size(-1024)", "busy_timeout(5000)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	return &reader{db: db, stmts: map[string]*sql.Stmt{}}, nil
}

func (r *reader) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stmts == nil {
		return nil, ErrClosed
	}
	if s, ok := r.stmts[query]; ok {
		return s, nil
	}
	s, err := r.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	r.stmts[query] = s
	return s, nil
}

// each calls row for every row of the answer.
func (r *reader) each(ctx context.Context, query string, args []any, row func(*sql.Rows) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	s, err := r.stmt(ctx, query)
	if err != nil {
		return sentinel(err)
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return sentinel(err)
	}
	defer func() { err = sentinel(errors.Join(err, rows.Close())) }()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one scans the first row and says whether there was one.
func (r *reader) one(ctx context.Context, query string, args, dest []any) (found bool, err error) {
	err = r.each(ctx, query, args, func(rows *sql.Rows) error {
		if found {
			return nil
		}
		found = true
		return rows.Scan(dest...)
	})
	return found, err
}

func (r *reader) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	for _, s := range r.stmts {
		err = errors.Join(err, s.Close())
	}
	r.stmts = nil
	return errors.Join(err, r.db.Close())
}

// nanos and moment keep the zero time as 0; its UnixNano is not defined.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func moment(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// list writes ids as a JSON array, the one way to hand SQLite a list of any
// length in a prepared statement.
func list(ids []int64) string {
	b := append(make([]byte, 0, 8*len(ids)+2), '[')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, id, 10)
	}
	return string(append(b, ']'))
}
