package widget

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
)

// What the metric of the widget play may be.
const (
	playFacts     = "facts"
	playTimeline  = "timeline"
	playBitrate   = "bitrate"
	playLatency   = "latency"
	playBuffering = "buffering"
	playStates    = "states"
	playMoments   = "moments"
)

func onePlay() Definition {
	return Definition{
		Type:        "play",
		Title:       "One play",
		Description: "What is known of one play or broadcast that ended in the range, which `session` names.",
		Details: "`metric` says what of it: `facts`, a row for each; `timeline`, the numbers of its reports over time, of which `bitrate` (with the height), `latency` (with the length of the buffer) and `buffering` are parts; `states`, what the player did; `moments`, what happened when. " +
			"The timeline has 128 entries at most, so that in plays of more than 20 minutes several reports are one.",
		Page:    PagePlay,
		Level:   tenant.Premium,
		Options: []string{OptionMetric, OptionSession},
		Filters: append(slices.Clone(commonFilters), measure.DimensionReferrer),
		Columns: []Column{
			{Name: "fact", Help: "Name of a column of plays."},
			{Name: "value", Help: "Its value, in words."},
		},
		parts: []string{playFacts, playTimeline, playBitrate, playLatency, playBuffering, playStates, playMoments},
		plays: showPlay,
	}
}

func showPlay(ctx context.Context, asker vm.Asker, r *Request) (*data.Frame, error) {
	if r.Session == "" {
		return wordsOfPlay("No play is chosen", "Click the start of a play on the page Plays to see what happened in it."), nil
	}
	q, nothing, err := playsQuestion(ctx, asker, r)
	if err != nil {
		return nil, err
	}
	q.Filters = append(q.Filters, vl.Filter{Field: play.Session, Operator: vl.Is, Values: []string{r.Session}})
	if err := checkListRange(r, q.Filters); err != nil {
		return nil, err
	}
	// A play that ended with the range, as one that a link chose, is in it.
	q.To = q.To.Add(time.Minute)
	q.Sort, q.Limit = vl.Sorting{Field: play.Time, Descending: true}, 2
	var rows []vl.Row
	if !nothing {
		if rows, err = r.Plays.Ask(ctx, q); err != nil {
			return nil, upstreamPlays(err)
		}
	}
	var notices []data.Notice
	if !nothing && reachesNow(r) {
		running, err := runningOf(ctx, r, q)
		if err != nil {
			return nil, upstreamPlays(err)
		}
		// A page that gives its player a fixed session id may play again, and the newest is meant. Times have equally many digits.
		if len(running) > 0 && (len(rows) == 0 || rows[0][string(play.Begin)] < running[0][string(play.Begin)]) {
			rows = append(running, rows...)
			notices = append(notices, data.Notice{Severity: data.NoticeSeverityInfo,
				Text: "This play still runs: it is shown as it was a minute ago at most, and has its timeline when it has ended."})
		}
	}
	if len(rows) == 0 {
		notices = append(notices, data.Notice{Severity: data.NoticeSeverityInfo, Text: "No play of this session ended in this time range, and none is known that still runs."})
		rows = []vl.Row{}
	} else if len(rows) > 1 {
		notices = append(notices, data.Notice{Severity: data.NoticeSeverityInfo, Text: "This session has several plays in this time range; this is the last one."})
	}
	frame, err := framePlay(rows, r.Metric)
	if err != nil {
		return nil, err
	}
	frame.Meta.Notices = notices
	if len(rows) == 0 {
		frame.Meta.Custom = map[string]any{CustomNothing: "No such play"}
	} else if frame.Rows() == 0 && rows[0][string(play.Outcome)] == play.Running {
		frame.Meta.Custom = map[string]any{CustomNothing: "It still runs"}
	}
	return frame, nil
}

