package db

import (
	"context"
	"strconv"

	"github.com/jmoiron/sqlx"

	"tali/parser"
	"tali/verify"
)

// What is known of the codes of the stations, in one statement: the card that
// each has now, used codes, wrong ones, and entries whose proof is better than it
// was.
const codesOf = `
SELECT 'card' AS what, code::text AS station, '' AS code, generation, 0 AS ballot, 0 AS revision
FROM registry.station WHERE code = ANY ($3::bigint[]) AND election = $1
UNION ALL
SELECT 'spent', station::text, code, generation, ballot, revision
FROM tally.spent_code WHERE station = ANY ($3::bigint[]) AND round = $2 AND election = $1
UNION ALL
SELECT 'wrong', station::text, code, generation, 0, 0
FROM tally.wrong_code WHERE station = ANY ($3::bigint[]) AND round = $2 AND election = $1
UNION ALL
SELECT 'raised', station::text, max(assurance), 0, ballot, revision
FROM tally.raised_proof WHERE station = ANY ($3::bigint[]) AND round = $2 AND election = $1
GROUP BY station, ballot, revision`

// codeRow is a row of codesOf.
type codeRow struct {
	what, station, code          string
	generation, ballot, revision int
}

// checksCodes reports whether the election knows authenticity codes at all: most
// do not, and their intake pays nothing for them.
func (in *intake) checksCodes() bool { return in.batch.Profile.Auth != parser.AuthOff }

// loadCodes reads what became of the codes of the senders' stations. It comes
// behind the locks, so that a card which is issued again is dead at once, and
// after loadCases, whose entries may have been proven better since.
func (in *intake) loadCodes(ctx context.Context, t *transaction, k *known) error {
	if !in.checksCodes() {
		return nil
	}
	var stations array
	for _, all := range k.bindings {
		for i := range all {
			stations.int(all[i].code)
		}
	}
	if len(stations.b) == 0 {
		return nil
	}
	cards := map[string]int{}
	err := each(ctx, t.on(ctx, in.stmts.codes), func(r *sqlx.Rows) error {
		var c codeRow
		if err := r.Scan(&c.what, &c.station, &c.code, &c.generation, &c.ballot, &c.revision); err != nil {
			return err
		}
		if c.what == "card" {
			cards[c.station] = c.generation
			return nil
		}
		c.into(k, in.keywords[c.ballot])
		return nil
	}, in.row.Election, in.batch.Profile.Round, stations.arg())
	for _, all := range k.bindings {
		for i := range all {
			all[i].station.Generation = cards[all[i].station.Code]
		}
	}
	return err
}

func (c *codeRow) into(k *known, keyword string) {
	card := k.facts.Card(c.station)
	code := verify.CardCode{Generation: c.generation, Code: c.code}
	switch c.what {
	case "spent":
		card.Spent[code] = verify.Spent{Ballot: keyword, Revision: c.revision}
	case "wrong":
		card.Wrong[code] = true
	case "raised":
		if known := k.facts.Cases[verify.CaseKey{Station: c.station, Ballot: keyword}]; known != nil { // not read where the batch is not about it
			known.Raise(c.revision, verify.Assurance(c.code))
		}
	}
}

// A code that was spent meanwhile is an error, and the batch is decided again; a
// wrong one that was counted meanwhile, and a proof raised twice, are no news.
const addCodes = `
WITH spent AS (
  INSERT INTO tally.spent_code (station, code, generation, round, election, ballot, revision, message)
  SELECT station, code, generation, $2, $1, ballot, revision, message
  FROM unnest($3::bigint[], $4::text[], $5::smallint[], $6::smallint[], $7::smallint[], $8::uuid[])
    AS s(station, code, generation, ballot, revision, message)
  ORDER BY station, code
), wrong AS (
  INSERT INTO tally.wrong_code (station, code, generation, round, election, message)
  SELECT station, code, generation, $2, $1, message
  FROM unnest($9::bigint[], $10::text[], $11::smallint[], $12::uuid[]) AS w(station, code, generation, message)
  ORDER BY station, code
  ON CONFLICT DO NOTHING
)
INSERT INTO tally.raised_proof (station, ballot, round, revision, assurance, election, message)
SELECT station, ballot, $2, revision, assurance, $1, message
FROM unnest($13::bigint[], $14::smallint[], $15::smallint[], $16::text[], $17::uuid[])
  AS r(station, ballot, revision, assurance, message)
ORDER BY station, ballot, revision
ON CONFLICT DO NOTHING`

// codeRows holds the columns of what a batch says of codes.
type codeRows struct {
	n                                                          int
	sStation, sCode, sGeneration, sBallot, sRevision, sMessage array
	wStation, wCode, wGeneration, wMessage                     array
	rStation, rBallot, rRevision, rAssurance, rMessage         array
}

// writeCodes stores what messages lo to hi say of codes: of most batches nothing.
func (in *intake) writeCodes(ctx context.Context, t *transaction, lo, hi int) error {
	w := &codeRows{}
	for i := lo; i < hi; i++ {
		if err := in.addCode(w, i); err != nil {
			return err
		}
	}
	if w.n == 0 {
		return nil
	}
	_, err := t.on(ctx, in.stmts.addCodes).ExecContext(ctx, in.row.Election, in.batch.Profile.Round,
		w.sStation.arg(), w.sCode.arg(), w.sGeneration.arg(), w.sBallot.arg(), w.sRevision.arg(), w.sMessage.arg(),
		w.wStation.arg(), w.wCode.arg(), w.wGeneration.arg(), w.wMessage.arg(),
		w.rStation.arg(), w.rBallot.arg(), w.rRevision.arg(), w.rAssurance.arg(), w.rMessage.arg())
	return err
}

// addCode puts what the verdict on message i says of codes into the columns.
func (in *intake) addCode(w *codeRows, i int) error {
	v, key := &in.verdicts[i], in.batch.Messages[i].Key
	if v.Spends == nil && v.Tried == nil && v.Raises == nil {
		return nil
	}
	w.n++
	station, err := strconv.ParseInt(v.Station.Code, 10, 64)
	if err != nil {
		return err
	}
	if s := v.Spends; s != nil {
		w.sStation.int(station)
		w.sCode.text(s.Code)
		w.sGeneration.int(int64(s.Generation))
		w.sBallot.int(int64(in.ballots[s.Ballot]))
		w.sRevision.int(int64(s.Revision))
		w.sMessage.key(key)
	}
	if t := v.Tried; t != nil {
		w.wStation.int(station)
		w.wCode.text(t.Code)
		w.wGeneration.int(int64(t.Generation))
		w.wMessage.key(key)
	}
	if r := v.Raises; r != nil {
		w.rStation.int(station)
		w.rBallot.int(int64(in.ballots[r.Case.Ballot]))
		w.rRevision.int(int64(r.Revision))
		w.rAssurance.text(string(r.Assurance))
		w.rMessage.key(key)
	}
	return nil
}
