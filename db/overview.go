package db

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"

	"tali/verify"
)

// Overview is the state of an election at one moment, for the live page.
type Overview struct {
	At       time.Time
	Arrivals []Arrivals // of the last hour; minutes without any are left out
	Verdicts []VerdictCount
	Entries  []EntryCount
	Ballots  []BallotCoverage
	Outbox   []ReplyCount
	Gateways []GatewayRow
	Modems   []ModemRow
	Villages []VillageCoverage // by code
}

// Arrivals counts the messages that the centre stored in one minute.
type Arrivals struct {
	Minute   time.Time
	Messages int
}

// VerdictCount counts messages by what was decided.
type VerdictCount struct {
	Outcome  verify.Outcome
	Messages int
}

// EntryCount counts entries by where they stand.
type EntryCount struct {
	State   verify.State
	Entries int
}

// BallotCoverage sums what stands, in and confirmed, of one ballot. It must
// never be shown without the number of stations that have not reported.
type BallotCoverage struct {
	Keyword   string
	Title     string
	Reporting int
	Expected  int
	Votes     []ContestantVotes
}

// ContestantVotes is the sum of one row of the votes block.
type ContestantVotes struct {
	Number int
	Name   string
	Votes  int
}

// ReplyCount counts replies by state.
type ReplyCount struct {
	State   ReplyState
	Replies int
	Oldest  time.Time // queued at
}

// GatewayRow is a gateway as it was last heard of.
type GatewayRow struct {
	Name        string
	Version     string
	LastSeen    time.Time `db:"last_seen"`
	SpoolQueued int       `db:"spool_queued"`
	SnapshotAt  time.Time `db:"snapshot_at"` // of its registry snapshot; 1970 without one
	Messages    int64
	ModemsAlive int `db:"modems_alive"`
	Modems      int
}

