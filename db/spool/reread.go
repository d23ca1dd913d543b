package spool

import (
	"context"
	"crypto/sha256"
	"fmt"
)

const (
	selectUnreadable = selectMessage + `FROM message m WHERE m.kind = 'unreadable' AND m.seq > ?1 ORDER BY m.seq LIMIT ?2`
	knowsKey         = `SELECT 1 FROM message WHERE key = ?1 OR key = substr(?1, 1, 16) UNION ALL SELECT 1 FROM part WHERE key = ?1`
	insertReread     = `INSERT INTO message (key, kind, parts, modem, imsi, hex, sender, text, reason, sent_at, received_at, last_seen)
		SELECT ?2, 'text', parts, modem, imsi, '', ?3, ?4, '', sent_at, received_at, received_at FROM message WHERE seq = ?1`
	copyParts = `INSERT INTO joined (message, pos, part) SELECT ?2, pos, part FROM joined WHERE message = ?1`
)

// RereadKey is the key of what a message says that could not be read before. It
// is the same wherever the message is read again, so that once is enough.
func RereadKey(key [16]byte) [32]byte {
	return sha256.Sum256(append([]byte("tali/reread"), key[:]...))
}

// Unreadable returns messages that could not be read, delivered ones too, in
// order of Seq after `after`, at most limit of them.
func (s *Spool) Unreadable(ctx context.Context, after int64, limit int) ([]Message, error) {
	ms, err := s.messages(ctx, selectUnreadable, limit, after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading unreadable messages: %w", err)
	}
	return ms, nil
}

// Reread reports whether a message was read again already.
func (s *Spool) Reread(ctx context.Context, key [16]byte) (bool, error) {
	again := RereadKey(key)
	var found int
	known, err := s.reader.one(ctx, knowsKey, []any{again[:]}, []any{&found})
	if err != nil {
		return false, fmt.Errorf("looking for a message read again: %w", err)
	}
	return known, nil
}

// AddReread stores what a message says after all, as if it had just come: p is
// the PDU of a message of one, of a long one the sender and the whole text. The
// old message stays as it is. Added once, it is not added again.
func (s *Spool) AddReread(ctx context.Context, old Message, p PDU) error {
	p.Key = RereadKey(old.Key)
	if err := p.check(); err != nil {
		return fmt.Errorf("adding message %d read again: %w", old.Seq, err)
	}
	err := s.writer.commit(ctx, func(tx *txn) error {
		if len(old.PDUs) > 1 {
			return reread(tx, old, p)
		}
		_, err := s.keepOne(tx, &p)
		return err
	})
	if err != nil {
		return fmt.Errorf("adding message %d read again: %w", old.Seq, err)
	}
	return nil
}

// reread makes a second message of the same parts.
func reread(tx *txn, old Message, p PDU) error {
	res, err := tx.exec(insertReread, old.Seq, p.Key[:16], p.Sender, p.Text)
	if err != nil {
		return err
	}
	seq, err := res.LastInsertId()
	if err != nil {
		return err
	}
	_, err = tx.exec(copyParts, old.Seq, seq)
	return err
}
