package mediaserver

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/streamlens/streamlens/pkg/event"
)

// mediaMTXMetrics reads the metrics of MediaMTX (https://mediamtx.org/docs/features/metrics), for those that do not enable
// its API. They do not say what a path fetches itself, and when a connection began.
type mediaMTXMetrics struct{}

// errNoPath says that the metrics come from a version whose connections do not name their path.
var errNoPath = errors.New("the metrics of this version of MediaMTX do not say which path a connection has; enable its API")

// mediaMTXFamilies are the metrics of connections; each is followed by the name of a counter.
var mediaMTXFamilies = []struct{ prefix, protocol string }{
	{"rtmp_conns_", "rtmp"},
	{"rtmps_conns_", "rtmps"},
	{"rtsp_sessions_", "rtsp"},
	{"rtsps_sessions_", "rtsps"},
	{"srt_conns_", "srt"},
	{"webrtc_sessions_", "webrtc"},
	{"moq_sessions_", "moq"},
	{"hls_sessions_", "hls"},
}

func (mediaMTXMetrics) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	got, err := a.get(ctx, "", nil)
	if err != nil {
		return Snapshot{}, err
	}
	return decodeMediaMTXMetrics(got)
}

func decodeMediaMTXMetrics(a answer) (Snapshot, error) {
	// The ids of connections are those of no others, whatever the run.
	s := Snapshot{Start: "metrics"}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(a.body))
	if err != nil {
		return s, failed(ReasonAnswer, "the answer of %s is no metrics: %w", a.about, err)
	}
	if families["paths"] == nil {
		return s, a.unknown("MediaMTX's metrics: it has none of paths")
	}
	connections := map[string]*Connection{}
	for _, f := range mediaMTXFamilies {
		received := firstFamily(families, f.prefix, "inbound_bytes", "bytes_received")
		sent := firstFamily(families, f.prefix, "outbound_bytes", "bytes_sent")
		for _, metric := range received {
			c, err := metricConnection(connections, metric, f.protocol)
			if err != nil {
				return s, err
			}
			if c != nil {
				c.Received = metricValue(metric)
			}
		}
		for _, metric := range sent {
			c, err := metricConnection(connections, metric, f.protocol)
			if err != nil {
				return s, err
			}
			if c != nil {
				c.Sent = metricValue(metric)
			}
		}
	}
	for _, c := range connections {
		s.Connections = append(s.Connections, *c)
	}
	slices.SortFunc(s.Connections, func(a, b Connection) int { return cmp.Compare(a.ID, b.ID) })
	for _, metric := range firstFamily(families, "hls_muxers_", "outbound_bytes", "bytes_sent") {
		if name := metricLabels(metric)["name"]; name != "" {
			s.Streams = append(s.Streams,
				Stream{Name: streamName(name), Protocol: "hls", Received: event.Absent, Sent: metricValue(metric)})
		}
	}
	return s, nil
}

func firstFamily(families map[string]*dto.MetricFamily, prefix string, names ...string) []*dto.Metric {
	for _, name := range names {
		if f := families[prefix+name]; f != nil {
			return f.GetMetric()
		}
	}
	return nil
}

// metricConnection returns the connection that a metric belongs to, without a stream if it neither reads nor publishes, and nil if
// it is the zero that stands for no connection.
func metricConnection(known map[string]*Connection, metric *dto.Metric, protocol string) (*Connection, error) {
	labels := metricLabels(metric)
	id := labels["id"]
	if id == "" {
		return nil, nil
	}
	if c := known[id]; c != nil {
		return c, nil
	}
	path, ok := labels["path"]
	switch {
	case labels["state"] == "idle":
		path = ""
	case !ok:
		return nil, errNoPath
	}
	c := &Connection{
		ID: id, Stream: streamName(path), Publisher: labels["state"] == "publish", Protocol: protocol,
		Address: address(labels["remoteAddr"]), UserAgent: labels["userAgent"], Client: labels["userAgent"],
		Relay: strings.EqualFold(labels["isCDN"], "true"), Connectionless: protocol == "hls", Received: event.Absent, Sent: event.Absent,
	}
	known[id] = c
	return c, nil
}

func metricLabels(metric *dto.Metric) map[string]string {
	labels := make(map[string]string, len(metric.GetLabel()))
	for _, l := range metric.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	return labels
}

func metricValue(metric *dto.Metric) int64 {
	var v float64
	switch {
	case metric.GetUntyped() != nil:
		v = metric.GetUntyped().GetValue()
	case metric.GetCounter() != nil:
		v = metric.GetCounter().GetValue()
	case metric.GetGauge() != nil:
		v = metric.GetGauge().GetValue()
	default:
		return event.Absent
	}
	if v >= 0 && v <= 1<<53 {
		return int64(v)
	}
	return event.Absent
}
