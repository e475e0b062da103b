package widget

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// documentedColumn is a Column in widgets.json.
type documentedColumn struct {
	Name  string  `json:"name"`
	Unit  Unit    `json:"unit"`
	Limit float64 `json:"limit,omitempty"`
}

// documented is a Definition in widgets.json, by which the query editor knows the widgets.
type documented struct {
	Type           string             `json:"type"`
	Title          string             `json:"title"`
	Description    string             `json:"description"`
	Page           string             `json:"page"`
	Level          string             `json:"level"`
	List           bool               `json:"list,omitempty"`
	Options        []string           `json:"options"`
	Metrics        []string           `json:"metrics"`
	PremiumMetrics []string           `json:"premiumMetrics"`
	Filters        []string           `json:"filters"`
	Columns        []documentedColumn `json:"columns"`
}

// TestWidgetsJSON makes src/widgets.json, or compares with it.
func TestWidgetsJSON(t *testing.T) {
	var all []documented
	for _, d := range append(All(), OfPlays()...) {
		entry := documented{
			Type: d.Type, Title: d.Title, Description: d.Description, Page: d.Page, Level: string(d.Level), List: d.plays != nil && !d.inSeries,
			Options: append([]string{}, d.Options...), Metrics: d.Metrics(), PremiumMetrics: d.PremiumMetrics(), Filters: d.Filters,
		}
		for _, c := range d.chosen("").Columns {
			entry.Columns = append(entry.Columns, documentedColumn{c.Name, c.Unit, c.Limit})
		}
		all = append(all, entry)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(all); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "../../src/widgets.json", b.Bytes())
}

