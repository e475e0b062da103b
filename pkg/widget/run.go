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
	definition  Definition
	request     Request
	filters     vm.Filters // of what is read
	intervals   []interval // one in the total form
	earlier     interval   // the range with which it is compared
	zone        *time.Location
	table       *table
	notices     []string
	executed    string // the MetricsQL
	statistics  statistics
	hourly      bool              // whether the answer is of whole hours, because something that is read is stored by the hour alone
	besideHours bool              // whether only what stands beside the counts is of whole hours
	fixed       vm.Filters        // those of the filters that the asker cannot change
	periodNames map[string]string // what people read in place of the names of periods
	// nothing says that nothing can be found, so that nothing is asked.
	nothing bool
	// why is why the answer says nothing, nil if it says something; wordsOnly is set if nothing but the words of the reason should be shown.
	why       *reason
	wordsOnly bool
}

// Run answers a query. Its errors are of the kinds ErrBadQuery, ErrForbidden and ErrUpstream, or defects of the program.
func Run(ctx context.Context, asker vm.Asker, r Request) (data.Frames, error) {
	d, ok := Find(r.QueryType)
	if !ok {
		return nil, badQuery("the widget %q is unknown", r.QueryType)
	}
	if d.plays != nil {
		return runPlays(ctx, asker, d, r)
	}
	end := r.To
	zone, err := r.prepare(d)
	if err != nil {
		return nil, err
	}
	if (d.chosen(r.Metric).Level == tenant.Premium || r.fromRecords) && r.Level != tenant.Premium {
		return nil, forbidden(d, r.Metric)
	}
	if len(d.Choices) > 0 {
		// The metric is what the columns show, and none of them.
		d, r.Metric = d.chosen(r.Metric), ""
	}
	d = d.asked(r.Query)
	if r.fromRecords {
		d = d.onRecords(r.Query)
		if err := r.checkRecords(d); err != nil {
			return nil, err
		}
		if r.Plays == nil {
			return nil, errNoPlays
		}
	}
	res := &result{definition: d, request: r, zone: zone}
	reads := d.reads(r.Query)
	narrowed := reads
	if r.fromRecords {
		// Records have every label.
		narrowed = nil
		res.notices = append(res.notices, ofRecordsNotice)
	}
	if err := res.narrow(ctx, asker, narrowed); err != nil {
		return nil, err
	}
	reads = res.leaveOut(reads)
	if !r.fromRecords {
		res.findHours(reads)
	}
	asked := interval{from: res.request.From, to: res.request.To}
	res.widen()
	switch {
	case d.periods != nil:
		err = res.readPeriods(ctx, asker, reads, d.periods(end, zone), zone)
	case res.endBeforeIncomplete():
		err = res.readRange(ctx, asker, reads, zone)
	default:
		res.table = newTable(reads, 0)
	}
	if err != nil {
		return nil, err
	}
	res.tellWidened(asked)
	if err := res.explain(ctx, asker); err != nil {
		return nil, err
	}
	return res.frames(), nil
}

// leaveOut returns the reads without the optional ones if no column that is asked for is made of them, or they are not stored for the breakdown
// and the filters, which a notice says. A metric that is asked for by its name is refused by the plan.
func (res *result) leaveOut(reads []read) []read {
	n := slices.IndexFunc(reads, func(r read) bool { return r.optional })
	if n < 0 || res.request.fromRecords {
		return reads
	}
	made := func(c Column) bool { return slices.ContainsFunc(c.of, func(i int) bool { return i >= n }) }
	if slices.ContainsFunc(res.columns(), made) {
		unstored := func(r read) bool {
			m := measure.Get(r.measure)
			_, ok := m.FamilyWith(labelsOf(m, res.definition.groupBy(), res.filters)...)
			return !ok
		}
		if res.request.Metric != "" || !slices.ContainsFunc(reads[n:], unstored) {
			return reads
		}
		res.notices = append(res.notices, "Playing time is left out: by what players watch with it is stored together with one of country and stream, a tag being a set of "+
			"streams, and not by event.")
	}
	res.definition.Columns = slices.DeleteFunc(slices.Clone(res.definition.Columns), made)
	return reads[:n]
}

