// Package widget answers the dashboard's widgets. Each widget has a file of its own that reads like its definition; the
// engine underneath plans which stored series to read, adds them up and makes data frames of them.
package widget

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
)

// Pages of the dashboards on which the widgets are.
const (
	PageHome      = "Home"
	PageBreakdown = "Breakdown"
	PageWorldMap  = "World map"
	PageH5Live    = "H5Live"
	PageAdaptive  = "Adaptive bitrate"
	PageWebcaster = "Webcaster"
	PageEvent     = "Event"
	PageReports   = "Reports"
	PagePlays     = "Plays"
	PagePlay      = "Play"
)

// Options that a widget may have beside the filters.
const (
	OptionUnit      = "unit"
	OptionMode      = "mode"
	OptionMetric    = "metric"
	OptionBreakdown = "breakdown"
	// OptionPercentile gives a distribution the column of any percentile.
	OptionPercentile = "percentile"
	// OptionCompare puts the answer beside that of an earlier range. All widgets have it but those that compare periods themselves.
	OptionCompare = "compare"
	// OptionDimension lets a widget be filtered, and broken down if it has OptionBreakdown, by a label of players.
	OptionDimension = "dimension"
)

// Options of widgets that read the store of plays, named as the fields of Query.
const (
	OptionWhere   = "where"
	OptionSort    = "sort"
	OptionPage    = "page"
	OptionSession = "session"
)

// Unit is the unit in which a column is shown.
type Unit string

// The shown units.
const (
	Bytes         Unit = "bytes" // of usage; with UnitPlaytime seconds
	Seconds       Unit = "seconds"
	Ratio         Unit = "ratio" // 0 to 1
	Count         Unit = "count"
	Viewers       Unit = "viewers"
	BitsPerSecond Unit = "bits per second"
	Points        Unit = "points" // 0 to 100
)

// Column is a column of a widget's total form.
type Column struct {
	Name string
	Unit Unit   // empty for the column of names
	Help string // what it holds
	// Link is the address at which each name is explained, with ${__value.raw} in the place of the name.
	Link string
	// Limit is the number from which viewers are in trouble, at which alert rules fire; 0 if there is none.
	Limit float64
	// Normal is the number when all is well.
	Normal float64

	value func(cell) float64 // NaN for none; nil in the column of names
	// saidBy is the choice that makes the column "value" say the same, which tables then show alone; "" if there is none.
	saidBy string
	// twice is set if that is what was chosen.
	twice bool
	// unchanging is set if it only orders or weighs, so that its change says nothing.
	unchanging bool
	// compares is the name of the column that this one puts beside an earlier range, and how is what it says of it.
	compares string
	how      comparison
	long     bool // of seconds: shown in hours, minutes and seconds
	// whole is set if it needs the whole distribution, which is not stored by labels of players.
	whole bool
	// words are what people read in place of its numbers, from 0 on.
	words []wordedNumber
	of    []int // the reads of which it is made; all if nil
}

// Definition describes a widget.
type Definition struct {
	Type        string // Query.QueryType
	Title       string
	Description string // one sentence: how the number is made
	Details     string // what else settles the number, for the documentation; may be empty
	Page        string
	Level       tenant.Level // of organisations that may ask it
	Options     []string     // what is in the constants above
	Filters     []string     // names of the query's filters that apply
	Columns     []Column     // where there is a breakdown, its names come first
	Choices     []Choice     // what the column "value" may show, the default first; none where there is no such choice

	// parts are what Query.Metric may name, of a widget whose metrics are no columns.
	parts []string
	// ofRecords is set if its numbers are made of records of plays, whatever the query.
	ofRecords bool
	// inSeries is set if a widget that plays answers has the form series and may be watched by alert rules.
	inSeries bool
	// plays answers a widget of the pages of plays, that of what is in the store of plays or of noPlays; nil of all others.
	plays func(context.Context, vm.Asker, *Request) (*data.Frame, error)
	// noPlays is set if it needs no store of plays, but the block list.
	noPlays bool

	reads func(Query) []read
	// rankBy lists the reads whose sum orders the rows; the first alone if empty.
	rankBy []int
	// ranked is the number that orders the rows instead, and by which they have ranks.
	ranked func(cell) float64
	// byDimension is set if the first column names the values of Query.Dimension.
	byDimension bool
	// byAge is set if the rows are times that plays may have played.
	byAge bool
	// leaveOut is the name of a row that is not shown.
	leaveOut string
	// complete ends the range before the first minute that is not complete yet.
	complete bool
	// addresses refuses an answer to organisations that do not store addresses.
	addresses bool
	// automatic returns the interval of the series form over a range of some length; nil for the usual choice.
	automatic func(time.Duration) string
	// periods returns the rows of a widget that compares periods relative to the end of the range.
	periods func(to time.Time, zone *time.Location) []period
}

