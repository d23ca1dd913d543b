package db

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNoToken: no token in force has this name.
var ErrNoToken = errors.New("no token of this name is in force")

// FeedToken is one consumer's key to the HTTP feed.
type FeedToken struct {
	Name    string
	Added   time.Time  `db:"added_at"`
	Revoked *time.Time `db:"revoked_at"` // nil: in force
}

const (
	addFeedToken = `INSERT INTO feed.token (name, hash) VALUES ($1, $2)`

	revokeFeedToken = `UPDATE feed.token SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL`

	listFeedTokens = `SELECT name, added_at, revoked_at FROM feed.token ORDER BY name, id`
)

// AddFeedToken lets a consumer read the feed with the token that has this
// SHA-256. ErrTaken: the name has a token in force.
func (d *DB) AddFeedToken(ctx context.Context, by Actor, name string, hash []byte) error {
	err := d.cold.within(ctx, func(t *transaction) error {
		if _, err := t.tx.ExecContext(ctx, addFeedToken, name, hash); err != nil {
			return err
		}
		return t.record(ctx, Event{Actor: by, Kind: EventTokenAdded, Subject: "feed " + name})
	})
	if code(err) == codeUniqueViolation {
		err = ErrTaken
	}
	if err != nil {
		return fmt.Errorf("adding token %s: %w", name, err)
	}
	return nil
}

// RevokeFeedToken takes the token of a consumer out of force, for good.
func (d *DB) RevokeFeedToken(ctx context.Context, by Actor, name string) error {
	err := d.cold.within(ctx, func(t *transaction) error {
		done, err := t.tx.ExecContext(ctx, revokeFeedToken, name)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrNoToken)
		}
		return t.record(ctx, Event{Actor: by, Kind: EventTokenRevoked, Subject: "feed " + name})
	})
	if err != nil {
		return fmt.Errorf("revoking token %s: %w", name, err)
	}
	return nil
}

// FeedTokens lists all tokens there ever were, by name.
func (d *DB) FeedTokens(ctx context.Context) ([]FeedToken, error) {
	var out []FeedToken
	if err := d.list(ctx, &out, listFeedTokens); err != nil {
		return nil, fmt.Errorf("listing tokens of the feed: %w", err)
	}
	return out, nil
}