// findHours finds out whether something of what is read is stored by the hour alone. The times beside counts do not widen those, but in
// intervals, which are one grid.
func (res *result) findHours(reads []read) {
	by := res.definition.groupBy()
	for _, of := range groups(reads, res.filters) {
		for _, n := range of.reads {
			if !reads[n].byHour(by, of.filters) {
				continue
			}
			if beside := reads[n].optional && reads[n].kind == sums; beside && res.request.Form != FormSeries && res.request.Metric == "" {
				res.besideHours = true
			} else {
				res.hourly = true
			}
		}
	}
	for i := range reads {
		reads[i].ofHours = res.besideHours && reads[i].optional && reads[i].kind == sums
	}
}

// forbidden is the answer to an organisation whose level is too low.
func forbidden(d Definition, metric string) error {
	what := fmt.Sprintf("the widget %q", d.Title)
	if len(d.Choices) > 0 {
		what = fmt.Sprintf("the metric %q of %s", metric, what)
	}
	return &kindError{ErrForbidden, fmt.Errorf("%s needs the level premium, and this organisation has the level default", what),
		"Needs the level premium"}
}

// narrow settles what is read: by the filters of the query, the streams of its tags and the fixed filters of the asker. It looks up
// whether there are addresses, too.
func (res *result) narrow(ctx context.Context, asker vm.Asker, reads []read) error {
	r := &res.request
	res.filters = r.filters()
	if err := res.narrowToEvents(fixedOf(asker), reads); err != nil {
		return err
	}
	if len(r.Tag) > 0 {
		if err := res.narrowToTags(ctx, asker); err != nil {
			return upstream(err)
		}
	}
	if c, ok := asker.(*Confined); ok {
		fixed, err := c.filters(ctx)
		if err != nil {
			return upstream(err)
		}
		res.fixed, res.filters = fixed, res.filters.And(fixed)
		if !res.nothing && res.filters.None() {
			res.isNone(reason{"Nothing within the fixed filters", "Nothing that was asked for is within the fixed filters of this data source.", true})
		}
	}
	if res.definition.addresses {
		stored, err := vm.ReadAddresses(ctx, asker, r.Now)
		if err != nil {
			return upstream(err)
		}
		if !stored {
			res.isNone(reason{"Addresses are not stored", "This organisation does not store addresses: its privacy.ip is off in streamlens.yaml.", true})
		}
	}
	return nil
}

// isNone settles that nothing can be found, so that nothing is asked.
func (res *result) isNone(why reason) { res.nothing, res.why = true, &why }

// narrowToEvents says what filters on events do to measures that are not stored by event: one of the query leaves them as they are, a
// fixed one leaves nothing of them.
func (res *result) narrowToEvents(fixed Fixed, reads []read) error {
	without := 0
	for _, of := range reads {
		if !measure.Get(of.measure).Events {
			without++
		}
	}
	switch isFixed := len(fixed[measure.LabelEvent]) > 0; {
	case without == 0:
	case isFixed && without == len(reads):
		return &kindError{ErrForbidden, fmt.Errorf("the widget %q shows traffic, which is not stored by event, and this data source shows "+
			"certain events only", res.definition.Title), "Traffic knows no events"}
	case isFixed:
		res.notices = append(res.notices, "What servers report is not stored by event. It is left out, because this data source shows certain "+
			"events only.")
	case len(res.request.Event) > 0:
		res.notices = append(res.notices, "Traffic knows no events: the event filter does not change it.")
	}
	return nil
}

// narrowToTags lets only the streams through that have all of the tags.
func (res *result) narrowToTags(ctx context.Context, asker vm.Asker) error {
	streams, err := tag.Streams(ctx, asker, res.request.Tag, res.request.Now)
	if err != nil {
		return err
	}
	res.filters = res.filters.And(vm.Filters{{Label: measure.LabelStream, Values: streams}})
	if res.filters.None() {
		res.isNone(reason{"No stream has all of the tags", "No stream of those asked for has all of the tags.", true})
	}
	return nil
}

