package vm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"
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

// Filters holds the filters of a read; all of them must be met. Several filters of one label are not allowed.
type Filters []Filter

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

// Reader asks for the values of an expression at one time, as Client does.
type Reader interface {
	Query(ctx context.Context, query string, at time.Time, filters Filters) ([]Series, error)
}

// Query asks for the value of an expression at one time.
func (c *Client) Query(ctx context.Context, query string, at time.Time, filters Filters) ([]Series, error) {
	return c.read(ctx, "/api/v1/query", query, filters, url.Values{"time": {unixSeconds(at)}})
}

// QueryRange asks for the values of an expression at start, start+step and so on up to end.
func (c *Client) QueryRange(
	ctx context.Context, query string, start, end time.Time, step time.Duration, filters Filters,
) ([]Series, error) {
	if step < MinStep {
		return nil, fmt.Errorf("%w: its step of %s is shorter than %s", ErrLimit, step, MinStep)
	}
	if points := int64(end.Sub(start)/step) + 1; points > MaxPoints {
		return nil, fmt.Errorf("%w: it has %d points, more than %d", ErrLimit, points, MaxPoints)
	}
	return c.read(ctx, "/api/v1/query_range", query, filters, url.Values{
		"start": {unixSeconds(start)},
		"end":   {unixSeconds(end)},
		"step":  {strconv.FormatInt(step.Milliseconds(), 10) + "ms"},
	})
}

func (c *Client) read(ctx context.Context, path, query string, filters Filters, form url.Values) ([]Series, error) {
	if len(query) > MaxQueryText {
		return nil, fmt.Errorf("%w: its text of %d bytes is longer than %d", ErrLimit, len(query), MaxQueryText)
	}
	form.Set("query", query)
	// The result cache keeps wrong answers for good after late writes.
	form.Set("nocache", "1")
	form.Set("deny_partial_response", "1")
	// Two parameters extra_filters[] would be or-ed.
	if f := filters.String(); f != "" {
		form.Set("extra_filters[]", f)
	}
	status, body, err := c.post(ctx, path, form)
	if err != nil {
		return nil, err
	}
	parser := c.parsers.Get()
	defer c.parsers.Put(parser)
	return decode(parser, status, body)
}

func unixSeconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64)
}

// decode reads the answer to query or query_range.
func decode(parser *fastjson.Parser, status int, body []byte) ([]Series, error) {
	answer, err := parser.ParseBytes(body)
	if err != nil || answer.Get("status") == nil {
		if status != http.StatusOK && status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			return nil, &StatusError{Code: status, Text: plainText(body)}
		}
		return nil, ErrNotVictoriaMetrics
	}
	if status != http.StatusOK || string(answer.GetStringBytes("status")) != "success" {
		return nil, &StatusError{Code: status, Text: cleanText(string(answer.GetStringBytes("error")))}
	}
	if answer.GetBool("isPartial") {
		return nil, ErrPartial
	}
	result := answer.GetArray("data", "result")
	series := make([]Series, len(result))
	var previous []Label
	for i, r := range result {
		if series[i], err = decodeSeries(r, previous); err != nil {
			return nil, fmt.Errorf("answer of VictoriaMetrics: %w", err)
		}
		previous = series[i].Labels
	}
	return series, nil
}

func decodeSeries(r *fastjson.Value, previous []Label) (Series, error) {
	s := Series{Labels: decodeLabels(r.GetObject("metric"), previous)}
	if value := r.GetArray("value"); value != nil {
		p, err := decodePoint(value)
		s.Points = []Point{p}
		return s, err
	}
	values := r.GetArray("values")
	s.Points = make([]Point, len(values))
	for i, v := range values {
		var err error
		if s.Points[i], err = decodePoint(v.GetArray()); err != nil {
			return s, err
		}
	}
	return s, nil
}

// decodeLabels shares strings with the series before, which has most labels in common, instead of copying each.
func decodeLabels(metric *fastjson.Object, previous []Label) []Label {
	labels := make([]Label, 0, metric.Len())
	metric.Visit(func(key []byte, v *fastjson.Value) {
		var same Label
		if i := len(labels); i < len(previous) {
			same = previous[i]
		}
		labels = append(labels, Label{shared(same.Name, key), shared(same.Value, v.GetStringBytes())})
	})
	return labels
}

func shared(known string, text []byte) string {
	if known == string(text) {
		return known
	}
	return string(text)
}

func decodePoint(pair []*fastjson.Value) (Point, error) {
	if len(pair) != 2 {
		return Point{}, errors.New("a point is no pair of time and value")
	}
	seconds, err := pair[0].Float64()
	if err != nil {
		return Point{}, fmt.Errorf("time of a point: %w", err)
	}
	value, err := wholeNumber(pair[1].GetStringBytes())
	return Point{Time: int64(math.Round(seconds * 1000)), Value: value}, err
}

// wholeNumber parses a value. VictoriaMetrics writes whole numbers from 10^21 on, and only those, with an exponent; they
// are beyond int64 and refused.
func wholeNumber(text []byte) (int64, error) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("value %q is no whole number", text)
	}
	return n, nil
}

// plainText returns the body of an error if it is text, and nothing of a page.
func plainText(body []byte) string {
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") {
		return ""
	}
	return cleanText(text)
}
