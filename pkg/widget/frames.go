package widget

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// frameVersion is the version of the data plane's frame types that the frames follow.
var frameVersion = data.FrameTypeVersion{0, 1}

// grafanaUnits are Grafana's names of the shown units.
var grafanaUnits = map[Unit]string{
	Bytes:         "decbytes",
	Seconds:       "s",
	Ratio:         "percentunit",
	Count:         "short",
	Viewers:       "locale",
	BitsPerSecond: "bps",
	Points:        "none",
}

func (res *result) frames() data.Frames {
	var frame *data.Frame
	switch {
	case res.request.Form == FormSeries:
		frame = res.seriesFrame()
	case res.request.Form == FormParts && res.definition.breakdown() != "":
		frame = res.partsFrame()
	case res.request.Form == FormTrend && !res.request.Alert:
		frame = res.trendFrame()
	default:
		frame = res.totalFrame()
	}
	frame.RefID = res.request.RefID
	frame.Meta.TypeVersion = frameVersion
	frame.Meta.ExecutedQueryString = strings.TrimSuffix(res.executed, "\n")
	frame.Meta.Stats = res.statistics.shown()
	for _, text := range res.notices {
		frame.Meta.Notices = append(frame.Meta.Notices, data.Notice{Severity: data.NoticeSeverityInfo, Text: text})
	}
	if res.wordsOnly {
		frame.Meta.Custom = map[string]any{CustomNothing: res.why.short}
	}
	return data.Frames{frame}
}

// shown returns the statistics as Grafana's query inspector shows them; none if nothing was asked.
func (s statistics) shown() []data.QueryStat {
	if s.requests == 0 {
		return nil
	}
	stat := func(name string, value int) data.QueryStat {
		return data.QueryStat{FieldConfig: data.FieldConfig{DisplayName: name}, Value: float64(value)}
	}
	return []data.QueryStat{
		stat("Requests to VictoriaMetrics", s.requests), stat("Stored series read", s.fetched), stat("Numbers answered", s.points),
	}
}

// columns returns the number columns that are asked for: all, or the one metric and what compares it; an alert rule takes no more than one.
func (res *result) columns() []Column {
	var columns []Column
	for _, c := range res.definition.Columns {
		if metric := res.request.Metric; c.value != nil && (metric == "" || c.Name == metric || c.compares == metric) {
			columns = append(columns, c)
		}
	}
	if res.request.Alert {
		// An alert rule that compares is about the change.
		first := max(0, slices.IndexFunc(columns, func(c Column) bool { return c.how == changeSince }))
		return columns[first : first+1]
	}
	return columns
}

// rows returns the rows to answer with. Of a breakdown an alert rule gets those alone that have a number in the last interval: each
// row becomes an instance of the rule, and one of nothing would fire or tell of missing data.
func (res *result) rows(last int) []*row {
	if !res.request.Alert || res.definition.breakdown() == "" || last < 0 {
		return res.table.rows
	}
	return slices.DeleteFunc(slices.Clone(res.table.rows), func(r *row) bool {
		value := res.columns()[0].value(cell{res.table, r, last})
		return math.IsNaN(value) || math.IsInf(value, 0)
	})
}

// totalFrame has one row per name of the breakdown, or one row alone.
func (res *result) totalFrame() *data.Frame {
	frame := data.NewFrame(res.definition.Type)
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeNumericWide}
	rows := res.rows(0)
	if res.definition.breakdown() != "" {
		frame.Meta.Type = data.FrameTypeNumericLong
		names := make([]string, len(rows))
		for i, r := range rows {
			names[i] = r.name
		}
		frame.Fields = append(frame.Fields, res.nameField(names))
	}
	for _, c := range res.columns() {
		field := res.numberField(c, nil, "", len(rows), func(i int) float64 { return c.value(cell{res.table, rows[i], 0}) })
		frame.Fields = append(frame.Fields, field)
	}
	return frame
}

// seriesFrame has one row per interval, and one field per number and name of the breakdown.
func (res *result) seriesFrame() *data.Frame {
	times := make([]time.Time, res.table.shown)
	for i := range times {
		times[i] = res.intervals[i].start
	}
	frame := data.NewFrame(res.definition.Type, data.NewField("time", nil, times))
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeTimeSeriesWide}
	frame.Fields = append(frame.Fields, res.namedFields(len(times))...)
	return frame
}

