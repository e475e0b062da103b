package widget

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/streamlens/streamlens/pkg/measure"
)

// CountryName returns the English name of an ISO 3166-1 alpha-2 code, and the code itself if it has none.
func CountryName(code string) string {
	if code == measure.UnknownCountry {
		return "Unknown"
	}
	region, err := language.ParseRegion(code)
	if err != nil || !region.IsCountry() {
		return code
	}
	if name := display.English.Regions().Name(region); name != "" {
		return name
	}
	return code
}

// none is the name of what has no name, such as a referrer.
const none = "(none)"

// shown is what people read in place of a name of the breakdown. The name itself stays in the data.
func (res *result) shown(name string) string {
	switch res.definition.breakdown() {
	case measure.LabelCountry:
		return CountryName(name)
	case labelPeriod:
		return res.periodNames[name]
	case measure.DimensionOutcome:
		return outcomeName(name)
	}
	return name
}

// outcomeNames are what people read for the outcomes of attempts.
var outcomeNames = map[string]string{
	measure.OutcomePlayed:          "Played",
	measure.OutcomePlaybackFailure: "Playback failure",
	measure.OutcomeStartFailure:    "Start failure",
	measure.OutcomeStartBusiness:   "May not watch",
	measure.OutcomeBlocked:         "Blocked by the browser",
	measure.OutcomeExit:            "Exit before the start",
	measure.OutcomeExitEarly:       "Exit within a second",
}

// outcomeName returns what people read for an outcome; one without a name, such as "running", is its own.
func outcomeName(outcome string) string { return cmp.Or(outcomeNames[outcome], outcome) }

// mappings are the names of a column that people read as something else.
func (res *result) mappings(names []string) data.ValueMappings {
	mapper := data.ValueMapper{}
	for i, name := range names {
		if shown := res.shown(name); shown != name {
			mapper[name] = data.ValueMappingResult{Text: shown, Index: i}
		}
	}
	if len(mapper) == 0 {
		return nil
	}
	return data.ValueMappings{mapper}
}

// namesOfPeriods calls each period by its month, and by its days where it is not the whole month or another is called so:
// "Oct 2026", "1–29 Oct 2026". They are short, so that they stand in one line in a table on a phone.
func namesOfPeriods(periods []period, zone *time.Location) map[string]string {
	names := map[string]string{}
	var taken []string
	for _, p := range periods {
		first, last := p.from.In(zone), p.to.Add(-time.Minute).In(zone)
		month := first.Format("Jan 2006")
		name := month
		if !startOfDay(first.Year(), first.Month()+1, 1, zone).Equal(p.to) || slices.Contains(taken, month) {
			if name = fmt.Sprintf("1–%d %s", last.Day(), month); last.Day() == 1 {
				name = "1 " + month
			}
		}
		names[p.name], taken = name, append(taken, name)
	}
	return names
}

// few is the mapping of viewers that are less than half of one, so that somebody is not shown as nobody.
var few = data.ValueMappings{data.RangeValueMapper{
	From: pointer(data.ConfFloat64(0.000001)), To: pointer(data.ConfFloat64(0.499999)), Result: data.ValueMappingResult{Text: "< 1"},
}}

func pointer[T any](v T) *T { return &v }

//go:embed colors.json
var colorsFile []byte

// colors are Grafana's colours for the names of breakdowns.
type colors struct {
	// Palette can be told apart by the colour-blind, two colours each, in both themes; the front end's tests measure it.
	Palette []string `json:"palette"`
	// Rest is the colour of what is no name: everything else, or unknown.
	Rest string `json:"rest"`
	// Names are the most common names by label; each has the palette's colour of its place.
	Names map[string][]string `json:"names"`
}

var allColors = func() colors {
	var c colors
	if err := json.Unmarshal(colorsFile, &c); err != nil {
		panic(err) // it is part of the program
	}
	return c
}()

// of returns the colour of each name of a label. A name has the same one in every answer, as far as the names beside it let it: of
// two with the same one that comes later in the alphabet gets the next that is free.
func (c colors) of(label string, names []string) map[string]string {
	found, taken := map[string]string{}, map[int]bool{}
	var others []string
	for _, name := range names {
		switch i := slices.Index(c.Names[label], name); {
		case name == measure.Other || name == none || name == measure.UnknownHeight || name == measure.UnknownCountry && label == measure.LabelCountry:
			found[name] = c.Rest
		case i >= 0:
			found[name], taken[i] = c.Palette[i], true
		default:
			others = append(others, name)
		}
	}
	slices.Sort(others)
	for _, name := range others {
		hash := fnv.New32a()
		hash.Write([]byte(name))
		own := int(hash.Sum32() % uint32(len(c.Palette)))
		i := own
		for taken[i] && len(taken) < len(c.Palette) {
			i = (i + 1) % len(c.Palette)
		}
		found[name], taken[i] = c.Palette[i], true
	}
	return found
}

// colored gives each field the colour of its name, where a name has one number alone and no limit colours it.
func (res *result) colored(fields []*data.Field) {
	label, columns := res.definition.breakdown(), res.columns()
	if label == "" || len(columns) != 1 || columns[0].Limit > 0 {
		return
	}
	var names []string
	for _, f := range fields {
		names = append(names, f.Labels[label])
	}
	of := allColors.of(label, names)
	for _, f := range fields {
		f.Config.Color = map[string]any{"mode": "fixed", "fixedColor": of[f.Labels[label]]}
	}
}

// grafanaUnit returns Grafana's name of a column's unit.
func grafanaUnit(c Column) string {
	if c.long {
		return "dthms"
	}
	return grafanaUnits[c.Unit]
}

// alike gives the percentages of a column as many decimals as its greatest needs: none if all are whole, one from 10 % on, else two. Grafana
// by itself writes three digits of each, such as 93.4% above 0.0700%.
func alike(field *data.Field) {
	const tenPercent, hundredth = 0.0995, 0.01
	greatest, whole := 0.0, true
	for i := range field.Len() {
		value, ok := field.ConcreteAt(i)
		n, isNumber := value.(float64)
		if !ok || !isNumber || math.IsInf(n, 0) {
			continue
		}
		greatest = max(greatest, math.Abs(n))
		whole = whole && math.Abs(n-math.Round(n/hundredth)*hundredth) < 1e-9
	}
	decimals := uint16(2)
	switch {
	case whole:
		decimals = 0
	case greatest >= tenPercent:
		decimals = 1
	}
	field.Config.Decimals = &decimals
}

// shownNumber returns Grafana's options for the numbers of a column.
func shownNumber(c Column, unit Unit, delta bool) data.FieldConfig {
	config := data.FieldConfig{Unit: grafanaUnits[unit], Description: c.Help}
	switch {
	case c.words != nil:
		config.Mappings = worded(c.words)
	case unit == Viewers && !delta:
		config.Decimals, config.Mappings = pointer(uint16(0)), few
	case unit == Viewers:
		config.Decimals = pointer(uint16(0))
	case c.how == changeSince || c.how == differenceSince:
		config.Decimals = pointer(uint16(1))
	case unit == Seconds && c.long:
		config.Unit = grafanaUnit(c)
	}
	return config
}
