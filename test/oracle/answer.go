package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Answer is what the product must answer to the query, given all facts,
// ordered by time, and the tags in force.
func Answer(facts []Fact, tags Tags, q Query) (Table, error) {
	widget, err := widgetOf(q)
	if err != nil {
		return Table{}, err
	}
	q = q.widened()
	facts = filtered(facts, tags, q)
	if widget.Breakdown == "tag" {
		facts = tags.each(facts)
	}
	table := Table{Cells: map[Cell]*float64{}}
	columns := withPercentile(Widgets()[q.QueryType], q).Columns
	add := func(at int64, rows []Row) {
		for _, row := range rows {
			for i, column := range besideColumns(columns, q) {
				if slices.Contains(widget.Columns, column) {
					table.Cells[Cell{Time: at, Row: row.Label, Column: column}] = row.Values[i]
				}
			}
		}
	}
	earlier, err := earlierMoments(q)
	if err != nil {
		return Table{}, err
	}
	widget.count = ages(append(slices.Clone(between(facts, q.From, q.To)), between(facts, earlier(q.From), earlier(q.To))...))
	widget = widget.shortened(between(facts, q.From, q.To), between(facts, earlier(q.From), earlier(q.To)), q)
	within := func(from, to int64) []Row {
		q := q
		q.From, q.To = from, to
		in := between(facts, from-widget.LooksBack, to)
		if q.playingTimeByHours() {
			in = slices.DeleteFunc(slices.Clone(in), func(f Fact) bool { return f.Measure == Playing })
			in = append(in, only(between(facts, floor(from, hour), ceil(to, hour)), Playing)...)
		}
		return widget.rows(in, q)
	}
	rows := within
	if q.Compare != "" {
		rows = func(from, to int64) []Row {
			now := within(from, to)
			from, to = earlier(from), earlier(to)
			if from >= to {
				return widget.beside(now, nil, columns, q)
			}
			return widget.beside(now, append([]Row{}, within(from, to)...), columns, q)
		}
	}
	if q.QueryType == "monthToDate" {
		months, err := periods(q)
		if err != nil {
			return Table{}, err
		}
		rows = func(from, to int64) []Row {
			var rows []Row
			for _, p := range months {
				rows = append(rows, Row{p.name, append(overview(between(facts, max(from, p.from), min(to, p.to)), q), nil)})
			}
			// This month's total beside that of the same part of the month before.
			if was, now := *rows[1].Values[2], *rows[2].Values[2]; was > 0 {
				rows[2].Values[3] = number((now - was) / was)
			}
			return rows
		}
		// A series has all of both months, by day unless it says otherwise.
		q.From, q.Interval = months[0].from, cmp.Or(q.Interval, "1d")
	}
	if q.Form != "series" {
		add(0, rows(q.From, q.To))
		return table, nil
	}

	steps, err := intervals(q)
	if err != nil {
		return Table{}, err
	}
	for n, step := range steps {
		table.Times = append(table.Times, step.start)
		add(step.start, rows(step.from, step.to))
		if q.Mode != "delta" {
			continue
		}
		for column, peak := range map[string]func([]Fact) float64{"viewers": viewers, "serverViewers": serverViewers} {
			if slices.Contains(widget.Columns, column) {
				table.Cells[Cell{Time: step.start, Column: column}] = peakDelta(peak, facts, steps, n)
			}
		}
	}
	return table, nil
}

// widgetOf is the query's widget, with the columns and the level that the
// query's metric leaves it.
func widgetOf(q Query) (Widget, error) {
	widget, ok := Widgets()[q.QueryType]
	widget = withPercentile(widget, q)
	switch {
	case !ok:
		return Widget{}, fmt.Errorf("unknown widget %q", q.QueryType)
	case q.QueryType == "worldMap":
		widget.Premium = mapMetrics()[q.Metric]
	case q.Metric != "" && !slices.Contains(widget.Columns, q.Metric):
		widget.Columns = []string{q.Metric} // of what a comparison adds
		return widget.forPlayers(q), nil
	case q.Metric != "":
		widget.Columns = []string{q.Metric}
	}
	widget = widget.forPlayers(q)
	widget.Columns = besideColumns(widget.Columns, q)
	return widget, nil
}

// forPlayers is the widget with the rows and the columns that the query's breakdown and its filter on what players watch with
// leave it.
func (w Widget) forPlayers(q Query) Widget {
	if w.Choice {
		w = w.brokenDown(q.Breakdown)
	}
	if q.QueryType == "playerHealth" {
		w = w.brokenDown(cmp.Or(q.Dimension, "version"))
	}
	if q.ofPlayers() && w.Percentiles {
		// Medians and percentiles are not stored by what players watch with.
		w.Columns = slices.DeleteFunc(slices.Clone(w.Columns), func(column string) bool { return !strings.HasPrefix(column, "average") })
	}
	if q.ofPlayers() {
		// Nor are the buckets of which it is made.
		w.Columns = slices.DeleteFunc(slices.Clone(w.Columns), func(column string) bool { return column == "startupScore" })
	}
	return w
}