// runningOf returns the plays that still run, and began in the range or before, of those that a question about one session asks for, the one that
// began last first.
func runningOf(ctx context.Context, r *Request, q vl.Question) ([]vl.Row, error) {
	q.Running, q.From, q.To = true, r.Now.Add(-partsAge), r.Now.Add(partsAhead)
	q.Sort = vl.Sorting{Field: play.Begin, Descending: true}
	q.Filters = append(slices.Clone(q.Filters), vl.Filter{Field: play.Begin, Operator: vl.AtMost, Values: []string{strconv.FormatInt(r.To.UnixMilli(), 10)}})
	rows, err := r.Plays.Ask(ctx, q)
	if err != nil {
		return nil, err
	}
	return withoutEnded(ctx, r.Plays, rows, r.Now)
}

// wordsOfPlay returns a frame that says in place of a play why there is none, and in a notice what to do about it.
func wordsOfPlay(short, notice string) *data.Frame {
	frame := data.NewFrame("play")
	frame.Meta = &data.FrameMeta{
		Type: data.FrameTypeTable, Custom: map[string]any{CustomNothing: short},
		Notices: []data.Notice{{Severity: data.NoticeSeverityInfo, Text: notice}},
	}
	return frame
}

// framePlay returns a frame of the first of some rows, an empty one if there is none.
func framePlay(rows []vl.Row, what string) (*data.Frame, error) {
	frame := data.NewFrame("play")
	frame.Meta = &data.FrameMeta{Type: data.FrameTypeTable}
	record := play.NewRecord()
	if len(rows) > 0 {
		var err error
		if record, err = play.Read(rows[0]); err != nil {
			return nil, err
		}
	}
	timeline, err := play.ReadTimeline(record.Timeline)
	if err != nil {
		return nil, err
	}
	switch what {
	case playTimeline, playBitrate, playLatency, playBuffering:
		frame.Meta.Type = data.FrameTypeTimeSeriesWide
		frame.Fields = timelineFields(timeline, what)
	case playStates:
		frame.Meta.Type = data.FrameTypeTimeSeriesWide
		times, states := statesOf(record, timeline)
		frame.Fields = data.Fields{data.NewField("time", nil, times), data.NewField("state", nil, states)}
	case playMoments:
		times, texts := momentsOf(record, timeline)
		frame.Fields = data.Fields{data.NewField("time", nil, times), data.NewField("text", nil, texts)}
	default:
		var names, values []string
		for _, c := range playColumns() {
			if len(rows) == 0 || rows[0][string(c.field)] == "" {
				continue
			}
			value, err := c.inWords(rows[0])
			if err != nil {
				return nil, err
			}
			names, values = append(names, c.Name), append(values, value)
		}
		frame.Fields = data.Fields{data.NewField("fact", nil, names), data.NewField("value", nil, values)}
	}
	return frame, nil
}

// inWords returns the value of a column as people read it.
func (c playColumn) inWords(row vl.Row) (string, error) {
	field, err := c.data([]vl.Row{row})
	if err != nil {
		return "", err
	}
	switch value, _ := field.ConcreteAt(0); v := value.(type) {
	case time.Time:
		return v.Format("2006-01-02 15:04:05.000 MST"), nil
	case float64:
		switch c.Unit {
		case Seconds:
			return time.Duration(v * float64(time.Second)).Round(time.Millisecond).String(), nil
		case Ratio:
			return fmt.Sprintf("%.2f %%", v*100), nil
		case BitsPerSecond:
			return fmt.Sprintf("%.0f kbit/s", v/1000), nil
		}
		return fmt.Sprintf("%.0f", v), nil
	default:
		text := row[string(c.field)]
		switch c.field {
		case play.Country:
			return CountryName(text), nil
		case play.Direction:
			return cmp.Or(directionNames[text], text), nil
		}
		return text, nil
	}
}

