package report

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

func TestNoFormula(t *testing.T) {
	for name, want := range map[string]string{
		"":                       "",
		"camera 1":               "camera 1",
		"a=b":                    "a=b",
		"a-b+c@d":                "a-b+c@d",
		"=SUM(A1)":               "'=SUM(A1)",
		"+1":                     "'+1",
		"-camera":                "'-camera",
		"@x":                     "'@x",
		" =1":                    " '=1",
		`"=1`:                    `"'=1`,
		"'=1":                    "''=1",
		"＝1+1":                   "'＝1+1",
		"\t=1":                   "'\t'=1",
		"\r":                     "'\r",
		"a;=cmd|' /C calc'!A1;b": "a;'=cmd|' /C calc'!A1;b",
		"a\n=1;\"@2":             "a\n'=1;\"'@2",
		"a, -b":                  "a, -b", // a comma is quoted
		"東京":                     "東京",
	} {
		if got := NoFormula(name); got != want {
			t.Errorf("%q became %q, want %q", name, got, want)
		}
	}
}

func TestFileName(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 9, 30, 22, 0, 0, 0, time.UTC)
	to := time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC)
	r := &Report{From: from, To: to, Zone: berlin}
	if got := r.FileName("acme", PDF); got != "acme-usage-2026-10-01-to-2026-10-31.pdf" {
		t.Errorf("a month is %s", got)
	}
	if got := FileName("a\"\r\nB/../é", "x y", from, to, time.UTC, "csv"); got != "a___B_..__-x_y-2026-09-30-to-2026-10-31.csv" {
		t.Errorf("a hostile name is %s", got)
	}
}

func TestExport(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	unit := func(name string) *data.FieldConfig { return &data.FieldConfig{Unit: name} }
	field := func(name, unitName string, labels data.Labels, values ...*float64) *data.Field {
		f := data.NewField(name, labels, values)
		f.Config = unit(unitName)
		return f
	}
	begin := time.Date(2026, 10, 28, 22, 0, 0, 0, time.UTC)
	times := []time.Time{begin, begin.Add(time.Hour)}
	tests := []struct {
		name      string
		frame     *data.Frame
		csv, json string
	}{
		{
			"total of a breakdown",
			data.NewFrame("usageByCountry", data.NewField("country", nil, []string{"DE", "=x"}),
				field("value", "decbytes", nil, number(9_007_199_254_740_991), number(0)), field("share", "percentunit", nil, number(1.0/3), nil)),
			"country,value (bytes),share (ratio)\nDE,9007199254740991,0.3333333333333333\n'=x,0,\n",
			`{"widget":"usageByCountry","columns":[{"name":"country"},{"name":"value","unit":"bytes"},{"name":"share","unit":"ratio"}],"notices":[],` +
				`"rows":[{"country":"DE","share":0.3333333333333333,"value":9007199254740991},{"country":"=x","share":null,"value":0}]}`,
		},
		{
			"series of a breakdown",
			data.NewFrame("usageByStream", data.NewField("time", nil, times),
				field("ingest", "s", data.Labels{"stream": "a"}, number(1), number(2)), field("playout", "s", data.Labels{"stream": "a"}, number(3), number(4)),
				field("ingest", "s", data.Labels{"stream": "b"}, number(5), nil), field("playout", "s", data.Labels{"stream": "b"}, number(7), number(1e15))),
			"time,stream,ingest (seconds),playout (seconds)\n" +
				"2026-10-28T23:00:00+01:00,a,1,3\n2026-10-28T23:00:00+01:00,b,5,7\n2026-10-29T00:00:00+01:00,a,2,4\n2026-10-29T00:00:00+01:00,b,,1000000000000000\n",
			"",
		},
		{
			"series without a breakdown",
			data.NewFrame("concurrentViewers", data.NewField("time", nil, times), field("viewers", "short", nil, number(-3), number(0.1))),
			"time,viewers\n2026-10-28T23:00:00+01:00,-3\n2026-10-29T00:00:00+01:00,0.1\n", "",
		},
		{
			"nothing",
			data.NewFrame("usageByIP", data.NewField("ip", nil, []string{}), field("playout", "decbytes", nil)),
			"ip,playout (bytes)\n",
			`{"widget":"usageByIP","columns":[{"name":"ip"},{"name":"playout","unit":"bytes"}],"notices":[],"rows":[]}`,
		},
		{
			"series of nothing",
			data.NewFrame("usageByStream", data.NewField("time", nil, times)),
			"time\n", `{"widget":"usageByStream","columns":[{"name":"time"}],"notices":[],"rows":[]}`,
		},
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := NewExport(test.frame, zone)
			if err != nil {
				t.Fatal(err)
			}
			var inCSV, inJSON bytes.Buffer
			if err := e.WriteCSV(&inCSV); err != nil || inCSV.String() != test.csv {
				t.Errorf("the CSV is\n%s\nwant\n%s%v", inCSV.String(), test.csv, err)
			}
			if err := e.WriteJSON(&inJSON); err != nil || test.json != "" && strings.TrimSpace(inJSON.String()) != test.json {
				t.Errorf("the JSON is\n%s\nwant\n%s\n%v", inJSON.String(), test.json, err)
			}
		})
	}
	// As the first number of a trend where there was nothing before.
	infinite := data.NewFrame("x", field("value", "", nil, number(math.Inf(1))))
	e, err := NewExport(infinite, zone)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := e.WriteJSON(&out); err != nil || !strings.Contains(out.String(), `"value":null`) {
		t.Errorf("infinity is %s, %v", out.String(), err)
	}
}

// TestExportOfTimesThatAreNotThere holds that a time is a text, and none is nothing.
func TestExportOfTimesThatAreNotThere(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	made, err := NewExport(data.NewFrame("blockList", data.NewField("value", nil, []string{"a", "b"}), data.NewField("until", nil, []*time.Time{&at, nil})), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var csv, text strings.Builder
	if err := errors.Join(made.WriteCSV(&csv), made.WriteJSON(&text)); err != nil {
		t.Fatal(err)
	}
	if want := "value,until\na,2026-11-29T12:00:00Z\nb,\n"; csv.String() != want {
		t.Errorf("CSV is %q, want %q", csv.String(), want)
	}
	if want := `"rows":[{"until":"2026-11-29T12:00:00Z","value":"a"},{"until":null,"value":"b"}]`; !strings.Contains(text.String(), want) {
		t.Errorf("JSON is %s, want %s", text.String(), want)
	}
}
