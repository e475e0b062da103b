package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
)

// CheckHealth says in words whether the data source works: settings, VictoriaMetrics and its flags, organisation, level; and what the
// collector knows of places.
func (d *Datasource) CheckHealth(ctx context.Context, _ *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	if d.settingsErr != nil {
		return unhealthy(d.settingsErr.Error(), "Set URL, organisation and level of the data source, then save and test again.")
	}
	if err := vm.CheckCanary(ctx, d.client, d.now()); err != nil {
		return unhealthy(err.Error(), d.advice(err))
	}
	if _, err := vm.CheckFlags(ctx, d.plain, d.settings.URL); err != nil {
		return unhealthy(err.Error(), "Change the flag and restart VictoriaMetrics.")
	}
	message := fmt.Sprintf("VictoriaMetrics answers for the organisation %s.", d.settings.Organization)
	stored, err := d.storedLevel(ctx)
	if err != nil {
		return unhealthy(err.Error(), d.advice(err))
	}
	if stored != "" && stored != d.settings.Level {
		message += fmt.Sprintf(" Its level is %s in streamlens.yaml and %s here; the lower one, %s, holds.",
			stored, d.settings.Level, tenant.Lower(stored, d.settings.Level))
	}
	if fixed := d.settings.FixedFilters.String(); fixed != "" {
		message += fmt.Sprintf(" Fixed filters: %s.", fixed)
	}
	if said := d.playsHealth(ctx); said != "" {
		message += " " + said
	}
	said, answers := d.collectorHealth(ctx)
	if said != "" {
		message += " " + said
	}
	if !answers {
		return unhealthy(message, "The panels work without it. Correct the collector's URL; leave it empty if this Grafana server may not reach the collector.")
	}
	return &backend.CheckHealthResult{Status: backend.HealthStatusOk, Message: message}, nil
}

// playsHealth says in a sentence whether the store of plays answers; "" without its URL.
func (d *Datasource) playsHealth(ctx context.Context) string {
	if d.plays == nil {
		return ""
	}
	now := d.now()
	rows, err := d.plays.Ask(ctx, vl.Question{From: now.Add(-24 * time.Hour), To: now, Sums: []vl.Sum{{Name: "plays", Function: vl.Count}}})
	if err != nil {
		return fmt.Sprintf("The store of plays does not work, so that the pages of plays stay empty; all else works: %v.", err)
	}
	count := "0"
	if len(rows) > 0 {
		count = rows[0]["plays"]
	}
	said := fmt.Sprintf("The store of plays answers: %s ended in the last day.", count)
	// How long plays are to be kept only the collector knows, which warns of that.
	if err := d.playsServer.CheckFlags(ctx, 0); err != nil {
		said += fmt.Sprintf(" Warning: %v.", err)
	}
	return said
}

// advice says what to do about an error of package vm.
func (d *Datasource) advice(err error) string {
	var unreachable *vm.UnreachableError
	var status *vm.StatusError
	switch {
	case errors.Is(err, vm.ErrUnknownOrganization):
		return fmt.Sprintf("Compare the organisation %q with the ids in streamlens.yaml, and see whether a collector runs "+
			"and writes to this VictoriaMetrics.", d.settings.Organization)
	case errors.Is(err, vm.ErrDeduplication):
		return "Counts would be too high after every retry. Change the flag and restart VictoriaMetrics."
	case errors.As(err, &unreachable):
		return "Check the URL, and that this Grafana server may reach it."
	case errors.Is(err, vm.ErrNotVictoriaMetrics), errors.As(err, &status):
		return "Check the URL: for one server it looks like http://victoriametrics:8428, for a cluster like " +
			"http://vmselect:8481/select/0/prometheus. If a proxy asks for a token, set it."
	}
	return ""
}

// unhealthy returns a short message, and what to do in the details that Grafana unfolds.
func unhealthy(message, advice string) (*backend.CheckHealthResult, error) {
	details, err := json.Marshal(map[string]string{"verboseMessage": advice})
	if err != nil {
		return nil, fmt.Errorf("details of the health check: %w", err)
	}
	return &backend.CheckHealthResult{Status: backend.HealthStatusError, Message: message, JSONDetails: details}, nil
}
