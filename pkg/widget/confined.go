package widget

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tag"
	"github.com/streamlens/streamlens/pkg/vm"
)

// Fixed are filters that hold beside those of every query: values by the name of the filter, which is country, stream, tag or event.
// They mean what those of a query mean: any of the countries, streams and events, all of the tags.
type Fixed map[string][]string

var countryCode = regexp.MustCompile(`^[A-Z]{2}$`)

// Check returns what is wrong with the filters, in words. A filter without values is wrong: it could mean all or nothing.
func (f Fixed) Check() error {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if !slices.Contains(commonFilters, name) {
			return fmt.Errorf("the fixed filter %q is unknown: it is %s", name, strings.Join(commonFilters, ", "))
		}
		values := f[name]
		if len(values) == 0 {
			return fmt.Errorf("the fixed filter %s has no value: leave it out, or name at least one", name)
		}
		if len(values) > maxFilterValues {
			return fmt.Errorf("the fixed filter %s has %d values, more than %d", name, len(values), maxFilterValues)
		}
		for _, v := range values {
			switch {
			case v == "" || !utf8.ValidString(v):
				return fmt.Errorf("the fixed filter %s has a value that is empty or no text", name)
			case name == measure.LabelCountry && !countryCode.MatchString(v):
				return fmt.Errorf("the fixed filter country has the value %q: countries are two capital letters, such as DE", v)
			}
		}
	}
	return nil
}

// String returns the filters in words, such as "country DE, FR; stream a", and "" if there are none.
func (f Fixed) String() string {
	var parts []string
	for _, name := range commonFilters {
		if values := f[name]; len(values) > 0 {
			parts = append(parts, name+" "+strings.Join(values, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// Confined is an Asker that lets nothing through but what meets fixed filters, whatever it is asked. Run and Values add the filters to
// those of the query, so that they read the stored series that have the labels; a question that comes without them is answered with
// what is left of it, which is nothing where the series lack the labels.
//
// So put nothing around a Confined: around another Asker Run does not know it, and finds nothing.
type Confined struct {
	asker vm.Asker
	fixed Fixed
	now   func() time.Time
}

// Confine returns an Asker that is confined to fixed filters, and the asker itself if there are none. It may be used by several
// goroutines at once, if the asker may.
func Confine(asker vm.Asker, fixed Fixed) vm.Asker {
	if len(fixed) == 0 {
		return asker
	}
	return &Confined{asker: asker, fixed: fixed, now: time.Now}
}

// fixedOf returns the fixed filters of an asker, none if it is not Confined.
func fixedOf(asker vm.Asker) Fixed {
	if c, ok := asker.(*Confined); ok {
		return c.fixed
	}
	return nil
}

// Ask asks for values, of what the filters let through.
func (c *Confined) Ask(ctx context.Context, q vm.Question) (vm.Answer, error) {
	filters, err := c.filters(ctx)
	if err != nil {
		return vm.Answer{}, err
	}
	q.Filters = q.Filters.And(filters)
	return c.asker.Ask(ctx, q)
}

// Query asks for what is known of the organisation as a whole: its tags, and whether it stores addresses. The filters do not apply to
// it, so nothing of it may be shown but what Run and Values choose.
func (c *Confined) Query(ctx context.Context, query string, at time.Time, filters vm.Filters) ([]vm.Series, error) {
	return c.asker.Query(ctx, query, at, filters)
}

// filters returns the fixed filters as filters on labels: for tags, on the streams that have them now.
func (c *Confined) filters(ctx context.Context) (vm.Filters, error) {
	var filters vm.Filters
	for _, label := range []string{measure.LabelCountry, measure.LabelStream, measure.LabelEvent} {
		if values := c.fixed[label]; len(values) > 0 {
			filters = append(filters, vm.Filter{Label: label, Values: values})
		}
	}
	if tags := c.fixed[measure.DimensionTag]; len(tags) > 0 {
		// In whole seconds, so that all that a dashboard asks asks for them once.
		streams, err := tag.Streams(ctx, c.asker, tags, c.now().Truncate(time.Second))
		if err != nil {
			return nil, err
		}
		filters = filters.And(vm.Filters{{Label: measure.LabelStream, Values: streams}})
	}
	return filters, nil
}
