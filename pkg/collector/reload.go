package collector

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"

	"github.com/streamlens/streamlens/pkg/config"
)

// reloadedFields are the fields of config.Config that a running collector takes over, or that it does not use; all others need a
// restart.
var reloadedFields = []string{"Organizations", "TrustedProxies", "GeoIP", "Reports", "SMTP", "VictoriaMetrics"}

// reloader lets a running collector take over other configurations.
type reloader struct {
	held   *held
	server *Server
	plays  *playStore // nil if none are kept
	proof  *proof
	logger *slog.Logger
}

// run takes over the configurations that come, until ctx is done.
func (r *reloader) run(ctx context.Context, changed <-chan config.Config) {
	for {
		select {
		case next := <-changed:
			if err := r.apply(next); err != nil {
				r.logger.Error("Reloading the configuration failed, nothing is changed", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// apply takes over what can be taken over, or nothing if there is an error. Requests that have begun end by what held when they
// began.
func (r *reloader) apply(next config.Config) error {
	running := r.held.now()
	later := needRestart(running, next)
	for _, o := range next.Organizations {
		if _, err := readersOf(next, o.ID); err != nil {
			return err
		}
	}
	changed, err := newSettings(next.TrustedProxies, next.Organizations, r.server.settings.Load())
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(next.GeoIP, running.GeoIP) {
		if err := r.server.Places.Replace(next.GeoIP.Source()); err != nil {
			return err
		}
	}
	// A new organisation must find its stream paths.
	r.server.settings.Store(changed)
	if err := r.server.Directory.Replace(next.Organizations); err != nil {
		return fmt.Errorf("of a configuration that was found valid: %w", err)
	}
	running.TrustedProxies, running.Organizations, running.GeoIP = next.TrustedProxies, next.Organizations, next.GeoIP
	running.VictoriaMetrics = next.VictoriaMetrics
	if bothKeepPlays(running, next) {
		running.Plays.URL = next.Plays.URL
	}
	if err := r.plays.move(running.Plays.URL); err != nil {
		return fmt.Errorf("of a configuration that was found valid: %w", err)
	}
	r.held.replace(running)
	r.server.reads.renew()
	r.proof.replaced()
	r.logger.Info("Configuration reloaded", "organizations", len(next.Organizations))
	if len(later) > 0 {
		r.logger.Warn("Some changes of the configuration need a restart and are not in force", "keys", strings.Join(later, ", "))
	}
	return nil
}

// bothKeepPlays reports whether both configurations have a store of plays. Whether there is one is settled at the start.
func bothKeepPlays(running, next config.Config) bool {
	return running.Plays.Enabled() && next.Plays.Enabled()
}

// needRestart returns the keys that differ and that a running collector cannot take over.
func needRestart(running, next config.Config) []string {
	var keys []string
	if bothKeepPlays(running, next) {
		running.Plays.URL = next.Plays.URL // the records follow
	}
	a, b := reflect.ValueOf(running), reflect.ValueOf(next)
	for i := range a.NumField() {
		field := a.Type().Field(i)
		if !slices.Contains(reloadedFields, field.Name) && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			keys = append(keys, field.Tag.Get("yaml"))
		}
	}
	return keys
}
