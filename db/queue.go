package db

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"tali/parser"
	"tali/verify"
)

// QueueKind is a sort of thing that needs a person.
type QueueKind string

// The kinds, in the order in which equals stand in the queue.
const (
	QueueCase     QueueKind = "case"     // an entry that waits, or several
	QueueTyping   QueueKind = "typing"   // keyed in once: a second person must
	QueueQuestion QueueKind = "question" // nobody answered in time
	QueueMessage  QueueKind = "message"  // an SMS in quarantine
)

func (k QueueKind) rank() int {
	return slices.Index([]QueueKind{QueueCase, QueueTyping, QueueQuestion, QueueMessage}, k)
}

// QueueView is the part of the queue that somebody looks at.
type QueueView string

// The parts.
const (
	ViewAll       QueueView = "all"
	ViewConflict  QueueView = "conflict" // something is held
	ViewFlagged   QueueView = "flagged"  // nothing is held, a soft rule was touched
	ViewPlain     QueueView = "plain"    // neither
	ViewTyping    QueueView = "typing"
	ViewQuestions QueueView = "questions"
	ViewMessages  QueueView = "messages"
	ViewForm      QueueView = "form"     // taken by FORM: a call comes before confirming
	ViewUnproven  QueueView = "unproven" // no code has proven who sent it
)

// QueueViews are all parts.
func QueueViews() []QueueView {
	return []QueueView{ViewAll, ViewConflict, ViewFlagged, ViewPlain, ViewTyping, ViewQuestions, ViewMessages, ViewForm, ViewUnproven}
}

// questionRisk places a question that nobody answered between flags and
// conflicts.
const questionRisk = 5

// QueueItem is one line of the queue.
type QueueItem struct {
	Kind     QueueKind
	Risk     int
	Since    time.Time
	Station  string // 13 digits; empty where none is known
	Ballot   string // keyword; may be empty
	TPS      string
	Village  string
	Number   int
	State    verify.State // of what stands; empty when nothing does
	Held     int
	Entry    int // that stands
	Revision int
	Flags    []verify.Flag
	Agreed   string // who has proposed something, as the first of two
	Proposes verify.Act
	Message  string // key
	Outcome  string // of a message; kind of a question
	Phone    string
	Text     string
	Claim    string // who has it open
	Subject  string
}

// QueueCursor is the place behind an item; the zero cursor is the front.
type QueueCursor struct {
	Risk  int
	Since time.Time
	Kind  QueueKind
	ID    string // station/ballot, or a message's key
}

// Cursor is the place behind i.
func (i QueueItem) Cursor() QueueCursor {
	c := QueueCursor{Risk: i.Risk, Since: i.Since, Kind: i.Kind, ID: i.Message}
	if i.Kind == QueueCase || i.Kind == QueueTyping {
		c.ID = i.Station + "/" + i.Ballot
	}
	return c
}

// String and ParseQueueCursor carry a place through a page's address.
func (c QueueCursor) String() string {
	return fmt.Sprintf("%d~%d~%s~%s", c.Risk, c.Since.UnixMicro(), c.Kind, c.ID)
}

// ParseQueueCursor reads what String wrote; anything else is the front.
func ParseQueueCursor(text string) QueueCursor {
	parts := strings.Split(text, "~")
	if len(parts) != 4 {
		return QueueCursor{}
	}
	risk, err1 := strconv.Atoi(parts[0])
	micro, err2 := strconv.ParseInt(parts[1], 10, 64)
	if err1 != nil || err2 != nil || QueueKind(parts[2]).rank() < 0 || risk < 0 || risk > math.MaxInt16 {
		return QueueCursor{}
	}
	return QueueCursor{Risk: risk, Since: time.UnixMicro(micro), Kind: QueueKind(parts[2]), ID: parts[3]}
}

// QueueQuery says which part of the queue is wanted.
type QueueQuery struct {
	View  QueueView
	Area  int64 // stations under this area code; 0: all
	After QueueCursor
	Limit int
}

// caseFront are the cases that wait, from a place on.
const caseFront = `
  SELECT station, ballot, round, election, risk, since, state, held, entry, revision, version
  FROM tally.standing
  WHERE election = $1 AND round = $2 AND (state = 'masuk' OR held > 0) AND (-risk) BETWEEN $3 AND $4
    AND station BETWEEN $5 AND $6
    AND ((-risk), since, station, ballot) > ($7::smallint, $8::timestamptz, $9::bigint, $10::smallint)`