// documentHead is what all widgets have in common.
const documentHead = `# Widgets

<!-- Made by "go test ./pkg/widget -update" from the widgets' definitions and the catalogue of stored metrics. -->

Each panel, alert rule, report and ` + "`streamlens query`" + ` asks for one widget by its query type. The backend computes the answer, so all
of them get the same numbers.

*Playout* is what is delivered to viewers, *ingest* what is received from publishers. A *load* is a player that is initialised and
tries to play, a *play* one whose first frame was rendered, a *publish* a webcaster session that went on air.

## What holds for all

**Range.** An event counts in the minute in which it happened. A range begins with its first minute and ends before the minute of
its end, or after it if it ends within one. Times are UTC.

**Forms.** ` + "`total`" + ` is one row for the whole range, or a row for each country, stream and so on. ` + "`series`" + ` has the same columns for each
interval, and ` + "`parts`" + ` those of ` + "`total`" + ` in a field for each name, as pies need them. Intervals are multiples of their length since 1970 UTC, ` + "`1d`" + ` and ` + "`1M`" + ` days and months of the calendar in the query's
` + "`timezone`" + ` (UTC unless it is set). The first and last are cut at the ends of the range. An empty interval is 0 for counts and sums, and
nothing for ratios, averages, medians and percentiles. Without ` + "`interval`" + ` the smallest of 1m, 5m, 10m, 1h, 6h and 1d is taken that gives at most 300, or 60 of records of plays;
one shorter than a minute, as Grafana asks for in short ranges, becomes a minute.

**Units.** ` + "`unit: traffic`" + ` is bytes, from servers and logs; ` + "`unit: playtime`" + ` is seconds, from players and webcasters. Columns of the unit
bytes are seconds with ` + "`playtime`" + `.

**Metric.** Where a widget has several number columns, ` + "`metric`" + ` picks one of them; alert rules get the first unless it is set. The world
map is different: there ` + "`metric`" + ` says what its column ` + "`value`" + ` shows.

**Percentiles.** Widgets of distributions have the median, and those of players also ` + "`p95` and `p99`" + `: 95 and 99 % of the values are not greater. With
` + "`percentile`" + `, a number from 1 to 99, they have the column of that percentile, such as ` + "`p90`" + `, before the others, and alert rules get it. It is the value
at the nearest rank, *p* hundredths of the number of values rounded up; ` + "`p50`" + ` is that value alone where the median may be the mean of two. Of a bitrate
or a buffer the low ones tell who has too little, such as ` + "`p5`" + `.

**Compare.** ` + "`compare`" + ` puts each number beside that of an earlier range, in columns behind it: ` + "`viewersBefore`" + `, ` + "`viewersChange`" + `, which is (now − before) ÷ before, and
of ratios also ` + "`ratioDifference`" + `, now less before. ` + "`previous`" + ` is the range of the same length just before, ` + "`day`, `week` and `month`" + ` the one with the same hours and
minutes one, seven days or a month earlier, by the calendar of ` + "`timezone`" + `, and ` + "`none`" + ` does nothing: so a whole month is compared with the whole month before. A day that the
month before lacks is its end, a time that clocks skipped is the moment at which they did, and of one that they showed twice the first counts. There is no
change where there was nothing before, or 0. Names of either range have a row. The ` + "`series`" + ` has the earlier range on the axis of the later one. Both
end before the first minute that is not complete yet, 35 s after its end. ` + "`metric`" + ` picks a column with what is behind it, or one of these alone; alert rules get
the change. Month to date compares by itself, and the mode delta cannot be compared.

**Breakdown.** Widgets with the option ` + "`breakdown`" + ` have one row; with ` + "`country`, `stream` or `tag`" + ` they have one for each, except in the
mode delta, and those with the option ` + "`dimension`" + ` also with one of those below. Peaks of several rows do not add up, so ` + "`(other)`" + ` has none,
and viewers at once have no breakdown by tag. A stream with several tags counts in each of them: those rows may add up to more than the whole.

**Players.** What viewers live through is also stored by what they watch with: ` + "`version`" + ` (kind and version of the player), ` + "`os`, `browser`, `device`" + ` and
` + "`protocol`" + `. Widgets with the option ` + "`dimension`" + ` take one of these and a list of its ` + "`values`" + `, of which one must match; those with the option
` + "`breakdown`" + ` beside it have a row for each too. One of the five can be asked for at a time, together with countries or with streams (or tags), not
with both and not with events: other combinations are refused with status 400. Averages are stored so, medians and percentiles are not. What came before the
collector stored it is left out. The widgets are {dimension}; no other number is stored by what players watch with, such as that of
` + "`concurrentViewers`" + `, ` + "`playedTime`" + `, ` + "`bufferLength`" + ` and ` + "`loadsByCountry`" + `. Viewers by version are in ` + "`playerHealth`" + `; ` + "`playsByVersion`" + ` and its like count plays.

**Hours.** Some sums have no minutes: those by address and by referrer; those by what players watch with together with a country or a stream (or tag), but for the versions of
streams and for viewers at once; and medians, percentiles and start-up scores by country and stream together, or by event. A question that needs one of these is answered for whole hours of UTC: its
range is widened to them, its intervals are whole hours, and a notice says which; only playing time beside counts is of whole hours by itself, in the form ` + "`total`" + `. The hour that runs is shown as far as it is known; a comparison ends before it. ` + "`metric: average`" + ` needs no
median, and so has minutes by country and stream, and by event, too.

**Records of plays.** With a [store of plays](plays.md) the widgets that have the option ` + "`where`" + ` are also broken down by ` + "`operator`, `player`, `region`, `referrer`, `user`, `ip`" + ` and
` + "`event`" + `, those without the option ` + "`dimension`" + ` by what players watch with, too, and filtered by any column of plays: ` + "`operator=Example Net`, `device!=tv`, `startTime>=2`" + `, all of which must be met. Such an answer is of another population, *the
plays that ended in the range*, and a notice says so. Over a range in which all plays began and ended both give the same numbers by country and stream. A column
that records do not have is left out. The range is at most 31 days, 7 with conditions, 24 hours by user or address; a series has 60 intervals at most.

**Filters.** ` + "`country`, `stream` and `event`" + ` take several values, of which one must match; ` + "`tag`" + ` takes several, all of which the stream must
have now, also for its past. Traffic knows no events: there the filter on them changes nothing, and a notice says so. ` + "`referrer`" + ` is
for usage by referrer alone.

**Rows.** Breakdowns list the 1,000 greatest rows and add the rest up in one more, ` + "`(other)`" + `; ` + "`top`" + ` is another number than 1,000, up to
1,000,000. A share is that of all rows.

**Names and colours.** Panels show the English names of countries and the names of months; the data, CSV and JSON keep the codes. In the
forms ` + "`series` and `parts`" + ` each name has a colour that it keeps on every page, of ten that the colour-blind can tell apart; beside another
name with the same one it gets the next that is free. Viewers are shown whole, and less than half of one as *< 1*.

**Exactness.** Counts and sums are exact, averages are exact ratios of such sums, medians and percentiles are at most 6.4 % off for any data, 6.8 % if
all values are nearly the same. The newest minutes grow for some seconds more.

**Level.** Premium widgets and metrics answer organisations of the level default with status 403 and a sentence.
`