// withPercentile is the widget with the column of the query's percentile.
func withPercentile(widget Widget, q Query) Widget {
	if column := percentileColumn(q.Percentile); q.Percentile != 0 && !slices.Contains(widget.Columns, column) {
		widget.Columns = append(slices.Clone(widget.Columns), column)
	}
	return widget
}

// ofPlayers says whether the query asks by what players watch with.
func (q Query) ofPlayers() bool {
	return len(q.Values) > 0 || slices.Contains(dimensions(), q.Breakdown) || q.QueryType == "playerHealth"
}

// rows are the rows of the total form over the facts of a range.
func (w Widget) rows(facts []Fact, q Query) []Row {
	if w.Rows != nil {
		return w.Rows(facts, w.count)
	}
	if w.Label == nil {
		return []Row{{Values: w.Values(facts, q)}}
	}
	var rows []Row
	for label, facts := range w.groups(facts, q) {
		rows = append(rows, Row{label, w.Values(facts, q)})
	}
	if w.Finish != nil {
		w.Finish(rows)
	}
	return rows
}

func (w Widget) groups(facts []Fact, q Query) map[string][]Fact {
	groups := groupBy(only(facts, w.Of(q)...), w.Label)
	delete(groups, "")
	return groups
}

// listed is how many rows a breakdown has beside the one for all others.
const listed = 1000

// shortened is the widget with the rows beyond the listed ones put into one
// (rule 22), which are chosen by what they are in the query's range.
func (w Widget) shortened(facts, earlier []Fact, q Query) Widget {
	if w.Label == nil {
		return w
	}
	groups := w.groups(facts, q)
	var labels []string
	for label := range w.groups(slices.Concat(facts, earlier), q) {
		labels = append(labels, label)
	}
	if len(labels) <= listed {
		return w
	}
	size, by := map[string]float64{}, w.Of(q)
	if w.RankBy != nil {
		by = w.RankBy
	}
	for label, facts := range groups {
		size[label] = total(facts, by...)
	}
	slices.SortFunc(labels, func(a, b string) int {
		return cmp.Or(cmp.Compare(size[b], size[a]), cmp.Compare(a, b))
	})
	rest := map[string]bool{}
	for _, label := range labels[listed:] {
		rest[label] = true
	}
	label := w.Label
	w.Label = func(f Fact) string {
		own := label(f)
		if rest[own] {
			return "(other)"
		}
		return own
	}
	return w
}

// period is one of the three rows of monthToDate, under the product's name.
type period struct {
	name     string
	from, to int64 // ms since 1970
}

// periods are those of rule 19: all of the month before, the month before until
// the same moment, this month so far. The month is that of the last moment
// before the end of the range (rule 39).
func periods(q Query) ([]period, error) {
	location, err := time.LoadLocation(q.Timezone)
	if err != nil {
		return nil, fmt.Errorf("time zone: %w", err)
	}
	last := time.UnixMilli(q.To - 1).In(location)
	year, month, day := last.Date()
	thisMonth := time.Date(year, month, 1, 0, 0, 0, 0, location)
	monthBefore := time.Date(year, month-1, 1, 0, 0, 0, 0, location)
	sameMoment := time.Date(year, month-1, day, last.Hour(), last.Minute(), last.Second(), last.Nanosecond(), location).Add(time.Millisecond)
	if sameMoment.After(thisMonth) {
		sameMoment = thisMonth
	}
	return []period{
		{"previous month", monthBefore.UnixMilli(), thisMonth.UnixMilli()},
		{"previous month to date", monthBefore.UnixMilli(), sameMoment.UnixMilli()},
		{"month to date", thisMonth.UnixMilli(), q.To},
	}, nil
}

// peakDelta is the change of a peak from the interval before to the nth.
// It takes full intervals, and is null for a first one that is clipped.
func peakDelta(peak func([]Fact) float64, facts []Fact, steps []interval, n int) *float64 {
	step := steps[n]
	before := interval{start: step.start - (step.end - step.start), end: step.start}
	if n > 0 {
		before = steps[n-1]
	} else if step.from != step.start {
		return nil
	}
	return number(peak(between(facts, step.start, step.end)) - peak(between(facts, before.start, before.end)))
}

// filtered are the facts that pass the query's filters. Traffic has no events,
// so their filter changes nothing there (rule 23).
func filtered(facts []Fact, tags Tags, q Query) []Fact {
	allows := func(filter []string, value string) bool {
		return len(filter) == 0 || slices.Contains(filter, value)
	}
	var passed []Fact
	for _, f := range facts {
		traffic := f.Measure == Sent || f.Measure == Received || f.Measure == ServerViewer
		if f.organization == q.Organization && allows(q.Country, f.country) && allows(q.Stream, f.stream) && allows(q.Referrer, f.referrer) &&
			allows(q.Values, f.with(q.Dimension)) &&
			tags.carries(f.organization, f.stream, q.Tag) && (traffic || allows(q.Event, f.event)) {
			passed = append(passed, f)
		}
	}
	return passed
}

// between are the facts with from ≤ time < to.
func between(facts []Fact, from, to int64) []Fact {
	at := func(t int64) int {
		i, _ := slices.BinarySearchFunc(facts, t, func(f Fact, t int64) int { return cmp.Compare(f.At, t) })
		return i
	}
	return facts[at(from):max(at(from), at(to))]
}
