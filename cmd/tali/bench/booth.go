package bench

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"time"

	"tali/parser"
	"tali/verify"
)

// booth is one officer with one station before the gateway's rules: what the
// officer sends is decided and remembered as it would be at the centre.
type booth struct {
	profile *parser.Profile
	officer *verify.Officer
	facts   *verify.Facts
	key     verify.CaseKey
	sent    uint64
	at      time.Time
}

const (
	boothPhone   = "+6280000000001" // not assigned
	boothStation = "7108012001003"
	boothApart   = 10 * time.Minute // between two SMS: no copy of one another
)

func newBooth() *booth {
	o := &verify.Officer{Phone: boothPhone, Stations: make([]verify.Station, 1)}
	return &booth{officer: o, facts: &verify.Facts{Officers: map[string]*verify.Officer{boothPhone: o}}}
}

// begin makes the officer one of that station alone, of which nothing is known.
func (b *booth) begin(p *parser.Profile, tps parser.TPSCode) {
	b.profile, b.at = p, p.Opens.Add(time.Hour)
	b.officer.Stations[0] = verify.Station{Code: boothStation, TPS: string(tps), Village: "Boroko", Number: 3}
	clear(b.facts.Known)
	clear(b.facts.Cases)
	clear(b.facts.Questions)
}

// message is the next SMS of the officer.
func (b *booth) message(text string) verify.Message {
	b.sent++
	b.at = b.at.Add(boothApart)
	m := verify.Message{
		Kind: verify.MessageText, Sender: boothPhone, Text: text, SentAt: b.at, ReceivedAt: b.at, Proof: "7F3K2",
	}
	binary.BigEndian.PutUint64(m.Key[:], b.sent)
	return m
}

// first decides an SMS of which nothing need be remembered.
func (b *booth) first(rep *parser.Report, text string) verify.Verdict {
	return verify.Decide(b.profile, b.message(text), rep, b.facts)
}

// send decides an SMS and remembers what came of it.
func (b *booth) send(text string) verify.Verdict {
	m := b.message(text)
	v := verify.Decide(b.profile, m, nil, b.facts)
	b.facts.Apply(m, v)
	return v
}

// offered is what a question says may be answered, of answers that change the
// tally or take a repair of it.
var offered = regexp.MustCompile(`[Bb]alas ((?:[A-Z]+ )?(?:YA|[A-Z0-9]+=\d+(?: [A-Z0-9]+=\d+)?))\b`)

// offer is the answer that v asks for; false when it offers none.
func offer(v verify.Verdict) (string, bool) {
	if v.Asks == nil || v.Reply == nil {
		return "", false
	}
	if found := offered.FindStringSubmatch(v.Reply.Text); found != nil {
		return found[1], true
	}
	return "", false
}

// take answers as v offers. What is offered must be taken: an officer who does as
// told and is asked again will not do as told again.
func (b *booth) take(v verify.Verdict, text string) (verify.Verdict, error) {
	answer, _ := offer(v)
	taken := b.send(answer)
	if taken.Outcome != verify.OutcomeAccepted || taken.Entry == nil {
		return taken, fmt.Errorf("%q: offered %q (%s), which came to %s, %s", text, answer, v.Reply.Kind, taken.Outcome, taken.Reason)
	}
	return taken, nil
}
