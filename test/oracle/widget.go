package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
)

// Widget says how the answer of a query type follows from facts.
type Widget struct {
	// Breakdown is the column that names the rows, empty if there is one row.
	Breakdown string
	Columns   []string // numbers, in the order of a row's values
	Premium   bool
	Usage     bool // has a unit
	Viewers   bool // has a mode, and ends before the newest minutes
	// Rows are the rows of the total form over the facts, which are those of
	// the range and pass the filters.
	Rows func(facts []Fact, unit string) []Row
}

// Row is one row of a total form. A nil value is null.
type Row struct {
	Label  string
	Values []*float64
}

// Widgets are the widgets that the oracle can answer, by query type.
func Widgets() map[string]Widget {
	return map[string]Widget{
		"usageOverview":     {Columns: []string{"playout", "ingest", "total"}, Usage: true, Rows: usageOverview},
		"usageByCountry":    {Breakdown: "country", Columns: []string{"value", "share"}, Usage: true, Rows: usageByCountry},
		"usageByStream":     {Breakdown: "stream", Columns: []string{"ingest", "playout"}, Usage: true, Rows: usageByStream},
		"concurrentViewers": {Columns: []string{"viewers", "plays"}, Viewers: true, Rows: concurrentViewers},
		"bufferingRatio":    {Columns: []string{"value"}, Premium: true, Rows: bufferingRatio},
		"startTime":         {Columns: []string{"median", "average"}, Premium: true, Rows: startTime},
		"playsByOS":         {Breakdown: "os", Columns: []string{"plays", "share"}, Rows: playsByOS},
		"stopReasons":       {Breakdown: "reason", Columns: []string{"stops"}, Premium: true, Rows: stopReasons},
	}
}

// usage is the playout and the ingest of the facts, in bytes or seconds.
func usage(facts []Fact, unit string) (playout, ingest float64) {
	if unit == "playtime" {
		return total(facts, Playing) / 1000, total(facts, OnAir) / 1000
	}
	return total(facts, Sent), total(facts, Received)
}

// usageMeasures are the measures that usage adds up.
func usageMeasures(unit string) []Measure {
	if unit == "playtime" {
		return []Measure{Playing, OnAir}
	}
	return []Measure{Sent, Received}
}

func usageOverview(facts []Fact, unit string) []Row {
	playout, ingest := usage(facts, unit)
	return []Row{{Values: numbers(playout, ingest, playout+ingest)}}
}

func usageByCountry(facts []Fact, unit string) []Row {
	playout, ingest := usage(facts, unit)
	all := playout + ingest
	var rows []Row
	for country, facts := range groupBy(only(facts, usageMeasures(unit)...), func(f Fact) string { return f.country }) {
		playout, ingest := usage(facts, unit)
		rows = append(rows, Row{country, []*float64{number(playout + ingest), ratio(playout+ingest, all)}})
	}
	return rows
}

func usageByStream(facts []Fact, unit string) []Row {
	var rows []Row
	for stream, facts := range groupBy(only(facts, usageMeasures(unit)...), func(f Fact) string { return f.stream }) {
		playout, ingest := usage(facts, unit)
		rows = append(rows, Row{stream, numbers(ingest, playout)})
	}
	return rows
}

func concurrentViewers(facts []Fact, _ string) []Row {
	return []Row{{Values: numbers(peak(facts), total(facts, Play))}}
}

// peak is the greatest number of viewers of a minute (rule 14).
func peak(facts []Fact) float64 {
	watched := map[int64]int64{} // ms of a minute
	for _, f := range facts {
		if f.Measure == Playing || f.Measure == Buffering {
			watched[floor(f.At, minute)] += f.Value
		}
	}
	greatest := int64(0)
	for _, value := range watched {
		greatest = max(greatest, value)
	}
	return float64(greatest) / float64(minute)
}

func bufferingRatio(facts []Fact, _ string) []Row {
	playing, buffering := total(facts, Playing), total(facts, Buffering)
	return []Row{{Values: []*float64{ratio(buffering, buffering+playing)}}}
}

