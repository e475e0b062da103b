package collector

import (
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// limiters bounds the events per second of each organisation, with bursts of one second and at least of one full batch.
type limiters struct {
	mu             sync.Mutex
	byOrganization map[string]*rate.Limiter
}

// allow takes n events from what the organisation may send now.
func (l *limiters) allow(o *tenant.Organization, n int) error {
	l.mu.Lock()
	limiter := l.byOrganization[o.ID]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(o.Limits.EventsPerSecond), max(o.Limits.EventsPerSecond, event.MaxEvents))
		if l.byOrganization == nil {
			l.byOrganization = map[string]*rate.Limiter{}
		}
		l.byOrganization[o.ID] = limiter
	}
	l.mu.Unlock()
	if limiter.AllowN(time.Now(), min(n, limiter.Burst())) {
		return nil
	}
	return &refusal{http.StatusTooManyRequests, event.Refusal{Reason: "rate",
		Error: "the organisation sends more events a second than its limit"}, time.Second}
}
