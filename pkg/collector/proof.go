package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/tag"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// canaryRetry is how soon a canary that could not be written is tried again.
const canaryRetry = 5 * time.Second

// showTime is how long the first canary of an organisation may take until a query finds it.
const showTime = 30 * time.Second

// checkShared is for how long an answer about VictoriaMetrics holds: anybody may ask, and each answer costs it some queries.
const checkShared = time.Second

// checkTimeout is for how long an answer is waited for: who asks whether the collector is ready waits 10 s or a little longer.
const checkTimeout = 8 * time.Second

// errSlow is the answer where VictoriaMetrics takes connections and gives no answers.
var errSlow = fmt.Errorf("VictoriaMetrics has not answered within %s", checkTimeout)

// errStarting is the answer until the first canary can be found. Nothing is wrong yet.
var errStarting = errors.New("starting: VictoriaMetrics does not show yet what it was given first, which takes up to 30 s")

// proof writes what must be written now and then, canaries and old tags, of all organisations, and proves by the canaries
// that VictoriaMetrics keeps what it is given.
type proof struct {
	held      *held
	collector string
	client    *http.Client
	tags      *tag.Store
	logger    *slog.Logger
	wake      chan struct{} // ends the wait for the next canary

	mu        sync.Mutex
	begun     time.Time // when the first canary was due
	reloaded  time.Time // when organisations may have come in; zero since the start
	written   bool
	retention time.Duration // of VictoriaMetrics, 0 while unknown

	checking chan struct{} // holds one while the fields below are in use
	checked  time.Time
	outcome  error
}

func newProof(h *held, collector string, client *http.Client, tags *tag.Store, logger *slog.Logger) *proof {
	return &proof{
		held: h, collector: collector, client: client, tags: tags, logger: logger, begun: time.Now(),
		wake: make(chan struct{}, 1), checking: make(chan struct{}, 1),
	}
}

// replaced is told when the configuration was replaced, and lets run write at once.
func (p *proof) replaced() {
	p.mu.Lock()
	p.reloaded = time.Now()
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default: // it is to write already
	}
}

// run writes at once and then every vm.CanaryInterval, until ctx is done.
func (p *proof) run(ctx context.Context) {
	for {
		wait := vm.CanaryInterval
		// A wrong flag does not stop the canary, by which the data source finds the organisation.
		if err := errors.Join(p.readRetention(ctx), p.write(ctx)); err != nil && ctx.Err() == nil {
			p.logger.Error("Proving VictoriaMetrics failed", "error", err)
			wait = canaryRetry
		}
		select {
		case <-time.After(wait):
		case <-p.wake:
		case <-ctx.Done():
			return
		}
	}
}

func (p *proof) write(ctx context.Context) error {
	c := p.held.now()
	for _, o := range c.Organizations {
		settings := vm.Settings{Addresses: o.Privacy.IP != tenant.IPOff}
		if o.Level == tenant.Premium {
			settings.Level = 1
		}
		if err := vm.WriteCanary(ctx, p.client, c.VictoriaMetrics.WritesTo(), o.ID, p.collector, settings, time.Now()); err != nil {
			return fmt.Errorf("organisation %s: %w", o.ID, err)
		}
		if err := p.tags.Renew(ctx, o.ID); err != nil {
			return fmt.Errorf("organisation %s: %w", o.ID, err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = true
	return nil
}

// readRetention reads VictoriaMetrics' retention, or returns which of its flags is wrong.
func (p *proof) readRetention(ctx context.Context) error {
	retention, err := vm.CheckFlags(ctx, p.client, p.held.now().VictoriaMetrics.URL)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retention = retention
	return nil
}

// maxUsageAge returns the greatest age of usage that VictoriaMetrics keeps.
func (p *proof) maxUsageAge() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.retention == 0 {
		return vm.MinRetention
	}
	return min(p.retention, ingest.MaxAge)
}

// check returns why VictoriaMetrics cannot be relied on, or nil, as it was at most checkShared ago.
func (p *proof) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, checkTimeout, errSlow)
	defer cancel()
	select {
	case p.checking <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-p.checking }()
	if time.Since(p.checked) < checkShared {
		return p.outcome
	}
	err := p.checkNow(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if ctx.Err() == nil || errors.Is(err, errSlow) {
		p.checked, p.outcome = time.Now(), err
	}
	return err
}

func (p *proof) checkNow(ctx context.Context) error {
	if err := p.readRetention(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	c, written, starting, mayBeNew := p.held.now(), p.written, time.Since(p.begun) < showTime, time.Since(p.reloaded) < showTime
	p.mu.Unlock()
	if !written && starting {
		return errStarting
	}
	if !written {
		return errors.New("VictoriaMetrics has not taken the canary yet")
	}
	for _, o := range c.Organizations {
		client, err := Reader(c, o.ID)
		if err != nil {
			return err
		}
		err = vm.CheckCanary(ctx, client, time.Now())
		if errors.Is(err, vm.ErrUnknownOrganization) && mayBeNew {
			continue
		}
		if errors.Is(err, vm.ErrUnknownOrganization) && starting {
			return errStarting
		}
		if err != nil {
			return fmt.Errorf("organisation %s: %w", o.ID, err)
		}
	}
	return nil
}
