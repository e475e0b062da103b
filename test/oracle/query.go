package oracle

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Query is the data source's query, in its JSON names, with the organisation
// and the time range that come beside it.
type Query struct {
	RefID      string   `json:"refId"`
	QueryType  string   `json:"queryType"`
	Country    []string `json:"country,omitempty"`
	Tag        []string `json:"tag,omitempty"`
	Stream     []string `json:"stream,omitempty"`
	Event      []string `json:"event,omitempty"`
	Referrer   []string `json:"referrer,omitempty"`
	Unit       string   `json:"unit,omitempty"`       // "traffic" or "playtime"
	Metric     string   `json:"metric,omitempty"`     // of worldMap; else the one column to answer
	Percentile int      `json:"percentile,omitempty"` // of distributions
	Compare    string   `json:"compare,omitempty"`    // "previous", "day", "week" or "month"
	Mode       string   `json:"mode,omitempty"`       // "absolute" or "delta"
	Breakdown  string   `json:"breakdown,omitempty"`  // "country", "stream" or a dimension, of widgets that have one row
	Dimension  string   `json:"dimension,omitempty"`  // of what players watch with: "version", "os", "browser", "device" or "protocol"
	Values     []string `json:"values,omitempty"`     // filter on it
	Form       string   `json:"form,omitempty"`       // "total" or "series"
	Interval   string   `json:"interval,omitempty"`   // empty: automatic
	Timezone   string   `json:"timezone,omitempty"`
	Where      []string `json:"where,omitempty"` // conditions on plays
	Sort       string   `json:"sort,omitempty"`  // of the list of plays
	Page       int      `json:"page,omitempty"`  // likewise
	Session    string   `json:"session,omitempty"`

	Organization string `json:"-"`
	From         int64  `json:"-"` // ms since 1970, included
	To           int64  `json:"-"` // ms since 1970, excluded
}

// String shows the query as a person would repeat it.
func (q Query) String() string {
	return fmt.Sprintf("%s org=%s from=%s to=%s form=%s interval=%q timezone=%q unit=%s metric=%s percentile=%d compare=%s mode=%s breakdown=%s %s=%q country=%q tag=%q stream=%q event=%q referrer=%q where=%q sort=%s page=%d session=%q",
		q.QueryType, q.Organization, rfc3339(q.From), rfc3339(q.To), q.Form, q.Interval, q.Timezone, q.Unit, q.Metric, q.Percentile, q.Compare, q.Mode, q.Breakdown,
		q.Dimension, q.Values, q.Country, q.Tag, q.Stream, q.Event, q.Referrer, q.Where, q.Sort, q.Page, q.Session)
}

func rfc3339(milliseconds int64) string {
	return time.UnixMilli(milliseconds).UTC().Format(time.RFC3339)
}

const hour = 60 * minute

// byHours says whether the query asks for what is stored by the hour alone
// (rule 41).
func (q Query) byHours() bool {
	asksFor := func(column string) bool { return q.Metric == "" || strings.HasPrefix(q.Metric, column) }
	byCountry := len(q.Country) > 0 || q.Breakdown == "country"
	byStream := len(q.Stream) > 0 || len(q.Tag) > 0 || q.Breakdown == "stream" || q.Breakdown == "tag" || q.QueryType == "streamHealth"
	switch {
	case q.QueryType == "usageByIP" || q.QueryType == "usageByReferrer":
		return true
	case q.ofPlayers():
		// What players watch with, together with a country or a stream, but for versions of streams.
		return byCountry || byStream && q.watchedWith() != "version"
	case playsBy(q.QueryType) != "":
		// In the total form all but the playing time is of the range.
		return q.playingTimeByHours() && (q.Form == "series" && q.Metric == "" || strings.HasPrefix(q.Metric, "playingTime"))
	case Widgets()[q.QueryType].Percentiles:
		// Of medians and percentiles.
		return !strings.HasPrefix(q.Metric, "average") && (byCountry && byStream || len(q.Event) > 0)
	case q.QueryType == "scores":
		return asksFor("startupScore") && (byCountry && byStream || len(q.Event) > 0)
	}
	return false
}

