package collector

import (
	"context"
	"sync"

	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// learnt is how far it is kept what the rules of organisations have learnt of paths.
type learnt struct {
	mutex sync.Mutex
	kept  map[string]keptPaths // by organisation
}

// keptPaths is what was kept last.
type keptPaths struct {
	rules   *accesslog.Rules
	changes uint64
}

// sourceOfPaths returns the source under which it is kept what was learnt of an organisation's paths.
func sourceOfPaths(organization string) string { return sourceName("paths", organization) }

// restorePaths gives the rules what was learnt before the last stop.
func (s *Server) restorePaths() {
	s.learnt.kept = map[string]keptPaths{}
	for organization, rules := range s.settings.Load().rules {
		state := s.Pipeline.Cursor(sourceOfPaths(organization))
		if state == "" {
			continue
		}
		if err := rules.Restore([]byte(state)); err != nil {
			s.Logger.Error("It must be learnt anew which streams paths belong to", "organization", organization, "error", err)
		}
	}
}

// keepPaths makes durable what the rules have learnt from lines, which must not count before: after a crash the same paths must be of
// the same streams. It tells of folders whose files count as one stream because they have too many names.
func (s *Server) keepPaths(ctx context.Context, organization string, rules *accesslog.Rules) error {
	for _, folded := range rules.TakeFolded() {
		s.Logger.WarnContext(ctx, "The files of a folder have more names than streams can have, and no playlist has these: they count as one "+
			"stream. If they are of several, add a rule to streamPaths", "organization", organization, "stream", folded.Stream)
	}
	s.learnt.mutex.Lock()
	defer s.learnt.mutex.Unlock()
	next := keptPaths{rules, rules.Changes()}
	if next == s.learnt.kept[organization] {
		return nil
	}
	if _, err := s.Pipeline.Usage(ingest.Delivery{
		Organization: organization, Received: s.Clock().UnixMilli(),
		Cursor: ingest.Cursor{Source: sourceOfPaths(organization), Position: string(rules.State())},
	}); err != nil {
		return err
	}
	s.learnt.kept[organization] = next
	return nil
}
