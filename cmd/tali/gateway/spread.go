package gateway

import (
	"sync"
	"time"
)

const (
	// comfortable is how many SMS a minute one GSM modem takes for hours.
	comfortable = 8.0
	loadWindow  = 10 * time.Minute
	loadStep    = 30 * time.Second
	senderSpan  = 24 * time.Hour
)

// Load is how much one number has to carry.
type Load struct {
	Modem     string
	Number    string
	PerMinute float64 // SMS received, over the last ten minutes
	Senders   int     // different phones in the last day
}

// Hot reports whether the number takes more than a modem carries for hours.
func (l Load) Hot() bool { return l.PerMinute > comfortable }

// loads counts what modems receive.
type loads struct {
	mu sync.Mutex
	of map[string]*load // by modem
}

type load struct {
	steps   [int(loadWindow / loadStep)]int
	at      int64                // step that is being counted
	senders map[string]time.Time // last heard of
}

func newLoads() *loads { return &loads{of: make(map[string]*load)} }

// add counts one new SMS.
func (l *loads) add(modem, sender string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.of[modem]
	if m == nil {
		m = &load{senders: make(map[string]time.Time)}
		l.of[modem] = m
	}
	m.turn(now)
	m.steps[m.at%int64(len(m.steps))]++
	m.senders[sender] = now
}

// turn empties the steps that have passed since the last look. Senders are looked
// through with a new step only: for each SMS it would cost more with every phone.
func (m *load) turn(now time.Time) {
	step := now.UnixNano() / int64(loadStep)
	if step == m.at {
		return
	}
	for range min(step-m.at, int64(len(m.steps))) {
		m.at++
		m.steps[m.at%int64(len(m.steps))] = 0
	}
	m.at = step
	for sender, at := range m.senders {
		if len(m.senders) > 5000 && now.Sub(at) > senderSpan {
			delete(m.senders, sender)
		}
	}
}

func (l *loads) get(modem string, now time.Time) Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := Load{Modem: modem}
	m := l.of[modem]
	if m == nil {
		return out
	}
	m.turn(now)
	total := 0
	for _, n := range m.steps {
		total += n
	}
	out.PerMinute = float64(total) / loadWindow.Minutes()
	for _, at := range m.senders {
		if now.Sub(at) <= senderSpan {
			out.Senders++
		}
	}
	return out
}

// Loads says which number carries how much, in the order of the settings: a hot
// one should give stations to a cool one.
func (g *Gateway) Loads() []Load {
	now := time.Now()
	out := make([]Load, len(g.modems))
	for i, m := range g.modems {
		out[i] = g.loads.get(m.name, now)
		out[i].Number = g.numbers[m.name]
	}
	return out
}
