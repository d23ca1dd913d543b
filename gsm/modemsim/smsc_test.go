package modemsim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestListAndDelete(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{Slots: 4})
	c.setUp()
	var pdus []string
	for i := range 3 {
		ids := submit(t, n, SMS{Text: fmt.Sprint("no ", i)})
		if got := c.cmti(); got != i+1 {
			t.Fatalf("+CMTI index = %d, want %d", got, i+1)
		}
		pdus = append(pdus, delivery(t, n, ids[0]).PDU)
	}
	entry := func(index, state int) string {
		return fmt.Sprintf("+CMGL: %d,%d,,%d|%s|", index, state, tpduOctets(pdus[index-1]), pdus[index-1])
	}
	c.expect("AT+CMGR=2", fmt.Sprintf("+CMGR: 0,,%d|%s|OK", tpduOctets(pdus[1]), pdus[1]))
	c.expect("AT+CMGL=1", entry(2, 1)+"OK")
	c.expect("AT+CMGL", entry(1, 0)+entry(3, 0)+"OK")
	c.expect("AT+CMGL=4", entry(1, 1)+entry(2, 1)+entry(3, 1)+"OK")
	c.expect("AT+CMGD=?", "+CMGD: (1,2,3),(0-4)|OK")
	c.expect("AT+CMGD=2", "OK")
	c.expect("AT+CMGR=2", "+CMS ERROR: 321")
	c.expect("AT+CMGL=9", "+CMS ERROR: 304")
	c.expect("AT+CPMS?", `+CPMS: "SM",2,4,"SM",2,4,"SM",2,4|OK`)
	submit(t, n, SMS{Text: "takes the gap"})
	if got := c.cmti(); got != 2 {
		t.Errorf("+CMTI index = %d, want the free 2", got)
	}
	c.expect("AT+CMGD=1,1", "OK") // the read ones
	c.expect("AT+CMGD=?", "+CMGD: (2),(0-4)|OK")
	c.expect("AT+CMGD=1,4", "OK")
	if got := m.Stored(); got != 0 {
		t.Errorf("Stored() = %d, want 0", got)
	}
	if got := count(n, Deleted); got != 4 {
		t.Errorf("%d deletes logged, want 4", got)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{})
	c.setUp()
	id := submit(t, n, SMS{Text: "x"})[0]
	c.cmti()
	read := time.Now()
	c.expect("AT+CMGD=1", "OK")
	d := delivery(t, n, id)
	order := []time.Time{d.Submitted, d.Stored, d.Acknowledged, d.Indicated, read, d.Deleted}
	for i := 1; i < len(order); i++ {
		if order[i-1].IsZero() || order[i].Before(order[i-1]) {
			t.Errorf("time %d of %+v is out of order", i, d)
		}
	}
	if d.From != officer || d.To != modemNumber || d.Copies != 1 {
		t.Errorf("Delivery = %+v", d)
	}
	if all := n.Deliveries(); len(all) != 1 || all[0] != d {
		t.Errorf("Deliveries() = %+v, want just %+v", all, d)
	}
}

func TestFullSIM(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{Slots: 2, FullNotice: `^SMMEMFULL: "SM"`})
	c.setUp()
	for i := range 5 {
		submit(t, n, SMS{Text: fmt.Sprint(i)})
	}
	c.until(`SMMEMFULL: "SM"\r\n`)
	if m.Stored() != 2 || n.Pending(modemNumber) != 3 {
		t.Fatalf("stored %d, pending %d, want 2 and 3", m.Stored(), n.Pending(modemNumber))
	}
	seen := make(map[string]bool)
	for len(seen) < 5 {
		for index, pdu := range c.entries() {
			seen[pdu] = true
			c.ask(fmt.Sprintf("AT+CMGD=%d", index)) // indications may come between
		}
		c.drain()
	}
	if n.Pending(modemNumber) != 0 || m.Stored() != 0 {
		t.Errorf("stored %d, pending %d, want 0", m.Stored(), n.Pending(modemNumber))
	}
	if count(n, Resent) == 0 || count(n, Refused) == 0 {
		t.Error("the log has no refusal and no second try")
	}
}

