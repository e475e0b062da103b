package collector

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/streamlens/streamlens/pkg/geoip"
)

// Metrics of the GeoIP databases, one series a file.
const (
	builtMetric           = metricsPrefix + "geoip_database_build_timestamp_seconds"
	databaseRefusedMetric = metricsPrefix + "geoip_database_refused"
)

// writePlaceMetrics writes what the GeoIP databases are, which a reload may replace.
func writePlaceMetrics(w io.Writer, p *geoip.Places) {
	refused := p.Refused()
	for _, d := range p.Databases() {
		built := 0.0
		if !d.Built.IsZero() {
			built = float64(d.Built.Unix())
		}
		metrics.WriteGaugeFloat64(w, fmt.Sprintf("%s{file=%q,type=%q,kind=%q,families=%q}", builtMetric, d.Path, d.Type, d.Kind(), d.Families()), built)
		is := uint64(0)
		if slices.Contains(refused, d.Path) {
			is = 1
		}
		metrics.WriteGaugeUint64(w, fmt.Sprintf("%s{file=%q}", databaseRefusedMetric, d.Path), is)
	}
}

// readiness is the answer of a collector that is ready. Anybody may ask for it.
type readiness struct {
	Status string          `json:"status"`
	GeoIP  []geoIPDatabase `json:"geoip,omitempty"`
	// Warnings are what the operator should mend, in sentences.
	Warnings []string `json:"warnings,omitempty"`
	// Servers are the media servers that cannot be polled. They take no collector out of a balancer: what players report is counted.
	Servers []failingServer `json:"failingServers,omitempty"`
}

// geoIPDatabase says what a database is.
type geoIPDatabase struct {
	File     string `json:"file"` // its name, not where it is
	Type     string `json:"type"`
	Built    string `json:"built,omitempty"` // 2026-09-18
	Kind     string `json:"kind"`            // of country, region and operator what it knows, with commas
	Families string `json:"families"`        // ipv4, ipv6 or both with a comma
}

func newReadiness(p *geoip.Places, failing []failingServer) readiness {
	r := readiness{Status: "ready", Warnings: p.Warnings(), Servers: failing}
	for _, d := range p.Databases() {
		one := geoIPDatabase{File: filepath.Base(d.Path), Type: d.Type, Kind: d.Kind(), Families: d.Families().String()}
		if !d.Built.IsZero() {
			one.Built = d.Built.Format(time.DateOnly)
		}
		r.GeoIP = append(r.GeoIP, one)
	}
	return r
}
