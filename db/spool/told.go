package spool

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// A message's key at the centre is the first 16 bytes of its row's: a range of
// the index.
const markTold = `UPDATE message SET interim = ?3, interim_at = ?4 WHERE key >= ?1 AND key < ?2`

// Told notes that the sender of a message was told an answer of that kind, the
// final one too. When the message is offered to the centre again, after a
// failover, it goes with it, and nobody is told the same twice. A key that is
// not here was received by another gateway, or pruned.
func (s *Spool) Told(ctx context.Context, key [16]byte, kind string, at time.Time) error {
	err := s.writer.commit(ctx, func(tx *txn) error {
		_, err := tx.exec(markTold, key[:], successor(key), kind, nanos(at))
		return err
	})
	if err != nil {
		return fmt.Errorf("noting what the sender of message %x was told: %w", key, err)
	}
	return nil
}

// successor is the least key that does not begin with this one.
func successor(key [16]byte) []byte {
	for i := len(key) - 1; i >= 0; i-- {
		if key[i]++; key[i] != 0 {
			return key[:i+1]
		}
	}
	return bytes.Repeat([]byte{0xff}, 33) // beyond the longest key
}

const countSent = `SELECT
	(SELECT count(*) FROM send INDEXED BY send_ended WHERE ended_at IS NOT NULL AND ended_at >= ?1 AND outcome IN ('sent', 'unknown'))
	+ (SELECT count(*) FROM interim WHERE at >= ?1 AND state IN ('sent', 'unknown'))
	+ (SELECT count(*) FROM notice WHERE at >= ?1 AND state IN ('sent', 'unknown'))`

// SentSince counts the SMS that left, or may have left, since t: replies, interim
// answers and notices.
func (s *Spool) SentSince(ctx context.Context, t time.Time) (n int, err error) {
	if _, err := s.reader.one(ctx, countSent, []any{nanos(t)}, []any{&n}); err != nil {
		return 0, fmt.Errorf("counting what was sent: %w", err)
	}
	return n, nil
}