func TestMemories(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{Slots: 1, MESlots: 2})
	c.setUp()
	c.expect(`AT+CPMS="MT","SM","MT"`, "+CPMS: 0,3,0,1,0,3|OK")
	for i := range 4 {
		submit(t, n, SMS{Text: fmt.Sprint(i)})
	}
	await(t, n, "3 stored", func() bool { return m.Stored() == 3 })
	c.until(`"SM",1`)
	c.until(`"ME",1`)
	c.until(`"ME",2`)
	if got := len(c.entries()); got != 3 {
		t.Errorf("MT lists %d, want 3", got)
	}
	c.expect("AT+CMGD=3", "OK") // ME 2
	c.until(`"ME",2`)
	c.expect(`AT+CPMS="ME"`, "+CPMS: 2,2,1,1,3,3|OK")
	if got := c.entries(); len(got) != 2 || got[1] == "" || got[2] == "" {
		t.Errorf("ME lists %v, want 1 and 2", got)
	}
	c.expect("AT+CMGD=3", "+CMS ERROR: 321")
}

func TestRouting(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		setUp []string
		sms   SMS
		cmt   bool
	}{
		{"stored", nil, SMS{Text: "x"}, false},
		{"class 0", nil, SMS{Text: "x", Class0: true}, true},
		{"class 0 in UCS2", nil, SMS{Text: "✓", Class0: true}, true},
		{"mt=2", []string{"AT+CNMI=2,2"}, SMS{Text: "x"}, true},
		{"mt=3", []string{"AT+CNMI=2,3"}, SMS{Text: "x"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n, m, c := plug(t, Options{})
			c.setUp()
			for _, line := range tt.setUp {
				c.expect(line, "OK")
			}
			id := submit(t, n, tt.sms)[0]
			if !tt.cmt {
				c.cmti()
				return
			}
			pdu := delivery(t, n, id).PDU
			c.until(fmt.Sprintf(`^\r\n\+CMT: ,%d\r\n%s\r\n$`, tpduOctets(pdu), pdu))
			await(t, n, "acknowledged", func() bool { return n.Pending(modemNumber) == 0 })
			if d := delivery(t, n, id); m.Stored() != 0 || d.Indicated.IsZero() || d.Copies != 1 {
				t.Errorf("stored %d, %+v", m.Stored(), d)
			}
		})
	}
}

func TestAcknowledgedRouting(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{RetryDelay: time.Millisecond})
	c.setUp()
	c.expect("AT+CSMS=1", "+CSMS: 1,1,1|OK")
	c.expect("AT+CNMI=2,2", "OK")
	confirmed := submit(t, n, SMS{Text: "confirmed"})[0]
	c.until(`\+CMT: .*\r\n.*\r\n`)
	submit(t, n, SMS{Text: "waits for the first"})
	c.silent()
	if d := delivery(t, n, confirmed); !d.Acknowledged.IsZero() {
		t.Error("acknowledged before AT+CNMA")
	}
	c.expect("AT+CNMA", "OK")
	if d := delivery(t, n, confirmed); d.Acknowledged.IsZero() || d.Copies != 1 {
		t.Errorf("after AT+CNMA: %+v", d)
	}
	c.until(`\+CMT: .*\r\n.*\r\n`)
	c.expect("AT+CNMA=1", "OK")
	c.expect("AT+CNMA", "+CMS ERROR: 340")

	refused := submit(t, n, SMS{Text: "refused once"})[0]
	c.until(`\+CMT: .*\r\n.*\r\n`)
	c.expect("AT+CNMA=2", "OK")
	c.until(`\+CMT: .*\r\n.*\r\n`)
	c.expect("AT+CNMA=0", "OK")
	if d := delivery(t, n, refused); d.Acknowledged.IsZero() || d.Copies != 2 {
		t.Errorf("after refusing once: %+v", d)
	}
}

