package feed_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Whoever asks for what follows after what it has gets every event once.
func TestChangesHaveNoGap(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 25})
	path, seen := "/v1/changes?limit=10", 0
	for seen < 25 {
		p := s.page(path)
		for _, row := range p.Data {
			if seen++; row.Event != seen {
				t.Fatalf("%s gives event %d, want %d", path, row.Event, seen)
			}
		}
		if p.Upto != seen || p.Feed != 25 || p.Next == nil {
			t.Fatalf("%s: sampai %d, urutan %d, next %v", path, p.Upto, p.Feed, p.Next)
		}
		path = *p.Next
	}
	if p := s.page(path); len(p.Data) != 0 || p.Upto != 25 {
		t.Errorf("behind the last event: %+v", p)
	}
	if p := s.page("/v1/changes?after=20"); len(p.Data) != 5 {
		t.Errorf("read again after 20: %d events", len(p.Data))
	}
}

// A consumer that waits hears of an event when it is there.
func TestWaitingEndsWithTheEvent(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 3})
	for have := 3; have < 8; have++ {
		got := make(chan page, 1)
		began := time.Now()
		go func() { got <- s.page(fmt.Sprintf("/v1/changes?after=%d&wait=30", have)) }()
		s.awaitReader("idle") // it has looked, found nothing and let go
		s.publish(have+1, have+1)
		s.run(`SELECT pg_notify('tali_results', '0')`)
		p := <-got
		if len(p.Data) != 1 || p.Data[0].Event != have+1 {
			t.Fatalf("after %d: %+v", have, p)
		}
		if waited := time.Since(began); waited > 20*time.Second {
			t.Errorf("heard of event %d after %v", have+1, waited)
		}
	}
}

// The line on which the centre tells of changes may be cut: what came meanwhile
// is found once it is back.
func TestWaitingSurvivesACut(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 1})
	s.page("/v1/changes")
	s.pg.CutConnections()
	s.publish(2, 2)
	if p := s.page("/v1/changes?after=1&wait=30"); len(p.Data) != 1 {
		t.Fatalf("after the cut: %+v", p)
	}
	got := make(chan page, 1)
	go func() { got <- s.page("/v1/changes?after=2&wait=30") }()
	s.awaitReader("idle")
	s.pg.CutConnections()
	s.publish(3, 3) // told to nobody
	if p := <-got; len(p.Data) != 1 || p.Data[0].Event != 3 {
		t.Errorf("an event told while the line was cut: %+v", p)
	}
}

func TestWaitingForNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 1})
	began := time.Now()
	if p := s.page("/v1/changes?after=1&wait=1"); len(p.Data) != 0 || p.Upto != 1 {
		t.Errorf("nothing came, and yet: %+v", p)
	}
	if waited := time.Since(began); waited < time.Second {
		t.Errorf("waited %v, want a second", waited)
	}
}

// A centre that knows less than its consumer was restored: it must say so.
func TestConsumerAheadOfTheCentre(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 2})
	body, _ := s.get("/v1/changes?after=3&wait=30", http.StatusConflict)
	if !strings.Contains(string(body), "after=0") {
		t.Errorf("%s does not say what to do", body)
	}
}

// A tag holds until what it stands for changes, and depends on no clock.
func TestTags(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{stations: 2})
	tagOf := func(path string) string {
		_, head := s.get(path, http.StatusOK)
		return head.Get("ETag")
	}
	paths := []string{"/v1/stations", "/v1/areas", "/v1/progress", "/v1/changes"}
	var tags []string
	for _, path := range paths {
		tag := tagOf(path)
		for _, have := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			body, head := s.get(path, http.StatusNotModified, "If-None-Match", have)
			if len(body) != 0 || head.Get("ETag") != tag {
				t.Errorf("%s with %s: body %q, tag %s", path, have, body, head.Get("ETag"))
			}
		}
		s.get(path, http.StatusOK, "If-None-Match", `"other"`)
		s.get(path+"?format=csv", http.StatusOK, "If-None-Match", tag)
		tags = append(tags, tag)
	}
	want := func(what string, statuses ...int) {
		t.Helper()
		for i, path := range paths {
			s.get(path, statuses[i], "If-None-Match", tags[i])
			tags[i] = tagOf(path)
		}
		if t.Failed() {
			t.Fatal(what)
		}
	}
	const same, other = http.StatusNotModified, http.StatusOK
	want("nothing", same, same, same, same)
	// The clock of the server was set back by a year.
	s.run(`UPDATE results.area_total SET tps_melapor = 3, diperbarui = '2023-11-27' WHERE kode_wilayah = '71'`)
	want("coverage", same, other, other, same)
	s.run(`UPDATE results.area_total SET tps_melapor = 9 WHERE kode_wilayah = '99'`)
	want("an update of no row", same, same, same, same)
	s.run(`INSERT INTO registry.area (code, level, name) VALUES (71, 'province', 'Provinsi Contoh')`)
	want("a name", same, other, other, same)
	s.publish(3, 3)
	want("an event", other, other, other, other)
	s.run(`UPDATE registry.incarnation SET id = gen_random_uuid()`)
	want("another life of the centre", other, other, other, other)
}
