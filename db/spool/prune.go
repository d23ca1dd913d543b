package spool

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// pruneSize is how many messages go in one transaction, so that Keep never
// waits long for a large clean-up.
const pruneSize = 500

const (
	selectPrunable = `SELECT m.seq FROM message m INDEXED BY message_delivered
		WHERE m.delivered_at IS NOT NULL AND m.delivered_at < ?1 AND m.seq > ?2
			AND NOT EXISTS (SELECT 1 FROM interim i WHERE i.message = m.seq AND i.state IN ('queued', 'sending'))
		ORDER BY m.seq LIMIT ?3`
	// A part of an incomplete message may be in the whole one too.
	pruneParts = `DELETE FROM part WHERE id IN (
			SELECT part FROM joined WHERE message IN (SELECT value FROM json_each(?1)))
		AND NOT EXISTS (SELECT 1 FROM joined j WHERE j.part = part.id
			AND j.message NOT IN (SELECT value FROM json_each(?1)))`
	pruneCopies = `DELETE FROM part WHERE copy_of IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM part o WHERE o.id = part.copy_of)`
	pruneJoined   = `DELETE FROM joined WHERE message IN (SELECT value FROM json_each(?1))`
	pruneInterim  = `DELETE FROM interim WHERE message IN (SELECT value FROM json_each(?1))`
	pruneMessages = `DELETE FROM message WHERE seq IN (SELECT value FROM json_each(?1))`
	pruneSends    = `DELETE FROM send WHERE ended_at IS NOT NULL AND ended_at < ?1`
)

// Prune deletes messages that were delivered before the given time, with their
// PDUs, copies and closed interim replies, and sends and notices that ended before it. It
// never touches what is not delivered, nor parts that are in no message yet.
// It returns how many messages went. A PDU that a SIM still holds then is new
// again; the centre knows its key.
func (s *Spool) Prune(ctx context.Context, before time.Time) (int, error) {
	total, after := 0, int64(0)
	for {
		seqs, err := s.prunable(ctx, before, after)
		if err != nil {
			return total, fmt.Errorf("pruning the spool: %w", err)
		}
		if len(seqs) == 0 {
			break
		}
		n, err := s.prunePage(ctx, seqs)
		if err != nil {
			return total, fmt.Errorf("pruning the spool: %w", err)
		}
		total += n
		after = seqs[len(seqs)-1]
	}
	err := s.writer.commit(ctx, func(tx *txn) error {
		for _, q := range []string{pruneSends, pruneHeld, pruneNotices} {
			if _, err := tx.exec(q, nanos(before)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return total, fmt.Errorf("pruning what has ended: %w", err)
	}
	return total, nil
}

func (s *Spool) prunable(ctx context.Context, before time.Time, after int64) ([]int64, error) {
	var seqs []int64
	err := s.reader.each(ctx, selectPrunable, []any{nanos(before), after, pruneSize}, func(rows *sql.Rows) error {
		var seq int64
		err := rows.Scan(&seq)
		seqs = append(seqs, seq)
		return err
	})
	return seqs, err
}

// prunePage needs no further guard: a delivered message never becomes
// undelivered again, and gets no interim reply any more.
func (s *Spool) prunePage(ctx context.Context, seqs []int64) (n int, err error) {
	ids := list(seqs)
	err = s.writer.commit(ctx, func(tx *txn) error {
		for _, q := range []string{pruneParts, pruneJoined, pruneInterim} {
			if _, err := tx.exec(q, ids); err != nil {
				return err
			}
		}
		if _, err := tx.exec(pruneCopies); err != nil {
			return err
		}
		n, err = tx.changed(pruneMessages, ids)
		return err
	})
	return n, err
}
