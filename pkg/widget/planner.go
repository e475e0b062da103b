package widget

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/vm"
)

// kind says what a read takes of its measure.
type kind uint8

const (
	sums        kind = iota // the sum over an interval
	peakMinute              // the greatest minute of an interval
	bucketSums              // of a distribution: how many values in each bucket
	valueSums               // of a distribution: sum of the values
	valueCounts             // of a distribution: number of the values
)

// read is one thing that a widget reads per row and interval.
type read struct {
	measure measure.ID
	kind    kind
	// dimension and value select a part of the measure, unless dimension is empty.
	dimension, value string
}

// maxSubquery is the longest time over which a peak is read at once: VictoriaMetrics takes 100,000 minutes.
const maxSubquery = 60 * day

// parallelReads is how many requests of one widget VictoriaMetrics gets at a time.
const parallelReads = 4

// partLabel tells the terms of a request apart in its answer.
const partLabel = "part"

// querier is what is needed of VictoriaMetrics.
type querier interface {
	Query(ctx context.Context, query string, at time.Time, filters vm.Filters) ([]vm.Series, error)
	QueryRange(ctx context.Context, query string, start, end time.Time, step time.Duration, filters vm.Filters) ([]vm.Series, error)
}

// plan is what is asked of VictoriaMetrics for some intervals.
type plan struct {
	reads     []read
	breakdown string // label that tells the rows apart; "" if there is one row
	intervals []interval
	requests  []request
}

// request is one request to VictoriaMetrics: a union of terms, at one time or over a range.
type request struct {
	filters vm.Filters
	terms   []term
	// For a range, first is the index of the interval that ends at start; step is the intervals' length.
	start, end time.Time
	step       time.Duration
	first      int
}

// term is one expression of a request.
type term struct {
	read       int
	interval   int // which it belongs to, unless the request is a range
	expression string
}

// group is reads to which the same filters apply.
type group struct {
	filters vm.Filters
	reads   []int // indexes in plan.reads
}

// groups divides reads by the filters that apply to them: a filter on events does not apply to traffic, which has none.
func groups(reads []read, filters vm.Filters) []group {
	var all []group
	for n, r := range reads {
		applicable := filters
		if !measure.Get(r.measure).Events {
			applicable = slices.DeleteFunc(slices.Clone(filters), func(f vm.Filter) bool { return f.Label == measure.LabelEvent })
		}
		i := slices.IndexFunc(all, func(g group) bool { return len(g.filters) == len(applicable) })
		if i < 0 {
			i = len(all)
			all = append(all, group{filters: applicable})
		}
		all[i].reads = append(all[i].reads, n)
	}
	return all
}

