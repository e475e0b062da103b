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
	"github.com/streamlens/streamlens/pkg/play"
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
	firstMinute             // the first minute of an interval with something, in minutes since 1970
	lastMinute              // the last one
)

// read is one thing that a widget reads per row and interval.
type read struct {
	measure measure.ID
	kind    kind
	// dimension and value select a part of the measure, unless dimension is empty.
	dimension, value string
	// carries is a dimension without which nothing is read; "" if it does not matter.
	carries string
	// field is the field of records of plays of which it is made, where no measure is the same; "" of what is stored as sums.
	field play.Field
	// greatest lets VictoriaMetrics answer so many rows with the greatest values one by one, and the sum of all others as the row "". It is
	// for what is stored per hour alone, over one interval; 0 asks for every row.
	greatest int
	// window, unless it is 0, reads so long at the end of an interval, or before it, in place of the interval; it ends so long before the end
	// as before says. Both are whole minutes.
	window, before time.Duration
	// optional reads, the last of a widget, are left out where no column that is asked for is made of them, and where they are not stored for the filters,
	// with the columns that are made of them.
	optional bool
	// ofHours reads whole hours, also where there are minutes.
	ofHours bool
}

// maxSubquery is the longest time over which a peak is read at once: VictoriaMetrics takes 100,000 minutes.
const maxSubquery = 60 * day

// parallelReads is how many requests of one widget VictoriaMetrics gets at a time.
const parallelReads = 4

// partLabel tells the terms of a request apart in its answer.
const partLabel = "part"

// othersLabel is the only label of what VictoriaMetrics adds up of the rows that are not among the greatest.
const othersLabel = "others"

// plan is what is asked of VictoriaMetrics for some intervals.
type plan struct {
	reads     []read
	breakdown string // label that tells the rows apart; "" if there is one row
	intervals []interval
	requests  []request
	sources   []source
}

// source is where a plan takes a part of its numbers from.
type source struct {
	measure    string
	by         string // labels of the family
	resolution measure.Resolution
}

// request is one request to VictoriaMetrics: a union of terms, at one time or over a range.
type request struct {
	vm.Question
	terms []term
	first int // of a range, the index of the interval that ends at its start
}

// term is one expression of a request.
type term struct {
	read       int
	interval   int // which it belongs to, unless the request is a range
	expression string
}

