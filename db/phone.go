package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tali/parser"
)

// PhoneState is where a change of a phone stands.
type PhoneState string

// The states of a change.
const (
	PhoneAsked   PhoneState = "asked"
	PhoneAgreed  PhoneState = "agreed" // it cools: in force later, may still be refused
	PhoneRefused PhoneState = "refused"
	PhoneDone    PhoneState = "done"
)

// PhoneChange is another phone for an officer.
type PhoneChange struct {
	ID        int64
	Officer   int64
	Name      string // of the officer
	Old       string `db:"old_phone"`
	New       string `db:"new_phone"`
	Reason    string
	AskedBy   string    `db:"asked_by"` // login; empty: the command line
	AskedAt   time.Time `db:"asked_at"`
	State     PhoneState
	DecidedBy string    `db:"decided_by"`   // login; empty: nobody yet
	Effective time.Time `db:"effective_at"` // zero: not agreed to
}

// What callers of phone changes branch on.
var (
	// ErrSamePerson: whoever asked may not agree.
	ErrSamePerson = errors.New("a change needs a second person")
	// ErrPhoneTaken: the phone is another officer's, or a change is open already.
	ErrPhoneTaken = errors.New("this phone is another officer's")
	// ErrNoChange: there is no such change that could still be decided.
	ErrNoChange = errors.New("no such phone change")
)

const (
	askPhone = `
INSERT INTO staff.phone_change (election, officer, old_phone, new_phone, reason, asked_by)
SELECT $1, $2, $3, $4, $5, nullif($6, 0)
WHERE EXISTS (SELECT FROM registry.phone p WHERE p.phone = $3 AND p.election = $1 AND p.officer = $2 AND p.valid_until = 'infinity')
RETURNING id`

	phoneOwner = `
SELECT count(*) FROM registry.phone p WHERE p.phone = $2 AND p.election = $1 AND p.officer <> $3 AND p.valid_until = 'infinity'`

	// What the command line asked for needs somebody who stands for it first.
	standFor = `
UPDATE staff.phone_change SET asked_by = $2 WHERE id = $1 AND state = 'asked' AND asked_by IS NULL RETURNING officer`

	agreePhone = `
UPDATE staff.phone_change SET state = 'agreed', decided_by = $2, decided_at = now(), effective_at = now() + $3 * interval '1 second'
WHERE id = $1 AND state = 'asked' AND asked_by IS NOT NULL RETURNING officer`

	refusePhone = `
UPDATE staff.phone_change SET state = 'refused', decided_by = $2, decided_at = now(), effective_at = NULL
WHERE id = $1 AND state IN ('asked', 'agreed') RETURNING officer`

	openPhones = `
SELECT c.id, c.officer, o.name, c.old_phone, c.new_phone, c.reason, coalesce(a.login, '') AS asked_by, c.asked_at, c.state,
       coalesce(b.login, '') AS decided_by, coalesce(c.effective_at, '0001-01-01Z') AS effective_at
FROM staff.phone_change c
JOIN registry.officer o ON o.id = c.officer
LEFT JOIN staff.account a ON a.id = c.asked_by
LEFT JOIN staff.account b ON b.id = c.decided_by
WHERE c.election = $1 AND c.state IN ('asked', 'agreed') ORDER BY c.asked_at, c.id LIMIT 500`

	duePhones = `
SELECT id, election, officer, old_phone, new_phone FROM staff.phone_change
WHERE state = 'agreed' AND effective_at <= now() ORDER BY effective_at, id LIMIT 1 FOR UPDATE SKIP LOCKED`

	// The stations of the old phone go over to the new one at one moment.
	movePhone = `
WITH closed AS (
  UPDATE registry.phone SET valid_until = now()
  WHERE phone = $2 AND election = $1 AND officer = $3 AND valid_until = 'infinity' AND valid_from < now() RETURNING station
)
INSERT INTO registry.phone (election, phone, station, officer, valid_from)
SELECT $1, $4, c.station, $3, now() FROM closed c
WHERE NOT EXISTS (SELECT FROM registry.phone p WHERE p.phone = $4 AND p.election = $1 AND p.station = c.station AND p.valid_until = 'infinity')`

	closeChange = `UPDATE staff.phone_change SET state = $2, effective_at = CASE WHEN $2 = 'done' THEN effective_at END WHERE id = $1`
)

// AskPhone asks for another phone of an officer. It changes nothing by itself.
func (d *DB) AskPhone(ctx context.Context, by Actor, p *parser.Profile, c PhoneChange) error {
	row, err := d.profile(ctx, p)
	if err != nil {
		return fmt.Errorf("asking for another phone: %w", err)
	}
	err = d.cold.within(ctx, func(t *transaction) error { return t.askPhone(ctx, by, row.Election, c) })
	if code(err) == codeUniqueViolation {
		err = ErrPhoneTaken
	}
	if err != nil {
		return fmt.Errorf("asking for another phone of officer %d: %w", c.Officer, err)
	}
	return nil
}

