package collector

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/source/logreader"
	"github.com/streamlens/streamlens/pkg/useragent"
)

// metricsPrefix begins the names of the collector's own metrics.
const metricsPrefix = "streamlens_collector_"

// Metrics by which others see how far the collector is.
const (
	// WaitingMetric is how many samples VictoriaMetrics has not taken.
	WaitingMetric = metricsPrefix + "waiting_samples"
	// HandedMetric is the time, in ms since 1970, up to which all that came is written or waits.
	HandedMetric = metricsPrefix + "handed_timestamp_milliseconds"
)

// readyTimeout is how long the answer with the metrics waits for VictoriaMetrics.
const readyTimeout = 3 * time.Second

// metricSet is what the collector tells about itself.
type metricSet struct {
	set      *metrics.Set
	accepted *metrics.Counter
	repeated *metrics.Counter
}

// newMetrics returns the metrics of a pipeline, which it observes, and of what is in front of it.
func newMetrics(p *ingest.Pipeline, agents *useragent.Agents, places *geoip.Places, ready func(context.Context) error) *metricSet {
	m := &metricSet{set: metrics.NewSet()}
	m.accepted = m.set.NewCounter(metricsPrefix + "accepted_total")
	m.repeated = m.set.NewCounter(metricsPrefix + "repeated_total")
	for name, value := range map[string]func(ingest.Stats) float64{
		"sessions":              func(s ingest.Stats) float64 { return float64(s.Sessions) },
		"series":                func(s ingest.Stats) float64 { return float64(s.Series) },
		"late_total":            func(s ingest.Stats) float64 { return float64(s.Late) },
		"written_samples_total": func(s ingest.Stats) float64 { return float64(s.Written) },
		"written_bytes_total":   func(s ingest.Stats) float64 { return float64(s.WrittenBytes) },
		"write_failures_total":  func(s ingest.Stats) float64 { return float64(s.Failures) },
		"journal_bytes":         func(s ingest.Stats) float64 { return float64(s.JournalBytes) },
		"backlog_bytes":         func(s ingest.Stats) float64 { return float64(s.BacklogBytes) },
		"waiting_seconds": func(s ingest.Stats) float64 {
			if s.Waiting == 0 {
				return 0
			}
			return time.Since(time.UnixMilli(s.Clean)).Seconds()
		},
	} {
		m.set.NewGauge(metricsPrefix+name, func() float64 { return value(p.Stats()) })
	}
	m.set.NewGauge(WaitingMetric, func() float64 { return float64(p.Stats().Waiting) })
	m.set.NewGauge(HandedMetric, func() float64 { return float64(p.Stats().Handed) })
	m.set.NewGauge(metricsPrefix+"max_data_bytes", func() float64 { return float64(p.MaxBytes) })
	m.set.NewGauge(metricsPrefix+"user_agents_waited_total", func() float64 { return float64(agents.Waited()) })
	m.set.RegisterMetricsWriter(func(w io.Writer) { writePlaceMetrics(w, places) })
	m.set.RegisterMetricsWriter(func(w io.Writer) { writePlayMetrics(w, p) })
	m.set.NewGauge(metricsPrefix+"ready", func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
		defer cancel()
		if ready(ctx) != nil {
			return 0
		}
		return 1
	})
	synced, delay := m.set.NewHistogram(metricsPrefix+"journal_sync_seconds"), m.set.NewHistogram(metricsPrefix+"delay_seconds")
	p.Observe(ingest.Observer{
		Synced: func(took time.Duration) { synced.Update(took.Seconds()) },
		Taken:  func(after time.Duration) { delay.Update(after.Seconds()) },
		Folded: func(organization, label string) {
			m.set.GetOrCreateCounter(fmt.Sprintf("%sfolded_total{organization=%q,field=%q}", metricsPrefix, organization, label)).Inc()
		},
	})
	return m
}

// refused counts refused events, lines and requests by reason.
func (m *metricSet) refused(reason string, n int) {
	m.set.GetOrCreateCounter(fmt.Sprintf("%srefused_total{reason=%q}", metricsPrefix, reason)).Add(n)
}

// read counts questions with a read key, by its name.
func (m *metricSet) read(organization, key string) {
	m.set.GetOrCreateCounter(fmt.Sprintf("%sreads_total{organization=%q,key=%q}", metricsPrefix, organization, key)).Inc()
}

// readRefused counts questions that were refused or could not be answered, by reason.
func (m *metricSet) readRefused(reason string, n int) {
	m.set.GetOrCreateCounter(fmt.Sprintf("%sreads_refused_total{reason=%q}", metricsPrefix, reason)).Add(n)
}

// logLines counts lines of access logs that are ignored or refused, or that lack something, by what became of them and why.
func (m *metricSet) logLines(r logreader.Remark) {
	m.set.GetOrCreateCounter(fmt.Sprintf("%slog_lines_total{fate=%q,reason=%q}", metricsPrefix, r.Fate, r.Reason)).Add(r.Lines)
}

func (m *metricSet) write(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	m.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}
