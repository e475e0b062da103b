package report

import (
	"context"
	"slices"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/widget"
)

// DefaultEventTitle is the title of an event report that nobody named.
const DefaultEventTitle = "Event report"

// Ranges from which on the charts of an event report have longer intervals.
const (
	longerThanMinutes     = 3 * time.Hour
	longerThanFiveMinutes = 12 * time.Hour
)

const minuteInterval = "1m"

// eventCharts are the charts of an event report: a column of each for one.
var eventCharts = []struct {
	widget, title string
	columns       []string
	overTime      bool
}{
	{"concurrentViewers", "Viewers", []string{"viewers"}, true},
	{"joinsAndLeaves", "Joins and leaves", []string{"joinsPerMinute", "leavesPerMinute"}, true},
	{"retention", "Retention", []string{"retained"}, false},
}

// eventTables are the tables of an event report: the columns that have room, and by what the rows are told apart.
var eventTables = []struct {
	widget, title, breakdown string
	columns                  []string
}{
	{"eventSummary", "Countries", measure.LabelCountry, []string{"peakViewers", "plays", "watched", "watchedPerPlay", "goodPlays"}},
	{"eventSummary", "Streams", measure.LabelStream, []string{"peakViewers", "plays", "watched", "watchedPerPlay", "goodPlays"}},
	{"playsByDevice", "Devices", "", []string{"plays", "share", "playingTime"}},
	{"goodPlays", "Good plays, and why others were not", "", nil},
}

// MakeEvent asks the widgets for what became of an event, a stream or whatever else the filters of the request leave. The request and the
// rest are as for Make. The widgets need the level premium.
func MakeEvent(ctx context.Context, asker vm.Asker, request widget.Request, top int) (*Report, error) {
	r := newReport(Event, request)
	r.Unit = ""
	if r.Interval == "" {
		r.Interval = r.eventInterval()
	}
	request.Form, request.Metric, request.Mode, request.Interval, request.Unit = widget.FormTotal, "", "", "", ""
	var err error
	if r.Totals, err = r.ask(ctx, asker, request, "eventSummary", "Event"); err != nil {
		return nil, err
	}
	if r.Zone, err = Zone(request.Timezone); err != nil {
		return nil, err
	}
	for _, c := range eventCharts {
		of := request
		of.Compare = ""
		if c.overTime {
			of.Form, of.Interval = widget.FormSeries, r.Interval
		}
		table, err := r.ask(ctx, asker, of, c.widget, c.title)
		if err != nil {
			return nil, err
		}
		table.leaveOut(func(column Column) bool { return !slices.Contains(c.columns, column.Name) })
		r.Charts = append(r.Charts, table)
	}
	for _, t := range eventTables {
		of := request
		of.Breakdown, of.Top = t.breakdown, top
		if t.columns != nil {
			of.Compare = "" // for which there is no room
		}
		table, err := r.ask(ctx, asker, of, t.widget, t.title)
		if err != nil {
			return nil, err
		}
		if t.columns != nil {
			table.leaveOut(func(column Column) bool { return !slices.Contains(t.columns, column.Name) })
		}
		if last := len(table.Rows) - 1; last >= 0 && table.Rows[last].Name == measure.Other {
			table.Rows[last].Name, table.Rows[last].Added = Rest, true
		}
		r.Tables = append(r.Tables, table)
	}
	return r, r.addPlays(ctx, asker, request)
}

func (r *Report) eventInterval() string {
	switch length := r.To.Sub(r.From); {
	case length <= longerThanMinutes:
		return minuteInterval
	case length <= longerThanFiveMinutes:
		return "5m"
	case length <= 2*longerThanHours:
		return "1h"
	}
	return r.automaticInterval()
}