const caseOrder = `
  ORDER BY (-risk), since, station, ballot LIMIT $11`

const caseColumns = `
SELECT 'case' AS kind, p.risk, p.since, p.station::text AS station, b.keyword AS ballot, s.tps::text AS tps, v.name AS village,
       (p.station % 1000)::integer AS number, coalesce(p.state, '') AS state, p.held, coalesce(p.entry, 0) AS entry, p.revision,
       coalesce(e.flags, '{}') AS flags, coalesce(a.staff, '') AS agreed, coalesce(a.proposes, '') AS proposes,
       coalesce(e.message::text, '') AS message, '' AS outcome, coalesce(e.phone, '') AS phone, '' AS text,
       coalesce(c.staff, '') AS claim, 'c:' || p.election || ':' || p.station || ':' || p.ballot || ':' || p.round AS subject
FROM page p
JOIN registry.station s ON s.code = p.station AND s.election = p.election
JOIN registry.area v ON v.code = p.station / 1000
JOIN registry.ballot b ON b.election = p.election AND b.regency = p.station / 1000000000 AND b.digit = p.ballot
LEFT JOIN tally.entry e ON e.station = p.station AND e.ballot = p.ballot AND e.round = p.round AND e.election = p.election
  AND e.province = (p.station / 100000000000)::smallint AND e.revision = coalesce(p.entry, p.revision)
LEFT JOIN desk.claim c ON c.subject = 'c:' || p.election || ':' || p.station || ':' || p.ballot || ':' || p.round AND c.until > now()
LEFT JOIN LATERAL (SELECT r.staff, r.proposes FROM tally.remark r
  WHERE r.station = p.station AND r.ballot = p.ballot AND r.round = p.round AND r.election = p.election
    AND r.kind = 'agree' AND r.version = p.version ORDER BY r.id DESC LIMIT 1) AS a ON true
ORDER BY (-p.risk), p.since, p.station, p.ballot`

