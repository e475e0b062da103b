// Package collectortest runs a real collector within a test, with a stand-in for VictoriaMetrics that keeps what is written.
package collectortest

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/useragent"
)

// Collector is a collector of the organisation acme, whose secret key is sk_acme.
type Collector struct {
	Handler  http.Handler
	pipeline *ingest.Pipeline
	written  written
}

// written keeps samples.
type written struct {
	mutex sync.Mutex
	text  strings.Builder
}

// Write implements ingest.Target.
func (w *written) Write(_ context.Context, samples []byte) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.text.Write(samples)
	return nil
}

// Started implements ingest.Target.
func (w *written) Started(context.Context) (int64, error) { return 0, nil }

// Start starts a collector; change may be nil. Addresses of 203.0.113.0/24 are in DE.
func Start(t testing.TB, change func(*tenant.Organization)) *Collector {
	t.Helper()
	acme := tenant.NewOrganization("acme")
	acme.SecretKey = "sk_acme"
	if change != nil {
		change(&acme)
	}
	directory, err := tenant.NewDirectory([]tenant.Organization{acme})
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	places, err := geoip.Open(geoip.Source{
		Networks: []geoip.Network{{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Place: geoip.Place{Country: "DE"}}},
	}, "", logger)
	if err != nil {
		t.Fatal(err)
	}
	userAgents, err := useragent.NewAgents(useragent.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	c := &Collector{}
	if c.pipeline, err = ingest.Open(ingest.Options{
		Dir: t.TempDir(), Collector: "c", Target: &c.written, Limits: directory.Limits, Judgement: directory.Judgement, MaxBytes: 1 << 30, Clock: time.Now, Logger: logger,
	}); err != nil {
		t.Fatal(err)
	}
	if c.Handler, err = (&collector.Server{
		Directory: directory, Places: places, UserAgents: userAgents, Pipeline: c.pipeline,
		MaxUsageAge: func() time.Duration { return 400 * 24 * time.Hour },
		Ready:       func(context.Context) error { return nil },
		Clock:       time.Now,
		Logger:      logger,
	}).Handler(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Sum ends the collector, which writes what it has, and adds up the series that begin with a text: of the samples with the same
// timestamp the greatest, as VictoriaMetrics does.
func (c *Collector) Sum(t testing.TB, series string) int64 {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.pipeline.Run(ctx); err != nil {
		t.Fatal(err)
	}
	greatest := map[string]int64{}
	for line := range strings.Lines(c.written.text.String()) {
		end := strings.LastIndexByte(line, '}') + 1
		fields := strings.Fields(line[end:])
		if !strings.HasPrefix(line, series) || len(fields) != 2 {
			continue
		}
		value, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sample := line[:end] + fields[1]
		greatest[sample] = max(greatest[sample], value)
	}
	var sum int64
	for _, value := range greatest {
		sum += value
	}
	return sum
}
