package db

import (
	"context"
	"fmt"
)

// Fate is what the network reported of a reply that has left.
type Fate string

// The fates. While the network keeps trying there is none.
const (
	FateDelivered Fate = "delivered"
	FateFailed    Fate = "failed"
)

// StatusReport is the network's word on one SMS of a modem.
type StatusReport struct {
	Gateway, Modem string // that sent it
	Reference      string // of the network, as closed with
	Recipient      string // E.164
	Fate           Fate
}

// References come round after 256 SMS of a modem: the newest reply counts.
const reportReply = `
UPDATE outbox.reply SET delivery = $5, delivery_at = now()
WHERE id = (SELECT id FROM outbox.reply
  WHERE recipient = $4 AND state IN ('sent', 'unknown') AND closed_at > now() - interval '3 days'
    AND lease_gateway = $1 AND lease_modem = $2 AND reference = $3
  ORDER BY closed_at DESC LIMIT 1)
  AND delivery IS DISTINCT FROM $5`

// ReportReply notes what the network reported. A report of something else than a
// reply, or a second one, changes nothing.
func (d *DB) ReportReply(ctx context.Context, r StatusReport) (known bool, err error) {
	report, err := d.prepare(ctx, reportReply)
	if err != nil {
		return false, fmt.Errorf("noting a status report: %w", err)
	}
	err = d.hot.within(ctx, func(t *transaction) error {
		res, err := t.on(ctx, report).ExecContext(ctx, r.Gateway, r.Modem, r.Reference, r.Recipient, string(r.Fate))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		known = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("noting a status report: %w", err)
	}
	return known, nil
}
