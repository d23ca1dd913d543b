package modemsim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Scenario is one way in which things go wrong at a gateway. The list is the
// whole of what a gateway has to survive; what lies outside a modem is named
// too, and is for whoever runs the gateway to bring about.
type Scenario struct {
	Number  int
	Name    string
	Outside bool    // of the modem and its network: no plan can cause it
	Options Options // what the modem has to be like; most leave it alone
	Plan    Plan
}

// ms keeps the tables below readable.
const ms = time.Millisecond

// Scenarios lists every fault, by number, in the forms that it takes.
func Scenarios() []Scenario {
	return append(messageScenarios(), modemScenarios()...)
}

func one(n int, name string, rules ...Rule) Scenario {
	return Scenario{Number: n, Name: name, Plan: rules}
}

// messageScenarios are about messages and slots, 1 to 12.
func messageScenarios() []Scenario {
	return []Scenario{
		{Number: 1, Name: "gateway killed", Outside: true},
		one(2, "indication lost", Rule{Kind: DropIndication, P: 0.5}),
		{Number: 3, Name: "centre away", Outside: true},
		one(4, "hang-up in mid-reply", Rule{Kind: HangUp, P: 0.05, Limit: 4, Delay: 20 * ms}),
		one(5, "reply after the timeout", Rule{Kind: LateReply, P: 0.05, Limit: 4, Delay: 400 * ms}),
		one(6, "unsolicited line anywhere", Rule{Kind: Interleave, P: 0.3}, Rule{Kind: SplitEntry, P: 0.3}),
		one(7, "delete fails", Rule{Kind: DeleteFails, P: 0.3}),
		one(7, "delete says OK and keeps", Rule{Kind: DeleteKeeps, P: 0.3}),
		one(7, "delete without OK", Rule{Kind: DeleteSilent, P: 0.2, Limit: 3}),
		one(7, "delete done and denied", Rule{Kind: DeleteDenied, P: 0.3}),
		one(8, "sent again by the SMSC", Rule{Kind: Resend, P: 0.3, Limit: 6, Delay: 30 * ms}),
		one(8, "indications switched off", Rule{Kind: IndicationsOff, P: 0.1, Limit: 4}),
		{Number: 8, Name: "acknowledgement owed", Options: Options{OnlyCSMS1: true, AckTimeout: 300 * ms}},
		one(9, "memory full, then not", Rule{Kind: MemoryFull, P: 0.1, Limit: 4, Delay: 50 * ms}),
		one(10, "parts out of order", Rule{Kind: Reorder, P: 0.4, Delay: 20 * ms}),
		one(10, "parts doubled", Rule{Kind: Duplicate, P: 0.2, Limit: 6}),
		one(10, "parts missing", Rule{Kind: LosePDU, P: 0.1, Limit: 3}),
		one(10, "parts on two modems", Rule{Kind: Reroute, P: 0.4}),
		one(11, "silent soft reset", Rule{Kind: SoftReset, P: 0.1, Limit: 4}),
		one(12, "slot reused before the delete", Rule{Kind: SlotReused, P: 0.5, Delay: 200 * ms},
			Rule{Kind: LateReply, Command: "+CMGD", P: 0.3, Delay: 80 * ms}),
	}
}

