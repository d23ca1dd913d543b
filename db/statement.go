package db

import (
	"context"
	"database/sql"
	"sync"

	"github.com/jmoiron/sqlx"
)

// statements are prepared once for a pool; each connection then parses and plans
// one once, and running it is one round trip.
type statements struct {
	mu  sync.Mutex
	all map[string]*sqlx.Stmt
}

// prepare has a statement ready on p. It must come before a transaction begins:
// it may need a connection of its own, and lib/pq prepares again in every
// transaction what is prepared on a connection.
func (s *statements) prepare(ctx context.Context, p pool, query string) (*sqlx.Stmt, error) {
	s.mu.Lock()
	known := s.all[query]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	made, err := p.PreparexContext(ctx, query)
	if err != nil {
		return nil, classify(p.heed(err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.all[query]; other != nil {
		return other, made.Close()
	}
	if s.all == nil {
		s.all = make(map[string]*sqlx.Stmt)
	}
	s.all[query] = made
	return made, nil
}

// prepare has a statement of the intake or the outbox ready.
func (d *DB) prepare(ctx context.Context, query string) (*sqlx.Stmt, error) {
	return d.hot.ones.prepare(ctx, d.hot, query)
}

// pageGet runs one statement that every page needs, for one row into dest. Most
// of what such a statement costs is to plan it: the plan is made once, for any
// arguments, and finds its rows by index.
func (d *DB) pageGet(ctx context.Context, dest any, query string, args ...any) error {
	return d.page.prepared(ctx, query, func(s *sqlx.Stmt) error { return s.GetContext(ctx, dest, args...) })
}

// pageList is pageGet for many rows.
func (d *DB) pageList(ctx context.Context, dest any, query string, args ...any) error {
	return d.page.prepared(ctx, query, func(s *sqlx.Stmt) error { return s.SelectContext(ctx, dest, args...) })
}

// pageExec is pageGet for a statement that returns nothing.
func (d *DB) pageExec(ctx context.Context, query string, args ...any) error {
	return d.page.prepared(ctx, query, func(s *sqlx.Stmt) error {
		_, err := s.ExecContext(ctx, args...)
		return err
	})
}

// pageRead is a read-only transaction that sees one moment, with the statements
// of the pages prepared in it.
type pageRead struct {
	p  pool
	tx *sqlx.Tx
}

// readPage begins one on a connection of its own. Each statement was prepared
// before: queries names them.
func (d *DB) readPage(ctx context.Context, queries ...string) (*pageRead, error) {
	p, err := d.page.reaching(ctx)
	if err != nil {
		return nil, err
	}
	for _, query := range queries {
		if _, err := p.ones.prepare(ctx, p, query); err != nil {
			return nil, err
		}
	}
	tx, err := p.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, classify(p.heed(err))
	}
	return &pageRead{p, tx}, nil
}

// GetContext is sqlx.Tx's for a statement that was prepared.
func (r *pageRead) GetContext(ctx context.Context, dest any, query string, args ...any) error {
	s, err := r.p.ones.prepare(ctx, r.p, query)
	if err != nil {
		return err
	}
	return r.tx.StmtxContext(ctx, s).GetContext(ctx, dest, args...)
}

// SelectContext is sqlx.Tx's for a statement that was prepared.
func (r *pageRead) SelectContext(ctx context.Context, dest any, query string, args ...any) error {
	s, err := r.p.ones.prepare(ctx, r.p, query)
	if err != nil {
		return err
	}
	return r.tx.StmtxContext(ctx, s).SelectContext(ctx, dest, args...)
}