// documentMetrics comes before the table of the catalogue.
const documentMetrics = `
## Stored metrics

Every metric is stored for several sets of labels, so that no question reads series that it does not need, and most of these per
minute (` + "`_1m`" + `), all per hour (` + "`_1h`" + `). Buckets by stream and country, and by event, are per hour only. A sample is the sum of what happened in its minute or hour, a whole number, stamped 1 ms after
the begin (later by some ms where late events were added). All have the labels ` + "`org` and `collector`" + `. They are added up with
` + "`sum_over_time`" + `, not with ` + "`rate` or `increase`" + `.

`

// documentRest names the metrics that are no measures.
const documentRest = `
Distributions are stored as three metrics, with ` + "`_bucket`, `_sum` and `_count`" + ` after the name; buckets have the label ` + "`vmrange`" + `.

Beside them:

| metric | labels | what |
| --- | --- | --- |
`

var shownLevels = map[tenant.Level]string{tenant.Default: "default", tenant.Premium: "**premium**"}

// TestWidgetsPage makes docs/widgets.md, or compares with it.
func TestWidgetsPage(t *testing.T) {
	var b strings.Builder
	var byPlayer []string
	for _, d := range All() {
		if slices.Contains(d.Options, OptionDimension) {
			byPlayer = append(byPlayer, d.Type)
		}
	}
	b.WriteString(strings.ReplaceAll(documentHead, "{dimension}", code(byPlayer)))
	page := ""
	for _, d := range append(All(), OfPlays()...) {
		if d.Page != page {
			page = d.Page
			fmt.Fprintf(&b, "\n## %s\n", page)
		}
		documentWidget(&b, d)
	}
	b.WriteString(documentMetrics)
	b.WriteString("| labels beside the metric's own | name of the hours of plays |\n| --- | --- |\n")
	plays := measure.Get(measure.Plays)
	for _, f := range plays.Families() {
		fmt.Fprintf(&b, "| %s | `%s` |\n", cmp.Or(code(f.Labels), "none"), plays.Metric(f, measure.Hour))
	}
	b.WriteString("\n| metric | unit | own labels | stored by | what |\n| --- | --- | --- | --- | --- |\n")
	for _, m := range measure.All() {
		var families []string
		for _, f := range m.Families() {
			families = append(families, cmp.Or(strings.Join(f.Labels, "+"), "all"))
		}
		unit := string(m.Unit)
		if m.Kind == measure.Distribution {
			unit += ", distribution"
		}
		switch {
		case m.Hourly:
			families = append(families, "per hour only")
		case m.ByPlayer && m.ID != measure.Viewing:
			families = append(families, "those of countries and of streams per hour only, but for stream+version")
		}
		fmt.Fprintf(&b, "| `%s%s` | %s | %s | %s | %s |\n", measure.Prefix, m.Name, unit, code(m.Dimensions), strings.Join(families, ", "), m.Help)
	}
	b.WriteString(documentRest)
	for _, other := range [][3]string{
		{measure.CanaryMetric, code([]string{"org", "collector"}), "Proves that VictoriaMetrics keeps samples as it must."},
		{measure.LevelMetric, code([]string{"org", "collector"}), "Level of the organisation: 0 default, 1 premium."},
		{measure.AddressesMetric, code([]string{"org", "collector"}), "1 if addresses of clients are stored, 0 if privacy.ip is off."},
		{measure.ClaimMetric, code([]string{"org", "collector"}), "Tells apart processes that write under one collector's name."},
		{measure.StreamTagMetric, code([]string{"org", "stream", "tag"}), "1 from when the stream has the tag, 0 from when it has not."},
	} {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", other[0], other[1], other[2])
	}
	checkGolden(t, "../../docs/widgets.md", []byte(b.String()))
}

