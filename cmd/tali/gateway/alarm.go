package gateway

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// AlarmSettings say who is told of trouble, and when.
type AlarmSettings struct {
	Phones  []string      // of the staff; empty: alarms are only logged and counted
	After   time.Duration // of trouble, before it is told
	Clear   time.Duration // without trouble, before its end is told
	Balance int           // rupiah below which a SIM's credit is trouble; 0: never
}

// Alarm is trouble that a person should know of.
type Alarm struct {
	Name    string // what, e.g. modem_down
	Subject string // whom it is about: a modem; empty for the gateway
	Text    string // one line in Indonesian for the staff's phones
	Since   time.Time
}

func (a Alarm) key() string { return a.Name + " " + a.Subject }

// alarms turn what is wrong now into what is told: nothing that passes soon, and
// no end that does not last. What was told is remembered in the spool, so that
// a restart does not tell it again.
type alarms struct {
	mu     sync.Mutex
	wrong  map[string]Alarm     // wrong now or lately, by key
	right  map[string]time.Time // since when what was told is right again
	raised map[string]Alarm     // told, or about to be
}

func newAlarms() *alarms {
	return &alarms{wrong: make(map[string]Alarm), right: make(map[string]time.Time), raised: make(map[string]Alarm)}
}

// weigh takes what is wrong now and returns what begins and what ends.
func (a *alarms) weigh(found []Alarm, s AlarmSettings, now time.Time) (begins, ends []Alarm) {
	a.mu.Lock()
	defer a.mu.Unlock()
	present := make(map[string]bool)
	for _, f := range found {
		key := f.key()
		present[key] = true
		delete(a.right, key)
		old, known := a.wrong[key]
		if f.Since = now; known {
			f.Since = old.Since
		}
		a.wrong[key] = f
		if _, told := a.raised[key]; !told && now.Sub(f.Since) >= s.After {
			a.raised[key] = f
			begins = append(begins, f)
		}
	}
	for key := range a.wrong {
		if !present[key] {
			delete(a.wrong, key)
		}
	}
	for key, told := range a.raised {
		if present[key] {
			continue
		}
		if a.right[key].IsZero() {
			a.right[key] = now
		}
		if now.Sub(a.right[key]) >= s.Clear {
			delete(a.raised, key)
			delete(a.right, key)
			ends = append(ends, told)
		}
	}
	order := func(x, y Alarm) int { return strings.Compare(x.key(), y.key()) }
	slices.SortFunc(begins, order)
	slices.SortFunc(ends, order)
	return begins, ends
}

// active lists what is raised.
func (a *alarms) active() []Alarm {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Alarm, 0, len(a.raised))
	for _, r := range a.raised {
		out = append(out, r)
	}
	slices.SortFunc(out, func(x, y Alarm) int { return strings.Compare(x.key(), y.key()) })
	return out
}

// restore puts back what the last run had told.
func (a *alarms) restore(told []Alarm) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range told {
		a.raised[t.key()] = t
	}
}

// Alarms lists what is wrong and lasts.
func (g *Gateway) Alarms() []Alarm { return g.alarms.active() }
