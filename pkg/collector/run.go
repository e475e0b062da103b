package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// Times that a client may take.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownTimeout   = 10 * time.Second
	maxHeaderBytes    = 32 << 10
)

// geoIPInterval is how often a new GeoIP database is looked for.
const geoIPInterval = 30 * time.Second

// Run runs a collector until ctx is done; then it answers the requests that it has begun, and writes what it has counted.
func Run(ctx context.Context, c config.Config, logger *slog.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	who, err := identify(c.DataDir)
	if err != nil {
		return err
	}
	directory, err := tenant.NewDirectory(c.Organizations)
	if err != nil {
		return err
	}
	countries, err := enrich.OpenCountries(c.GeoIP.Database, logger)
	if err != nil {
		return err
	}
	if c.GeoIP.Database == "" {
		logger.Warn("No GeoIP database is configured: every country is unknown", "key", "geoip.database")
	}
	userAgents, err := enrich.NewUserAgents(enrich.DefaultUserAgentLimits)
	if err != nil {
		return err
	}
	client := &http.Client{}
	writer := vm.NewWriter(c.VictoriaMetrics.URL, client)
	pipeline := ingest.New(who.series, writer, directory.Limits, time.Now)
	tags := newTagStore(c, client)
	proof := &proof{config: c, collector: who.name, client: client, tags: tags, logger: logger}
	server := &Server{
		Directory:      directory,
		TrustedProxies: c.TrustedProxies,
		Countries:      countries,
		UserAgents:     userAgents,
		Pipeline:       pipeline,
		Tags:           tags,
		Writes:         writer.Stats,
		MaxUsageAge:    proof.maxUsageAge,
		Ready:          proof.check,
		Clock:          time.Now,
		Logger:         logger,
	}
	handler, err := server.Handler()
	if err != nil {
		return err
	}
	pulled, err := newPull(c, server, logger)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	httpServer := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}

	// What feeds stops before what it feeds: requests, logs and media servers, then the pipeline, then the writer.
	pipelineCtx, stopPipeline := context.WithCancel(context.WithoutCancel(ctx))
	writerCtx, stopWriter := context.WithCancel(context.WithoutCancel(ctx))
	var pullDone, pipelineDone, writerDone, rest sync.WaitGroup
	writerDone.Go(func() { writer.Run(writerCtx, logger) })
	pipelineDone.Go(func() { pipeline.Run(pipelineCtx) })
	pullDone.Go(func() { pulled.run(ctx, logger) })
	rest.Go(func() { countries.Watch(ctx, geoIPInterval) })
	rest.Go(func() { proof.run(ctx) })
	served := make(chan error, 1)
	go func() { served <- httpServer.Serve(listener) }()
	logger.Info("Collector listens", "address", listener.Addr().String(), "collector", who.series)

	select {
	case err = <-served:
		stop()
	case <-ctx.Done():
		shutdownCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err = httpServer.Shutdown(shutdownCtx)
	}
	pullDone.Wait()
	stopPipeline()
	pipelineDone.Wait()
	stopWriter()
	writerDone.Wait()
	rest.Wait()
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
