package widget

import (
	"testing"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// TestSaidTwice checks that tables leave out a column that says what was chosen, and only then.
func TestSaidTwice(t *testing.T) {
	for metric, want := range map[string]bool{"": true, "playouts": true, "ingests": false, "bufferingRatio": false} {
		t.Run(metric, func(t *testing.T) {
			var victoriaMetrics asked
			frames, err := Run(t.Context(), &victoriaMetrics, Request{
				Query: Query{QueryType: "worldMap", Metric: metric}, From: parseTime(t, "2026-03-30 10:00"), To: parseTime(t, "2026-03-30 11:00"),
				Now: parseTime(t, "2026-05-01 00:00"), Level: tenant.Premium})
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range frames[0].Fields {
				if hidden := field.Config != nil && field.Config.Custom != nil; hidden != (want && field.Name == "plays") {
					t.Errorf("%s is hidden: %v", field.Name, hidden)
				}
			}
		})
	}
}
