package spool

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// MessageKind says what a message is for the centre.
type MessageKind string

const (
	MessageText       MessageKind = "text"
	MessageIncomplete MessageKind = "incomplete" // a long SMS whose other parts did not come in time
	MessageUnreadable MessageKind = "unreadable"
	MessageReport     MessageKind = "report"
)

// Message is what the centre is to get: one SMS, joined where it was long.
type Message struct {
	Seq                       int64 // order of this spool; never used twice
	Key                       [16]byte
	Kind                      MessageKind
	PDUs                      []string // raw hex, in part order
	Modem, IMSI, Sender, Text string
	Reason                    string // why it is unreadable
	SentAt, ReceivedAt        time.Time
	Interim                   string // kind of the interim answer already given, "" if none
	InterimAt                 time.Time
	Copies                    int // how often the modem handed over the PDU (of a long SMS: its most frequent part)
}

// INDEXED BY, because the planner prefers the row ids and would then walk over
// every delivered row since `after`.
const (
	selectMessage = `SELECT m.seq, m.key, m.kind, m.parts,
			CASE m.parts WHEN 0 THEN m.hex ELSE (SELECT group_concat(p.hex, char(10) ORDER BY j.pos)
				FROM joined j JOIN part p ON p.id = j.part WHERE j.message = m.seq) END,
			CASE m.parts WHEN 0 THEN m.copies ELSE (SELECT max(p.copies)
				FROM joined j JOIN part p ON p.id = j.part WHERE j.message = m.seq) END,
			m.modem, m.imsi, m.sender, m.reason, m.text, m.sent_at, m.received_at, m.interim, m.interim_at `
	selectWaiting = selectMessage + `FROM message m INDEXED BY message_waiting
		WHERE m.delivered_at IS NULL AND m.seq > ?1 ORDER BY m.seq LIMIT ?2`
	selectDelivered = selectMessage + `FROM message m INDEXED BY message_delivered
		WHERE m.delivered_at IS NOT NULL AND m.delivered_at >= ?3 AND m.seq > ?1 ORDER BY m.seq LIMIT ?2`
	markDelivered = `UPDATE message SET delivered_at = ?2
		WHERE seq IN (SELECT value FROM json_each(?1)) AND delivered_at IS NULL`
	countWaiting = `SELECT count(*), coalesce(min(received_at), 0)
		FROM message INDEXED BY message_waiting WHERE delivered_at IS NULL`
)

// Waiting returns undelivered messages in order of Seq, those after `after`,
// at most limit of them.
func (s *Spool) Waiting(ctx context.Context, after int64, limit int) ([]Message, error) {
	ms, err := s.messages(ctx, selectWaiting, limit, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading waiting messages: %w", err)
	}
	return ms, nil
}

// DeliveredSince returns messages that were delivered at t or later, in order
// of Seq after `after`: what is offered again when the centre failed over. They
// stay delivered.
func (s *Spool) DeliveredSince(ctx context.Context, t time.Time, after int64, limit int) ([]Message, error) {
	ms, err := s.messages(ctx, selectDelivered, limit, after, limit, nanos(t))
	if err != nil {
		return nil, fmt.Errorf("reading delivered messages: %w", err)
	}
	return ms, nil
}

func (s *Spool) messages(ctx context.Context, query string, limit int, args ...any) ([]Message, error) {
	if limit <= 0 {
		return nil, nil
	}
	ms := make([]Message, 0, min(limit, 200))
	err := s.reader.each(ctx, query, args, func(rows *sql.Rows) error {
		var m Message
		if err := m.scan(rows); err != nil {
			return err
		}
		ms = append(ms, m)
		return nil
	})
	return ms, err
}

func (m *Message) scan(rows *sql.Rows) error {
	var (
		key                          sql.RawBytes
		hex                          string
		parts                        int
		sentAt, receivedAt, answered int64
	)
	if err := rows.Scan(&m.Seq, &key, &m.Kind, &parts, &hex, &m.Copies, &m.Modem, &m.IMSI, &m.Sender,
		&m.Reason, &m.Text, &sentAt, &receivedAt, &m.Interim, &answered); err != nil {
		return err
	}
	copy(m.Key[:], key)
	m.PDUs = []string{hex}
	if parts > 0 {
		m.PDUs = strings.Split(hex, "\n")
	}
	m.SentAt, m.ReceivedAt, m.InterimAt = moment(sentAt), moment(receivedAt), moment(answered)
	return nil
}

// Delivered marks messages that the centre has committed, in one commit. Those
// marked already keep their first time; unknown ones are passed over.
func (s *Spool) Delivered(ctx context.Context, seqs []int64, at time.Time) error {
	if len(seqs) == 0 {
		return nil
	}
	ids := list(seqs)
	err := s.writer.commit(ctx, func(tx *txn) error {
		_, err := tx.exec(markDelivered, ids, nanos(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("marking %d messages delivered: %w", len(seqs), err)
	}
	return nil
}

// Undelivered counts what waits; oldest is zero when nothing does.
func (s *Spool) Undelivered(ctx context.Context) (n int, oldest time.Time, err error) {
	var first int64
	if _, err := s.reader.one(ctx, countWaiting, nil, []any{&n, &first}); err != nil {
		return 0, time.Time{}, fmt.Errorf("counting waiting messages: %w", err)
	}
	return n, moment(first), nil
}
