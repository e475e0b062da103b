package widget

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vm"
)

// None stands for a field that a play does not have, in conditions.
const None = "(none)"

// Limits of questions about plays.
const (
	// longestList is the longest range of a list of plays, which reads every play in it.
	longestList = 24 * time.Hour
	// longestSearch is that of a list of the plays of a session, a user or an address.
	longestSearch = 31 * 24 * time.Hour
	playsPerPage  = 100
	maxPage       = 1000
	maxConditions = 20
)

// playColumn is a column of a play, and the stored field of which it is made.
type playColumn struct {
	Column
	field play.Field
	// scale divides the stored number; 0 of a text.
	scale float64
	time  bool // the stored number is ms since 1970
}

// playColumns are the columns of plays.
func playColumns() []playColumn {
	text := func(name string, field play.Field, help string) playColumn {
		return playColumn{Column: Column{Name: name, Help: help}, field: field}
	}
	number := func(name string, field play.Field, unit Unit, scale float64, help string) playColumn {
		return playColumn{Column: Column{Name: name, Unit: unit, Help: help}, field: field, scale: scale}
	}
	return []playColumn{
		{Column: Column{Name: "start", Help: "When the session began, with its load."}, field: play.Begin, scale: 1, time: true},
		{Column: Column{Name: "end", Help: "When it ended; of one that runs until when its reports say something."}, field: play.End, scale: 1, time: true},
		long(number("duration", play.Played, Seconds, 1000, "Start to end less pauses; none without a first frame.")),
		text("direction", play.Direction, "`playout`, or `ingest` of a broadcast."),
		text("stream", play.Stream, "Name of the stream."),
		text("user", play.User, "The user's id, with `plays.users`."),
		text("country", play.Country, "ISO 3166-1 alpha-2; ZZ is unknown."),
		text("operator", play.Operator, "Name of the network."),
		text("device", play.Device, "`desktop`, `mobile`, `tablet`, `tv`, `console`, `other` or `bot`."),
		text("player", play.Player, "Kind and version of the player."),
		text("outcome", play.Outcome, "`played`, `playbackfailure`, `startfailure`, `startbusiness`, `blocked`, `exitearly`, `exit` or `running`."),
		text("quality", play.Quality, "`good`, `fair` or `bad`."),
		number("startTime", play.StartTime, Seconds, 1000, "From load to first frame."),
		number("bufferingRatio", play.BufferShare, Ratio, 1_000_000, "Stalled of the time stalled and played."),
		number("longestStall", play.LongestStall, Seconds, 1000, "The longest stall, as long as the reports have it."),
		number("bitrate", play.BitrateMean, BitsPerSecond, 1, "Mean bitrate of the video, by time of playing."),
		number("latency", play.LatencyMean, Seconds, 1000, "Mean of its reports."),
		number("errors", play.Errors, Count, 1, "Status events."),
		text("code", play.Code, "The last fatal code, else the last."),
		text("stop", play.Stop, "Reason of the stop."),
		text("event", play.Event, "The event's id."),
		text("region", play.Region, "ISO 3166-2."),
		text("ip", play.Address, "Address, its network or a hash of it."),
		text("os", play.OS, "Operating system."),
		text("browser", play.Browser, "Browser."),
		text("protocol", play.Protocol, "Method of delivery."),
		text("cdn", play.CDN, "The network that delivers the media, as the page names it."),
		text("referrer", play.Referrer, "Host of the page."),
		number("stalls", play.Stalls, Count, 1, "Stalls that began, of players that count them."),
		number("height", play.Height, Count, 1, "Lines of the picture, the last that was told."),
		number("droppedFrames", play.Dropped, Count, 1, "Frames that were decoded and not shown."),
		number("roundTripTime", play.RoundTrip, Seconds, 1000, "Of publishers: mean time to the receiver and back."),
		number("packetLoss", play.Loss, Ratio, 1_000_000, "Of publishers: packets that did not arrive."),
		number("smoothnessScore", play.Smoothness, Points, play.ScoreUnit, "From 0 to 100, as in playQuality."),
		text("session", play.Session, "Id of the session, as the client names it."),
	}
}

// long is the column shown in hours, minutes and seconds.
func long(c playColumn) playColumn {
	c.long = true
	return c
}

func columnsOfPlays() []Column {
	var columns []Column
	for _, c := range playColumns() {
		columns = append(columns, c.Column)
	}
	return columns
}

