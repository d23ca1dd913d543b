package modemsim

import (
	"bytes"
	"math/rand/v2"
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
	// Of a command.
	CommandError Kind = "command-error" // not carried out: Text, or +CMS ERROR: Code
	SoftReset    Kind = "soft-reset"    // all settings go back to default first, without a word
	NoPrompt     Kind = "no-prompt"     // nothing happens in place of "> "
	// Of AT+CMGD.
	DeleteFails  Kind = "delete-fails"  // +CMS ERROR: Code (500 if 0), the message stays
	DeleteKeeps  Kind = "delete-keeps"  // OK, the message stays
	DeleteSilent Kind = "delete-silent" // deleted, no reply
	// Of a reply.
	HangUp     Kind = "hang-up"     // unplugged after a part of it, back under another name after Delay
	LateReply  Kind = "late-reply"  // comes after Delay
	Silence    Kind = "silence"     // never comes
	Interleave Kind = "interleave"  // Text (default ^RSSI: 17) as a line between any two of its lines
	SplitEntry Kind = "split-entry" // Text as a line between a +CMGL or +CMGR header and what follows it
	Garbage    Kind = "garbage"     // Code (default 8) random bytes somewhere in it
)

// Rule injects one kind of fault. Where Nth and P are both zero it always
// applies.
type Rule struct {
	Kind    Kind
	Command string        // only for this one, e.g. "+CMGL"; empty: any
	Nth     int           // only the nth time it could apply, counted from 1
	P       float64       // with this probability
	Limit   int           // at most so many times; 0: no limit
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
	for _, r := range f.rules {
		if r.Kind != k || r.Command != "" && r.Command != command {
			continue
		}
		r.seen++
		switch {
		case r.Limit > 0 && r.taken >= r.Limit:
		case r.Nth > 0 && r.seen != r.Nth:
		case r.P > 0 && f.rng.Float64() >= r.P:
		default:
			r.taken++
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

// fault asks the plan whether to go wrong here.
func (m *Modem) fault(k Kind, command string) (Rule, bool) {
	m.mu.Lock()
	r, ok := m.faults.take(k, command)
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
	if r, ok := m.fault(HangUp, command); ok {
		m.send(m.out[:1+m.random(len(m.out)-1)])
		m.hangUp(m.cur, r.Delay)
		return false
	}
	return true
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
