package gsm

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// tap sits between the port and at.AT and sees every octet first. It does what the library's indications cannot:
// they run on goroutines of their own, in any order, and take the next line for the PDU of a +CMT even when it is
// another unsolicited one. Only the library's reader calls Read, only its command loop Write.
type tap struct {
	rw     io.ReadWriter
	events *events
	trace  func(direction string, b []byte) // nil unless debugging: it shows personal data

	buf    [4096]byte
	back   []byte   // holds out
	out    []byte   // read from the port, not yet taken by the library
	line   []byte   // the line being received
	menu   []string // a +CUSD whose text is not over yet
	direct int      // octets of the TPDU that a +CMT or +CDS announced, 0 for none
	spare  int      // lines that may still come between it and its PDU

	heard, odd atomic.Int64 // octets read, and those among them that no text has

	submitted atomic.Bool // a Ctrl-Z has left: an SMS may have, too
}

// events is what the tap tells the modem's owner.
type events struct {
	sweep  chan struct{} // size one: there may be something to read
	verify chan struct{} // size one: the modem may have reset itself
	direct chan string   // PDUs that were routed here and stored nowhere else
	stores chan string   // stores named by +CMTI
	ussd   chan string   // +CUSD lines, put together again where the text has several
	down   chan struct{} // closed with the connection
	heard  atomic.Int64  // time of the last octet, Unix nanoseconds
}

func newEvents() *events {
	return &events{
		sweep:  make(chan struct{}, 1),
		verify: make(chan struct{}, 1),
		direct: make(chan string, 256),
		stores: make(chan string, 8),
		ussd:   make(chan string, 4),
		down:   make(chan struct{}),
	}
}

// wake fills a channel of size one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

const (
	ctrlZ = 0x1a
	// longestLine is more than the hex of any PDU (176 octets); what is longer is noise.
	longestLine = 1024
)

func (t *tap) Write(b []byte) (int, error) {
	if t.trace != nil {
		t.trace("write", b)
	}
	if bytes.IndexByte(b, ctrlZ) >= 0 {
		t.submitted.Store(true)
	}
	return t.rw.Write(b)
}

func (t *tap) Read(p []byte) (int, error) {
	for len(t.out) == 0 {
		n, err := t.rw.Read(t.buf[:])
		if n > 0 {
			t.events.heard.Store(time.Now().UnixNano())
			if t.trace != nil {
				t.trace("read", t.buf[:n])
			}
			t.feed(t.buf[:n])
		}
		if err != nil && len(t.out) == 0 {
			return 0, err
		}
	}
	n := copy(p, t.out)
	t.out = t.out[n:]
	return n, nil
}

// feed passes octets on without NULs, which a line makes when a modem is switched, and watches the lines.
func (t *tap) feed(b []byte) {
	t.out = t.back[:0]
	t.heard.Add(int64(len(b)))
	for _, c := range b {
		if c < ' ' && c != '\r' && c != '\n' && c != '\t' || c > '~' {
			t.odd.Add(1)
		}
		if c == 0 {
			continue
		}
		t.out = append(t.out, c)
		if c != '\n' && c != '\r' {
			if len(t.line) < longestLine {
				t.line = append(t.line, c)
			}
			continue
		}
		if len(t.line) == 0 {
			continue
		}
		line := strings.TrimSpace(string(t.line))
		t.line = t.line[:0]
		t.watch(line)
		if vendorError(line) {
			t.out = append(t.out, "\r\nERROR\r\n"...)
		}
	}
	t.back = t.out
}

// vendorError names final results (Huawei) that the library waits out until its timeout.
func vendorError(line string) bool {
	return line == "COMMAND NOT SUPPORT" || line == "TOO MANY PARAMETERS"
}

// restarts are lines of a modem that has just started: its settings are the defaults again.
var restarts = []string{"RDY", "SMS Ready", "SMS DONE", "Call Ready", "PB DONE", "^SYSSTART", "*PSREADY", "+CFUN: 1",
	"+CPIN: READY", "+CPIN: NOT READY", "+CPIN: NOT INSERTED", "+QIND: SMS DONE", "^SIMST:"}

// watch recognises what needs the owner. It never answers: unknown lines are no business of ours.
func (t *tap) watch(line string) {
	if t.direct > 0 && t.takeDirect(line) || t.takeUSSD(line) {
		return
	}
	switch {
	case strings.HasPrefix(line, "+CMTI:"), strings.HasPrefix(line, "+CDSI:"):
		if store := quoted(line); store != "" {
			select {
			case t.events.stores <- store:
			default: // the timer sweeps every store
			}
		}
		wake(t.events.sweep)
	case strings.HasPrefix(line, "+CMT:"), strings.HasPrefix(line, "+CDS:"):
		if t.direct, t.spare = lastNumber(line), 4; t.direct == 0 {
			wake(t.events.verify) // a message in text mode: the settings are gone
		}
	case strings.HasPrefix(line, "AT") && len(line) > 2 && strings.ContainsRune("+E", rune(line[2])):
		wake(t.events.verify) // an echo: we had switched it off
	case strings.HasPrefix(line, "^SMMEMFULL"), strings.Contains(line, "SMSFULL"), strings.Contains(line, "SMS FULL"):
		wake(t.events.sweep)
	default:
		for _, r := range restarts {
			if strings.HasPrefix(line, r) {
				wake(t.events.verify)
				return
			}
		}
	}
}

// takeDirect looks for the PDU of a +CMT: the next line that is hex of the announced length, perhaps after a few
// other lines.
func (t *tap) takeDirect(line string) bool {
	if octets(line) != t.direct {
		if t.spare--; t.spare < 0 {
			t.direct = 0
		}
		return false
	}
	t.direct = 0
	select {
	case t.events.direct <- strings.ToUpper(line):
	case <-t.events.down:
	}
	return true
}

// longestMenu is how many lines a USSD text may have: 182 characters at most, so that a quote that never comes cannot
// swallow what follows.
const longestMenu = 16

// takeUSSD gathers a +CUSD up to the quote that ends its text, which may run over several lines.
func (t *tap) takeUSSD(line string) bool {
	begins := strings.HasPrefix(line, "+CUSD:") && !strings.HasPrefix(line, "+CUSD: (")
	if !begins && len(t.menu) == 0 {
		return false
	}
	if begins {
		t.menu = t.menu[:0]
	}
	t.menu = append(t.menu, line)
	whole := strings.Join(t.menu, "\n")
	if strings.Count(whole, `"`)%2 == 1 && len(t.menu) < longestMenu {
		return true
	}
	t.menu = t.menu[:0]
	select {
	case t.events.ussd <- whole:
	default: // nobody asked
	}
	return true
}

// quoted returns the first quoted text of a line.
func quoted(line string) string {
	_, rest, ok := strings.Cut(line, `"`)
	if !ok {
		return ""
	}
	text, _, ok := strings.Cut(rest, `"`)
	if !ok {
		return ""
	}
	return clean(text)
}

// lastNumber returns the number after the last comma or colon, 0 for none.
func lastNumber(line string) int {
	n, err := strconv.Atoi(strings.TrimSpace(line[strings.LastIndexAny(line, ",:")+1:]))
	if err != nil {
		return 0
	}
	return n
}
