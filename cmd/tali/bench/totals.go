package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tali/db"
	"tali/db/cluster"
)

const (
	eventsTarget  = 2000.0 // a second
	nationRead    = 50 * time.Millisecond
	regencyRead   = 5 * time.Millisecond
	totalsReads   = 200
	projectorStep = time.Minute
)

// Totals measures how fast confirmed figures reach the totals of all areas, and
// how long reading those of the nation and of a regency takes then.
func Totals(ctx context.Context, s Settings) (rows []Row, err error) {
	c, err := newCentreOf(ctx, s, nationElection)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.enrolNation(ctx, s); err != nil {
		return nil, err
	}
	_, registry, err := c.project(ctx, s, "registry", s.Stations)
	if err != nil {
		return nil, err
	}
	err = db.ConfirmNation(ctx, c.server.DSN(cluster.Owner, cluster.Database), db.Nation{
		Stations: s.Stations, Profile: c.profile, Progress: func(done, total int) { s.progress("confirmed", done, total) },
	})
	if err != nil {
		return nil, err
	}
	events := s.Stations * len(c.profile.Ballots)
	steps, took, err := c.project(ctx, s, "totals", events)
	if err != nil {
		return nil, err
	}
	nation, err := c.readTotals(ctx, "0", s.Stations)
	if err != nil {
		return nil, err
	}
	regency, err := c.readTotals(ctx, fmt.Sprint(db.NationStation(0)/1e9), 0)
	if err != nil {
		return nil, err
	}
	rate := float64(events) / took.Seconds()
	tenth := max(len(steps)/10, 1)
	first, last := mean(steps[:tenth]), mean(steps[len(steps)-tenth:])
	return []Row{
		{Name: "stations counted into every area", Value: fmt.Sprintf("%d in %.1f s", s.Stations, registry.Seconds())},
		{"events projected", fmt.Sprintf("%d in %.1f s = %.0f/s", events, took.Seconds(), rate), fmt.Sprintf(">= %.0f/s", eventsTarget), rate >= eventsTarget},
		{Name: "  a step at the beginning and at the end", Value: fmt.Sprintf("%s and %s", round(first), round(last))},
		{"totals of the nation, p99", round(nation), "<= " + nationRead.String(), nation <= nationRead},
		{"totals of a regency, p99", round(regency), "<= " + regencyRead.String(), regency <= regencyRead},
	}, nil
}

func mean(times []time.Duration) (sum time.Duration) {
	for _, t := range times {
		sum += t
	}
	return sum / time.Duration(max(len(times), 1))
}

// project runs the projector until nothing is left, and times its steps.
func (c *centre) project(ctx context.Context, s Settings, what string, all int) (steps []time.Duration, took time.Duration, err error) {
	began := time.Now()
	for done := 0; ; {
		step, cancel := context.WithTimeout(ctx, projectorStep)
		at := time.Now()
		n, err := c.desk.Project(step)
		cancel()
		if err != nil {
			return nil, 0, err
		}
		if n == 0 {
			return steps, time.Since(began), nil
		}
		steps = append(steps, time.Since(at))
		done += n
		s.progress(what, min(done, all), all)
	}
}

// readTotals reads an area's totals again and again; each contest must have so
// many stations confirmed, where that is known.
func (c *centre) readTotals(ctx context.Context, area string, confirmed int) (time.Duration, error) {
	var times []time.Duration
	for range totalsReads {
		began := time.Now()
		totals, err := c.desk.AreaTotals(ctx, c.profile.ID, area)
		if err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
		if len(totals) != len(c.profile.Ballots) {
			return 0, fmt.Errorf("area %s has totals of %d contests", area, len(totals))
		}
		for _, t := range totals {
			if confirmed > 0 && (t.Confirmed != confirmed || t.Reported != confirmed || t.Expected != confirmed) {
				return 0, fmt.Errorf("area %s: %+v, want %d stations", area, t, confirmed)
			}
		}
	}
	return quantile(times, 0.99), nil
}
