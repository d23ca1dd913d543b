package db

import (
	"context"
	"fmt"
	"time"
)

// ActivityRow is what one of the staff has done lately.
type ActivityRow struct {
	Login    string
	Name     string
	Role     Role
	Seen     time.Time // last thing done in a session; zero: signed in nowhere
	LastHour int       `db:"last_hour"` // decisions
	Today    int       // decisions of the last 24 hours
	Unmasked int       // phone numbers seen in the last 24 hours
}

const staffActivity = `
SELECT a.login, a.name, a.role,
  coalesce((SELECT max(s.seen_at) FROM staff.session s WHERE s.account = a.id AND s.expires_at > now()), '0001-01-01Z') AS seen,
  (SELECT count(*) FROM tally.decision d WHERE d.staff = a.login AND d.at > now() - interval '1 hour') AS last_hour,
  (SELECT count(*) FROM tally.decision d WHERE d.staff = a.login AND d.at > now() - interval '1 day') AS today,
  (SELECT count(*) FROM staff.event e WHERE e.account = a.id AND e.kind = 'unmasked' AND e.at > now() - interval '1 day') AS unmasked
FROM staff.account a WHERE a.active ORDER BY seen DESC, a.login`

// StaffActivity tells who is at work and how much each has decided.
func (d *DB) StaffActivity(ctx context.Context) ([]ActivityRow, error) {
	var out []ActivityRow
	if err := d.list(ctx, &out, staffActivity); err != nil {
		return nil, fmt.Errorf("reading what the staff did: %w", err)
	}
	return out, nil
}
