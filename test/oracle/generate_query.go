package oracle

import (
	"maps"
	"slices"
	"time"
)

// newestViewers is how old the end of a range must be for concurrentViewers to
// answer all of it: two report intervals of at most 60 s, 15 s, and the minute
// itself (rule 14).
const newestViewers = (2*60 + 15 + 60) * time.Second

// Query makes up a query that is asked about now, around something that
// happened.
func (g *Generator) Query(facts []Fact, now time.Time) (Query, error) {
	for {
		q := g.anyQuery(facts, now)
		steps, err := intervals(q)
		if err != nil {
			return Query{}, err
		}
		const bearable = 1000 // intervals of an answer
		tooNew := false
		if Widgets()[q.QueryType].Viewers {
			last := q.To
			if q.Mode == "delta" {
				last = steps[len(steps)-1].end
			}
			tooNew = last > now.Add(-newestViewers).UnixMilli()
		}
		if len(steps) <= bearable && !tooNew {
			return q, nil
		}
	}
}

func (g *Generator) anyQuery(facts []Fact, now time.Time) Query {
	q := Query{
		QueryType: pick(g, slices.Sorted(maps.Keys(Widgets()))),
		Form:      pick(g, []string{"", "total", "series", "series"}),
		Timezone:  pick(g, []string{"", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"}),
	}
	around := pick(g, facts)
	q.Organization = around.organization
	if g.chance(0.05) {
		q.Organization = pick(g, g.organizations).ID
	}
	widget := Widgets()[q.QueryType]
	if widget.Usage {
		q.Unit = pick(g, []string{"", "traffic", "playtime", "playtime"})
	}
	if widget.Viewers && q.Form == "series" {
		q.Mode = pick(g, []string{"", "absolute", "delta", "delta"})
	}
	length := pick(g, []int64{5, 60, 6 * 60, 24 * 60, 6 * 24 * 60})
	if widget.Usage && g.chance(0.2) {
		length = 300 * 24 * 60
	}
	if q.Mode == "delta" { // long enough for intervals in which peaks differ
		length = max(length, 24*60)
	}
	length = g.between(1, length) * minute
	q.From = floor(around.At-g.between(0, length), minute)
	if g.chance(0.3) { // whole hours, so that no ragged end is left
		q.From, length = floor(q.From, 60*minute), length+60*minute-length%(60*minute)
	}
	q.To = min(q.From+length, floor(now.UnixMilli(), minute)+2*minute)
	if q.Form == "series" && g.chance(0.6) {
		q.Interval = pick(g, []string{"1m", "6h", "5m", "7m", "10m", "25m", "1h", "3h", "6h", "1d", "1d"})
	}

	if g.chance(0.3) {
		q.Country = []string{around.country}
		for g.chance(0.4) {
			q.Country = append(q.Country, pick(g, []string{"DE", "FR", "US", "IN", "SE", "ZZ", "NO"}))
		}
	}
	if g.chance(0.3) {
		q.Stream = []string{around.stream}
		for g.chance(0.4) {
			q.Stream = append(q.Stream, pick(g, append(streams(), "no-such-stream")))
		}
	}
	if g.chance(0.3) {
		if q.Event = []string{"summit"}; around.event != "" {
			q.Event = []string{around.event}
		}
		if g.chance(0.4) {
			q.Event = append(q.Event, "cup.final")
		}
	}
	return q
}