const (
	electionID = `SELECT id FROM registry.election WHERE code = $1`

	arrivals = `
SELECT date_trunc('minute', stored_at) AS minute, count(*) AS messages
FROM intake.message WHERE stored_at > date_trunc('minute', now()) - interval '1 hour'
GROUP BY 1 ORDER BY 1`

	verdictCounts = `
SELECT outcome, count(*) AS messages FROM intake.verdict WHERE election = $1 GROUP BY 1 ORDER BY 2 DESC, 1`

	// One read of what stands instead of all facts: revisions of a case are
	// 1, 2, ..., so their sum counts its entries, and what neither stands, waits
	// nor was rejected was replaced.
	entryCounts = `
WITH s AS (
  SELECT count(*) FILTER (WHERE state = 'masuk') AS arrived, count(*) FILTER (WHERE state = 'terverifikasi') AS confirmed,
         coalesce(sum(held), 0) AS held, coalesce(sum(revision), 0) AS entries
  FROM tally.standing WHERE election = $1
), r AS (
  SELECT count(*) AS rejected FROM tally.decision d
  WHERE d.election = $1 AND d.state = 'ditolak' AND NOT EXISTS (SELECT FROM tally.decision n
    WHERE n.election = d.election AND n.station = d.station AND n.ballot = d.ballot AND n.round = d.round
      AND n.revision = d.revision AND n.id > d.id)
)
SELECT c.state, c.entries
FROM s CROSS JOIN r CROSS JOIN LATERAL (VALUES ('masuk', s.arrived), ('terverifikasi', s.confirmed), ('ditahan', s.held),
  ('ditolak', r.rejected), ('digantikan', s.entries - s.arrived - s.confirmed - s.held - r.rejected)) AS c (state, entries)
WHERE c.entries > 0 ORDER BY 1`

	ballotCoverage = `
SELECT b.regency, b.digit, b.keyword, b.title,
  (SELECT count(*) FROM registry.station s WHERE s.election = b.election AND s.code / 1000000000 = b.regency) AS expected,
  (SELECT count(*) FROM tally.standing s
    WHERE s.election = b.election AND s.ballot = b.digit AND s.entry IS NOT NULL
      AND s.station / 1000000000 = b.regency AND s.round = p.round) AS reporting
FROM registry.ballot b
JOIN (SELECT election, regency, max(round) AS round FROM registry.profile WHERE current GROUP BY 1, 2) AS p USING (election, regency)
WHERE b.election = $1 ORDER BY b.regency, b.digit`

	// The first entries are added up as they lie, without looking up which of
	// them stand: only the few cases where another one stands, or none, are
	// joined, to take the first out again and put the other in.
	ballotVotes = `
WITH p AS MATERIALIZED (
  SELECT regency, max(round) AS round FROM registry.profile WHERE current AND election = $1 GROUP BY 1
), c AS MATERIALIZED (
  SELECT regency, ballot, number, name FROM registry.contestant WHERE election = $1
), other AS MATERIALIZED (
  SELECT station, ballot, round, entry FROM tally.standing
  WHERE election = $1 AND revision > 0 AND (entry > 1 OR entry IS NULL)
), first AS (
  SELECT e.station / 1000000000 AS regency, e.ballot, n.number, sum(e.figures[n.number]) AS votes
  FROM tally.entry e
  JOIN p ON p.regency = e.station / 1000000000 AND p.round = e.round
  JOIN c AS n ON n.regency = p.regency AND n.ballot = e.ballot
  WHERE e.election = $1 AND e.revision = 1 GROUP BY 1, 2, 3
), change AS (
  SELECT o.station / 1000000000 AS regency, o.ballot, n.number, sum(CASE WHEN e.revision = 1 THEN -e.figures[n.number] ELSE e.figures[n.number] END) AS votes
  FROM other o
  JOIN tally.entry e ON e.election = $1 AND e.province = (o.station / 100000000000)::smallint
    AND e.station = o.station AND e.ballot = o.ballot AND e.round = o.round AND (e.revision = 1 OR e.revision = o.entry)
  JOIN p ON p.regency = o.station / 1000000000 AND p.round = o.round
  JOIN c AS n ON n.regency = p.regency AND n.ballot = o.ballot
  GROUP BY 1, 2, 3
)
SELECT c.regency, c.ballot, c.number, c.name, coalesce(f.votes, 0) + coalesce(x.votes, 0) AS votes
FROM c
LEFT JOIN first f USING (regency, ballot, number)
LEFT JOIN change x USING (regency, ballot, number)
ORDER BY c.regency, c.ballot, c.number`

	replyCounts = `
SELECT state, count(*) AS replies, min(queued_at) AS oldest FROM outbox.reply GROUP BY 1 ORDER BY 1`

	gatewayRows = `
SELECT g.name, g.version, g.last_seen, g.spool_queued, coalesce(g.snapshot_at, timestamptz 'epoch') AS snapshot_at,
  (SELECT coalesce(sum(messages), 0) FROM registry.gateway_intake i WHERE i.gateway = g.name) AS messages,
  (SELECT count(*) FROM registry.modem m WHERE m.gateway = g.name) AS modems,
  (SELECT count(*) FROM registry.modem m WHERE m.gateway = g.name AND m.alive) AS modems_alive
FROM registry.gateway g ORDER BY g.name`
)

// Overview reads the state of the election with that code. It reads whole
// tables: call it once for all who watch, not once for each.
func (d *DB) Overview(ctx context.Context, election string) (*Overview, error) {
	o, err := d.overview(ctx, election)
	if err != nil {
		return nil, fmt.Errorf("overview of %s: %w", election, err)
	}
	return o, nil
}

