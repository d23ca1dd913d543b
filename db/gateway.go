package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"tali/parser"
	"tali/verify"
)

// GatewayStatus is a gateway's sign of life.
type GatewayStatus struct {
	Name        string
	Version     string
	SpoolQueued int       // messages that wait for the centre
	SpoolOldest time.Time // receipt of the oldest of them; zero when none
	SnapshotAt  time.Time // when its registry snapshot was taken; zero without one
	Modems      []ModemStatus
}

// ModemStatus is one modem of a gateway.
type ModemStatus struct {
	Name     string
	Number   string // E.164, empty when the SIM does not tell
	Operator string
	Alive    bool
	Health   ModemHealth
}

// ModemHealth is what a modem and its SIM told last; zero values are unknown.
type ModemHealth struct {
	HeardAt   time.Time `db:"heard_at"`
	SignalDBm int       `db:"signal_dbm"` // below 0
	SlotsUsed int       `db:"slots_used"` // of the store that SMS arrive in
	Slots     int
	Balance   int       // rupiah, as of BalanceAt
	BalanceAt time.Time `db:"balance_at"`
}

const heartbeat = `
WITH gateway AS (
  INSERT INTO registry.gateway (name, version, last_seen, spool_queued, spool_oldest, snapshot_at)
  VALUES ($1, $2, now(), $3, $4, $9)
  ON CONFLICT (name) DO UPDATE
  SET version = excluded.version, last_seen = excluded.last_seen,
      spool_queued = excluded.spool_queued, spool_oldest = excluded.spool_oldest, snapshot_at = excluded.snapshot_at
)
INSERT INTO registry.modem AS m (gateway, name, number, operator, alive, last_seen, heard_at, signal_dbm, slots_used, slots, balance, balance_at)
SELECT $1, m.name, m.number, m.operator, m.alive, now(), to_timestamp(nullif(m.heard, 0)), nullif(m.signal, 0),
       CASE WHEN m.slots > 0 THEN m.used END, nullif(m.slots, 0), CASE WHEN m.asked > 0 THEN m.balance END, to_timestamp(nullif(m.asked, 0))
FROM unnest($5::text[], $6::text[], $7::text[], $8::boolean[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])
  AS m(name, number, operator, alive, heard, signal, used, slots, balance, asked)
ORDER BY m.name
ON CONFLICT (gateway, name) DO UPDATE
SET number = excluded.number, operator = excluded.operator, alive = excluded.alive, last_seen = excluded.last_seen,
    heard_at = coalesce(excluded.heard_at, m.heard_at), signal_dbm = coalesce(excluded.signal_dbm, m.signal_dbm),
    slots_used = coalesce(excluded.slots_used, m.slots_used), slots = coalesce(excluded.slots, m.slots),
    balance = coalesce(excluded.balance, m.balance), balance_at = coalesce(excluded.balance_at, m.balance_at)`

// Heartbeat records that a gateway and its modems are there. A gateway that
// does not for a while has its replies sent by others.
func (d *DB) Heartbeat(ctx context.Context, g GatewayStatus) error {
	beat, err := d.prepare(ctx, heartbeat)
	if err != nil {
		return fmt.Errorf("heartbeat of %s: %w", g.Name, err)
	}
	names, numbers, operators, alive := []string{}, []string{}, []string{}, []bool{}
	var health [6]array
	for _, m := range g.Modems {
		names, numbers = append(names, m.Name), append(numbers, m.Number)
		operators, alive = append(operators, m.Operator), append(alive, m.Alive)
		h := m.Health
		for i, n := range []int64{seconds(h.HeardAt), int64(h.SignalDBm), int64(h.SlotsUsed), int64(h.Slots), int64(h.Balance), seconds(h.BalanceAt)} {
			health[i].int(n)
		}
	}
	err = d.hot.within(ctx, func(t *transaction) error {
		_, err := t.on(ctx, beat).ExecContext(ctx, g.Name, g.Version, g.SpoolQueued,
			pq.NullTime{Time: g.SpoolOldest, Valid: !g.SpoolOldest.IsZero()},
			pq.Array(names), pq.Array(numbers), pq.Array(operators), pq.Array(alive),
			pq.NullTime{Time: g.SnapshotAt, Valid: !g.SnapshotAt.IsZero()},
			health[0].arg(), health[1].arg(), health[2].arg(), health[3].arg(), health[4].arg(), health[5].arg())
		return err
	})
	if err != nil {
		return fmt.Errorf("heartbeat of %s: %w", g.Name, err)
	}
	return nil
}

