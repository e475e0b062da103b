package widget

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tag"
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
	// nothing says that nothing can be found, so that nothing is asked.
	nothing bool
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
	end := r.To
	zone, err := r.prepare(d)
	if err != nil {
		return nil, err
	}
	if d.chosen(r.Metric).Level == tenant.Premium && r.Level != tenant.Premium {
		return nil, forbidden(d, r.Metric)
	}
	if len(d.Choices) > 0 {
		// The metric is what the columns show, and none of them.
		d, r.Metric = d.chosen(r.Metric), ""
	}
	res := &result{definition: d, request: r}
	reads := d.reads(r.Query)
	if err := res.narrow(ctx, q, reads); err != nil {
		return nil, err
	}
	if d.complete && !res.endBeforeIncomplete() {
		return res.frames(), nil
	}
	if d.periods != nil {
		err = res.readPeriods(ctx, q, reads, d.periods(end, zone), zone)
	} else {
		err = res.readRange(ctx, q, reads, zone)
	}
	if err != nil {
		return nil, err
	}
	return res.frames(), nil
}

// forbidden is the answer to an organisation whose level is too low.
func forbidden(d Definition, metric string) error {
	what := fmt.Sprintf("the widget %q", d.Title)
	if len(d.Choices) > 0 {
		what = fmt.Sprintf("the metric %q of %s", metric, what)
	}
	return &kindError{ErrForbidden, fmt.Errorf("%s needs the level premium, and this organisation has the level default", what)}
}

// narrow looks up what restricts the answer beyond the query itself: the streams of tags, and whether there are addresses.
func (res *result) narrow(ctx context.Context, q querier, reads []read) error {
	r := &res.request
	noEvents := func(of read) bool { return !measure.Get(of.measure).Events }
	if len(r.Event) > 0 && slices.ContainsFunc(reads, noEvents) {
		res.notices = append(res.notices, "Traffic knows no events: the event filter does not change it.")
	}
	if len(r.Tag) > 0 {
		if err := res.narrowToTags(ctx, q); err != nil {
			return &kindError{ErrUpstream, err}
		}
	}
	if res.definition.addresses {
		stored, err := vm.ReadAddresses(ctx, q, r.Now)
		if err != nil {
			return &kindError{ErrUpstream, err}
		}
		if !stored {
			res.nothing = true
			res.notices = append(res.notices, "This organisation does not store addresses: its privacy.ip is off in streamlens.yaml.")
		}
	}
	return nil
}

// narrowToTags replaces the tags of the request by the streams that have all of them.
func (res *result) narrowToTags(ctx context.Context, q querier) error {
	r := &res.request
	streams, err := tag.Streams(ctx, q, r.Tag, r.Now)
	if err != nil {
		return err
	}
	if len(r.Stream) > 0 {
		asked := make(map[string]bool, len(r.Stream))
		for _, s := range r.Stream {
			asked[s] = true
		}
		streams = slices.DeleteFunc(streams, func(s string) bool { return !asked[s] })
	}
	r.Tag, r.Stream = nil, streams
	if len(streams) == 0 {
		res.nothing = true
		res.notices = append(res.notices, "No stream of those asked for has all of the tags.")
	}
	return nil
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

// readRange fills the table with what lies in the range.
func (res *result) readRange(ctx context.Context, q querier, reads []read, zone *time.Location) error {
	d, r := res.definition, res.request
	g := grid{zone: zone}
	res.intervals = []interval{{r.From, r.From, r.To}}
	if r.Form == FormSeries {
		var err error
		if g, err = res.grid(zone); err != nil {
			return err
		}
		if res.intervals, err = g.intervals(r.From, r.To, maxIntervals); err != nil {
			return err
		}
	}
	var err error
	if res.table, err = res.read(ctx, q, reads, g, res.intervals); err != nil {
		return err
	}
	if r.Mode == ModeDelta {
		if err := res.subtractPrevious(ctx, q, g); err != nil {
			return err
		}
	}
	if d.breakdown() == "" {
		res.table.row("")
	}
	if d.leaveOut != "" {
		res.table.leaveOut(d.leaveOut)
	}
	if d.ranked != nil {
		res.table.rank(d.ranked)
	}
	res.table.finish(func(r *row) float64 { return d.weight(res.table, r) })
	return nil
}

// readPeriods fills the table with a row for each period. In the series form each row is 0 outside its period.
func (res *result) readPeriods(ctx context.Context, q querier, reads []read, periods []period, zone *time.Location) error {
	g := grid{zone: zone}
	res.intervals = []interval{{}}
	if res.request.Form == FormSeries {
		var err error
		if g, err = res.grid(zone); err != nil {
			return err
		}
		if res.intervals, err = g.intervals(periods[0].from, periods[len(periods)-1].to, maxIntervals); err != nil {
			return err
		}
	}
	res.table = newTable(reads, len(res.intervals))
	for _, p := range periods {
		row := res.table.row(p.name)
		if p.from.Equal(p.to) {
			continue
		}
		first, own := 0, []interval{{p.from, p.from, p.to}}
		if res.request.Form == FormSeries {
			var err error
			if own, err = g.intervals(p.from, p.to, maxIntervals); err != nil {
				return err
			}
			first = slices.IndexFunc(res.intervals, func(i interval) bool { return i.start.Equal(own[0].start) })
		}
		found, err := res.read(ctx, q, reads, g, own)
		if err != nil {
			return err
		}
		for n, numbers := range found.row("").numbers {
			copy(row.numbers[n][first:], numbers)
		}
	}
	return nil
}

// read asks for some reads over some intervals, and adds what was asked to what the user may see of it.
func (res *result) read(ctx context.Context, q querier, reads []read, g grid, intervals []interval) (*table, error) {
	if res.nothing {
		return newTable(reads, len(intervals)), nil
	}
	p, err := newPlan(reads, res.definition.groupBy(), res.request.filters(), g, intervals)
	if err != nil {
		return nil, err
	}
	res.executed += p.String()
	return p.run(ctx, q)
}

// grid returns the intervals of the series form.
func (res *result) grid(zone *time.Location) (grid, error) {
	r := res.request
	switch {
	case r.Interval != "":
		return newGrid(r.Interval, zone)
	case res.definition.automatic != nil:
		return newGrid(res.definition.automatic(r.To.Sub(r.From)), zone)
	}
	return automaticGrid(r.From, r.To, zone)
}

// subtractPrevious makes differences of the peaks: each whole interval's against the one before. The first is none if it is
// clipped, for it has no peak of its own.
func (res *result) subtractPrevious(ctx context.Context, q querier, g grid) error {
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
		peaks, err := res.read(ctx, q, []read{of}, g, whole)
		if err != nil {
			return err
		}
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
