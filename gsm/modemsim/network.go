package modemsim

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// SMSC is the service centre's address, in every PDU and in AT+CSCA.
// No operator owns it: 899 is unassigned in Indonesia's plan.
const SMSC = "+62899000000"

// Network joins modems and phones. All its methods may be called from any
// goroutine.
type Network struct {
	seed  uint64
	watch *watcher // nil where the kernel refuses inotify

	mu         sync.Mutex
	modems     map[string]*Modem // by digits of their number
	deliveries []*Delivery       // of ID 1, 2, ...
	events     []Event
	inbox      map[string][]Received // by digits of the phone's number
	onReceive  []func(Received)
	reference  uint16        // of the last concatenated SMS
	changed    chan struct{} // closed at the next event; nil while nobody waits
	closed     bool
}

// ErrClosed is returned once the network has been closed.
var ErrClosed = errors.New("virtual network is closed")

// NewNetwork makes a network without modems. The seed decides every random
// choice of the faults that its modems inject.
func NewNetwork(seed uint64) *Network {
	w, err := newWatcher()
	if err != nil {
		w = nil // clients are then taken to be always there
	}
	return &Network{
		seed:   seed,
		watch:  w,
		modems: make(map[string]*Modem),
		inbox:  make(map[string][]Received),
	}
}

// AddModem powers on a modem of this number and plugs it in.
func (n *Network) AddModem(o Options) (*Modem, error) {
	o = o.withDefaults()
	key := digits(o.Number)
	if key == "" {
		return nil, fmt.Errorf("adding modem: number %q has no digits", o.Number)
	}
	m := newModem(n, o)
	n.mu.Lock()
	switch {
	case n.closed:
		n.mu.Unlock()
		return nil, ErrClosed
	case n.modems[key] != nil:
		n.mu.Unlock()
		return nil, fmt.Errorf("adding modem: number %s is taken", o.Number)
	}
	n.modems[key] = m
	n.mu.Unlock()
	if err := m.start(); err != nil {
		n.forget(m)
		return nil, fmt.Errorf("adding modem %s: %w", o.Number, err)
	}
	return m, nil
}

// Close closes every modem and waits for them. The log and the inboxes stay
// readable.
func (n *Network) Close() error {
	n.mu.Lock()
	again := n.closed
	n.closed = true
	modems := make([]*Modem, 0, len(n.modems))
	for _, m := range n.modems {
		modems = append(modems, m)
	}
	n.mu.Unlock()
	var errs []error
	for _, m := range modems {
		errs = append(errs, m.Close())
	}
	if n.watch != nil && !again {
		errs = append(errs, n.watch.close())
	}
	return errors.Join(errs...)
}

func (n *Network) forget(m *Modem) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.modems, digits(m.opts.Number))
}

func (n *Network) modem(number string) *Modem {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.modems[digits(number)]
}

// Inbox returns what arrived at a phone, oldest first.
func (n *Network) Inbox(number string) []Received {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Received(nil), n.inbox[digits(number)]...)
}

// OnReceive has f called for every SMS that arrives at a phone. It runs on
// the sending modem's goroutine, before that modem answers AT+CMGS: it may
// call Submit, and must not wait.
func (n *Network) OnReceive(f func(Received)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onReceive = append(n.onReceive, f)
}

// receive puts an SMS into its phone, or on its way to its modem.
func (n *Network) receive(r Received, relay func() error) error {
	n.mu.Lock()
	n.log(Event{Kind: Sent, Modem: r.From, Text: r.To})
	if n.modems[digits(r.To)] != nil {
		n.mu.Unlock()
		return relay()
	}
	key := digits(r.To)
	n.inbox[key] = append(n.inbox[key], r)
	hooks := n.onReceive[:len(n.onReceive):len(n.onReceive)]
	n.mu.Unlock()
	for _, f := range hooks {
		f(r)
	}
	return nil
}

// digits strips a number of everything that phones write around it.
func digits(number string) string {
	out := make([]byte, 0, len(number))
	for i := 0; i < len(number); i++ {
		if c := number[i]; c >= '0' && c <= '9' {
			out = append(out, c)
		}
	}
	return string(out)
}

// Received is one SMS as it arrived at a phone: one part of it, if the sender
// split it.
type Received struct {
	From        string    // the modem's number
	To          string    // the phone's number as it was dialled
	Text        string    // decoded user data
	At          time.Time // when the SMSC accepted it
	Commanded   time.Time // when the modem read the first byte of its AT+CMGS line
	Part, Parts int       // 1, 1 unless concatenated
	Reference   int       // of the concatenation
	Class0      bool
	PDU         string // the SMS-SUBMIT with its SMSC address, hex; empty in text mode
}