// seconds is a time as the heartbeat carries it; 0 for none.
func seconds(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.Unix()
}

// The timeline of the write-ahead log rises with every promotion and with every
// recovery to a point in time. It is asked of the log itself: what the control
// file tells lags behind until the next checkpoint.
const incarnation = `
SELECT id::text || '/' || left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8)
FROM registry.incarnation WHERE NOT pg_catalog.pg_is_in_recovery()`

// Incarnation names this life of the centre: the id that a restore renews, and
// the timeline that a promotion raises. A gateway that sees another one than
// before offers its last hours again: either may have lost them.
func (d *DB) Incarnation(ctx context.Context) (string, error) {
	var id string
	err := d.get(ctx, &id, incarnation)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%w: it is a standby", ErrUnavailable)
	}
	if err != nil {
		return "", fmt.Errorf("reading the incarnation: %w", err)
	}
	return id, nil
}

const (
	allStations = `
SELECT s.code::text, s.tps::text, v.name AS village, (s.code % 1000)::integer AS number, s.generation,
       coalesce(s.voters_l, 0) + coalesce(s.voters_p, 0) AS voters, coalesce(d.name, '') AS district
FROM registry.station s
JOIN registry.area v ON v.code = s.code / 1000
LEFT JOIN registry.area d ON d.code = s.code / 10000000
WHERE s.election = $1 AND s.code / 1000000000 = $2::bigint
ORDER BY s.code`

	allOfficers = `
SELECT p.phone, o.name, p.station::text
FROM registry.phone p JOIN registry.officer o ON o.id = p.officer
WHERE p.election = $1 AND p.station / 1000000000 = $2::bigint AND p.valid_from <= now() AND p.valid_until > now()
ORDER BY p.phone, p.station`

	ownNumbers = `SELECT DISTINCT number FROM registry.modem WHERE number <> '' ORDER BY number`

	centreTime = `SELECT now()`
)

// Registry is the snapshot of p's regency that lets a gateway answer while the
// centre is away.
func (d *DB) Registry(ctx context.Context, p *parser.Profile) (*verify.Registry, error) {
	r, err := d.registry(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("reading the registry of %s: %w", p.ID, err)
	}
	return r, nil
}

func (d *DB) registry(ctx context.Context, p *parser.Profile) (*verify.Registry, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return nil, err
	}
	r := verify.Registry{Profile: p.Digest}
	if err := d.get(ctx, &r.TakenAt, centreTime); err != nil {
		return nil, err
	}
	if err := d.list(ctx, &r.Stations, allStations, row.Election, p.Regency); err != nil {
		return nil, err
	}
	if err := d.list(ctx, &r.Own, ownNumbers); err != nil {
		return nil, err
	}
	var phones []struct{ Phone, Name, Station string }
	if err := d.list(ctx, &phones, allOfficers, row.Election, p.Regency); err != nil {
		return nil, err
	}
	stations := make(map[string]verify.Station, len(r.Stations))
	for _, s := range r.Stations {
		stations[s.Code] = s
	}
	for _, phone := range phones {
		last := len(r.Officers) - 1
		if last < 0 || r.Officers[last].Phone != phone.Phone {
			r.Officers = append(r.Officers, verify.Officer{Phone: phone.Phone, Name: phone.Name})
			last++
		}
		r.Officers[last].Stations = append(r.Officers[last].Stations, stations[phone.Station])
	}
	return verify.NewRegistry(r)
}
