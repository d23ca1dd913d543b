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
	voted    int // by that entry; unknown where it was never noted
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
			Voted:           make(map[verify.CaseKey]int, n),
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
// five statements whatever their number.
func (in *intake) loadFacts(ctx context.Context, t *transaction, k *known, lo, hi int) error {
	if err := in.loadKnown(ctx, t, k, lo, hi); err != nil {
		return fmt.Errorf("loading known keys: %w", err)
	}
	if err := in.loadNeutral(ctx, t, k, lo, hi); err != nil {
		return fmt.Errorf("loading neutral answers: %w", err)
	}
	if err := in.loadCases(ctx, t, k, lo, hi); err != nil {
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