func (d *DB) overview(ctx context.Context, election string) (*Overview, error) {
	// One snapshot for all: figures that are shown beside each other must be of
	// the same moment.
	tx, err := d.cold.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, classify(err)
	}
	defer tx.Rollback()
	// The pages of the staff need the other cores.
	if _, err := tx.ExecContext(ctx, `SET LOCAL max_parallel_workers_per_gather = 0`); err != nil {
		return nil, classify(err)
	}
	o := &Overview{}
	var id int16
	if err := tx.GetContext(ctx, &id, electionID, election); err != nil {
		return nil, classify(err)
	}
	if err := tx.GetContext(ctx, &o.At, centreTime); err != nil {
		return nil, classify(err)
	}
	var ballots []struct {
		Regency, Digit, Reporting, Expected int
		Keyword, Title                      string
	}
	var votes []struct {
		Regency, Ballot, Number, Votes int
		Name                           string
	}
	for _, q := range []struct {
		into  any
		query string
		args  []any
	}{
		{&o.Arrivals, arrivals, nil},
		{&o.Verdicts, verdictCounts, []any{id}},
		{&o.Entries, entryCounts, []any{id}},
		{&ballots, ballotCoverage, []any{id}},
		{&votes, ballotVotes, []any{id}},
		{&o.Outbox, replyCounts, nil},
		{&o.Gateways, gatewayRows, nil},
		{&o.Modems, modemRows, nil},
		{&o.Villages, villageCoverage, []any{id}},
	} {
		if err := tx.SelectContext(ctx, q.into, q.query, q.args...); err != nil {
			return nil, classify(err)
		}
	}
	for _, b := range ballots {
		c := BallotCoverage{Keyword: b.Keyword, Title: b.Title, Reporting: b.Reporting, Expected: b.Expected}
		for _, v := range votes {
			if v.Regency == b.Regency && v.Ballot == b.Digit {
				c.Votes = append(c.Votes, ContestantVotes{v.Number, v.Name, v.Votes})
			}
		}
		o.Ballots = append(o.Ballots, c)
	}
	return o, nil
}

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

// The window keeps the BRIN index of use.
const recent = `
WITH newest AS (
  SELECT key, stored_at, text, gateway FROM intake.message
  WHERE stored_at > now() - $2 * interval '1 second'
  ORDER BY stored_at DESC LIMIT $1
)
SELECT n.key::text AS key, n.stored_at AS at, v.phone, n.text, v.outcome, v.reason, coalesce(v.station::text, '') AS station,
       coalesce(s.tps::text, '') AS tps, coalesce(a.name, '') AS village, n.gateway
FROM newest n
JOIN intake.verdict v ON v.message = n.key
LEFT JOIN registry.station s ON s.election = v.election AND s.code = v.station
LEFT JOIN registry.area a ON a.code = v.station / 1000
ORDER BY n.stored_at DESC, n.key`

const recentReplies = `
SELECT message::text AS message, text, state FROM outbox.reply
WHERE message = ANY ($1::uuid[]) AND id > (SELECT coalesce(max(id), 0) - 100000 FROM outbox.reply)`

// recentWindows are tried until one holds enough: on election day the first.
var recentWindows = [...]time.Duration{time.Minute, time.Hour, 24 * time.Hour, 10 * 365 * 24 * time.Hour}

// Recent lists the newest messages, at most limit of them.
func (d *DB) Recent(ctx context.Context, limit int) ([]RecentRow, error) {
	var rows []struct {
		Key string
		RecentRow
	}
	for _, window := range recentWindows {
		rows = rows[:0]
		if err := d.list(ctx, &rows, recent, limit, window.Seconds()); err != nil {
			return nil, fmt.Errorf("reading the newest messages: %w", err)
		}
		if len(rows) >= limit {
			break
		}
	}
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = rows[i].Key
	}
	var replies []struct {
		Message, Text string
		State         ReplyState
	}
	if err := d.list(ctx, &replies, recentReplies, pq.Array(keys)); err != nil {
		return nil, fmt.Errorf("reading the newest replies: %w", err)
	}
	place := make(map[string]int, len(rows))
	out := make([]RecentRow, len(rows))
	for i := range rows {
		out[i] = rows[i].RecentRow
		out[i].Phone = maskPhone(out[i].Phone)
		place[rows[i].Key] = i
	}
	for _, r := range replies {
		out[place[r.Message]].Reply, out[place[r.Message]].ReplyState = r.Text, r.State
	}
	return out, nil
}

// maskPhone leaves the country code and the last three digits.
func maskPhone(phone string) string {
	if len(phone) < 8 || phone[0] != '+' {
		return strings.Repeat("*", min(len(phone), 8))
	}
	return phone[:3] + strings.Repeat("*", len(phone)-6) + phone[len(phone)-3:]
}
