package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Session is a browser that is signed in. Token is a hash of what the browser
// holds.
type Session struct {
	ID      int64
	Token   string
	Account int64
	Data    []byte
	Began   time.Time `db:"began_at"`
	Seen    time.Time `db:"seen_at"`
	Expires time.Time `db:"expires_at"`
	Address string
	Agent   string
}

const (
	saveSession = `
INSERT INTO staff.session AS s (token, account, data, expires_at, address, agent) VALUES ($1, $2, $3, $4, left($5, 100), left($6, 300))
ON CONFLICT (token) DO UPDATE SET account = excluded.account, data = excluded.data, expires_at = excluded.expires_at`

	findSession = `
SELECT s.data FROM staff.session s JOIN staff.account a ON a.id = s.account AND a.active
WHERE s.token = $1 AND s.expires_at > now() AND s.seen_at > now() - $2 * interval '1 second'`

	// To the minute: a page a second must not be a commit a second.
	seenSession = `
UPDATE staff.session SET seen_at = now() WHERE token = $1 AND seen_at < now() - interval '1 minute'`

	deleteSession = `DELETE FROM staff.session WHERE token = $1`

	listSessions = `
SELECT id, token, account, data, began_at, seen_at, expires_at, address, agent FROM staff.session
WHERE account = $1 AND expires_at > now() AND seen_at > now() - $2 * interval '1 second' ORDER BY seen_at DESC, id DESC`

	endSessions = `DELETE FROM staff.session WHERE account = $1 AND token <> $2`

	endSession = `DELETE FROM staff.session WHERE account = $1 AND id = $2`

	sweepSessions = `DELETE FROM staff.session WHERE expires_at < now() OR seen_at < now() - $1 * interval '1 second'`
)

// SaveSession stores a session, or replaces its data.
func (d *DB) SaveSession(ctx context.Context, s Session) error {
	ctx = everywhere(ctx)
	_, err := d.cold.ExecContext(ctx, saveSession, s.Token, s.Account, s.Data, s.Expires, s.Address, s.Agent)
	if err != nil {
		return fmt.Errorf("saving a session of account %d: %w", s.Account, classify(err))
	}
	return nil
}

// FindSession returns the data of a session that has neither expired nor been
// idle for longer than idle, of an account in use.
func (d *DB) FindSession(ctx context.Context, token string, idle time.Duration) (data []byte, found bool, err error) {
	ctx = everywhere(ctx)
	err = d.pageGet(ctx, &data, findSession, token, idle.Seconds())
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("looking for a session: %w", err)
	}
	return data, true, nil
}

// SeeSession notes that a person did something in the session.
func (d *DB) SeeSession(ctx context.Context, token string) error {
	ctx = everywhere(ctx)
	if err := d.pageExec(ctx, seenSession, token); err != nil {
		return fmt.Errorf("noting that a session is in use: %w", err)
	}
	return nil
}

// DeleteSession ends a session.
func (d *DB) DeleteSession(ctx context.Context, token string) error {
	ctx = everywhere(ctx)
	if _, err := d.cold.ExecContext(ctx, deleteSession, token); err != nil {
		return fmt.Errorf("ending a session: %w", classify(err))
	}
	return nil
}

// Sessions lists where an account is signed in.
func (d *DB) Sessions(ctx context.Context, account int64, idle time.Duration) ([]Session, error) {
	ctx = everywhere(ctx)
	var out []Session
	if err := d.list(ctx, &out, listSessions, account, idle.Seconds()); err != nil {
		return nil, fmt.Errorf("listing sessions of account %d: %w", account, err)
	}
	return out, nil
}

// EndSessions signs an account out everywhere but in the session of keepToken,
// which may be empty.
func (d *DB) EndSessions(ctx context.Context, by Actor, account int64, keepToken string) error {
	ctx = everywhere(ctx)
	return d.end(ctx, by, account, endSessions, keepToken)
}

// EndSession ends one session of an account.
func (d *DB) EndSession(ctx context.Context, by Actor, account, session int64) error {
	ctx = everywhere(ctx)
	return d.end(ctx, by, account, endSession, session)
}

func (d *DB) end(ctx context.Context, by Actor, account int64, query string, which any) error {
	ctx = everywhere(ctx)
	err := d.cold.within(ctx, func(t *transaction) error {
		if _, err := t.tx.ExecContext(ctx, query, account, which); err != nil {
			return err
		}
		return t.record(ctx, Event{Actor: by, Kind: EventSessionsEnded, Subject: SubjectOf(account)})
	})
	if err != nil {
		return fmt.Errorf("ending sessions of account %d: %w", account, err)
	}
	return nil
}

// SweepSessions deletes sessions that are over.
func (d *DB) SweepSessions(ctx context.Context, idle time.Duration) error {
	ctx = everywhere(ctx)
	if _, err := d.cold.ExecContext(ctx, sweepSessions, idle.Seconds()); err != nil {
		return fmt.Errorf("sweeping sessions: %w", classify(err))
	}
	return nil
}
