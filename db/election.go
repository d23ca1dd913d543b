package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/lib/pq"

	"tali/parser"
)

// profileKey names a profile as the centre knows it: one digest in one regency
// of one election.
type profileKey struct{ election, regency, digest string }

// profileRow holds the short ids that rows carry in place of it. Neither ever
// changes, so they are remembered.
type profileRow struct {
	ID       int   `db:"id"`
	Election int16 `db:"election"`
}

const findProfile = `
SELECT p.id, p.election
FROM registry.profile p JOIN registry.election e ON e.id = p.election
WHERE e.code = $1 AND p.regency = $2 AND p.digest = $3 AND p.current`

// profile finds the ids of p, which OpenElection has stored.
func (d *DB) profile(ctx context.Context, p *parser.Profile) (profileRow, error) {
	key := profileKey{p.ID, p.Regency, p.Digest}
	d.mu.Lock()
	row, ok := d.profiles[key]
	d.mu.Unlock()
	if ok {
		return row, nil
	}
	err := d.get(ctx, &row, findProfile, p.ID, p.Regency, p.Digest)
	if errors.Is(err, sql.ErrNoRows) {
		return row, fmt.Errorf("%w: %s in regency %s, digest %.12s", ErrNotOpened, p.ID, p.Regency, p.Digest)
	}
	if err != nil {
		return row, fmt.Errorf("looking for the profile of %s: %w", p.ID, err)
	}
	d.mu.Lock()
	d.profiles[key] = row
	d.mu.Unlock()
	return row, nil
}

// OpenElection makes p known at the centre, with the partitions of its
// province, and returns the election's id there. Where exactly p is known
// already it only reads, so that a gateway may call it; to store something it
// needs the role tali_desk. Once messages were decided by the stored profile it
// refuses another digest (ErrProfileChanged); reply texts may always change.
func (d *DB) OpenElection(ctx context.Context, p *parser.Profile) (int16, error) {
	content, texts, err := profileText(p)
	if err != nil {
		return 0, fmt.Errorf("opening election %s: %w", p.ID, err)
	}
	id, err := d.openedAsIs(ctx, p, texts)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	err = d.cold.within(ctx, func(t *transaction) error {
		id, err = t.storeElection(ctx, p, content, texts)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("opening election %s: %w", p.ID, err)
	}
	return id, nil
}

const findOpened = `
SELECT p.election
FROM registry.profile p JOIN registry.election e ON e.id = p.election
WHERE e.code = $1 AND p.regency = $2 AND p.digest = $3 AND p.current AND p.texts = $4 AND p.version = $5`

func (d *DB) openedAsIs(ctx context.Context, p *parser.Profile, texts string) (id int16, err error) {
	err = d.get(ctx, &id, findOpened, p.ID, p.Regency, p.Digest, texts, p.Version)
	return id, err
}

const (
	lockElection = `SELECT pg_advisory_xact_lock(hashtextextended('election ' || $1, 0))`

	addElection = `
INSERT INTO registry.election (code, name, phase) VALUES ($1, $2, $3)
ON CONFLICT (code) DO NOTHING`

	findElection = `SELECT id, phase FROM registry.election WHERE code = $1`

	// Of the profile in force, and whether it has decided anything.
	profileInForce = `
SELECT p.id, p.digest, EXISTS (SELECT FROM registry.gateway_intake g WHERE g.profile = p.id AND g.messages > 0) AS used
FROM registry.profile p
WHERE p.election = $1 AND p.regency = $2 AND p.round = $3 AND p.current`

	updateTexts = `UPDATE registry.profile SET texts = $2, version = $3 WHERE id = $1`

	retireProfile = `UPDATE registry.profile SET current = false WHERE id = $1`

	addProfile = `
INSERT INTO registry.profile (election, regency, version, digest, round, content, texts)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (election, regency, digest) DO UPDATE SET current = true, texts = excluded.texts, version = excluded.version`

	openPartition = `SELECT tally.open_partition($1::smallint, ($2::integer / 100)::smallint)`
)

func (t *transaction) storeElection(ctx context.Context, p *parser.Profile, content, texts string) (int16, error) {
	if _, err := t.tx.ExecContext(ctx, lockElection, p.ID); err != nil {
		return 0, err
	}
	if _, err := t.tx.ExecContext(ctx, addElection, p.ID, p.Name, string(p.Phase)); err != nil {
		return 0, err
	}
	var election struct {
		ID    int16
		Phase string
	}
	if err := t.tx.GetContext(ctx, &election, findElection, p.ID); err != nil {
		return 0, err
	}
	if election.Phase != string(p.Phase) {
		return 0, fmt.Errorf("%w: %s is a %s at the centre, the profile says %s; a rehearsal needs an id of its own",
			ErrProfileChanged, p.ID, election.Phase, p.Phase)
	}
	var force struct {
		ID     int
		Digest string
		Used   bool
	}
	err := t.tx.GetContext(ctx, &force, profileInForce, election.ID, p.Regency, p.Round)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return 0, err
	case force.Digest == p.Digest:
		_, err = t.tx.ExecContext(ctx, updateTexts, force.ID, texts, p.Version)
		return election.ID, err
	case force.Used:
		return 0, fmt.Errorf("%w: digest %.12s is in force and has decided messages, this one is %.12s; only reply texts may change, and auth.mode is part of it",
			ErrProfileChanged, force.Digest, p.Digest)
	default:
		if _, err := t.tx.ExecContext(ctx, retireProfile, force.ID); err != nil {
			return 0, err
		}
	}
	_, err = t.tx.ExecContext(ctx, addProfile, election.ID, p.Regency, p.Version, p.Digest, p.Round, content, texts)
	if err != nil {
		return 0, err
	}
	if err := t.storeBallots(ctx, election.ID, p); err != nil {
		return 0, err
	}
	_, err = t.tx.ExecContext(ctx, openPartition, election.ID, p.Regency)
	return election.ID, err
}

