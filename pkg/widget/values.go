package widget

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tag"
	"github.com/streamlens/streamlens/pkg/vm"
)

// maxValues is how many values Values returns.
const maxValues = 1000

// rankings are the measures that order the values of a filter: the first, for equal values the second, and so on. What has
// none of them in the range is no value.
var rankings = map[string][]measure.ID{
	measure.LabelCountry:      {measure.Traffic, measure.Playing, measure.Loads},
	measure.LabelStream:       {measure.Traffic, measure.Playing, measure.Loads},
	measure.LabelEvent:        {measure.Plays, measure.Publishes, measure.Loads},
	measure.DimensionReferrer: {measure.TrafficByReferrer, measure.PlayingByReferrer},
	measure.DimensionVersion:  {measure.Viewing, measure.Outcomes},
	measure.DimensionOS:       {measure.Viewing, measure.Outcomes},
	measure.DimensionBrowser:  {measure.Viewing, measure.Outcomes},
	measure.DimensionDevice:   {measure.Viewing, measure.Outcomes},
	measure.DimensionProtocol: {measure.Viewing, measure.Outcomes},
}

// Values returns up to 1,000 values for the filter of a label. Those of country, stream, event and referrer are what was
// seen in the request's range and by its other filters, the greatest first: by traffic and then by playtime, of event by
// plays, or of labels of players by time watched. Those of unit are the units of usage, those first of which there is something. Those of tag are all that streams have now, by name: they hold for every range; of a Confined asker, all that the streams
// have that were seen in the range. Its errors are those of Run.
func Values(ctx context.Context, asker vm.Asker, label string, r Request) ([]string, error) {
	if _, ok := rankings[label]; !ok && label != measure.DimensionTag && label != OptionUnit {
		return nil, badQuery("the label %q is unknown: it is country, stream, tag, event, referrer, %s or unit", label, strings.Join(measure.PlayerLabels(), ", "))
	}
	d := Definition{Type: "values", Filters: commonFilters, Columns: []Column{{Name: label}}}
	if _, err := r.prepare(d); err != nil {
		return nil, err
	}
	var values []string
	var err error
	switch label {
	case measure.DimensionTag:
		values, err = tags(ctx, asker, r)
	case OptionUnit:
		values, err = units(ctx, asker, d, r)
	default:
		values, err = seen(ctx, asker, d, r)
	}
	if err != nil {
		return nil, err
	}
	return values[:min(len(values), maxValues)], nil
}

// units returns the units of usage, those first of which there is something in the request's range and by its filters: so a page that
// begins with the first shows numbers, whatever reports.
func units(ctx context.Context, asker vm.Asker, d Definition, r Request) ([]string, error) {
	reads := []read{usage(Query{Unit: UnitTraffic}, ""), usage(Query{Unit: UnitPlaytime}, "")}
	res := &result{definition: d, request: r}
	if err := res.narrow(ctx, asker, reads); err != nil {
		return nil, err
	}
	p, err := newPlan(reads, "", res.filters, []interval{{r.From, r.From, r.To}})
	if err != nil {
		return nil, err
	}
	t, _, err := p.run(ctx, asker)
	if err != nil {
		return nil, err
	}
	numbers := t.row("").numbers
	if numbers[0][0] == 0 && numbers[1][0] > 0 {
		return []string{UnitPlaytime, UnitTraffic}, nil
	}
	return []string{UnitTraffic, UnitPlaytime}, nil
}

// tags returns the tags that streams have now, by name: every stream, or those that fixed filters let through in the range.
func tags(ctx context.Context, asker vm.Asker, r Request) ([]string, error) {
	read := tag.All
	if len(fixedOf(asker)) > 0 {
		d := Definition{Type: "values", Columns: []Column{{Name: measure.LabelStream}}}
		streams, err := seen(ctx, asker, d, Request{From: r.From, To: r.To, Now: r.Now})
		if err != nil {
			return nil, err
		}
		read = func(ctx context.Context, client vm.Reader, now time.Time) ([]string, error) {
			return tag.OfStreams(ctx, client, streams, now)
		}
	}
	tags, err := read(ctx, asker, r.Now)
	if err != nil {
		return nil, upstream(err)
	}
	return tags, nil
}

// seen returns the values of the label in the first column that were seen in the request's range and by its filters, the greatest
// first.
func seen(ctx context.Context, asker vm.Asker, d Definition, r Request) ([]string, error) {
	byEvent := len(r.Event) > 0 || len(fixedOf(asker)[measure.LabelEvent]) > 0
	var reads []read
	for _, id := range rankings[d.Columns[0].Name] {
		if measure.Get(id).Events || !byEvent {
			reads = append(reads, read{measure: id})
		}
	}
	res := &result{definition: d, request: r}
	if err := res.narrow(ctx, asker, reads); err != nil {
		return nil, err
	}
	t, err := res.read(ctx, asker, reads, []interval{{r.From, r.From, r.To}})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(t.rows, func(a, b *row) int {
		for i := range reads {
			if order := cmp.Compare(b.numbers[i][0], a.numbers[i][0]); order != 0 {
				return order
			}
		}
		return strings.Compare(a.name, b.name)
	})
	names := []string{}
	for _, r := range t.rows {
		names = append(names, r.name)
	}
	return names, nil
}
