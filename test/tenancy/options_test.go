package tenancy

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// dimensions are what players watch with, of which a query may have one.
var dimensions = []string{"version", "os", "browser", "device", "protocol"}

// labels are all of which the resource values tells the values.
var labels = append([]string{"country", "stream", "tag", "event", "referrer", "unit"}, dimensions...)

// withOption are widgets that have an option, each with what it needs beside.
var withOption = map[string][]map[string]any{
	"dimension": {
		{"queryType": "playerHealth"}, {"queryType": "streamHealth"}, {"queryType": "statusCodes"}, {"queryType": "startTime", "form": "series"},
		{"queryType": "bufferingRatio", "breakdown": "stream"}, {"queryType": "outcomes"},
	},
	"values": {
		{"queryType": "playerHealth", "dimension": "version"}, {"queryType": "statusCodes", "dimension": "protocol"},
		{"queryType": "startTime", "dimension": "os", "form": "series"}, {"queryType": "bufferingRatio", "dimension": "device", "breakdown": "country"},
		{"queryType": "startFailures", "dimension": "browser"}, {"queryType": "playerHealth"},
	},
	"breakdown": {
		{"queryType": "bufferingRatio"}, {"queryType": "latency", "form": "series"}, {"queryType": "concurrentViewers"}, {"queryType": "startFailures"},
	},
	"percentile": {
		{"queryType": "startTime"}, {"queryType": "latency", "form": "series"}, {"queryType": "bufferLength", "breakdown": "stream"}, {"queryType": "videoBitrate"},
	},
	"compare": {
		{"queryType": "playerHealth"}, {"queryType": "usageByStream"}, {"queryType": "startTime", "form": "series"}, {"queryType": "bufferingRatio", "breakdown": "stream"},
	},
	"metric": {
		{"queryType": "playerHealth"}, {"queryType": "startTime", "percentile": 90}, {"queryType": "usageByStream", "compare": "previous"}, {"queryType": "ingestHealth"},
	},
	"top": {{"queryType": "usageByStream"}, {"queryType": "statusCodes", "form": "parts"}},
}

// attackOptions puts payloads into the options of the widgets that have them, as text, list and object, and asks for what both
// organisations have.
func (w *world) attackOptions(t *testing.T, s source) {
	for option, questions := range withOption {
		for i, payload := range payloads {
			fields := maps.Clone(questions[i/3%len(questions)])
			widget := fields["queryType"].(string)
			fields[option] = []any{payload, []string{payload}, map[string]string{"$ne": payload}}[i%3]
			w.attack(t, option, s, "", model(widget, fields))
		}
	}
	// Systems, browsers and devices are called alike in both organisations; versions and protocols of the other nobody knows.
	for _, dimension := range dimensions {
		a := w.call(t, s, http.MethodGet, "values", w.values(dimension, ""))
		w.searched(t, "values of "+dimension, a)
		var own []string
		body, _, _ := strings.Cut(a.text, "\n")
		if err := json.Unmarshal([]byte(body), &own); err != nil || a.status != http.StatusOK || len(own) == 0 {
			t.Errorf("values of %s: %d %s %v", dimension, a.status, a.text, err)
			continue
		}
		for _, widget := range []string{"playerHealth", "streamHealth", "statusCodes", "startTime", "bufferingRatio", "outcomes", "startFailures", "latency"} {
			for _, form := range []string{"total", "series"} {
				fields := map[string]any{"dimension": dimension, "values": own, "form": form}
				if a := w.attack(t, "own "+dimension, s, "", model(widget, fields)); a.status != http.StatusOK {
					t.Errorf("%s by %s: %d %s", widget, dimension, a.status, a.text)
				}
				w.attackCompared(t, "own "+dimension, s, widget, fields)
				fields["values"] = append(slices.Clone(own), "victim", ".*", `"} or {org="victim`)
				w.attack(t, "more than own "+dimension, s, "", model(widget, fields))
			}
			w.searched(t, "a file by "+dimension,
				w.download(t, s, "export?widget="+widget+"&format=csv", "&dimension="+dimension+"&values="+url.QueryEscape(`"} or {org="victim`)+"&values="+url.QueryEscape(own[0])))
		}
	}
	for _, percentile := range []any{0, 100, -1, 1e9, 0.5, "50", "victim", nil, []int{50}} {
		w.attack(t, "percentile", s, "", model("startTime", map[string]any{"percentile": percentile, "breakdown": "stream"}))
	}
}
