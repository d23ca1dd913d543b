package db_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"tali/verify"
)

// The facts of all cases. The rows of one act of the staff share a number, and
// name the newest entry that they saw: that is their place between the entries.
const allFacts = `
SELECT s.station || '/' || s.ballot || '/' || s.round AS name, coalesce(s.entry, 0) AS entry, s.held, s.revision, coalesce(s.state, '') AS state,
  array_to_string(ARRAY(SELECT e.state FROM tally.entry e
    WHERE (e.station, e.ballot, e.round, e.election) = (s.station, s.ballot, s.round, s.election) ORDER BY e.revision), ' ') AS entries,
  array_to_string(ARRAY(SELECT d.act || ',' || d.seen || ',' || d.revision || ',' || d.was || ',' || coalesce(d.state, 'masuk') FROM tally.decision d
    WHERE (d.station, d.ballot, d.round, d.election) = (s.station, s.ballot, s.round, s.election) ORDER BY d.id), ' ') AS decisions
FROM tally.standing s`

// replayed is a case folded from its facts.
type replayed struct {
	states []verify.State // by revision
	entry  int
}

// add is what the intake, or an entry of the staff, does.
func (r *replayed) add(began verify.State) {
	r.states = append(r.states, began)
	if began != verify.StateIn {
		return
	}
	if r.entry > 0 {
		r.states[r.entry-1] = verify.StateSuperseded
	}
	r.entry = len(r.states)
}

// standing is the entry that is in or confirmed, 0 when none is.
func (r *replayed) standing() int {
	for i, s := range r.states {
		if s == verify.StateIn || s == verify.StateVerified {
			return i + 1
		}
	}
	return 0
}

// checkReplay folds the facts of every case in their order and compares with
// what stands.
func (c *centre) checkReplay(t *testing.T) {
	t.Helper()
	var cases []struct {
		Name, State, Entries, Decisions string
		Entry, Held, Revision           int
	}
	if err := c.owner().SelectContext(t.Context(), &cases, allFacts); err != nil {
		t.Fatal(err)
	}
	c.wantMarks(t)
	for _, k := range cases {
		r, err := replay(strings.Fields(k.Entries), strings.Fields(k.Decisions))
		held := 0
		state := verify.State("")
		for i, s := range r.states {
			if s == verify.StateHeld {
				held++
			}
			if i+1 == r.entry {
				state = s
			}
		}
		if err != nil || r.entry != k.Entry || held != k.Held || string(state) != k.State || len(r.states) != k.Revision {
			t.Errorf("case %s: the facts say entry %d %q, held %d (%v); standing has %d %q, %d\nentries %s\ndecisions %s",
				k.Name, r.entry, state, held, err, k.Entry, k.State, k.Held, k.Entries, k.Decisions)
		}
	}
}

func replay(began, rows []string) (r replayed, err error) {
	act := ""
	for _, text := range rows {
		parts := strings.Split(text, ",") // act, seen, revision, was, state
		seen, err1 := strconv.Atoi(parts[1])
		revision, err2 := strconv.Atoi(parts[2])
		if err := errors.Join(err1, err2); err != nil {
			return r, err
		}
		if parts[0] != act {
			act, r.entry = parts[0], r.standing()
		}
		for len(r.states) < seen && len(began) > 0 {
			r.add(verify.State(began[0]))
			began = began[1:]
		}
		if revision > len(r.states) || string(r.states[revision-1]) != parts[3] {
			return r, fmt.Errorf("%s: %v", text, r.states)
		}
		r.states[revision-1] = verify.State(parts[4])
	}
	r.entry = r.standing()
	for _, word := range began {
		r.add(verify.State(word))
	}
	return r, nil
}

// Whatever the staff and the officers do, in whatever order: what stands is what
// the facts say.
func TestFactsRebuildWhatStands(t *testing.T) {
	t.Parallel()
	const stations, steps = 6, 240
	c := newCentre(t, stations)
	c.staff()
	random := rand.New(rand.NewPCG(4, 7))
	acts := []verify.Act{verify.ActConfirm, verify.ActReject, verify.ActHold, verify.ActUndo, verify.ActConfirm}
	done := 0
	for range steps {
		station := random.IntN(stations)
		if f := c.file(station); len(f.Entries) == 0 || random.IntN(4) == 0 {
			c.intake(c.plain(station, 100+random.IntN(60)))
			continue
		}
		f := c.file(station)
		revision := 1 + random.IntN(f.Revision)
		who := []string{"ani", "budi", "citra"}[random.IntN(3)]
		if _, err := c.decide(station, revision, acts[random.IntN(len(acts))], who); err == nil {
			done++
		}
	}
	if rows := c.number(`SELECT count(*) FROM tally.decision`); done < steps/5 || rows < steps/8 {
		t.Errorf("%d acts left %d rows: the test decides too little", done, rows)
	}
	c.checkReplay(t)
}
