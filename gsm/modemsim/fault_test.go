package modemsim

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

const soon = 30 * time.Millisecond

// faultCase is one rule and what a client sees of it.
type faultCase struct {
	name string
	rule Rule
	run  func(t *testing.T, n *Network, m *Modem, c *client)
}

func inject(t *testing.T, tests []faultCase) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n, m, c := plug(t, Options{Faults: Plan{tt.rule}})
			tt.run(t, n, m, c.setUp())
			if got := m.Faults()[tt.rule.Kind]; got == 0 || got != count(n, Faulted) {
				t.Errorf("Faults() counts %d, the log %d", got, count(n, Faulted))
			}
		})
	}
}

func TestIndicationFaults(t *testing.T) {
	t.Parallel()
	inject(t, []faultCase{
		{"indication dropped", Rule{Kind: DropIndication, Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			c.silent()
			submit(t, n, SMS{Text: "2"})
			if got := c.cmti(); got != 2 || m.Stored() != 2 || count(n, IndicationLost) != 1 {
				t.Errorf("+CMTI index %d, stored %d", got, m.Stored())
			}
		}},
		{"indication without index", Rule{Kind: BadIndication, Text: `+CMTI: "SM",-1`, Limit: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			if got := c.cmti(); got != -1 {
				t.Errorf("+CMTI index %d, want -1", got)
			}
		}},
	})
}

func TestDeliveryFaults(t *testing.T) {
	t.Parallel()
	inject(t, []faultCase{
		{"memory full for a while", Rule{Kind: MemoryFull, Nth: 1, Delay: soon}, func(t *testing.T, n *Network, m *Modem, c *client) {
			start := time.Now()
			submit(t, n, SMS{Text: "1"})
			submit(t, n, SMS{Text: "2"})
			c.cmti()
			c.cmti()
			if took := time.Since(start); took < soon {
				t.Errorf("stored after %v, want %v", took, soon)
			}
			if count(n, Refused) != 1 || count(n, Resent) != 1 || n.Pending(modemNumber) != 0 {
				t.Errorf("log = %+v", n.Log())
			}
		}},
		{"SMSC sends again", Rule{Kind: Resend, Nth: 1, Delay: 300 * time.Millisecond}, func(t *testing.T, n *Network, m *Modem, c *client) {
			id := submit(t, n, SMS{Text: "1"})[0]
			c.cmti()
			if d := delivery(t, n, id); !d.Acknowledged.IsZero() {
				t.Error("acknowledged the first time")
			}
			c.cmti()
			entries := c.entries()
			if len(entries) != 2 || entries[1] != entries[2] {
				t.Errorf("entries = %v, want twice the same", entries)
			}
			if d := delivery(t, n, id); d.Copies != 2 || d.Acknowledged.IsZero() {
				t.Errorf("Delivery = %+v", d)
			}
		}},
	})
}

func TestCommandFaults(t *testing.T) {
	t.Parallel()
	inject(t, []faultCase{
		{"command error", Rule{Kind: CommandError, Command: "+CMGL", Nth: 2, Code: 314}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.expect("AT+CMGL=4", "OK")
			c.expect("AT+CSQ", "+CSQ: 20,99|OK")
			c.expect("AT+CMGL=4", "+CMS ERROR: 314")
			c.expect("AT+CMGL=4", "OK")
		}},
		{"unheard-of result", Rule{Kind: CommandError, Command: "+CNMI", Nth: 2, Text: "COMMAND NOT SUPPORT"}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.write("AT+CNMI=2,1\r")
			c.until(`^\r\nCOMMAND NOT SUPPORT\r\n$`)
		}},
		{"soft reset", Rule{Kind: SoftReset, Command: "+CSQ", Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.ask("AT+CSQ")
			c.write("AT+CNMI?\r")
			if got, want := c.until(final), "AT+CNMI?\r\r\n+CNMI: 0,0,0,0,0\r\n\r\nOK\r\n"; got != want {
				t.Errorf("after the reset %q, want %q", got, want)
			}
		}},
		{"no prompt", Rule{Kind: NoPrompt, Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.write("AT+CMGS=10\r")
			c.silent()
			c.expect("\x1b\rAT", "OK")
		}},
	})
}

func TestDeleteFaults(t *testing.T) {
	t.Parallel()
	inject(t, []faultCase{
		{"delete fails", Rule{Kind: DeleteFails, Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			c.cmti()
			c.expect("AT+CMGD=1", "+CMS ERROR: 500")
			if m.Stored() != 1 {
				t.Error("it was deleted")
			}
			c.expect("AT+CMGD=1", "OK")
		}},
		{"delete keeps", Rule{Kind: DeleteKeeps, Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			c.cmti()
			c.expect("AT+CMGD=1", "OK")
			if m.Stored() != 1 || count(n, Deleted) != 0 {
				t.Error("it was deleted")
			}
		}},
		{"delete without a word", Rule{Kind: DeleteSilent, Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			c.cmti()
			c.write("AT+CMGD=1\r")
			await(t, n, "deleted", func() bool { return m.Stored() == 0 && count(n, Deleted) == 1 })
			c.silent()
			c.expect("AT", "OK")
		}},
	})
}

func TestReplyFaults(t *testing.T) {
	t.Parallel()
	inject(t, []faultCase{
		{"late reply", Rule{Kind: LateReply, Command: "+CSQ", Nth: 1, Delay: 300 * time.Millisecond}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.write("AT+CSQ\r")
			c.silent()
			c.expect("AT+CREG?", "+CSQ: 20,99|OK") // the next command takes it
			c.until(`\+CREG: 0,1\r\n\r\nOK\r\n`)
		}},
		{"silence", Rule{Kind: Silence, Command: "+CSQ", Limit: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.write("AT+CSQ\r")
			c.silent()
			c.expect("AT+CSQ", "+CSQ: 20,99|OK")
		}},
	})
}