// playingTimeByHours says whether the playing time beside counts is stored,
// and by the hour.
func (q Query) playingTimeByHours() bool {
	byStream := len(q.Stream) > 0 || len(q.Tag) > 0
	return playsBy(q.QueryType) != "" && q.storesPlayingTime() && (len(q.Country) > 0 || byStream && playsBy(q.QueryType) != "version")
}

// playsBy is what a widget counts the plays by that has their playing time
// too, and empty if it does not.
func playsBy(queryType string) string {
	return map[string]string{"playsByOS": "os", "playsByDevice": "device", "playsByBrowser": "browser", "playsByVersion": "version"}[queryType]
}

// watchedWith is the dimension of what players watch with that is asked for.
func (q Query) watchedWith() string {
	if slices.Contains(dimensions(), q.Breakdown) {
		return q.Breakdown
	}
	return cmp.Or(q.Dimension, "version")
}

// widened is the query whose range, and whose interval, are whole hours if it
// asks for what is stored by the hour.
func (q Query) widened() Query {
	if !q.byHours() {
		return q
	}
	q.From, q.To = floor(q.From, hour), ceil(q.To, hour)
	if length, err := time.ParseDuration(q.Interval); err == nil { // no day or month
		q.Interval = fmt.Sprintf("%dh", ceil(length.Milliseconds(), hour)/hour)
	}
	return q
}

func ceil(t, length int64) int64 { return floor(t+length-1, length) }

// interval is one step of a series, in ms since 1970. From and to are clipped
// to the query's range, start and end are not.
type interval struct{ start, end, from, to int64 }

// intervals are the steps of the query's series form (rule 21). An hour that
// ends in another step than it begins in belongs to the first (rule 41).
func intervals(q Query) ([]interval, error) {
	steps, err := uncutHours(q)
	if err != nil || !q.byHours() {
		return steps, err
	}
	var moved []interval
	for _, step := range steps {
		step.from, step.to = ceil(step.from, hour), ceil(step.to, hour)
		if step.from < step.to {
			moved = append(moved, step)
		}
	}
	return moved, nil
}

func uncutHours(q Query) ([]interval, error) {
	if q.Interval != "" {
		return cut(q, q.Interval, math.MaxInt)
	}
	if q.QueryType == "usageReport" {
		return cutReport(q)
	}
	const atMost = 300
	for _, length := range []string{"1m", "5m", "10m", "1h", "6h"} {
		if q.byHours() && strings.HasSuffix(length, "m") {
			continue
		}
		steps, err := cut(q, length, atMost+1)
		if err != nil || len(steps) <= atMost {
			return steps, err
		}
	}
	return cut(q, "1d", math.MaxInt)
}

// cutReport cuts a report's range into UTC days if it is longer than two, else
// into hours (rule 20).
func cutReport(q Query) ([]interval, error) {
	if q.To-q.From > 2*24*60*minute {
		q.Timezone = ""
		return cut(q, "1d", math.MaxInt)
	}
	return cut(q, "1h", math.MaxInt)
}

// cut cuts the query's range into intervals of one length and gives up after
// the first enough of them.
func cut(q Query, length string, enough int) ([]interval, error) {
	var next func(start int64) int64
	var start int64
	if length == "1d" || length == "1M" {
		location, err := time.LoadLocation(q.Timezone)
		if err != nil {
			return nil, fmt.Errorf("time zone: %w", err)
		}
		// midnight is the start of the day, or of the first day of the month,
		// that is so many later than the one of t.
		midnight := func(t int64, later int) int64 {
			year, month, day := time.UnixMilli(t).In(location).Date()
			if length == "1M" {
				return time.Date(year, month+time.Month(later), 1, 0, 0, 0, 0, location).UnixMilli()
			}
			return time.Date(year, month, day+later, 0, 0, 0, 0, location).UnixMilli()
		}
		next = func(start int64) int64 { return midnight(start, 1) }
		start = midnight(q.From, 0)
	} else {
		duration, err := time.ParseDuration(length)
		if err != nil {
			return nil, fmt.Errorf("interval: %w", err)
		}
		next = func(start int64) int64 { return start + duration.Milliseconds() }
		start = floor(q.From, duration.Milliseconds())
	}
	var steps []interval
	for ; start < q.To && len(steps) < enough; start = next(start) {
		end := next(start)
		steps = append(steps, interval{start: start, end: end, from: max(start, q.From), to: min(end, q.To)})
	}
	return steps, nil
}
