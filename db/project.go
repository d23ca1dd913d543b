package db

import (
	"context"
	"fmt"
)

// projectBatch bounds one step of the projector: what it holds in memory, and
// how long a subscriber waits for one commit.
const projectBatch = 500

const project = `SELECT tally.project($1)`

// Project brings a batch of what was decided and of who has reported into the
// results interface and tells how much it did; 0 says that nothing is left, or
// that another projector is at it. Of several that call it, one works; a step
// that is cut is as if it had not begun.
func (d *DB) Project(ctx context.Context) (n int, err error) {
	err = d.cold.within(ctx, func(t *transaction) error {
		return t.tx.GetContext(ctx, &n, project, projectBatch)
	})
	if err != nil {
		return 0, fmt.Errorf("projecting results: %w", err)
	}
	return n, nil
}
