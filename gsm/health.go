package gsm

import (
	"fmt"
	"slices"
	"time"
)

// Fill is how full one store is.
type Fill struct {
	Store       string // "SM", "ME", "MT"
	Used, Total int
}

// Step is a rung of the ladder that a modem in trouble is led up, the mildest first.
type Step string

const (
	StepResync  Step = "resync"  // ESC and AT until the line is in step again
	StepReopen  Step = "reopen"  // the device was closed and opened again
	StepRestart Step = "restart" // AT+CFUN=1,1
	StepReset   Step = "reset"   // the port was reset by Settings.ResetPort
	StepAlarm   Step = "alarm"   // nothing helped: a person has to come
)

// Health is what metrics, alarms and pages show of one modem: a copy, taken At one moment. Counters run since New
// and never go down; times are zero until the thing happened.
type Health struct {
	At           time.Time
	Name         string // as configured, like Device and Number
	Device       string
	Number       string
	State        State
	Since        time.Time // of State
	Ready        bool      // it can send now
	Trouble      Trouble   // what is wrong now, the gravest of all; TroubleNone when it works
	Why          string    // Trouble in words, with the error behind it; "" for none
	IMEI         string
	IMSI         string
	ICCID        string
	SMSC         string // of +CSCA; without one nothing can be sent
	Operator     string
	Registration Registration
	Registered   bool
	CSQ          int // 0..31, 99 unknown (3GPP TS 27.007 §8.5)
	SignalDBm    int // -113..-51, 0 unknown
	Stores       []Fill
	SlotsUsed    int // of the store that messages arrive in
	SlotsTotal   int
	StuckSlots   int // messages that could not be deleted, and still are there

	ClockKnown  bool          // the modem knows the time (+CCLK)
	ClockOffset time.Duration // of the modem's clock against ours; it follows the network's where it has one

	LastHeard   time.Time // last octet from the modem
	LastMessage time.Time // last row read
	LastError   string    // stays until the next one
	LastErrorAt time.Time

	Read           int // rows read from slots, repeats included
	Kept           int // rows that the keeper took
	KeepFailures   int // calls of the keeper that failed
	Deleted        int
	DeleteFailures int
	Sends          int // messages that the network took
	SendFailures   int // refusals and unknown outcomes
	Reports        int // status reports of sent messages that arrived
	Reconnects     int // connections after the first
	Resets         int // times that the modem had lost its settings
	Recovering     Step
	Recoveries     map[Step]int // steps taken
}

// Health returns what is known of the modem now.
func (m *Modem) Health() Health {
	s := m.Status()
	h := Health{
		At: time.Now(), Name: s.Name, Device: s.Device, Number: s.Number, State: s.State, Since: s.Since,
		Ready: m.Ready(), Trouble: s.Trouble, Why: s.Why, IMEI: s.IMEI, IMSI: s.IMSI, ICCID: s.ICCID, SMSC: s.SMSC,
		Operator: s.Operator, Registration: s.Registration, Registered: s.Registration.registered(), CSQ: s.CSQ,
		SlotsUsed: s.StoreUsed, SlotsTotal: s.StoreTotal, Stores: slices.Clone(s.Stores), StuckSlots: s.StuckSlots,
		ClockKnown: s.ClockKnown, ClockOffset: s.ClockOffset,
		LastHeard: s.LastHeard, LastMessage: s.LastMessage, LastError: s.LastError, LastErrorAt: s.LastErrorAt,
		Read: s.Read, Kept: s.Kept, KeepFailures: s.KeepFailures, Deleted: s.Deleted, DeleteFailures: s.DeleteFailures,
		Sends: s.Sends, SendFailures: s.SendFailures, Reports: s.Reports, Reconnects: s.Reconnects, Resets: s.Resets,
		Recovering: s.Recovering,
		Recoveries: map[Step]int{StepResync: s.Resyncs, StepReopen: s.Reconnects, StepRestart: s.Restarts,
			StepReset: s.PortResets, StepAlarm: s.Alarms},
	}
	if h.CSQ >= 0 && h.CSQ <= 31 {
		h.SignalDBm = -113 + 2*h.CSQ
	}
	if h.State == StateReady {
		h.Trouble, h.Why = s.ailment()
	}
	return h
}

// ailment is what is wrong with a modem that is being served, the gravest first.
func (s Status) ailment() (Trouble, string) {
	switch {
	case s.Unkept:
		return TroubleKeeping, "received messages cannot be stored; they stay on the SIM"
	case s.StuckSlots > 0:
		return TroubleStuckSlots, fmt.Sprintf("%d slots of %d cannot be emptied", s.StuckSlots, s.StoreTotal)
	case s.StoreTotal > 0 && s.StoreUsed >= s.StoreTotal:
		return TroubleStoreFull, fmt.Sprintf("all %d slots of %s are taken", s.StoreTotal, s.Store)
	case s.Registration != RegistrationUnknown && !s.Registration.registered():
		return TroubleNoNetwork, "registration: " + string(s.Registration)
	case s.SMSCMissing:
		return TroubleNoSMSC, "the SIM has no service centre (+CSCA)"
	}
	return TroubleNone, ""
}