func startTime(facts []Fact, _ string) []Row {
	var seconds []float64
	for _, f := range facts {
		if f.Measure == StartTime {
			seconds = append(seconds, float64(f.Value)/1000)
		}
	}
	if len(seconds) == 0 {
		return []Row{{Values: []*float64{nil, nil}}}
	}
	sort.Float64s(seconds)
	n := len(seconds)
	median := (seconds[(n-1)/2] + seconds[n/2]) / 2
	return []Row{{Values: []*float64{&median, ratio(total(facts, StartTime)/1000, float64(n))}}}
}

func playsByOS(facts []Fact, _ string) []Row {
	all := total(facts, Play)
	var rows []Row
	for os, facts := range groupBy(only(facts, Play), func(f Fact) string { return f.os }) {
		plays := total(facts, Play)
		rows = append(rows, Row{os, []*float64{&plays, ratio(plays, all)}})
	}
	return rows
}

func stopReasons(facts []Fact, _ string) []Row {
	var rows []Row
	for reason, facts := range groupBy(only(facts, Stop), func(f Fact) string { return f.reason }) {
		rows = append(rows, Row{reason, numbers(total(facts, Stop))})
	}
	return rows
}

func total(facts []Fact, measure Measure) float64 {
	sum := int64(0)
	for _, f := range facts {
		if f.Measure == measure {
			sum += f.Value
		}
	}
	return float64(sum)
}

func only(facts []Fact, measures ...Measure) []Fact {
	var those []Fact
	for _, f := range facts {
		if slices.Contains(measures, f.Measure) {
			those = append(those, f)
		}
	}
	return those
}

func groupBy(facts []Fact, label func(Fact) string) map[string][]Fact {
	groups := map[string][]Fact{}
	for _, f := range facts {
		groups[label(f)] = append(groups[label(f)], f)
	}
	return groups
}

func number(x float64) *float64 { return &x }

func numbers(xs ...float64) []*float64 {
	pointers := make([]*float64, len(xs))
	for i := range xs {
		pointers[i] = &xs[i]
	}
	return pointers
}

// ratio is null where there is nothing to divide by.
func ratio(a, b float64) *float64 {
	if b == 0 {
		return nil
	}
	return number(a / b)
}

// Answer is what the product must answer to the query, given all facts,
// ordered by time.
func Answer(facts []Fact, q Query) (Table, error) {
	widget, ok := Widgets()[q.QueryType]
	if !ok {
		return Table{}, fmt.Errorf("unknown widget %q", q.QueryType)
	}
	facts = filtered(facts, q)
	table := Table{Cells: map[Cell]*float64{}}
	if q.Form != "series" {
		for _, row := range widget.Rows(between(facts, q.From, q.To), q.Unit) {
			for i, column := range widget.Columns {
				table.Cells[Cell{Row: row.Label, Column: column}] = row.Values[i]
			}
		}
		return table, nil
	}

	steps, err := intervals(q)
	if err != nil {
		return Table{}, err
	}
	for n, step := range steps {
		table.Times = append(table.Times, step.start)
		for _, row := range widget.Rows(between(facts, step.from, step.to), q.Unit) {
			for i, column := range widget.Columns {
				table.Cells[Cell{Time: step.start, Row: row.Label, Column: column}] = row.Values[i]
			}
		}
		if q.Mode == "delta" {
			table.Cells[Cell{Time: step.start, Column: "viewers"}] = viewersDelta(facts, steps, n)
		}
	}
	return table, nil
}

// viewersDelta is the change of the peak from the interval before to the nth.
// It takes full intervals, and is null for a first one that is clipped.
func viewersDelta(facts []Fact, steps []interval, n int) *float64 {
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
func filtered(facts []Fact, q Query) []Fact {
	allows := func(filter []string, value string) bool {
		return len(filter) == 0 || slices.Contains(filter, value)
	}
	var passed []Fact
	for _, f := range facts {
		traffic := f.Measure == Sent || f.Measure == Received
		if f.organization == q.Organization && allows(q.Country, f.country) && allows(q.Stream, f.stream) &&
			(traffic || allows(q.Event, f.event)) {
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
