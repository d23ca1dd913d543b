// Package db is the central PostgreSQL: its schema, and one method for each
// business event. No other package speaks SQL to it.
//
// It knows no modem, no spool and no rule of the protocol: what a message means
// is decided by verify, between the statement that loads the facts and the one
// that writes the verdicts.
//
// Invariants:
//   - an intake transaction holds the locks of its senders' stations before it
//     reads what it decides by, beside who the senders are;
//   - messages, verdicts, entries and decisions are only ever added;
//   - a commit is never cancelled: it has an answer, or ErrUnknownOutcome.
package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// The pools are small: intake saturates the server with two connections.
const (
	maxConnections = 8
	maxIdle        = maxConnections // a new connection plans with cold caches, which a page waits for
	maxIdleTime    = 5 * time.Minute
	// intakeLanes bounds the intake transactions of one process; each writes
	// a counter row of its own.
	intakeLanes = 4
)

// hotSettings keep the plans of the hot statements what they are for. A plan is
// made when tables are empty and there are no statistics, and kept: without
// these, it reads whole tables until somebody analyses them (12 times slower
// after 10,000 messages).
var hotSettings = map[string]string{
	"plan_cache_mode":  "force_generic_plan",
	"enable_seqscan":   "off",
	"enable_hashjoin":  "off",
	"enable_mergejoin": "off",
	"jit":              "off",
}

// pool is a pool of connections whose lines are known.
type pool struct {
	*sqlx.DB
	links   *connector
	ones    *statements // prepared on it
	area    *pool       // for what sees one area; nil: none
	limited bool        // it is that pool
}

// heed passes an error on. Where a line was cut, the idle ones have most likely
// been cut with it, by a failover for one: each would cost a try of its own, and
// with them the seconds between tries.
func (p pool) heed(err error) error {
	if unreachable(err) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		p.SetMaxIdleConns(0)
		p.SetMaxIdleConns(maxIdle)
	}
	return err
}

// DB is a pool of connections to the centre. It is safe for concurrent use.
type DB struct {
	cold  pool // imports, pages: the planner decides
	hot   pool // intake and outbox: small transactions that must find their rows by index
	page  pool // what every page of the desk asks, planned once
	log   *slog.Logger
	lanes chan int
	areas areaNames

	mu       sync.Mutex
	profiles map[profileKey]profileRow
}

// Open prepares a pool for dsn, which must name its sslmode. It connects only
// once there is something to do, so that a gateway starts while the centre is
// away.
func Open(_ context.Context, dsn string, log *slog.Logger) (*DB, error) {
	if !strings.Contains(dsn, "sslmode=") {
		return nil, errors.New("database.dsn: sslmode is missing; add sslmode=verify-full (or sslmode=disable for a local socket)")
	}
	cold, err := newDeskPool(dsn, nil)
	if err != nil {
		return nil, fmt.Errorf("database.dsn: %w", err)
	}
	hot, err := newPool(dsn, hotSettings)
	if err != nil {
		return nil, fmt.Errorf("database.dsn: %w", err)
	}
	page, err := newDeskPool(dsn, hotSettings)
	if err != nil {
		return nil, fmt.Errorf("database.dsn: %w", err)
	}
	d := &DB{
		cold: cold, hot: hot, page: page, log: log,
		lanes:    make(chan int, intakeLanes),
		profiles: make(map[profileKey]profileRow),
	}
	for lane := range intakeLanes {
		d.lanes <- lane
	}
	return d, nil
}

func newPool(dsn string, settings map[string]string) (pool, error) {
	links, err := newConnector(dsn, settings)
	if err != nil {
		return pool{}, err
	}
	p := pool{DB: sqlx.NewDb(openPool(links), "postgres"), links: links, ones: &statements{}}
	p.SetMaxOpenConns(maxConnections)
	p.SetMaxIdleConns(maxIdle)
	p.SetConnMaxIdleTime(maxIdleTime)
	return p, nil
}

// newDeskPool is a pool with one beside it for staff of one area, which connects
// only when there are such.
func newDeskPool(dsn string, settings map[string]string) (pool, error) {
	p, err := newPool(dsn, settings)
	if err != nil {
		return p, err
	}
	limited := maps.Clone(settings)
	if limited == nil {
		limited = make(map[string]string)
	}
	limited["role"] = areaRole
	area, err := newPool(dsn, limited)
	area.limited, p.area = true, &area
	return p, err
}

// close ends the pool and the one beside it.
func (p pool) close() error {
	if p.area == nil {
		return p.Close()
	}
	return errors.Join(p.Close(), p.area.Close())
}

// Close ends the pools. Transactions under way are rolled back by the server. A
// connection that was cut cannot be closed properly, which costs nothing.
func (d *DB) Close() error {
	err := errors.Join(d.cold.close(), d.hot.close(), d.page.close())
	if unreachable(err) {
		return nil
	}
	return err
}

// get runs one statement for one row into dest.
func (d *DB) get(ctx context.Context, dest any, query string, args ...any) error {
	return classify(d.cold.heed(d.cold.GetContext(ctx, dest, query, args...)))
}

// list runs one statement for many rows into dest.
func (d *DB) list(ctx context.Context, dest any, query string, args ...any) error {
	return classify(d.cold.heed(d.cold.SelectContext(ctx, dest, query, args...)))
}
