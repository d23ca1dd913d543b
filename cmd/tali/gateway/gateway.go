// Package gateway runs the loops between modems, spool and centre: it keeps
// what modems read, joins long SMS, hands messages to the centre, and sends the
// replies that the centre decided. serve, demo, bench and the end-to-end tests
// run this same code.
//
// It decides nothing: parser reads, verify decides, db stores. Its own duty is
// order and durability: a slot is emptied only after the spool's commit, a
// spooled message is marked only after the centre's commit, and an SMS is sent
// only after the spool has recorded that sending may begin. Every loop pulls
// from a durable queue, so a crash anywhere costs a repetition of work and
// never a message.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tali/db"
	"tali/db/spool"
	"tali/gsm"
	"tali/parser"
)

// Settings are the plain values that a gateway needs.
type Settings struct {
	Name         string                  // unique among the gateways of a centre
	Version      string                  // of this binary, shown at the centre
	Modems       []gsm.Settings          // at least one
	InterimAfter time.Duration           // how long the centre is away before officers get an interim answer
	PartsWindow  time.Duration           // how long a long SMS waits for its missing parts
	Retention    time.Duration           // of delivered messages in the spool; 0: for ever
	Pulse        time.Duration           // between two heartbeat SMS of a modem; 0: none
	Operators    map[string]string       // of the SIMs as the staff call them, by modem
	Balances     map[string]BalanceQuery // by modem
	RegencyKey   []byte                  // that codes are checked with; nil where the election asks for none
	PartsApart   time.Duration           // furthest that parts of one SMS may be read apart: its spool is opened with it
	Reply        ReplySettings
	Alarm        AlarmSettings
}

// ReplySettings limit what a gateway sends.
type ReplySettings struct {
	Pace          time.Duration // least time between two SMS of one modem
	PerNumberHour int           // SMS to one phone in an hour
	PerHour       int           // SMS of this gateway in an hour; 0: no limit
	Budget        int           // SMS of this gateway in a day before the staff are warned; 0: never
	Lease         time.Duration // how long a claimed reply is ours; longer than a send may take
}

// Parts are what a gateway is built from. The caller opens and closes them.
type Parts struct {
	Spool   *spool.Spool
	Centre  *db.DB
	Profile *parser.Profile
	Log     *slog.Logger
}

// Gateway is the running whole of one site: its modems, spool and loops.
type Gateway struct {
	Settings
	Parts

	modems  []line
	own     []string
	ended   *endedSends
	centre  *centre
	kept    *signal // a PDU reached the spool
	waiting *signal // a message waits for the centre
	replies *signal // a reply may wait to be sent

	counts   *counts
	balances *balances
	pulses   *pulses
	loads    *loads
	alarms   *alarms
	numbers  map[string]string // of own SIMs, by modem
	notices  *signal           // the staff may have to be told something
	rounds   *rounds           // of its loops
	fail     *failpoint

	unwritten unwritten
	proofs    proofs

	snapshotAt atomic.Int64 // when the registry snapshot in use was taken, ns since 1970; 0: none

	settled struct{ replies, interims, notices once } // of the last run, of which it was not known whether they had left
}

// line is a modem with the name that the operator gave it.
type line struct {
	name string
	rest *rest
	turn *turn
	*gsm.Modem
}

// New builds a gateway; Run starts it.
func New(s Settings, p Parts) *Gateway {
	g := &Gateway{
		Settings: s,
		Parts:    p,
		ended:    newEndedSends(),
		centre:   newCentre(),
		kept:     newSignal(),
		waiting:  newSignal(),
		replies:  newSignal(),
		counts:   newCounts(),
		balances: &balances{known: make(map[string]Balance)},
		pulses:   newPulses(),
		rounds:   newRounds(),
		loads:    newLoads(),
		alarms:   newAlarms(),
		notices:  newSignal(),
		numbers:  make(map[string]string),
		fail:     newFailpoint(),
	}
	for _, m := range s.Modems {
		m.Listed = g.listed(m.Name)
		g.modems = append(g.modems, line{m.Name, &rest{}, &turn{}, gsm.New(m, g.Keep, p.Log)})
		if m.Number != "" {
			g.own = append(g.own, m.Number)
			g.numbers[m.Name] = m.Number
		}
	}
	return g
}

// Status is the state of every modem, in the order of the settings.
func (g *Gateway) Status() []gsm.Status {
	out := make([]gsm.Status, len(g.modems))
	for i, m := range g.modems {
		out[i] = m.Status()
	}
	return out
}

// stopTimeout is how long an SMS that is being sent may take to end when the
// gateway stops. Cut short, its outcome is unknown and it is sent once more.
const stopTimeout = 10 * time.Second

// Run receives, hands over and answers until ctx ends. A modem or a centre that
// is away is waited for; only a spool that cannot be read ends Run early. The
// modems start first and stop last, so that a reply under way can end.
func (g *Gateway) Run(ctx context.Context) error {
	if err := g.openProofs(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	g.recallPulses(ctx)
	lines, stopLines := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLines()
	var modems errgroup.Group
	for _, m := range g.modems {
		modems.Go(func() error { return m.Run(lines) })
	}
	defer context.AfterFunc(ctx, func() { time.AfterFunc(stopTimeout, stopLines) })()

	loops, ctx := errgroup.WithContext(ctx)
	for _, m := range g.modems {
		loops.Go(func() error { return g.answer(ctx, m) })
		loops.Go(func() error { return g.askBalance(ctx, m) })
	}
	for _, loop := range []func(context.Context) error{g.join, g.deliver, g.bridge, g.beat, g.watch, g.herald, g.pulse, g.prune} {
		loops.Go(func() error { return loop(ctx) })
	}
	err := loops.Wait()
	stopLines()
	err = errors.Join(err, modems.Wait())
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
