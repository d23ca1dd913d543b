package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"time"

	"tali/db/spool"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/verify"
)

const (
	backlogEach  = 5        // SMS of each officer: a tally, then questions about it
	backlogSlack = 16 << 10 // KiB that resident memory may differ
	backlogLook  = 250 * time.Millisecond
)

// Backlog measures how a real `tali serve --only gateway` catches up after hours
// without its centre: how fast it hands over what its spool holds, and whether
// its memory grows meanwhile.
func Backlog(ctx context.Context, s Settings) (rows []Row, err error) {
	c, err := newCentre(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	officers := max(s.Messages/3, 1) // 100,000 SMS by default
	registry, err := c.enrol(ctx, s, officers)
	if err != nil {
		return nil, err
	}
	if err := c.fillBacklog(ctx, s, registry); err != nil {
		return nil, err
	}
	config, err := c.modemsConfig(nil, 0)
	if err != nil {
		return nil, err
	}
	child, stop, err := startGateway(ctx, config)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	d, err := c.watchDrain(ctx, s, child, backlogEach*officers)
	if err != nil {
		return nil, err
	}
	return []Row{
		{Name: "SMS handed over", Value: fmt.Sprintf("%d in %.1f s = %.0f/s", d.counted, d.took.Seconds(), float64(d.counted)/d.took.Seconds())},
		{Name: "resident in the first half", Value: mebibytes(d.early)},
		{"resident in the second half", mebibytes(d.late), "<= " + mebibytes(d.early+backlogSlack), d.late <= d.early+backlogSlack},
	}, nil
}

// fillBacklog puts what the officers texted into the spool that the gateway will
// open.
func (c *centre) fillBacklog(ctx context.Context, s Settings, registry *verify.Registry) (err error) {
	journal, err := spool.Open(ctx, filepath.Join(c.dir, "gateway", "spool", "spool.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	random := rand.New(rand.NewPCG(7, 8))
	keeper := c.newGateway(journal)
	began := time.Now().Add(-time.Hour)
	for i, o := range registry.Officers {
		var batch []gsm.Stored
		for n := range backlogEach {
			text := "STATUS"
			if n == 0 {
				if text, err = rightText(c.profile, o.Stations[0], random); err != nil {
					return err
				}
			}
			pdus, err := modemsim.SMS{From: o.Phone, To: benchModem(), Text: text, At: began.Add(time.Duration(n) * time.Minute)}.PDUs()
			if err != nil {
				return err
			}
			batch = append(batch, gsm.Stored{Modem: "bench", IMSI: benchIMSI, Store: "SM", PDU: pdus[0], ReadAt: time.Now()})
		}
		if err := keeper.Keep(ctx, batch); err != nil {
			return err
		}
		s.progress("spool", i+1, len(registry.Officers))
	}
	return nil
}

// drained is how a backlog went.
type drained struct {
	counted     int
	took        time.Duration
	early, late int // KiB resident at most, in each half
}

// watchDrain looks at centre and process until everything is over.
func (c *centre) watchDrain(ctx context.Context, s Settings, child, want int) (d drained, err error) {
	ticker := time.NewTicker(backlogLook)
	defer ticker.Stop()
	began, first := time.Now(), 0
	for d.counted < want {
		select {
		case <-ctx.Done():
			return d, ctx.Err()
		case <-ticker.C:
		}
		o, err := c.desk.OverviewAnew(ctx, c.profile.ID)
		if err != nil {
			return d, err
		}
		d.counted = 0
		for _, v := range o.Verdicts {
			d.counted += v.Messages
		}
		now, _, err := resident(child)
		if err != nil {
			return d, err
		}
		switch {
		case d.counted == 0:
			began = time.Now() // the program starts
		case first == 0:
			first, began = d.counted, time.Now()
		}
		if 2*d.counted < want {
			d.early = max(d.early, now)
		} else {
			d.late = max(d.late, now)
		}
		s.progress("centre", d.counted, want)
	}
	d.counted, d.took = d.counted-first, time.Since(began)
	return d, nil
}
