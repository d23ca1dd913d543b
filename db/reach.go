package db

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"github.com/jmoiron/sqlx"
)

// areaRole is whom statements run as that see one area. Policies at the centre
// choose its rows by a setting of the transaction: without one there are none.
const areaRole = "tali_area"

const setReach = `SELECT set_config('tali.area', $1, true)`

// ErrReach: what was asked for is outside the area of the account.
var ErrReach = errors.New("outside the area of this account")

// errNoReach: a statement for one area on a pool that shows everything.
var errNoReach = errors.New("this pool shows all areas")

type reachKey struct{}

// WithReach limits what is asked of the centre with ctx to the stations of an
// area. 0 is the whole election.
func WithReach(ctx context.Context, area int64) context.Context {
	return context.WithValue(ctx, reachKey{}, area)
}

// everywhere is ctx for what belongs to no area: accounts, sessions, the record.
func everywhere(ctx context.Context) context.Context { return WithReach(ctx, 0) }

func reachOf(ctx context.Context) int64 {
	area, _ := ctx.Value(reachKey{}).(int64)
	return area
}

// reaching is the pool for ctx. Statements for one area have connections of
// their own, which never show anything else: neither a setting that was forgotten
// nor one that outlived its transaction can show too much.
func (p pool) reaching(ctx context.Context) (pool, error) {
	switch {
	case reachOf(ctx) == 0 && !p.limited, reachOf(ctx) != 0 && p.limited:
		return p, nil
	case p.area == nil:
		return pool{}, errNoReach
	}
	return *p.area, nil
}

// asker is a pool, a connection or a transaction.
type asker interface {
	GetContext(ctx context.Context, dest any, query string, args ...any) error
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// ask runs one statement within the reach of ctx.
func (p pool) ask(ctx context.Context, do func(asker) error) error {
	if reachOf(ctx) == 0 {
		return do(p.DB)
	}
	tx, err := p.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the statement's error says more
		return err
	}
	return tx.Commit()
}

// GetContext is sqlx.DB's within the reach of ctx, as the next three are.
func (p pool) GetContext(ctx context.Context, dest any, query string, args ...any) error {
	return p.ask(ctx, func(a asker) error { return a.GetContext(ctx, dest, query, args...) })
}

// SelectContext is sqlx.DB's.
func (p pool) SelectContext(ctx context.Context, dest any, query string, args ...any) error {
	return p.ask(ctx, func(a asker) error { return a.SelectContext(ctx, dest, query, args...) })
}

// ExecContext is sqlx.DB's.
func (p pool) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	err = p.ask(ctx, func(a asker) error {
		result, err = a.ExecContext(ctx, query, args...)
		return err
	})
	return result, err
}

// BeginTxx is sqlx.DB's.
func (p pool) BeginTxx(ctx context.Context, options *sql.TxOptions) (*sqlx.Tx, error) {
	p, err := p.reaching(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := p.DB.BeginTxx(ctx, options)
	if err != nil {
		return nil, err
	}
	return tx, limit(ctx, tx)
}

// limit gives a transaction its area.
func limit(ctx context.Context, tx *sqlx.Tx) error {
	area := reachOf(ctx)
	if area == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, setReach, strconv.FormatInt(area, 10)); err != nil {
		_ = tx.Rollback() // the line is most likely gone
		return err
	}
	return nil
}

// prepared runs a statement of the pool's own within the reach of ctx.
func (p pool) prepared(ctx context.Context, query string, do func(*sqlx.Stmt) error) error {
	p, err := p.reaching(ctx)
	if err != nil {
		return err
	}
	s, err := p.ones.prepare(ctx, p, query)
	if err != nil {
		return err
	}
	if reachOf(ctx) == 0 {
		return classify(p.heed(do(s)))
	}
	tx, err := p.BeginTxx(ctx, nil)
	if err != nil {
		return classify(p.heed(err))
	}
	if err := do(tx.StmtxContext(ctx, s)); err != nil {
		_ = tx.Rollback() // the statement's error says more
		return classify(p.heed(err))
	}
	return classify(p.heed(tx.Commit()))
}
