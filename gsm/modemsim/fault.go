package modemsim

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"strconv"
	"time"
)

// Kind names a fault.
type Kind string

// The faults. Those of a reply are taken when a command line has been carried
// out; those of a command before; those of a message when the SMSC delivers.
const (
	// Of a message.
	DropIndication Kind = "drop-indication" // +CMTI is not written
	BadIndication  Kind = "bad-indication"  // Text is written in place of +CMTI, e.g. `+CMTI: "SM",-1`
	MemoryFull     Kind = "memory-full"     // refused for Delay, then memory is available
	Resend         Kind = "resend"          // stored, but the SMSC does not learn of it and sends again after Delay
	IndicationsOff Kind = "indications-off" // AT+CNMI is all 0 from here on, as after a late AT+CNMA
	OtherStore     Kind = "other-store"     // stored in ME though +CPMS says SM, or the other way round
	Reorder        Kind = "reorder"         // those behind it overtake it for Delay
	LosePDU        Kind = "lose-pdu"        // the network loses it before any modem has seen it
	Duplicate      Kind = "duplicate"       // the phone sends it once more, with another time stamp
	Reroute        Kind = "reroute"         // it goes to another modem: the number Text, or the first other one
	Adverts        Kind = "adverts"         // Code (default 3) adverts are queued behind it
	Poisoned       Kind = "poisoned"        // a PDU that is hard to read is queued behind it
	// Of a command.
	CommandError Kind = "command-error" // not carried out: Text, or +CMS ERROR: Code
	SoftReset    Kind = "soft-reset"    // all settings go back to default first, without a word
	NoPrompt     Kind = "no-prompt"     // nothing happens in place of "> "
	SendFails    Kind = "send-fails"    // +CMS ERROR: Code (500 if 0) when the PDU is given, nothing leaves
	SlotReused   Kind = "slot-reused"   // of +CMGR and +CMGD: an unread message takes the slot, if it was read Delay ago
	// Of a command, and lasting for Delay; 0: until the power is cut.
	TotalSilence     Kind = "total-silence"     // nothing is read, nothing said
	WriteStall       Kind = "write-stall"       // nothing is taken from the line, which fills
	RegistrationLost Kind = "registration-lost" // no network, signal 99
	Wedged           Kind = "wedged"            // every command fails until AT+CFUN=1,1
	SIMRemoved       Kind = "sim-removed"
	SIMSwapped       Kind = "sim-swapped" // a SIM of another number is in
	SIMBlocked       Kind = "sim-blocked" // it asks for its PUK
	// Of AT+CMGD.
	DeleteFails  Kind = "delete-fails"  // +CMS ERROR: Code (500 if 0), the message stays
	DeleteKeeps  Kind = "delete-keeps"  // OK, the message stays
	DeleteSilent Kind = "delete-silent" // deleted, no reply
	DeleteDenied Kind = "delete-denied" // deleted, yet +CMS ERROR: Code (500 if 0)
	// Of a reply.
	HangUp     Kind = "hang-up"     // unplugged after a part of it, back under another name after Delay
	LateReply  Kind = "late-reply"  // comes after Delay
	Silence    Kind = "silence"     // never comes
	Interleave Kind = "interleave"  // Text (default ^RSSI: 17) as a line between any two of its lines
	SplitEntry Kind = "split-entry" // Text as a line between a +CMGL or +CMGR header and what follows it
	Garbage    Kind = "garbage"     // Code (default 8) random bytes somewhere in it
	NULs       Kind = "nuls"        // Code (default 8) NUL octets strewn over it
	CutHex     Kind = "cut-hex"     // the hex of a message loses its last digits, Code of them or a random number
	BadLength  Kind = "bad-length"  // the length before a message's hex is wrong by Code (default 1)
	BytePaced  Kind = "byte-paced"  // an octet at a time, Delay (default 1 ms, as at 9600 baud) between two
)

// Rule injects one kind of fault. Where Nth and P are both zero it always
// applies.
type Rule struct {
	Kind    Kind
	Command string        // only for this one, e.g. "+CMGL"; empty: any
	Nth     int           // only the nth time it could apply, counted from 1
	P       float64       // with this probability
	Limit   int           // at most so many times; 0: no limit
	Burst   int           // once taken, so many times in a row in all
	Delay   time.Duration // see Kind
	Code    int           // see Kind
	Text    string        // see Kind
}

// Plan is a modem's list of faults. The first rule that applies is taken.
type Plan []Rule

// rule is a Rule and what became of it.
type rule struct {
	Rule
	seen, taken int
	left        int // of a burst
}

type faults struct {
	rng   *rand.Rand
	rules []*rule
	count map[Kind]int
}

func newRules(p Plan) []*rule {
	rules := make([]*rule, len(p))
	for i, r := range p {
		rules[i] = &rule{Rule: r}
	}
	return rules
}

// take finds the rule to apply here, if any.
func (f *faults) take(k Kind, command string) (Rule, bool) {
	return f.takeIf(k, command, func(Rule) bool { return true })
}