func TestReplyNoise(t *testing.T) {
	t.Parallel()
	inject(t, []faultCase{
		{"line between lines", Rule{Kind: Interleave, Command: "+CSQ"}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.expect("AT+CSQ", "+CSQ: 20,99|^RSSI: 17|OK")
		}},
		{"line within an entry", Rule{Kind: SplitEntry, Text: "RING"}, func(t *testing.T, n *Network, m *Modem, c *client) {
			id := submit(t, n, SMS{Text: "1"})[0]
			c.cmti()
			pdu := delivery(t, n, id).PDU
			c.expect("AT+CMGR=1", fmt.Sprintf("+CMGR: 0,,%d|RING|%s|OK", tpduOctets(pdu), pdu))
			c.expect("AT+CMGL=4", fmt.Sprintf("+CMGL: 1,1,,%d|RING|%s|OK", tpduOctets(pdu), pdu))
			c.expect("AT+CSQ", "+CSQ: 20,99|OK")
		}},
		{"garbage", Rule{Kind: Garbage, Command: "+CSQ", Code: 30}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.write("AT+CSQ\r")
			for clean := "\r\n+CSQ: 20,99\r\n\r\nOK\r\n"; len(c.got) < len(clean)+30; {
				if err := c.fill(time.Now().Add(wait)); err != nil {
					t.Fatalf("reply %q is short: %v", c.got, err)
				}
			}
		}},
	})
}

func TestHangUp(t *testing.T) {
	t.Parallel()
	inject(t, []faultCase{
		{"hang-up in mid-reply", Rule{Kind: HangUp, Command: "+CMGL", Nth: 1, Delay: soon}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: strings.Repeat("panjang ", 15)})
			c.cmti()
			before := target(t, m)
			c.write("AT+CMGL=4\r")
			for c.fill(time.Now().Add(wait)) == nil {
			}
			if strings.Contains(string(c.got), "OK") {
				t.Errorf("read all of %q", c.got)
			}
			await(t, n, "back", func() bool { return count(n, Plugged) == 2 })
			if after := target(t, m); after == before {
				t.Errorf("back as %s, want another name", after)
			}
			c = dial(t, m)
			c.expect("ATE0", "OK")
			if got := len(c.entries()); got != 1 {
				t.Errorf("%d messages after the hang-up, want 1", got)
			}
		}},
	})
}

func TestRules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		plan Plan
		want string // of ten chances, x where a fault is taken
	}{
		{"always", Plan{{Kind: Silence}}, "xxxxxxxxxx"},
		{"third", Plan{{Kind: Silence, Nth: 3}}, "..x......."},
		{"limit", Plan{{Kind: Silence, Limit: 2}}, "xx........"},
		{"other command", Plan{{Kind: Silence, Command: "+CSQ"}}, ".........."},
		{"other kind", Plan{{Kind: HangUp}}, ".........."},
		{"two rules", Plan{{Kind: Silence, Nth: 2}, {Kind: Silence, Nth: 5}}, ".x...x...."}, // the second is not asked at 2
		{"chance", Plan{{Kind: Silence, P: 0.5}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := chances(tt.plan, 7)
			if tt.want == "" { // the same seed, the same faults; another seed, others
				if again := chances(tt.plan, 7); got != again || got == chances(tt.plan, 8) {
					t.Errorf("seed 7 gives %s and %s", got, again)
				}
				return
			}
			if got != tt.want {
				t.Errorf("taken %s, want %s", got, tt.want)
			}
		})
	}
}

func chances(p Plan, seed uint64) string {
	m := newModem(&Network{seed: seed}, Options{Number: modemNumber, Faults: p})
	var out strings.Builder
	for range 10 {
		if _, ok := m.faults.take(Silence, "+CMGL"); ok {
			out.WriteByte('x')
		} else {
			out.WriteByte('.')
		}
	}
	return out.String()
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	reply := []byte("\r\n+CMGL: 1\r\nAA\r\n\r\n+CMGL: 2\r\nBB\r\n\r\nOK\r\n")
	if got, want := lineEnds(reply), []int{12, 16, 28, 32, 38}; !reflect.DeepEqual(got, want) {
		t.Errorf("lineEnds = %v, want %v", got, want)
	}
	if got, want := headerEnds(reply), []int{12, 28}; !reflect.DeepEqual(got, want) {
		t.Errorf("headerEnds = %v, want %v", got, want)
	}
	if got := headerEnds([]byte("\r\n+CMGS: 1\r\n\r\nOK\r\n")); got != nil {
		t.Errorf("headerEnds of +CMGS = %v, want none", got)
	}
}

func TestInject(t *testing.T) {
	t.Parallel()
	_, m, c := plug(t, Options{})
	c.setUp()
	m.Inject(Plan{{Kind: CommandError, Nth: 2, Code: 321}})
	c.expect("AT+CSQ", "+CSQ: 20,99|OK")
	c.expect("AT+CSQ", "+CMS ERROR: 321")
	m.Inject(Plan{{Kind: CommandError, Limit: 1, Code: 314}})
	c.expect("AT+CSQ", "+CMS ERROR: 314")
	c.expect("AT+CSQ", "+CSQ: 20,99|OK")
	m.Inject(Plan{{Kind: CommandError, Code: 500}})
	m.Calm()
	c.expect("AT+CSQ", "+CSQ: 20,99|OK")
}