// metrics returns the values that Query.Metric may have: the choices, else the number columns.
func (d Definition) metrics() []string {
	if len(d.parts) > 0 {
		return d.parts
	}
	var names []string
	for _, c := range d.Choices {
		names = append(names, c.Name)
	}
	if len(names) == 0 {
		return d.numbers()
	}
	return names
}

// weight is the number that orders the rows of a breakdown: the ranked one, NaN if the row has none, else the sum of the
// reads in rankBy.
func (d Definition) weight(t *table, r *row) float64 {
	rankBy := d.rankBy
	if len(rankBy) == 0 {
		rankBy = []int{0}
	}
	sum, some := 0.0, d.ranked == nil
	for i := range t.shown {
		if d.ranked == nil {
			for _, read := range rankBy {
				sum += r.numbers[read][i]
			}
		} else if v := d.ranked(cell{t, r, i}); !math.IsNaN(v) {
			sum, some = sum+v, true
		}
	}
	if !some {
		return math.NaN()
	}
	return sum
}

// Metrics returns the values of Query.Metric, if there is a choice.
func (d Definition) Metrics() []string {
	if !slices.Contains(d.Options, OptionMetric) {
		return []string{}
	}
	return d.metrics()
}

// PremiumMetrics returns those of the Metrics of a widget that need a higher level than the widget.
func (d Definition) PremiumMetrics() []string {
	names := []string{}
	for _, c := range d.Choices {
		if c.Level == tenant.Premium {
			names = append(names, c.Name)
		}
	}
	return names
}

// Measures returns the stored measures that the widget reads.
func (d Definition) Measures() []measure.ID {
	var ids []measure.ID
	if d.plays != nil || d.ofRecords {
		return ids
	}
	for _, metric := range d.metrics() {
		for _, unit := range []string{UnitTraffic, UnitPlaytime} {
			for _, r := range d.chosen(metric).reads(Query{Unit: unit}) {
				if !slices.Contains(ids, r.measure) {
					ids = append(ids, r.measure)
				}
			}
		}
	}
	return ids
}

// breakdowns are the labels by which a widget with OptionBreakdown may be broken down, those of players only with OptionDimension, with
// what their column holds.
var breakdowns = map[string]string{
	measure.LabelCountry:      "ISO 3166-1 alpha-2; ZZ is unknown.",
	measure.LabelStream:       "Name of the stream.",
	measure.DimensionTag:      tagHelp,
	measure.DimensionVersion:  "Kind and version of the player, such as h5live 4.22.0.",
	measure.DimensionOS:       "Operating system.",
	measure.DimensionBrowser:  "Browser.",
	measure.DimensionDevice:   "`desktop`, `mobile`, `tablet`, `tv`, `console`, `other` or `bot`.",
	measure.DimensionProtocol: "Method of delivery, such as h5live, hls or dash.",
}

