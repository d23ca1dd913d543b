package db

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tali/parser"
	"tali/verify"
)

// lookupSlack is longer than any intake transaction: what was stored so long
// before the mark is in, and what is younger is looked at again.
const lookupSlack = 35 * time.Second

const (
	lockLookup = `SELECT pg_try_advisory_xact_lock(hashtextextended('desk.lookup', 0))`

	// The first message is where a fresh centre begins: no window before it.
	lookupMark = `
SELECT greatest(m.until, coalesce((SELECT min(stored_at) FROM intake.message WHERE m.until < '2001-01-01Z'), m.until)) FROM desk.lookup_mark m`

	fillLookup = `
INSERT INTO desk.lookup (message, stored_at, election, phone, station, ballot, revision, outcome, reply, words)
SELECT m.key, m.stored_at, v.election, v.phone, v.station, v.ballot, v.revision, v.outcome, r.id,
       to_tsvector('simple', left(m.text, 4000)) || CASE WHEN e.proof <> '' THEN array_to_tsvector(ARRAY['proof/' || lower(e.proof)]) ELSE ''::tsvector END
FROM intake.message m
JOIN intake.verdict v ON v.message = m.key
LEFT JOIN outbox.reply r ON r.message = m.key AND r.queued_at >= $1 AND r.queued_at < $2
LEFT JOIN tally.entry e ON e.station = v.station AND e.ballot = v.ballot AND e.revision = v.revision AND e.election = v.election
  AND e.province = (v.station / 100000000000)::smallint AND e.message = m.key
WHERE m.stored_at >= $1 AND m.stored_at < $2 AND NOT EXISTS (SELECT FROM desk.lookup l WHERE l.message = m.key)
ON CONFLICT (message) DO NOTHING`

	moveLookup = `UPDATE desk.lookup_mark SET until = $1`
)

// FillLookup brings what the intake has stored into what the staff search in;
// more says that it has not caught up. Of several that call it, one works.
func (d *DB) FillLookup(ctx context.Context) (more bool, err error) {
	err = d.cold.within(ctx, func(t *transaction) error {
		var mine bool
		if err := t.tx.GetContext(ctx, &mine, lockLookup); err != nil || !mine {
			return err
		}
		var mark, now time.Time
		if err := t.tx.GetContext(ctx, &mark, lookupMark); err != nil {
			return err
		}
		if err := t.tx.GetContext(ctx, &now, centreTime); err != nil {
			return err
		}
		until := now.Add(time.Second)
		if step := mark.Add(10 * time.Minute); step.Before(now) {
			until, more = step, true
		}
		if _, err := t.tx.ExecContext(ctx, fillLookup, mark, until); err != nil {
			return err
		}
		if settled := now.Add(-lookupSlack); settled.Before(until) {
			until = settled
		}
		if until.Before(mark) {
			return nil
		}
		_, err := t.tx.ExecContext(ctx, moveLookup, until)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("filling the search: %w", err)
	}
	return more, nil
}

// LogRow is one SMS of the message log with its answer.
type LogRow struct {
	Key      string
	At       time.Time // stored
	Phone    string
	Text     string
	Outcome  verify.Outcome
	Station  string
	TPS      string
	Village  string
	Number   int
	Ballot   string // keyword
	Revision int
	Reply    string
	Kind     string     // of the reply
	State    ReplyState // of the reply; empty when there is none
	ReplyAt  time.Time  `db:"reply_at"`
	Gateway  string
}

// LogCursor is a place in the log, newest first.
type LogCursor struct {
	At  time.Time
	Key string
}

// String carries the place through an address.
func (c LogCursor) String() string { return strconv.FormatInt(c.At.UnixMicro(), 10) + "~" + c.Key }

// ParseLogCursor reads what String wrote; anything else is the newest.
func ParseLogCursor(text string) LogCursor {
	micro, key, _ := strings.Cut(text, "~")
	at, err := strconv.ParseInt(micro, 10, 64)
	if _, bad := parseKey(key); err != nil || bad != nil || len(key) != 36 {
		return LogCursor{At: time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC), Key: "ffffffff-ffff-ffff-ffff-ffffffffffff"}
	}
	return LogCursor{time.UnixMicro(at), key}
}

