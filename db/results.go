package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
)

// The pool of the feed. Each answer that is being sent holds a connection.
const (
	readerConnections = 16
	readerIdle        = 4
)

// readerSettings bound what one reader costs the server, whatever its role is
// set to.
var readerSettings = map[string]string{
	"application_name":                    "tali feed",
	"default_transaction_read_only":       "on",
	"statement_timeout":                   "60s",
	"idle_in_transaction_session_timeout": "60s",
	"timezone":                            "UTC",
}

// Results is a pool that reads the results interface and nothing else: its role
// is tali_results_reader, or a login in it.
type Results struct {
	pool pool
	dsn  string
	log  *slog.Logger
	fits atomic.Bool // the role was looked at, and may read nothing else

	mu      sync.Mutex
	changed chan struct{} // closed when something may have changed
}

// OpenResults prepares a pool for dsn, which must name its sslmode. It connects
// only once somebody asks.
func OpenResults(dsn string, log *slog.Logger) (*Results, error) {
	if !strings.Contains(dsn, "sslmode=") {
		return nil, errors.New("feed.dsn: sslmode is missing; add sslmode=verify-full (or sslmode=disable for a local socket)")
	}
	p, err := newPool(dsn, readerSettings)
	if err != nil {
		return nil, fmt.Errorf("feed.dsn: %w", err)
	}
	p.SetMaxOpenConns(readerConnections)
	p.SetMaxIdleConns(readerIdle)
	return &Results{pool: p, dsn: dsn, log: log, changed: make(chan struct{})}, nil
}

// Close ends the pool.
func (r *Results) Close() error {
	if err := r.pool.Close(); !unreachable(err) {
		return err
	}
	return nil
}

const (
	// beyondResults is something that only other roles should be able to read.
	beyondResults = `
SELECT coalesce(min(n.nspname || '.' || c.relname), '') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('results', 'public', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')`

	admitConsumer = `SELECT coalesce(feed.consumer($1), '') AS consumer, m.centre, m.feed, m.state FROM feed.moment() AS m`

	undefinedFunction = "42883"
	undefinedSchema   = "3F000"
)

// ErrTooMuch: the role of the feed could read more than the results.
var ErrTooMuch = errors.New("the role of feed.dsn can read more than the results: take tali_results_reader, or a login in it alone")

// ResultsPosition says how far the results are.
type ResultsPosition struct {
	Centre string // this life of the centre: another one after a restore
	Feed   int64  // newest event of change_feed
	State  string // another word when totals, coverage or names are others
}

// Admission is what one request begins with.
type Admission struct {
	Consumer string // empty: no token in force
	ResultsPosition
}

// Admit says whose token has this SHA-256, and how far the results are. Looking
// for a hash tells nobody who measures the time anything about a token.
func (r *Results) Admit(ctx context.Context, hash []byte) (Admission, error) {
	var a Admission
	if err := r.Fit(ctx); err != nil {
		return a, err
	}
	if err := r.pool.GetContext(ctx, &a, admitConsumer, hash); err != nil {
		return a, fmt.Errorf("admitting a consumer: %w", r.classify(err))
	}
	return a, nil
}

// Fit looks once whether the role may read nothing but the results.
func (r *Results) Fit(ctx context.Context) error {
	if r.fits.Load() {
		return nil
	}
	var more string
	if err := r.pool.GetContext(ctx, &more, beyondResults); err != nil {
		return fmt.Errorf("looking at the rights of the feed: %w", r.classify(err))
	}
	if more != "" {
		return fmt.Errorf("%w; now it reads %s", ErrTooMuch, more)
	}
	r.fits.Store(true)
	return nil
}

// classify tells a centre whose schema has no feed yet from one that is away.
func (r *Results) classify(err error) error {
	if c := code(err); c == undefinedFunction || c == undefinedSchema {
		return fmt.Errorf("%w: it has no feed yet; run tali migrate: %w", ErrSchema, err)
	}
	return classify(err)
}

// Changed is closed when something may have changed since it was asked for: ask
// first, then read.
func (r *Results) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

func (r *Results) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
}
