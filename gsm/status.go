package gsm

import (
	"sync"
	"time"
)

// State is where the owner of a modem stands.
type State string

const (
	StateAbsent   State = "absent"   // the device is missing
	StateBusy     State = "busy"     // another program holds the device
	StateStarting State = "starting" // open, being set up
	StateReady    State = "ready"    // receiving and sending
	StateSIM      State = "sim"      // no usable SIM: missing, locked, PIN refused
	StateSilent   State = "silent"   // the device is there and does not answer
	StateFaulty   State = "faulty"   // it answers, but not what receiving needs
	StateStopped  State = "stopped"  // Run is not running
)

// Registration is the answer of +CREG (3GPP TS 27.007 §7.2).
type Registration string

const (
	RegistrationUnknown   Registration = "unknown"
	RegistrationHome      Registration = "home"
	RegistrationRoaming   Registration = "roaming"
	RegistrationSearching Registration = "searching"
	RegistrationDenied    Registration = "denied"
	RegistrationNone      Registration = "none"
)

var registrations = map[string]Registration{
	"0": RegistrationNone, "1": RegistrationHome, "2": RegistrationSearching, "3": RegistrationDenied,
	"4": RegistrationUnknown, "5": RegistrationRoaming,
	"6": RegistrationHome, "7": RegistrationRoaming, // SMS only
}

func (r Registration) registered() bool { return r == RegistrationHome || r == RegistrationRoaming }

// Status is a copy of what is known of a modem. Counters run since New.
type Status struct {
	Name, Device, Number string
	State                State
	Since                time.Time // of State
	IMEI, IMSI, ICCID    string
	Operator             string
	Registration         Registration
	CSQ                  int // 0..31, 99 unknown (3GPP TS 27.007 §8.5)
	SMSC                 string
	SMSCMissing          bool // the modem says that there is none
	Unkept               bool // the keeper refuses what we read
	Store                string
	StoreUsed            int
	StoreTotal           int
	Stores               []Fill // never changed in place: a copy may share it
	StuckSlots           int
	ClockKnown           bool
	ClockOffset          time.Duration
	Trouble              Trouble
	Why                  string
	Recovering           Step

	Read           int // rows read from slots, repeats included
	Kept           int // rows that the keeper took
	KeepFailures   int // calls of the keeper that failed
	Deleted        int
	DeleteFailures int
	Reconnects     int // connections after the first
	Resyncs        int // times that an answer did not come
	Resets         int // times that the modem had lost its settings
	Restarts       int // AT+CFUN=1,1
	PortResets     int
	Alarms         int // times that nothing helped
	Reports        int // status reports that arrived
	Sends          int // messages that the network took
	SendFailures   int // refusals and unknown outcomes

	LastHeard   time.Time // last octet from the modem
	LastMessage time.Time // last row read
	LastError   string    // stays until the next one
	LastErrorAt time.Time
}

// board guards the one Status of a modem: the owner writes, anybody reads.
type board struct {
	mu sync.Mutex
	s  Status
}

func (b *board) update(change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.s)
}

func (b *board) get() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.s
}
