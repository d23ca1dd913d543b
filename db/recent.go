package db

import (
	"context"
	"fmt"
	"time"

	"tali/verify"
)

// RecentRow is a message as the live page shows it.
type RecentRow struct {
	At         time.Time // stored
	Phone      string    // masked
	Text       string
	Outcome    verify.Outcome
	Reason     string
	Station    string // 13-digit code, empty when none
	TPS        string
	Village    string
	Reply      string
	ReplyState ReplyState `db:"reply_state"`
	Gateway    string
}

const recent = `
WITH newest AS MATERIALIZED (
  SELECT message, stored_at, reply FROM desk.lookup ORDER BY stored_at DESC, message DESC LIMIT $1
)
SELECT n.stored_at AS at, v.phone, m.text, v.outcome, v.reason, coalesce(v.station::text, '') AS station,
       coalesce(s.tps::text, '') AS tps, coalesce(a.name, '') AS village, coalesce(r.text, '') AS reply,
       coalesce(r.state, '') AS reply_state, m.gateway
FROM newest n
JOIN intake.message m ON m.key = n.message
JOIN intake.verdict v ON v.message = n.message
LEFT JOIN outbox.reply r ON r.id = n.reply
LEFT JOIN registry.station s ON s.election = v.election AND s.code = v.station
LEFT JOIN registry.area a ON a.code = v.station / 1000
ORDER BY n.stored_at DESC, n.message DESC`

// Recent lists the newest messages that the search knows, at most limit of them.
func (d *DB) Recent(ctx context.Context, limit int) ([]RecentRow, error) {
	var rows []RecentRow
	if err := d.pageList(ctx, &rows, recent, limit); err != nil {
		return nil, fmt.Errorf("reading the newest messages: %w", err)
	}
	for i := range rows {
		rows[i].Phone = maskPhone(rows[i].Phone)
	}
	return rows, nil
}
