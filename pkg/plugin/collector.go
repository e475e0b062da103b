package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// collectorTimeout is how long the health check waits for the collector, and maxReadiness how many bytes of its answer it reads.
const (
	collectorTimeout = 3 * time.Second
	maxReadiness     = 64 << 10
)

// collectorHealth says in sentences what the collector's databases of places are, and what it warns of; "" without a collector's URL. answers
// is unset if there is a URL at which no collector answers.
// It does not pass on why a collector is not ready, which may be about other organisations.
func (d *Datasource) collectorHealth(ctx context.Context) (said string, answers bool) {
	if d.settings.CollectorURL == "" {
		return "", true
	}
	ctx, cancel := context.WithTimeout(ctx, collectorTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(d.settings.CollectorURL, "/")+"/readyz", nil)
	if err != nil {
		return "The collector's URL is not valid.", false
	}
	// The collector is asked as anybody may: without the credentials of VictoriaMetrics.
	response, err := d.anonymous.Do(request)
	if err != nil {
		return "Nobody answers at the collector's URL, at least not to this Grafana server; players may reach it nevertheless.", false
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusServiceUnavailable {
		return "The collector is not ready; its /readyz says why.", true
	}
	var ready struct {
		Status string `json:"status"`
		GeoIP  []struct {
			Type  string `json:"type"`
			Built string `json:"built"`
			Kind  string `json:"kind"`
		} `json:"geoip"`
		Warnings []string `json:"warnings"`
	}
	err = json.NewDecoder(io.LimitReader(response.Body, maxReadiness)).Decode(&ready)
	if err != nil || response.StatusCode != http.StatusOK || ready.Status != "ready" {
		return "The collector's URL leads to something else.", false
	}
	var sentences, databases []string
	for _, g := range ready.GeoIP {
		built := ""
		if g.Built != "" {
			built = " of " + g.Built
		}
		databases = append(databases, fmt.Sprintf("%s%s (%s)", g.Type, built, strings.ReplaceAll(g.Kind, ",", ", ")))
	}
	if len(databases) == 0 {
		sentences = append(sentences, "The collector has no GeoIP database, so every country is unknown.")
	} else {
		sentences = append(sentences, "GeoIP: "+strings.Join(databases, ", ")+".")
	}
	for _, warning := range ready.Warnings {
		sentences = append(sentences, "Warning: "+warning+".")
	}
	return strings.Join(sentences, " "), true
}
