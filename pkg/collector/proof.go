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

	mu      sync.Mutex
	written bool
}

// run writes at once and then every vm.CanaryInterval, until ctx is done.
func (p *proof) run(ctx context.Context) {
	for {
		wait := vm.CanaryInterval
		if err := p.write(ctx); err != nil && ctx.Err() == nil {
			p.logger.Error("Writing the canary failed", "error", err)
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

// check returns why VictoriaMetrics cannot be relied on, or nil.
func (p *proof) check(ctx context.Context) error {
	p.mu.Lock()
	written := p.written
	p.mu.Unlock()
	if !written {
		return errors.New("VictoriaMetrics has not taken the canary yet")
	}
	if err := vm.CheckFlags(ctx, p.client, p.config.VictoriaMetrics.URL); err != nil {
		return err
	}
	for _, o := range p.config.Organizations {
		client, err := reader(p.config, o.ID)
		if err != nil {
			return err
		}
		if err := vm.CheckCanary(ctx, client, time.Now()); err != nil {
			return fmt.Errorf("organisation %s: %w", o.ID, err)
		}
	}
	return nil
}
