package db

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"tali/verify"
)

// Unreadable is a message of which no gateway could make a text.
type Unreadable struct {
	Key        verify.Key
	ReceivedAt time.Time
	Gateway    string
	Modem      string
	IMSI       string
	PDUs       []string // raw, hex, by part
}

const unreadable = `
SELECT key::text, received_at, gateway, modem, imsi, pdus
FROM intake.message
WHERE kind = 'unreadable' AND key > $1::uuid
ORDER BY key LIMIT $2`

// Unreadable returns messages that could not be read, in order of their keys
// after `after`, at most limit of them.
func (d *DB) Unreadable(ctx context.Context, after verify.Key, limit int) ([]Unreadable, error) {
	var rows []struct {
		Key        string
		ReceivedAt time.Time `db:"received_at"`
		Gateway    string
		Modem      string
		IMSI       string         `db:"imsi"`
		PDUs       pq.StringArray `db:"pdus"`
	}
	if err := d.list(ctx, &rows, unreadable, fmt.Sprintf("%x", after[:]), limit); err != nil {
		return nil, fmt.Errorf("reading unreadable messages: %w", err)
	}
	out := make([]Unreadable, len(rows))
	for i, r := range rows {
		key, err := parseKey(r.Key)
		if err != nil {
			return nil, fmt.Errorf("reading unreadable messages: %w", err)
		}
		out[i] = Unreadable{key, r.ReceivedAt, r.Gateway, r.Modem, r.IMSI, r.PDUs}
	}
	return out, nil
}

const ofTheseKeys = `SELECT key::text FROM intake.message WHERE key = ANY ($1::uuid[])`

// Known tells which of these messages the centre has.
func (d *DB) Known(ctx context.Context, keys []verify.Key) (map[verify.Key]bool, error) {
	asked := make([]string, len(keys))
	for i, k := range keys {
		asked[i] = fmt.Sprintf("%x", k[:])
	}
	var found []string
	if err := d.list(ctx, &found, ofTheseKeys, pq.Array(asked)); err != nil {
		return nil, fmt.Errorf("looking for %d keys: %w", len(keys), err)
	}
	known := make(map[verify.Key]bool, len(found))
	for _, text := range found {
		key, err := parseKey(text)
		if err != nil {
			return nil, fmt.Errorf("looking for %d keys: %w", len(keys), err)
		}
		known[key] = true
	}
	return known, nil
}

const serverClock = `SELECT clock_timestamp()`

// Clock is the time at the centre.
func (d *DB) Clock(ctx context.Context) (time.Time, error) {
	var t time.Time
	if err := d.get(ctx, &t, serverClock); err != nil {
		return t, fmt.Errorf("reading the centre's clock: %w", err)
	}
	return t, nil
}
