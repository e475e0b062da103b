package oracle

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// newestViewers is how old the end of a range must be for concurrentViewers to
// answer all of it: two report intervals of at most 60 s, 15 s, and the minute
// itself (rule 14).
const newestViewers = (2*60 + 15 + 60) * time.Second

// Query makes up a query of one of the widgets that is asked about now, around
// something that happened.
func (g *Generator) Query(widgets []string, facts []Fact, tags Tags, now time.Time) (Query, error) {
	widget := pick(g, widgets)
	for {
		q := g.anyQuery(widget, facts, now)
		if g.chance(0.2) && !(q.apart() && (len(q.Country) > 0 || q.Breakdown == "country")) {
			q.Tag = g.tagFilter(tags, q)
		}
		if strings.HasPrefix(q.Metric, "playingTime") && !q.storesPlayingTime() {
			q.Metric = ""
		}
		asked := q.widened()
		if q.QueryType == "monthToDate" && q.Form == "series" { // which ignores from
			asked.From, asked.Interval = q.To-62*24*60*minute, cmp.Or(q.Interval, "1d")
		}
		steps, err := intervals(asked)
		if err != nil {
			return Query{}, err
		}
		bearable := 1000 // intervals of an answer
		if q.QueryType == "usageByIP" {
			bearable = 50
		}
		tooNew := false
		if Widgets()[q.QueryType].Complete || q.Compare != "" {
			last := asked.To
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

// apart says whether what is asked is stored by country or by stream, without
// events.
func (q Query) apart() bool { return q.ofPlayers() || Widgets()[q.QueryType].Apart }

// tagFilter is some of the tags of a stream that the query may find, and now
// and then one that it does not have.
func (g *Generator) tagFilter(tags Tags, q Query) []string {
	stream := pick(g, streams())
	if len(q.Stream) > 0 {
		stream = q.Stream[0]
	}
	var filter []string
	for _, tag := range tags[[2]string{q.Organization, stream}] {
		if len(filter) == 0 || g.chance(0.4) {
			filter = append(filter, tag)
		}
	}
	if len(filter) == 0 || g.chance(0.1) {
		filter = append(filter, pick(g, append(tagNames(), "no-such-tag")))
	}
	return filter
}

func (g *Generator) anyQuery(queryType string, facts []Fact, now time.Time) Query {
	widget := Widgets()[queryType]
	q := Query{
		QueryType: queryType,
		Form:      pick(g, []string{"", "total", "series", "series"}),
		Timezone:  pick(g, append(timezones(), "")),
	}
	switch {
	case queryType == "worldMap":
		q.Metric = pick(g, append(slices.Sorted(maps.Keys(mapMetrics())), ""))
	case g.chance(0.1):
		q.Metric = pick(g, widget.Columns)
	}
	if widget.Usage {
		q.Unit = pick(g, []string{"", "traffic", "playtime", "playtime"})
	}
	if widget.Viewers && q.Form == "series" && q.Metric != "plays" {
		q.Mode = pick(g, []string{"", "absolute", "delta", "delta"})
	}
	if widget.Choice && q.Mode != "delta" {
		q.Breakdown = pick(g, []string{"", "", "country", "stream", "tag"})
		if q.Breakdown == "tag" && (widget.Viewers || widget.Peaks) { // whose peaks do not add up
			q.Breakdown = "stream"
		}
	}
	if widget.Players && g.chance(0.6) || queryType == "playerHealth" {
		q.Dimension = pick(g, dimensions())
		if widget.Choice && g.chance(0.5) {
			q.Breakdown = q.Dimension
		}
	}
	around := pick(g, facts)
	for range 200 { // some are rare, and some queries may well find nothing
		if slices.Contains(widget.Of(q), around.Measure) {
			break
		}
		around = pick(g, facts)
	}
	q.Organization = around.organization
	if g.chance(0.05) {
		q.Organization = pick(g, g.organizations).ID
	}
	g.chooseRange(&q, around, now)

	if g.chance(0.2) {
		q.Country = []string{around.country}
		for g.chance(0.4) {
			q.Country = append(q.Country, pick(g, append([]string{"DE", "FR", "US", "IN", "SE", "ZZ", "NO"}, wideners()...)))
		}
	}
	if g.chance(0.2) {
		q.Stream = []string{around.stream}
		for g.chance(0.4) {
			q.Stream = append(q.Stream, pick(g, append(append(streams(), "no-such-stream"), wideners()...)))
		}
	}
	if g.chance(0.2) {
		if q.Event = []string{"summit"}; around.event != "" {
			q.Event = []string{around.event}
		}
		if g.chance(0.4) {
			q.Event = append(q.Event, pick(g, append(wideners(), "cup.final", "cup.final")))
		}
	}
	if q.Dimension != "" && around.with(q.Dimension) != "" && g.chance(0.5) {
		q.Values = []string{around.with(q.Dimension)}
		for g.chance(0.4) {
			q.Values = append(q.Values, pick(g, append(wideners(), "iOS", "Chrome", "hls", "mobile")))
		}
	}
	if queryType != "monthToDate" && q.Mode != "delta" && g.chance(0.35) {
		q.Compare = pick(g, []string{"previous", "day", "day", "week", "month"})
		if q.Metric != "" && queryType != "worldMap" && g.chance(0.3) && hasChange(q.Metric) {
			q.Metric += "Change"
		}
	}
	if widget.Percentiles && !q.ofPlayers() && g.chance(0.6) {
		q.Percentile = int(g.between(1, 99))
		if q.Metric != "" && g.chance(0.5) {
			q.Metric = percentileColumn(q.Percentile)
		}
	}
	if q.apart() {
		q.Event = nil
		if q.Breakdown == "stream" || q.Breakdown == "tag" || queryType == "streamHealth" || g.chance(0.5) && q.Breakdown != "country" {
			q.Country = nil
		} else {
			q.Stream = nil
		}
	}
	if q.ofPlayers() {
		if widget.Percentiles && !strings.HasPrefix(q.Metric, "average") || strings.HasPrefix(q.Metric, "startupScore") {
			q.Metric = ""
		}
	}
	if queryType == "usageByReferrer" && g.chance(0.4) {
		q.Referrer = []string{around.referrer}
		if g.chance(0.4) {
			q.Referrer = append(q.Referrer, pick(g, append(wideners(), "www.tv.example", "(none)")))
		}
	}
	return q
}

// wideners are values of filters that match nothing, unless they get where
// they mean more than a text.
func wideners() []string { return []string{".*", `"} or {org="acme`, `\`} }

// chooseRange chooses the query's range around a fact, and its interval.
func (g *Generator) chooseRange(q *Query, around Fact, now time.Time) {
	usage := Widgets()[q.QueryType].Usage
	length := pick(g, []int64{30, 6 * 60, 24 * 60, 6 * 24 * 60})
	if usage && g.chance(0.2) {
		length = 300 * 24 * 60
	}
	if q.Mode == "delta" { // long enough for intervals in which peaks differ
		length = max(length, 24*60)
	}
	length = g.between(1, length) * minute
	at := around.At
	if usage && g.chance(0.3) {
		at = pick(g, g.moments).UnixMilli()
	}
	q.From = floor(at-g.between(0, length), minute)
	if g.chance(0.3) { // whole hours, so that no ragged end is left
		q.From, length = floor(q.From, 60*minute), length+60*minute-length%(60*minute)
	}
	q.To = min(q.From+length, floor(now.UnixMilli(), minute)+2*minute)
	if q.Form == "series" && g.chance(0.6) {
		q.Interval = pick(g, []string{"1m", "5m", "7m", "10m", "25m", "1h", "3h", "6h", "6h", "1d", "1d", "1M"})
	}
}