// takeIf passes rules over that do not fit.
func (f *faults) takeIf(k Kind, command string, fits func(Rule) bool) (Rule, bool) {
	for _, r := range f.rules {
		if r.Kind != k || r.Command != "" && r.Command != command || !fits(r.Rule) {
			continue
		}
		r.seen++
		switch {
		case r.left > 0:
			r.left--
			f.count[k]++
			return r.Rule, true
		case r.Limit > 0 && r.taken >= r.Limit:
		case r.Nth > 0 && r.seen != r.Nth:
		case r.P > 0 && f.rng.Float64() >= r.P:
		default:
			r.taken++
			r.left = max(0, r.Burst-1)
			f.count[k]++
			return r.Rule, true
		}
	}
	return Rule{}, false
}

// Inject adds rules to the plan of a modem that runs; their counts begin now.
func (m *Modem) Inject(p Plan) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults.rules = append(m.faults.rules, newRules(p)...)
}

// Calm drops the faults that have not come yet.
func (m *Modem) Calm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults.rules = nil
}

// fault asks the plan whether to go wrong here.
func (m *Modem) fault(k Kind, command string) (Rule, bool) {
	return m.faultIf(k, command, func(Rule) bool { return true })
}

func (m *Modem) faultIf(k Kind, command string, fits func(Rule) bool) (Rule, bool) {
	m.mu.Lock()
	r, ok := m.faults.takeIf(k, command, fits)
	m.mu.Unlock()
	if ok {
		m.record(Faulted, 0, string(k))
	}
	return r, ok
}

// spoil applies the faults of a reply, and says whether to send what remains.
func (m *Modem) spoil(command string) bool {
	if r, ok := m.fault(LateReply, command); ok {
		m.cur.sleep(r.Delay)
	}
	if _, ok := m.fault(Silence, command); ok {
		return false
	}
	m.spoilEntry(command)
	if places := lineEnds(m.out); len(places) > 1 {
		if r, ok := m.fault(Interleave, command); ok {
			m.insert(places[m.random(len(places)-1)], noise(r))
		}
	}
	if places := headerEnds(m.out); len(places) > 0 {
		if r, ok := m.fault(SplitEntry, command); ok {
			m.insert(places[m.random(len(places))], noise(r))
		}
	}
	if r, ok := m.fault(Garbage, command); ok {
		junk := make([]byte, max(8, r.Code))
		for i := range junk {
			junk[i] = byte(m.random(256))
		}
		m.insert(m.random(len(m.out)), junk)
	}
	if r, ok := m.fault(NULs, command); ok {
		for range max(8, r.Code) {
			m.insert(m.random(len(m.out)), []byte{0})
		}
	}
	if r, ok := m.fault(HangUp, command); ok {
		m.send(m.out[:1+m.random(len(m.out)-1)])
		m.hangUp(m.cur, r.Delay)
		return false
	}
	return true
}

// spoilEntry damages one of the messages in a reply.
func (m *Modem) spoilEntry(command string) {
	places := headerEnds(m.out)
	if len(places) == 0 || !m.set.pdu {
		return
	}
	if r, ok := m.fault(CutHex, command); ok {
		from := places[m.random(len(places))]
		if n := bytes.Index(m.out[from:], []byte("\r\n")); n > 1 {
			cut := r.Code
			if cut == 0 {
				cut = 1 + m.random(n-1)
			}
			cut = min(cut, n)
			m.out = append(m.out[:from+n-cut], m.out[from+n:]...)
			places = headerEnds(m.out)
		}
	}
	if r, ok := m.fault(BadLength, command); ok && len(places) > 0 {
		end := places[m.random(len(places))] - 2
		start := end
		for start > 0 && isDigit(m.out[start-1]) {
			start--
		}
		n, err := strconv.Atoi(string(m.out[start:end]))
		if err == nil {
			wrong := strconv.Itoa(n + cmp.Or(r.Code, 1))
			m.out = append(m.out[:start:start], append([]byte(wrong), m.out[end:]...)...)
		}
	}
}

// drip sends a reply, an octet at a time where the plan says so.
func (m *Modem) drip(command string) {
	r, ok := m.fault(BytePaced, command)
	if !ok {
		m.send(m.out)
		return
	}
	for i := range m.out {
		m.send(m.out[i : i+1])
		m.cur.sleep(cmp.Or(r.Delay, time.Millisecond))
	}
}

func (m *Modem) insert(at int, p []byte) {
	m.out = append(m.out[:at:at], append(p, m.out[at:]...)...)
}

func (m *Modem) random(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.faults.rng.IntN(n)
}

func noise(r Rule) []byte {
	if r.Text == "" {
		return []byte("^RSSI: 17\r\n")
	}
	return []byte(r.Text + "\r\n")
}

// lineEnds are the places after each line of a reply; the last is its end.
func lineEnds(reply []byte) []int {
	var ends []int
	for i := 0; ; {
		n := bytes.Index(reply[i:], []byte("\r\n"))
		if n < 0 {
			return ends
		}
		i += n + 2
		if n > 0 { // not the empty one that begins a reply
			ends = append(ends, i)
		}
	}
}

// headerEnds are the places between a message's header and its body.
func headerEnds(reply []byte) []int {
	var ends []int
	for _, end := range lineEnds(reply) {
		start := bytes.LastIndex(reply[:end-2], []byte("\r\n")) + 2
		if start >= 2 && bytes.HasPrefix(reply[start:], []byte("+CMG")) &&
			(bytes.HasPrefix(reply[start:], []byte("+CMGL: ")) || bytes.HasPrefix(reply[start:], []byte("+CMGR: "))) {
			ends = append(ends, end)
		}
	}
	return ends
}
