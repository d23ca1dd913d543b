package spool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Errors of the registry snapshot.
var (
	ErrNoSnapshot      = errors.New("the spool holds no registry snapshot")
	ErrSnapshotDamaged = errors.New("the registry snapshot is damaged: fetch it from the centre again")
)

const (
	saveSnapshot = `INSERT INTO snapshot (id, data, at, sum) VALUES (1, ?1, ?2, ?3)
		ON CONFLICT (id) DO UPDATE SET data = excluded.data, at = excluded.at, sum = excluded.sum`
	loadSnapshot = `SELECT data, at, sum FROM snapshot WHERE id = 1`
	setState     = `INSERT INTO state (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`
	getState     = `SELECT value FROM state WHERE key = ?1`
)

// SaveSnapshot replaces the registry snapshot.
func (s *Spool) SaveSnapshot(ctx context.Context, data []byte, at time.Time) error {
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	sum := digest(data, nanos(at))
	err := s.writer.commit(ctx, func(tx *txn) error {
		_, err := tx.exec(saveSnapshot, data, nanos(at), sum)
		return err
	})
	if err != nil {
		return fmt.Errorf("saving the registry snapshot: %w", err)
	}
	return nil
}

// Snapshot returns the registry snapshot and its time. ErrNoSnapshot before the
// first one; ErrSnapshotDamaged when it is not what was saved.
func (s *Spool) Snapshot(ctx context.Context) (data []byte, at time.Time, err error) {
	var sum []byte
	var n int64
	found, err := s.reader.one(ctx, loadSnapshot, nil, []any{&data, &n, &sum})
	if err == nil && !found {
		err = ErrNoSnapshot
	}
	if err == nil && !bytes.Equal(sum, digest(data, n)) {
		err = ErrSnapshotDamaged
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("reading the registry snapshot: %w", err)
	}
	return data, moment(n), nil
}

// digest covers the time too: a snapshot with a wrong age is as bad as a wrong one.
func digest(data []byte, at int64) []byte {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(at)))
	h.Write(data)
	return h.Sum(nil)
}

// SetState stores a word of gateway state under key.
func (s *Spool) SetState(ctx context.Context, key, value string) error {
	err := s.writer.commit(ctx, func(tx *txn) error {
		_, err := tx.exec(setState, key, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("setting state %s: %w", key, err)
	}
	return nil
}

// State returns what SetState stored, "" when nothing was.
func (s *Spool) State(ctx context.Context, key string) (string, error) {
	var value string
	if _, err := s.reader.one(ctx, getState, []any{key}, []any{&value}); err != nil {
		return "", fmt.Errorf("reading state %s: %w", key, err)
	}
	return value, nil
}
