package db

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"tali/parser"
	"tali/verify"
)

// known is what a batch is decided by.
type known struct {
	facts    verify.Facts
	bindings map[string][]binding                    // by phone, of all times
	stood    map[verify.CaseKey]*standing            // as loaded, then carried forward
	asked    map[verify.QuestionKey]*verify.Question // changed by the batch; nil: settled
}

// standing is a row of tally.standing on its way from loaded to written.
type standing struct {
	loaded   int // version that the write must find; 0: no row
	revision int
	entry    int // revision that stands, 0 none
	held     int
	flags    int // of the entry that stands
	state    verify.State
	touched  bool
}

// newKnown knows nothing of n messages yet.
func (in *intake) newKnown(n int) *known {
	return &known{
		facts: verify.Facts{
			Known:           make(map[verify.Key]bool, n),
			Officers:        make(map[string]*verify.Officer, n),
			Cases:           make(map[verify.CaseKey]*verify.Case, n),
			Own:             in.own,
			Questions:       make(map[verify.QuestionKey]*verify.Question),
			UnknownAnswered: make(map[string]bool),
			RegencyKey:      in.batch.Key,
		},
		bindings: make(map[string][]binding, n),
		stood:    make(map[verify.CaseKey]*standing, n),
		asked:    make(map[verify.QuestionKey]*verify.Question),
	}
}

// loadFacts reads what messages lo to hi are decided by, beside the registry, in
// four statements whatever their number.
func (in *intake) loadFacts(ctx context.Context, t *transaction, k *known, lo, hi int) error {
	if err := in.loadKnown(ctx, t, k, lo, hi); err != nil {
		return fmt.Errorf("loading known keys: %w", err)
	}
	if err := in.loadNeutral(ctx, t, k, lo, hi); err != nil {
		return fmt.Errorf("loading neutral answers: %w", err)
	}
	if err := in.loadCases(ctx, t, k); err != nil {
		return fmt.Errorf("loading cases: %w", err)
	}
	if err := in.loadQuestions(ctx, t, k, lo, hi); err != nil {
		return fmt.Errorf("loading questions: %w", err)
	}
	if err := in.loadCodes(ctx, t, k); err != nil {
		return fmt.Errorf("loading codes: %w", err)
	}
	return nil
}

// Each key looks in its own partition, where ANY would look in all of them. The
// OFFSET keeps the planner to one look for each key: for tables that were empty
// when somebody analysed them, to read all and compare costs it nothing.
const knownKeys = `
SELECT m.key FROM unnest($1::uuid[]) AS k(key)
CROSS JOIN LATERAL (SELECT key FROM intake.message WHERE key = k.key OFFSET 0) AS m`

func (in *intake) loadKnown(ctx context.Context, t *transaction, k *known, lo, hi int) error {
	var keys array
	for i := lo; i < hi; i++ {
		keys.key(in.batch.Messages[i].Key)
	}
	return each(ctx, t.on(ctx, in.stmts.known), func(r *sqlx.Rows) error {
		var text string
		if err := r.Scan(&text); err != nil {
			return err
		}
		key, err := parseKey(text)
		k.facts.Known[key] = true
		return err
	}, keys.arg())
}

// Of the last day before the newest message; by whose clock, asked_at says.
const neutralReplies = `
SELECT recipient, asked_at > to_timestamp($1::double precision) - interval '1 hour'
FROM outbox.reply
WHERE neutral AND asked_at > to_timestamp($1::double precision) - interval '24 hours'
  AND asked_at <= to_timestamp($1::double precision) + interval '24 hours'`

func (in *intake) loadNeutral(ctx context.Context, t *transaction, k *known, lo, hi int) error {
	var newest time.Time
	for i := lo; i < hi; i++ {
		if m := &in.batch.Messages[i]; len(k.bindings[in.phones[i]]) == 0 && m.ReceivedAt.After(newest) {
			newest = m.ReceivedAt
		}
	}
	if newest.IsZero() { // every sender is registered
		return nil
	}
	return each(ctx, t.on(ctx, in.stmts.neutral), func(r *sqlx.Rows) error {
		var phone string
		var lastHour bool
		if err := r.Scan(&phone, &lastHour); err != nil {
			return err
		}
		k.facts.UnknownAnswered[phone] = true
		if lastHour {
			k.facts.UnknownThisHour++
		}
		return nil
	}, float64(newest.UnixMicro())/1e6)
}

