package gateway

import (
	"fmt"
	"sync"
	"time"
)

const (
	// comfortable is how many SMS a minute one GSM modem takes for hours.
	comfortable = 8.0
	loadWindow  = 10 * time.Minute
	loadStep    = 30 * time.Second
	loadSpan    = 24 * time.Hour // in which phones and stations are counted
)

// Load is how much one number has to carry.
type Load struct {
	Modem     string
	Number    string
	PerMinute float64 // SMS received, over the last ten minutes
	Senders   int     // different phones in the last day
	Stations  int     // different stations that SMS of the last day were about
}

// Hot reports whether the number takes more than a modem carries for hours.
func (l Load) Hot() bool { return l.PerMinute > comfortable }

// loads counts what modems receive.
type loads struct {
	mu sync.Mutex
	of map[string]*load // by modem
}

type load struct {
	steps    [int(loadWindow / loadStep)]int
	at       int64                // step that is being counted
	senders  map[string]time.Time // last heard of
	stations map[string]time.Time // by code: last heard of
}

func newLoads() *loads { return &loads{of: make(map[string]*load)} }

// add counts one new SMS.
func (l *loads) add(modem, sender string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.modem(modem)
	m.turn(now)
	m.steps[m.at%int64(len(m.steps))]++
	m.senders[sender] = now
}

// about counts the station that an SMS turned out to be about.
func (l *loads) about(modem, station string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.modem(modem)
	if at.After(m.stations[station]) {
		m.stations[station] = at
	}
}

// modem needs l.mu.
func (l *loads) modem(name string) *load {
	if l.of[name] == nil {
		l.of[name] = &load{senders: make(map[string]time.Time), stations: make(map[string]time.Time)}
	}
	return l.of[name]
}

// turn empties the steps that have passed since the last look. Senders and
// stations are looked through with a new step only: for each SMS it would cost
// more with every phone.
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
	for _, heard := range []map[string]time.Time{m.senders, m.stations} {
		for who, at := range heard {
			if len(heard) > 5000 && now.Sub(at) > loadSpan {
				delete(heard, who)
			}
		}
	}
}

// lately counts who was heard of in the last day.
func lately(heard map[string]time.Time, now time.Time) (n int) {
	for _, at := range heard {
		if now.Sub(at) <= loadSpan {
			n++
		}
	}
	return n
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
	out.Senders, out.Stations = lately(m.senders, now), lately(m.stations, now)
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

// advice is what to do about a hot number: how many of its stations should have
// another one, and which number has the most room for them.
func advice(hot Load, all []Load) string {
	if hot.Stations < 2 { // the centre is away, or one station writes all of it
		return fmt.Sprintf("modem %s menerima %.0f SMS/menit dari %d HP. Pindahkan sebagian TPS ke nomor lain.", hot.Modem, hot.PerMinute, hot.Senders)
	}
	text := fmt.Sprintf("modem %s menerima %.0f SMS/menit dari %d TPS.", hot.Modem, hot.PerMinute, hot.Stations)
	move := hot.Stations - int(float64(hot.Stations)*comfortable/hot.PerMinute)
	cool := hot
	for _, l := range all {
		if l.Number != "" && l.PerMinute < cool.PerMinute {
			cool = l
		}
	}
	if cool.Modem == hot.Modem || cool.PerMinute+hot.PerMinute*float64(move)/float64(hot.Stations) > comfortable {
		return fmt.Sprintf("%s Pindahkan %d TPS ke nomor lain, atau tambah nomor.", text, move)
	}
	return fmt.Sprintf("%s Pindahkan %d TPS ke %s (modem %s, %.0f/menit, %d TPS).", text, move, cool.Number, cool.Modem, cool.PerMinute, cool.Stations)
}
