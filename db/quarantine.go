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

// MessageFile is everything known of one SMS that waits for a person.
type MessageFile struct {
	Key      string
	Sender   string
	Phone    string
	Text     string
	Kind     verify.MessageKind
	Outcome  verify.Outcome
	Reason   string
	Received time.Time
	Gateway  string
	Modem    string
	PDUs     int
	Station  string
	Revision int    // of the entry that it gave rise to; 0 when none
	Ballot   string // keyword
	Officer  string // whose phone it is; empty when nobody's
	Stations []verify.Station
	Waits    bool   // in quarantine, nobody has dealt with it
	Question string // kind of the open question about it; empty when none
	Asked    string
	AskedAt  time.Time `db:"asked_at"`
	Handled  []HandlingRow
}

// HandlingRow is what the staff did with a message.
type HandlingRow struct {
	Kind  HandlingKind
	Staff string
	Note  string
	At    time.Time
}

// HandlingKind says what was done with a message.
type HandlingKind string

// The kinds; the first two end its waiting.
const (
	HandlingAttached  HandlingKind = "attached"  // to a station, as an entry
	HandlingDismissed HandlingKind = "dismissed" // nothing is to be done
	HandlingCalled    HandlingKind = "called"    // somebody rang
)

// ErrNoMessage: the centre has no message with that key.
var ErrNoMessage = errors.New("no such message")

const (
	messageFile = `
SELECT m.key::text AS key, m.sender, v.phone, m.text, m.kind, v.outcome, v.reason, m.received_at AS received, m.gateway, m.modem,
       cardinality(m.pdus) AS pdus, coalesce(v.station::text, '') AS station, coalesce(v.revision, 0) AS revision,
       coalesce(b.keyword, '') AS ballot, EXISTS (SELECT FROM desk.task t WHERE t.message = m.key) AS waits,
       coalesce(q.kind, '') AS question, coalesce(q.asked, '') AS asked, coalesce(q.asked_at, 'epoch') AS asked_at,
       coalesce((SELECT o.name FROM registry.phone p JOIN registry.officer o ON o.id = p.officer
         WHERE p.phone = v.phone AND p.election = $2 ORDER BY p.valid_from DESC LIMIT 1), '') AS officer
FROM intake.message m
JOIN intake.verdict v ON v.message = m.key
LEFT JOIN registry.ballot b ON b.election = $2 AND b.regency = $3 AND b.digit = v.ballot
LEFT JOIN intake.question q ON q.message = m.key AND q.handled IS DISTINCT FROM q.message
WHERE m.key = $1::uuid AND v.election = $2`

	messageStations = `
SELECT s.code::text AS code, s.tps::text AS tps, v.name AS village, (s.code % 1000)::integer AS number,
       coalesce(s.voters_l, 0) + coalesce(s.voters_p, 0) AS voters, coalesce(d.name, '') AS district
FROM registry.phone p
JOIN registry.station s ON s.code = p.station AND s.election = p.election
JOIN registry.area v ON v.code = s.code / 1000
LEFT JOIN registry.area d ON d.code = s.code / 10000000
WHERE p.phone = $1 AND p.election = $2 AND p.valid_from <= now() AND p.valid_until > now() ORDER BY s.code`

	messageHandling = `SELECT kind, staff, note, at FROM tally.handling WHERE message = $1::uuid ORDER BY id`

	addHandling = `INSERT INTO tally.handling (message, kind, election, staff, note) VALUES ($1::uuid, $2, $3, $4, $5)`

	endTask = `DELETE FROM desk.task WHERE message = $1::uuid`

	endQuestion = `UPDATE intake.question SET handled = message WHERE message = $1::uuid`
)

// Message reads all that is known of an SMS.
func (d *DB) Message(ctx context.Context, p *parser.Profile, key string) (*MessageFile, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return nil, err
	}
	if k, err := parseKey(key); err != nil || k == (verify.Key{}) {
		return nil, fmt.Errorf("%w: %q", ErrNoMessage, key)
	}
	f := &MessageFile{}
	err = d.get(ctx, f, messageFile, key, row.Election, p.Regency)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: %s", ErrNoMessage, key)
	}
	if err == nil {
		err = d.list(ctx, &f.Stations, messageStations, f.Phone, row.Election)
	}
	if err == nil {
		err = d.list(ctx, &f.Handled, messageHandling, key)
	}
	if err != nil {
		return nil, fmt.Errorf("reading message %s: %w", key, err)
	}
	return f, nil
}

// Handling is what one of the staff does with a message.
type Handling struct {
	Message string
	Kind    HandlingKind // HandlingDismissed or HandlingCalled
	Staff   string
	Note    string
}

// Handle keeps what was done with a message or with the question about it.
// Dismissing ends its waiting; two who do so at once do it once.
func (d *DB) Handle(ctx context.Context, p *parser.Profile, h Handling) error {
	row, err := d.profile(ctx, p)
	if err != nil {
		return err
	}
	err = d.cold.within(ctx, func(t *transaction) error {
		_, err := t.tx.ExecContext(ctx, addHandling, h.Message, h.Kind, row.Election, h.Staff, h.Note)
		if err != nil || h.Kind != HandlingDismissed {
			return err
		}
		if _, err := t.tx.ExecContext(ctx, endTask, h.Message); err != nil {
			return err
		}
		_, err = t.tx.ExecContext(ctx, endQuestion, h.Message)
		return err
	})
	if code(err) == codeUniqueViolation {
		err = ErrOutdated
	}
	if err != nil {
		return fmt.Errorf("handling message %s: %w", h.Message, refused(err))
	}
	return nil
}
