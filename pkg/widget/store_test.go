package widget

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tag"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// fact is one thing that happened: a value of a measure in a minute.
type fact struct {
	measure    measure.ID
	at         time.Time
	country    string
	stream     string
	event      string            // "" for none
	player     map[string]string // values of the labels of players, of measures that are stored by them
	dimensions []string          // values of the measure's dimensions
	value      int64             // of a Distribution, one value
	collector  string            // "a" if empty
	late       int               // k of design section 4: in which further sample of its minute it came
}

// lines returns what collectors write about facts, in the Prometheus text format.
func lines(organization string, facts []fact) string {
	written := map[string]int64{}
	for _, f := range facts {
		m := measure.Get(f.measure)
		if f.collector == "" {
			f.collector = "a"
		}
		for _, family := range m.Families() {
			labels := map[string]string{"org": organization, "collector": f.collector}
			for i, d := range m.Dimensions {
				labels[d] = f.dimensions[i]
			}
			for _, l := range family.Labels {
				labels[l] = map[string]string{"country": f.country, "stream": f.stream, "event": f.event}[l]
				if measure.IsPlayerLabel(l) {
					labels[l] = f.player[l]
				}
			}
			if family.PlayerLabel() != "" && f.player == nil {
				continue
			}
			if family.Has(measure.LabelEvent) && f.event == "" {
				continue
			}
			resolutions, ofBuckets := m.Resolutions(family), m.BucketResolutions(family)
			if f.at.Before(day0) && !m.Hourly {
				// As builds before wrote it, which had minutes of all families.
				resolutions, ofBuckets = []measure.Resolution{measure.Minute, measure.Hour}, []measure.Resolution{measure.Minute, measure.Hour}
			}
			for _, r := range resolutions {
				add := func(name string, value int64, more ...string) {
					var pairs []string
					for k, v := range labels {
						pairs = append(pairs, fmt.Sprintf("%s=%q", k, v))
					}
					pairs = append(pairs, more...)
					sort.Strings(pairs)
					stamp := f.at.Truncate(r.Length).UnixMilli() + 1 + int64(f.late)
					written[fmt.Sprintf("%s{%s} %%d %d", name, strings.Join(pairs, ","), stamp)] += value
				}
				if m.Kind == measure.Sum {
					add(m.Metric(family, r), f.value)
					continue
				}
				bucket := measure.BucketRange(measure.Bucket(f.value))
				if family.PlayerLabel() == "" && slices.Contains(ofBuckets, r) {
					add(m.BucketMetric(family, r), 1, fmt.Sprintf("%s=%q", measure.DimensionRange, bucket))
				}
				add(m.SumMetric(family, r), f.value)
				add(m.CountMetric(family, r), 1)
			}
		}
	}
	var b strings.Builder
	for format, value := range written {
		fmt.Fprintf(&b, format+"\n", value)
	}
	return b.String()
}

// setTags sets tags as the collector does.
func setTags(t testing.TB, url, organization, stream string, tags []string) {
	t.Helper()
	reader := func(organization string) (*vm.Client, error) { return newClient(t, url, organization), nil }
	if _, err := tag.NewStore(func() string { return url }, http.DefaultClient, reader, func([]byte) error { return nil }, time.Now).Set(t.Context(), organization, stream, tags); err != nil {
		t.Fatal(err)
	}
}

// newClient returns a client that reads an organisation as the plugin does.
func newClient(t testing.TB, url, organization string) *vm.Client {
	t.Helper()
	transport, err := tenant.NewTransport(url, organization, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	client, err := vm.NewClient(url, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// tagsOf are the tags of streams of the organisation acme; in the other one every stream has all of them.
var tagsOf = map[string][]string{"s1": {"a", "b"}, "s2": {"a"}, "ſ.*3": {"b", `"c"=~.*`}}

// store starts a VictoriaMetrics that holds facts and tags of the organisation acme, and others of another one, and returns
// a client.
func store(t testing.TB, facts []fact) *vm.Client {
	t.Helper()
	url := vmtest.Start(t)
	for stream, tags := range tagsOf {
		setTags(t, url, "acme", stream, tags)
		setTags(t, url, "other", stream, []string{"a", "b", `"c"=~.*`})
	}
	vmtest.Import(t, url, lines("acme", facts))
	var foreign []fact
	for _, f := range facts {
		f.value = f.value*7 + 1
		foreign = append(foreign, f)
	}
	vmtest.Import(t, url, lines("other", foreign))
	return newClient(t, url, "acme")
}
