package db

import (
	"context"
	"fmt"
)

// countBatch bounds one step of the counting, which holds them in memory.
const countBatch = 10_000

const countUp = `SELECT desk.count_up($1)`

// CountUp brings cases that have changed, and replies, into the counts of the
// overview; more says that it has not caught up. Of several that call it, one
// works; a step that is cut is as if it had not begun.
func (d *DB) CountUp(ctx context.Context) (more bool, err error) {
	var n int
	err = d.cold.within(ctx, func(t *transaction) error { return t.tx.GetContext(ctx, &n, countUp, countBatch) })
	if err != nil {
		return false, fmt.Errorf("counting for the overview: %w", err)
	}
	return n >= countBatch, nil
}
