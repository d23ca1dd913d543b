package gsm

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// Stored is one SMS exactly as the modem keeps it: raw hex, undecoded.
type Stored struct {
	Modem  string // configured name
	IMSI   string
	Store  string // "SM", "ME", "MT"; "" when it was routed here directly (+CMT: class 0)
	Slot   int
	PDU    string // upper-case hex as read, SMSC address included
	ReadAt time.Time
}

// Keeper must make rows durable before it returns nil; only then are their slots deleted. It may see a row again.
type Keeper func(ctx context.Context, rows []Stored) error

// Settings are the configuration of one modem.
type Settings struct {
	Name          string
	Device        string // a path that survives replugging: /dev/serial/by-path/... or by-id
	Baud          int    // 0 is 115200
	PIN           string
	Store         string // "SM", "ME" or "MT"; "" chooses
	Number        string // its own number, for Status
	IMEI          string // of the modem we expect; like the next two, "" expects nothing
	IMSI          string // of the SIM
	ICCID         string // printed on the SIM
	Reports       bool   // ask the network for a status report of every message we send
	SIMs          *SIMs  // shared by the modems of one program; nil lets two have the same SIM
	SweepInterval time.Duration
	StateDir      string // remembers a refused PIN; "" remembers it until the program ends
	// Listed is told the whole content of a store that stays in the modem when its SIM is changed, once the keeper has
	// it; nil: nobody asks. What it was told before and misses now has left the modem.
	Listed func(ctx context.Context, store string, rows []Stored)
	// Direct takes what was routed to a Visit and lies in no slot; nil: it is lost, and that is logged. A Modem's keeper
	// gets such rows itself.
	Direct func(rows []Stored) error
	// ResetPort is the last help for a modem that hears nothing any more; nil: there is none.
	ResetPort func(ctx context.Context, device string) error
}

const (
	defaultSweep = 30 * time.Second
	verifyEvery  = 3 * time.Minute
	verifyGap    = 2 * time.Second // between verifications that the modem itself provokes
	healthEvery  = time.Minute
	searchEvery  = 5 * time.Second // instead, while the modem is not registered
	firstWait    = 100 * time.Millisecond
	longestWait  = 5 * time.Second
	keepWait     = 250 * time.Millisecond // after the keeper's first failure; doubles to longestKeepWait
	keepWaitMax  = 30 * time.Second
	retryWait    = time.Second      // after a listing that failed, and after a store that was full
	everywhere   = 10               // every so many timed sweeps visit all stores
	stopGrace    = 10 * time.Second // for a message that is being sent when Run has to end
)

// Modem is one modem and its SIM.
type Modem struct {
	set    Settings
	keep   Keeper
	log    *slog.Logger
	limits limits
	status board
	jobs   chan *job
	asks   chan *question
	asking chan struct{}          // size one: the turn to ask a USSD code
	up     atomic.Pointer[events] // of the connection that serves, nil without one

	sending atomic.Bool

	// Only the goroutine of Run touches what follows.
	keptIMSI  string
	stores    []string // the main store first
	opened    string   // the store that AT+CMGL lists now
	totals    map[string]int
	stuck     map[string]int // by store: messages that cannot be deleted
	cnmi      string
	slots     map[slotID]*slotHistory
	held      []Stored // direct rows that nothing but this memory holds
	pinMemory string
	doubt     bool // answers were out of step: the next sweep reads each slot twice
	unsure    bool // the modem may have another SIM since its slots were last known to be ours
	owes      bool // AT+CNMA is owed for what was routed here
	follow    int  // sweeps to make in quick succession
	next      agenda
	failures  int  // connections in a row that came to nothing
	swept     bool // this connection has come to something
	alarmed   time.Time
	logged    State
	connected bool // there has been a connection before
}

// agenda is when things are due.
type agenda struct {
	sweep, verify, health, keep time.Time // keep is zero unless the keeper failed
	keepWait, retry             time.Duration
	sweeps                      int
	verified                    time.Time
}

// New prepares the owner of one modem. Nothing is opened before Run.
func New(s Settings, keep Keeper, log *slog.Logger) *Modem {
	if s.SweepInterval <= 0 {
		s.SweepInterval = defaultSweep
	}
	m := &Modem{set: s, keep: keep, log: log.With("modem", s.Name), limits: defaultLimits(), jobs: make(chan *job), asks: make(chan *question), asking: make(chan struct{}, 1),
		totals: map[string]int{}, stuck: map[string]int{}, slots: map[slotID]*slotHistory{}}
	m.status.s = Status{Name: s.Name, Device: s.Device, Number: s.Number, State: StateStopped, CSQ: 99,
		Registration: RegistrationUnknown, Since: time.Now()}
	return m
}

