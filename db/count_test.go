package db_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"tali/db"
	"tali/verify"
)

// TestCountsAreThoseOfTheFacts plays a night of reports, contradictions,
// corrections, strangers, answers and decisions, with the counts brought up to date
// now and then: at every stop they are what the facts say when read row by row.
func TestCountsAreThoseOfTheFacts(t *testing.T) {
	t.Parallel()
	const stations, steps = 12, 200
	c := newCentre(t, stations)
	random := rand.New(rand.NewPCG(50, 7108))
	for i := range steps {
		c.happen(random, random.IntN(stations), i)
		if i%25 == 24 {
			c.overview()
		}
	}
	o := c.overview()
	if len(o.Entries) != 5 || len(o.Verdicts) < 3 || len(o.Outbox) < 2 {
		t.Errorf("the night was too quiet to show anything: %+v", o)
	}
}

// happen has one thing happen to a station; what cannot be is refused, as always.
func (c *centre) happen(random *rand.Rand, station, i int) {
	c.t.Helper()
	switch random.IntN(10) {
	case 0:
		c.intake(inbound(phone(1000+i), "halo"))
	case 1, 2, 3:
		c.intake(c.plain(station, 100+random.IntN(4)))
	case 4:
		m := c.plain(station, 200+i%100)
		m.Text = "RALAT 7F3K2 " + m.Text
		c.intake(m)
	case 5:
		if r, ok := c.claim(claim()); ok {
			outcome := []db.SendOutcome{db.SendSent, db.SendFailed, db.SendRetry, db.SendUnknown}[random.IntN(4)]
			if err := c.gateway.CloseReply(c.t.Context(), r.ID, db.Closing{Gateway: "gw1", Modem: "m1", Attempt: r.Attempt, Outcome: outcome}); err != nil {
				c.t.Fatal(err)
			}
		}
	default:
		if c.number(`SELECT count(*) FROM tally.standing WHERE station = $1`, stationCode(station)) == 0 {
			return
		}
		acts := []verify.Act{verify.ActConfirm, verify.ActReject, verify.ActHold, verify.ActConfirm}
		_, _ = c.decide(station, 1+random.IntN(len(c.file(station).Entries)), acts[random.IntN(len(acts))], []string{"ani", "budi", "citra"}[random.IntN(3)])
	}
}

// TestCountsWhileOthersWrite counts, from two desks at once, what two gateways
// store meanwhile: nothing is counted twice or left out.
func TestCountsWhileOthersWrite(t *testing.T) {
	t.Parallel()
	const stations = 40
	c := newCentre(t, stations)
	var over atomic.Bool // no cancelled step may still hold a lock
	var writers, counters sync.WaitGroup
	for half := range 2 {
		writers.Go(func() {
			for i := half; i < stations; i += 2 {
				c.intake(c.plain(i, 145), c.plain(i, 146))
			}
		})
		counters.Go(func() {
			for !over.Load() {
				_, filling := c.desk.FillLookup(t.Context())
				_, counting := c.desk.CountUp(t.Context())
				if filling != nil || counting != nil {
					t.Errorf("keeping up: %v, %v", filling, counting)
					return
				}
			}
		})
	}
	writers.Wait()
	over.Store(true)
	counters.Wait()
	if o := c.overview(); o.Ballots[0].Reporting != stations {
		t.Errorf("%d stations counted, want %d", o.Ballots[0].Reporting, stations)
	}
}
