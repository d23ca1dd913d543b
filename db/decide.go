package db

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tali/parser"
	"tali/verify"
)

// Why a decision is refused.
var (
	// ErrOutdated: the case is no longer what the decision was made on.
	ErrOutdated = errors.New("the case has changed since it was read")
	// ErrSecondPerson: somebody else must decide too.
	ErrSecondPerson = errors.New("a second person is needed")
	// ErrCallBack: the officer must be called first.
	ErrCallBack = errors.New("a call-back is needed first")
	// ErrClaimed: somebody else has it open.
	ErrClaimed = errors.New("somebody else has it open")
	// ErrNotDecider: the account decides nothing, or no longer.
	ErrNotDecider = errors.New("this account may not decide")
)

// refused gives the refusals of the tables' own guards their sentinel.
func refused(err error) error {
	var why error
	switch code(err) {
	case "TL001":
		why = ErrOutdated
	case "TL002":
		why = verify.ErrIllegal
	case "TL003":
		why = ErrSecondPerson
	case "TL004":
		why = ErrCallBack
	case "TL005":
		why = ErrClaimed
	case "TL007":
		why = ErrNotDecider
	default:
		return err
	}
	return fmt.Errorf("%w: %w", why, err)
}

// Decision is what one of the staff decides about an entry.
type Decision struct {
	Case     verify.CaseKey
	Revision int
	Version  int // of the case as it was shown
	Act      verify.Act
	Reason   string // for the officer where it is rejected
	Staff    string // login
}

// Decided is what became of a decision.
type Decided struct {
	First bool          // it was the first of two: nothing has changed yet
	Told  *verify.Reply // what the officer is told; nil for silence
}

const (
	lockCase = `SELECT pg_advisory_xact_lock($1)`

	nextAct = `SELECT nextval('tally.act')`

	addDecision = `
INSERT INTO tally.decision (election, station, ballot, round, revision, act, kind, was, state, version, seen, staff, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''), $10, $11, $12, $13)`

	changeStanding = `
UPDATE tally.standing
SET entry = nullif($5::smallint, 0), state = nullif($6, ''), held = $7::smallint, risk = (10 * $7::smallint + $8::smallint)::smallint, version = version + 1
WHERE election = $1 AND station = $2 AND ballot = $3 AND round = $4 AND version = $9`
)

// Decide stores a decision of the staff with all that follows from it: the
// states of the entries, what stands, what the officer is told. Where two people
// must decide, the first one's word is kept and changes nothing yet.
func (d *DB) Decide(ctx context.Context, p *parser.Profile, n Decision) (out Decided, err error) {
	a, err := d.caseArgs(ctx, p, n.Case)
	if err != nil {
		return out, err
	}
	err = d.cold.within(ctx, func(t *transaction) error {
		w := deciding{t: t, p: p, a: a, n: n}
		out, err = w.run(ctx)
		return err
	})
	if err != nil {
		return Decided{}, fmt.Errorf("%s of %s %s revision %d: %w", n.Act, n.Case.Station, n.Case.Ballot, n.Revision, refused(err))
	}
	return out, nil
}

// deciding is one decision on its way into the centre.
type deciding struct {
	t *transaction
	p *parser.Profile
	a caseArgs
	n Decision
	f *CaseFile
}

func (w *deciding) run(ctx context.Context) (Decided, error) {
	if err := w.read(ctx); err != nil {
		return Decided{}, err
	}
	changes, err := w.changes()
	if err != nil {
		return Decided{}, err
	}
	if first, err := w.agree(ctx); err != nil || first {
		return Decided{First: first}, err
	}
	if err := w.write(ctx, changes); err != nil {
		return Decided{}, err
	}
	told, err := w.tell(ctx)
	return Decided{Told: told}, err
}

// read takes the station's lock, as the intake does, and then looks.
func (w *deciding) read(ctx context.Context) (err error) {
	if _, err := w.t.tx.ExecContext(ctx, lockCase, w.a.station); err != nil {
		return err
	}
	if w.f, err = readCase(ctx, w.t.tx, w.n.Case, w.a); err != nil {
		return err
	}
	if w.f.Version != w.n.Version {
		return fmt.Errorf("%w: version %d was seen, it is %d", ErrOutdated, w.n.Version, w.f.Version)
	}
	return nil
}

func (w *deciding) changes() ([]verify.Change, error) {
	if w.n.Act == verify.ActUndo {
		return w.f.Case().Undo(w.f.Last())
	}
	return w.f.Case().Decide(w.n.Act, w.n.Revision)
}

// agree keeps the word of the first of two people; false when the decision can
// be carried out.
func (w *deciding) agree(ctx context.Context) (first bool, err error) {
	if w.n.Act != verify.ActConfirm && w.n.Act != verify.ActReject {
		return false, nil
	}
	e := w.f.Of(w.n.Revision)
	if w.n.Act == verify.ActConfirm && slices.Contains(e.Flags, verify.FlagForm) && !w.f.Called(w.n.Revision) {
		return false, ErrCallBack
	}
	if !e.Two {
		return false, nil
	}
	switch by := w.f.Agreed(w.n.Act, w.n.Revision); {
	case slices.Contains(by, w.n.Staff) && len(by) == 1:
		return false, ErrSecondPerson
	case len(by) > 0:
		return false, nil
	}
	return true, w.remark(ctx, RemarkRow{Kind: RemarkAgree, Proposes: w.n.Act, Note: w.n.Reason})
}

func (w *deciding) remark(ctx context.Context, r RemarkRow) error {
	return w.t.remark(ctx, w.a, Decision{Revision: w.n.Revision, Version: w.n.Version, Staff: w.n.Staff}, r)
}

func (w *deciding) write(ctx context.Context, changes []verify.Change) error {
	var act int64
	if err := w.t.tx.GetContext(ctx, &act, nextAct); err != nil {
		return err
	}
	for _, c := range changes {
		to := c.To
		if to == verify.StateIn {
			to = "" // as it came
		}
		_, err := w.t.tx.ExecContext(ctx, addDecision, w.a.election, w.a.station, w.a.ballot, w.a.round,
			c.Revision, act, c.Act, c.From, to, w.n.Version, w.f.Revision, w.n.Staff, w.n.Reason)
		if err != nil {
			return err
		}
	}
	stands, state := w.f.Case().Stands(changes)
	flags := 0
	if e := w.f.Of(stands); e != nil {
		flags = len(e.Flags)
	}
	result, err := w.t.tx.ExecContext(ctx, changeStanding, w.a.election, w.a.station, w.a.ballot, w.a.round,
		stands, state, w.f.Case().Held(changes), flags, w.n.Version)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, ErrOutdated)
	}
	return nil
}

// tell has the officer told what was decided.
func (w *deciding) tell(ctx context.Context) (*verify.Reply, error) {
	kind := map[verify.Act]string{verify.ActConfirm: verify.KindVerified, verify.ActReject: verify.KindRejected}[w.n.Act]
	if kind == "" {
		return nil, nil
	}
	return w.t.notify(ctx, w.p, w.a, w.f, notice{w.n.Revision, kind, w.n.Reason})
}
