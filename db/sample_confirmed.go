package db

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"tali/parser"
)

// $1 the election's id, $2 stations, $3 a ballot, $4 and $5 figures: what they
// are, and what rises with the station; $6 the round, $7 the row of those who
// voted.
const nationConfirmed = `
WITH c AS (
  SELECT station, (SELECT array_agg((f + m * (station % 90))::smallint ORDER BY o) FROM unnest($4::int[], $5::int[]) WITH ORDINALITY AS x(f, m, o)) AS figures
  FROM unnest($2::bigint[]) AS s(station)
), e AS (
  INSERT INTO tally.entry (station, election, province, ballot, round, revision, received_at, state, assurance, proof, phone, figures, flags)
  SELECT station, $1::smallint, station / 100000000000, $3::smallint, $6::smallint, 1, now(), 'masuk', 'A0', '', '', figures, '{}' FROM c
), s AS (
  INSERT INTO tally.standing (station, election, ballot, round, entry, revision, held, risk, version, state, voted)
  SELECT station, $1::smallint, $3::smallint, $6::smallint, 1, 1, 0, 0, 2, 'terverifikasi', figures[$7::int] FROM c
), d AS (
  INSERT INTO tally.decision (election, station, ballot, round, revision, act, kind, was, state, version, seen, staff)
  SELECT $1::smallint, station, $3::smallint, $6::smallint, 1, nextval('tally.act'), 'confirm', 'masuk', 'terverifikasi', 1, 1, 'rekaan' FROM c
  RETURNING id, station, act
)
INSERT INTO tally.unprojected (decision, station, act) SELECT id, station, act FROM d`

// ConfirmNation has every ballot of the stations of a Nation confirmed, set-based
// and around what guards the facts; the projector has all of it to do.
func ConfirmNation(ctx context.Context, ownerDSN string, n Nation) (err error) {
	links, err := newConnector(ownerDSN, nil)
	if err != nil {
		return err
	}
	pool := sqlx.NewDb(openPool(links), "postgres")
	defer func() { err = errors.Join(err, pool.Close()) }()
	if err := n.confirm(ctx, pool); err != nil {
		return fmt.Errorf("confirming a nation for %s: %w", n.Profile.ID, classify(err))
	}
	return nil
}

func (n Nation) confirm(ctx context.Context, pool *sqlx.DB) error {
	var election int16
	if err := pool.GetContext(ctx, &election, electionID, n.Profile.ID); err != nil {
		return err
	}
	if _, err := pool.ExecContext(ctx, `ALTER TABLE tally.decision DISABLE TRIGGER USER`); err != nil {
		return err
	}
	codes := make([]int64, n.Stations)
	const far = 2_147_483_647 // a prime, so that each comes once, and not one village after the other
	for i := range codes {
		codes[i] = NationStation(int(uint64(i) * far % uint64(n.Stations)))
	}
	ballots := n.Profile.Ballots
	for lo := 0; lo < n.Stations; lo += sampleStep {
		hi := min(lo+sampleStep, n.Stations)
		for i, b := range ballots {
			if err := n.confirmBallot(ctx, pool, election, b, codes[lo:hi]); err != nil {
				return err
			}
			n.Progress.report(lo*len(ballots)+(hi-lo)*(i+1), n.Stations*len(ballots))
		}
	}
	if _, err := pool.ExecContext(ctx, `ALTER TABLE tally.decision ENABLE TRIGGER USER`); err != nil {
		return err
	}
	_, err := pool.ExecContext(ctx, `ANALYZE`)
	return err
}

func (n Nation) confirmBallot(ctx context.Context, pool *sqlx.DB, election int16, b *parser.Ballot, codes []int64) error {
	figures, rises := sampleFigures(b)
	_, err := pool.ExecContext(ctx, nationConfirmed, election, pq.Array(codes), int16(b.Digit-'0'), pq.Array(figures), pq.Array(rises), n.Profile.Round, votedRow(b))
	return err
}
