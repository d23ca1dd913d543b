package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tali/parser"
	"tali/verify"
)

// ClaimLease is how long something stays on a desk without a sign of life.
const ClaimLease = 3 * time.Minute

// DeskClaim says on whose desk something is open.
type DeskClaim struct {
	Subject string
	Staff   string
	Since   time.Time
	Until   time.Time
	Before  string // whom it was taken over from
	Note    string // why
}

// CaseSubject names a case for claims.
func (d *DB) CaseSubject(ctx context.Context, p *parser.Profile, key verify.CaseKey) (string, error) {
	a, err := d.caseArgs(ctx, p, key)
	return a.subject(), err
}

// MessageSubject names a message, or the question about it, for claims.
func MessageSubject(message string) string { return "m:" + message }

const (
	takeClaim = `
INSERT INTO desk.claim AS c (subject, staff, until) VALUES ($1, $2, now() + $3 * interval '1 second')
ON CONFLICT (subject) DO UPDATE
SET staff = excluded.staff, until = excluded.until,
    since = CASE WHEN c.staff = excluded.staff AND c.until > now() THEN c.since ELSE now() END,
    before = CASE WHEN c.staff = excluded.staff AND c.until > now() THEN c.before ELSE '' END,
    note = CASE WHEN c.staff = excluded.staff AND c.until > now() THEN c.note ELSE '' END
WHERE c.staff = excluded.staff OR c.until <= now()`

	readClaim = `SELECT subject, staff, since, until, before, note FROM desk.claim WHERE subject = $1`

	takeOver = `
UPDATE desk.claim SET staff = $2, before = staff, note = $4, since = now(), until = now() + $3 * interval '1 second'
WHERE subject = $1 AND staff <> $2`

	releaseClaim = `DELETE FROM desk.claim WHERE subject = $1 AND staff = $2`

	sweepClaims = `DELETE FROM desk.claim WHERE until < now() - interval '1 hour'`
)

// OpenOnDesk claims a subject for staff, or says who has it. Opening again is a
// sign of life.
func (d *DB) OpenOnDesk(ctx context.Context, subject, staff string) (c DeskClaim, err error) {
	if err := d.pageExec(ctx, takeClaim, subject, staff, ClaimLease.Seconds()); err != nil {
		return c, fmt.Errorf("claiming %s: %w", subject, err)
	}
	if err := d.pageGet(ctx, &c, readClaim, subject); err != nil {
		return c, fmt.Errorf("claiming %s: %w", subject, err)
	}
	return c, nil
}

// ClaimOf says on whose desk a subject is; the zero claim when on nobody's.
func (d *DB) ClaimOf(ctx context.Context, subject string) (c DeskClaim, err error) {
	err = d.pageGet(ctx, &c, readClaim+` AND until > now()`, subject)
	if errors.Is(err, sql.ErrNoRows) {
		return DeskClaim{}, nil
	}
	if err != nil {
		return c, fmt.Errorf("reading the claim of %s: %w", subject, err)
	}
	return c, nil
}

// TakeOver takes a subject from another desk. The note is shown there.
func (d *DB) TakeOver(ctx context.Context, subject, staff, note string) error {
	if _, err := d.cold.ExecContext(ctx, takeOver, subject, staff, ClaimLease.Seconds(), note); err != nil {
		return fmt.Errorf("taking over %s: %w", subject, classify(err))
	}
	_, err := d.OpenOnDesk(ctx, subject, staff)
	return err
}

// LeaveDesk gives a subject back to everybody.
func (d *DB) LeaveDesk(ctx context.Context, subject, staff string) error {
	if _, err := d.cold.ExecContext(ctx, releaseClaim, subject, staff); err != nil {
		return fmt.Errorf("releasing %s: %w", subject, classify(err))
	}
	return nil
}

// SweepClaims forgets claims that lapsed long ago.
func (d *DB) SweepClaims(ctx context.Context) error {
	if _, err := d.cold.ExecContext(ctx, sweepClaims); err != nil {
		return fmt.Errorf("sweeping claims: %w", classify(err))
	}
	return nil
}
