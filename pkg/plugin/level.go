package plugin

import (
	"context"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// levelLifetime is how long a level that was read is taken as it is.
const levelLifetime = time.Minute

// levelCache holds the organisation's level.
type levelCache struct {
	read func(context.Context) (tenant.Level, error)

	mu    sync.Mutex
	level tenant.Level
	until time.Time
}

// get returns the level, read anew when it is too old. Errors are not kept.
func (c *levelCache) get(ctx context.Context, now time.Time) (tenant.Level, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.until) {
		return c.level, nil
	}
	level, err := c.read(ctx)
	if err != nil {
		return "", err
	}
	c.level, c.until = level, now.Add(levelLifetime)
	return level, nil
}

// readLevel returns the lower of the data source's level and the one that collectors store for the organisation.
func (d *Datasource) readLevel(ctx context.Context) (tenant.Level, error) {
	if d.settings.Level != tenant.Premium {
		return tenant.Default, nil
	}
	stored, err := d.storedLevel(ctx)
	if err != nil || stored == "" {
		return d.settings.Level, err
	}
	return tenant.Lower(d.settings.Level, stored), nil
}

// storedLevel returns the level that collectors store, and "" if none has stored any.
func (d *Datasource) storedLevel(ctx context.Context) (tenant.Level, error) {
	level, known, err := vm.ReadLevel(ctx, d.client, d.now())
	switch {
	case err != nil || !known:
		return "", err
	case level > 0:
		return tenant.Premium, nil
	}
	return tenant.Default, nil
}
