package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrNoNotice: the notice is not being sent, so it cannot be closed.
var ErrNoNotice = errors.New("notice is not being sent")

// Notice is an SMS to a phone of the staff. It stands where an interim reply
// does: queued, being sent, or how that ended.
type Notice struct {
	ID       int64
	To, Text string
	At       time.Time
	Attempts int
}

const (
	insertNotice = `INSERT INTO notice (recipient, text, at, state) VALUES (?1, ?2, ?3, 'queued')`
	// What waits for too long is stale: the newest say how things are.
	dropNotices = `DELETE FROM notice WHERE state = 'queued' AND id <= (
			SELECT id FROM notice INDEXED BY notice_queued WHERE state = 'queued' ORDER BY id DESC LIMIT 1 OFFSET ?1)`
	claimNotice = `UPDATE notice SET state = 'sending', attempts = attempts + 1 WHERE id = (
			SELECT id FROM notice INDEXED BY notice_queued WHERE state = 'queued' ORDER BY id LIMIT 1) AND state = 'queued'
		RETURNING id, recipient, text, at, attempts`
	closeNotice  = `UPDATE notice SET state = ?2, err = ?3 WHERE id = ?1 AND state = 'sending'`
	openNotices  = `SELECT id, recipient, text, at, attempts FROM notice INDEXED BY notice_sending WHERE state = 'sending' ORDER BY id`
	pruneNotices = `DELETE FROM notice WHERE at < ?1 AND state <> 'queued' AND state <> 'sending'`
)

// AddNotices queues notices and writes down a state with them, in one commit: a
// crash leaves both or neither. No more than most of them wait; the oldest go,
// and it returns how many.
func (s *Spool) AddNotices(ctx context.Context, notices []Notice, most int, key, value string) (dropped int, err error) {
	var n int
	err = s.writer.commit(ctx, func(tx *txn) (err error) {
		for _, n := range notices {
			if _, err := tx.exec(insertNotice, n.To, n.Text, nanos(n.At)); err != nil {
				return err
			}
		}
		if n, err = tx.changed(dropNotices, most); err != nil {
			return err
		}
		_, err = tx.exec(setState, key, value)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("queueing %d notices: %w", len(notices), err)
	}
	return n, nil
}

// ClaimNotice takes the oldest queued notice and commits that it is being sent
// before it returns. A crash from here on leaves it in OpenNotices.
func (s *Spool) ClaimNotice(ctx context.Context) (n Notice, found bool, err error) {
	err = s.writer.commit(ctx, func(tx *txn) error {
		var at int64
		n = Notice{}
		err := tx.row(claimNotice, nil, n.fields(&at))
		n.At, found = moment(at), err == nil
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return Notice{}, false, fmt.Errorf("claiming a notice: %w", err)
	}
	return n, found, nil
}

func (n *Notice) fields(at *int64) []any { return []any{&n.ID, &n.To, &n.Text, at, &n.Attempts} }

// CloseNotice records how the sending ended, or queues it to be tried again.
func (s *Spool) CloseNotice(ctx context.Context, id int64, state InterimState, reason string) error {
	if state == InterimSending {
		return fmt.Errorf("closing notice %d: %q is not an end", id, state)
	}
	err := s.writer.commit(ctx, func(tx *txn) error {
		n, err := tx.changed(closeNotice, id, string(state), reason)
		if err == nil && n == 0 {
			return ErrNoNotice
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("closing notice %d: %w", id, err)
	}
	return nil
}

// OpenNotices returns notices whose sending began and has no end.
func (s *Spool) OpenNotices(ctx context.Context) ([]Notice, error) {
	var open []Notice
	err := s.reader.each(ctx, openNotices, nil, func(rows *sql.Rows) error {
		var n Notice
		var at int64
		err := rows.Scan(n.fields(&at)...)
		n.At = moment(at)
		open = append(open, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading open notices: %w", err)
	}
	return open, nil
}
