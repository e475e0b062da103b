// Package tag keeps the tags of streams, in VictoriaMetrics like everything else.
//
// The tags in force now apply to the past of a stream too: a filter asks for the streams that have the tags now, and then
// for the numbers of those streams.
package tag

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/vm"
)

const (
	// maxPerStream is how many tags a stream may have.
	maxPerStream = 100
	// window is how far back the last change of a tag may lie; Store.Renew keeps those in force within it.
	window = "400d"
)

// ErrInvalid is returned for tags that cannot be set; the text says why.
var ErrInvalid = errors.New("invalid tags")

// Normalize returns the tags in order and without repetitions, or an ErrInvalid.
func Normalize(tags []string) ([]string, error) {
	for _, t := range tags {
		if t == "" || strings.Contains(t, ",") || !event.ValidText(t, event.MaxTextBytes) {
			return nil, fmt.Errorf("%w: a tag must be UTF-8 text of 1 to %d bytes without comma and control characters", ErrInvalid, event.MaxTextBytes)
		}
	}
	tags = slices.Clone(tags)
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(tags) > maxPerStream {
		return nil, fmt.Errorf("%w: a stream may have at most %d", ErrInvalid, maxPerStream)
	}
	return tags, nil
}

// Of returns the tags that a stream of the client's organisation has, in order.
func Of(ctx context.Context, client vm.Reader, stream string, now time.Time) ([]string, error) {
	return OfStreams(ctx, client, []string{stream}, now)
}

// OfStreams returns the tags that any of the streams of the client's organisation has, in order.
func OfStreams(ctx context.Context, client vm.Reader, streams []string, now time.Time) ([]string, error) {
	return labels(ctx, client, measure.DimensionTag, vm.Filters{{Label: measure.LabelStream, Values: streams}}, now)
}

// All returns the tags that any stream of the client's organisation has, in order.
func All(ctx context.Context, client vm.Reader, now time.Time) ([]string, error) {
	return labels(ctx, client, measure.DimensionTag, nil, now)
}

// ByStream returns the tags of every stream of the client's organisation that has some, in order.
func ByStream(ctx context.Context, client vm.Reader, now time.Time) (map[string][]string, error) {
	series, err := inForce(ctx, client, nil, now)
	if err != nil {
		return nil, err
	}
	tags := map[string][]string{}
	for _, s := range series {
		stream := s.Label(measure.LabelStream)
		tags[stream] = append(tags[stream], s.Label(measure.DimensionTag))
	}
	for _, of := range tags {
		slices.Sort(of)
	}
	return tags, nil
}

// Streams returns the streams of the client's organisation that have all of the tags, in order.
func Streams(ctx context.Context, client vm.Reader, tags []string, now time.Time) ([]string, error) {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	tags = slices.Compact(tags)
	series, err := inForce(ctx, client, vm.Filters{{Label: measure.DimensionTag, Values: tags}}, now)
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	for _, s := range series {
		found[s.Label(measure.LabelStream)]++
	}
	var streams []string
	for stream, n := range found {
		if n == len(tags) {
			streams = append(streams, stream)
		}
	}
	slices.Sort(streams)
	return streams, nil
}

func labels(ctx context.Context, client vm.Reader, label string, filters vm.Filters, now time.Time) ([]string, error) {
	series, err := inForce(ctx, client, filters, now)
	if err != nil {
		return nil, err
	}
	values := []string{}
	for _, s := range series {
		values = append(values, s.Label(label))
	}
	slices.Sort(values)
	return slices.Compact(values), nil
}

// inForce returns one series per stream and tag that holds now.
func inForce(ctx context.Context, client vm.Reader, filters vm.Filters, now time.Time) ([]vm.Series, error) {
	query := fmt.Sprintf("max(last_over_time(%s[%s])) by (%s,%s) > 0",
		measure.StreamTagMetric, window, measure.LabelStream, measure.DimensionTag)
	series, err := client.Query(ctx, query, now, filters)
	if err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	return series, nil
}
