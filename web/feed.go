package web

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"

	"tali/db"
)

// feedEvery is how often an open queue is looked at: a row is on every desk well
// within half a second.
const feedEvery = 200 * time.Millisecond

// The events of the queue's stream; those of the overview say what "away" means.
const (
	eventRows = "rows" // the first page has changed: all of it
	eventTabs = "tabs" // the counts have changed
)

// feedKey is what people who see the same page have in common.
type feedKey struct {
	view     db.QueueView
	area     int64
	language string
}

// feeds reads the front of the queue once for all who watch the same part of it.
type feeds struct {
	mu  sync.Mutex
	all map[feedKey]*feed
}

// feed is one part of the queue while somebody watches it.
type feed struct {
	watchers int
	stop     context.CancelFunc
	ended    chan struct{}

	mu      sync.Mutex
	now     feedState
	changed chan struct{} // closed at the next change
}

// feedState is what is on the desks.
type feedState struct{ rows, tabs, away string }

// join adds a watcher; the first one starts the feed, and the last one who leaves
// ends it and waits for it.
func (s *site) joinFeed(ctx context.Context, key feedKey) (f *feed, leave func()) {
	s.feeds.mu.Lock()
	defer s.feeds.mu.Unlock()
	if s.feeds.all == nil {
		s.feeds.all = make(map[feedKey]*feed)
	}
	f = s.feeds.all[key]
	if f == nil {
		work, stop := context.WithCancel(db.WithReach(context.WithoutCancel(ctx), key.area))
		f = &feed{stop: stop, ended: make(chan struct{}), changed: make(chan struct{})}
		s.feeds.all[key] = f
		go func() {
			defer close(f.ended)
			s.runFeed(work, f, key)
		}()
	}
	f.watchers++
	return f, func() { s.leaveFeed(key, f) }
}

func (s *site) leaveFeed(key feedKey, f *feed) {
	s.feeds.mu.Lock()
	f.watchers--
	last := f.watchers == 0
	if last {
		delete(s.feeds.all, key)
	}
	s.feeds.mu.Unlock()
	if last {
		f.stop()
		<-f.ended
	}
}

// runFeed draws until ctx ends. Counts change all the time and cost more: they
// are read every second.
func (s *site) runFeed(ctx context.Context, f *feed, key feedKey) {
	tick := time.NewTicker(feedEvery)
	defer tick.Stop()
	var counts map[db.QueueView]int
	for n := 0; ; n++ {
		if n%int(time.Second/feedEvery) == 0 {
			counts = nil
		}
		state, read := s.drawFeed(ctx, key, counts)
		counts = read
		f.publish(state)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *site) drawFeed(ctx context.Context, key feedKey, counts map[db.QueueView]int) (feedState, map[db.QueueView]int) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	t := tongue{s.words, key.language}
	now := time.Now()
	q := db.QueueQuery{View: key.view, Area: key.area, Limit: queueShown}
	items, err := s.Centre.Queue(ctx, s.Profile, q, now)
	if err == nil && counts == nil {
		counts, err = s.Centre.QueueCounts(ctx, s.Profile, now)
	}
	if err != nil {
		return feedState{away: awayText(t, err)}, nil
	}
	v := s.newQueue(t, q, items, counts, now)
	var rows, tabs bytes.Buffer
	if err := s.draw(&rows, key.language, templateName{"queue", "rows"}, v); err != nil {
		return feedState{away: err.Error()}, nil
	}
	if err := s.draw(&tabs, key.language, templateName{"queue", "tabs"}, v); err != nil {
		return feedState{away: err.Error()}, nil
	}
	return feedState{rows: rows.String(), tabs: tabs.String()}, counts
}

// publish wakes the watchers when something has changed. What was shown stays
// when the centre is away.
func (f *feed) publish(next feedState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if next.away != "" {
		next.rows, next.tabs = f.now.rows, f.now.tabs
	}
	if next == f.now {
		return
	}
	f.now = next
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *feed) read() (feedState, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now, f.changed
}

// feedPulse tells a desk on which nothing changes that the line is there.
const feedPulse = 10 * time.Second

func (s *site) followQueue(w http.ResponseWriter, r *http.Request) {
	out, err := newStream(w)
	if err != nil {
		return
	}
	q := s.queueOf(r)
	f, leave := s.joinFeed(r.Context(), feedKey{q.View, q.Area, s.language(r)})
	defer leave()
	var shown feedState
	check := time.NewTicker(sessionCheck)
	defer check.Stop()
	pulse := time.NewTicker(feedPulse)
	defer pulse.Stop()
	for {
		now, changed := f.read()
		if out.tellQueue(shown, now) != nil {
			return
		}
		shown = now
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		case <-pulse.C:
			if out.send(eventAt, clockOf(s.Profile, time.Now()).full(time.Now()).Text) != nil {
				return
			}
		case <-check.C:
			if !s.stillSignedIn(r) {
				return
			}
		}
	}
}

func (s *stream) tellQueue(shown, now feedState) error {
	if now.away != shown.away && now.away != "" {
		return s.send(eventAway, now.away)
	}
	if now.tabs != shown.tabs {
		if err := s.send(eventTabs, now.tabs); err != nil {
			return err
		}
	}
	if now.rows != shown.rows || shown.away != "" {
		return s.send(eventRows, now.rows)
	}
	return nil
}
