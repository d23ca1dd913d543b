package db

import (
	"context"
	"fmt"

	"github.com/lib/pq"
)

// Leases that a gateway held when it died. One whose send had begun may have
// reached the officer: it is repeated once, and given up the second time.
const reclaimReplies = `
UPDATE outbox.reply
SET state = CASE WHEN id = ANY ($2::bigint[]) AND repeats > 0 THEN 'unknown' ELSE 'queued' END,
    closed_at = CASE WHEN id = ANY ($2::bigint[]) AND repeats > 0 THEN now() END,
    error = CASE WHEN id = ANY ($2::bigint[]) THEN 'the gateway ended while sending' END,
    repeats = CASE WHEN id = ANY ($2::bigint[]) THEN 1 ELSE repeats END,
    lease_until = NULL
WHERE state = 'leased' AND lease_gateway = $1`

// ReclaimReplies puts back what a gateway had claimed before it died, so that
// its officers need not wait for the leases to end. Only the gateway itself may
// call it, before it claims anything, and only while it alone has its spool:
// begun are the replies whose sending its spool says had begun.
func (d *DB) ReclaimReplies(ctx context.Context, gateway string, begun []int64) error {
	err := d.cold.within(ctx, func(t *transaction) error {
		_, err := t.tx.ExecContext(ctx, reclaimReplies, gateway, pq.Array(append([]int64{}, begun...)))
		return err
	})
	if err != nil {
		return fmt.Errorf("reclaiming replies of %s: %w", gateway, err)
	}
	return nil
}
