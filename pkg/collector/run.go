package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/geoip"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/useragent"
	"github.com/streamlens/streamlens/pkg/vm"
)

// shutdownTimeout is how long requests that have begun may take when the collector stops.
const shutdownTimeout = 10 * time.Second

// geoIPInterval is how often a new GeoIP database is looked for.
const geoIPInterval = 30 * time.Second

// geoIPDir is where in dataDir copies of the GeoIP databases are.
const geoIPDir = "geoip"

// Run runs a collector until ctx is done; then it answers the requests that it has begun, and writes what it has counted. Of the
// configurations that come on changed it takes over what it can without a restart; changed may be nil.
func Run(ctx context.Context, c config.Config, changed <-chan config.Config, logger *slog.Logger) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	unlock, err := lockDataDir(c.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	name, err := identify(c.DataDir)
	if err != nil {
		return err
	}
	directory, err := tenant.NewDirectory(c.Organizations)
	if err != nil {
		return err
	}
	places, err := geoip.Open(c.GeoIP.Source(), filepath.Join(c.DataDir, geoIPDir), logger)
	if err != nil {
		return err
	}
	if len(c.GeoIP.Databases) == 0 {
		logger.Warn("No GeoIP database is configured: every country is unknown", "key", "geoip.databases")
	}
	userAgents, err := useragent.NewAgents(useragent.DefaultLimits)
	if err != nil {
		return err
	}
	salts, err := enrich.OpenSalts(c.DataDir, time.Now, logger)
	if err != nil {
		return err
	}
	client := &http.Client{}
	held := hold(c)
	plays, err := newPlayStore(c, client, logger)
	if err != nil {
		return err
	}
	pipeline, err := ingest.Open(ingest.Options{
		Dir:          c.DataDir,
		Collector:    name,
		Target:       sums{held, client, new(vm.Packed)},
		Plays:        plays.target(),
		KeepPlays:    plays.kept(),
		RunningPlays: c.Plays.Running,
		Limits:       directory.Limits,
		Judgement:    directory.Judgement,
		MaxBytes:     c.MaxDataBytes,
		Clock:        time.Now,
		Logger:       logger,
	})
	if err != nil {
		return err
	}
	tags := newTagStore(held.now, client, pipeline.Keep)
	proof := newProof(held, name, client, tags, logger)
	claim := newClaim(name, client, held.now, logger)
	server := &Server{
		Directory:      directory,
		TrustedProxies: c.TrustedProxies,
		Places:         places,
		UserAgents:     userAgents,
		Pipeline:       pipeline,
		Tags:           tags,
		Salts:          salts,
		MaxUsageAge:    proof.maxUsageAge,
		PrivateMetrics: c.PrivateListen != "",
		KeepUsers:      c.Plays.Users,
		BlockLists:     blocklist.NewStore(c.DataDir),
		Readers:        func(organization string) (Readers, error) { return readersOf(held.now(), organization) },
		Warnings:       plays.warnings,
		Ready: func(ctx context.Context) error {
			if err := claim.check(); err != nil {
				return err
			}
			return proof.check(ctx)
		},
		Clock:  time.Now,
		Logger: logger,
	}
	if _, err := server.Handler(); err != nil {
		return err
	}
	pulled, err := newPull(c, server, logger)
	if err != nil {
		return err
	}
	ports, err := server.openPorts(ctx, c, claim.guard)
	if err != nil {
		return err
	}

	// What feeds stops before what it feeds: requests, logs and media servers, then the pipeline.
	pipelineCtx, stopPipeline := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPipeline()
	var pullDone, rest sync.WaitGroup
	counted := make(chan error, 1)
	go func() { counted <- pipeline.Run(pipelineCtx) }()
	pullDone.Go(func() { pulled.run(ctx) })
	rest.Go(func() { places.Watch(ctx, geoIPInterval) })
	rest.Go(func() { proof.run(ctx) })
	rest.Go(func() { plays.run(ctx) })
	rest.Go(func() { claim.run(ctx) })
	rest.Go(func() { (&reloader{held, server, plays, proof, logger}).run(ctx, changed) })
	served := ports.serve()
	logger.Info("Collector listens", "address", ports.publicListener.Addr().String(), "collector", name)

	select {
	case err = <-served:
		stop()
	case <-ctx.Done():
	}
	shutdownCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err = errors.Join(err, ports.shutdown(shutdownCtx))
	pullDone.Wait()
	stopPipeline()
	kept := <-counted
	rest.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("serve: %w", err)
	}
	return errors.Join(err, kept)
}
