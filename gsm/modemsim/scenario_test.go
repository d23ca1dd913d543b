package modemsim

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestScenarios wants every fault of the list, by number, and every one that a
// plan can cause to have a plan or a modem of its own.
func TestScenarios(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for _, s := range Scenarios() {
		seen[s.Number] = true
		inside := len(s.Plan) > 0 || !reflect.DeepEqual(s.Options, Options{})
		if inside == s.Outside {
			t.Errorf("%d %s: outside %v, plan %v, options %+v", s.Number, s.Name, s.Outside, s.Plan, s.Options)
		}
	}
	for n := 1; n <= 22; n++ {
		if !seen[n] {
			t.Errorf("fault %d is missing", n)
		}
	}
}

// TestMixIsSeeded wants a combination to be the same for the same seed only.
func TestMixIsSeeded(t *testing.T) {
	t.Parallel()
	if !reflect.DeepEqual(Mix(7, 12), Mix(7, 12)) {
		t.Error("the same seed made two plans")
	}
	if reflect.DeepEqual(Mix(7, 12), Mix(8, 12)) {
		t.Error("two seeds made the same plan")
	}
	if n := len(Mix(1, 5)); n != 5 {
		t.Errorf("%d rules, want 5", n)
	}
}

func TestParsePlan(t *testing.T) {
	t.Parallel()
	got, err := ParsePlan(`
# two faults
command-error command=+CMGL nth=2 p=0.5 limit=3 burst=4 delay=50ms code=314
bad-indication text=+CMTI: "SM",-1
`)
	want := Plan{
		{Kind: CommandError, Command: "+CMGL", Nth: 2, P: 0.5, Limit: 3, Burst: 4, Delay: 50 * time.Millisecond, Code: 314},
		{Kind: BadIndication, Text: `+CMTI: "SM",-1`},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ParsePlan = %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"no-such-fault", "garbage p=often", "garbage colour=red", "nuls delay=3"} {
		if _, err := ParsePlan(bad); err == nil {
			t.Errorf("ParsePlan(%q) = nil, want an error", bad)
		}
	}
}

func TestCardFaults(t *testing.T) {
	t.Parallel()
	inject(t, []faultCase{
		{"SIM out and in", Rule{Kind: SIMRemoved, Command: "+CSQ", Nth: 1, Delay: soon}, func(t *testing.T, n *Network, m *Modem, c *client) {
			id := submit(t, n, SMS{Text: "1"})[0]
			c.cmti()
			c.ask("AT+CSQ")
			c.expect("AT+CPIN?", "+CME ERROR: 10")
			c.expect("AT+CMGL=4", "+CMS ERROR: 310")
			c.until(`\+CPIN: READY\r\n`)
			if got := c.entries(); len(got) != 1 || delivery(t, n, id).Deleted.IsZero() == false {
				t.Errorf("after the SIM is back: %v, want its message", got)
			}
		}},
		{"another SIM", Rule{Kind: SIMSwapped, Command: "+CSQ", Nth: 1, Delay: soon}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			c.cmti()
			c.ask("AT+CSQ")
			c.expect("AT+CIMI", GuestIMSI+"|OK")
			c.expect("AT+CMGL=4", "OK")
			submit(t, n, SMS{Text: "2"}) // for the number of the other card: it waits
			c.until(`\+CPIN: READY\r\n`)
			c.cmti()
			if got := c.entries(); len(got) != 2 {
				t.Errorf("after the own SIM is back: %v, want two messages", got)
			}
		}},
		{"PUK for a while", Rule{Kind: SIMBlocked, Command: "+CSQ", Nth: 1, Delay: soon}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.ask("AT+CSQ")
			c.expect("AT+CPIN?", "+CPIN: SIM PUK|OK")
			c.expect("AT+CMGL=4", "+CMS ERROR: 316")
			c.eventually("AT+CPIN?", "+CPIN: READY|OK")
		}},
		{"registration lost", Rule{Kind: RegistrationLost, Command: "+CGMI", Nth: 1, Delay: soon}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.ask("AT+CGMI")
			c.expect("AT+CREG?", "+CREG: 0,2|OK")
			c.expect("AT+CSQ", "+CSQ: 99,99|OK")
			submit(t, n, SMS{Text: "1"})
			c.cmti()
			c.expect("AT+CREG?", "+CREG: 0,1|OK")
		}},
		{"restart needed", Rule{Kind: Wedged, Command: "+CSQ", Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.expect("AT+CSQ", "+CME ERROR: 100")
			c.expect("AT+CMGL=4", "+CME ERROR: 100")
			c.expect("AT+CFUN=1,1", "OK")
			c.write("ATE0\r")
			c.until(final)
			c.expect("AT+CSQ", "+CSQ: 20,99|OK")
		}},
		{"total silence", Rule{Kind: TotalSilence, Command: "+CSQ", Nth: 1, Delay: soon}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.write("AT+CSQ\r")
			await(t, n, "silence", func() bool { return count(n, Faulted) == 1 })
			submit(t, n, SMS{Text: "1"})
			c.cmti() // when it is over
			c.expect("AT+CSQ", "+CSQ: 20,99|OK")
		}},
		{"write stall", Rule{Kind: WriteStall, Command: "+CSQ", Nth: 1, Delay: soon}, func(t *testing.T, n *Network, m *Modem, c *client) {
			start := time.Now()
			c.expect("AT+CSQ", "+CSQ: 20,99|OK")
			if took := time.Since(start); took < soon {
				t.Errorf("answered after %v, want %v", took, soon)
			}
		}},
	})
}

