package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// maxGroup bounds how many requests share a transaction, and so how long the
// first of them waits for the last.
const maxGroup = 256

// request is one caller's work. It may run twice, when its group fails, so it
// must set its results anew each time.
type request struct {
	work func(*txn) error
	done chan error
}

// writer owns the one connection that writes, and the goroutine that uses it.
type writer struct {
	db       *sql.DB
	conn     *sql.Conn
	stmts    map[string]*sql.Stmt
	queue    chan *request // unbuffered: who waits, waits in the caller
	stop     chan struct{}
	stopping sync.Once
	finished chan struct{}
}

func openWriter(ctx context.Context, path string) (*writer, error) {
	// 16 MiB is where a WAL that grew in a rush is cut again.
	db, err := sql.Open("sqlite", dataSource(path, "synchronous(FULL)", "cache_size(-4096)",
		"journal_size_limit(16777216)", "busy_timeout(5000)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	w := &writer{
		db:       db,
		queue:    make(chan *request),
		stop:     make(chan struct{}),
		finished: make(chan struct{}),
	}
	if err := w.connect(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := checkSchema(ctx, w.conn); err != nil {
		return nil, errors.Join(err, w.conn.Close(), db.Close())
	}
	go w.run()
	return w, nil
}

func (w *writer) connect(ctx context.Context) (err error) {
	w.stmts = map[string]*sql.Stmt{}
	w.conn, err = w.db.Conn(ctx)
	return err
}

// commit runs work in a transaction of the writer and returns when it is on
// the disk. Until the writer takes it ctx may end the wait; from then on the
// outcome is awaited, so that an error always means that nothing was changed.
func (w *writer) commit(ctx context.Context, work func(*txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{work: work, done: make(chan error, 1)}
	select {
	case w.queue <- r:
		return sentinel(<-r.done)
	case <-w.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) run() {
	defer close(w.finished)
	var group []*request
	for {
		select {
		case <-w.stop:
			return
		case r := <-w.queue:
			group = w.gather(append(group[:0], r))
			w.settle(group)
		}
	}
}

// gather adds whoever else waits at this moment.
func (w *writer) gather(group []*request) []*request {
	for len(group) < maxGroup {
		select {
		case r := <-w.queue:
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// settle commits the group as one; if that fails, each request alone.
func (w *writer) settle(group []*request) {
	err := w.transact(group)
	if err != nil && len(group) > 1 {
		for i := range group {
			group[i].done <- w.transact(group[i : i+1])
		}
		return
	}
	for _, r := range group {
		r.done <- err
	}
}

func (w *writer) transact(group []*request) error {
	tx := &txn{w: w}
	if _, err := tx.exec("BEGIN IMMEDIATE"); err != nil {
		return errors.Join(err, w.rollback(tx))
	}
	for _, r := range group {
		if err := r.work(tx); err != nil {
			return errors.Join(err, w.rollback(tx))
		}
	}
	if _, err := tx.exec("COMMIT"); err != nil {
		return errors.Join(err, w.rollback(tx))
	}
	return nil
}

// rollback leaves the connection without a transaction. SQLite has often ended
// it by itself (a full disk does); any other failure costs the connection.
func (w *writer) rollback(tx *txn) error {
	_, err := tx.exec("ROLLBACK")
	if err == nil || strings.Contains(err.Error(), "no transaction is active") {
		return nil
	}
	for _, s := range w.stmts {
		err = errors.Join(err, s.Close())
	}
	// The pool holds one connection: closing all idle ones gives a fresh one.
	w.db.SetMaxIdleConns(-1)
	err = errors.Join(err, w.conn.Close())
	w.db.SetMaxIdleConns(1)
	if again := w.connect(context.Background()); again != nil {
		return fmt.Errorf("connecting again: %w", errors.Join(again, err))
	}
	return nil
}

// close lets the running group finish; whoever still waits gets ErrClosed.
func (w *writer) close() error {
	w.stopping.Do(func() { close(w.stop) })
	<-w.finished
	var err error
	for _, s := range w.stmts {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, w.conn.Close(), w.db.Close())
}

// txn is the open transaction, as the work of a request sees it. Statements
// are prepared once per connection and run without the caller's context: a
// transaction that others share is never cut short by one of them.
type txn struct{ w *writer }

func (t *txn) stmt(query string) (*sql.Stmt, error) {
	if s, ok := t.w.stmts[query]; ok {
		return s, nil
	}
	s, err := t.w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	t.w.stmts[query] = s
	return s, nil
}

func (t *txn) exec(query string, args ...any) (sql.Result, error) {
	s, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

// changed runs a guarded statement and says how many rows it found.
func (t *txn) changed(query string, args ...any) (int, error) {
	res, err := t.exec(query, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// row scans the first row; sql.ErrNoRows when there is none.
func (t *txn) row(query string, args, dest []any) error {
	s, err := t.stmt(query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(context.Background(), args...).Scan(dest...)
}
