package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tali/cmd/tali/gateway"
	"tali/configs"
)

// listenMetrics opens the port for Prometheus; nil where none is configured.
func listenMetrics(m configs.Metrics) (net.Listener, error) {
	if m.Listen == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", m.Listen)
	if err != nil {
		return nil, fmt.Errorf("metrics.listen %s: %w: stop what uses the port or choose another", m.Listen, err)
	}
	return listener, nil
}

// metricsHandler serves /metrics, /healthz and /readyz. A desk alone has no
// gateway to tell of; idle is why one that is wanted does not run.
func metricsHandler(g *gateway.Gateway, feed prometheus.Collector, idle error) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(feed)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if g != nil {
		registry.MustRegister(gateway.NewMetrics(g))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		tellHealth(w, stalled(g, time.Now()))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		var why []string
		if idle != nil {
			why = append(why, idle.Error())
		}
		if g != nil {
			why = g.Ready()
		}
		tellHealth(w, why)
	})
	return mux
}

// stalled names what hangs; the watchdog asks too.
func stalled(g *gateway.Gateway, now time.Time) []string {
	if g == nil {
		return nil
	}
	return g.Stalled(now)
}

// tellHealth answers ok, or what is wrong, a line each.
func tellHealth(w http.ResponseWriter, why []string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if len(why) == 0 {
		_, _ = io.WriteString(w, "ok\n") // who asked may be gone
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, strings.Join(why, "\n")+"\n")
}
