package plugin

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/pkg/widget"
)

// oddStream is a stream whose name means something in addresses, CSV, headers and MetricsQL.
const oddStream = "=a,b&c\"d|.*;é\nX-Evil: 1"

// withUsage starts a VictoriaMetrics with a minute of usage of acme and of small.
func withUsage(t *testing.T) string {
	t.Helper()
	server := start(t, vmtest.DefaultFlags...)
	m := measure.Get(measure.Traffic)
	var lines strings.Builder
	add := func(organization, country, stream string, bytes int64) {
		values := map[string]string{measure.LabelCountry: country, measure.LabelStream: stream}
		for _, family := range m.Families() {
			if len(family.Labels) == 0 || family.Has(measure.LabelEvent) {
				continue
			}
			var labels []string
			for _, l := range family.Labels {
				labels = append(labels, fmt.Sprintf("%s=%q", l, values[l]))
			}
			for _, r := range m.Resolutions(family) {
				fmt.Fprintf(&lines, "%s{org=%q,collector=\"a\",direction=\"playout\",protocol=\"hls\",%s} %d %d\n", m.Metric(family, r), organization,
					strings.Join(labels, ","), bytes, minute().Truncate(r.Length).UnixMilli()+1)
			}
		}
	}
	add("acme", "DE", "one", 1_234_567_890_123)
	add("acme", "FR", oddStream, 20)
	add("acme", "DE", "$__all", 300)
	add("small", "DE", "foreign-stream", 4000)
	vmtest.Import(t, server, lines.String())
	return server
}

