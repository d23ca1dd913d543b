package gsm

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// peer is a scripted modem for what no virtual modem does by itself: odd makers, and slots that change between two
// commands. Its answers are lines; the final result is added where a script names none.
type peer struct {
	t      *testing.T
	device string
	master *os.File

	mu     sync.Mutex
	slots  map[int]string            // what AT+CMGR and AT+CMGL print after the header
	script map[string]func() string  // by command without AT, instead of the default
	said   []string                  // commands received
	length func(slot int) (int, int) // status and announced length, nil for honest ones
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, device: slave.Name(), master: master, slots: map[int]string{}, script: map[string]func() string{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.talk()
	}()
	t.Cleanup(func() {
		master.Close()
		slave.Close() // kept open, so that the pty outlives connections
		<-done
	})
	return p
}

// talk answers command lines until the pty is closed.
func (p *peer) talk() {
	r := bufio.NewReader(p.master)
	for {
		line, err := r.ReadString('\r')
		if err != nil {
			return
		}
		command, ok := strings.CutPrefix(strings.Trim(line, "\r\n\x1b"), "AT")
		if !ok {
			continue
		}
		p.say("\r\n" + p.answer(command))
	}
}

// say writes to the line; the test may be over already.
func (p *peer) say(text string) { _, _ = p.master.WriteString(text) }

func (p *peer) answer(command string) string {
	p.mu.Lock()
	p.said = append(p.said, command)
	script := p.script[command]
	p.mu.Unlock()
	if script != nil {
		return script()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var slot int
	switch {
	case command == "+CPIN?":
		return "+CPIN: READY\r\n\r\nOK\r\n"
	case command == "+CIMI":
		return "510890000000001\r\n\r\nOK\r\n"
	case command == "+CMGF?":
		return "+CMGF: 0\r\n\r\nOK\r\n"
	case command == "+CPMS=?":
		return "+CPMS: (\"SM\"),(\"SM\"),(\"SM\")\r\n\r\nOK\r\n"
	case command == "+CPMS?":
		return fmt.Sprintf("+CPMS: \"SM\",%d,10,\"SM\",%d,10,\"SM\",%d,10\r\n\r\nOK\r\n", len(p.slots), len(p.slots), len(p.slots))
	case command == "+CNMI?":
		return "+CNMI: 2,1,0,0,0\r\n\r\nOK\r\n"
	case command == "+CREG?":
		return "+CREG: 0,1\r\n\r\nOK\r\n"
	case command == "+CMGL=4":
		var b strings.Builder
		for _, i := range slices.Sorted(maps.Keys(p.slots)) {
			status, length := p.header(i)
			fmt.Fprintf(&b, "+CMGL: %d,%d,\"a,b\",%d\r\n%s\r\n", i, status, length, p.slots[i])
		}
		return b.String() + "\r\nOK\r\n"
	case scan(command, "+CMGR=%d", &slot):
		if _, ok := p.slots[slot]; !ok {
			return "+CMGR: 0,,0\r\n\r\nOK\r\n"
		}
		status, length := p.header(slot)
		return fmt.Sprintf("+CMGR: %d,,%d\r\n%s\r\n\r\nOK\r\n", status, length, p.slots[slot])
	case scan(command, "+CMGD=%d", &slot):
		delete(p.slots, slot)
	}
	return "OK\r\n"
}

func scan(command, format string, slot *int) bool {
	n, err := fmt.Sscanf(command, format, slot)
	return n == 1 && err == nil
}

func (p *peer) header(slot int) (status, length int) {
	if p.length != nil {
		return p.length(slot)
	}
	return 1, octets(p.slots[slot])
}

// on scripts the answer to a command.
func (p *peer) on(command, answer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script[command] = func() string { return answer }
}

// put fills or, with "", frees a slot.
func (p *peer) put(slot int, pdu string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pdu == "" {
		delete(p.slots, slot)
	} else {
		p.slots[slot] = pdu
	}
}

func (p *peer) count(command string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, s := range p.said {
		if s == command {
			n++
		}
	}
	return n
}

func (p *peer) stored() map[int]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.slots)
}

// own runs an owner on the peer until the test ends.
func (p *peer) own(keep Keeper, change func(*Modem)) *Modem {
	m := New(Settings{Name: "m1", Device: p.device, SweepInterval: 50 * time.Millisecond}, keep, testLog(p.t))
	m.limits = fast()
	if change != nil {
		change(m)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	p.t.Cleanup(func() {
		cancel()
		<-done
	})
	return m
}

func (p *peer) until(what string, ok func() bool) {
	p.t.Helper()
	b := bench{t: p.t}
	for deadline := time.Now().Add(5 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			b.t.Fatalf("not in time: %s; slots %v", what, p.stored())
		}
		<-time.After(2 * time.Millisecond)
	}
}