// TestAcknowledgementTimeout checks that the modem stops routing, and stores.
func TestAcknowledgementTimeout(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{AckTimeout: 50 * time.Millisecond, RetryDelay: time.Millisecond})
	c.setUp()
	c.expect("AT+CSMS=1;+CNMI=2,2", "+CSMS: 1,1,1|OK")
	id := submit(t, n, SMS{Text: "never confirmed"})[0]
	c.until(`\+CMT: .*\r\n.*\r\n`)
	await(t, n, "stored instead", func() bool { return m.Stored() == 1 })
	c.expect("AT+CNMI?", "+CNMI: 2,0,0,0,0|OK")
	if d := delivery(t, n, id); d.Copies != 2 {
		t.Errorf("%d copies, want 2", d.Copies)
	}
}

func TestClass0WaitsForCNMI(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{})
	c.expect("ATE0", "OK")
	submit(t, n, SMS{Text: "flash", Class0: true})
	submit(t, n, SMS{Text: "stored"})
	c.silent()
	if got := n.Pending(modemNumber); got != 1 {
		t.Errorf("Pending = %d, want the flash SMS only", got)
	}
	c.expect("AT+CNMI=2,1", "OK")
	c.until(`\+CMT: .*\r\n.*\r\n`)
}

func TestNotRegistered(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{PIN: "1"})
	c.setUp()
	submit(t, n, SMS{Text: "x"})
	c.silent()
	if m.Stored() != 0 {
		t.Fatal("stored without a PIN")
	}
	c.expect("AT+CPIN=1", "OK")
	c.cmti()
	c.expect("AT+CFUN=4", "OK")
	submit(t, n, SMS{Text: "y"})
	c.silent()
	c.write("AT+CFUN=1\r")
	c.cmti()
}

func TestWait(t *testing.T) {
	t.Parallel()
	n, m, _ := plug(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Wait(ctx, func() bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v, want %v", err, context.Canceled)
	}
	if err := n.Wait(ctx, func() bool { return true }); err != nil {
		t.Errorf("Wait for what is so = %v", err)
	}
	submit(t, n, SMS{Text: "x"})
	await(t, n, "stored", func() bool { return m.Stored() == 1 })
}

func TestAirTime(t *testing.T) {
	t.Parallel()
	const air = 20 * time.Millisecond
	n, _, c := plug(t, Options{AirTime: air})
	c.setUp()
	start := time.Now()
	for range 4 {
		submit(t, n, SMS{Text: "x"})
	}
	for range 4 {
		c.cmti()
	}
	if took := time.Since(start); took < 3*air {
		t.Errorf("4 messages took %v, want at least %v", took, 3*air)
	}
}

func TestManyModems(t *testing.T) {
	t.Parallel()
	n := NewNetwork(1)
	defer n.Close()
	const modems, each = 16, 20
	dir := t.TempDir()
	var done sync.WaitGroup
	for i := range modems {
		m, err := n.AddModem(Options{Number: fmt.Sprintf("+628991%05d", i), Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		c := dial(t, m).setUp()
		done.Go(func() {
			for range each {
				if _, err := n.Submit(SMS{From: officer, To: m.Number(), Text: "x"}); err != nil {
					t.Error(err)
				}
			}
		})
		done.Go(func() { c.deleteAll(each) })
	}
	done.Wait()
	ids := make(map[ID]bool)
	for _, e := range n.Log() {
		if e.Kind == Deleted {
			ids[e.ID] = true
		}
	}
	if len(ids) != modems*each {
		t.Errorf("%d IDs deleted, want %d", len(ids), modems*each)
	}
}

// deleteAll deletes what is listed until there were so many.
func (c *client) deleteAll(n int) {
	for n > 0 {
		for index := range c.entries() {
			c.ask(fmt.Sprintf("AT+CMGD=%d", index))
			n--
		}
	}
}

func TestDuplicateNumber(t *testing.T) {
	t.Parallel()
	n, _, _ := plug(t, Options{})
	if _, err := n.AddModem(Options{Number: strings.TrimPrefix(modemNumber, "+")}); err == nil {
		t.Error("a second modem with the same number was added")
	}
	if _, err := n.AddModem(Options{Number: "none"}); err == nil {
		t.Error("a modem without a number was added")
	}
	n.Close()
	if _, err := n.AddModem(Options{Number: "+1"}); err == nil {
		t.Error("a modem was added to a closed network")
	}
	if _, err := n.Submit(SMS{To: modemNumber}); err == nil {
		t.Error("a closed network took an SMS")
	}
}