const (
	queueCases    = `WITH page AS MATERIALIZED (` + caseFront + caseOrder + `)` + caseColumns
	queueForms    = `WITH page AS MATERIALIZED (` + caseFront + ` AND form` + caseOrder + `)` + caseColumns
	queueUnproven = `WITH page AS MATERIALIZED (` + caseFront + ` AND unproven` + caseOrder + `)` + caseColumns

	queueTypings = `
WITH page AS MATERIALIZED (
  SELECT station, ballot, round, election, risk, since FROM desk.typing_task
  WHERE election = $1 AND round = $2 AND station BETWEEN $3 AND $4
    AND ((-risk), since, station, ballot) > ($5::smallint, $6::timestamptz, $7::bigint, $8::smallint)
  ORDER BY (-risk), since, station, ballot LIMIT $9
)
SELECT 'typing' AS kind, p.risk, p.since, p.station::text AS station, b.keyword AS ballot, s.tps::text AS tps, v.name AS village,
       (p.station % 1000)::integer AS number, '' AS state, 0 AS held, 0 AS entry, 0 AS revision, '{}'::text[] AS flags,
       coalesce(y.staff, '') AS agreed, '' AS proposes, '' AS message, coalesce(y.source, '') AS outcome, '' AS phone, '' AS text,
       coalesce(c.staff, '') AS claim, 'c:' || p.election || ':' || p.station || ':' || p.ballot || ':' || p.round AS subject
FROM page p
JOIN registry.station s ON s.code = p.station AND s.election = p.election
JOIN registry.area v ON v.code = p.station / 1000
JOIN registry.ballot b ON b.election = p.election AND b.regency = p.station / 1000000000 AND b.digit = p.ballot
LEFT JOIN LATERAL (SELECT staff, source FROM tally.typing
  WHERE station = p.station AND ballot = p.ballot AND round = p.round AND election = p.election ORDER BY id DESC LIMIT 1) AS y ON true
LEFT JOIN desk.claim c ON c.subject = 'c:' || p.election || ':' || p.station || ':' || p.ballot || ':' || p.round AND c.until > now()
ORDER BY (-p.risk), p.since, p.station, p.ballot`

	queueQuestions = `
WITH page AS MATERIALIZED (
  SELECT phone, ballot, election, kind, message, station, draft, asked_at FROM intake.question
  WHERE election = $1 AND round = $2 AND handled IS DISTINCT FROM message AND asked_at <= $3
    AND ($4::bigint = 0 OR station BETWEEN $4 AND $5)
    AND (asked_at, message) > ($6::timestamptz, $7::uuid)
  ORDER BY asked_at, message LIMIT $8
)
SELECT 'question' AS kind, 5 AS risk, p.asked_at AS since, coalesce(p.station::text, '') AS station, coalesce(b.keyword, '') AS ballot,
       coalesce(s.tps::text, '') AS tps, coalesce(v.name, '') AS village, coalesce(p.station % 1000, 0)::integer AS number, '' AS state,
       0 AS held, 0 AS entry, 0 AS revision, '{}'::text[] AS flags, '' AS agreed, '' AS proposes, p.message::text AS message,
       p.kind AS outcome, p.phone, p.draft AS text, coalesce(c.staff, '') AS claim, 'm:' || p.message AS subject
FROM page p
LEFT JOIN registry.ballot b ON b.election = p.election AND b.regency = $9 AND b.digit = p.ballot
LEFT JOIN registry.station s ON s.code = p.station AND s.election = p.election
LEFT JOIN registry.area v ON v.code = p.station / 1000
LEFT JOIN desk.claim c ON c.subject = 'm:' || p.message AND c.until > now()
ORDER BY p.asked_at, p.message`

	queueMessages = `
WITH page AS MATERIALIZED (
  SELECT message, election, station, ballot, kind, phone, risk, since FROM desk.task
  WHERE election = $1 AND ($2::bigint = 0 OR station BETWEEN $2 AND $3)
    AND ((-risk), since, message) > ($4::smallint, $5::timestamptz, $6::uuid)
  ORDER BY (-risk), since, message LIMIT $7
)
SELECT 'message' AS kind, p.risk, p.since, coalesce(p.station::text, '') AS station, coalesce(b.keyword, '') AS ballot,
       coalesce(s.tps::text, '') AS tps, coalesce(v.name, '') AS village, coalesce(p.station % 1000, 0)::integer AS number, '' AS state,
       0 AS held, 0 AS entry, 0 AS revision, '{}'::text[] AS flags, '' AS agreed, '' AS proposes, p.message::text AS message,
       p.kind AS outcome, p.phone, coalesce(m.text, '') AS text, coalesce(c.staff, '') AS claim, 'm:' || p.message AS subject
FROM page p
LEFT JOIN intake.message m ON m.key = p.message
LEFT JOIN registry.ballot b ON b.election = p.election AND b.regency = $8 AND b.digit = p.ballot
LEFT JOIN registry.station s ON s.code = p.station AND s.election = p.election
LEFT JOIN registry.area v ON v.code = p.station / 1000
LEFT JOIN desk.claim c ON c.subject = 'm:' || p.message AND c.until > now()
ORDER BY (-p.risk), p.since, p.message`
)

// Queue lists what needs a person, by risk and age.
func (d *DB) Queue(ctx context.Context, p *parser.Profile, q QueueQuery, now time.Time) ([]QueueItem, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return nil, err
	}
	r := queueReader{d: d, p: p, election: row.Election, q: q, now: now}
	for _, read := range []func(context.Context) error{r.cases, r.typings, r.questions, r.messages} {
		if err := read(ctx); err != nil {
			return nil, fmt.Errorf("reading the queue: %w", err)
		}
	}
	slices.SortStableFunc(r.items, compareItems)
	return r.items[:min(len(r.items), q.Limit)], nil
}

func compareItems(a, b QueueItem) int {
	return cmp.Or(cmp.Compare(b.Risk, a.Risk), a.Since.Compare(b.Since), cmp.Compare(a.Kind.rank(), b.Kind.rank()))
}

// queueReader reads one page of each source, which together hold the page.
type queueReader struct {
	d        *DB
	p        *parser.Profile
	election int16
	q        QueueQuery
	now      time.Time
	items    []QueueItem
}

// risks is the part of the cases that is wanted, as the index has it; false
// when none is.
func (r *queueReader) risks() (lo, hi int, ok bool) {
	switch r.q.View {
	case ViewAll, ViewForm, ViewUnproven, "":
		return -math.MaxInt16, 0, true
	case ViewConflict:
		return -math.MaxInt16, -10, true
	case ViewFlagged:
		return -9, -1, true
	case ViewPlain:
		return 0, 0, true
	}
	return 0, 0, false
}

