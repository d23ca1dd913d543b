package gateway

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"tali/gsm"
	"tali/parser"
)

// pulseText begins every heartbeat SMS. The decision ignores what comes from
// our own numbers; here it proves that a SIM still receives.
const pulseText = "TALI PULSE "

// pulseGrace is how long a heartbeat SMS may be under way.
const pulseGrace = 10 * time.Minute

// pulses remembers when each number last received a heartbeat SMS.
type pulses struct {
	mu   sync.Mutex
	sent map[string]time.Time // by modem that is to receive it: since when it waits
	came map[string]time.Time // by modem
}

func newPulses() *pulses {
	return &pulses{sent: make(map[string]time.Time), came: make(map[string]time.Time)}
}

func (p *pulses) expect(modem string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent[modem].IsZero() {
		p.sent[modem] = at
	}
}

func (p *pulses) arrived(modem string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.came[modem] = at
	delete(p.sent, modem)
}

// last is when a modem last received one; overdue is how long the one that it
// should have is late.
func (p *pulses) last(modem string, now time.Time) (came time.Time, overdue time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if sent := p.sent[modem]; !sent.IsZero() {
		overdue = max(0, now.Sub(sent)-pulseGrace)
	}
	return p.came[modem], overdue
}

// pulse has each modem text the next one, round and round. It is the only proof
// from end to end that a prepaid SIM still receives.
func (g *Gateway) pulse(ctx context.Context) error {
	if g.Pulse <= 0 || len(g.modems) < 2 {
		<-ctx.Done()
		return ctx.Err()
	}
	for pause(ctx, nil, g.Pulse) {
		for i, m := range g.modems {
			to := g.modems[(i+1)%len(g.modems)]
			if err := g.pulseTo(ctx, m, to); err != nil && ctx.Err() == nil {
				g.Log.Warn("heartbeat SMS", "modem", m.name, "err", err)
			}
		}
	}
	return ctx.Err()
}

func (g *Gateway) pulseTo(ctx context.Context, from, to line) error {
	number := g.numbers[to.name]
	if number == "" || !from.fit(time.Now()) || !to.Ready() {
		return nil
	}
	text := fmt.Sprintf("%s%s %s", pulseText, to.name, time.Now().UTC().Format("20060102T150405"))
	_, err := from.Send(ctx, number, text)
	if err == nil {
		g.pulses.expect(to.name, time.Now())
	}
	return err
}

// felt notes heartbeat SMS among what a modem has read.
func (g *Gateway) felt(row gsm.Stored, sender, text string) {
	phone, _ := parser.ParsePhone(sender)
	if !strings.HasPrefix(text, pulseText) {
		return
	}
	for _, own := range g.own {
		if own == phone {
			g.pulses.arrived(row.Modem, time.Now())
		}
	}
}
