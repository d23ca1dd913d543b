package db

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jmoiron/sqlx"

	"tali/parser"
	"tali/verify"
)

// Where every case of the stations stands.
const standingOf = `
SELECT station, ballot, version, revision, held, closed, coalesce(entry, 0), coalesce(state, ''), coalesce(voted, -1)
FROM tally.standing
WHERE election = $1 AND round = $2 AND station = ANY ($3::bigint[])`

// The entries of cases. OFFSET as in knownKeys.
const entriesOf = `
SELECT c.station, c.ballot, e.revision, coalesce(e.message::text, ''), e.state, coalesce(d.state, ''),
       e.received_at, e.assurance, e.proof, e.phone, e.figures::text, cardinality(e.flags), 'wrong_proof' = ANY (e.flags)
FROM unnest($3::bigint[], $4::smallint[]) AS c(station, ballot)
CROSS JOIN LATERAL (
  SELECT election, station, ballot, round, revision, message, state, received_at, assurance, proof, phone, figures, flags FROM tally.entry
  WHERE election = $1 AND province = (c.station / 100000000000)::smallint
    AND station = c.station AND ballot = c.ballot AND round = $2 OFFSET 0) AS e
LEFT JOIN LATERAL (
  SELECT state FROM tally.decision
  WHERE election = e.election AND station = e.station AND ballot = e.ballot AND round = e.round AND revision = e.revision
  ORDER BY id DESC LIMIT 1) AS d ON true
ORDER BY c.station, c.ballot, e.revision`

// unknownVoted: nobody noted how many voted by the entry that stands.
const unknownVoted = -1

// subjects says which cases a batch may decide on: by station, a bit for the
// digit of each ballot.
type subjects map[int64]uint16

const everyBallot = 1<<10 - 1

// subject is the ballots that message i may be about. A tally is about its own;
// any other message may answer a question about one, or ask for all.
func (in *intake) subject(i int) uint16 {
	r := in.reports[i]
	if r == nil || r.Kind != parser.KindTally || r.Ballot == nil || r.Ralat {
		return everyBallot
	}
	return 1 << in.ballots[r.Ballot.Keyword]
}

func (in *intake) subjects(k *known, lo, hi int) subjects {
	s := make(subjects, len(k.bindings))
	for i := lo; i < hi; i++ {
		bound := k.bindings[in.phones[i]]
		for b := range bound {
			s[bound[b].code] |= in.subject(i)
		}
	}
	return s
}

// loadCases reads where the cases of the stations stand, and the entries of those
// that the batch may decide on. Of the others it is enough to know how many
// voted, unless something waits there for the staff.
func (in *intake) loadCases(ctx context.Context, t *transaction, k *known, lo, hi int) error {
	subjects := in.subjects(k, lo, hi)
	if len(subjects) == 0 {
		return nil
	}
	var stations, ofStation, ofBallot array
	for code := range subjects {
		stations.int(code)
	}
	err := each(ctx, t.on(ctx, in.stmts.standing), func(r *sqlx.Rows) error {
		var s standingRow
		err := r.Scan(&s.station, &s.ballot, &s.version, &s.revision, &s.held, &s.closed, &s.entry, &s.state, &s.voted)
		key := verify.CaseKey{Station: s.code(), Ballot: in.keywords[s.ballot]}
		switch {
		case err != nil || key.Ballot == "": // a ballot that another profile of this round had
			return err
		case subjects[s.station]&(1<<s.ballot) == 0 && s.held == 0 && s.voted != unknownVoted:
			k.facts.Voted[key] = s.voted
			return nil
		}
		s.into(k, key)
		if s.revision > 0 {
			ofStation.int(s.station)
			ofBallot.int(int64(s.ballot))
		}
		return nil
	}, in.row.Election, in.batch.Profile.Round, stations.arg())
	if err != nil || len(ofStation.b) == 0 {
		return err
	}
	return each(ctx, t.on(ctx, in.stmts.entries), func(r *sqlx.Rows) error {
		var e entryRow
		err := r.Scan(&e.station, &e.ballot, &e.revision, &e.message, &e.began, &e.decided,
			&e.at, &e.assurance, &e.proof, &e.phone, &e.figures, &e.flags, &e.wrongProof)
		if err != nil {
			return err
		}
		return e.into(k, in.keywords[e.ballot])
	}, in.row.Election, in.batch.Profile.Round, ofStation.arg(), ofBallot.arg())
}

// standingRow is a row of standingOf.
type standingRow struct {
	station                        int64
	ballot                         int16
	version, revision, held, entry int
	voted                          int
	closed                         bool
	state                          verify.State
}

func (s *standingRow) code() string { return strconv.FormatInt(s.station, 10) }

func (s *standingRow) into(k *known, key verify.CaseKey) {
	k.facts.Cases[key] = &verify.Case{Version: s.version, Revision: s.revision, Closed: s.closed}
	k.stood[key] = &standing{loaded: s.version, revision: s.revision, entry: s.entry, held: s.held, state: s.state, voted: s.voted}
}

// entryRow is a row of entriesOf.
type entryRow struct {
	station  string
	ballot   int16
	revision int
	flags    int

	message        string
	began, decided verify.State
	at             time.Time
	assurance      verify.Assurance
	proof, phone   string
	figures        string
	wrongProof     bool
}

func (e *entryRow) into(k *known, keyword string) error {
	key := verify.CaseKey{Station: e.station, Ballot: keyword}
	c, stood := k.facts.Cases[key], k.stood[key]
	tally, err := e.tally(stood)
	if err != nil {
		return fmt.Errorf("entry %d of station %s: %w", e.revision, e.station, err)
	}
	if e.revision != stood.entry {
		c.Others = append(c.Others, tally)
		return nil
	}
	c.Present = &tally
	stood.flags = e.flags
	return nil
}

// tally is the entry with the state that it has now: the one that stands says
// so itself, the others by what the staff decided last, and one that was in and
// stands no longer was replaced.
func (e *entryRow) tally(stood *standing) (verify.Tally, error) {
	t := verify.Tally{
		Revision: e.revision, State: e.began, Proof: e.proof, Assurance: e.assurance, At: e.at,
		WrongProof: e.wrongProof,
	}
	switch {
	case e.revision == stood.entry:
		t.State = stood.state
	case e.decided != "":
		t.State = e.decided
	case e.began == verify.StateIn:
		t.State = verify.StateSuperseded
	}
	if e.proof != "" {
		t.ProofTo = e.phone
	}
	var err error
	if t.Figures, err = parseFigures(e.figures); err != nil {
		return t, err
	}
	if e.message != "" {
		t.Entry, err = parseKey(e.message)
	}
	return t, err
}