// timelineFields returns the numbers of a timeline, each at the end of its span. Durations are in seconds.
func timelineFields(t play.Timeline, what string) data.Fields {
	times := make([]time.Time, len(t.Entries))
	for i, e := range t.Entries {
		times[i] = time.UnixMilli(e.End).UTC()
	}
	columns := []struct {
		part  string
		name  string
		unit  Unit
		value func(play.Entry) (number, per int64)
	}{
		{playBitrate, "bitrate", BitsPerSecond, func(e play.Entry) (int64, int64) { return e.Bitrate, 1 }},
		{playBitrate, "height", Count, func(e play.Entry) (int64, int64) { return e.Height, 1 }},
		{playLatency, "latency", Seconds, func(e play.Entry) (int64, int64) { return e.Latency, 1000 }},
		{playLatency, "bufferLength", Seconds, func(e play.Entry) (int64, int64) { return e.BufferLength, 1000 }},
		{playBuffering, "bufferingRatio", Ratio, func(e play.Entry) (int64, int64) {
			if e.Playing+e.Buffering == 0 {
				return event.Absent, 1
			}
			return e.Buffering, e.Playing + e.Buffering
		}},
	}
	fields := data.Fields{data.NewField("time", nil, times)}
	for _, c := range columns {
		if what != playTimeline && what != c.part {
			continue
		}
		field := data.NewFieldFromFieldType(data.FieldTypeNullableFloat64, len(t.Entries))
		field.Name, field.Config = c.name, &data.FieldConfig{Unit: grafanaUnits[c.unit]}
		for i, e := range t.Entries {
			if n, per := c.value(e); n != event.Absent {
				value := float64(n) / float64(per)
				field.Set(i, &value)
			}
		}
		fields = append(fields, field)
	}
	return fields
}

// States of a timeline, as they are shown.
const (
	stateStarting = "starting"
	statePlaying  = "playing"
	stateStalled  = "stalled"
	statePaused   = "paused"
	stateEnded    = "ended"
)

// statesOf returns from when on a player did what. Of a report that has several, playing comes first, then the stall, then the pause: the
// order within it is not known. What reports say of the same time follows each other. Of a player that names its states they are its own.
func statesOf(r play.Record, t play.Timeline) (times []time.Time, states []string) {
	last := r.Begin
	add := func(at int64, state string) {
		if n := len(states); n > 0 && states[n-1] == state {
			return
		}
		last = max(last, at)
		at = last
		times, states = append(times, time.UnixMilli(at).UTC()), append(states, state)
	}
	if r.End == event.Absent {
		return nil, nil
	}
	if slices.ContainsFunc(t.Moments, func(m play.Moment) bool { return m.Kind == play.State }) {
		for _, m := range t.Moments {
			if m.Kind == play.State {
				add(m.Time, m.Text)
			}
		}
		add(r.End, stateEnded)
		return times, states
	}
	add(r.Begin, stateStarting)
	if r.Start != event.Absent {
		add(r.Start, statePlaying)
	}
	for _, e := range t.Entries {
		at := e.End - e.Span()
		for _, part := range []struct {
			length int64
			state  string
		}{{e.Playing, statePlaying}, {e.Buffering, stateStalled}, {e.Paused, statePaused}} {
			if part.length > 0 {
				add(at, part.state)
				at += part.length
			}
		}
	}
	if r.Outcome != play.Running {
		add(r.End, stateEnded)
	}
	return times, states
}

// momentsOf returns what happened when, in words.
func momentsOf(r play.Record, t play.Timeline) (times []time.Time, texts []string) {
	type moment struct {
		at   int64
		text string
	}
	var all []moment
	if r.End == event.Absent {
		return nil, nil
	}
	all = append(all, moment{r.Begin, "begin"})
	if r.Start != event.Absent {
		all = append(all, moment{r.Start, "first frame"})
	}
	for _, m := range t.Moments {
		switch m.Kind {
		case play.Loaded:
			all = append(all, moment{m.Time, "load"})
		case play.Status:
			all = append(all, moment{m.Time, "code " + m.Text})
		case play.Failed:
			all = append(all, moment{m.Time, "fatal code " + m.Text})
		case play.State:
			all = append(all, moment{m.Time, m.Text})
		}
	}
	end := "end"
	switch {
	case r.Outcome == play.Running:
		end = "it still runs"
	case r.Stop != "":
		end = "stop: " + r.Stop
	}
	all = append(all, moment{r.End, end})
	slices.SortStableFunc(all, func(a, b moment) int { return int(a.at - b.at) })
	for _, m := range all {
		times, texts = append(times, time.UnixMilli(m.at).UTC()), append(texts, m.text)
	}
	if t.More > 0 {
		times, texts = append(times, time.UnixMilli(r.End).UTC()), append(texts, fmt.Sprintf("and %d more", t.More))
	}
	return times, texts
}