// LogQuery says which messages are wanted; one of Phone, Station and Words at
// most is set.
type LogQuery struct {
	Phone   string
	Station string
	Words   string // all of them
	Proof   string // code of a receipt
	Before  LogCursor
	Limit   int
}

const (
	logColumns = `
SELECT l.message::text AS key, l.stored_at AS at, l.phone, coalesce(m.text, '') AS text, l.outcome, coalesce(l.station::text, '') AS station,
       coalesce(s.tps::text, '') AS tps, coalesce(v.name, '') AS village, coalesce(l.station % 1000, 0)::integer AS number,
       coalesce(b.keyword, '') AS ballot, coalesce(l.revision, 0) AS revision, coalesce(r.text, '') AS reply, coalesce(r.kind, '') AS kind,
       coalesce(r.state, '') AS state, coalesce(r.closed_at, 'epoch') AS reply_at, coalesce(m.gateway, '') AS gateway
FROM page l
LEFT JOIN intake.message m ON m.key = l.message
LEFT JOIN outbox.reply r ON r.id = l.reply
LEFT JOIN registry.station s ON s.code = l.station AND s.election = l.election
LEFT JOIN registry.area v ON v.code = l.station / 1000
LEFT JOIN registry.ballot b ON b.election = l.election AND b.regency = $2 AND b.digit = l.ballot
ORDER BY l.stored_at DESC, l.message DESC`

	logPage = `
  SELECT message, stored_at, election, phone, station, ballot, revision, outcome, reply FROM desk.lookup
  WHERE election = $1 AND (stored_at, message) < ($3::timestamptz, $4::uuid)`

	logOrder = ` ORDER BY stored_at DESC, message DESC LIMIT $5`

	logAll       = `WITH page AS MATERIALIZED (` + logPage + logOrder + `)` + logColumns
	logByPhone   = `WITH page AS MATERIALIZED (` + logPage + ` AND phone = $6` + logOrder + `)` + logColumns
	logByStation = `WITH page AS MATERIALIZED (` + logPage + ` AND station = $6` + logOrder + `)` + logColumns

	// A word that stands in many SMS stands in the newest ones: they are looked
	// through first, and few rows come from the index then.
	logNewest = `
WITH newest AS MATERIALIZED (
  SELECT message, stored_at, election, phone, station, ballot, revision, outcome, reply, words FROM desk.lookup
  WHERE election = $1 AND (stored_at, message) < ($3::timestamptz, $4::uuid) ORDER BY stored_at DESC, message DESC LIMIT 2000
), page AS MATERIALIZED (
  SELECT message, stored_at, election, phone, station, ballot, revision, outcome, reply FROM newest
  WHERE words @@ $6::tsquery` + logOrder + `
)` + logColumns

	// Words are found first and sorted then: a word that stands in every SMS
	// must not sort them all.
	logByWords = `
WITH found AS MATERIALIZED (
  SELECT message FROM desk.lookup WHERE words @@ $6::tsquery LIMIT 500
), page AS MATERIALIZED (` + logPage + ` AND message IN (SELECT message FROM found)` + logOrder + `)` + logColumns
)

// MessageLog lists messages, the newest first, with what answered them.
func (d *DB) MessageLog(ctx context.Context, p *parser.Profile, q LogQuery) ([]LogRow, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return nil, err
	}
	if q.Before.Key == "" {
		q.Before = ParseLogCursor("")
	}
	args := []any{row.Election, p.Regency, q.Before.At, q.Before.Key, q.Limit}
	query := logAll
	switch {
	case q.Phone != "":
		query, args = logByPhone, append(args, q.Phone)
	case q.Station != "":
		station, err := strconv.ParseInt(q.Station, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: %s", ErrNoCase, q.Station)
		}
		query, args = logByStation, append(args, station)
	case q.Proof != "":
		query, args = logByWords, append(args, quoteWord("proof/"+strings.ToLower(q.Proof)))
	case q.Words != "":
		words := tsquery(q.Words)
		if words == "" {
			return nil, nil
		}
		args = append(args, words)
		rows, err := d.logRows(ctx, logNewest, args)
		if err != nil || len(rows) == q.Limit {
			return rows, err
		}
		query = logByWords
	}
	return d.logRows(ctx, query, args)
}

