package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"tali/verify"
)

// ErrUnfinished: something keeps an election from being archived and taken away.
var ErrUnfinished = errors.New("the election is not finished")

// ErrNotArchived: the archive does not hold what is in the centre now.
var ErrNotArchived = errors.New("the archive does not hold what is in the centre now")

// MessageRetired is the kind of a message of which only the key and the times are
// left.
const MessageRetired verify.MessageKind = "retired"

// RetiredTable is a table whose rows go with an election.
type RetiredTable struct {
	Name string // schema and table
	rows string // the function of its rows
}

// RetiredTables are those tables, in the order of an archive.
func RetiredTables() []RetiredTable {
	return []RetiredTable{
		{"intake.message", "audit.retiring_messages"}, {"intake.verdict", "audit.retiring_verdicts"}, {"tally.entry", "audit.retiring_entries"},
		{"tally.standing", "audit.retiring_standing"}, {"outbox.reply", "audit.retiring_replies"},
		{"intake.question", "audit.retiring_questions"}, {"intake.segment", "audit.retiring_segments"},
	}
}

// Copying are the statements after which a program that shares a snapshot gets the
// rows that go with an election, in PostgreSQL's text form, below a line of names.
func (t RetiredTable) Copying(election int16, snapshot string) []string {
	return []string{
		`BEGIN`, readOneMoment, `SET TRANSACTION SNAPSHOT ` + pq.QuoteLiteral(snapshot), `SET LOCAL client_encoding = 'UTF8'`, surveyForms,
		fmt.Sprintf(`COPY (SELECT * FROM %s(%d::smallint) t ORDER BY t::text COLLATE "C") TO STDOUT WITH (FORMAT text, HEADER true)`, t.rows, election),
	}
}

// RetiredColumn is a column of such a table.
type RetiredColumn struct {
	Name string
	Type string // as CREATE TABLE takes it
}

const retiredColumns = `
SELECT quote_ident(attname) AS name, format_type(atttypid, atttypmod) AS type
FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`

// RetiredColumns are the columns of a table in the order of its copy.
func (d *DB) RetiredColumns(ctx context.Context, t RetiredTable) (out []RetiredColumn, err error) {
	if err := d.list(ctx, &out, retiredColumns, t.Name); err != nil {
		return nil, fmt.Errorf("columns of %s: %w", t.Name, err)
	}
	return out, nil
}

// Retirement is an election that may be archived and taken away, or cannot yet.
type Retirement struct {
	Election   int16
	Code       string
	Name       string
	First      time.Time // message; zero: none
	Last       time.Time
	Tables     []TableSum
	Partitions []string // that are dropped, or written anew without the election
	Unfinished []string // what keeps it here
	Retired    bool     // it is gone already
}

const (
	electionsOf = `
SELECT e.id AS election, e.code, e.name, EXISTS (SELECT FROM audit.retirement r WHERE r.election = e.id) AS retired
FROM registry.election e WHERE $1 = '' OR e.code = $1 ORDER BY e.id`

	retirementSpan = `
SELECT coalesce(min(m.stored_at), '0001-01-01Z') AS first, coalesce(max(m.stored_at), '0001-01-01Z') AS last FROM audit.retiring_messages($1) m`

	unfinishedOf = `SELECT n || ' ' || what FROM audit.unfinished($1, $2)`

	partitionsOf = `
SELECT p.relid::regclass::text FROM pg_partition_tree(to_regclass('tally.entry_e' || $1::smallint)) p WHERE p.isleaf
UNION ALL
SELECT p.relid::regclass::text FROM unnest(ARRAY['intake.message', 'intake.verdict']::regclass[]) AS t, pg_partition_tree(t) AS p WHERE p.isleaf
ORDER BY 1`
)

