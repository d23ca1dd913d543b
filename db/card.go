package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tali/parser"
	"tali/verify"
)

// ErrCardChanged: the card of the station is another than the caller believed.
var ErrCardChanged = errors.New("another card of the station was issued meanwhile")

const (
	// An intake that has read the old generation holds this lock until it is
	// committed, and one that waits for it reads the new one.
	lockStation = `SELECT pg_advisory_xact_lock($1)`

	raiseGeneration = `
UPDATE registry.station SET generation = generation + 1
WHERE election = $1 AND code = $2 AND generation = $3
RETURNING generation`

	addCard = `INSERT INTO registry.card (election, station, generation, issued_by) VALUES ($1, $2, $3, $4)`
)

// ReissueCard declares the card of s dead and returns the generation of the next
// one: once it returns, no code of the old card proves anything. by is who asked
// for it. ErrCardChanged when s is not the card's present state, so that of two
// who do it at once one is told. It needs the role tali_desk.
func (d *DB) ReissueCard(ctx context.Context, p *parser.Profile, s verify.Station, by string) (generation int, err error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return 0, fmt.Errorf("reissuing the card of %s: %w", s.Code, err)
	}
	err = d.cold.within(ctx, func(t *transaction) error {
		if _, err := t.tx.ExecContext(ctx, lockStation, s.Code); err != nil {
			return err
		}
		err := t.tx.GetContext(ctx, &generation, raiseGeneration, row.Election, s.Code, s.Generation)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrCardChanged
		}
		if err != nil {
			return err
		}
		_, err = t.tx.ExecContext(ctx, addCard, row.Election, s.Code, generation, by)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("reissuing the card of %s: %w", s.Code, err)
	}
	return generation, nil
}