func documentWidget(b *strings.Builder, d Definition) {
	fmt.Fprintf(b, "\n### %s\n\n`%s` · level %s\n\n%s", d.Title, d.Type, shownLevels[d.Level], d.Description)
	if d.Details != "" {
		b.WriteString(" " + d.Details)
	}
	b.WriteString("\n\n| column | unit | what |\n| --- | --- | --- |\n")
	for _, c := range d.Columns {
		if len(d.Choices) > 0 && c.Name == chosenColumn {
			c.Unit, c.Help = "by metric", "The metric."
		}
		if c.Limit > 0 {
			c.Help += fmt.Sprintf(" Viewers are in trouble from %g %% on, at which the alert rules fire.", 100*c.Limit)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", c.Name, c.Unit, c.Help)
	}
	if len(d.Choices) > 0 {
		b.WriteString("\n| metric | unit | level | what |\n| --- | --- | --- | --- |\n")
		for _, c := range d.Choices {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", c.Name, c.Unit, shownLevels[c.Level], c.Help)
		}
	}
	b.WriteString("\nFilters: " + code(d.Filters) + ".")
	if len(d.Options) > 0 {
		b.WriteString(" Options: " + code(d.Options) + ".")
	}
	if d.plays != nil || d.ofRecords {
		b.WriteString(" Reads the [records of plays](plays.md).\n")
		return
	}
	var stored []string
	for _, id := range d.Measures() {
		stored = append(stored, measure.Prefix+measure.Get(id).Name)
	}
	b.WriteString(" Stored as: " + code(stored) + ".\n")
}

// code returns words as Markdown code, separated by commas.
func code(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "`" + w + "`"
	}
	return strings.Join(quoted, ", ")
}

// TestExplanations holds that the pages to which widgets link explain every reason and code that nanoplayer and
// @streamlens/beacon know, each once and with all columns.
func TestExplanations(t *testing.T) {
	tests := []struct {
		page, names string
	}{
		{"stop-reasons.md", "normal buffer connectionclose servernotfound streamnotfound interactionrequired playbacksuspended " +
			"playbackerror reconnectionimminent destroy playbackrestart visibilityhidden notenoughdata sourcestreamstopped timeout (other)"},
		{"status-codes.md", "1001 1002 1003 1004 1005 1006 1007 1008 1009 1010 2001 2002 2003 2004 2011 2012 2013 2014 " +
			"3001 3002 3003 3004 3005 3100 3101 3200 4001 4002 4003 4004 4005 4006 4101 4102 4103 4104 4105 4106 4107 4108 4109 4110 4111 " +
			"4115 4400 4403 4500 4503 4900 4901 4903 4904 5001 5002 5003 5004 5005 5006 5007 5008 5009 5010 5101 5102 5103 " +
			"5201 5202 5203 5204 5205 5206 5207 5208 1 2 3 4 (other)"},
	}
	row := regexp.MustCompile("(?m)^\\| <a id=\"([^\"]+)\"></a>`([^`]+)` \\| [^|]+ \\| [^|]+ \\|$")
	for _, tt := range tests {
		t.Run(tt.page, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../../docs", tt.page))
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]int{}
			for _, m := range row.FindAllStringSubmatch(string(text), -1) {
				if m[1] != m[2] {
					t.Errorf("the anchor %q is of %q", m[1], m[2])
				}
				seen[m[1]]++
			}
			if rows := strings.Count(string(text), "\n| <a "); rows != len(seen) {
				t.Errorf("%d rows explain %d names", rows, len(seen))
			}
			for _, name := range strings.Fields(tt.names) {
				if seen[name] != 1 {
					t.Errorf("%s is explained %d times", name, seen[name])
				}
			}
			if links := explained(tt.page); !slices.ContainsFunc(All(), func(d Definition) bool { return d.Columns[0].Link == links }) {
				t.Error("no widget links to it")
			}
		})
	}
}