// Retirements says of each election, or of one, what there is to archive and take
// away of it once nothing of it is younger than a moment. It must be the owner's.
func (d *DB) Retirements(ctx context.Context, code string, before time.Time) (out []Retirement, err error) {
	err = d.cold.within(ctx, func(t *transaction) error {
		for _, query := range []string{readOneMoment, surveyForms} {
			if _, err := t.tx.ExecContext(ctx, query); err != nil {
				return err
			}
		}
		if err := t.tx.SelectContext(ctx, &out, electionsOf, code); err != nil {
			return err
		}
		for i := range out {
			if err := t.describe(ctx, &out[i], before); err != nil {
				return fmt.Errorf("%s: %w", out[i].Code, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for what may be archived: %w", err)
	}
	return out, nil
}

func (t *transaction) describe(ctx context.Context, r *Retirement, before time.Time) error {
	if r.Retired {
		return nil
	}
	if err := t.tx.GetContext(ctx, r, retirementSpan, r.Election); err != nil {
		return err
	}
	if err := t.tx.SelectContext(ctx, &r.Unfinished, unfinishedOf, r.Election, before); err != nil {
		return err
	}
	if err := t.tx.SelectContext(ctx, &r.Partitions, partitionsOf, r.Election); err != nil {
		return err
	}
	var err error
	r.Tables, err = t.retiring(ctx, r.Election)
	return err
}

// retiring counts and digests what goes with an election.
func (t *transaction) retiring(ctx context.Context, election int16) ([]TableSum, error) {
	var out []TableSum
	for _, table := range RetiredTables() {
		sum := TableSum{Name: table.Name}
		if err := t.tx.GetContext(ctx, &sum, tableSum(fmt.Sprintf("%s(%d::smallint)", table.rows, election))); err != nil {
			return nil, fmt.Errorf("%s: %w", table.Name, err)
		}
		out = append(out, sum)
	}
	return out, nil
}

// ArchiveOf counts what there is of an election at one moment, and hands it to copy
// with a snapshot of that moment, for a program that copies what it shows.
func (d *DB) ArchiveOf(ctx context.Context, election int16, copy func(snapshot string, tables []TableSum) error) error {
	return d.cold.within(ctx, func(t *transaction) error {
		for _, query := range []string{readOneMoment, surveyForms} {
			if _, err := t.tx.ExecContext(ctx, query); err != nil {
				return err
			}
		}
		var snapshot string
		if err := t.tx.GetContext(ctx, &snapshot, exportSnapshot); err != nil {
			return err
		}
		tables, err := t.retiring(ctx, election)
		if err != nil {
			return err
		}
		return copy(snapshot, tables)
	})
}

// Retire is the order to take an election out of the centre.
type Retire struct {
	Election int16
	Before   time.Time  // nothing of it may be younger
	By       string     // user of the operating system
	Archive  string     // its name; empty: none
	Digest   []byte     // SHA-256 of the archive's list of sums; nil without one
	Tables   []TableSum // what the archive holds
}

const (
	// Whoever waits for the tables holds up the intake: not for long.
	retireWait = `SET LOCAL lock_timeout = '10s'`

	retireLock = `LOCK TABLE intake.message, intake.verdict, tally.entry, tally.standing, outbox.reply, intake.question, intake.segment IN ACCESS EXCLUSIVE MODE`

	retireElection = `SELECT audit.retire($1, $2, $3, $4, $5)`

	codeUnfinished = "TL010"
)

// RetireElection takes an election out of the centre, in one commit with the audit
// chain's row about it. Where the order names an archive, what that holds is
// compared with what is there, behind the lock that keeps it so. ErrUnfinished,
// ErrNotArchived: nothing was changed. It must be the owner's.
func (d *DB) RetireElection(ctx context.Context, r Retire) (id int, err error) {
	err = d.cold.within(ctx, func(t *transaction) error {
		for _, query := range []string{retireWait, surveyForms, retireLock} {
			if _, err := t.tx.ExecContext(ctx, query); err != nil {
				return err
			}
		}
		if r.Archive != "" {
			now, err := t.retiring(ctx, r.Election)
			if err != nil {
				return err
			}
			if differ := (Survey{Tables: r.Tables}).Differences(Survey{Tables: now}); len(differ) > 0 {
				return fmt.Errorf("%w: %s: archive it anew", ErrNotArchived, differ[0])
			}
		}
		err := t.tx.GetContext(ctx, &id, retireElection, r.Election, r.Before, r.By, r.Archive, r.Digest)
		var said *pq.Error
		if errors.As(err, &said) && said.Code == codeUnfinished {
			return fmt.Errorf("%w: %s", ErrUnfinished, said.Message)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("taking an election away: %w", err)
	}
	return id, nil
}

// RetiredBy is a retirement as the audit chain knows it.
type RetiredBy struct {
	ID       int
	Election int16
	Archive  string
	Digest   []byte
}

const retirementOf = `SELECT id, election, archive, digest FROM audit.retirement WHERE digest = $1`

// RetirementOf finds what was taken away behind an archive; none: ErrNotArchived.
func (d *DB) RetirementOf(ctx context.Context, digest []byte) (r RetiredBy, err error) {
	err = d.get(ctx, &r, retirementOf, digest)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNotArchived
	}
	return r, err
}
