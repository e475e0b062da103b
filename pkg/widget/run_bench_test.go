package widget

import (
	"fmt"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/vm"
)

// BenchmarkRun makes frames of answers that are there already: all that a query costs beside VictoriaMetrics and the decoding of its
// answer.
func BenchmarkRun(b *testing.B) {
	series := func(rows, points int, step time.Duration) answers {
		var all []vm.Series
		for n := range rows {
			s := vm.Series{Labels: []vm.Label{{Name: partLabel, Value: "0"}, {Name: "stream", Value: fmt.Sprintf("stream-%d", n)}}}
			for i := range points {
				at := noon.AddDate(0, 0, -30).Add(step * time.Duration(i+1))
				s.Points = append(s.Points, vm.Point{Time: at.UnixMilli(), Value: int64(n*i + 1)})
			}
			all = append(all, s)
		}
		return answers{series: all}
	}
	for _, of := range []struct {
		name    string
		query   Query
		answers answers
	}{
		{"one number", Query{QueryType: "usageOverview"}, series(1, 1, 0)},
		{"months", Query{QueryType: "monthToDate"}, series(1, 1, 0)},
		{"one line of 120", Query{QueryType: "usageOverview", Form: FormSeries}, series(1, 120, 6*time.Hour)},
		{"100,000 rows", Query{QueryType: "usageByStream"}, series(100_000, 1, 0)},
		{"1,000 lines of 120", Query{QueryType: "usageByStream", Form: FormSeries}, series(1_000, 120, 6*time.Hour)},
	} {
		b.Run(of.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Run(b.Context(), of.answers, Request{Query: of.query, From: noon.AddDate(0, 0, -30), To: noon, Now: noon}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
