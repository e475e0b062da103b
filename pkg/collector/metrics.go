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

// metricSet is what the collector tells about itself.
type metricSet struct {
	set      *metrics.Set
	accepted *metrics.Counter
	repeated *metrics.Counter
}

func newMetrics(p *ingest.Pipeline, agents *enrich.UserAgents, writes func() vm.WriterStats) *metricSet {
	set := metrics.NewSet()
	gauge := func(name string, value func() int64) {
		set.NewGauge(metricsPrefix+name, func() float64 { return float64(value()) })
	}
	gauge("waiting_bytes", func() int64 { return writes().Waiting })
	gauge("written_bytes_total", func() int64 { return writes().Written })
	gauge("write_failures_total", func() int64 { return writes().Failures })
	gauge("user_agents_not_parsed_total", agents.Refused)
	gauge("handed_timestamp_milliseconds", p.Handed)
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
