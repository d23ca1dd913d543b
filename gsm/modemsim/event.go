package modemsim

import (
	"context"
	"time"
)

// EventKind says what happened to a message or a modem.
type EventKind string

// The kinds of events.
const (
	Submitted      EventKind = "submitted"       // the SMSC took an MT message
	Stored         EventKind = "stored"          // a modem put it into a slot
	Routed         EventKind = "routed"          // a modem wrote it as +CMT
	Acknowledged   EventKind = "acknowledged"    // a modem confirmed it to the SMSC, which forgets it
	Refused        EventKind = "refused"         // memory full, SMSC keeps it
	Resent         EventKind = "resent"          // the SMSC tries again, Stored or Routed follows
	Indicated      EventKind = "indicated"       // its +CMTI was written
	IndicationLost EventKind = "indication-lost" // its +CMTI was dropped
	Deleted        EventKind = "deleted"         // the client freed its slot
	Replaced       EventKind = "replaced"        // another message took its slot before the client deleted it
	Lost           EventKind = "lost"            // the network lost it: no modem ever saw it
	Rerouted       EventKind = "rerouted"        // it goes to Modem in place of the one it was sent to
	Sent           EventKind = "sent"            // a modem handed an MO message over
	Faulted        EventKind = "fault"           // a fault was taken, Text is its kind
	Unplugged      EventKind = "unplugged"
	Plugged        EventKind = "plugged"
	Abandoned      EventKind = "abandoned" // the last client closed the port
	PoweredOff     EventKind = "closed"
)

// Event is one line of the network's log.
type Event struct {
	At    time.Time
	Kind  EventKind
	Modem string // its number
	ID    ID     // of the message; 0 where there is none
	Text  string // slot, recipient, fault or device
}

// ID names one SMS-DELIVER PDU. The first is 1.
type ID uint64

// Delivery is what became of one PDU. Times are zero until the thing happened;
// where it happened more than once, they are those of the first time.
type Delivery struct {
	ID           ID
	From, To     string
	PDU          string // SMSC address and TPDU in hex
	Submitted    time.Time
	Stored       time.Time
	Indicated    time.Time // just before the last byte of its +CMTI or +CMT was written
	Acknowledged time.Time
	Deleted      time.Time
	Copies       int // how often a modem stored or routed it
}

// Log returns everything that has happened, in order.
func (n *Network) Log() []Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Event(nil), n.events...)
}

// Delivery tells what became of a PDU.
func (n *Network) Delivery(id ID) (Delivery, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id == 0 || int(id) > len(n.deliveries) {
		return Delivery{}, false
	}
	return *n.deliveries[id-1], true
}

// Deliveries returns all PDUs by ID. Those with an Acknowledged time are the
// ones that the gateway answers for.
func (n *Network) Deliveries() []Delivery {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]Delivery, len(n.deliveries))
	for i, d := range n.deliveries {
		out[i] = *d
	}
	return out
}

// Wait returns once done does: it is asked now and after every event, without
// any lock held. The error is that of ctx.
func (n *Network) Wait(ctx context.Context, done func() bool) error {
	for {
		n.mu.Lock()
		if n.changed == nil {
			n.changed = make(chan struct{})
		}
		changed := n.changed
		n.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// record logs an event and notes its time in the delivery.
func (n *Network) record(e Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log(e)
}

// log needs n.mu.
func (n *Network) log(e Event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	n.events = append(n.events, e)
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
	if e.ID == 0 {
		return
	}
	d := n.deliveries[e.ID-1]
	switch e.Kind {
	case Stored:
		d.Copies++
		first(&d.Stored, e.At)
	case Routed:
		d.Copies++
		first(&d.Indicated, e.At)
	case Indicated:
		first(&d.Indicated, e.At)
	case Acknowledged:
		first(&d.Acknowledged, e.At)
	case Deleted:
		first(&d.Deleted, e.At)
	}
}

func first(t *time.Time, at time.Time) {
	if t.IsZero() {
		*t = at
	}
}