const (
	clearContestants = `DELETE FROM registry.contestant WHERE election = $1 AND regency = $2`
	clearBallots     = `DELETE FROM registry.ballot WHERE election = $1 AND regency = $2`

	addBallot = `
INSERT INTO registry.ballot (election, regency, digit, keyword, title, contest, form, unit)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

	addContestants = `
INSERT INTO registry.contestant (election, regency, ballot, number, name)
SELECT $1, $2, $3, n, name FROM unnest($4::text[]) WITH ORDINALITY AS c(name, n)`
)

// storeBallots writes the contests of p. Nothing was decided by the ones it
// replaces, or they are those of an earlier round, which a re-vote shares.
func (t *transaction) storeBallots(ctx context.Context, election int16, p *parser.Profile) error {
	for _, query := range []string{clearContestants, clearBallots} {
		if _, err := t.tx.ExecContext(ctx, query, election, p.Regency); err != nil {
			return err
		}
	}
	for _, b := range p.Ballots {
		digit := int16(b.Digit - '0')
		_, err := t.tx.ExecContext(ctx, addBallot, election, p.Regency, digit, b.Keyword, b.Title, b.Contest, string(b.Form), b.Unit)
		if err != nil {
			return fmt.Errorf("ballot %s: %w", b.Keyword, err)
		}
		_, err = t.tx.ExecContext(ctx, addContestants, election, p.Regency, digit, pq.Array(b.Contestants))
		if err != nil {
			return fmt.Errorf("contestants of %s: %w", b.Keyword, err)
		}
	}
	return nil
}

// profileText renders p for people who read the table later.
func profileText(p *parser.Profile) (content, texts string, err error) {
	if _, err := strconv.ParseUint(p.Regency, 10, 16); err != nil || len(p.Regency) != 4 {
		return "", "", fmt.Errorf("regency %q: four digits are needed", p.Regency)
	}
	zone := ""
	if p.Zone != nil {
		zone = p.Zone.String()
	}
	c, err := json.Marshal(struct {
		ID, Name, Regency, Zone, ZoneTag            string
		Phase                                       parser.Phase
		Auth                                        parser.AuthMode
		Round, Version                              int
		Opens, Closes                               time.Time
		ReservePermille, UnknownPerHour, QuestionMS int
		Ballots                                     []*parser.Ballot
	}{
		p.ID, p.Name, p.Regency, zone, p.ZoneTag, p.Phase, p.Auth, p.Round, p.Version, p.Opens, p.Closes,
		p.ReservePermille, p.UnknownPerHour, int(p.QuestionTTL.Milliseconds()), p.Ballots,
	})
	if err != nil {
		return "", "", err
	}
	t, err := json.Marshal(p.Texts)
	return string(c), string(t), err
}
