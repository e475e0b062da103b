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
var reloadedFields = []string{"Organizations", "TrustedProxies", "GeoIP", "Reports", "SMTP"}

// reloader lets a running collector take over other configurations.
type reloader struct {
	running config.Config // what holds
	server  *Server
	proof   *proof
	logger  *slog.Logger
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
	later := needRestart(r.running, next)
	changed, err := newSettings(next.TrustedProxies, next.Organizations, r.server.settings.Load())
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(next.GeoIP, r.running.GeoIP) {
		if err := r.server.Places.Replace(next.GeoIP.Source()); err != nil {
			return err
		}
	}
	// A new organisation must find its stream paths.
	r.server.settings.Store(changed)
	if err := r.server.Directory.Replace(next.Organizations); err != nil {
		return fmt.Errorf("of a configuration that was found valid: %w", err)
	}
	r.running.TrustedProxies, r.running.Organizations, r.running.GeoIP = next.TrustedProxies, next.Organizations, next.GeoIP
	r.proof.replace(r.running)
	r.logger.Info("Configuration reloaded", "organizations", len(next.Organizations))
	if len(later) > 0 {
		r.logger.Warn("Some changes of the configuration need a restart and are not in force", "keys", strings.Join(later, ", "))
	}
	return nil
}

// needRestart returns the keys that differ and that a running collector cannot take over.
func needRestart(running, next config.Config) []string {
	var keys []string
	a, b := reflect.ValueOf(running), reflect.ValueOf(next)
	for i := range a.NumField() {
		field := a.Type().Field(i)
		if !slices.Contains(reloadedFields, field.Name) && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			keys = append(keys, field.Tag.Get("yaml"))
		}
	}
	return keys
}
