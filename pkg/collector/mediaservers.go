package collector

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/source/mediaserver"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/useragent"
)

// mediaServer is a media server that is polled.
type mediaServer struct {
	config.MediaServer
	poller *mediaserver.Poller
}

// newMediaServers prepares the media servers that the configuration names, and lets the server take their hooks and tell how polls go.
func newMediaServers(configured []config.MediaServer, s *Server, logger *slog.Logger) ([]*mediaServer, error) {
	var all []*mediaServer
	s.hooks = map[[sha256.Size]byte]*mediaServer{}
	for _, m := range configured {
		polled := m.Polled()
		polled.StreamName = s.streamName(m.Organization, m.Type)
		server, err := mediaserver.New(polled)
		if err != nil {
			return nil, fmt.Errorf("media server %s: %w", m.Name, err)
		}
		source := sourceName("server", m.Organization, m.Type, m.URL)
		poller := mediaserver.NewPoller(polled, server, s.Pipeline.Cursor(source), &mediaServerSink{s, m.Organization, source},
			logger.With("name", m.Name))
		one := &mediaServer{m, poller}
		all = append(all, one)
		if m.HookKey != "" {
			s.hooks[sha256.Sum256([]byte(m.HookKey))] = one
		}
	}
	s.mediaServers = all
	s.metrics.set.RegisterMetricsWriter(func(w io.Writer) { writeMediaServers(w, all) })
	return all, nil
}

// streamName returns the name of a media server's stream. The organisation's own rules name it as they would a playlist of that path;
// else what the server calls it is the stream, so that live/NAME is NAME, and access logs are told to call it so.
func (s *Server) streamName(organization, serverType string) func(string) string {
	return func(name string) string {
		rules := s.settings.Load().rulesOf(organization)
		if stream, _, ok := rules.OwnOf(name); ok {
			return stream
		}
		stream := mediaserver.StreamName(serverType, name)
		rules.Know(stream)
		return stream
	}
}

// failingServer is a media server that cannot be polled, as /readyz names it.
type failingServer struct {
	Name   string    `json:"name"`
	Type   string    `json:"type"`
	Reason string    `json:"reason"` // one of mediaserver.Reasons
	Since  time.Time `json:"since"`
}

// failingServers returns the media servers whose last poll failed. What the operator must do is in the log, because anybody may ask.
func (s *Server) failingServers() []failingServer {
	var failing []failingServer
	for _, m := range s.mediaServers {
		if status := m.poller.Status(); status.Reason != "" {
			failing = append(failing, failingServer{m.Name, m.Type, status.Reason, status.Since.UTC().Truncate(time.Second)})
		}
	}
	return failing
}

// writeMediaServers writes how polls go, as metrics.
func writeMediaServers(w io.Writer, all []*mediaServer) {
	for _, m := range all {
		status := m.poller.Status()
		labels := fmt.Sprintf("organization=%q,type=%q,server=%q", m.Organization, m.Type, m.Name)
		gauge := func(name string, value float64) {
			metrics.WriteGaugeFloat64(w, fmt.Sprintf("%sserver_%s{%s}", metricsPrefix, name, labels), value)
		}
		counter := func(name, more string, value int64) {
			metrics.WriteCounterUint64(w, fmt.Sprintf("%sserver_%s{%s%s}", metricsPrefix, name, labels, more), uint64(value))
		}
		up, answered := 0.0, 0.0
		if !status.Answered.IsZero() {
			answered = float64(status.Answered.UnixMilli()) / 1000
			if status.Reason == "" {
				up = 1
			}
		}
		gauge("up", up)
		gauge("last_poll_timestamp_seconds", answered)
		gauge("poll_seconds", status.Took.Seconds())
		gauge("connections", float64(status.Connections))
		gauge("streams", float64(status.Streams))
		counter("left_out_bytes_total", "", status.LeftOut)
		counter("refused_hooks_total", "", status.RefusedHooks)
		for _, reason := range mediaserver.Reasons() {
			counter("poll_failures_total", fmt.Sprintf(",reason=%q", reason), status.Failures[reason])
		}
	}
}

// mediaServerSink counts what a media server reports, for one organisation.
type mediaServerSink struct {
	server       *Server
	organization string
	source       string // of the cursor
}

// Take implements mediaserver.Sink. Streams beyond the organisation's limit are refused and counted as such.
func (m *mediaServerSink) Take(lines []event.Usage, broadcasts []event.Batch, position string) error {
	o, ok := m.server.Directory.Organization(m.organization)
	if !ok {
		return goneError(m.organization)
	}
	d := ingest.Delivery{
		Organization: o.ID, Received: m.server.Clock().UnixMilli(), Cursor: ingest.Cursor{Source: m.source, Position: position},
	}
	for _, u := range lines {
		d.Lines = append(d.Lines, m.server.enrichUsage(o, u))
	}
	for _, b := range broadcasts {
		from := addressOf(b.Session.Viewer.Address)
		place := m.server.Places.Place(from)
		b.Session.Viewer = event.Viewer{
			Country: place.Country, Region: place.Region, ASN: place.ASN, Operator: place.Operator,
			OS: useragent.Unknown, Browser: useragent.Unknown, Device: useragent.OtherDevice,
			Address:  m.server.storedAddress(from, o.Privacy.IP, b.Received),
			Referrer: enrich.Host(b.Session.Viewer.Referrer),
		}
		d.Sessions = append(d.Sessions, b)
	}
	counted, err := m.server.Pipeline.Usage(d)
	if len(counted.OverLimit) > 0 {
		m.server.metrics.refused("streams", len(counted.OverLimit))
	}
	return err
}

// maxHookBody bounds what media servers post, in bytes: webhooks of LiveKit have the metadata of a room and of a participant, 64,000 bytes each by
// default.
const maxHookBody = 512 << 10

// postHook takes a hook of a media server. The key is in the URL because servers can be told nothing else; it opens nothing but this.
func (s *Server) postHook(w http.ResponseWriter, r *http.Request) error {
	var server *mediaServer
	key := r.PathValue("key")
	err := s.guesses.try(time.Now(), s.network(r), key, func() error {
		var ok bool
		if server, ok = s.hooks[sha256.Sum256([]byte(key))]; !ok || server.Type != r.PathValue("type") {
			return tenant.ErrUnknownSecretKey
		}
		return nil
	})
	if err != nil {
		return err
	}
	body, done, err := s.serverBodies.read(r, maxHookBody)
	if err != nil {
		return err
	}
	defer done()
	reply, err := server.poller.Hook(mediaserver.HookRequest{Header: r.Header, Query: r.URL.Query(), Body: body})
	if errors.Is(err, mediaserver.ErrSignature) {
		return &refusal{http.StatusUnauthorized, event.Refusal{Reason: "unauthorized", Error: err.Error()}, 0}
	}
	if err != nil {
		return &refusal{http.StatusBadRequest, event.Refusal{Reason: "malformed", Error: err.Error()}, 0}
	}
	for name, value := range reply.Header {
		w.Header().Set(name, value)
	}
	// An error here means that the server is gone; nobody is left to tell.
	_, _ = io.WriteString(w, reply.Body)
	return nil
}
