package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Kind says what a raw PDU is.
type Kind string

const (
	KindSingle     Kind = "single"     // a whole SMS
	KindPart       Kind = "part"       // one part of a long SMS
	KindReport     Kind = "report"     // an SMS-STATUS-REPORT
	KindUnreadable Kind = "unreadable" // it did not decode
)

// Part is the concatenation header of a part (3GPP TS 23.040 §9.2.3.24.1):
// Width is 8 or 16, the bits of the reference; Seq counts from 1.
type Part struct {
	Ref, Width, Total, Seq int
}

func (p Part) sound() bool {
	return p.Total >= 1 && p.Seq >= 1 && p.Seq <= p.Total
}

// PDU is one raw SMS as the modem handed it over.
type PDU struct {
	Key              [32]byte
	Modem, IMSI, Hex string
	Store            string // where it was read: "SM", "ME", "MT"; "" when it lay nowhere
	Slot             int
	ReadAt           time.Time
	Kind             Kind
	Sender, Text     string
	SentAt           time.Time // the SMSC's time stamp; may be zero
	Part             Part      // only of KindPart
	Reason           string    // only of KindUnreadable: why
}

// Keep stores raw PDUs in one durable commit, which concurrent callers share.
// A key that is known already is counted, not added. Every PDU that is not a
// part becomes a Message in the same transaction; a part whose numbers cannot
// be right becomes an unreadable one. After an error none of rows was stored:
// their slots must not be emptied. It returns how many were new.
func (s *Spool) Keep(ctx context.Context, rows []PDU) (fresh int, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	for i := range rows {
		if err := rows[i].check(); err != nil {
			return 0, fmt.Errorf("keeping %d PDUs: %w", len(rows), err)
		}
	}
	var n int // the caller's result is set only once the commit is certain
	err = s.writer.commit(ctx, func(tx *txn) error {
		n = 0
		for i := range rows {
			added, err := s.keepOne(tx, &rows[i])
			if err == nil {
				err = rows[i].hold(tx)
			}
			if err != nil {
				return err
			}
			if added {
				n++
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("keeping %d PDUs: %w", len(rows), err)
	}
	return n, nil
}

// check refuses what only a mistake in our own code could hand over.
func (p *PDU) check() error {
	switch p.Kind {
	case KindSingle, KindPart, KindReport, KindUnreadable:
	default:
		return fmt.Errorf("PDU of modem %s: kind %q is none of ours", p.Modem, p.Kind)
	}
	if p.Key == ([32]byte{}) {
		return fmt.Errorf("PDU of modem %s: no key", p.Modem)
	}
	return nil
}

// A key is looked for among the parts too, and the other way round: a new version
// may read an old PDU in another way.
const (
	insertSingle = `INSERT INTO message (key, kind, parts, modem, imsi, hex, sender, text, reason, sent_at, received_at, last_seen)
		SELECT ?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10 WHERE NOT EXISTS (SELECT 1 FROM part WHERE key = ?1)
		ON CONFLICT (key) DO NOTHING`
	insertPart = `INSERT INTO part (key, modem, imsi, hex, sender, text, sent_at, read_at, last_seen,
			ref, width, total, seq, use, copy_of, store)
		SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, ?12, iif(?13 IS NULL, 'open', 'copy'), ?13, ?14
		WHERE NOT EXISTS (SELECT 1 FROM message WHERE key = ?1)
		ON CONFLICT (key) DO NOTHING`
	countSingle = `UPDATE message SET copies = copies + 1, last_seen = max(last_seen, ?2) WHERE key = ?1`
	countPart   = `UPDATE part SET copies = copies + 1, last_seen = max(last_seen, ?2) WHERE key = ?1`
	// Parts of one SMS, some of which lay in the modem's own memory and were first read when the SIM they came to had
	// been changed already. The parts that are in no message yet are few.
	findFamily = `SELECT p.imsi FROM part p INDEXED BY part_open
		WHERE p.use = 'open' AND p.modem = ?1 AND p.imsi <> ?2 AND p.sender = ?3 AND p.ref = ?4 AND p.width = ?5 AND p.total = ?6
			AND p.seq <> ?7 AND p.read_at BETWEEN ?8 AND ?9 AND (?10 IN ('ME', 'MT') OR p.store IN ('ME', 'MT'))
			AND NOT EXISTS (SELECT 1 FROM part o INDEXED BY part_bucket WHERE o.imsi = ?2 AND o.sender = ?3 AND o.ref = ?4
				AND o.width = ?5 AND o.total = ?6 AND o.read_at BETWEEN ?8 AND ?9)
		ORDER BY p.id DESC LIMIT 1`
	// The same part with another time stamp: the phone sent it again.
	findOriginal = `SELECT id FROM part INDEXED BY part_bucket
		WHERE imsi = ?1 AND sender = ?2 AND ref = ?3 AND width = ?4 AND total = ?5 AND seq = ?6
			AND use <> 'copy' AND text = ?7 AND key <> ?8 AND read_at BETWEEN ?9 AND ?10
		ORDER BY id LIMIT 1`
)

func (s *Spool) keepOne(tx *txn, p *PDU) (added bool, err error) {
	var n int
	switch {
	case p.Kind != KindPart:
		n, err = p.insertSingle(tx, messageKind(p.Kind), p.Reason)
	case !p.Part.sound():
		n, err = p.insertSingle(tx, MessageUnreadable, fmt.Sprintf("part %d of %d", p.Part.Seq, p.Part.Total))
	default:
		n, err = s.insertPart(tx, p)
	}
	if err != nil || n == 1 {
		return n == 1, err
	}
	if n, err = tx.changed(countSingle, p.Key[:], nanos(p.ReadAt)); err == nil && n == 0 {
		_, err = tx.exec(countPart, p.Key[:], nanos(p.ReadAt))
	}
	return false, err
}

func (p *PDU) insertSingle(tx *txn, kind MessageKind, reason string) (int, error) {
	return tx.changed(insertSingle, p.Key[:], string(kind), p.Modem, p.IMSI, p.Hex, p.Sender, p.Text, reason,
		nanos(p.SentAt), nanos(p.ReadAt))
}

func (s *Spool) insertPart(tx *txn, p *PDU) (int, error) {
	imsi, err := s.family(tx, p)
	if err != nil {
		return 0, err
	}
	var original any
	var id int64
	err = tx.row(findOriginal, []any{imsi, p.Sender, p.Part.Ref, p.Part.Width, p.Part.Total, p.Part.Seq,
		p.Text, p.Key[:], nanos(p.ReadAt.Add(-s.window)), nanos(p.ReadAt.Add(s.window))}, []any{&id})
	switch {
	case err == nil:
		original = id
	case !errors.Is(err, sql.ErrNoRows):
		return 0, err
	}
	return tx.changed(insertPart, p.Key[:], p.Modem, imsi, p.Hex, p.Sender, p.Text, nanos(p.SentAt), nanos(p.ReadAt),
		p.Part.Ref, p.Part.Width, p.Part.Total, p.Part.Seq, original, p.Store)
}

// family is the SIM that a part is counted to: its own, or the one that another
// SIM has replaced while parts of this SMS had come to it.
func (s *Spool) family(tx *txn, p *PDU) (imsi string, err error) {
	err = tx.row(findFamily, []any{p.Modem, p.IMSI, p.Sender, p.Part.Ref, p.Part.Width, p.Part.Total, p.Part.Seq,
		nanos(p.ReadAt.Add(-s.window)), nanos(p.ReadAt.Add(s.window)), p.Store}, []any{&imsi})
	if errors.Is(err, sql.ErrNoRows) {
		return p.IMSI, nil
	}
	return imsi, err
}

func messageKind(k Kind) MessageKind {
	switch k {
	case KindReport:
		return MessageReport
	case KindUnreadable:
		return MessageUnreadable
	}
	return MessageText
}
