package spool

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// InterimState is where an interim reply stands.
type InterimState string

const (
	InterimQueued  InterimState = "queued"
	InterimSending InterimState = "sending"
	InterimSent    InterimState = "sent"
	InterimFailed  InterimState = "failed"
	InterimUnknown InterimState = "unknown" // sending began, its outcome was never seen
)

// ErrNotSending: the interim reply is not being sent, so it cannot be closed.
var ErrNotSending = errors.New("interim reply is not being sent")

// Interim is a reply decided by this gateway while the centre is away.
type Interim struct {
	ID                    int64
	Seq                   int64 // its message
	Modem, To, Kind, Text string
	At                    time.Time
	State                 InterimState
	Attempts              int
	Err                   string
}

const (
	// Not for a message that the centre has: it answers that one itself.
	insertInterim = `INSERT INTO interim (message, modem, recipient, kind, text, at, state)
		SELECT seq, ?2, ?3, ?4, ?5, ?6, 'queued' FROM message WHERE seq = ?1 AND delivered_at IS NULL
		ON CONFLICT (message) DO NOTHING`
	markAnswered   = `UPDATE message SET interim = ?2, interim_at = ?3 WHERE seq = ?1`
	interimColumns = `id, message, modem, recipient, kind, text, at, state, attempts, err`
	claimInterim   = `UPDATE interim SET state = 'sending', attempts = attempts + 1 WHERE id = (
			SELECT id FROM interim INDEXED BY interim_queued
			WHERE state = 'queued' AND (modem = ?1 OR modem NOT IN (SELECT value FROM json_each(?2)))
			ORDER BY id LIMIT 1) AND state = 'queued'
		RETURNING ` + interimColumns
	closeInterim  = `UPDATE interim SET state = ?2, err = ?3 WHERE id = ?1 AND state = 'sending'`
	selectSending = `SELECT ` + interimColumns + ` FROM interim INDEXED BY interim_sending WHERE state = 'sending' ORDER BY id`
)

// AddInterim queues replies and marks their messages, in one commit. A message
// that has one already keeps it, and one that was delivered or pruned in the
// meantime gets none: the centre answers it. Only Seq, Modem, To, Kind, Text
// and At are read.
func (s *Spool) AddInterim(ctx context.Context, replies []Interim) error {
	if len(replies) == 0 {
		return nil
	}
	err := s.writer.commit(ctx, func(tx *txn) error {
		for _, r := range replies {
			n, err := tx.changed(insertInterim, r.Seq, r.Modem, r.To, r.Kind, r.Text, nanos(r.At))
			if err == nil && n == 1 {
				_, err = tx.exec(markAnswered, r.Seq, r.Kind, nanos(r.At))
			}
			if err != nil {
				return fmt.Errorf("message %d: %w", r.Seq, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("queueing %d interim replies: %w", len(replies), err)
	}
	return nil
}

// ClaimInterim takes the oldest queued reply of this modem, or of one that is
// not alive, and commits that it is being sent before it returns. A crash from
// here on leaves it in OpenInterims.
func (s *Spool) ClaimInterim(ctx context.Context, modem string, alive []string) (Interim, bool, error) {
	names, err := json.Marshal(append([]string{}, alive...))
	if err != nil {
		return Interim{}, false, fmt.Errorf("claiming an interim reply for %s: %w", modem, err)
	}
	var r Interim
	var found bool
	err = s.writer.commit(ctx, func(tx *txn) error {
		r, found = Interim{}, false
		var at int64
		err := tx.row(claimInterim, []any{modem, string(names)}, r.fields(&at))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		r.At, found = moment(at), err == nil
		return err
	})
	if err != nil {
		return Interim{}, false, fmt.Errorf("claiming an interim reply for %s: %w", modem, err)
	}
	return r, found, nil
}

func (r *Interim) fields(at *int64) []any {
	return []any{&r.ID, &r.Seq, &r.Modem, &r.To, &r.Kind, &r.Text, at, &r.State, &r.Attempts, &r.Err}
}

// CloseInterim records how the sending ended: sent, failed or unknown, or
// queued to let it be tried again. reason is the error's text, "" for none.
func (s *Spool) CloseInterim(ctx context.Context, id int64, state InterimState, reason string) error {
	if state == InterimSending {
		return fmt.Errorf("closing interim reply %d: %q is not an end", id, state)
	}
	err := s.writer.commit(ctx, func(tx *txn) error {
		n, err := tx.changed(closeInterim, id, string(state), reason)
		if err == nil && n == 0 {
			return ErrNotSending
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("closing interim reply %d: %w", id, err)
	}
	return nil
}

// OpenInterims returns replies whose sending began and has no end: after a
// start, those of the life before, which the caller closes as unknown or queues
// again.
func (s *Spool) OpenInterims(ctx context.Context) ([]Interim, error) {
	var open []Interim
	err := s.reader.each(ctx, selectSending, nil, func(rows *sql.Rows) error {
		var r Interim
		var at int64
		err := rows.Scan(r.fields(&at)...)
		r.At = moment(at)
		open = append(open, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading open interim replies: %w", err)
	}
	return open, nil
}