// findPlayColumn returns the column of a name.
func findPlayColumn(name string) (playColumn, error) {
	if name == measure.DimensionVersion {
		name = "player" // which widgets of sums call so
	}
	all := playColumns()
	i := slices.IndexFunc(all, func(c playColumn) bool { return c.Name == name })
	if i < 0 {
		var names []string
		for _, c := range all {
			names = append(names, c.Name)
		}
		return playColumn{}, badQuery("plays have no column %q: they have %s", name, strings.Join(names, ", "))
	}
	return all[i], nil
}

// conditionOperators are those of conditions, in the order in which they are looked for at one place.
var conditionOperators = []vl.Operator{vl.IsNot, vl.AtLeast, vl.AtMost, vl.Is}

// parseCondition reads a condition such as bufferingRatio>=0.05 or user=alice. One without a value is none, so that an empty field of a
// dashboard filters nothing.
func parseCondition(text string) (c playColumn, o vl.Operator, value string, err error) {
	at := strings.IndexAny(text, "!<>=")
	if at < 0 {
		return c, o, "", badQuery("the condition %q has no operator: it looks like user=alice or bufferingRatio>=0.05", text)
	}
	if c, err = findPlayColumn(strings.TrimSpace(text[:at])); err != nil {
		return c, o, "", err
	}
	i := slices.IndexFunc(conditionOperators, func(o vl.Operator) bool { return strings.HasPrefix(text[at:], string(o)) })
	if i < 0 {
		return c, o, "", badQuery("the condition %q has an unknown operator: it is =, !=, >= or <=", text)
	}
	o = conditionOperators[i]
	value = strings.TrimSpace(text[at+len(o):])
	if value == "" || c.scale == 0 {
		if value != "" && (o == vl.AtLeast || o == vl.AtMost) {
			return c, o, "", badQuery("the condition %q compares a text: it can be = or !=", text)
		}
		if value == None {
			return c, o, "", nil
		}
		if value == "" {
			return c, "", "", nil
		}
		return c, o, value, nil
	}
	if value == None && (o == vl.Is || o == vl.IsNot) {
		return c, o, "", nil
	}
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(number) || math.Abs(number*c.scale) > 1<<53 {
		return c, o, "", badQuery("the condition %q compares with %q, which is no number", text, value)
	}
	return c, o, strconv.FormatInt(int64(math.Round(number*c.scale)), 10), nil
}

// conditions returns the conditions of a query as filters: of several = on one column one must be met, of all others each.
func (q Query) conditions() ([]vl.Filter, error) {
	if len(q.Where) > maxConditions {
		return nil, badQuery("there are %d conditions, more than %d", len(q.Where), maxConditions)
	}
	var filters []vl.Filter
	for _, text := range q.Where {
		if strings.TrimSpace(text) == "" {
			continue // an empty field of a dashboard
		}
		c, o, value, err := parseCondition(text)
		if err != nil {
			return nil, err
		}
		if o == "" {
			continue
		}
		i := slices.IndexFunc(filters, func(f vl.Filter) bool { return f.Field == c.field && f.Operator == o && o == vl.Is })
		values := []string{value}
		if value == "" { // some fields have the word itself
			values = append(values, None)
		}
		if i >= 0 {
			filters[i].Values = append(filters[i].Values, values...)
			continue
		}
		filters = append(filters, vl.Filter{Field: c.field, Operator: o, Values: values})
	}
	return filters, nil
}

// playsQuestion returns what a query asks about plays: those that ended in its range, by its filters and conditions and those that the
// asker cannot change. Nothing says that there can be none.
func playsQuestion(ctx context.Context, asker vm.Asker, r *Request) (q vl.Question, nothing bool, err error) {
	q = vl.Question{From: r.From, To: r.To}
	if q.Filters, err = r.conditions(); err != nil {
		return q, false, err
	}
	if err := r.chooseRunning(&q); err != nil {
		return q, false, err
	}
	res := &result{request: *r}
	if err := res.narrow(ctx, asker, nil); err != nil {
		return q, false, err
	}
	for _, f := range res.filters {
		q.Filters = append(q.Filters, vl.Filter{Field: playBreakdowns[f.Label], Operator: vl.Is, Values: f.Values})
	}
	return q, res.nothing || res.filters.None(), nil
}

