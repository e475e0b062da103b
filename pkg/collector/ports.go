package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
)

// ports are where the collector listens: the public port, with TLS if there is a certificate, and perhaps the private one.
type ports struct {
	public          *http.Server
	publicListener  net.Listener
	lane            *lane        // in front of public, nil if there is TLS
	private         *http.Server // nil if there is none
	privateListener net.Listener
}

// openPorts opens the configuration's ports. guard is before the handlers of the public one, and Handler must have been called.
func (s *Server) openPorts(ctx context.Context, c config.Config, guard func(http.Handler) http.Handler) (*ports, error) {
	p := &ports{}
	var err error
	var known *connections
	if p.public, known, err = s.newHTTPServer(guard(s.public)); err != nil {
		return nil, err
	}
	if c.TLS.Enabled() {
		certificate, err := openCertificate(c.TLS, time.Now, s.Logger)
		if err != nil {
			return nil, err
		}
		p.public.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.get}
	}
	if p.publicListener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if p.public.TLSConfig == nil {
		p.lane = newLane(s.recovered(guard(s.postsEvents)), known, p.publicListener.Addr(), s.Logger)
	}
	if c.PrivateListen == "" {
		return p, nil
	}
	if p.privateListener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.PrivateListen); err != nil {
		p.publicListener.Close()
		return nil, fmt.Errorf("privateListen: %w", err)
	}
	p.private = &http.Server{Handler: s.privateHandler(), ReadHeaderTimeout: readHeaderTimeout, ErrorLog: p.public.ErrorLog}
	return p, nil
}

// serve serves both ports, and returns a channel with the first error of any.
func (p *ports) serve() <-chan error {
	served := make(chan error, 3)
	if p.lane == nil {
		go func() { served <- p.public.ServeTLS(p.publicListener, "", "") }()
	} else {
		go func() { served <- p.lane.serve(p.publicListener) }()
		go func() { served <- p.public.Serve(p.lane.others) }()
	}
	if p.private != nil {
		go func() { served <- p.private.Serve(p.privateListener) }()
	}
	return served
}

// shutdown answers the requests that have begun on the public port until ctx is done, and closes both ports.
func (p *ports) shutdown(ctx context.Context) error {
	if p.private != nil {
		defer p.private.Close()
	}
	if p.lane == nil {
		return p.public.Shutdown(ctx)
	}
	p.publicListener.Close()
	ended := make(chan error, 1)
	go func() { ended <- p.public.Shutdown(ctx) }()
	return errors.Join(p.lane.shutdown(ctx), <-ended)
}

// privateHandler returns the handler of the private port: health, metrics and profiles. Handler must have been called.
func (s *Server) privateHandler() http.Handler {
	mux := http.NewServeMux()
	s.handleHealth(mux)
	mux.HandleFunc("GET /metrics", s.metrics.write)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// handleHealth adds the paths that say whether the collector lives and can do its work.
func (s *Server) handleHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", s.readyz)
}
