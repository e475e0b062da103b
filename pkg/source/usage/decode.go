// Package usage decodes what servers post to /v1/usage: amounts of traffic, one JSON object per line.
package usage

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/source/jsonfields"
)

// maxLine bounds a line, in bytes: a referrer of the greatest length with every byte escaped leaves room for the rest.
const maxLine = 32 << 10

// Decoder decodes requests; it is reused to save allocations and must not be used by several goroutines at once.
type Decoder struct {
	parser fastjson.Parser
}

// Decode decodes a request body that was received at the given time, in ms since 1970, and refuses lines older than maxAge.
// Empty lines are passed over. Refusals name lines by their number, from 1.
func (d *Decoder) Decode(body []byte, received int64, maxAge time.Duration) ([]event.Usage, []event.Refusal) {
	var (
		lines   []event.Usage
		refused []event.Refusal
	)
	number := 0
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		number++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		u, refusal := d.line(line, received, maxAge)
		if refusal != nil {
			refusal.Field = strings.TrimSuffix(fmt.Sprintf("line[%d].%s", number, refusal.Field), ".")
			refused = append(refused, *refusal)
			continue
		}
		lines = append(lines, u)
	}
	return lines, refused
}

func (d *Decoder) line(line []byte, received int64, maxAge time.Duration) (event.Usage, *event.Refusal) {
	var u event.Usage
	if len(line) > maxLine {
		return u, &event.Refusal{Reason: "too_large", Error: fmt.Sprintf("the line is longer than %d bytes", maxLine)}
	}
	v, err := d.parser.ParseBytes(line)
	if err != nil {
		return u, &event.Refusal{Reason: "malformed", Error: "the line is no valid JSON"}
	}
	o, err := v.Object()
	if err != nil {
		return u, &event.Refusal{Reason: "malformed", Error: "the line is no JSON object"}
	}
	f := jsonfields.Fields{Object: o}
	u.Time, _ = f.Time("ts", jsonfields.Required)
	u.Stream = f.Text("stream", event.MaxNameBytes, jsonfields.Required)
	u.Direction = f.Text("direction", event.MaxTextBytes, jsonfields.Required)
	u.Protocol = strings.ToLower(f.Text("protocol", event.MaxTextBytes, jsonfields.Required))
	if v := f.Get("bytes", jsonfields.Required); v != nil {
		u.Bytes = f.Whole(v, "bytes", 0, event.MaxBytes)
	}
	u.Address = f.Text("ip", event.MaxTextBytes, jsonfields.Optional)
	u.Referrer = f.Text("referrer", event.MaxURLBytes, jsonfields.Optional)
	u.ID = f.Text("id", event.MaxNameBytes, jsonfields.Optional)
	if f.Refusal == nil {
		switch {
		case u.Direction != measure.Playout && u.Direction != measure.Ingest:
			f.Refuse("range", "direction", "direction must be playout or ingest")
		case u.Time > received+event.MaxFuture:
			f.Refuse("future", "ts", "ts is more than 60 s in the future")
		case u.Time < received-maxAge.Milliseconds():
			f.Refuse("too_old", "ts", fmt.Sprintf("ts is more than %d days old", int(maxAge.Hours()/24)))
		}
		if u.Address != "" {
			if _, err := netip.ParseAddr(u.Address); err != nil {
				f.Refuse("type", "ip", "ip is no IP address")
			}
		}
	}
	return u, f.Refusal
}
