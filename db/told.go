package db

import (
	"context"
	"fmt"
)

const toldThisHour = `
SELECT count(*) FROM outbox.reply
WHERE recipient = $1 AND state IN ('sent', 'unknown') AND closed_at > now() - interval '1 hour' AND kind = $2`

// ToldThisHour counts the answers of one kind that a phone was sent in the last
// hour.
func (d *DB) ToldThisHour(ctx context.Context, phone, kind string) (int, error) {
	told, err := d.prepare(ctx, toldThisHour)
	if err != nil {
		return 0, fmt.Errorf("counting answers: %w", err)
	}
	var n int
	if err := told.GetContext(ctx, &n, phone, kind); err != nil {
		return 0, fmt.Errorf("counting answers: %w", classify(err))
	}
	return n, nil
}
