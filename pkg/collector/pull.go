package collector

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/source/logfile"
	"github.com/streamlens/streamlens/pkg/source/logreader"
)

// pull is what the collector fetches by itself: the logs that it follows and the media servers that it polls.
type pull struct {
	followers []*logfile.Follower
	servers   []*mediaServer
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
	servers, err := newMediaServers(c.Servers, s, logger)
	if err != nil {
		return nil, err
	}
	p.servers = servers
	return p, nil
}

// sourceName returns the name under which it is kept how far something is read. It is a hash, because a URL may have a password.
func sourceName(kind string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return kind + " " + hex.EncodeToString(sum[:8])
}

// run fetches until ctx is done.
func (p *pull) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, f := range p.followers {
		all.Go(func() { f.Run(ctx) })
	}
	for _, m := range p.servers {
		all.Go(func() { m.poller.Run(ctx) })
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
			// Lines behind these may tell more of their format; these are lost, as those are that cannot be read. The error shows the begin of
			// one, which no log of ours may.
			result = logreader.RefuseAll(lines, event.Refusal{Reason: "format", Field: "line",
				Error: "the format cannot be found out; streamlens import --check says why"})
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
				logger.WarnContext(ctx, "Lines of a log count without something", "without", r.Reason, "lines", r.Lines)
				continue
			}
			sentence := r.Reason
			if len(answered.Rejected) > 0 {
				sentence = answered.Rejected[0].Field + ": " + answered.Rejected[0].Error
			}
			logger.WarnContext(ctx, "Lines of a log cannot be read; is the format right?", "reason", r.Reason, "lines", r.Lines,
				"error", sentence)
		}
		return nil
	}
}