// get returns the answer to a request for a file.
func get(t *testing.T, settings backend.DataSourceInstanceSettings, pathAndQuery string) (answer *backend.CallResourceResponse) {
	t.Helper()
	path, _, _ := strings.Cut(pathAndQuery, "?")
	err := newDatasource(t, settings).CallResource(t.Context(), &backend.CallResourceRequest{Method: http.MethodGet, Path: path, URL: pathAndQuery},
		backend.CallResourceResponseSenderFunc(func(r *backend.CallResourceResponse) error {
			answer = r
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// rows returns the value of each row of a table of a report's CSV.
func rows(t *testing.T, content []byte, table, column string) map[string]string {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatalf("%v in %s", err, content)
	}
	found := map[string]string{}
	for _, line := range lines {
		if line[0] == table && line[2] == column {
			found[line[1]] = line[4]
		}
	}
	return found
}

func rangeOf() string {
	return fmt.Sprintf("from=%d&to=%d", minute().UnixMilli(), minute().Add(time.Minute).UnixMilli())
}

func TestReportResource(t *testing.T) {
	server := withUsage(t)
	acme := instanceSettings(server, "acme", tenant.Default)
	tests := []struct {
		name, query string
		want        map[string]string // streams
	}{
		{"no filter", "", map[string]string{"one": "1234567890123", "odd": "20", "$__all": "300"}},
		{"one stream", "&stream=one", map[string]string{"one": "1234567890123"}},
		{"two streams", "&stream=one&stream=" + url.QueryEscape(oddStream), map[string]string{"one": "1234567890123", "odd": "20"}},
		{"two streams of a variable", "&var-stream=one&var-stream=" + url.QueryEscape(oddStream), map[string]string{"one": "1234567890123", "odd": "20"}},
		{"a semicolon as Grafana writes it", "&var-stream=" + strings.ReplaceAll(url.QueryEscape(oddStream), "%3B", ";"), map[string]string{"odd": "20"}},
		{"everything of a variable", "&var-stream=$__all&var-country=%24__all&var-tag=$__all&var-event=$__all&var-unit=traffic",
			map[string]string{"one": "1234567890123", "odd": "20", "$__all": "300"}},
		{"nothing of a variable", "&var-stream=", map[string]string{"one": "1234567890123", "odd": "20", "$__all": "300"}},
		{"a stream of that name", "&stream=$__all", map[string]string{"$__all": "300"}},
		{"country", "&var-country=FR", map[string]string{"odd": "20"}},
		{"another organisation's stream", "&stream=foreign-stream", map[string]string{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := get(t, acme, "report?format=csv&"+rangeOf()+test.query)
			if answer.Status != http.StatusOK {
				t.Fatalf("status %d: %s", answer.Status, answer.Body)
			}
			got := rows(t, answer.Body, "usageByStream", "playout")
			delete(got, "(total)")
			want := map[string]string{}
			for name, value := range test.want {
				if name == "odd" {
					name = "'" + oddStream
				}
				want[name] = value
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestReportResourceAsFile(t *testing.T) {
	server := withUsage(t)
	settings := instanceSettings(server, "acme", tenant.Default)
	var logo bytes.Buffer
	if err := jpeg.Encode(&logo, image.NewGray(image.Rect(0, 0, 40, 10)), nil); err != nil {
		t.Fatal(err)
	}
	settings.DecryptedSecureJSONData["logo"] = base64.StdEncoding.EncodeToString(logo.Bytes()) + "\n"
	var err error
	settings.JSONData, err = json.Marshal(Settings{URL: server, Organization: "acme", OrganizationName: `Acme "Broadcasting"`})
	if err != nil {
		t.Fatal(err)
	}
	// Half past nine in the evening of UTC is another day in Kolkata.
	moment := time.Date(2026, 10, 28, 21, 30, 0, 0, time.UTC)
	span := fmt.Sprintf("from=%d&to=%d", moment.UnixMilli(), moment.Add(24*time.Hour).UnixMilli())
	tests := []struct{ name, query, mediaType, file, begins, has string }{
		{"PDF", "report?" + span, "application/pdf", "acme-usage-2026-10-28-to-2026-10-29.pdf", "%PDF-", "/Subtype /Image"},
		{"PDF on Letter", "report?format=PDF&paper=Letter&" + span, "application/pdf", "acme-usage-2026-10-28-to-2026-10-29.pdf", "%PDF-", "612"},
		{"CSV", "report?format=csv&timezone=utc&" + span, "text/csv", "acme-usage-2026-10-28-to-2026-10-29.csv", "table,", `"Acme ""Broadcasting"""`},
		{"CSV in another zone", "report?format=csv&timezone=Asia%2FKolkata&" + span, "text/csv", "acme-usage-2026-10-29-to-2026-10-30.csv", "table,",
			"report,from,,,2026-10-29T03:00:00+05:30"},
		{"export", "export?widget=usageByStream&" + rangeOf(), "text/csv", "", "stream,ingest (bytes),playout (bytes)\n", "one,0,1234567890123\n"},
		{"export of the greatest", "export?widget=usageByStream&var-unit=traffic&top=1&" + rangeOf(), "text/csv", "", "stream,ingest (bytes),playout (bytes)\none,",
			"(other),"},
		{"export as JSON", "export?widget=usageByStream&format=json&stream=one&" + rangeOf(), "application/json", "", `{"widget":"usageByStream"`,
			`{"ingest":0,"playout":1234567890123,"stream":"one"}`},
		{"export of a series", "export?widget=usageOverview&form=series&interval=1m&" + rangeOf(), "text/csv", "", "time,playout (bytes),", "T"},
		{"export by times in RFC 3339", "export?widget=usagePlayout&timezone=Asia/Kolkata&from=2026-10-28T21:30:00Z&to=2026-10-28T21:31:00Z", "text/csv",
			"acme-usagePlayout-2026-10-29-to-2026-10-29.csv", "protocol,value (bytes)\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := get(t, settings, test.query)
			if answer.Status != http.StatusOK {
				t.Fatalf("status %d: %s", answer.Status, answer.Body)
			}
			mediaType, _, err := mime.ParseMediaType(http.Header(answer.Headers).Get("Content-Type"))
			if err != nil || mediaType != test.mediaType {
				t.Errorf("the type is %q, %v", mediaType, err)
			}
			disposition, parameters, err := mime.ParseMediaType(http.Header(answer.Headers).Get("Content-Disposition"))
			if err != nil || disposition != "attachment" || test.file != "" && parameters["filename"] != test.file {
				t.Errorf("the disposition is %s %q, %v", disposition, parameters, err)
			}
			if !bytes.HasPrefix(answer.Body, []byte(test.begins)) || !bytes.Contains(answer.Body, []byte(test.has)) {
				t.Errorf("the file begins with %.200q, or has no %q", answer.Body, test.has)
			}
		})
	}
}

func TestDownloadsRefuse(t *testing.T) {
	server := start(t, vmtest.DefaultFlags...)
	acme := instanceSettings(server, "acme", tenant.Premium)
	small := instanceSettings(server, "small", tenant.Premium) // its level in streamlens.yaml is default
	away := instanceSettings("http://127.0.0.1:1", "acme", tenant.Default)
	wrong := instanceSettings("", "acme", tenant.Premium)
	badLogo := instanceSettings(server, "acme", tenant.Default)
	badLogo.DecryptedSecureJSONData["logo"] = base64.StdEncoding.EncodeToString([]byte("<svg/>"))
	tests := []struct {
		name     string
		settings backend.DataSourceInstanceSettings
		query    string
		status   int
		want     string
	}{
		{"premium widget", small, "export?widget=bufferingRatio&" + rangeOf(), 403, "needs the level premium"},
		{"premium metric", small, "export?widget=worldMap&metric=latency&" + rangeOf(), 403, "needs the level premium"},
		{"unknown widget", acme, "export?widget=up&" + rangeOf(), 400, `the widget "up" is unknown`},
		{"no widget", acme, "export?" + rangeOf(), 400, "is unknown"},
		{"unknown format", acme, "export?widget=usageByIP&format=xml&" + rangeOf(), 400, `the format "xml"`},
		{"unknown format of a report", acme, "report?format=html&" + rangeOf(), 400, `the format "html"`},
		{"unknown paper", acme, "report?paper=a5&" + rangeOf(), 400, `the paper "a5"`},
		{"unknown zone", acme, "report?timezone=..%2Fx&" + rangeOf(), 400, "time zone"},
		{"the zone of the machine", acme, "report?timezone=Local&" + rangeOf(), 400, "time zone"},
		{"unknown unit", acme, "report?var-unit=bits&" + rangeOf(), 400, `the unit "bits"`},
		{"two units", acme, "report?unit=traffic&var-unit=playtime&" + rangeOf(), 400, "more than once"},
		{"no range", acme, "report", 400, "the parameter from"},
		{"no end", acme, "report?from=1", 400, "the parameter to"},
		{"words for a range", acme, "report?from=now-1h&to=now", 400, "the parameter from"},
		{"an empty range", acme, "report?from=60000&to=60000", 400, "the range must end after it begins"},
		{"another organisation", acme, "report?org=small&" + rangeOf(), 400, `the parameter "org" is unknown`},
		{"hostile parameter", acme, "report?extra_label=org=small&" + rangeOf(), 400, `the parameter "extra_label" is unknown`},
		{"hostile variable", acme, "report?var-extra_label=org=small&" + rangeOf(), 400, `the parameter "var-extra_label" is unknown`},
		{"an option of exports", acme, "report?widget=usageByIP&" + rangeOf(), 400, `the parameter "widget" is unknown`},
		{"a filter that reports do not have", acme, "report?referrer=a&" + rangeOf(), 400, "referrer"},
		{"a name that is no text", acme, "report?stream=%ff&" + rangeOf(), 400, "no text"},
		{"broken escape", acme, "report?stream=%zz&" + rangeOf(), 400, "invalid URL escape"},
		{"a logo that is none", badLogo, "report?" + rangeOf(), 400, "the logo is neither PNG nor JPEG"},
		{"wrong settings", wrong, "report?" + rangeOf(), 400, "URL of VictoriaMetrics is missing"},
		{"VictoriaMetrics away", away, "report?" + rangeOf(), 502, "VictoriaMetrics cannot be reached: connection refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := get(t, test.settings, test.query)
			var body struct{ Error string }
			if err := json.Unmarshal(answer.Body, &body); err != nil || answer.Status != test.status || !strings.Contains(body.Error, test.want) {
				t.Errorf("status %d, %s; want %d and %q", answer.Status, answer.Body, test.status, test.want)
			}
			if http.Header(answer.Headers).Get("Content-Disposition") != "" {
				t.Error("an error is a file")
			}
		})
	}
}

// TestDownloadsAreConfined asks a data source with fixed filters, whose reports say so.
func TestDownloadsAreConfined(t *testing.T) {
	server := withUsage(t)
	settings := instanceSettings(server, "acme", tenant.Default)
	content, err := json.Marshal(Settings{URL: server, Organization: "acme", FixedFilters: widget.Fixed{"stream": {"one"}}})
	if err != nil {
		t.Fatal(err)
	}
	settings.JSONData = content
	for _, query := range []string{"", "&var-stream=$__all", "&stream=one&stream=$__all", "&stream=" + url.QueryEscape(oddStream), "&country=FR"} {
		report := get(t, settings, "report?format=csv&"+rangeOf()+query)
		if report.Status != http.StatusOK || bytes.Contains(report.Body, []byte("X-Evil: 1,playout")) || bytes.Contains(report.Body, []byte("$__all,playout")) {
			t.Errorf("%s: status %d\n%s", query, report.Status, report.Body)
		}
		if !bytes.Contains(report.Body, []byte("report,only,,,stream one\n")) {
			t.Errorf("%s: the report does not say to what it is confined:\n%s", query, report.Body)
		}
		export := get(t, settings, "export?widget=usageByStream&"+rangeOf()+query)
		if lines := strings.Split(strings.TrimSpace(string(export.Body)), "\n"); export.Status != http.StatusOK || len(lines) > 2 {
			t.Errorf("%s: status %d\n%s", query, export.Status, export.Body)
		}
	}
}
