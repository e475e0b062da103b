package collector

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/source/logfile"
	"github.com/streamlens/streamlens/pkg/source/logreader"
	"github.com/streamlens/streamlens/pkg/source/mediaserver"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/useragent"
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
		format, err := l.LogFormat()
		if err != nil {
			return nil, err
		}
		log, err := logreader.New(format)
		if err != nil {
			return nil, err
		}
		source := sourceName("log", l.Organization, l.File)
		p.followers = append(p.followers, &logfile.Follower{
			Path: l.File, Restore: s.Pipeline.Cursor(source), Take: s.logTaker(l, source, log), Header: log.Skip,
			Logger: logger,
		})
	}
	s.hooks = map[[sha256.Size]byte]*mediaserver.Poller{}
	for _, m := range c.Servers {
		polled := m.Polled()
		polled.StreamName = s.streamName(m.Organization)
		server, err := mediaserver.New(polled)
		if err != nil {
			return nil, err
		}
		source := sourceName("server", m.Organization, m.Type, m.URL)
		poller := mediaserver.NewPoller(polled, server, s.Pipeline.Cursor(source), &mediaServerSink{s, m.Organization, source}, logger)
		p.pollers = append(p.pollers, poller)
		if m.HookKey != "" {
			s.hooks[sha256.Sum256([]byte(m.HookKey))] = poller
		}
	}
	return p, nil
}

// sourceName returns the name under which it is kept how far something is read. It is a hash, because a URL may have a password.
func sourceName(kind string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return kind + " " + hex.EncodeToString(sum[:8])
}

// streamName returns the name of a media server's stream. It is the one that the stream has in an access log, so that what a
// server receives by RTMP and a cache delivers by HLS is one stream: live/NAME is NAME, unless the organisation's own rules
// say something else.
func (s *Server) streamName(organization string) func(string) string {
	return func(name string) string {
		if stream, _, _, ok := s.settings.Load().rulesOf(organization).Match("/" + name + "/index.m3u8"); ok {
			return stream
		}
		return name
	}
}

// run fetches until ctx is done.
func (p *pull) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, f := range p.followers {
		all.Go(func() { f.Run(ctx) })
	}
	for _, poller := range p.pollers {
		all.Go(func() { poller.Run(ctx) })
	}
	all.Wait()
}

// goneError is what is pulled for an organisation that a reload has taken away.
type goneError string

func (e goneError) Error() string {
	return fmt.Sprintf("the configuration has no organisation %s any more", string(e))
}

// logTaker counts the lines of a log that is followed. It tells of what it finds out once: of the format, and of each reason for which
// lines are refused or lack something.
func (s *Server) logTaker(l config.LogFile, source string, log *logreader.Log) func(context.Context, []byte, string) error {
	told := map[string]bool{}
	logger := s.Logger.With("file", l.File)
	return func(ctx context.Context, lines []byte, position string) error {
		o, ok := s.Directory.Organization(l.Organization)
		if !ok {
			return goneError(l.Organization)
		}
		received := s.Clock().UnixMilli()
		of := s.logsOf(o)
		result, err := log.Read(of, s.span(received), lines)
		if err != nil {
			// Lines behind these may tell more of their format; these are lost, as those are that cannot be read.
			result = logreader.RefuseAll(lines, event.Refusal{Reason: "format", Field: "line", Error: err.Error()})
		}
		if err := s.keepPaths(ctx, of.ID, of.Rules); err != nil {
			return err
		}
		answered, err := s.countLog(result, ingest.Delivery{
			Organization: o.ID, Received: received, Cursor: ingest.Cursor{Source: source, Position: position},
		})
		if err != nil {
			return err
		}
		if found := log.Found(); found != "" && !told[found] {
			told[found] = true
			logger.InfoContext(ctx, "The format of a log is found out", "format", found)
		}
		for _, r := range answered.Remarks {
			if r.Fate == logreader.Ignored || told[string(r.Fate)+r.Reason] {
				continue
			}
			told[string(r.Fate)+r.Reason] = true
			if r.Fate == logreader.Counted {
				logger.WarnContext(ctx, "Lines of a log count without something", "without", r.Reason, "lines", r.Lines, "example", r.Example)
				continue
			}
			sentence := r.Reason
			if len(answered.Rejected) > 0 {
				sentence = answered.Rejected[0].Field + ": " + answered.Rejected[0].Error
			}
			logger.WarnContext(ctx, "Lines of a log cannot be read; is the format right?", "reason", r.Reason, "lines", r.Lines,
				"error", sentence, "example", r.Example)
		}
		return nil
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
		from := address(b.Session.Viewer.Address)
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

// maxHookBody bounds what SRS posts, in bytes.
const maxHookBody = 64 << 10

// postSRSHook takes a hook of SRS. The key is in the URL because SRS can be told nothing else; it opens nothing but this.
func (s *Server) postSRSHook(w http.ResponseWriter, r *http.Request) error {
	var poller *mediaserver.Poller
	key := r.PathValue("key")
	err := s.guesses.try(time.Now(), s.network(r), key, func() error {
		var ok bool
		if poller, ok = s.hooks[sha256.Sum256([]byte(key))]; !ok {
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
