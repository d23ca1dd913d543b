package db

import (
	"context"
	"hash/fnv"
	"slices"

	"github.com/jmoiron/sqlx"
)

// intakeStatements are those of one intake transaction, prepared on the pool.
type intakeStatements struct {
	officers, areas, lock, known, neutral, standing, entries, questions, codes, write, addCodes *sqlx.Stmt
}

func (d *DB) intakeStatements(ctx context.Context) (s intakeStatements, err error) {
	for _, p := range []struct {
		into  **sqlx.Stmt
		query string
	}{
		{&s.officers, officersOf}, {&s.areas, areasOf}, {&s.lock, lockBatch}, {&s.known, knownKeys},
		{&s.neutral, neutralReplies}, {&s.standing, standingOf}, {&s.entries, entriesOf}, {&s.questions, questionsOf}, {&s.write, writeBatch},
		{&s.codes, codesOf}, {&s.addCodes, addCodes},
	} {
		if *p.into, err = d.prepare(ctx, p.query); err != nil {
			return s, err
		}
	}
	return s, nil
}

// unknownLock is taken for senders that are not registered: their answers are
// counted together. Like the locks on phones it is negative, stations are not.
const unknownLock = -1

const lockBatch = `SELECT count(pg_advisory_xact_lock(lock)) FROM unnest($1::bigint[]) AS l(lock)`

// lock takes the locks of the stations that the senders of messages lo to hi were
// ever bound to, in one order for everybody: no other station is decided on, and
// whoever decides on the same sender takes the same. Senders without one are
// locked themselves.
func (in *intake) lock(ctx context.Context, t *transaction, k *known, lo, hi int) error {
	wanted := make([]int64, 0, 2*(hi-lo))
	for _, phone := range distinct(in.phones[lo:hi]) {
		bound := k.bindings[phone]
		if len(bound) == 0 {
			wanted = append(wanted, phoneLock(phone), unknownLock)
		}
		for i := range bound {
			wanted = append(wanted, bound[i].code)
		}
	}
	slices.Sort(wanted)
	var locks array
	for _, lock := range slices.Compact(wanted) {
		locks.int(lock)
	}
	var taken int
	return t.on(ctx, in.stmts.lock).QueryRowContext(ctx, locks.arg()).Scan(&taken)
}

// phoneLock is the lock of a phone: negative, so that it never meets a station's.
func phoneLock(phone string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(phone)) // never fails
	return min(-int64(h.Sum64()>>1), unknownLock-1)
}

func distinct(values []string) []string {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