// TestSlotFilledAnew changes a slot between the listing and the delete: what is there now has not been kept.
func TestSlotFilledAnew(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	old, fresh := encode(t, "OLD")[0], encode(t, "NEW")[0]
	p.put(1, old)
	k := &keeper{first: map[string]time.Time{}}
	var once sync.Once
	p.own(func(ctx context.Context, rows []Stored) error {
		once.Do(func() {
			p.put(1, fresh)
			<-time.After(fast().fresh + 50*time.Millisecond) // a slow spool: the read is stale now
		})
		return k.keep(ctx, rows)
	}, nil)
	p.until("the new one kept", func() bool { return k.has(fresh) })
	p.until("slot freed", func() bool { return len(p.stored()) == 0 })
	if !k.has(old) {
		t.Error("the old one was not kept")
	}
}

// TestSlotAfterFailedDelete never deletes blindly where a delete went wrong before.
func TestSlotAfterFailedDelete(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	old, fresh := encode(t, "OLD")[0], encode(t, "NEW")[0]
	p.put(1, old)
	k := &keeper{first: map[string]time.Time{}}
	failed := false
	p.script["+CMGD=1"] = func() string {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !failed {
			failed = true
			return "+CMS ERROR: 500\r\n"
		}
		if k.has(p.slots[1]) {
			delete(p.slots, 1)
		} else {
			t.Error("slot deleted whose content was never kept")
		}
		return "OK\r\n"
	}
	lists := 0
	p.own(func(ctx context.Context, rows []Stored) error {
		if lists++; lists == 2 {
			p.put(1, fresh) // after the second listing, before its delete
		}
		return k.keep(ctx, rows)
	}, nil)
	p.until("the new one kept", func() bool { return k.has(fresh) })
	p.until("slot freed", func() bool { return len(p.stored()) == 0 })
}

func TestPoisonSlots(t *testing.T) {
	t.Parallel()
	good := encode(t, "TPS 1 7 8 9")[0]
	for name, pdu := range map[string]string{"too long": good + "00", "too short": good[:60], "odd": good[:61], "one octet": "07", "digits": "1234567"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			p.length = func(slot int) (int, int) { return 0, octets(good) }
			p.put(0, pdu)
			p.put(3, good)
			k := &keeper{first: map[string]time.Time{}}
			p.own(k.keep, nil)
			p.until("both kept and freed", func() bool { return k.has(pdu) && k.has(good) && len(p.stored()) == 0 })
		})
	}
}

func TestUnreadableSlotBlocksNothing(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	good := encode(t, "TPS 1 7 8 9")[0]
	p.put(1, "not hex at all")
	p.put(2, good)
	p.length = func(slot int) (int, int) { return 0, octets(good) }
	k := &keeper{first: map[string]time.Time{}}
	p.own(k.keep, nil)
	p.until("the good one kept and freed", func() bool { return k.has(good) && len(p.stored()) == 1 })
	p.until("the other looked at again", func() bool { return p.count("+CMGL=4") > 1 })
	if p.count("+CMGD=1") != 0 {
		t.Error("slot 1 was deleted unread")
	}
}

func TestDraftsAreLeftAlone(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.put(1, encode(t, "DRAFT")[0])
	p.length = func(slot int) (int, int) { return 2, octets(p.slots[slot]) }
	k := &keeper{first: map[string]time.Time{}}
	p.own(k.keep, nil)
	p.until("swept", func() bool { return p.count("+CMGL=4") > 2 })
	if len(p.stored()) != 1 || len(k.all()) != 0 {
		t.Errorf("draft: %v stored, %v kept, want it left alone", p.stored(), k.all())
	}
}

// TestOddMakers sets up modems that refuse or word things in their own way.
func TestOddMakers(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]map[string]string{
		"Huawei refusals":     {"+CSMS=0": "COMMAND NOT SUPPORT\r\n", "+COPS?": "TOO MANY PARAMETERS\r\n"},
		"no CPMS=?":           {"+CPMS=?": "ERROR\r\n"},
		"two stores only":     {`+CPMS="SM","SM","SM"`: "+CMS ERROR: 302\r\n"},
		"no CNMI=?":           {"+CNMI=?": "ERROR\r\n"},
		"other CNMI":          {"+CNMI=?": "+CNMI: (0,1),(0-1),(0),(0),(1)\r\n\r\nOK\r\n", "+CNMI?": "+CNMI: 1, 1, 0, 0, 1\r\n\r\nOK\r\n"},
		"no listing":          {"+CMGL=4": "ERROR\r\n"},
		"ICCID with a prefix": {"+CCID": "+CCID: \"8962890000000000001F\"\r\n\r\nOK\r\n"},
		"verbose errors":      {"+CREG?": "+CME ERROR: operation not allowed\r\n", "+CEREG?": "+CEREG: 0,1\r\n\r\nOK\r\n"},
		"SIM slow to start":   {"+CPIN?": "+CME ERROR: 14\r\n"},
		"foreign lines":       {"+CMGF?": "RING\r\n+CMGF: 0\r\n^RSSI: 9\r\n\r\nOK\r\n", "+CIMI": "RING\r\n510890000000001\r\n\r\nOK\r\n"},
		"NULs":                {"+CIMI": "\x005108\x0090000000001\r\n\r\n\x00OK\r\n"},
		"echo that stays":     {"+CMGL=4": "AT+CMGL=4\r\nOK\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			for command, answer := range script {
				p.on(command, answer)
			}
			good := encode(t, "TPS 1 7 8 9")[0]
			p.put(1, good)
			k := &keeper{first: map[string]time.Time{}}
			m := p.own(k.keep, nil)
			if _, busy := script["+CPIN?"]; busy {
				p.until("asked again", func() bool { return p.count("+CPIN?") > 2 })
				p.on("+CPIN?", "+CPIN: READY\r\n\r\nOK\r\n")
			}
			p.until("ready", m.Ready)
			if _, echo := script["+CMGL=4"]; echo && name != "no listing" {
				p.until("listed", func() bool { return p.count("+CMGL=4") > 1 })
				return
			}
			p.until("kept and freed", func() bool { return k.has(good) && len(p.stored()) == 0 })
		})
	}
}

