package importer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/source/logreader"
)

// Check is how a log would be counted.
type Check struct {
	Found                      string // the format that was found out and from what, "" if it was given
	Accepted, Ignored, Refused int    // lines
	First                      []logreader.Line
	Streams                    []StreamCheck // the most bytes first
	Remarks                    []logreader.Remark
	Rejected                   []Rejected // some of the refused lines
}

// StreamCheck is what a log says of one stream and protocol.
type StreamCheck struct {
	Stream, Protocol, Direction string
	Requests                    int
	Bytes                       int64
	Viewers                     int // clients that fetched media
	Addresses                   int
}

// CheckFile reads a file as an import would, and counts nothing.
func CheckFile(ctx context.Context, name string, format accesslog.Format, o *logreader.Organization, span logreader.Span) (Check, error) {
	var c Check
	source, err := open(name, func(int) {})
	if err != nil {
		return c, err
	}
	defer source.Close()
	log, err := logreader.New(format)
	if err != nil {
		return c, err
	}
	streams := map[StreamCheck]*streamSum{}
	lines := 0
	reading, stop := context.WithCancel(ctx)
	defer stop()
	for next := range source.readAhead(reading, nil) {
		if next.err != nil {
			return c, fmt.Errorf("%s: %w", name, next.err)
		}
		r, err := log.Read(o, span, next.chunk)
		if err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
		c.add(r, lines)
		lines += bytes.Count(next.chunk, []byte("\n"))
		addStreams(streams, r)
	}
	c.Found = log.Found()
	for key, sum := range streams {
		key.Requests, key.Bytes, key.Viewers, key.Addresses = sum.requests, sum.bytes, len(sum.viewers), len(sum.addresses)
		c.Streams = append(c.Streams, key)
	}
	slices.SortFunc(c.Streams, func(a, b StreamCheck) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Direction, b.Direction))
	})
	return c, ctx.Err()
}

// maxFirst is how many lines are shown as they are read.
const maxFirst = 10

func (c *Check) add(r *logreader.Result, before int) {
	c.Accepted += r.Accepted
	c.Ignored += r.Ignored
	c.Refused += r.Refused
	c.Remarks = logreader.AddRemarks(c.Remarks, r.Remarks)
	c.First = append(c.First, r.First[:min(len(r.First), maxFirst-len(c.First))]...)
	for _, rejection := range r.Rejections {
		if len(c.Rejected) < maxRejected {
			c.Rejected = append(c.Rejected, Rejected{before + rejection.Line, rejection.Field, rejection.Error})
		}
	}
}

// streamSum adds up what a log says of a stream.
type streamSum struct {
	requests  int
	bytes     int64
	viewers   map[event.ViewerKey]struct{}
	addresses map[string]struct{}
}

func addStreams(streams map[StreamCheck]*streamSum, r *logreader.Result) {
	for i, u := range r.Lines {
		key := StreamCheck{Stream: u.Stream, Protocol: u.Protocol, Direction: u.Direction}
		sum := streams[key]
		if sum == nil {
			sum = &streamSum{viewers: map[event.ViewerKey]struct{}{}, addresses: map[string]struct{}{}}
			streams[key] = sum
		}
		sum.requests += r.Requests[i]
		sum.bytes += u.Bytes
		if u.Viewer != 0 {
			sum.viewers[u.Viewer] = struct{}{}
		}
		if u.Address != "" {
			sum.addresses[u.Address] = struct{}{}
		}
	}
}