// newPlan divides what is read into requests.
func newPlan(reads []read, breakdown string, filters vm.Filters, g grid, intervals []interval) (*plan, error) {
	p := &plan{reads: reads, breakdown: breakdown, intervals: intervals}
	for _, of := range groups(reads, filters) {
		if err := p.addRequests(of, g); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// addRequests divides the intervals into requests: one range for all whole intervals of equal length, and one instant query,
// or a few if it is long, for the clipped ones and for calendar days and months.
func (p *plan) addRequests(of group, g grid) error {
	first, last := 0, 0
	if g.length > 0 && g.length <= maxSubquery {
		first, last = wholeIntervals(g, p.intervals)
	}
	chunk := int(maxSubquery / max(g.length, time.Minute))
	for i := first; i < last; i += min(chunk, vm.MaxPoints) {
		end := min(i+min(chunk, vm.MaxPoints), last)
		r := request{filters: of.filters, start: p.intervals[i].to, end: p.intervals[end-1].to, step: g.length, first: i}
		for _, n := range of.reads {
			resolution := measure.Minute
			if g.length%measure.Hour.Length == 0 && p.reads[n].kind != peakMinute {
				resolution = measure.Hour
			}
			expression, err := p.expression(p.reads[n], of.filters, resolution, g.length, "")
			if err != nil {
				return err
			}
			r.terms = append(r.terms, term{read: n, expression: expression})
		}
		p.requests = append(p.requests, r)
	}
	var terms []term
	for i, in := range p.intervals {
		if i >= first && i < last {
			continue
		}
		for _, n := range of.reads {
			for _, piece := range pieces(in.from, in.to, p.reads[n].kind) {
				at := strconv.FormatInt(piece.to.Unix(), 10)
				expression, err := p.expression(p.reads[n], of.filters, piece.resolution, piece.to.Sub(piece.from), at)
				if err != nil {
					return err
				}
				terms = append(terms, term{n, i, expression})
			}
		}
	}
	p.requests = append(p.requests, instants(terms, of.filters)...)
	return nil
}

// wholeIntervals returns the indexes [first, last) of the intervals that are not clipped.
func wholeIntervals(g grid, intervals []interval) (first, last int) {
	last = len(intervals)
	for first < last && !g.isWhole(intervals[first]) {
		first++
	}
	for last > first && !g.isWhole(intervals[last-1]) {
		last--
	}
	return first, last
}

// instants divides terms into requests that are no longer than VictoriaMetrics allows.
func instants(terms []term, filters vm.Filters) []request {
	var requests []request
	length := vm.MaxQueryText
	for _, t := range terms {
		n := len(t.marked(len(terms))) + 1
		if length+n > vm.MaxQueryText {
			requests = append(requests, request{filters: filters})
			length = len("union()")
		}
		current := &requests[len(requests)-1]
		current.terms = append(current.terms, t)
		length += n
	}
	return requests
}

// piece is a part of an interval that is read from one resolution.
type piece struct {
	resolution measure.Resolution
	from, to   time.Time
}

// pieces divides an interval into its whole hours and the minutes before and after them. Peaks do not add up from hours,
// so they take minutes only.
func pieces(from, to time.Time, k kind) []piece {
	if k == peakMinute {
		var all []piece
		for ; from.Before(to); from = from.Add(maxSubquery) {
			all = append(all, piece{measure.Minute, from, earlier(to, from.Add(maxSubquery))})
		}
		return all
	}
	firstHour, lastHour := from.Truncate(time.Hour), to.Truncate(time.Hour)
	if firstHour.Before(from) {
		firstHour = firstHour.Add(time.Hour)
	}
	if !firstHour.Before(lastHour) {
		return []piece{{measure.Minute, from, to}}
	}
	all := []piece{{measure.Minute, from, firstHour}, {measure.Hour, firstHour, lastHour}, {measure.Minute, lastHour, to}}
	return slices.DeleteFunc(all, func(p piece) bool { return p.from.Equal(p.to) })
}

// expression returns the MetricsQL of one read over a window that ends at the Unix time at, or at the query's own time.
func (p *plan) expression(
	r read, filters vm.Filters, resolution measure.Resolution, window time.Duration, at string,
) (string, error) {
	metric, err := p.metric(r, filters, resolution)
	if err != nil {
		return "", err
	}
	if r.dimension != "" {
		metric += "{" + r.dimension + "=" + strconv.Quote(r.value) + "}"
	}
	if at != "" {
		at = " @ " + at
	}
	var labels []string
	if p.breakdown != "" {
		labels = append(labels, p.breakdown)
	}
	if r.kind == bucketSums {
		labels = append(labels, measure.DimensionRange)
	}
	sum := "sum"
	if len(labels) > 0 {
		sum = "sum by (" + strings.Join(labels, ",") + ") "
	}
	if r.kind == peakMinute {
		return fmt.Sprintf("max_over_time((%s(sum_over_time(%s[1m])))[%dm:1m]%s)", sum, metric, window/time.Minute, at), nil
	}
	return fmt.Sprintf("%s(sum_over_time(%s[%dm]%s))", sum, metric, window/time.Minute, at), nil
}

// metric returns the name of the metric in the smallest family that has every label of filters and breakdown.
func (p *plan) metric(r read, filters vm.Filters, resolution measure.Resolution) (string, error) {
	m := measure.Get(r.measure)
	labels := []string{p.breakdown}
	for _, f := range filters {
		labels = append(labels, f.Label)
	}
	labels = slices.DeleteFunc(labels, func(l string) bool { return l == "" || slices.Contains(m.Dimensions, l) })
	family, ok := m.FamilyWith(labels...)
	if !ok {
		return "", fmt.Errorf("measure %s is not stored by %v", m.Name, labels)
	}
	switch r.kind {
	case bucketSums:
		return m.BucketMetric(family, resolution), nil
	case valueSums:
		return m.SumMetric(family, resolution), nil
	case valueCounts:
		return m.CountMetric(family, resolution), nil
	default:
		return m.Metric(family, resolution), nil
	}
}

// marked returns the term's expression with its number as a label.
func (t term) marked(number int) string {
	return fmt.Sprintf("label_set(%s,%q,%q)", t.expression, partLabel, strconv.Itoa(number))
}

// text returns the request in MetricsQL.
func (r request) text() string {
	marked := make([]string, len(r.terms))
	for i, t := range r.terms {
		marked[i] = t.marked(i)
	}
	if len(marked) == 1 {
		return marked[0]
	}
	return "union(" + strings.Join(marked, ",") + ")"
}

// String returns all that is asked in MetricsQL, for the user to read.
func (p *plan) String() string {
	var b strings.Builder
	for _, r := range p.requests {
		if len(r.filters) > 0 {
			fmt.Fprintf(&b, "# extra_filters[]=%s\n", r.filters)
		}
		if r.step > 0 {
			fmt.Fprintf(&b, "# from %s to %s, step %s\n", r.start.Format(time.RFC3339), r.end.Format(time.RFC3339), r.step)
		}
		b.WriteString(r.text() + "\n")
	}
	return b.String()
}

// run asks VictoriaMetrics and adds up what it answers.
func (p *plan) run(ctx context.Context, q querier) (*table, error) {
	answers := make([][]vm.Series, len(p.requests))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)
	for i, r := range p.requests {
		group.Go(func() (err error) {
			if r.step > 0 {
				answers[i], err = q.QueryRange(ctx, r.text(), r.start, r.end, r.step, r.filters)
			} else {
				// Each term has a time of its own; this one is only where the answer is stamped.
				answers[i], err = q.Query(ctx, r.text(), p.intervals[len(p.intervals)-1].to, r.filters)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, &kindError{ErrUpstream, err}
	}
	t := newTable(p.reads, len(p.intervals))
	for i, r := range p.requests {
		if err := p.collect(t, r, answers[i]); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (p *plan) collect(t *table, r request, answer []vm.Series) error {
	for _, s := range answer {
		part, err := strconv.Atoi(s.Label(partLabel))
		if err != nil || part < 0 || part >= len(r.terms) {
			return &kindError{ErrUpstream, fmt.Errorf("VictoriaMetrics answered a part %q that was not asked", s.Label(partLabel))}
		}
		of := r.terms[part]
		bucket := 0
		if p.reads[of.read].kind == bucketSums {
			if bucket, err = measure.ParseBucketRange(s.Label(measure.DimensionRange)); err != nil {
				return &kindError{ErrUpstream, err}
			}
		}
		row := t.row(s.Label(p.breakdown))
		for _, point := range s.Points {
			i := of.interval
			if r.step > 0 {
				i = r.first + int((point.Time-r.start.UnixMilli())/r.step.Milliseconds())
			}
			if i < 0 || i >= len(p.intervals) {
				return &kindError{ErrUpstream, fmt.Errorf("VictoriaMetrics answered a time %d that was not asked", point.Time)}
			}
			t.add(row, of.read, i, bucket, point.Value)
		}
	}
	return nil
}
