package collector

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/logreader"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// settings is what a reload replaces beside the organisations. It never changes.
type settings struct {
	trustedProxies []netip.Prefix
	streamPaths    map[string][]tenant.StreamPath // by organisation
	rules          map[string]*accesslog.Rules    // made of them
	memories       map[string]*logreader.Memory   // of logs that were read by the rules
}

// newSettings makes settings. Rules whose organisation has the same stream paths as before are kept, with what they have learnt of
// its streams; before may be nil.
func newSettings(trustedProxies []netip.Prefix, organizations []tenant.Organization, before *settings) (*settings, error) {
	s := &settings{trustedProxies, map[string][]tenant.StreamPath{}, map[string]*accesslog.Rules{}, map[string]*logreader.Memory{}}
	for _, o := range organizations {
		s.streamPaths[o.ID] = o.StreamPaths
		if before != nil && before.rules[o.ID] != nil && slices.Equal(before.streamPaths[o.ID], o.StreamPaths) {
			s.rules[o.ID], s.memories[o.ID] = before.rules[o.ID], before.memories[o.ID]
			continue
		}
		rules, err := StreamRules(&o)
		if err != nil {
			return nil, err
		}
		s.rules[o.ID], s.memories[o.ID] = rules, &logreader.Memory{}
	}
	return s, nil
}

// StreamRules returns the rules by which an organisation's streams are found, which know nothing yet of its streams.
func StreamRules(o *tenant.Organization) (*accesslog.Rules, error) {
	var own []accesslog.Rule
	for _, p := range o.StreamPaths {
		expression, err := regexp.Compile(p.Path)
		if err != nil {
			return nil, fmt.Errorf("organisation %s: stream path: %w", o.ID, err)
		}
		own = append(own, accesslog.Rule{Path: expression, Protocol: strings.ToLower(p.Protocol)})
	}
	return accesslog.NewRules(own), nil
}

// logsOf returns the rules by which an organisation's streams are found, and what is remembered of logs that were read by them; see rulesOf.
func (s *settings) logsOf(organization string) (*accesslog.Rules, *logreader.Memory) {
	return s.rulesOf(organization), s.memories[organization]
}

// rulesOf returns the rules by which an organisation's streams are found. A request that has begun may be of an organisation that
// a reload has taken away since; then they are those that work for usual servers.
func (s *settings) rulesOf(organization string) *accesslog.Rules {
	if rules := s.rules[organization]; rules != nil {
		return rules
	}
	return accesslog.NewRules(nil)
}
