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

	// What stands is in standing, what was replaced is the rest of what was in.
	entryCounts = `
WITH latest AS (
  SELECT DISTINCT ON (station, ballot, round, revision) station, ballot, round, revision, state
  FROM tally.decision WHERE election = $1 ORDER BY station, ballot, round, revision, id DESC
)
SELECT CASE WHEN s.entry = e.revision THEN s.state
            WHEN d.state IS NOT NULL THEN d.state
            WHEN e.state = 'masuk' THEN 'digantikan'
            ELSE e.state END AS state, count(*) AS entries
FROM tally.entry e
JOIN tally.standing s ON s.election = e.election AND s.station = e.station AND s.ballot = e.ballot AND s.round = e.round
LEFT JOIN latest d ON d.station = e.station AND d.ballot = e.ballot AND d.round = e.round AND d.revision = e.revision
WHERE e.election = $1
GROUP BY 1 ORDER BY 1`

	ballotCoverage = `
SELECT b.regency, b.digit, b.keyword, b.title,
  (SELECT count(*) FROM registry.station s WHERE s.election = b.election AND s.code / 1000000000 = b.regency) AS expected,
  (SELECT count(*) FROM tally.standing s
    WHERE s.election = b.election AND s.ballot = b.digit AND s.entry IS NOT NULL
      AND s.station / 1000000000 = b.regency AND s.round = p.round) AS reporting
FROM registry.ballot b
JOIN (SELECT election, regency, max(round) AS round FROM registry.profile WHERE current GROUP BY 1, 2) AS p USING (election, regency)
WHERE b.election = $1 ORDER BY b.regency, b.digit`

	ballotVotes = `
SELECT c.regency, c.ballot, c.number, c.name, coalesce(v.votes, 0) AS votes
FROM registry.contestant c
LEFT JOIN (
  SELECT s.station / 1000000000 AS regency, s.ballot, f.number, sum(f.figure) AS votes
  FROM tally.standing s
  JOIN (SELECT regency, max(round) AS round FROM registry.profile WHERE current AND election = $1 GROUP BY 1) AS p
    ON p.regency = s.station / 1000000000 AND p.round = s.round
  JOIN tally.entry e ON e.election = s.election AND e.province = (s.station / 100000000000)::smallint
    AND e.station = s.station AND e.ballot = s.ballot AND e.round = s.round AND e.revision = s.entry
  CROSS JOIN unnest(e.figures) WITH ORDINALITY AS f(figure, number)
  WHERE s.election = $1 AND s.entry IS NOT NULL
  GROUP BY 1, 2, 3
) AS v ON v.regency = c.regency AND v.ballot = c.ballot AND v.number = c.number
WHERE c.election = $1 ORDER BY c.regency, c.ballot, c.number`

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
