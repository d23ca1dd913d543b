package db

import (
	"context"
	"fmt"
)

const received = `SELECT coalesce(sum(messages), 0) FROM registry.gateway_intake`

// Received is how many messages the gateways have handed over, without counting
// them: each intake transaction adds to a row of its own.
func (d *DB) Received(ctx context.Context) (n int, err error) {
	if err := d.get(ctx, &n, received); err != nil {
		return 0, fmt.Errorf("reading what was handed over: %w", err)
	}
	return n, nil
}