// The entries of every case of the stations, or a row without one where the
// staff closed a ballot before anything came. OFFSET as in knownKeys.
const casesOf = `
SELECT s.station, s.ballot, s.version, s.revision, s.held, s.closed, coalesce(s.entry, 0), coalesce(s.state, ''),
       coalesce(e.revision, 0), coalesce(e.message::text, ''), coalesce(e.state, ''), coalesce(d.state, ''),
       coalesce(e.received_at, 'epoch'), coalesce(e.assurance, ''), coalesce(e.proof, ''), coalesce(e.phone, ''),
       coalesce(e.figures::text, '{}'), coalesce(cardinality(e.flags), 0),
       coalesce('wrong_proof' = ANY (e.flags), false)
FROM tally.standing s
LEFT JOIN LATERAL (
  SELECT election, station, ballot, round, revision, message, state, received_at, assurance, proof, phone, figures, flags FROM tally.entry
  WHERE election = s.election AND province = (s.station / 100000000000)::smallint
    AND station = s.station AND ballot = s.ballot AND round = s.round OFFSET 0) AS e ON true
LEFT JOIN LATERAL (
  SELECT state FROM tally.decision
  WHERE election = e.election AND station = e.station AND ballot = e.ballot AND round = e.round AND revision = e.revision
  ORDER BY id DESC LIMIT 1) AS d ON true
WHERE s.election = $1 AND s.round = $2 AND s.station = ANY ($3::bigint[])
ORDER BY s.station, s.ballot, e.revision`

func (in *intake) loadCases(ctx context.Context, t *transaction, k *known) error {
	var stations array
	for _, all := range k.bindings {
		for i := range all {
			stations.next()
			stations.b = append(stations.b, all[i].station.Code...)
		}
	}
	if len(stations.b) == 0 {
		return nil
	}
	return each(ctx, t.on(ctx, in.stmts.cases), func(r *sqlx.Rows) error {
		var c caseRow
		err := r.Scan(&c.station, &c.ballot, &c.version, &c.last, &c.held, &c.closed, &c.stands, &c.state,
			&c.revision, &c.message, &c.began, &c.decided, &c.at, &c.assurance, &c.proof, &c.phone, &c.figures, &c.flags, &c.wrongProof)
		if err != nil {
			return err
		}
		return c.into(k, in.keywords[c.ballot])
	}, in.row.Election, in.batch.Profile.Round, stations.arg())
}

// caseRow is a row of casesOf.
type caseRow struct {
	station                            string
	ballot                             int16
	version, last, held, stands, flags int
	closed, wrongProof                 bool
	state                              verify.State

	revision       int
	message        string
	began, decided verify.State
	at             time.Time
	assurance      verify.Assurance
	proof, phone   string
	figures        string
}

func (c *caseRow) into(k *known, keyword string) error {
	if keyword == "" { // a ballot that another profile of this round had
		return nil
	}
	key := verify.CaseKey{Station: c.station, Ballot: keyword}
	known := k.facts.Cases[key]
	if known == nil {
		known = &verify.Case{Version: c.version, Revision: c.last, Closed: c.closed}
		k.facts.Cases[key] = known
		k.stood[key] = &standing{loaded: c.version, revision: c.last, entry: c.stands, held: c.held, state: c.state}
	}
	if c.revision == 0 {
		return nil
	}
	tally, err := c.tally()
	if err != nil {
		return fmt.Errorf("entry %d of station %s: %w", c.revision, c.station, err)
	}
	if c.revision != c.stands {
		known.Others = append(known.Others, tally)
		return nil
	}
	known.Present = &tally
	k.stood[key].flags = c.flags
	return nil
}

// tally is the entry with the state that it has now: the one that stands says
// so itself, the others by what the staff decided last, and one that was in and
// stands no longer was replaced.
func (c *caseRow) tally() (verify.Tally, error) {
	t := verify.Tally{
		Revision: c.revision, State: c.began, Proof: c.proof, Assurance: c.assurance, At: c.at,
		WrongProof: c.wrongProof,
	}
	switch {
	case c.revision == c.stands:
		t.State = c.state
	case c.decided != "":
		t.State = c.decided
	case c.began == verify.StateIn:
		t.State = verify.StateSuperseded
	}
	if c.proof != "" {
		t.ProofTo = c.phone
	}
	var err error
	if t.Figures, err = parseFigures(c.figures); err != nil {
		return t, err
	}
	if c.message != "" {
		t.Entry, err = parseKey(c.message)
	}
	return t, err
}

// each runs a statement and hands its rows on, one by one.
func each(ctx context.Context, s *sqlx.Stmt, row func(*sqlx.Rows) error, args ...any) error {
	rows, err := s.QueryxContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// parseKey reads a uuid as PostgreSQL prints it.
func parseKey(text string) (k verify.Key, err error) {
	_, err = hex.Decode(k[:], []byte(strings.ReplaceAll(text, "-", "")))
	return k, err
}

func parseFigures(text string) (parser.Figures, error) {
	var wide pq.Int64Array
	if err := wide.Scan(text); err != nil {
		return nil, err
	}
	f := make(parser.Figures, len(wide))
	for i, v := range wide {
		f[i] = int16(v)
	}
	return f, nil
}
