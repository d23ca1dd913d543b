package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"tali/gsm"
	"tali/parser"
)

const (
	// pulseText begins every heartbeat SMS. The decision ignores what comes from
	// our own numbers; here it proves that a SIM still receives.
	pulseText = "TALI PULSE "
	// pulseGrace is how long a heartbeat SMS may be under way.
	pulseGrace = 10 * time.Minute
	// pulseLook is how often it is looked whose turn it is.
	pulseLook = 10 * time.Second
	// pulseState, in the spool: what is known of each number. A restart must not
	// take a SIM for well from which nothing has come.
	pulseState = "pulses"
)

// beatOf is what is known of the heartbeat SMS to one modem.
type beatOf struct {
	Tried   time.Time // when one was last sent, or refused
	Waiting time.Time // since when one is under way; zero: none is
	Came    time.Time // when one was last received
}

// pulses remembers the heartbeat SMS to each modem.
type pulses struct {
	mu sync.Mutex
	of map[string]beatOf
}

func newPulses() *pulses { return &pulses{of: make(map[string]beatOf)} }

func (p *pulses) change(modem string, how func(*beatOf)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.of[modem]
	how(&b)
	p.of[modem] = b
}

// expect notes that one is being sent, and reports whether none was under way.
func (p *pulses) expect(modem string, at time.Time) (first bool) {
	p.change(modem, func(b *beatOf) {
		b.Tried, first = at, b.Waiting.IsZero()
		if first {
			b.Waiting = at
		}
	})
	return first
}

// spare takes back an expectation: nothing has left.
func (p *pulses) spare(modem string) { p.change(modem, func(b *beatOf) { b.Waiting = time.Time{} }) }

func (p *pulses) arrived(modem string, at time.Time) {
	p.change(modem, func(b *beatOf) { b.Waiting, b.Came = time.Time{}, at })
}

// due reports whether the modem is to be texted again; a clock that was set back
// must not silence it.
func (p *pulses) due(modem string, every time.Duration, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	tried := p.of[modem].Tried
	return now.Before(tried) || now.Sub(tried) >= every
}

// last is when a modem last received one; overdue is how long the one that it
// should have is late.
func (p *pulses) last(modem string, now time.Time) (came time.Time, overdue time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.of[modem]
	if !b.Waiting.IsZero() {
		overdue = max(0, now.Sub(b.Waiting)-pulseGrace)
	}
	return b.Came, overdue
}

func (p *pulses) pack() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, err := json.Marshal(p.of)
	return string(text), err
}

func (p *pulses) unpack(text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return json.Unmarshal([]byte(text), &p.of)
}

// pulse has each modem text the next one, round and round: at once after a start
// where it is time. It is the only proof from end to end that a prepaid SIM still
// receives.
func (g *Gateway) pulse(ctx context.Context) error {
	if g.Pulse <= 0 || len(g.modems) < 2 {
		<-ctx.Done()
		return ctx.Err()
	}
	for {
		for i, m := range g.modems {
			g.rounds.mark("pulse")
			to := g.modems[(i+1)%len(g.modems)]
			if err := g.pulseTo(ctx, m, to); err != nil && ctx.Err() == nil {
				g.Log.Warn("heartbeat SMS", "modem", m.name, "err", err)
			}
		}
		if !pause(ctx, nil, min(g.Pulse, pulseLook)) {
			return ctx.Err()
		}
	}
}

// pulseTo: it is expected before it is sent, because it may arrive before the
// modem has said that it left.
func (g *Gateway) pulseTo(ctx context.Context, from, to line) error {
	now, number := time.Now(), g.numbers[to.name]
	if number == "" || !from.fit(now) || !to.Ready() || !g.pulses.due(to.name, g.Pulse, now) {
		return nil
	}
	if full, err := g.spent(ctx); full || err != nil {
		return err
	}
	text := fmt.Sprintf("%s%s %s", pulseText, to.name, now.UTC().Format("20060102T150405"))
	first := g.pulses.expect(to.name, now)
	tried, err := g.textBy(ctx, from, number, text)
	if (!tried || err != nil) && first {
		g.pulses.spare(to.name)
	}
	g.keepPulses(ctx)
	return err
}

// felt notes heartbeat SMS among what a modem has read.
func (g *Gateway) felt(ctx context.Context, row gsm.Stored, sender, text string) {
	if !strings.HasPrefix(text, pulseText) {
		return
	}
	phone, _ := parser.ParsePhone(sender)
	for _, own := range g.own {
		if own == phone {
			g.pulses.arrived(row.Modem, time.Now())
			g.keepPulses(ctx)
		}
	}
}

// keepPulses writes down what is known. When the disk is full that costs an alarm
// after a restart, at most.
func (g *Gateway) keepPulses(ctx context.Context) {
	text, err := g.pulses.pack()
	if err == nil {
		err = g.Spool.SetState(context.WithoutCancel(ctx), pulseState, text)
	}
	if err != nil {
		g.Log.Debug("heartbeat SMS cannot be remembered", "err", err)
	}
}

// recallPulses reads what the last run knew.
func (g *Gateway) recallPulses(ctx context.Context) {
	text, err := g.Spool.State(ctx, pulseState)
	if err == nil && text != "" {
		err = g.pulses.unpack(text)
	}
	if err != nil && ctx.Err() == nil {
		g.Log.Warn("heartbeat SMS of the last run", "err", err)
	}
}
