package server

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are what /metrics shows, beside those of the Go runtime and the process.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	queries  prometheus.Counter
	searches prometheus.Gauge
	seconds  prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "searchrl_requests_total", Help: "Requests to /retrieve by status."}, []string{"status"}),
		queries:  prometheus.NewCounter(prometheus.CounterOpts{Name: "searchrl_queries_total", Help: "Queries answered."}),
		searches: prometheus.NewGauge(prometheus.GaugeOpts{Name: "searchrl_searches", Help: "Searches under way."}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "searchrl_request_seconds", Help: "Time from a request's header to its reply.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 18)}),
	}
	m.registry.MustRegister(m.requests, m.queries, m.searches, m.seconds, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) done(status int, took time.Duration) {
	m.requests.WithLabelValues(strconv.Itoa(status)).Inc()
	m.seconds.Observe(took.Seconds())
}
