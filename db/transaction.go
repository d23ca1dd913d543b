package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// commitWait bounds a commit whose caller set no deadline. A standby that is
// away longer than this is an outage.
const commitWait = 30 * time.Second

// transaction is one READ COMMITTED transaction on a connection of its own.
type transaction struct {
	conn *sqlx.Conn
	tx   *sqlx.Tx
	link *link
}

// within runs do in a transaction and commits it.
func (p pool) within(ctx context.Context, do func(*transaction) error) error {
	return p.heed(p.transact(ctx, do))
}

func (p pool) transact(ctx context.Context, do func(*transaction) error) error {
	t, err := p.begin(ctx)
	if err != nil {
		return err
	}
	if err := do(t); err != nil {
		t.rollback()
		return classify(err)
	}
	if err := ctx.Err(); err != nil { // not begun is not cut
		t.rollback()
		return classify(err)
	}
	return t.commit(ctx)
}

// begin takes a connection. The transaction itself ignores ctx, which would
// otherwise roll it back, or cut it, in the middle of a commit.
func (p pool) begin(ctx context.Context) (*transaction, error) {
	p, err := p.reaching(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := p.Connx(ctx)
	if err != nil {
		return nil, classify(err)
	}
	link, err := p.links.of(conn.Conn)
	if err != nil {
		return nil, classify(errors.Join(err, conn.Close()))
	}
	link.unsynced.Store(false)
	tx, err := conn.BeginTxx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, classify(errors.Join(err, conn.Close()))
	}
	if err := limit(ctx, tx); err != nil {
		return nil, classify(errors.Join(err, conn.Close()))
	}
	return &transaction{conn: conn, tx: tx, link: link}, nil
}

// on binds a prepared statement to the transaction.
func (t *transaction) on(ctx context.Context, s *sqlx.Stmt) *sqlx.Stmt {
	return t.tx.StmtxContext(ctx, s)
}

// rollback gives up. What it cannot roll back, the server does when the line
// ends.
func (t *transaction) rollback() {
	if err := t.tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		t.discard()
		return
	}
	_ = t.conn.Close() // returns it to the pool
}

// commit waits for the server's word until the deadline of ctx, whatever else
// becomes of ctx. Then it cuts the line: the outcome is unknown.
func (t *transaction) commit(ctx context.Context) error {
	wait := commitWait
	if deadline, ok := ctx.Deadline(); ok {
		wait = max(time.Until(deadline), 0)
	}
	timer := time.AfterFunc(wait, t.link.cut)
	err := t.tx.Commit()
	timer.Stop()
	switch {
	case t.link.unsynced.Load():
		t.discard()
		return fmt.Errorf("%w: the server stopped waiting for its standby", ErrUnknownOutcome)
	case err == nil:
		_ = t.conn.Close() // returns it to the pool
		return nil
	case serverSaidNo(err):
		_ = t.conn.Close()
		return classify(err)
	}
	t.discard()
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// discard closes the connection for good.
func (t *transaction) discard() {
	_ = t.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = t.conn.Close()
}
