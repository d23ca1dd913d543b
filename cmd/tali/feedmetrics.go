package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// feedPaths are told apart; whatever else is asked for is "other", so that nobody
// makes labels by asking.
func feedPaths() []string {
	return []string{"/v1/stations", "/v1/areas", "/v1/progress", "/v1/changes", "/v1/openapi.json"}
}

// feedMetrics shows Prometheus how the feed is used. Who asks is in the log, not
// in a label.
type feedMetrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	open     *prometheus.GaugeVec
}

func newFeedMetrics() *feedMetrics {
	return &feedMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tali_feed_requests_total", Help: "Requests to the feed, by path and status code."}, []string{"path", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tali_feed_seconds", Help: "How long answers took, waiting for changes included.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 5, 15, 30, 60}}, []string{"path"}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tali_feed_open", Help: "Requests that are being answered, or wait for changes."}, []string{"path"}),
	}
}

// Describe is prometheus.Collector's.
func (m *feedMetrics) Describe(out chan<- *prometheus.Desc) {
	m.requests.Describe(out)
	m.seconds.Describe(out)
	m.open.Describe(out)
}

// Collect is prometheus.Collector's.
func (m *feedMetrics) Collect(out chan<- prometheus.Metric) {
	m.requests.Collect(out)
	m.seconds.Collect(out)
	m.open.Collect(out)
}

// around counts what the feed answers.
func (m *feedMetrics) around(feed http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, path := range feedPaths() {
		mux.Handle(path, m.of(path, feed))
	}
	mux.Handle("/", m.of("other", feed))
	return mux
}

func (m *feedMetrics) of(path string, feed http.Handler) http.Handler {
	label := prometheus.Labels{"path": path}
	return promhttp.InstrumentHandlerInFlight(m.open.With(label),
		promhttp.InstrumentHandlerDuration(m.seconds.MustCurryWith(label),
			promhttp.InstrumentHandlerCounter(m.requests.MustCurryWith(label), feed)))
}