func (r *queueReader) wants(v QueueView) bool {
	return r.q.View == ViewAll || r.q.View == "" || r.q.View == v
}

// after is where a source goes on: behind everything that was shown, and its
// own items of the same risk and time only where those were shown too.
func (r *queueReader) after(kind QueueKind) (risk int, since time.Time, own, whole bool) {
	c := r.q.After
	if c.Kind == "" {
		return -math.MaxInt16, time.Time{}, false, false
	}
	return -c.Risk, c.Since, kind == c.Kind, kind.rank() < c.Kind.rank()
}

// afterCase is after for sources whose items are cases.
func (r *queueReader) afterCase(kind QueueKind) (args []any) {
	risk, since, own, whole := r.after(kind)
	station, ballot := int64(-1), 0
	switch {
	case own:
		code, keyword, _ := strings.Cut(r.q.After.ID, "/")
		station, _ = strconv.ParseInt(code, 10, 64)
		if b := r.p.Ballot(keyword); b != nil {
			ballot = int(b.Digit - '0')
		}
	case whole:
		station = math.MaxInt64
	}
	return []any{risk, since, station, ballot}
}

// afterMessage is after for sources whose items are messages.
func (r *queueReader) afterMessage(kind QueueKind) (risk int, since time.Time, key string) {
	risk, since, own, whole := r.after(kind)
	key = "00000000-0000-0000-0000-000000000000"
	switch {
	case own:
		if _, err := parseKey(r.q.After.ID); err == nil {
			key = r.q.After.ID
		}
	case whole:
		key = "ffffffff-ffff-ffff-ffff-ffffffffffff"
	}
	return risk, since, key
}

// stations is the range of codes under the area.
func (r *queueReader) stations() (lo, hi int64) { return StationsUnder(r.q.Area) }

// StationsUnder is the range of station codes under an area; all for 0.
func StationsUnder(area int64) (lo, hi int64) {
	if area <= 0 {
		return 0, math.MaxInt64
	}
	lo, hi = area, area+1
	for lo < 1_000_000_000_000 {
		lo, hi = lo*10, hi*10
	}
	return lo, hi - 1
}

func (r *queueReader) read(ctx context.Context, query string, args ...any) error {
	var rows []struct {
		QueueItem
		Flags pq.StringArray
	}
	if err := r.d.pageList(ctx, &rows, query, args...); err != nil {
		return err
	}
	for _, row := range rows {
		item := row.QueueItem
		item.Flags = flagsOf(row.Flags)
		r.items = append(r.items, item)
	}
	return nil
}

func (r *queueReader) cases(ctx context.Context) error {
	least, most, ok := r.risks()
	if !ok {
		return nil
	}
	lo, hi := r.stations()
	args := append([]any{r.election, r.p.Round, least, most, lo, hi}, r.afterCase(QueueCase)...)
	args = append(args, r.q.Limit)
	query := queueCases
	switch r.q.View {
	case ViewForm:
		query = queueForms
	case ViewUnproven:
		query = queueUnproven
	}
	return r.read(ctx, query, args...)
}

func (r *queueReader) typings(ctx context.Context) error {
	if !r.wants(ViewTyping) {
		return nil
	}
	lo, hi := r.stations()
	args := append([]any{r.election, r.p.Round, lo, hi}, r.afterCase(QueueTyping)...)
	return r.read(ctx, queueTypings, append(args, r.q.Limit)...)
}

func (r *queueReader) questions(ctx context.Context) error {
	risk, since, key := r.afterMessage(QueueQuestion)
	switch {
	case !r.wants(ViewQuestions) || -risk < questionRisk:
		return nil
	case -risk > questionRisk: // none was shown yet
		since, key = time.Time{}, "00000000-0000-0000-0000-000000000000"
	}
	lo, hi := r.stations()
	if r.q.Area <= 0 {
		lo = 0
	}
	return r.read(ctx, queueQuestions, r.election, r.p.Round, r.now.Add(-r.p.QuestionTTL), lo, hi, since, key, r.q.Limit, r.p.Regency)
}

func (r *queueReader) messages(ctx context.Context) error {
	if !r.wants(ViewMessages) {
		return nil
	}
	risk, since, key := r.afterMessage(QueueMessage)
	lo, hi := r.stations()
	if r.q.Area <= 0 {
		lo = 0
	}
	return r.read(ctx, queueMessages, r.election, lo, hi, risk, since, key, r.q.Limit, r.p.Regency)
}
