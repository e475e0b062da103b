package vm

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of one read, which are those of VictoriaMetrics or stricter.
const (
	MaxQueryText = 16 << 10    // bytes of MetricsQL
	MaxPoints    = 30_000      // points of a range
	MinStep      = time.Minute // VictoriaMetrics changes the newest points of ranges with shorter steps
)

// ErrLimit is wrapped by errors about a read that exceeds the limits.
var ErrLimit = errors.New("the query is too large")

// Filter lets only those series through whose label has one of the values.
type Filter struct {
	Label  string
	Values []string
}

// Filters holds the filters of a read; all of them must be met. Several filters of one label are not allowed, and one without
// values lets nothing through.
type Filters []Filter

// And returns filters that let through what both let through: of a label that both name, the values that both have, which may be none.
func (f Filters) And(other Filters) Filters {
	both := slices.Clone(f)
	for _, filter := range other {
		i := slices.IndexFunc(both, func(b Filter) bool { return b.Label == filter.Label })
		if i < 0 {
			both = append(both, filter)
			continue
		}
		allowed := make(map[string]bool, len(filter.Values))
		for _, v := range filter.Values {
			allowed[v] = true
		}
		both[i].Values = slices.DeleteFunc(slices.Clone(both[i].Values), func(v string) bool { return !allowed[v] })
	}
	return both
}

// None reports whether the filters let nothing through, because one of them has no values.
func (f Filters) None() bool {
	return slices.ContainsFunc(f, func(filter Filter) bool { return len(filter.Values) == 0 })
}

// String returns the filters as one MetricsQL selector, and "" if there are none. Values are quoted and escaped, so that
// they match only themselves.
func (f Filters) String() string {
	if len(f) == 0 {
		return ""
	}
	matchers := make([]string, 0, len(f))
	for _, filter := range f {
		if len(filter.Values) == 1 {
			matchers = append(matchers, filter.Label+"="+strconv.Quote(filter.Values[0]))
			continue
		}
		escaped := make([]string, len(filter.Values))
		for i, v := range filter.Values {
			escaped[i] = regexp.QuoteMeta(v)
		}
		matchers = append(matchers, filter.Label+"=~"+strconv.Quote(strings.Join(escaped, "|")))
	}
	return "{" + strings.Join(matchers, ",") + "}"
}

// Point is one value of a series at one time.
type Point struct {
	Time  int64 // ms since 1970
	Value int64 // every stored value, and so every sum of them, is a whole number
}

// Label is one label of a series.
type Label struct{ Name, Value string }

// Series is one series of an answer.
type Series struct {
	Labels []Label
	Points []Point
}

// Label returns the value of a label, "" if the series lacks it.
func (s *Series) Label(name string) string {
	for _, l := range s.Labels {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// Question is one read.
type Question struct {
	Query   string // MetricsQL
	Filters Filters
	// Start is the time of the values or, with a Step, the first of their times: Start, Start+Step and so on up to End.
	Start, End time.Time
	Step       time.Duration
}

// Answer is what VictoriaMetrics found. Several may have the same one, so nobody may change it.
type Answer struct {
	Series  []Series
	Fetched int // how many stored series VictoriaMetrics read, 0 if it does not say
	bytes   int // how long its text was
}

// Reader asks for the values of an expression at one time, as Client does.
type Reader interface {
	Query(ctx context.Context, query string, at time.Time, filters Filters) ([]Series, error)
}

// Asker asks for values over ranges too, as Client and Shared do.
type Asker interface {
	Reader
	Ask(ctx context.Context, q Question) (Answer, error)
}

// Query asks for the value of an expression at one time.
func (c *Client) Query(ctx context.Context, query string, at time.Time, filters Filters) ([]Series, error) {
	answer, err := c.Ask(ctx, Question{Query: query, Filters: filters, Start: at})
	return answer.Series, err
}

// Ask asks for the values of an expression.
func (c *Client) Ask(ctx context.Context, q Question) (Answer, error) {
	if q.Filters.None() {
		// VictoriaMetrics would take a list of nothing for series that lack the label.
		return Answer{}, nil
	}
	if len(q.Query) > MaxQueryText {
		return Answer{}, fmt.Errorf("%w: its text of %d bytes is longer than %d", ErrLimit, len(q.Query), MaxQueryText)
	}
	path, form := "/api/v1/query", url.Values{"time": {unixSeconds(q.Start)}}
	if q.Step != 0 {
		if q.Step < MinStep {
			return Answer{}, fmt.Errorf("%w: its step of %s is shorter than %s", ErrLimit, q.Step, MinStep)
		}
		if points := int64(q.End.Sub(q.Start)/q.Step) + 1; points > MaxPoints {
			return Answer{}, fmt.Errorf("%w: it has %d points, more than %d", ErrLimit, points, MaxPoints)
		}
		path, form = "/api/v1/query_range", url.Values{
			"start": {unixSeconds(q.Start)},
			"end":   {unixSeconds(q.End)},
			"step":  {strconv.FormatInt(q.Step.Milliseconds(), 10) + "ms"},
		}
	}
	form.Set("query", q.Query)
	// The result cache keeps wrong answers for good after late writes.
	form.Set("nocache", "1")
	form.Set("deny_partial_response", "1")
	// Two parameters extra_filters[] would be or-ed.
	if f := q.Filters.String(); f != "" {
		form.Set("extra_filters[]", f)
	}
	status, body, err := c.post(ctx, path, form)
	if err != nil {
		return Answer{}, err
	}
	answer, err := decode(status, string(body))
	answer.bytes = len(body)
	return answer, err
}

func unixSeconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64)
}

// plainText returns the body of an error if it is text, and nothing of a page.
func plainText(body []byte) string {
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") {
		return ""
	}
	return cleanText(text)
}