func (d *DB) logRows(ctx context.Context, query string, args []any) ([]LogRow, error) {
	var rows []LogRow
	if err := d.pageList(ctx, &rows, query, args...); err != nil {
		return nil, fmt.Errorf("reading the message log: %w", err)
	}
	return rows, nil
}

// mostWords of a search are looked for.
const mostWords = 8

// tsquery asks for all words, each as a beginning. Nothing typed is an operator.
func tsquery(text string) string {
	var parts []string
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(parts) < mostWords {
			parts = append(parts, quoteWord(w)+":*")
		}
	}
	return strings.Join(parts, " & ")
}

func quoteWord(w string) string {
	return "'" + strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(w) + "'"
}

// StationHit is a station that a search found, with where its ballots stand.
type StationHit struct {
	Code     string
	TPS      string
	Village  string
	Number   int
	District string
	States   string // "PILBUP masuk, PILGUB terverifikasi"
}

const (
	stationHitColumns = `
SELECT p.code::text AS code, p.tps::text AS tps, v.name AS village, (p.code % 1000)::integer AS number, coalesce(d.name, '') AS district,
       coalesce((SELECT string_agg(b.keyword || ' ' || coalesce(t.state, CASE WHEN t.held > 0 THEN 'ditahan' ELSE '-' END), ', ' ORDER BY t.ballot)
         FROM tally.standing t JOIN registry.ballot b ON b.election = t.election AND b.regency = t.station / 1000000000 AND b.digit = t.ballot
        WHERE t.station = p.code AND t.election = p.election AND t.round = $2), '') AS states
FROM page p
JOIN registry.area v ON v.code = p.code / 1000
LEFT JOIN registry.area d ON d.code = p.code / 10000000
ORDER BY p.code`

	stationsByCode = `
WITH page AS MATERIALIZED (
  SELECT code, tps, election FROM registry.station WHERE election = $1 AND code BETWEEN $3 AND $4 ORDER BY code LIMIT $5
)` + stationHitColumns

	stationsByTPS = `
WITH page AS MATERIALIZED (
  SELECT code, tps, election FROM registry.station WHERE election = $1 AND tps = $3 AND code / 1000000000 = $4 LIMIT $5
)` + stationHitColumns

	stationsByVillage = `
WITH area AS MATERIALIZED (
  SELECT code FROM registry.area WHERE lower(name) ~>=~ $3 AND lower(name) ~<~ $6 AND code BETWEEN $4::bigint * 1000000 AND $4::bigint * 1000000 + 999999 ORDER BY code LIMIT 50
), page AS MATERIALIZED (
  SELECT s.code, s.tps, s.election FROM area a CROSS JOIN LATERAL (
    SELECT code, tps, election FROM registry.station WHERE code BETWEEN a.code * 1000 AND a.code * 1000 + 999 AND election = $1 ORDER BY code LIMIT $5) AS s
  ORDER BY s.code LIMIT $5
)` + stationHitColumns
)

// FindStations looks for stations by their codes, whole or begun, or by the
// beginning of their village's name.
func (d *DB) FindStations(ctx context.Context, p *parser.Profile, text string, limit int) ([]StationHit, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return nil, err
	}
	text = strings.TrimSpace(text)
	name := strings.ToLower(text)
	query, args := stationsByVillage, []any{name, p.Regency}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		switch {
		case parser.TPSCode(text).Valid():
			query, args = stationsByTPS, []any{n, p.Regency}
		case len(text) <= 13:
			lo, hi := StationsUnder(n)
			query, args = stationsByCode, []any{lo, hi}
		}
	}
	args = append([]any{row.Election, p.Round}, append(args, limit)...)
	if query == stationsByVillage {
		args = append(args, name+string(unicode.MaxRune)) // behind all that begin so
	}
	var hits []StationHit
	if err := d.pageList(ctx, &hits, query, args...); err != nil {
		return nil, fmt.Errorf("looking for stations: %w", err)
	}
	return hits, nil
}
