package report

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// usage is something that was sent or received in a minute: bytes, or ms of the measure Playing.
type usage struct {
	measure                              measure.ID
	at                                   time.Time
	country, stream, direction, protocol string
	value                                int64
}

// store starts a VictoriaMetrics that holds usage of the organisation acme, and some of another one, and returns a client
// that reads acme's.
func store(t *testing.T, of []usage, tags map[string][]string) *vm.Client {
	t.Helper()
	url := vmtest.Start(t)
	vmtest.Import(t, url, lines("acme", of))
	foreign := slices.Clone(of)
	for i := range foreign {
		foreign[i].value = foreign[i].value*7 + 1
	}
	vmtest.Import(t, url, lines("other", foreign))
	var tagged strings.Builder
	for stream, those := range tags {
		for _, name := range those {
			fmt.Fprintf(&tagged, "%s{org=%q,stream=%q,tag=%q} 1 %d\n", measure.StreamTagMetric, "acme", stream, name, time.Now().UnixMilli())
		}
	}
	vmtest.Import(t, url, tagged.String())
	transport, err := tenant.NewTransport(url, "acme", http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	client, err := vm.NewClient(url, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// lines returns what a collector writes about usage, in the Prometheus text format.
func lines(organization string, of []usage) string {
	written := map[string]int64{}
	for _, u := range of {
		values := map[string]string{
			"org": organization, "collector": "a", measure.LabelCountry: u.country, measure.LabelStream: u.stream,
			measure.DimensionDirection: u.direction, measure.DimensionProtocol: u.protocol,
			// Of other measures the protocol is what they have in its place.
			measure.DimensionRange: u.protocol, measure.DimensionDevice: u.protocol, measure.DimensionReason: u.protocol, measure.DimensionQuality: u.protocol,
		}
		m := measure.Get(u.measure)
		for _, family := range m.Families() {
			if family.Has(measure.LabelEvent) {
				continue
			}
			var labels []string
			for _, l := range slices.Concat([]string{"org", "collector"}, m.Dimensions, family.Labels) {
				labels = append(labels, fmt.Sprintf("%s=%q", l, values[l]))
			}
			for _, r := range m.Resolutions(family) {
				stamp := u.at.Truncate(r.Length).UnixMilli() + 1
				written[fmt.Sprintf("%s{%s} %%d %d", m.Metric(family, r), strings.Join(labels, ","), stamp)] += u.value
			}
		}
	}
	var b strings.Builder
	for form, value := range written {
		fmt.Fprintf(&b, form+"\n", value)
	}
	return b.String()
}
