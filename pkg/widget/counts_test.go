package widget

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// TestPlayingTimeIsLeftOut has filters for which the playing time of browsers is stored, and such for which it is not.
func TestPlayingTimeIsLeftOut(t *testing.T) {
	client := store(t, randomFacts(rand.New(rand.NewPCG(1, 2)), 3_000))
	for _, tt := range []struct {
		name    string
		query   Query
		columns []string
		notices int
	}{
		{"no filter", Query{}, []string{"browser", "plays", "share", "playingTime"}, 0},
		{"a country", Query{Country: []string{"DE"}}, []string{"browser", "plays", "share", "playingTime"}, 0},
		{"a tag", Query{Tag: []string{"a"}}, []string{"browser", "plays", "share", "playingTime"}, 0},
		{"a country and a stream", Query{Country: []string{"DE"}, Stream: []string{"s1"}}, []string{"browser", "plays", "share"}, 1},
		{"an event, beside the day before", Query{Event: []string{"e1"}, Compare: CompareDay},
			[]string{"browser", "plays", "playsBefore", "playsChange", "share", "shareBefore", "shareChange", "shareDifference"}, 1},
		{"a metric that is stored", Query{Event: []string{"e1"}, Metric: "plays"}, []string{"browser", "plays"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.query.QueryType = "playsByBrowser"
			// Of whole hours, since it is stored by the hour for some of the filters.
			r := Request{Query: tt.query, From: day0.Add(-day), To: day0.Add(day), Now: day0.Add(3 * day), Level: tenant.Premium}
			frames, err := Run(t.Context(), client, r)
			if err != nil {
				t.Fatal(err)
			}
			var columns []string
			for _, f := range frames[0].Fields {
				columns = append(columns, f.Name)
			}
			if !slices.Equal(columns, tt.columns) || len(frames[0].Meta.Notices) != tt.notices {
				t.Errorf("columns %q, notices %v", columns, frames[0].Meta.Notices)
			}
			r.Metric = "playingTime"
			if _, err := Run(t.Context(), client, r); errors.Is(err, ErrBadQuery) != (tt.notices > 0 || tt.query.Metric != "") {
				t.Errorf("the metric alone: %v", err)
			}
		})
	}
}