// Ready reports whether the modem can send now.
func (m *Modem) Ready() bool {
	if m.up.Load() == nil {
		return false
	}
	reg := m.status.get().Registration
	return reg.registered() || reg == RegistrationUnknown
}

// Status returns what is known of the modem.
func (m *Modem) Status() Status {
	s := m.status.get()
	if up := m.up.Load(); up != nil {
		if n := up.heard.Load(); n > 0 {
			s.LastHeard = time.Unix(0, n)
		}
	}
	return s
}

// Run connects, serves and reconnects until ctx ends; then it returns nil.
func (m *Modem) Run(ctx context.Context) error {
	defer m.enter(StateStopped, nil)
	for wait := firstWait; ; {
		served, err := m.connect(ctx)
		if ctx.Err() != nil {
			m.keepLast(ctx)
			return nil
		}
		m.noteError(err)
		m.enter(stateOf(err), err)
		if served {
			wait = firstWait
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, m.limits.backoff)
	}
}

// stateOf says what an ended connection means.
func stateOf(err error) State {
	switch {
	case errors.Is(err, ErrBusy):
		return StateBusy
	case errors.Is(err, ErrSIM):
		return StateSIM
	case errors.Is(err, errSilent), errors.Is(err, os.ErrDeadlineExceeded): // it does not write, or does not read
		return StateSilent
	case errors.Is(err, errOpen), errors.Is(err, errHangup):
		return StateAbsent
	}
	return StateFaulty
}

// errOpen marks a device that could not be opened.
var errOpen = errors.New("opening device")

// connect opens the device and serves it until the connection ends. It reports whether there was service.
func (m *Modem) connect(ctx context.Context) (bool, error) {
	l, err := m.dial()
	if err != nil {
		return false, err
	}
	defer m.leave(l)
	stop := context.AfterFunc(ctx, func() { m.cut(l) })
	defer stop()
	m.status.update(func(s *Status) { s.State, s.Since = StateStarting, time.Now() })
	if err := m.setup(ctx, l); err != nil {
		m.climb(ctx, l, err)
		return false, err
	}
	if m.connected {
		m.status.update(func(s *Status) { s.Reconnects++ })
	}
	m.connected, m.swept, m.unsure = true, false, false
	err = m.serve(ctx, l)
	if !m.swept {
		m.climb(ctx, l, err)
	}
	return m.swept, err
}

// cut ends the waiting of a connection when Run has to end; a message being sent gets time to learn its outcome.
func (m *Modem) cut(l *link) {
	if m.sending.Load() {
		t := time.NewTimer(stopGrace)
		defer t.Stop()
		for m.sending.Load() {
			select {
			case <-t.C:
			case <-l.events.down:
			case <-time.After(m.limits.quiet / 10):
				continue
			}
			break
		}
	}
	_ = l.port.Close() // the owner reports the end of the line
}

// leave ends a connection and saves the direct rows that still wait in it.
func (m *Modem) leave(l *link) {
	m.up.Store(nil)
	m.set.SIMs.release(m.set.Name)
	l.close()
	m.status.update(func(s *Status) {
		if n := l.events.heard.Load(); n > 0 {
			s.LastHeard = time.Unix(0, n)
		}
	})
	for {
		select {
		case pdu := <-l.events.direct:
			m.hold(pdu)
		default:
			return
		}
	}
}

// enter notes a state and logs it once.
func (m *Modem) enter(s State, err error) {
	m.status.update(func(st *Status) {
		if st.State != s {
			st.State, st.Since = s, time.Now()
		}
		st.Trouble, st.Why = TroubleOf(err), ""
		if err != nil {
			st.Why = err.Error()
		}
	})
	if m.logged == s {
		return
	}
	m.logged = s
	switch {
	case s == StateReady || s == StateStopped:
		m.log.Info("modem is "+string(s), "state", s)
	case s == StateSIM || s == StateBusy:
		m.log.Error("modem needs a person", "state", s, "err", err)
	default:
		m.log.Warn("modem is not available", "state", s, "err", err)
	}
}

func (m *Modem) noteError(err error) {
	if err != nil {
		m.status.update(func(s *Status) { s.LastError, s.LastErrorAt = err.Error(), time.Now() })
	}
}