// modemScenarios are about the modem, its SIM and what it is sent, 13 to 22.
func modemScenarios() []Scenario {
	return []Scenario{
		one(13, "burst of SIM busy", Rule{Kind: CommandError, P: 0.05, Burst: 4, Limit: 4, Code: 314}),
		one(13, "burst of memory failure", Rule{Kind: CommandError, Command: "+CMGL", P: 0.3, Burst: 3, Limit: 3, Code: 320}),
		one(13, "burst of invalid index", Rule{Kind: CommandError, Command: "+CMGD", P: 0.2, Burst: 3, Limit: 3, Code: 321}),
		one(13, "burst of unknown error", Rule{Kind: CommandError, P: 0.05, Burst: 4, Limit: 4, Code: 500}),
		one(13, "memory full at every command", Rule{Kind: CommandError, Command: "+CMGL", P: 0.3, Burst: 2, Limit: 3, Code: 322}),
		one(13, "unheard-of results", Rule{Kind: CommandError, P: 0.05, Limit: 3, Text: "COMMAND NOT SUPPORT"},
			Rule{Kind: CommandError, P: 0.05, Limit: 3, Text: "TOO MANY PARAMETERS"}),
		one(14, "total silence", Rule{Kind: TotalSilence, P: 0.02, Limit: 2, Delay: 400 * ms}),
		one(14, "write stall", Rule{Kind: WriteStall, P: 0.02, Limit: 2, Delay: 400 * ms}),
		one(14, "restart needed", Rule{Kind: Wedged, Nth: 40, Delay: 3 * time.Second}),
		one(15, "garbage", Rule{Kind: Garbage, P: 0.05, Limit: 6}),
		one(15, "NULs", Rule{Kind: NULs, P: 0.2}),
		one(15, "hex cut short", Rule{Kind: CutHex, P: 0.2}),
		one(15, "odd hex", Rule{Kind: CutHex, P: 0.2, Code: 1}),
		one(15, "wrong length", Rule{Kind: BadLength, P: 0.2}),
		one(16, "no prompt", Rule{Kind: NoPrompt, P: 0.2, Limit: 2}),
		one(16, "sending refused", Rule{Kind: CommandError, Command: "+CMGS", P: 0.3, Limit: 4, Code: 38}),
		one(16, "message refused", Rule{Kind: SendFails, P: 0.3, Limit: 4, Code: 42}),
		one(17, "indication without index", Rule{Kind: BadIndication, P: 0.5, Text: `+CMTI: "SM",-1`}),
		one(17, "indication of another store", Rule{Kind: BadIndication, P: 0.5, Text: `+CMTI: "MT",3`}),
		one(17, "stored elsewhere than said", Rule{Kind: OtherStore, P: 0.3}),
		{Number: 17, Name: "first slot is 0", Options: Options{ZeroBased: true}},
		{Number: 17, Name: "only ME", Options: Options{Stores: []string{"ME"}}},
		{Number: 17, Name: "MT first", Options: Options{Stores: []string{"MT", "SM", "ME"}}},
		{Number: 18, Name: "PIN", Options: Options{PIN: "1234"}},
		one(18, "PUK for a while", Rule{Kind: SIMBlocked, Nth: 30, Delay: 300 * ms}),
		one(18, "SIM out for a while", Rule{Kind: SIMRemoved, Nth: 30, Delay: 300 * ms}),
		one(18, "another SIM for a while", Rule{Kind: SIMSwapped, Nth: 30, Delay: 300 * ms}),
		{Number: 19, Name: "poison", Plan: Plan{{Kind: Poisoned, P: 0.3}}},
		one(20, "registration lost", Rule{Kind: RegistrationLost, P: 0.02, Limit: 2, Delay: 200 * ms}),
		one(20, "USSD menu unasked", Rule{Kind: Interleave, P: 0.2, Text: "+CUSD: 1,\"Menu\r\n1 Pulsa\r\nOK\",15"}),
		one(20, "a byte at a time", Rule{Kind: BytePaced, P: 0.05, Limit: 20, Delay: ms / 4}),
		{Number: 20, Name: "9600 baud", Options: Options{Baud: 9600}},
		{Number: 21, Name: "spool disk full", Outside: true},
		one(22, "flood of adverts", Rule{Kind: Adverts, P: 0.2, Limit: 6}),
	}
}

// Mix is a random combination of n rules of the scenarios, rare enough that
// work gets done between them. The same seed makes the same plan.
func Mix(seed uint64, n int) Plan {
	rng := rand.New(rand.NewPCG(seed, 0x7461_6c69))
	var rules Plan
	for _, s := range Scenarios() {
		for _, r := range s.Plan {
			if r.Nth == 0 && r.Kind != LosePDU {
				rules = append(rules, r)
			}
		}
	}
	plan := make(Plan, n)
	for i := range plan {
		r := rules[rng.IntN(len(rules))]
		r.P = max(0.002, r.P*rng.Float64()/4)
		r.Limit = 1 + rng.IntN(5)
		plan[i] = r
	}
	return plan
}

// ParsePlan reads a plan as people write it, a rule a line: the kind, then any
// of command=+CMGL nth=3 p=0.2 limit=4 burst=2 delay=50ms code=314 text=...
// (text last, to the end of the line). Lines that begin with # are skipped.
func ParsePlan(text string) (Plan, error) {
	var plan Plan
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		r, err := parseRule(line)
		if err != nil {
			return nil, fmt.Errorf("line %d of the plan: %w", i+1, err)
		}
		plan = append(plan, r)
	}
	return plan, nil
}

func parseRule(line string) (Rule, error) {
	line, text, _ := strings.Cut(line+" ", " text=")
	words := strings.Fields(line)
	r := Rule{Kind: Kind(words[0]), Text: strings.TrimSpace(text)}
	if !known(r.Kind) {
		return r, fmt.Errorf("no fault is called %q", r.Kind)
	}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "command":
			r.Command = value
		case "nth":
			r.Nth, err = strconv.Atoi(value)
		case "limit":
			r.Limit, err = strconv.Atoi(value)
		case "burst":
			r.Burst, err = strconv.Atoi(value)
		case "code":
			r.Code, err = strconv.Atoi(value)
		case "p":
			r.P, err = strconv.ParseFloat(value, 64)
		case "delay":
			r.Delay, err = time.ParseDuration(value)
		default:
			err = fmt.Errorf("no rule has a %q", name)
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// known says whether some scenario uses a kind: all of them are used by one.
func known(k Kind) bool {
	for _, s := range Scenarios() {
		for _, r := range s.Plan {
			if r.Kind == k {
				return true
			}
		}
	}
	return k == Silence
}
