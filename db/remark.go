package db

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tali/parser"
	"tali/verify"
)

// RemarkKind is what the staff did about an entry without changing its state.
type RemarkKind string

// The kinds of remark.
const (
	RemarkAgree RemarkKind = "agree" // the first of two people
	RemarkCall  RemarkKind = "call"  // rang the officer
	RemarkAsk   RemarkKind = "ask"   // asked the officer by SMS to send again
)

// RemarkRow is one remark.
type RemarkRow struct {
	ID       int64
	Revision int
	Version  int // of the standing that was seen
	Kind     RemarkKind
	Proposes verify.Act // with RemarkAgree
	Reached  bool       // with RemarkCall: somebody spoke about the figures
	Staff    string
	Note     string
	At       time.Time
}

// Called reports whether somebody was reached about that entry.
func (f *CaseFile) Called(revision int) bool {
	return slices.ContainsFunc(f.Remarks, func(r RemarkRow) bool {
		return r.Kind == RemarkCall && r.Reached && r.Revision == revision
	})
}

// Agreed lists who has proposed that act on the case as it stands now.
func (f *CaseFile) Agreed(a verify.Act, revision int) []string {
	var out []string
	for _, r := range f.Remarks {
		if r.Kind == RemarkAgree && r.Proposes == a && r.Revision == revision && r.Version == f.Version && !slices.Contains(out, r.Staff) {
			out = append(out, r.Staff)
		}
	}
	return out
}

const addRemark = `
INSERT INTO tally.remark (election, station, ballot, round, revision, version, kind, proposes, reached, staff, note)
VALUES ($1, $2, $3, $4, $5, $6, $7, nullif($8, ''), CASE WHEN $7 = 'call' THEN $9::boolean END, $10, $11)`

func (t *transaction) remark(ctx context.Context, a caseArgs, n Decision, r RemarkRow) error {
	_, err := t.tx.ExecContext(ctx, addRemark, a.election, a.station, a.ballot, a.round,
		n.Revision, n.Version, r.Kind, r.Proposes, r.Reached, n.Staff, r.Note)
	return err
}

// RecordCall keeps what was said when somebody rang the officer about an entry.
func (d *DB) RecordCall(ctx context.Context, p *parser.Profile, n Decision, reached bool) error {
	_, err := d.about(ctx, p, n, func(t *transaction, a caseArgs, _ *CaseFile) (*verify.Reply, error) {
		return nil, t.remark(ctx, a, n, RemarkRow{Kind: RemarkCall, Reached: reached, Note: n.Reason})
	})
	return err
}

// AskAgain has the officer asked to look at the form and to send again. It
// returns what is sent; nil when there is nobody to ask.
func (d *DB) AskAgain(ctx context.Context, p *parser.Profile, n Decision) (*verify.Reply, error) {
	return d.about(ctx, p, n, func(t *transaction, a caseArgs, f *CaseFile) (*verify.Reply, error) {
		told, err := t.notify(ctx, p, a, f, notice{n.Revision, verify.KindAskAgain, n.Reason})
		if err != nil || told == nil {
			return nil, err
		}
		return told, t.remark(ctx, a, n, RemarkRow{Kind: RemarkAsk, Note: n.Reason})
	})
}

// about does something about an entry that exists, in a transaction that holds
// the station's lock.
func (d *DB) about(ctx context.Context, p *parser.Profile, n Decision,
	do func(*transaction, caseArgs, *CaseFile) (*verify.Reply, error)) (told *verify.Reply, err error) {
	a, err := d.caseArgs(ctx, p, n.Case)
	if err != nil {
		return nil, err
	}
	err = d.cold.within(ctx, func(t *transaction) error {
		if _, err := t.tx.ExecContext(ctx, lockCase, a.station); err != nil {
			return err
		}
		f, err := readCase(ctx, t.tx, n.Case, a)
		if err != nil {
			return err
		}
		if f.Of(n.Revision) == nil {
			return fmt.Errorf("%w: no revision %d", verify.ErrIllegal, n.Revision)
		}
		told, err = do(t, a, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("about %s %s revision %d: %w", n.Case.Station, n.Case.Ballot, n.Revision, refused(err))
	}
	return told, nil
}

// notice is what an officer is told about an entry.
type notice struct {
	revision int
	kind     string
	reason   string
}

// By the way the SMS came, else by whichever modem was heard last. A phone that
// is no longer the station's is told nothing.
const addNotice = `
INSERT INTO outbox.reply (message, asked_at, priority, neutral, gateway, modem, recipient, kind, text)
SELECT NULL, now(), $1, false, w.gateway, w.modem, $2, $3, $4
FROM (
  SELECT 1 AS preferred, gateway, modem FROM intake.message WHERE key = nullif($5, '')::uuid
  UNION ALL (SELECT 2, gateway, name FROM registry.modem WHERE alive ORDER BY last_seen DESC LIMIT 1)
  ORDER BY preferred LIMIT 1) AS w
WHERE EXISTS (SELECT FROM registry.phone p
  WHERE p.phone = $2 AND p.election = $6 AND p.station = $7 AND p.valid_from <= now() AND p.valid_until > now())
RETURNING id`

func (t *transaction) notify(ctx context.Context, p *parser.Profile, a caseArgs, f *CaseFile, n notice) (*verify.Reply, error) {
	e := f.Of(n.revision)
	if e.Phone == "" {
		return nil, nil
	}
	var now time.Time
	if err := t.tx.GetContext(ctx, &now, centreTime); err != nil {
		return nil, err
	}
	reply := verify.Notice{
		Kind: n.kind, Station: &f.Station, Ballot: p.Ballot(f.Key.Ballot), Figures: e.Figures, Proof: e.Proof, Reason: n.reason, At: now,
	}.Render(p)
	if reply == nil {
		return nil, nil
	}
	var ids []int64
	err := t.tx.SelectContext(ctx, &ids, addNotice, reply.Priority, e.Phone, reply.Kind, reply.Text, e.Message, a.election, a.station)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return reply, nil
}