func (t *transaction) askPhone(ctx context.Context, by Actor, election int16, c PhoneChange) error {
	if err := t.freePhone(ctx, election, c); err != nil {
		return err
	}
	var id int64
	err := t.tx.GetContext(ctx, &id, askPhone, election, c.Officer, c.Old, c.New, c.Reason, by.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNoChange
	}
	if err != nil {
		return err
	}
	return t.record(ctx, Event{Actor: by, Kind: EventPhoneAsked, Subject: OfficerSubject(c.Officer), Detail: fmt.Sprintf("change %d", id)})
}

// OfficerSubject is an officer as the subject of an event.
func OfficerSubject(officer int64) string { return fmt.Sprintf("officer %d", officer) }

func (t *transaction) freePhone(ctx context.Context, election int16, c PhoneChange) error {
	var others int
	if err := t.tx.GetContext(ctx, &others, phoneOwner, election, c.New, c.Officer); err != nil {
		return err
	}
	if others > 0 || c.New == c.Old {
		return ErrPhoneTaken
	}
	return nil
}

// AgreePhone agrees to a change as the second person; it comes into force after
// the cooling time. To one that the command line asked for two agree: the first
// takes the place of who asked, and ErrSamePerson keeps them from being both.
func (d *DB) AgreePhone(ctx context.Context, by Actor, id int64, cooling time.Duration) error {
	err := d.decidePhone(ctx, by, EventPhoneAsked, standFor, id, by.ID)
	if err == nil {
		return nil
	}
	if !errors.Is(err, ErrNoChange) {
		return fmt.Errorf("standing for phone change %d: %w", id, err)
	}
	err = d.decidePhone(ctx, by, EventPhoneAgreed, agreePhone, id, by.ID, cooling.Seconds())
	if code(err) == "23514" { // the CHECK two_people
		err = ErrSamePerson
	}
	if err != nil {
		return fmt.Errorf("agreeing to phone change %d: %w", id, err)
	}
	return nil
}

// RefusePhone ends a change that is not in force yet.
func (d *DB) RefusePhone(ctx context.Context, by Actor, id int64) error {
	if err := d.decidePhone(ctx, by, EventPhoneRefused, refusePhone, id, by.ID); err != nil {
		return fmt.Errorf("refusing phone change %d: %w", id, err)
	}
	return nil
}

func (d *DB) decidePhone(ctx context.Context, by Actor, kind EventKind, query string, args ...any) error {
	return d.cold.within(ctx, func(t *transaction) error {
		var officer int64
		err := t.tx.GetContext(ctx, &officer, query, args...)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoChange
		}
		if err != nil {
			return err
		}
		return t.record(ctx, Event{Actor: by, Kind: kind, Subject: OfficerSubject(officer), Detail: fmt.Sprintf("change %d", args[0])})
	})
}

// OpenPhones lists changes that are not decided or cool.
func (d *DB) OpenPhones(ctx context.Context, p *parser.Profile) ([]PhoneChange, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("reading phone changes: %w", err)
	}
	var out []PhoneChange
	if err := d.list(ctx, &out, openPhones, row.Election); err != nil {
		return nil, fmt.Errorf("reading phone changes: %w", err)
	}
	return out, nil
}

// ApplyPhones brings changes into force whose cooling time is over, one
// transaction each, and returns how many. One whose phone became another
// officer's meanwhile is refused.
func (d *DB) ApplyPhones(ctx context.Context) (int, error) {
	for n := 0; ; n++ {
		applied, err := d.applyPhone(ctx)
		if err != nil {
			return n, fmt.Errorf("bringing a phone change into force: %w", err)
		}
		if !applied {
			return n, nil
		}
	}
}

func (d *DB) applyPhone(ctx context.Context) (applied bool, err error) {
	err = d.cold.within(ctx, func(t *transaction) error {
		var due []struct {
			PhoneChange
			Election int16
		}
		if err := t.tx.SelectContext(ctx, &due, duePhones); err != nil || len(due) == 0 {
			return err
		}
		applied = true
		c := due[0]
		state, event := PhoneDone, EventPhoneChanged
		switch err := t.freePhone(ctx, c.Election, c.PhoneChange); {
		case errors.Is(err, ErrPhoneTaken):
			state, event = PhoneRefused, EventPhoneRefused
		case err != nil:
			return err
		default:
			if _, err := t.tx.ExecContext(ctx, movePhone, c.Election, c.Old, c.Officer, c.New); err != nil {
				return err
			}
		}
		if _, err := t.tx.ExecContext(ctx, closeChange, c.ID, state); err != nil {
			return err
		}
		return t.record(ctx, Event{Kind: event, Subject: OfficerSubject(c.Officer), Detail: fmt.Sprintf("change %d", c.ID)})
	})
	return applied, err
}
