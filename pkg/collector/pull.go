package collector

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/source/logfile"
	"github.com/streamlens/streamlens/pkg/source/mediaserver"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// pull is what the collector fetches by itself: the logs that it follows and the media servers that it polls.
type pull struct {
	followers []*logfile.Follower
	pollers   []*mediaserver.Poller
}

// newPull prepares what the configuration names, and lets the server take the hooks of media servers.
func newPull(c config.Config, s *Server, logger *slog.Logger) (*pull, error) {
	p := &pull{}
	for _, l := range c.Logs {
		organization, _ := s.Directory.Organization(l.Organization)
		log, err := newLogSource(l.LogFormat())
		if err != nil {
			return nil, err
		}
		name := sha256.Sum256([]byte(l.Organization + "\n" + l.File))
		p.followers = append(p.followers, &logfile.Follower{
			Path: l.File, State: filepath.Join(c.DataDir, "log-"+hex.EncodeToString(name[:8])+".json"), Logger: logger,
			Take: s.logTaker(organization, log),
		})
	}
	s.hooks = map[string]*mediaserver.Poller{}
	for _, m := range c.Servers {
		organization, _ := s.Directory.Organization(m.Organization)
		polled := m.Polled()
		polled.StreamName = s.streamName(organization)
		server, err := mediaserver.New(polled)
		if err != nil {
			return nil, err
		}
		poller := mediaserver.NewPoller(polled, server, &mediaServerSink{s, organization}, logger)
		p.pollers = append(p.pollers, poller)
		if m.HookKey != "" {
			s.hooks[m.HookKey] = poller
		}
	}
	return p, nil
}

// streamName returns the name of a media server's stream. It is the one that the stream has in an access log, so that what a
// server receives by RTMP and a cache delivers by HLS is one stream: live/NAME is NAME, unless the organisation's own rules
// say something else.
func (s *Server) streamName(o *tenant.Organization) func(string) string {
	return func(name string) string {
		if stream, _, _, ok := s.rules[o.ID].Match("/" + name + "/index.m3u8"); ok {
			return stream
		}
		return name
	}
}

// run fetches until ctx is done.
func (p *pull) run(ctx context.Context, logger *slog.Logger) {
	var all sync.WaitGroup
	for _, f := range p.followers {
		all.Go(func() {
			if err := f.Run(ctx); err != nil {
				logger.Error("A log is not followed", "file", f.Path, "error", err)
			}
		})
	}
	for _, poller := range p.pollers {
		all.Go(func() { poller.Run(ctx) })
	}
	all.Wait()
}

// logTaker counts the lines of a log that is followed, and tells of the first line that cannot be read.
func (s *Server) logTaker(o *tenant.Organization, log *logSource) func(context.Context, []byte) error {
	told := false
	return func(ctx context.Context, lines []byte) error {
		answered, err := s.countLog(o, log, lines, "", s.Clock().UnixMilli())
		if err != nil {
			return err
		}
		if answered.Refused > 0 && !told {
			told = true
			s.Logger.WarnContext(ctx, "Lines of a log cannot be read; is the format right?", "refused", answered.Refused,
				"field", answered.Rejected[0].Field, "error", answered.Rejected[0].Error)
		}
		return nil
	}
}

// mediaServerSink counts what a media server reports, for one organisation.
type mediaServerSink struct {
	server       *Server
	organization *tenant.Organization
}

// Usage counts traffic.
func (m *mediaServerSink) Usage(lines []event.Usage) error {
	enriched := make([]event.Usage, len(lines))
	for i, u := range lines {
		enriched[i] = m.server.enrichUsage(m.organization, u)
	}
	_, err := m.server.Pipeline.Usage(ingest.Delivery{
		Organization: m.organization.ID, Received: m.server.Clock().UnixMilli(), Lines: enriched,
	})
	return err
}

// Broadcast counts events of a publisher.
func (m *mediaServerSink) Broadcast(b event.Batch) error {
	from := address(b.Session.Viewer.Address)
	_, err := m.server.Pipeline.Events(b, func() event.Viewer {
		return event.Viewer{
			Country: m.server.Countries.Country(from), OS: enrich.UnknownUserAgent, Browser: enrich.UnknownUserAgent,
			Address:  m.server.storedAddress(from, m.organization.Privacy.IP, b.Received),
			Referrer: enrich.Host(b.Session.Viewer.Referrer),
		}
	})
	return err
}

// maxHookBody bounds what SRS posts, in bytes.
const maxHookBody = 64 << 10

// postSRSHook takes a hook of SRS. The key is in the URL because SRS can be told nothing else; it opens nothing but this.
func (s *Server) postSRSHook(w http.ResponseWriter, r *http.Request) error {
	poller, ok := s.hooks[r.PathValue("key")]
	if !ok {
		return tenant.ErrUnknownSecretKey
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHookBody))
	if err != nil {
		return &refusal{http.StatusRequestEntityTooLarge, event.Refusal{Reason: "too_large",
			Error: fmt.Sprintf("the body must be at most %d bytes", maxHookBody)}, 0}
	}
	hook, err := mediaserver.DecodeSRSHook(body)
	if err != nil {
		return &refusal{http.StatusBadRequest, event.Refusal{Reason: "malformed", Error: err.Error()}, 0}
	}
	if !poller.Hook(hook) {
		s.metrics.refused("hook", 1)
	}
	// SRS lets a client in only if the answer is 0.
	answer(w, http.StatusOK, map[string]int{"code": 0})
	return nil
}