// statistics are what the answer to a query took.
type statistics struct {
	requests int // to VictoriaMetrics
	fetched  int // stored series that it read
	points   int // numbers that it answered with
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
func newPlan(reads []read, breakdown string, filters vm.Filters, intervals []interval) (*plan, error) {
	p := &plan{reads: reads, breakdown: breakdown, intervals: intervals}
	for _, of := range groups(reads, filters) {
		if err := p.addRequests(of); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// addRequests divides the intervals into requests: a range for each run of intervals that are equally long, and for all others
// together one request, or a few if it is long, whose terms each have a time of their own. So days of a calendar are a range up to the
// day on which clocks change, which is a term.
func (p *plan) addRequests(of group) error {
	longest := vm.MaxPoints * day
	if slices.ContainsFunc(of.reads, func(n int) bool { return p.reads[n].kind == peakMinute }) {
		longest = maxSubquery
	}
	var terms []term
	for i := 0; i < len(p.intervals); {
		if p.intervals[i].isEmpty() {
			i++
			continue
		}
		if n := runLength(p.intervals[i:], longest); n > 1 {
			if err := p.addRange(of, i, i+n); err != nil {
				return err
			}
			i += n
			continue
		}
		in := p.intervals[i]
		for _, n := range of.reads {
			for _, piece := range pieces(in.from, in.to, p.reads[n], p.byHour(p.reads[n], of.filters)) {
				expression, err := p.expression(p.reads[n], of.filters, piece, " @ "+strconv.FormatInt(piece.to.Unix(), 10))
				if err != nil {
					return err
				}
				terms = append(terms, term{n, i, expression})
			}
		}
		i++
	}
	// Each term has a time of its own; this one is only where the answer is stamped.
	p.requests = append(p.requests, instants(terms, vm.Question{Filters: of.filters, Start: p.intervals[len(p.intervals)-1].to})...)
	return nil
}

// runLength returns how many of the first intervals follow each other and are equally long, as far as VictoriaMetrics takes them in
// one range that is no longer than longest.
func runLength(intervals []interval, longest time.Duration) int {
	length := intervals[0].to.Sub(intervals[0].from)
	n := 1
	for n < min(len(intervals), vm.MaxPoints, int(longest/length)) &&
		intervals[n].from.Equal(intervals[n-1].to) && intervals[n].to.Sub(intervals[n].from) == length {
		n++
	}
	return n
}

// addRange adds the request for the run of intervals [first, end). All of them are made of the same pieces if they are whole hours
// long, else they are made of minutes.
func (p *plan) addRange(of group, first, end int) error {
	in := p.intervals[first]
	length := in.to.Sub(in.from)
	r := request{first: first, Question: vm.Question{Filters: of.filters, Start: in.to, End: p.intervals[end-1].to, Step: length}}
	for _, n := range of.reads {
		all := []piece{{measure.Minute, in.from, in.to}}
		if byHour := p.byHour(p.reads[n], of.filters); byHour || length%measure.Hour.Length == 0 || p.reads[n].window > 0 {
			all = pieces(in.from, in.to, p.reads[n], byHour)
		}
		for _, piece := range all {
			offset := ""
			if before := in.to.Sub(piece.to); before > 0 {
				offset = fmt.Sprintf(" offset %dm", before/time.Minute)
			}
			expression, err := p.expression(p.reads[n], of.filters, piece, offset)
			if err != nil {
				return err
			}
			r.terms = append(r.terms, term{read: n, expression: expression})
		}
	}
	r.Query = union(r.terms)
	p.requests = append(p.requests, r)
	return nil
}

// instants divides terms into requests, like one without a text, that are no longer than VictoriaMetrics allows.
func instants(terms []term, like vm.Question) []request {
	var requests []request
	length := vm.MaxQueryText
	for _, t := range terms {
		n := len(t.marked(len(terms))) + 1
		if length+n > vm.MaxQueryText {
			requests = append(requests, request{Question: like})
			length = len("union()")
		}
		current := &requests[len(requests)-1]
		current.terms = append(current.terms, t)
		length += n
	}
	for i := range requests {
		requests[i].Query = union(requests[i].terms)
	}
	return requests
}

// piece is a part of an interval that is read from one resolution.
type piece struct {
	resolution measure.Resolution
	from, to   time.Time
}

// pieces divides an interval into its whole hours and the minutes before and after them. Peaks do not add up from hours,
// so they take minutes only, as do first and last minutes. Of what is stored by the hour alone it takes every hour of which a part lies in
// the interval.
func pieces(from, to time.Time, r read, byHour bool) []piece {
	if r.window > 0 {
		end := to.Add(-r.before)
		return []piece{{measure.Minute, end.Add(-r.window), end}}
	}
	if byHour {
		return []piece{{measure.Hour, from.Truncate(time.Hour), ceilHour(to)}}
	}
	switch r.kind {
	case firstMinute, lastMinute:
		return []piece{{measure.Minute, from, to}}
	case peakMinute:
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

// expression returns the MetricsQL of one read over a piece of time, which a modifier puts at its place.
func (p *plan) expression(r read, filters vm.Filters, of piece, modifier string) (string, error) {
	metric, err := p.metric(r, filters, of.resolution)
	if err != nil {
		return "", err
	}
	switch {
	case r.dimension != "":
		metric += "{" + r.dimension + "=" + strconv.Quote(r.value) + "}"
	case r.carries != "":
		metric += "{" + r.carries + `!=""}`
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
	window := of.to.Sub(of.from) / time.Minute
	if r.greatest > 0 {
		return fmt.Sprintf("topk_last(%d,%s(sum_over_time(%s[%dm]%s)),%q)", r.greatest, sum, metric, window, modifier, othersLabel+"=1"), nil
	}
	switch r.kind {
	case firstMinute:
		return fmt.Sprintf("floor(%s(tfirst_over_time(%s[%dm]%s)) / 60)", strings.Replace(sum, "sum", "min", 1), metric, window, modifier), nil
	case lastMinute:
		return fmt.Sprintf("floor(%s(tlast_over_time(%s[%dm]%s)) / 60)", strings.Replace(sum, "sum", "max", 1), metric, window, modifier), nil
	case peakMinute:
		return fmt.Sprintf("max_over_time((%s(sum_over_time(%s[1m])))[%dm:1m]%s)", sum, metric, window, modifier), nil
	}
	return fmt.Sprintf("%s(sum_over_time(%s[%dm]%s))", sum, metric, window, modifier), nil
}

// labelsOf returns the labels that a family must have for a breakdown and filters on a measure.
func labelsOf(m measure.Measure, breakdown string, filters vm.Filters) []string {
	labels := []string{breakdown}
	for _, f := range filters {
		labels = append(labels, f.Label)
	}
	return slices.DeleteFunc(labels, func(l string) bool { return l == "" || slices.Contains(m.Dimensions, l) })
}

// byHour reports whether what is read is stored by the hour alone, in the family that has every label of filters and breakdown.
func (r read) byHour(breakdown string, filters vm.Filters) bool {
	if r.ofHours {
		return true
	}
	m := measure.Get(r.measure)
	family, ok := m.FamilyWith(labelsOf(m, breakdown, filters)...)
	if !ok {
		return m.Hourly
	}
	if r.kind == bucketSums && m.Kind == measure.Distribution {
		return m.BucketsByHour(family)
	}
	return m.ByHour(family)
}

func (p *plan) byHour(r read, filters vm.Filters) bool { return r.byHour(p.breakdown, filters) }

// metric returns the name of the metric in the smallest family that has every label of filters and breakdown.
func (p *plan) metric(r read, filters vm.Filters, resolution measure.Resolution) (string, error) {
	m := measure.Get(r.measure)
	labels := labelsOf(m, p.breakdown, filters)
	family, ok := m.FamilyWith(labels...)
	if i := slices.IndexFunc(labels, measure.IsPlayerLabel); !ok && i >= 0 {
		return "", &kindError{ErrBadQuery, fmt.Errorf("what players do is stored by %s together with one of country and stream, a tag being a set "+
			"of streams, and not by event: the filters and the breakdown ask for %s", labels[i], strings.Join(labels, ", ")), "Not stored for these filters"}
	}
	if !ok && m.Apart {
		return "", &kindError{ErrBadQuery, fmt.Errorf("which renditions viewers got is stored by country or by stream, a tag being a set of streams, not by "+
			"both and not by event: the filters and the breakdown ask for %s", strings.Join(labels, ", ")), "Not stored for these filters"}
	}
	if !ok {
		return "", fmt.Errorf("measure %s is not stored by %v", m.Name, labels)
	}
	if s := (source{m.Name, strings.Join(family.Labels, ", "), resolution}); !slices.Contains(p.sources, s) {
		p.sources = append(p.sources, s)
	}
	switch r.kind {
	case bucketSums:
		if m.Kind == measure.Sum {
			return m.Metric(family, resolution), nil // whose own label is the bucket
		}
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

// union returns the MetricsQL of all terms together.
func union(terms []term) string {
	marked := make([]string, len(terms))
	for i, t := range terms {
		marked[i] = t.marked(i)
	}
	if len(marked) == 1 {
		return marked[0]
	}
	return "union(" + strings.Join(marked, ",") + ")"
}

// String returns what was chosen, and all that is asked in MetricsQL, for the user to read.
func (p *plan) String() string {
	var b strings.Builder
	for _, s := range p.sources {
		fmt.Fprintf(&b, "# reads %s", s.measure)
		if s.by != "" {
			fmt.Fprintf(&b, " by %s", s.by)
		}
		fmt.Fprintf(&b, ", per %s\n", map[measure.Resolution]string{measure.Minute: "minute", measure.Hour: "hour"}[s.resolution])
	}
	for _, r := range p.requests {
		if len(r.Filters) > 0 {
			fmt.Fprintf(&b, "# extra_filters[]=%s\n", r.Filters)
		}
		if r.Step > 0 {
			fmt.Fprintf(&b, "# from %s to %s, step %s\n", r.Start.Format(time.RFC3339), r.End.Format(time.RFC3339), r.Step)
		}
		b.WriteString(r.Query + "\n")
	}
	return b.String()
}

// run asks VictoriaMetrics and adds up what it answers.
func (p *plan) run(ctx context.Context, asker vm.Asker) (*table, statistics, error) {
	answers := make([]vm.Answer, len(p.requests))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)
	for i, r := range p.requests {
		group.Go(func() (err error) {
			answers[i], err = asker.Ask(ctx, r.Question)
			return err
		})
	}
	took := statistics{requests: len(p.requests)}
	if err := group.Wait(); err != nil {
		return nil, took, upstream(err)
	}
	t := newTable(p.reads, len(p.intervals))
	if p.breakdown != "" {
		t.byName = make(map[string]*row, len(answers[0].Series)/len(p.reads))
	}
	for i, r := range p.requests {
		took.fetched += answers[i].Fetched
		points, err := p.collect(t, r, answers[i].Series)
		if err != nil {
			return nil, took, upstream(err)
		}
		took.points += points
	}
	return t, took, nil
}

// collect adds an answer to the table, and returns how many numbers it had.
func (p *plan) collect(t *table, r request, answer []vm.Series) (points int, err error) {
	for _, s := range answer {
		part, err := strconv.Atoi(s.Label(partLabel))
		if err != nil || part < 0 || part >= len(r.terms) {
			return 0, fmt.Errorf("VictoriaMetrics answered a part %q that was not asked", s.Label(partLabel))
		}
		of := r.terms[part]
		bucket := 0
		if p.reads[of.read].kind == bucketSums {
			if bucket, err = measure.ParseBucketRange(s.Label(measure.DimensionRange)); err != nil {
				return 0, err
			}
		}
		row := t.row(s.Label(p.breakdown))
		points += len(s.Points)
		for _, point := range s.Points {
			i := of.interval
			if r.Step > 0 {
				i = r.first + int((point.Time-r.Start.UnixMilli())/r.Step.Milliseconds())
			}
			if i < 0 || i >= len(p.intervals) {
				return 0, fmt.Errorf("VictoriaMetrics answered a time %d that was not asked", point.Time)
			}
			t.add(row, of.read, i, bucket, point.Value)
		}
	}
	return points, nil
}
