package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestFeedMetrics: what is asked for is counted by path, nobody makes a path by
// asking, and the document names every metric.
func TestFeedMetrics(t *testing.T) {
	t.Parallel()
	m := newFeedMetrics()
	feed := m.around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/areas" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	for _, path := range []string{"/v1/areas", "/v1/areas", "/v1/rahasia/1", "/v1/rahasia/2"} {
		feed.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if !strings.Contains(string(document), "| `"+f.GetName()+"` |") {
			t.Errorf("docs/metrics.md lacks %s", f.GetName())
		}
		for _, one := range f.GetMetric() {
			if f.GetName() == "tali_feed_requests_total" {
				labels := map[string]string{}
				for _, l := range one.GetLabel() {
					labels[l.GetName()] = l.GetValue()
				}
				got[labels["path"]+" "+labels["code"]] = one.GetCounter().GetValue()
			}
		}
	}
	if len(families) != 3 || len(got) != 2 || got["/v1/areas 200"] != 2 || got["other 404"] != 2 {
		t.Errorf("%d metrics, requests %v", len(families), got)
	}
	if n := strings.Count(string(document), "| `tali_feed_"); n != len(families) {
		t.Errorf("docs/metrics.md has %d metrics of the feed, the program %d", n, len(families))
	}
}
