package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/lib/pq"

	"tali/parser"
	"tali/verify"
)

// CaseFile is everything that is known of one ballot at one station, for the
// page on which it is decided.
type CaseFile struct {
	Key       verify.CaseKey
	Station   verify.Station
	Entry     int // revision that stands, 0 when none does
	Revision  int // of the newest entry, 0 when there is none
	Held      int
	Version   int // of the standing: a decision names the one that it saw
	State     verify.State
	Closed    bool
	Since     time.Time
	Entries   []EntryFile // by revision
	Decisions []DecisionRow
	Remarks   []RemarkRow
	Typings   []TypingRow
}

// EntryFile is one entry of a case, as it came and as it stands now.
type EntryFile struct {
	Revision  int
	State     verify.State
	Began     verify.State
	Message   string // key of the SMS that brought it; empty when it was keyed in
	At        time.Time
	Assurance verify.Assurance
	Proof     string
	Phone     string
	Figures   parser.Figures
	Flags     []verify.Flag
	Two       bool // two people must decide it
	Typed     bool // by the staff
	Text      string
	Sender    string
	Gateway   string
	Modem     string
	Officer   string // whose phone it was when it came; empty when nobody's
}

// DecisionRow is one change of an entry's state by the staff.
type DecisionRow struct {
	ID       int64
	Act      int64
	Revision int
	Kind     verify.Act
	Was      verify.State
	State    verify.State // empty: stands again as it came
	Version  int
	Staff    string
	Reason   string
	At       time.Time
}

// Entry is the entry of that revision, nil when there is none.
func (f *CaseFile) Of(revision int) *EntryFile {
	for i := range f.Entries {
		if f.Entries[i].Revision == revision {
			return &f.Entries[i]
		}
	}
	return nil
}

// Case is the file as the rules see it.
func (f *CaseFile) Case() *verify.Case {
	c := &verify.Case{Version: f.Version, Revision: f.Revision, Closed: f.Closed}
	for _, e := range f.Entries {
		t := verify.Tally{
			State: e.State, Revision: e.Revision, Figures: e.Figures, Proof: e.Proof, ProofTo: e.Phone, Assurance: e.Assurance, At: e.At,
		}
		if e.Revision == f.Entry {
			c.Present = &t
			continue
		}
		c.Others = append(c.Others, t)
	}
	return c
}

// Last lists what the newest act on the case changed, none when it was an undo.
func (f *CaseFile) Last() []verify.Change {
	var out []verify.Change
	for i := len(f.Decisions) - 1; i >= 0 && f.Decisions[i].Act == f.Decisions[len(f.Decisions)-1].Act; i-- {
		d := f.Decisions[i]
		to := d.State
		if to == "" {
			to = verify.StateIn
		}
		out = append(out, verify.Change{Revision: d.Revision, Act: d.Kind, From: d.Was, To: to})
	}
	return out
}

const (
	caseHead = `
SELECT s.code::text AS code, s.tps::text AS tps, v.name AS village, (s.code % 1000)::integer AS number, coalesce(d.name, '') AS district,
       coalesce(s.voters_l, 0) + coalesce(s.voters_p, 0) AS voters, coalesce(t.entry, 0) AS entry, coalesce(t.revision, 0) AS revision,
       coalesce(t.held, 0) AS held, coalesce(t.version, 0) AS version, coalesce(t.state, '') AS state, coalesce(t.closed, false) AS closed,
       coalesce(t.since, now()) AS since
FROM registry.station s
JOIN registry.area v ON v.code = s.code / 1000
LEFT JOIN registry.area d ON d.code = s.code / 10000000
LEFT JOIN tally.standing t ON t.station = s.code AND t.ballot = $3 AND t.round = $4 AND t.election = s.election
WHERE s.election = $1 AND s.code = $2`

	caseEntries = `
SELECT e.revision, tally.state_of(e.state, d.state, coalesce(t.entry = e.revision, false), t.state) AS state, e.state AS began,
       coalesce(e.message::text, '') AS message, e.received_at AS at,
       greatest(e.assurance, (SELECT max(r.assurance) FROM tally.raised_proof r WHERE r.station = e.station AND r.ballot = e.ballot
         AND r.round = e.round AND r.revision = e.revision AND r.election = e.election)) AS assurance, e.proof, e.phone, e.figures::text AS figures, e.flags,
       tally.needs_two(e, t.revision) AS two,
       EXISTS (SELECT FROM tally.typed_entry y WHERE y.station = e.station AND y.ballot = e.ballot AND y.round = e.round
         AND y.election = e.election AND y.revision = e.revision) AS typed,
       coalesce(m.text, '') AS text, coalesce(m.sender, '') AS sender, coalesce(m.gateway, '') AS gateway, coalesce(m.modem, '') AS modem,
       coalesce((SELECT o.name FROM registry.phone p JOIN registry.officer o ON o.id = p.officer
         WHERE p.phone = e.phone AND p.election = e.election AND p.station = e.station AND p.valid_from <= e.received_at
         ORDER BY p.valid_from DESC LIMIT 1), '') AS officer
FROM tally.standing t
JOIN tally.entry e ON e.station = t.station AND e.ballot = t.ballot AND e.round = t.round AND e.election = t.election
  AND e.province = (t.station / 100000000000)::smallint
LEFT JOIN intake.message m ON m.key = e.message
LEFT JOIN LATERAL (SELECT state FROM tally.decision
  WHERE election = e.election AND station = e.station AND ballot = e.ballot AND round = e.round AND revision = e.revision
  ORDER BY id DESC LIMIT 1) AS d ON true
WHERE t.election = $1 AND t.station = $2 AND t.ballot = $3 AND t.round = $4
ORDER BY e.revision`

	caseDecisions = `
SELECT id, act, revision, kind, was, coalesce(state, '') AS state, version, staff, reason, at
FROM tally.decision WHERE election = $1 AND station = $2 AND ballot = $3 AND round = $4 ORDER BY id`

	caseRemarks = `
SELECT id, revision, version, kind, coalesce(proposes, '') AS proposes, coalesce(reached, false) AS reached, staff, note, at
FROM tally.remark WHERE election = $1 AND station = $2 AND ballot = $3 AND round = $4 ORDER BY id`

	caseTypings = `
SELECT y.id, y.source, coalesce(y.message::text, '') AS message, y.figures::text AS figures, y.flags, y.staff, y.note, y.at,
       EXISTS (SELECT FROM tally.typed_entry e WHERE e.first = y.id OR e.second = y.id) AS used
FROM tally.typing y WHERE y.election = $1 AND y.station = $2 AND y.ballot = $3 AND y.round = $4 ORDER BY y.id`
)

