package collector

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/vm"
)

// held is the configuration that holds, which a reload replaces. Several goroutines may use it at once.
type held struct{ config atomic.Pointer[config.Config] }

func hold(c config.Config) *held {
	var h held
	h.replace(c)
	return &h
}

func (h *held) replace(c config.Config) { h.config.Store(&c) }

func (h *held) now() config.Config { return *h.config.Load() }

// sums is the VictoriaMetrics of the configuration that holds, as the pipeline writes to it. One that was started at another time, as
// at a new URL, is given once more what it may lack.
type sums struct {
	held   *held
	client *http.Client
	packed *vm.Packed
}

func (s sums) target() vm.Target {
	return vm.Target{URL: s.held.now().VictoriaMetrics.WritesTo(), Client: s.client, Packed: s.packed}
}

// Write implements ingest.Target.
func (s sums) Write(ctx context.Context, samples []byte) error {
	return s.target().Write(ctx, samples)
}

// Started implements ingest.Target.
func (s sums) Started(ctx context.Context) (int64, error) { return s.target().Started(ctx) }