// errNoPlays is the answer where there is no store of plays.
var errNoPlays = &kindError{ErrBadQuery, errors.New("this data source has no store of plays: set plays in streamlens.yaml, and the URL of " +
	"VictoriaLogs in the settings of the data source; docs/plays.md says how"), "There is no store of plays"}

// runPlays answers a query about plays.
func runPlays(ctx context.Context, asker vm.Asker, d Definition, r Request) (data.Frames, error) {
	if _, err := r.prepare(d); err != nil {
		return nil, err
	}
	switch {
	case d.Level == tenant.Premium && r.Level != tenant.Premium:
		return nil, forbidden(d, r.Metric)
	case r.Alert && !d.inSeries:
		return nil, badQuery("the widget %s is a list, which no alert rule can watch", d.Type)
	case r.Form != FormTotal && !(d.inSeries && r.Form == FormSeries):
		return nil, badQuery("the widget %s has the form total alone", d.Type)
	case r.Compare != "":
		return nil, badQuery("the widget %s has nothing that can be compared", d.Type)
	case d.noPlays && len(fixedOf(asker)) > 0:
		return nil, &kindError{ErrForbidden, fmt.Errorf("the widget %q is of the whole organisation, and fixed filters let a part of it through only", d.Title),
			"Only for the whole organisation"}
	case d.noPlays && r.BlockList == nil:
		return nil, errNoBlockList
	case !d.noPlays && r.Plays == nil:
		return nil, errNoPlays
	}
	frame, err := d.plays(ctx, asker, &r)
	if err != nil {
		return nil, err
	}
	frame.RefID = r.RefID
	if frame.Meta == nil {
		frame.Meta = &data.FrameMeta{}
	}
	frame.Meta.TypeVersion = frameVersion
	return data.Frames{frame}, nil
}

// data returns the field of a column of some records.
func (c playColumn) data(rows []vl.Row) (*data.Field, error) {
	config := &data.FieldConfig{Description: c.Help}
	if c.scale == 0 {
		values := make([]string, len(rows))
		for i, row := range rows {
			values[i] = row[string(c.field)]
		}
		config.Mappings = shownPlay(c.field, values)
		field := data.NewField(c.Name, nil, values)
		field.Config = config
		return field, nil
	}
	kind := data.FieldTypeNullableFloat64
	if c.time {
		kind = data.FieldTypeTime
		// To the second: by itself Grafana adds thousandths where a value has some.
		config.Unit = "time:YYYY-MM-DD HH:mm:ss"
	}
	field := data.NewFieldFromFieldType(kind, len(rows))
	field.Name, field.Config = c.Name, config
	if c.Unit != "" {
		config.Unit = grafanaUnit(c.Column)
	}
	for i, row := range rows {
		text := row[string(c.field)]
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the field %s of a play is no whole number: %w", c.field, err)
		}
		if c.time {
			field.Set(i, time.UnixMilli(n).UTC())
			continue
		}
		value := float64(n) / c.scale
		field.Set(i, &value)
	}
	if c.Unit == Ratio {
		alike(field)
	}
	return field, nil
}

// directionNames are what people read for what a record is of.
var directionNames = map[string]string{measure.Playout: "play", measure.Ingest: "broadcast"}

// shownPlay returns the names that people read in place of the codes of a field of plays.
func shownPlay(field play.Field, values []string) data.ValueMappings {
	mapper := data.ValueMapper{}
	for i, value := range values {
		shown := value
		switch field {
		case play.Country:
			shown = CountryName(value)
		case play.Direction:
			shown = directionNames[value]
		case play.Outcome:
			shown = outcomeName(value)
		}
		if shown != value && shown != "" {
			mapper[value] = data.ValueMappingResult{Text: shown, Index: i}
		}
	}
	if len(mapper) == 0 {
		return nil
	}
	return data.ValueMappings{mapper}
}

// upstreamPlays is upstream for an error of the store of plays, with what to do about one that is away.
func upstreamPlays(err error) error {
	if errors.As(err, new(*vl.UnreachableError)) && !errors.Is(err, context.Canceled) || errors.As(err, new(*vl.StatusError)) {
		return upstream(fmt.Errorf("plays: %w. All else works; see that VictoriaLogs runs and that the URL of the store of plays leads to it", err))
	}
	return upstream(fmt.Errorf("plays: %w", err))
}