// groupByTag makes of rows of streams those of the tags that the streams have now. A stream is in the row of each of its tags.
func (res *result) groupByTag(ctx context.Context, asker vm.Asker) error {
	tags, err := tag.ByStream(ctx, asker, res.request.Now)
	if err != nil {
		return err
	}
	several := 0
	for _, stream := range res.table.rows {
		if len(tags[stream.name]) > 1 {
			several++
		}
	}
	if several > 0 {
		res.notices = append(res.notices, "Streams with several tags count in each of them, so the rows add up to more than the whole.")
	}
	res.table = res.table.regroup(func(stream string) []string {
		if of := tags[stream]; len(of) > 0 {
			return of
		}
		return []string{Untagged}
	})
	return nil
}

// endBeforeIncomplete takes the minutes, or hours, that are not complete yet off the range of a widget or a comparison that needs complete ones, and reports
// whether anything is left. Of a range in the future it settles that nothing can be found.
func (res *result) endBeforeIncomplete() bool {
	r := &res.request
	// The greatest minute of an hour that is not complete yet is the greatest so far.
	needsComplete := res.definition.complete && !res.hourly || r.Compare != ""
	if !r.From.Before(r.Now) {
		res.isNone(reason{"This time is in the future", fmt.Sprintf("The time range begins in the future: it is %s now.",
			r.Now.UTC().Format("2006-01-02 15:04 MST")), true})
		return !needsComplete
	}
	step, steps := time.Minute, "minute"
	if res.hourly {
		step, steps = time.Hour, "hour"
	}
	complete := r.Now.UTC().Add(-completeAfter).Truncate(step)
	if !needsComplete || !complete.Before(r.To) {
		return true
	}
	r.To = complete
	notice := fmt.Sprintf("Ends at %s: later %ss are not complete yet.", complete.Format("2006-01-02 15:04 MST"), steps)
	if r.From.Before(r.To) {
		res.notices = append(res.notices, notice)
		return true
	}
	res.isNone(reason{fmt.Sprintf("No %s is complete yet", steps), notice, true})
	return false
}

// readRange fills the table with what lies in the range.
func (res *result) readRange(ctx context.Context, asker vm.Asker, reads []read, zone *time.Location) error {
	d, r := res.definition, res.request
	var g grid
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
	if res.hourly {
		res.intervals = slices.DeleteFunc(onHours(res.intervals), interval.isEmpty)
	}
	all := res.intervals
	if r.Compare != "" {
		of := moments(r.Compare, r.From, r.To, zone)
		res.earlier = interval{from: of(r.From).UTC(), to: of(r.To).UTC()}
		if res.earlier.from.Unix() < 0 {
			return badQuery("the range before would begin before 1970")
		}
		res.tellEarlier(zone)
		before := earlierIntervals(res.intervals, of)
		if res.hourly {
			before = onHours(before)
		}
		all = slices.Concat(res.intervals, before)
	}
	var err error
	switch {
	case d.byAge:
		res.table, err = res.readAges(ctx, asker, reads, all)
	case d.addresses && len(all) == 1:
		res.table, err = res.readGreatest(ctx, asker, reads, all)
	}
	if err == nil && res.table == nil {
		res.table, err = res.read(ctx, asker, reads, all)
	}
	if err != nil {
		return err
	}
	if r.Mode == ModeDelta {
		if err := res.subtractPrevious(ctx, asker, g); err != nil {
			return err
		}
	}
	switch d.breakdown() {
	case "":
		res.table.row("")
	case measure.DimensionTag:
		if err := res.groupByTag(ctx, asker); err != nil {
			return upstream(err)
		}
	}
	res.table.shown = len(res.intervals)
	if d.leaveOut != "" {
		res.table.leaveOut(d.leaveOut)
	}
	if d.ranked != nil {
		res.table.rank(d.ranked)
	}
	if !d.byAge { // whose rows are in order
		res.table.finish(r.Top, func(r *row) float64 { return d.weight(res.table, r) })
	}
	for i, in := range all {
		if in.isEmpty() {
			res.table.blank(i)
		}
	}
	return nil
}

