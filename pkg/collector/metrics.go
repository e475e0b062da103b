package collector

import (
	"fmt"
	"net/http"

	"github.com/VictoriaMetrics/metrics"

	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/vm"
)

// metricsPrefix begins the names of the collector's own metrics.
const metricsPrefix = "streamlens_collector_"

// Metrics by which others see how far the collector is.
const (
	// WaitingMetric is how many bytes of samples wait for VictoriaMetrics.
	WaitingMetric = metricsPrefix + "waiting_bytes"
	// HandedMetric is the time, in ms since 1970, up to which all that came is written or waits.
	HandedMetric = metricsPrefix + "handed_timestamp_milliseconds"
)

// metricSet is what the collector tells about itself.
type metricSet struct {
	set      *metrics.Set
	accepted *metrics.Counter
	repeated *metrics.Counter
}

func newMetrics(p *ingest.Pipeline, agents *enrich.UserAgents, writes func() vm.WriterStats) *metricSet {
	set := metrics.NewSet()
	gauge := func(name string, value func() int64) {
		set.NewGauge(name, func() float64 { return float64(value()) })
	}
	gauge(WaitingMetric, func() int64 { return writes().Waiting })
	gauge(metricsPrefix+"written_bytes_total", func() int64 { return writes().Written })
	gauge(metricsPrefix+"write_failures_total", func() int64 { return writes().Failures })
	gauge(metricsPrefix+"user_agents_not_parsed_total", agents.Refused)
	gauge(HandedMetric, p.Handed)
	set.NewGauge(metricsPrefix+"sessions", func() float64 { return float64(p.Sessions()) })
	set.NewGauge(metricsPrefix+"series", func() float64 { return float64(p.Series()) })
	return &metricSet{
		set:      set,
		accepted: set.NewCounter(metricsPrefix + "accepted_total"),
		repeated: set.NewCounter(metricsPrefix + "repeated_total"),
	}
}

// refused counts refused events, lines and requests by reason.
func (m *metricSet) refused(reason string, n int) {
	m.set.GetOrCreateCounter(fmt.Sprintf("%srefused_total{reason=%q}", metricsPrefix, reason)).Add(n)
}

func (m *metricSet) write(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	m.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}