func TestRestartsStuckModem(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.on("+CMGF?", "+CMGF: 1\r\n\r\nOK\r\n")
	p.script["+CFUN=1,1"] = func() string {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.script, "+CMGF?")
		return "OK\r\n"
	}
	m := p.own((&keeper{first: map[string]time.Time{}}).keep, func(m *Modem) { m.failures = restartAfter - 1 })
	p.until("ready after a restart", m.Ready)
	if n := p.count("+CFUN=1,1"); n != 1 {
		t.Errorf("%d restarts, want 1", n)
	}
}

// TestChangedSIM notices another SIM: keys of its messages begin with another IMSI.
func TestChangedSIM(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	m := p.own((&keeper{first: map[string]time.Time{}}).keep, nil)
	p.until("ready", m.Ready)
	p.on("+CIMI", "510890000000002\r\n\r\nOK\r\n")
	p.say("\r\n+CPIN: NOT READY\r\n")
	p.until("the new IMSI", func() bool { return m.Status().IMSI == "510890000000002" })
}

// TestSilentReset notices lost settings without a word from the modem.
func TestSilentReset(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	m := p.own((&keeper{first: map[string]time.Time{}}).keep, nil)
	p.until("ready", m.Ready)
	p.on("+CNMI?", "+CNMI: 0,0,0,0,0\r\n\r\nOK\r\n")
	p.say("\r\nRDY\r\n")
	p.until("set up again", func() bool { return p.count("+CNMI=2,1,0,0,0") > 1 && m.Status().Resets > 0 })
}

// TestForeignLines wants the real content of a slot kept, whatever came between its header and its hex.
func TestForeignLines(t *testing.T) {
	t.Parallel()
	good, foreign := encode(t, "TPS 1 7 8 9")[0], encode(t, "TPS 2 7 8 9")[0]
	for name, between := range map[string]string{"a word": "RING", "hex of the same length": foreign, "a routed message": "+CMT: ,1\r\n" + foreign} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			p.put(1, good)
			p.script["+CMGL=4"] = func() string {
				if len(p.stored()) == 0 {
					return "OK\r\n"
				}
				return fmt.Sprintf("+CMGL: 1,0,,%d\r\n%s\r\n%s\r\n\r\nOK\r\n", octets(good), between, good)
			}
			k := &keeper{first: map[string]time.Time{}}
			p.own(k.keep, nil)
			p.until("freed", func() bool { return len(p.stored()) == 0 })
			if !k.has(good) || k.has(foreign) {
				t.Errorf("kept %+v, want only the slot's own", k.all())
			}
			if p.count("+CMGR=1") == 0 {
				t.Error("slot deleted without a second look")
			}
		})
	}
}

// TestForeignHexTwice lays foreign hex over both reads of a slot in the same place: that they agree proves nothing.
func TestForeignHexTwice(t *testing.T) {
	t.Parallel()
	good := encode(t, "TPS 1 7 8 9")[0]
	p := newPeer(t)
	p.put(1, good)
	reads := 0
	p.script["+CMGL=4"] = func() string {
		if len(p.stored()) == 0 {
			return "OK\r\n"
		}
		return fmt.Sprintf("+CMGL: 1,0,,%d\r\n0123456789ABCDEF\r\n%s\r\n\r\nOK\r\n", octets(good), good)
	}
	p.script["+CMGR=1"] = func() string {
		foreign := "0123456789ABCDEF\r\n"
		if reads++; reads > 4 {
			foreign = ""
		}
		return fmt.Sprintf("+CMGR: 0,,%d\r\n%s%s\r\n\r\nOK\r\n", octets(good), foreign, good)
	}
	k := &keeper{first: map[string]time.Time{}}
	p.own(k.keep, nil)
	p.until("freed", func() bool { return len(p.stored()) == 0 })
	if rows := k.all(); len(rows) == 0 || rows[0].PDU != good || k.has("0123456789ABCDEF") {
		t.Errorf("kept %+v, want only the slot's own", rows)
	}
}
