package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/tag"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// canaryRetry is how soon a canary that could not be written is tried again.
const canaryRetry = 5 * time.Second

// proof writes what must be written now and then, canaries and old tags, of all organisations, and proves by the canaries
// that VictoriaMetrics keeps what it is given.
type proof struct {
	config    config.Config
	collector string
	client    *http.Client
	tags      *tag.Store
	logger    *slog.Logger

	mu        sync.Mutex
	written   bool
	retention time.Duration // of VictoriaMetrics, 0 while unknown
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
		case <-ctx.Done():
			return
		}
	}
}

func (p *proof) write(ctx context.Context) error {
	for _, o := range p.config.Organizations {
		settings := vm.Settings{Addresses: o.Privacy.IP != tenant.IPOff}
		if o.Level == tenant.Premium {
			settings.Level = 1
		}
		if err := vm.WriteCanary(ctx, p.client, p.config.VictoriaMetrics.URL, o.ID, p.collector, settings, time.Now()); err != nil {
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
	retention, err := vm.CheckFlags(ctx, p.client, p.config.VictoriaMetrics.URL)
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

// check returns why VictoriaMetrics cannot be relied on, or nil.
func (p *proof) check(ctx context.Context) error {
	if err := p.readRetention(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	written := p.written
	p.mu.Unlock()
	if !written {
		return errors.New("VictoriaMetrics has not taken the canary yet")
	}
	for _, o := range p.config.Organizations {
		client, err := Reader(p.config, o.ID)
		if err != nil {
			return err
		}
		if err := vm.CheckCanary(ctx, client, time.Now()); err != nil {
			return fmt.Errorf("organisation %s: %w", o.ID, err)
		}
	}
	return nil
}