// ErrNoCase: no such station or ballot in this election.
var ErrNoCase = errors.New("no such station or ballot")

// caseArgs are what every statement about one case takes.
type caseArgs struct {
	election int16
	station  int64
	ballot   int16
	round    int
}

func (a caseArgs) list() []any { return []any{a.election, a.station, a.ballot, a.round} }

func (a caseArgs) subject() string {
	return fmt.Sprintf("c:%d:%d:%d:%d", a.election, a.station, a.ballot, a.round)
}

func (d *DB) caseArgs(ctx context.Context, p *parser.Profile, key verify.CaseKey) (caseArgs, error) {
	row, err := d.profile(ctx, p)
	if err != nil {
		return caseArgs{}, err
	}
	b := p.Ballot(key.Ballot)
	station, err := strconv.ParseInt(key.Station, 10, 64)
	if b == nil || err != nil || len(key.Station) != 13 {
		return caseArgs{}, fmt.Errorf("%w: %s %s", ErrNoCase, key.Station, key.Ballot)
	}
	return caseArgs{row.Election, station, int16(b.Digit - '0'), p.Round}, nil
}

// Case reads all that is known of a case, at one moment.
func (d *DB) Case(ctx context.Context, p *parser.Profile, key verify.CaseKey) (*CaseFile, error) {
	a, err := d.caseArgs(ctx, p, key)
	if err != nil {
		return nil, err
	}
	r, err := d.readPage(ctx, caseHead, caseEntries, caseDecisions, caseRemarks, caseTypings)
	if err != nil {
		return nil, err
	}
	defer r.tx.Rollback()
	f, err := readCase(ctx, r, key, a)
	if err != nil {
		return nil, fmt.Errorf("reading case %s %s: %w", key.Station, key.Ballot, classify(err))
	}
	return f, nil
}

// caseReader is a transaction that a case is read in: of a page, or of whoever
// is about to change it.
type caseReader interface {
	GetContext(ctx context.Context, dest any, query string, args ...any) error
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
}

// readCase reads within a transaction that sees one moment, or holds the
// station's lock.
func readCase(ctx context.Context, tx caseReader, key verify.CaseKey, a caseArgs) (*CaseFile, error) {
	var head struct {
		verify.Station
		Entry, Revision, Held, Version int
		State                          verify.State
		Closed                         bool
		Since                          time.Time
	}
	err := tx.GetContext(ctx, &head, caseHead, a.list()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: %s", ErrNoCase, key.Station)
	}
	if err != nil {
		return nil, err
	}
	f := &CaseFile{
		Key: key, Station: head.Station, Entry: head.Entry, Revision: head.Revision, Held: head.Held, Version: head.Version,
		State: head.State, Closed: head.Closed, Since: head.Since,
	}
	if f.Entries, err = readEntries(ctx, tx, a); err != nil {
		return nil, err
	}
	if err := tx.SelectContext(ctx, &f.Decisions, caseDecisions, a.list()...); err != nil {
		return nil, err
	}
	if err := tx.SelectContext(ctx, &f.Remarks, caseRemarks, a.list()...); err != nil {
		return nil, err
	}
	f.Typings, err = readTypings(ctx, tx, a)
	return f, err
}

func readEntries(ctx context.Context, tx caseReader, a caseArgs) ([]EntryFile, error) {
	var rows []struct {
		EntryFile
		Figures string
		Flags   pq.StringArray
	}
	if err := tx.SelectContext(ctx, &rows, caseEntries, a.list()...); err != nil {
		return nil, err
	}
	out := make([]EntryFile, len(rows))
	for i, r := range rows {
		out[i] = r.EntryFile
		var err error
		if out[i].Figures, err = parseFigures(r.Figures); err != nil {
			return nil, err
		}
		out[i].Flags = flagsOf(r.Flags)
	}
	return out, nil
}

func flagsOf(words []string) []verify.Flag {
	flags := make([]verify.Flag, len(words))
	for i, w := range words {
		flags[i] = verify.Flag(w)
	}
	return flags
}
