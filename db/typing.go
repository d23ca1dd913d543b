package db

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"tali/parser"
	"tali/verify"
)

// TypingSource is what somebody of the staff keyed a form in from.
type TypingSource string

// The sources.
const (
	FromPaper TypingSource = "paper"
	FromCall  TypingSource = "call"
	FromSMS   TypingSource = "sms"
)

// TypingRow is a form as one person keyed it in.
type TypingRow struct {
	ID      int64
	Source  TypingSource
	Message string // key of the SMS; empty for paper and call
	Figures parser.Figures
	Flags   []verify.Flag
	Staff   string
	Note    string
	At      time.Time
	Used    bool // it has become an entry
}

// Open lists the typings that wait for an equal one of somebody else.
func (f *CaseFile) OpenTypings() []TypingRow {
	var out []TypingRow
	for _, y := range f.Typings {
		if !y.Used && y.Source != FromSMS {
			out = append(out, y)
		}
	}
	return out
}

func readTypings(ctx context.Context, tx caseReader, a caseArgs) ([]TypingRow, error) {
	var rows []struct {
		TypingRow
		Figures string
		Flags   pq.StringArray
	}
	if err := tx.SelectContext(ctx, &rows, caseTypings, a.list()...); err != nil {
		return nil, err
	}
	out := make([]TypingRow, len(rows))
	for i, r := range rows {
		out[i] = r.TypingRow
		var err error
		if out[i].Figures, err = parseFigures(r.Figures); err != nil {
			return nil, err
		}
		out[i].Flags = flagsOf(r.Flags)
	}
	return out, nil
}

// Typing is a form that somebody keys in.
type Typing struct {
	Case    verify.CaseKey
	Source  TypingSource
	Message string // of an SMS that is attached
	Figures parser.Figures
	Staff   string
	Note    string
}

// Typed is what became of it.
type Typed struct {
	Revision int         // of the entry that it made; 0 while a second person is needed
	Differs  []TypingRow // what others keyed in, where it is not the same
}

const (
	addTyping = `
INSERT INTO tally.typing (station, election, ballot, round, source, message, figures, flags, staff, note)
VALUES ($1, $2, $3, $4, $5, nullif($6, '')::uuid, $7, $8, $9, $10) RETURNING id`

	addTypingTask = `
INSERT INTO desk.typing_task (station, election, ballot, round) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

	addTypedEntry = `SELECT tally.add_entry($1, nullif($2::bigint, 0))`
)

// TypeIn stores a form that was keyed in. Equal figures of two people make an
// entry, which is held until two people have confirmed it; an SMS that somebody
// attaches makes one at once, held in the same way.
func (d *DB) TypeIn(ctx context.Context, p *parser.Profile, y Typing) (out Typed, err error) {
	a, err := d.caseArgs(ctx, p, y.Case)
	if err != nil {
		return out, err
	}
	b := p.Ballot(y.Case.Ballot)
	if len(y.Figures) != b.Rows() {
		return out, fmt.Errorf("%w: %d figures, the form has %d", verify.ErrIllegal, len(y.Figures), b.Rows())
	}
	err = d.cold.within(ctx, func(t *transaction) error {
		out, err = t.typeIn(ctx, a, b, y)
		return err
	})
	if err != nil {
		return Typed{}, fmt.Errorf("keying in %s %s: %w", y.Case.Station, y.Case.Ballot, refused(err))
	}
	return out, nil
}

func (t *transaction) typeIn(ctx context.Context, a caseArgs, b *parser.Ballot, y Typing) (out Typed, err error) {
	if _, err := t.tx.ExecContext(ctx, lockCase, a.station); err != nil {
		return out, err
	}
	f, err := readCase(ctx, t.tx, y.Case, a)
	if err != nil {
		return out, err
	}
	flags := []string{}
	if !b.Keeps(y.Figures) { // as the form says: like a tally that an officer insists on
		flags = append(flags, string(verify.FlagForm))
	}
	var id, other int64
	err = t.tx.GetContext(ctx, &id, addTyping, a.station, a.election, a.ballot, a.round, y.Source, y.Message,
		pq.Array([]int16(y.Figures)), pq.Array(flags), y.Staff, y.Note)
	if err != nil {
		return out, err
	}
	if y.Source != FromSMS {
		if other, out.Differs = f.match(y); other == 0 {
			_, err = t.tx.ExecContext(ctx, addTypingTask, a.list4()...)
			return out, err
		}
		id, other = other, id
	}
	out.Differs = nil
	return out, t.tx.GetContext(ctx, &out.Revision, addTypedEntry, id, other)
}

// list4 is list in the order of the tables' own columns.
func (a caseArgs) list4() []any { return []any{a.station, a.election, a.ballot, a.round} }

// match finds an equal open typing of somebody else, or those that differ.
func (f *CaseFile) match(y Typing) (id int64, differs []TypingRow) {
	for _, o := range f.OpenTypings() {
		switch {
		case o.Staff == y.Staff:
		case slices.Equal(o.Figures, y.Figures):
			return o.ID, nil
		default:
			differs = append(differs, o)
		}
	}
	return 0, differs
}