func TestNetworkFaults(t *testing.T) {
	t.Parallel()
	inject(t, []faultCase{
		{"out of order", Rule{Kind: Reorder, Nth: 1, Delay: soon}, func(t *testing.T, n *Network, m *Modem, c *client) {
			first := submit(t, n, SMS{Text: "1"})[0]
			second := submit(t, n, SMS{Text: "2"})[0]
			c.cmti()
			c.cmti()
			if a, b := delivery(t, n, first), delivery(t, n, second); !a.Stored.After(b.Stored) {
				t.Errorf("stored at %v and %v, want the second first", a.Stored, b.Stored)
			}
		}},
		{"lost", Rule{Kind: LosePDU, Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			id := submit(t, n, SMS{Text: "1"})[0]
			c.silent()
			if d := delivery(t, n, id); !d.Acknowledged.IsZero() || n.Pending(modemNumber) != 0 || count(n, Lost) != 1 {
				t.Errorf("Delivery = %+v, want it lost", d)
			}
		}},
		{"doubled", Rule{Kind: Duplicate, Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			c.cmti()
			c.cmti()
			all := n.Deliveries()
			if len(all) != 2 || all[0].PDU == all[1].PDU || len(all[0].PDU) != len(all[1].PDU) {
				t.Errorf("deliveries %+v, want two that differ in their time", all)
			}
		}},
		{"adverts", Rule{Kind: Adverts, Nth: 1, Code: 4}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			for range 5 {
				c.cmti()
			}
		}},
		{"poison", Rule{Kind: Poisoned, Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			c.cmti()
			c.cmti()
		}},
		{"other store", Rule{Kind: OtherStore, Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			c.until(`\+CMTI: "ME",1\r\n`)
			c.expect("AT+CMGL=4", "OK")
		}},
		{"indications off", Rule{Kind: IndicationsOff, Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			c.silent()
			c.expect("AT+CNMI?", "+CNMI: 0,0,0,0,0|OK")
		}},
	})
}

