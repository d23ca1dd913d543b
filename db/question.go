package db

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"tali/parser"
	"tali/verify"
)

// Lapsed ones are loaded too: that they are closed must be stored.
const questionsOf = `
SELECT phone, ballot, kind, message::text, coalesce(station::text, ''), draft, offer, asked, asked_at, k, k_at, k_sent
FROM intake.question
WHERE phone = ANY ($3::text[]) AND round = $2 AND election = $1`

// loadQuestions reads what the senders of messages lo to hi were asked.
func (in *intake) loadQuestions(ctx context.Context, t *transaction, k *known, lo, hi int) error {
	var phones array
	for _, phone := range distinct(in.phones[lo:hi]) {
		phones.text(phone)
	}
	return each(ctx, t.on(ctx, in.stmts.questions), func(r *sqlx.Rows) error {
		q, ballot, err := scanQuestion(r)
		if err != nil {
			return err
		}
		if q.Ballot = in.keywords[ballot]; q.Ballot != "" {
			k.facts.Questions[q.Key()] = q
		}
		return nil
	}, in.row.Election, in.batch.Profile.Round, phones.arg())
}

// scanQuestion reads a row of questionsOf; the digit is that of the ballot.
func scanQuestion(r *sqlx.Rows) (q *verify.Question, digit int, err error) {
	q = &verify.Question{}
	var message string
	var kAt, kSent sql.NullTime
	err = r.Scan(&q.Phone, &digit, &q.Kind, &message, &q.Station, &q.Draft, &q.Offer, &q.Asked, &q.At, &q.K, &kAt, &kSent)
	if err != nil {
		return nil, 0, err
	}
	q.KAt, q.KSent = kAt.Time, kSent.Time
	q.Message, err = parseKey(message)
	return q, digit, err
}

// ask carries the questions forward: what v asked, and what it settled.
func (k *known) ask(v *verify.Verdict) {
	for _, key := range v.Settles {
		k.asked[key] = nil
	}
	if v.Asks != nil {
		k.asked[v.Asks.Key()] = v.Asks
	}
}

// questionRows holds the columns of the questions that a batch leaves open, and
// of those that it closes.
type questionRows struct {
	phone, ballot, kind, message, station, draft, offer, asked, at, k, kAt, kSent array
	gonePhone, goneBallot                                                         array
}

func (in *intake) questionRows(k *known) *questionRows {
	w := &questionRows{}
	keys := make([]verify.QuestionKey, 0, len(k.asked))
	for key := range k.asked {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b verify.QuestionKey) int { return strings.Compare(a.Phone+a.Ballot, b.Phone+b.Ballot) })
	for _, key := range keys {
		ballot := int64(in.ballots[key.Ballot])
		q := k.asked[key]
		if q == nil {
			w.gonePhone.text(key.Phone)
			w.goneBallot.int(ballot)
			continue
		}
		w.add(q, ballot)
	}
	return w
}

func (w *questionRows) add(q *verify.Question, ballot int64) {
	w.phone.text(q.Phone)
	w.ballot.int(ballot)
	w.kind.text(q.Kind)
	w.message.key(q.Message)
	if q.Station == "" {
		w.station.null()
	} else {
		w.station.next()
		w.station.b = append(w.station.b, q.Station...)
	}
	w.draft.text(q.Draft)
	w.offer.text(q.Offer)
	w.asked.text(q.Asked)
	w.at.time(q.At)
	w.k.text(q.K)
	w.kAt.time(q.KAt)
	w.kSent.time(q.KSent)
}

// Lapsed is a question that nobody answered in time.
type Lapsed struct {
	Phone   string
	Ballot  string // keyword
	Station string // 13 digits; empty when it was the station that was asked about
	Kind    string
	Draft   string // the tally as typed
	Asked   string // the text that was sent
	At      time.Time
}

const lapsedQuestions = `
SELECT q.phone, b.keyword AS ballot, coalesce(q.station::text, '') AS station, q.kind, q.draft, q.asked, q.asked_at AS at
FROM intake.question q
JOIN registry.election e ON e.id = q.election
JOIN registry.ballot b ON b.election = q.election AND b.regency = $3 AND b.digit = q.ballot
WHERE e.code = $1 AND q.round = $2 AND q.asked_at <= $4
ORDER BY q.asked_at, q.phone, q.ballot`

// LapsedQuestions lists what officers were asked and have not answered by now,
// the oldest first: they are to be called back.
func (d *DB) LapsedQuestions(ctx context.Context, p *parser.Profile, now time.Time) ([]Lapsed, error) {
	var out []Lapsed
	if err := d.list(ctx, &out, lapsedQuestions, p.ID, p.Round, p.Regency, now.Add(-p.QuestionTTL)); err != nil {
		return nil, fmt.Errorf("reading the lapsed questions of %s: %w", p.ID, err)
	}
	return out, nil
}
