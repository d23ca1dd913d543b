package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrLocked: too many sign-ins failed; it passes by itself.
var ErrLocked = errors.New("the account is locked for a while")

const (
	// An attempt is paid for before the password is looked at: a hundred at the
	// same moment are as many as a hundred in a row. From the fifth on each
	// costs twice the wait of the one before, up to an hour.
	beginLogin = `
UPDATE staff.account SET failures = least(failures + 1, 1000),
  locked_until = CASE WHEN failures + 1 >= 5 THEN now() + least(3600, 30 * 2 ^ least(failures + 1 - 5, 10)) * interval '1 second' ELSE '-infinity' END
WHERE login = $1 AND active AND password <> '' AND locked_until <= now()
RETURNING id`

	isLocked = `SELECT locked_until > now() FROM staff.account WHERE login = $1 AND active`

	// A code is good once: its step must be beyond the last that was taken.
	completeLogin = `
UPDATE staff.account SET failures = 0, locked_until = '-infinity', last_login = now(), totp_step = greatest(totp_step, $2)
WHERE id = $1 AND active AND (totp = '' OR $2 > totp_step)`

	sealTOTP = `UPDATE staff.account SET totp = $3 WHERE id = $1 AND totp = $2`

	changePassword = `UPDATE staff.account SET password = $2 WHERE id = $1 AND active`

	offerTOTP = `UPDATE staff.account SET totp_pending = $2 WHERE id = $1 AND active AND totp = ''`

	confirmTOTP = `
UPDATE staff.account SET totp = totp_pending, totp_pending = '', totp_step = $2
WHERE id = $1 AND active AND totp_pending <> ''`
)

// BeginLogin counts an attempt to sign in and returns the account to try. It is
// ErrLocked while an account rests from failed attempts.
func (d *DB) BeginLogin(ctx context.Context, login string) (Account, error) {
	ctx = everywhere(ctx)
	var id int64
	err := d.cold.within(ctx, func(t *transaction) error { return t.tx.GetContext(ctx, &id, beginLogin, login) })
	if errors.Is(err, sql.ErrNoRows) {
		var locked bool
		err = d.get(ctx, &locked, isLocked, login)
		switch {
		case errors.Is(err, sql.ErrNoRows), err == nil && !locked:
			return Account{}, ErrNoStaff
		case err == nil:
			return Account{}, ErrLocked
		}
	}
	if err != nil {
		return Account{}, fmt.Errorf("beginning to sign in: %w", err)
	}
	return d.AccountByID(ctx, id)
}

// CompleteLogin takes the attempt as a success. It is ErrNoStaff when the step
// of the second factor was used before.
func (d *DB) CompleteLogin(ctx context.Context, who Actor, step int64) error {
	ctx = everywhere(ctx)
	err := d.cold.within(ctx, func(t *transaction) error {
		if err := t.one(ctx, completeLogin, who.ID, step); err != nil {
			return err
		}
		return t.record(ctx, Event{Actor: who, Kind: EventLogin, Subject: SubjectOf(who.ID)})
	})
	if err != nil {
		return fmt.Errorf("signing account %d in: %w", who.ID, err)
	}
	return nil
}

// ChangePassword replaces a password and ends all other sessions of the account.
func (d *DB) ChangePassword(ctx context.Context, who Actor, hash, keepToken string) error {
	ctx = everywhere(ctx)
	err := d.cold.within(ctx, func(t *transaction) error {
		if err := t.one(ctx, changePassword, who.ID, hash); err != nil {
			return err
		}
		if _, err := t.tx.ExecContext(ctx, endSessions, who.ID, keepToken); err != nil {
			return err
		}
		return t.record(ctx, Event{Actor: who, Kind: EventPasswordChanged, Subject: SubjectOf(who.ID)})
	})
	if err != nil {
		return fmt.Errorf("changing the password of account %d: %w", who.ID, err)
	}
	return nil
}

// OfferTOTP keeps a secret until its first code confirms it.
func (d *DB) OfferTOTP(ctx context.Context, id int64, secret string) error {
	ctx = everywhere(ctx)
	if _, err := d.cold.ExecContext(ctx, offerTOTP, id, secret); err != nil {
		return fmt.Errorf("offering account %d a second factor: %w", id, classify(err))
	}
	return nil
}

// SealTOTP replaces a secret by the same one sealed, unless it has changed
// meanwhile.
func (d *DB) SealTOTP(ctx context.Context, id int64, was, sealed string) error {
	ctx = everywhere(ctx)
	if _, err := d.cold.ExecContext(ctx, sealTOTP, id, was, sealed); err != nil {
		return fmt.Errorf("sealing the second factor of account %d: %w", id, classify(err))
	}
	return nil
}

// ConfirmTOTP puts the offered second factor in force.
func (d *DB) ConfirmTOTP(ctx context.Context, who Actor, step int64) error {
	ctx = everywhere(ctx)
	err := d.cold.within(ctx, func(t *transaction) error {
		if err := t.one(ctx, confirmTOTP, who.ID, step); err != nil {
			return err
		}
		return t.record(ctx, Event{Actor: who, Kind: EventTOTPChanged, Subject: SubjectOf(who.ID)})
	})
	if err != nil {
		return fmt.Errorf("confirming the second factor of account %d: %w", who.ID, err)
	}
	return nil
}