// asked returns the definition as a query asks for it: with a row for each value of the label by which it is broken down, and without
// the columns that are not stored by a label of players.
func (d Definition) asked(q Query) Definition {
	d = d.withColumns(q)
	switch {
	case d.byDimension:
		d.Columns = slices.Clone(d.Columns)
		d.Columns[0].Name, d.Columns[0].Help = q.Dimension, breakdowns[q.Dimension]
	case q.Breakdown != "":
		help, ok := breakdowns[q.Breakdown]
		if !ok {
			help = recordsHelp[q.Breakdown]
		}
		d.Columns = append([]Column{{Name: q.Breakdown, Help: help}}, d.Columns...)
	}
	if q.playerLabel() != "" {
		d.Columns = slices.DeleteFunc(slices.Clone(d.Columns), func(c Column) bool { return c.whole })
	}
	return d
}

// withColumns returns the definition with the columns that options of the query add.
func (d Definition) withColumns(q Query) Definition {
	if q.Percentile != 0 {
		d.Columns = withPercentile(d.Columns, q.Percentile)
	}
	if q.Compare != "" {
		d.Columns = compared(d.Columns)
	}
	return d
}

// breakdown returns the name of the column of names, and "" if there is none.
func (d Definition) breakdown() string {
	if d.Columns[0].value == nil {
		return d.Columns[0].Name
	}
	return ""
}

// groupBy returns the stored label that tells the rows apart, and "" if there is none. Tags are sets of streams.
func (d Definition) groupBy() string {
	switch by := d.breakdown(); {
	case d.periods != nil, d.byAge:
		return ""
	case by == measure.DimensionTag:
		return measure.LabelStream
	default:
		return by
	}
}

// numbers returns the names of the columns that hold numbers.
func (d Definition) numbers() []string {
	var names []string
	for _, c := range d.Columns {
		if c.value != nil {
			names = append(names, c.Name)
		}
	}
	return names
}

// commonFilters are the filters of every widget.
var commonFilters = []string{measure.LabelCountry, measure.LabelStream, measure.DimensionTag, measure.LabelEvent}

// OfPlays returns the widgets that read the store of plays, and the block list beside them.
func OfPlays() []Definition {
	return []Definition{plays(), playQuality(), worstSegments(), uniqueViewers(), sharedAccess(), blockList(), onePlay()}
}

// All returns every widget that reads sums, in the order of the dashboards.
func All() []Definition {
	all := []Definition{
		usageOverview(),
		concurrentViewers(),
		monthToDate(),
		usagePlayout(),
		usageIngest(),
		usageByCountry(),
		usageByStream(),
		usageByTag(),
		usageByReferrer(),
		usageByIP(),
		worldMap(),
		playsByOS(),
		playsByDevice(),
		playsByBrowser(),
		playsByVersion(),
		stopReasons(),
		streamHealth(),
		playerHealth(),
		bufferingRatio(),
		loadsByCountry(),
		outcomes(),
		startFailures(),
		exitsBeforeStart(),
		playbackFailures(),
		startSuccess(),
		goodPlays(),
		scores(),
		stalls(),
		bufferLength(),
		latency(),
		startTime(),
		statusCodes(),
		playedTime(),
		viewerBitrate(),
		playtimeByHeight(),
		viewersByHeight(),
		switches(),
		droppedFrames(),
		ingestHealth(),
		publishStopReasons(),
		publishStatusCodes(),
		publishesByOS(),
		publishesByDevice(),
		publishesByBrowser(),
		publishesByVersion(),
		videoBitrate(),
		audioBitrate(),
		ingestTime(),
		eventSummary(),
		joinsAndLeaves(),
		retention(),
		usageReport(),
	}
	for i, d := range all {
		if d.periods == nil {
			all[i].Options = append(slices.Clip(d.Options), OptionCompare)
		}
	}
	return all
}

// definitions are all widgets by their query type; nobody changes them.
var definitions = func() map[string]Definition {
	byType := map[string]Definition{}
	for _, d := range append(All(), OfPlays()...) {
		byType[d.Type] = d
	}
	return byType
}()

// Find returns the widget of a query type.
func Find(queryType string) (Definition, bool) {
	d, ok := definitions[queryType]
	return d, ok
}
