package tag

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/streamlens/streamlens/pkg/event"
)

// FuzzNormalize checks that a tag that is taken is written as one sample of the organisation and stream that were meant.
func FuzzNormalize(f *testing.F) {
	f.Add("a\x00b\x00a", "stream")
	f.Add("\"} 1\nother{org=\"victim\"", `\`)
	f.Add(`a\"}`, "\"} 1\nother{org=\"victim\"} 1")
	f.Fuzz(func(t *testing.T, list, stream string) {
		tags, err := Normalize(strings.Split(list, "\x00"))
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("refused as %v", err)
			}
			return
		}
		if !slices.IsSorted(tags) || len(slices.Compact(slices.Clone(tags))) != len(tags) {
			t.Errorf("%q are not in order", tags)
		}
		if !event.ValidText(stream, event.MaxNameBytes) {
			return // the collector refuses it
		}
		for _, tag := range tags {
			var text strings.Builder
			writeSample(&text, "acme", stream, tag, 1, 1000)
			parser := expfmt.NewTextParser(model.UTF8Validation)
			families, err := parser.TextToMetricFamilies(strings.NewReader(text.String()))
			if err != nil || len(families) != 1 || len(families["streamlens_stream_tag"].GetMetric()) != 1 {
				t.Fatalf("%q reads back as %v, %v", text.String(), families, err)
			}
			got := map[string]string{}
			for _, label := range families["streamlens_stream_tag"].GetMetric()[0].GetLabel() {
				got[label.GetName()] = label.GetValue()
			}
			if len(got) != 3 || got["org"] != "acme" || got["stream"] != stream || got["tag"] != tag {
				t.Errorf("%q reads back as %q", text.String(), got)
			}
		}
	})
}