// TestReroute sends the parts of one SMS to two modems.
func TestReroute(t *testing.T) {
	t.Parallel()
	n, m, c := plug(t, Options{Faults: Plan{{Kind: Reroute, Nth: 2}}})
	other, err := n.AddModem(Options{Number: "+62899100002", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	c.setUp()
	ids := submit(t, n, SMS{Text: "satu dua tiga", ForceParts: 2})
	c.cmti()
	if err := n.Wait(t.Context(), func() bool { return other.Stored() == 1 }); err != nil {
		t.Fatal(err)
	}
	if d := delivery(t, n, ids[1]); d.To != other.Number() || d.Acknowledged.IsZero() || m.Stored() != 1 {
		t.Errorf("Delivery = %+v, %d stored here", d, m.Stored())
	}
}

// TestSlotReused changes a slot between the listing and the delete.
func TestSlotReused(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{Slots: 1, Faults: Plan{{Kind: SlotReused, Nth: 1, Delay: soon}}})
	c.setUp()
	old := submit(t, n, SMS{Text: "1"})[0]
	c.cmti()
	fresh := submit(t, n, SMS{Text: "2"})[0]
	before := c.entries()
	<-time.After(2 * soon)
	c.ask("AT+CMGR=1")
	after := c.entries()
	if before[1] == after[1] || count(n, Replaced) != 1 || delivery(t, n, fresh).Stored.IsZero() || !delivery(t, n, old).Deleted.IsZero() {
		t.Errorf("slot held %q, then %q; log %+v", before[1], after[1], n.Log())
	}
}

func TestReplyDamage(t *testing.T) {
	t.Parallel()
	entry := func(t *testing.T, n *Network, c *client) string {
		submit(t, n, SMS{Text: "PILBUP 1 2 3"})
		c.cmti()
		c.write("AT+CMGL=4\r")
		return c.until(final)
	}
	whole := len(mustPDU(SMS{From: officer, Text: "PILBUP 1 2 3"}))
	inject(t, []faultCase{
		{"hex cut", Rule{Kind: CutHex, Nth: 1, Code: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			lines := linesOf(entry(t, n, c))
			if got := len(lines[1]); got != whole-1 {
				t.Errorf("hex of %d digits, want %d; %q", got, whole-1, lines)
			}
		}},
		{"wrong length", Rule{Kind: BadLength, Nth: 1, Code: 3}, func(t *testing.T, n *Network, m *Modem, c *client) {
			lines := linesOf(entry(t, n, c))
			if want := "+CMGL: 1,0,,"; lines[0][:len(want)] != want || lines[0][len(want):] == "" || tpduOctets(lines[1]) == atoi(lines[0][len(want):]) {
				t.Errorf("header %q with %d octets", lines[0], tpduOctets(lines[1]))
			}
		}},
		{"NULs", Rule{Kind: NULs, Command: "+CMGL", Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			c.cmti()
			c.write("AT+CMGL=4\r")
			if got := c.until(`\x00`); got == "" {
				t.Error("no NUL came")
			}
			c.until(`O\x00*K\x00*\r\x00*\n`)
		}},
		{"a byte at a time", Rule{Kind: BytePaced, Command: "+CSQ", Nth: 1, Delay: time.Millisecond}, func(t *testing.T, n *Network, m *Modem, c *client) {
			start := time.Now()
			c.expect("AT+CSQ", "+CSQ: 20,99|OK")
			if took := time.Since(start); took < 10*time.Millisecond {
				t.Errorf("answered within %v", took)
			}
		}},
		{"burst", Rule{Kind: CommandError, Command: "+CSQ", Nth: 2, Burst: 3, Code: 500}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.expect("AT+CSQ", "+CSQ: 20,99|OK")
			for range 3 {
				c.expect("AT+CSQ", "+CMS ERROR: 500")
			}
			c.expect("AT+CSQ", "+CSQ: 20,99|OK")
		}},
		{"delete denied", Rule{Kind: DeleteDenied, Nth: 1}, func(t *testing.T, n *Network, m *Modem, c *client) {
			submit(t, n, SMS{Text: "1"})
			c.cmti()
			c.expect("AT+CMGD=1", "+CMS ERROR: 500")
			if m.Stored() != 0 {
				t.Errorf("%d stored, want it gone", m.Stored())
			}
		}},
		{"message refused", Rule{Kind: SendFails, Nth: 1, Code: 42}, func(t *testing.T, n *Network, m *Modem, c *client) {
			c.write("AT+CMGS=14\r")
			c.until("> ")
			c.write("0001000B912698100000F000000141\x1a")
			c.until(`CMS ERROR`)
			if count(n, Sent) != 0 {
				t.Error("the message left")
			}
		}},
	})
}

// TestPoisons wants them to be hex that differs from the good one, each its own.
func TestPoisons(t *testing.T) {
	t.Parallel()
	var seen []string
	for _, p := range Poisons(officer, 1) {
		if p.PDU == "" || len(p.PDU)%2 != 0 || slices.Contains(seen, p.PDU) || tpduOctets(p.PDU) < 0 {
			t.Errorf("%s: %q", p.Name, p.PDU)
		}
		seen = append(seen, p.PDU)
	}
	if len(seen) < 20 {
		t.Errorf("%d sorts of poison, want 20 and more", len(seen))
	}
}

// TestOptionsOfMakers: what no rule changes.
func TestOptionsOfMakers(t *testing.T) {
	t.Parallel()
	n, _, c := plug(t, Options{ZeroBased: true, OnlyCSMS1: true, NoSMSC: true, Stores: []string{"ME"}, ClockOffset: time.Hour})
	c.setUp()
	c.expect("AT+CSMS=0", "+CMS ERROR: 303")
	c.expect("AT+CSCA?", `+CSCA: "",145|OK`)
	c.expect("AT+CPMS=?", `+CPMS: ("ME"),("ME"),("ME")|OK`)
	submit(t, n, SMS{Text: "1"})
	c.until(`\+CMTI: "ME",0\r\n`)
	c.expect("AT+CMGD=1", "OK") // the second slot, which is free
	if len(c.entries()) != 1 {
		t.Error("slot 0 was not listed")
	}
	c.expect("AT+CMGD=0", "OK")
	if len(c.entries()) != 0 {
		t.Error("slot 0 was not deleted")
	}
}

// linesOf cuts a reply into its lines that say something.
func linesOf(reply string) []string { return strings.Split(tidy(reply), "|") }

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// eventually asks until the answer is the one that is waited for.
func (c *client) eventually(line, want string) {
	c.t.Helper()
	got := ""
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); {
		if got = c.ask(line); got == want {
			return
		}
		<-time.After(2 * time.Millisecond)
	}
	c.t.Fatalf("%s = %q, want %q in the end", line, got, want)
}
