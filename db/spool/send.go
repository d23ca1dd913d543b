package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Errors of the sending journal.
var (
	ErrSendOpen = errors.New("sending of this reply has begun and not ended")
	ErrNoSend   = errors.New("no sending of this reply is open")
)

// OpenSend is a sending that began and has no end.
type OpenSend struct {
	ReplyID   int64
	Modem, To string
	BegunAt   time.Time
}

const (
	beginSend = `INSERT INTO send (reply, modem, recipient, begun_at) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (reply) WHERE ended_at IS NULL DO NOTHING`
	endSend   = `UPDATE send SET ended_at = ?2, outcome = ?3 WHERE reply = ?1 AND ended_at IS NULL`
	openSends = `SELECT reply, modem, recipient, begun_at FROM send INDEXED BY send_open
		WHERE ended_at IS NULL ORDER BY id`
)

// BeginSend records, before AT+CMGS, that the reply may be on its way: a crash
// from here on leaves it unknown, never "not sent". One that is open already is
// ErrSendOpen: end it first (as unknown) to send it once more.
func (s *Spool) BeginSend(ctx context.Context, replyID int64, modem, to string) error {
	at := nanos(time.Now())
	err := s.writer.commit(ctx, func(tx *txn) error {
		n, err := tx.changed(beginSend, replyID, modem, to, at)
		if err == nil && n == 0 {
			return ErrSendOpen
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("beginning to send reply %d: %w", replyID, err)
	}
	return nil
}

// EndSend records the outcome. Call it after the centre has the outcome, so
// that a crash in between is still found by OpenSends.
func (s *Spool) EndSend(ctx context.Context, replyID int64, outcome string) error {
	at := nanos(time.Now())
	err := s.writer.commit(ctx, func(tx *txn) error {
		n, err := tx.changed(endSend, replyID, at, outcome)
		if err == nil && n == 0 {
			return ErrNoSend
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("ending the sending of reply %d: %w", replyID, err)
	}
	return nil
}

// OpenSends returns what was begun and not ended, in the order it began: what a
// restart finds.
func (s *Spool) OpenSends(ctx context.Context) ([]OpenSend, error) {
	var open []OpenSend
	err := s.reader.each(ctx, openSends, nil, func(rows *sql.Rows) error {
		var o OpenSend
		var at int64
		err := rows.Scan(&o.ReplyID, &o.Modem, &o.To, &at)
		o.BegunAt = moment(at)
		open = append(open, o)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading open sends: %w", err)
	}
	return open, nil
}
