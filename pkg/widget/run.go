package widget

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// completeAfter is how long after its end a minute is complete: two report intervals of 10 s, and 15 s on the way.
const completeAfter = 35 * time.Second

// result is what a widget found out, before it becomes frames.
type result struct {
	definition Definition
	request    Request
	intervals  []interval // one in the total form
	table      *table
	notices    []string
	executed   string // the MetricsQL
}

// Run answers a query. Its errors are of the kinds ErrBadQuery, ErrForbidden and ErrUpstream, or defects of the program.
func Run(ctx context.Context, client *vm.Client, r Request) (data.Frames, error) {
	return run(ctx, client, r)
}

func run(ctx context.Context, q querier, r Request) (data.Frames, error) {
	d, ok := Find(r.QueryType)
	if !ok {
		return nil, badQuery("the widget %q is unknown", r.QueryType)
	}
	zone, err := r.prepare(d)
	if err != nil {
		return nil, err
	}
	if d.Level == tenant.Premium && r.Level != tenant.Premium {
		return nil, &kindError{ErrForbidden, fmt.Errorf(
			"the widget %q needs the level premium, and this organisation has the level default", d.Title)}
	}
	res := &result{definition: d, request: r}
	reads := d.reads(r.Query)
	filters := res.applicable(reads)
	if d.complete && !res.endBeforeIncomplete() {
		return res.frames(), nil
	}
	g, err := res.divide(zone)
	if err != nil {
		return nil, err
	}
	p, err := newPlan(reads, d.breakdown(), filters, g, res.intervals)
	if err != nil {
		return nil, err
	}
	if res.table, err = p.run(ctx, q); err != nil {
		return nil, err
	}
	res.executed = p.String()
	if r.Mode == ModeDelta {
		if err := res.subtractPrevious(ctx, q, g, filters); err != nil {
			return nil, err
		}
	}
	if d.breakdown() == "" {
		res.table.row("")
	}
	rankBy := d.rankBy
	if len(rankBy) == 0 {
		rankBy = []int{0}
	}
	res.table.finish(rankBy)
	return res.frames(), nil
}

// applicable returns the filters that apply to what is read.
func (res *result) applicable(reads []read) vm.Filters {
	var filters vm.Filters
	for _, f := range res.request.filters() {
		if f.Label == measure.LabelEvent && !measure.Get(reads[0].measure).Events {
			res.notices = append(res.notices, "Traffic knows no events: the event filter changes nothing here.")
			continue
		}
		filters = append(filters, f)
	}
	return filters
}

// endBeforeIncomplete takes the minutes that are not complete yet off the range, and reports whether anything is left.
func (res *result) endBeforeIncomplete() bool {
	r := &res.request
	complete := r.Now.UTC().Add(-completeAfter).Truncate(time.Minute)
	if !complete.Before(r.To) {
		return true
	}
	r.To = complete
	res.notices = append(res.notices, fmt.Sprintf(
		"Ends at %s: later minutes are not complete yet.", complete.Format("2006-01-02 15:04 MST")))
	return r.From.Before(r.To)
}

// divide sets the intervals of the answer.
func (res *result) divide(zone *time.Location) (g grid, err error) {
	r := res.request
	if r.Form == FormTotal {
		res.intervals = []interval{{r.From, r.From, r.To}}
		return grid{zone: zone}, nil
	}
	if r.Interval == "" {
		g, err = automaticGrid(r.From, r.To, zone)
	} else {
		g, err = newGrid(r.Interval, zone)
	}
	if err != nil {
		return grid{}, err
	}
	res.intervals, err = g.intervals(r.From, r.To, maxIntervals)
	return g, err
}

// subtractPrevious makes differences of the peaks: each whole interval's against the one before. The first is none if it is
// clipped, for it has no peak of its own.
func (res *result) subtractPrevious(ctx context.Context, q querier, g grid, filters vm.Filters) error {
	complete := res.request.Now.UTC().Add(-completeAfter).Truncate(time.Minute)
	first := res.intervals[0]
	before := g.previous(first.start)
	whole := []interval{{before, before, first.start}}
	for _, i := range res.intervals {
		whole = append(whole, interval{i.start, i.start, earlier(g.next(i.start), complete)})
	}
	for n, of := range res.table.reads {
		if of.kind != peakMinute {
			continue
		}
		p, err := newPlan([]read{of}, "", filters, g, whole)
		if err != nil {
			return err
		}
		peaks, err := p.run(ctx, q)
		if err != nil {
			return err
		}
		res.executed += "\n" + p.String()
		values, differences := peaks.row("").numbers[0], res.table.row("").numbers[n]
		for i := range differences {
			differences[i] = values[i+1] - values[i]
		}
		if !first.from.Equal(first.start) {
			differences[0] = math.NaN()
		}
	}
	return nil
}