// readPeriods fills the table with a row for each period. In the series form each row is 0 outside its period.
func (res *result) readPeriods(ctx context.Context, asker vm.Asker, reads []read, periods []period, zone *time.Location) error {
	res.periodNames = namesOfPeriods(periods, zone)
	res.intervals = []interval{{from: periods[0].from, to: periods[len(periods)-1].to}}
	if res.request.Form == FormSeries {
		g, err := res.grid(zone)
		if err != nil {
			return err
		}
		if res.intervals, err = g.intervals(periods[0].from, periods[len(periods)-1].to, maxIntervals); err != nil {
			return err
		}
	}
	// Periods overlap, so what lies between their ends is read once and added up.
	parts := cut(res.intervals, periods)
	found, err := res.read(ctx, asker, reads, parts)
	if err != nil {
		return err
	}
	res.table = newTable(reads, len(res.intervals))
	numbers := found.row("").numbers
	for _, p := range periods {
		row, i := res.table.row(p.name), 0
		for n, part := range parts {
			for !part.from.Before(res.intervals[i].to) {
				i++
			}
			if part.from.Before(p.from) || !part.from.Before(p.to) {
				continue
			}
			for read := range numbers {
				row.numbers[read][i] += numbers[read][n]
			}
		}
	}
	return nil
}

// cut divides intervals, which follow each other, at the ends of periods.
func cut(intervals []interval, periods []period) []interval {
	var ends []time.Time
	for _, p := range periods {
		ends = append(ends, p.from, p.to)
	}
	slices.SortFunc(ends, time.Time.Compare)
	var parts []interval
	for _, in := range intervals {
		for _, end := range ends {
			if in.from.Before(end) && end.Before(in.to) {
				parts = append(parts, interval{in.from, in.from, end})
				in.from = end
			}
		}
		parts = append(parts, in)
	}
	return parts
}

// read asks for some reads over some intervals, and adds what was asked to what the user may see of it.
func (res *result) read(ctx context.Context, asker vm.Asker, reads []read, intervals []interval) (*table, error) {
	minutes := make([]float64, len(intervals))
	for i, in := range intervals {
		minutes[i] = in.to.Sub(in.from).Minutes()
	}
	if res.nothing {
		t := newTable(reads, len(intervals))
		t.minutes = minutes
		return t, nil
	}
	if res.request.fromRecords {
		return res.readPlays(ctx, asker, reads, intervals)
	}
	p, err := newPlan(reads, res.definition.groupBy(), res.filters, intervals)
	if err != nil {
		return nil, err
	}
	res.executed += p.String()
	t, took, err := p.run(ctx, asker)
	if t != nil {
		t.minutes = minutes
	}
	res.statistics.requests += took.requests
	res.statistics.fetched += took.fetched
	res.statistics.points += took.points
	return t, err
}

// grid returns the intervals of the series form.
func (res *result) grid(zone *time.Location) (g grid, err error) {
	r := res.request
	switch {
	case r.Interval != "":
		g, err = newGrid(r.Interval, zone)
	case res.definition.automatic != nil:
		g, err = newGrid(res.definition.automatic(r.To.Sub(r.From)), zone)
	default:
		most := maxAutomatic
		if r.fromRecords {
			most = maxPlayIntervals
		}
		g, err = automaticGrid(r.From, r.To, zone, most)
	}
	if err == nil && res.hourly {
		asked := g.length
		if g = g.ofHours(); g.length != asked {
			res.notices = append(res.notices, fmt.Sprintf("Stored by the hour: intervals are of %d h.", g.length/time.Hour))
		}
	}
	return g, err
}

// subtractPrevious makes differences of the peaks: each whole interval's against the one before. The first is none if it is
// clipped, for it has no peak of its own.
func (res *result) subtractPrevious(ctx context.Context, asker vm.Asker, g grid) error {
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
		peaks, err := res.read(ctx, asker, []read{of}, whole)
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
