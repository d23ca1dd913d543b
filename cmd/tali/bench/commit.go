package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"time"

	"tali/db/cluster"
	"tali/gsm"
	"tali/gsm/modemsim"
	"tali/verify"
)

const (
	rowLatencyTarget = 30 * time.Millisecond
	silentSweep      = time.Second // of the modem whose +CMTI is dropped
	silentEach       = 2           // SMS without +CMTI for each second of the measurement
	rowLook          = 500 * time.Microsecond
)

// rowLatency measures from +CMTI to the row that another session sees at the
// centre, one SMS at a time; and, for the silent ones, from the slot to the row
// where +CMTI is dropped and only the sweep finds the SMS.
func (c *centre) rowLatency(ctx context.Context, s Settings, told, silent []verify.Officer) ([]Row, error) {
	if _, err := exec.LookPath("psql"); err != nil {
		return []Row{{Name: "+CMTI to the row", Value: "skipped: psql is not installed here (Debian: apt install postgresql-client)"}}, nil
	}
	with, err := c.rowTimes(ctx, s, told, rowRun{name: "told", pace: time.Second / perSecond, sweep: 30 * time.Second})
	if err != nil {
		return nil, err
	}
	without, err := c.rowTimes(ctx, s, silent, rowRun{
		name: "silent", pace: silentSweep, sweep: silentSweep, faults: modemsim.Plan{{Kind: modemsim.DropIndication}},
	})
	if err != nil {
		return nil, err
	}
	p99, longest := quantile(with, 0.99), quantile(without, 1)
	most := silentSweep + rowLatencyTarget // a sweep begins so long after the last one, and then reads and commits
	return []Row{
		{Name: fmt.Sprintf("+CMTI to the committed row, %d SMS, median", len(with)), Value: round(quantile(with, 0.5))},
		{"  p99", round(p99), "<= " + rowLatencyTarget.String(), p99 <= rowLatencyTarget},
		{Name: fmt.Sprintf("slot to the committed row without +CMTI, %d SMS, median", len(without)), Value: round(quantile(without, 0.5))},
		{fmt.Sprintf("  longest, sweeps %s apart", silentSweep), round(longest), "<= " + most.String(), longest <= most},
	}, nil
}

// rowRun is one way to be told of an SMS.
type rowRun struct {
	name   string
	pace   time.Duration // on average between two SMS
	sweep  time.Duration
	faults modemsim.Plan
}

// rowTimes sends an SMS of each officer, the next one only when the row of the
// last is there. The first finds cold caches: it is not counted.
func (c *centre) rowTimes(ctx context.Context, s Settings, officers []verify.Officer, r rowRun) (times []time.Duration, err error) {
	network := modemsim.NewNetwork(1)
	defer func() { err = errors.Join(err, network.Close()) }()
	m, err := network.AddModem(modemsim.Options{Number: benchModem(), Dir: c.dir, Slots: 30, Faults: r.faults})
	if err != nil {
		return nil, err
	}
	stop, err := c.runGateway(ctx, gsm.Settings{Name: r.name, Device: m.Device(), Number: benchModem(), SweepInterval: r.sweep})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	look, err := c.newLookout(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, look.close()) }()
	random := rand.New(rand.NewPCG(9, uint64(len(officers))))
	for i, o := range officers {
		sent := make(map[string]modemsim.ID)
		if err := c.text(network, o, random, sent); err != nil {
			return nil, err
		}
		at, err := look.await(ctx, o.Phone)
		if err != nil {
			return nil, fmt.Errorf("%s, SMS %d: %w", r.name, i+1, err)
		}
		d, _ := network.Delivery(sent[o.Phone])
		from := d.Indicated
		if from.IsZero() {
			from = d.Stored
		}
		times = append(times, at.Sub(from))
		s.progress("rows, "+r.name, i+1, len(officers))
		if err := pauseUntil(ctx, time.Now().Add(time.Duration(2*random.Float64()*float64(r.pace)))); err != nil {
			return nil, err
		}
	}
	return slices.Clone(times[1:]), nil
}

// lookout is a session of psql that asks for rows: that it sees one proves that
// the row is committed.
type lookout struct {
	cmd *exec.Cmd
	ask io.WriteCloser
	say *bufio.Reader
}

func (c *centre) newLookout(ctx context.Context) (*lookout, error) {
	l := &lookout{cmd: exec.CommandContext(ctx, "psql", "-X", "-q", "-A", "-t", "-h", socketOf(c.server), "-U", cluster.Owner, cluster.Database)}
	var err error
	if l.ask, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.say = bufio.NewReader(out)
	return l, l.cmd.Start()
}

// await asks for the row of a sender until it is there, and returns when that
// answer came.
func (l *lookout) await(ctx context.Context, sender string) (time.Time, error) {
	for deadline := time.Now().Add(waitLimit); ; {
		if _, err := fmt.Fprintf(l.ask, "SELECT count(*) FROM intake.message WHERE sender = '%s';\n", sender); err != nil {
			return time.Time{}, err
		}
		line, err := l.say.ReadString('\n')
		now := time.Now()
		switch {
		case err != nil:
			return now, fmt.Errorf("asking for the row: %w", err)
		case strings.TrimSpace(line) != "0":
			return now, nil
		case now.After(deadline):
			return now, fmt.Errorf("no row after %s", waitLimit)
		}
		if err := pauseUntil(ctx, now.Add(rowLook)); err != nil {
			return now, err
		}
	}
}

func (l *lookout) close() error {
	if err := l.ask.Close(); err != nil {
		return err
	}
	return l.cmd.Wait()
}
