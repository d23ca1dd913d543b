package db

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"tali/verify"
)

// Overview is the state of an election at one moment, for the live page.
type Overview struct {
	At       time.Time
	Counted  time.Time  // what was stored before is counted
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

	// A desk that has just started on a centre that took in much without it is
	// behind: then the counts are of an earlier moment.
	countedUntil = `
SELECT CASE WHEN until < now() - interval '2 minutes' AND until > '2001-01-01Z' THEN until ELSE now() END FROM desk.lookup_mark`

	arrivals = `
SELECT minute, messages FROM desk.minute_count WHERE minute >= date_trunc('minute', now()) - interval '1 hour' ORDER BY minute`

	verdictCounts = `
SELECT outcome, messages FROM desk.message_count WHERE election = $1 ORDER BY messages DESC, outcome`

	entryCounts = `
WITH b AS (
  SELECT coalesce(sum(arrived), 0) AS arrived, coalesce(sum(confirmed), 0) AS confirmed, coalesce(sum(held), 0) AS held,
         coalesce(sum(rejected), 0) AS rejected, coalesce(sum(entries), 0) AS entries
  FROM desk.ballot_count WHERE election = $1
)
SELECT c.state, c.entries
FROM b CROSS JOIN LATERAL (VALUES ('masuk', arrived), ('terverifikasi', confirmed), ('ditahan', held),
  ('ditolak', rejected), ('digantikan', b.entries - arrived - confirmed - held - rejected)) AS c (state, entries)
WHERE c.entries > 0 ORDER BY 1`

	ballotCoverage = `
SELECT b.regency, b.digit, b.keyword, b.title,
  (SELECT coalesce(sum(s.stations), 0) FROM desk.station_count s
    WHERE s.election = b.election AND s.village BETWEEN b.regency * 1000000::bigint AND b.regency * 1000000::bigint + 999999) AS expected,
  coalesce((SELECT c.arrived + c.confirmed FROM desk.ballot_count c
    WHERE c.election = b.election AND c.regency = b.regency AND c.ballot = b.digit AND c.round = p.round), 0) AS reporting
FROM registry.ballot b
JOIN (SELECT election, regency, max(round) AS round FROM registry.profile WHERE current GROUP BY 1, 2) AS p USING (election, regency)
WHERE b.election = $1 ORDER BY b.regency, b.digit`

	ballotVotes = `
SELECT c.regency, c.ballot, c.number, c.name, coalesce(v.votes, 0) AS votes
FROM registry.contestant c
JOIN (SELECT regency, max(round) AS round FROM registry.profile WHERE current AND election = $1 GROUP BY 1) AS p USING (regency)
LEFT JOIN desk.vote_count v ON v.election = c.election AND v.regency = c.regency AND v.ballot = c.ballot AND v.round = p.round AND v.line = c.number
WHERE c.election = $1 ORDER BY c.regency, c.ballot, c.number`

	replyCounts = `
SELECT state, sum(replies) AS replies
FROM (SELECT state, replies FROM desk.reply_count UNION ALL SELECT state, replies FROM desk.reply_change) AS r
GROUP BY 1 HAVING sum(replies) > 0 ORDER BY 1`

	gatewayRows = `
SELECT g.name, g.version, g.last_seen, g.spool_queued, coalesce(g.snapshot_at, timestamptz 'epoch') AS snapshot_at,
  (SELECT coalesce(sum(messages), 0) FROM registry.gateway_intake i WHERE i.gateway = g.name) AS messages,
  (SELECT count(*) FROM registry.modem m WHERE m.gateway = g.name) AS modems,
  (SELECT count(*) FROM registry.modem m WHERE m.gateway = g.name AND m.alive) AS modems_alive
FROM registry.gateway g ORDER BY g.name`
)

// counting are the queries that count.
type counting struct{ arrivals, verdicts, entries, ballots, votes, replies, villages string }

func kept() counting {
	return counting{arrivals, verdictCounts, entryCounts, ballotCoverage, ballotVotes, replyCounts, villageCoverage}
}

// Overview reads the state of the election with that code from counts that are
// kept beside the facts: what the gateways store is in them once CountUp and
// FillLookup have brought it there.
func (d *DB) Overview(ctx context.Context, election string) (*Overview, error) {
	o, err := d.overview(ctx, election, kept())
	if err != nil {
		return nil, fmt.Errorf("overview of %s: %w", election, err)
	}
	return o, nil
}

func (d *DB) overview(ctx context.Context, election string, by counting) (*Overview, error) {
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
	if err := tx.GetContext(ctx, &o.Counted, countedUntil); err != nil {
		return nil, classify(err)
	}
	var ballots []ballotRow
	var votes []voteRow
	for _, q := range []struct {
		into  any
		query string
		args  []any
	}{
		{&o.Arrivals, by.arrivals, nil},
		{&o.Verdicts, by.verdicts, []any{id}},
		{&o.Entries, by.entries, []any{id}},
		{&ballots, by.ballots, []any{id}},
		{&votes, by.votes, []any{id}},
		{&o.Outbox, by.replies, nil},
		{&o.Gateways, gatewayRows, nil},
		{&o.Modems, modemRows, nil},
		{&o.Villages, by.villages, []any{id}},
	} {
		if err := tx.SelectContext(ctx, q.into, q.query, q.args...); err != nil {
			return nil, classify(err)
		}
	}
	o.addBallots(ballots, votes)
	return o, nil
}

type ballotRow struct {
	Regency, Digit, Reporting, Expected int
	Keyword, Title                      string
}

type voteRow struct {
	Regency, Ballot, Number, Votes int
	Name                           string
}

func (o *Overview) addBallots(ballots []ballotRow, votes []voteRow) {
	for _, b := range ballots {
		c := BallotCoverage{Keyword: b.Keyword, Title: b.Title, Reporting: b.Reporting, Expected: b.Expected}
		for _, v := range votes {
			if v.Regency == b.Regency && v.Ballot == b.Digit {
				c.Votes = append(c.Votes, ContestantVotes{v.Number, v.Name, v.Votes})
			}
		}
		o.Ballots = append(o.Ballots, c)
	}
}

// maskPhone leaves the country code and the last three digits.
func maskPhone(phone string) string {
	if len(phone) < 8 || phone[0] != '+' {
		return strings.Repeat("*", min(len(phone), 8))
	}
	return phone[:3] + strings.Repeat("*", len(phone)-6) + phone[len(phone)-3:]
}
