package db

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// EventKind is a sort of thing that people at the desk do beside decisions.
type EventKind string

// The kinds that are kept.
const (
	EventLogin           EventKind = "login"
	EventLoginFailed     EventKind = "login_failed"
	EventLogout          EventKind = "logout"
	EventSessionsEnded   EventKind = "sessions_ended"
	EventAccountAdded    EventKind = "account_added"
	EventAccountChanged  EventKind = "account_changed"
	EventAccountReset    EventKind = "account_reset"
	EventInviteAccepted  EventKind = "invite_accepted"
	EventPasswordChanged EventKind = "password_changed"
	EventTOTPChanged     EventKind = "totp_changed"
	EventUnmasked        EventKind = "unmasked"
	EventExported        EventKind = "exported"
	EventImported        EventKind = "imported"
	EventPhoneAsked      EventKind = "phone_asked"
	EventPhoneAgreed     EventKind = "phone_agreed"
	EventPhoneRefused    EventKind = "phone_refused"
	EventPhoneChanged    EventKind = "phone_changed"
	EventTokenAdded      EventKind = "token_added" // a consumer of the HTTP feed
	EventTokenRevoked    EventKind = "token_revoked"
	// EventRegistryChanged is written by the tables of the registry themselves,
	// whoever changes them.
	EventRegistryChanged EventKind = "registry_changed"
)

// EventKinds are all kinds that are kept.
func EventKinds() []EventKind {
	return []EventKind{
		EventLogin, EventLoginFailed, EventLogout, EventSessionsEnded, EventAccountAdded, EventAccountChanged, EventAccountReset,
		EventInviteAccepted, EventPasswordChanged, EventTOTPChanged, EventUnmasked, EventExported, EventImported,
		EventPhoneAsked, EventPhoneAgreed, EventPhoneRefused, EventPhoneChanged, EventTokenAdded, EventTokenRevoked, EventRegistryChanged,
	}
}

// Actor is who does something, and from where.
type Actor struct {
	ID      int64  // of the account; 0: the command line
	Address string // of the browser; empty: none
}

// Event is something that was done. Subject and Detail hold ids and codes, never
// a phone number and never what an SMS said.
type Event struct {
	ID      int64
	At      time.Time // set by the centre
	Actor   Actor
	Kind    EventKind
	Subject string
	Detail  string
}

// SubjectOf is an account as the subject of an event.
func SubjectOf(account int64) string { return "account " + strconv.FormatInt(account, 10) }

const addEvent = `
INSERT INTO staff.event (account, kind, subject, detail, address)
VALUES (nullif($1::bigint, 0), $2, left($3, 200), left($4, 2000), left($5, 100))`

// record stores an event in the transaction of what it tells.
func (t *transaction) record(ctx context.Context, e Event) error {
	_, err := t.tx.ExecContext(ctx, addEvent, e.Actor.ID, e.Kind, e.Subject, e.Detail, e.Actor.Address)
	return err
}

// RecordEvent stores an event that changes nothing else, such as an unmasking or
// an export: show or send only after it returned nil.
func (d *DB) RecordEvent(ctx context.Context, e Event) error {
	ctx = everywhere(ctx)
	err := d.cold.within(ctx, func(t *transaction) error { return t.record(ctx, e) })
	if err != nil {
		return fmt.Errorf("recording %s: %w", e.Kind, err)
	}
	return nil
}

const (
	newestEvents = `
SELECT e.id, e.at, coalesce(e.account, 0) AS "actor.id", e.address AS "actor.address", coalesce(a.login, '') AS login, e.kind, e.subject, e.detail
FROM staff.event e LEFT JOIN staff.account a ON a.id = e.account
WHERE e.id < $1 ORDER BY e.id DESC LIMIT $2`

	// OFFSET 0 keeps the planner from walking the primary key backwards over
	// other people's events in search of one person's.
	eventsOfSubject = `
SELECT e.id, e.at, coalesce(e.account, 0) AS "actor.id", e.address AS "actor.address", coalesce(a.login, '') AS login, e.kind, e.subject, e.detail
FROM staff.event e LEFT JOIN staff.account a ON a.id = e.account
WHERE e.subject = $1 ORDER BY e.id DESC LIMIT $2`
)

// EventRow is an event with the login of who did it.
type EventRow struct {
	Event
	Login string
}

// EventsBefore lists events older than one, the newest first; before 0 begins
// with the newest.
func (d *DB) EventsBefore(ctx context.Context, before int64, limit int) ([]EventRow, error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	var out []EventRow
	if err := d.list(ctx, &out, newestEvents, before, limit); err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	return out, nil
}

// EventsOf lists the newest events of one subject.
func (d *DB) EventsOf(ctx context.Context, subject string, limit int) ([]EventRow, error) {
	var out []EventRow
	if err := d.list(ctx, &out, eventsOfSubject, subject, limit); err != nil {
		return nil, fmt.Errorf("reading events of %s: %w", subject, err)
	}
	return out, nil
}