// partsFrame has one row, and one field per number and name of the breakdown.
func (res *result) partsFrame() *data.Frame {
	frame := data.NewFrame(res.definition.Type, res.namedFields(1)...)
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeNumericWide}
	return frame
}

// trendFrame has two rows, of the earlier range and of the range, and one field per number and name of the breakdown.
//
// What was nothing or 0 is infinite: Grafana's tiles show the change from the first number to the last, 0 % where there is no first one and
// an infinite one from 0, but none from infinity.
func (res *result) trendFrame() *data.Frame {
	now := *res
	now.definition.Columns = slices.DeleteFunc(slices.Clone(res.definition.Columns), func(c Column) bool { return c.how != notCompared })
	frame := data.NewFrame(res.definition.Type)
	frame.Meta = &data.FrameMeta{}
	for _, f := range now.namedFields(1) {
		f.Insert(0, nil)
		frame.Fields = append(frame.Fields, f)
	}
	i := 0
	for _, r := range res.rows(0) {
		for _, c := range now.columns() {
			before := c.value(cell{res.table, r, 0}.before())
			if math.IsNaN(before) || before == 0 {
				before = math.Inf(1)
			}
			frame.Fields[i].Set(0, &before)
			i++
		}
	}
	return frame
}

// namedFields returns a field of each number of each row, with a value for each interval.
func (res *result) namedFields(intervals int) []*data.Field {
	breakdown, columns := res.definition.breakdown(), res.columns()
	var fields []*data.Field
	for _, r := range res.rows(intervals - 1) {
		for _, c := range columns {
			var labels data.Labels
			shown := ""
			if breakdown != "" {
				labels = data.Labels{breakdown: r.name}
				if shown = res.shown(r.name); len(columns) > 1 {
					shown += " " + c.Name
				}
			}
			fields = append(fields, res.numberField(c, labels, shown, intervals, func(i int) float64 { return c.value(cell{res.table, r, i}) }))
		}
	}
	res.colored(fields)
	return fields
}

func (res *result) nameField(names []string) *data.Field {
	c := res.definition.Columns[0]
	field := data.NewField(c.Name, nil, names)
	field.Config = &data.FieldConfig{Description: c.Help, Mappings: res.mappings(names)}
	if c.Link != "" {
		field.Config.Links = []data.DataLink{{Title: "What it means", URL: c.Link, TargetBlank: true}}
	}
	return field
}

// numberField returns a field of n values; what is no number, a ratio, average or median of nothing, is null.
func (res *result) numberField(c Column, labels data.Labels, shown string, n int, value func(int) float64) *data.Field {
	unit := c.Unit
	if unit == Bytes && res.request.Unit == UnitPlaytime {
		unit = Seconds
	}
	field := data.NewFieldFromFieldType(data.FieldTypeNullableFloat64, n)
	field.Name, field.Labels = c.Name, labels
	config := shownNumber(c, unit, res.request.Mode == ModeDelta)
	config.DisplayNameFromDS = shown
	if c.how != notCompared && !res.earlier.isEmpty() {
		config.Description += " Compared with " + shownRange(res.earlier, res.zone) + "."
	}
	field.Config = &config
	if c.twice {
		field.Config.Custom = map[string]any{"hideFrom": map[string]bool{"viz": true}}
	}
	if c.Limit > 0 {
		field.Config.Thresholds = thresholds(c.Normal, c.Limit)
	}
	if res.why != nil {
		field.Config.NoValue = res.why.short
	}
	// The field holds pointers: into one array, instead of each to a number of its own.
	values := make([]float64, n)
	for i := range values {
		if values[i] = value(i); !math.IsNaN(values[i]) && !math.IsInf(values[i], 0) {
			field.Set(i, &values[i])
		}
	}
	// A graph has an axis.
	if unit == Ratio && config.Decimals == nil && res.request.Form != FormSeries {
		alike(field)
	}
	return field
}

// thresholds colour a number red from its limit on, and yellow from half the way there.
func thresholds(normal, limit float64) *data.ThresholdsConfig {
	return &data.ThresholdsConfig{Mode: data.ThresholdsModeAbsolute, Steps: []data.Threshold{
		data.NewThreshold(math.Inf(-1), "text", ""),
		data.NewThreshold((normal+limit)/2, "yellow", ""),
		data.NewThreshold(limit, "red", ""),
	}}
}
