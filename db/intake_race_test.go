package db_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"tali/db"
	"tali/db/cluster"
)

// Whatever the order, contradicting reports of one station end in one entry
// that is in and the others held.
func (c *centre) checkContradiction(t *testing.T, stations, held int) {
	t.Helper()
	for query, want := range map[string]int{
		`SELECT count(*) FROM tally.entry WHERE state = 'masuk'`:                             stations,
		`SELECT count(*) FROM tally.entry WHERE state = 'ditahan'`:                           held,
		`SELECT count(*) FROM tally.standing WHERE entry IS NOT NULL AND version = revision`: stations,
	} {
		if got := c.number(query); got != want {
			t.Errorf("%s = %d, want %d", query, got, want)
		}
	}
}

func TestContradictionInTheSameMoment(t *testing.T) {
	t.Parallel()
	const stations, sides = 20, 4
	c := newCentre(t, stations)
	var work sync.WaitGroup
	for side := range sides {
		gateway := open(t, c.pg.DSN(cluster.Gateway))
		b := c.contradiction(stations, side)
		work.Go(func() {
			for range 2 { // and once more: the outcome was unknown
				if _, err := gateway.Intake(t.Context(), b); err != nil {
					t.Errorf("side %d: %v", side, err)
				}
			}
		})
	}
	work.Wait()
	c.checkContradiction(t, stations, stations*(sides-1))
	c.checkStanding(t)
}

// contradiction is one side's report of every station, in an order of its own.
func (c *centre) contradiction(stations, side int) db.Batch {
	b := db.Batch{Gateway: "gw" + string(rune('a'+side)), Profile: c.profile}
	for i := range stations {
		station := i
		if side%2 == 1 {
			station = stations - 1 - i
		}
		b.Messages = append(b.Messages, c.tally(station, 100+side))
	}
	return b
}

func TestContradictionOfTwoProcesses(t *testing.T) {
	t.Parallel()
	const stations = 20
	c := newCentre(t, stations)
	processes := make([]*exec.Cmd, 2)
	outputs := make([]strings.Builder, 2)
	for side := range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSecondProcess$", "-test.v")
		cmd.Env = append(os.Environ(), secondProcess+"="+string(rune('0'+side)),
			"TALI_DB_TEST_DSN="+c.pg.DSN(cluster.Gateway), "TALI_DB_TEST_CODES="+strings.Join(c.codes, " "))
		cmd.Stdout, cmd.Stderr = &outputs[side], &outputs[side]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		processes[side] = cmd
	}
	for side, cmd := range processes {
		if err := cmd.Wait(); err != nil {
			t.Errorf("process %d: %v\n%s", side, err, outputs[side].String())
		}
	}
	c.checkContradiction(t, stations, stations)
	c.checkStanding(t)
}

// TestSecondProcess is one side of the test above.
func TestSecondProcess(t *testing.T) {
	side := os.Getenv(secondProcess)
	if side == "" {
		return
	}
	c := &centre{t: t, profile: election(t, nil), codes: strings.Fields(os.Getenv("TALI_DB_TEST_CODES"))}
	gateway := open(t, os.Getenv("TALI_DB_TEST_DSN"))
	b := c.contradiction(len(c.codes), int(side[0]-'0'))
	for i := range b.Messages { // one by one: the two meet at every station
		one := b
		one.Messages = b.Messages[i : i+1]
		if _, err := gateway.Intake(context.Background(), one); err != nil {
			t.Error(err)
		}
	}
}

// rebuildStanding folds the facts again. It knows no decision of the staff.
const rebuildStanding = `
WITH rebuilt AS (
  SELECT station, election, ballot, round, max(revision) FILTER (WHERE state = 'masuk') AS entry, max(revision) AS revision,
         count(*) FILTER (WHERE state = 'ditahan') AS held, count(*) AS version
  FROM tally.entry GROUP BY 1, 2, 3, 4
)
SELECT count(*) FROM rebuilt r FULL JOIN tally.standing s USING (station, election, ballot, round)
WHERE (r.entry, r.revision, r.held) IS DISTINCT FROM (s.entry, s.revision, s.held) OR s.version > r.version
   OR s.state IS DISTINCT FROM CASE WHEN r.entry IS NOT NULL THEN 'masuk' END`

func (c *centre) checkStanding(t *testing.T) {
	t.Helper()
	if got := c.number(rebuildStanding); got != 0 {
		t.Errorf("%d standing rows differ from what the entries say", got)
	}
}
