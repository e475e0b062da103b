package mediaserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// mediaMTX asks version 3 of MediaMTX's API (https://mediamtx.org/docs/references/control-api).
//
// The counters of paths are not used for playout: they hold what was handed to recorders and to the HLS muxer. The counters
// of HLS muxers hold what HLS players were sent.
type mediaMTX struct{ api }

// mediaMTXLists are the lists of connections. A server that is switched off, or a version that does not know the protocol,
// answers 404.
var mediaMTXLists = []struct{ name, protocol string }{
	{"rtmpconns", "rtmp"},
	{"rtmpsconns", "rtmps"},
	{"rtspsessions", "rtsp"},
	{"rtspssessions", "rtsps"},
	{"srtconns", "srt"},
	{"webrtcsessions", "webrtc"},
	{"moqsessions", "moq"},
	{"hlssessions", "hls"},
}

// mediaMTXItem is an item of any of the lists. Counters were called bytesReceived and bytesSent before they were called
// inboundBytes and outboundBytes.
type mediaMTXItem struct {
	ID          string    `json:"id"`
	Created     time.Time `json:"created"`
	RemoteAddr  string    `json:"remoteAddr"`
	State       string    `json:"state"`
	Path        string    `json:"path"`
	UserAgent   string    `json:"userAgent"`
	IsCDN       bool      `json:"isCDN"`
	Name        string    `json:"name"`
	Ready       bool      `json:"ready"`
	ReadyTime   time.Time `json:"readyTime"`
	LastRequest time.Time `json:"lastRequest"`
	Source      *struct {
		Type string `json:"type"`
	} `json:"source"`
	InboundBytes  *int64 `json:"inboundBytes"`
	OutboundBytes *int64 `json:"outboundBytes"`
	BytesReceived *int64 `json:"bytesReceived"`
	BytesSent     *int64 `json:"bytesSent"`
}

func (i *mediaMTXItem) received() int64 { return counter(i.InboundBytes, i.BytesReceived) }
func (i *mediaMTXItem) sent() int64     { return counter(i.OutboundBytes, i.BytesSent) }

// counter returns the first counter that is there and plausible.
func counter(counters ...*int64) int64 {
	for _, c := range counters {
		if c != nil && *c >= 0 {
			return *c
		}
	}
	return event.Absent
}

type mediaMTXPage struct {
	PageCount int            `json:"pageCount"`
	Items     []mediaMTXItem `json:"items"`
}

func decodeMediaMTX(body []byte) (mediaMTXPage, error) {
	var page mediaMTXPage
	if err := json.Unmarshal(body, &page); err != nil {
		return page, fmt.Errorf("decode a list of MediaMTX: %w", err)
	}
	if page.Items == nil {
		return page, errors.New("the answer is no list of MediaMTX: it has no items")
	}
	return page, nil
}

// Poll implements Server.
func (m *mediaMTX) Poll(ctx context.Context) (Snapshot, error) {
	s := Snapshot{Time: time.Now()}
	paths, clock, err := m.list(ctx, "paths")
	if err != nil {
		return s, err
	}
	for i := range paths {
		if c, ok := mediaMTXSource(&paths[i], clock); ok {
			s.Connections = append(s.Connections, c)
		}
	}
	muxers, clock, err := m.optional(ctx, "hlsmuxers")
	if err != nil {
		return s, err
	}
	for i := range muxers {
		s.Streams = append(s.Streams, mediaMTXMuxer(&muxers[i], clock))
	}
	for _, list := range mediaMTXLists {
		items, clock, err := m.optional(ctx, list.name)
		if err != nil {
			return s, err
		}
		for i := range items {
			if c, ok := mediaMTXConnection(&items[i], list.protocol, clock); ok {
				s.Connections = append(s.Connections, c)
			}
		}
	}
	return s, nil
}

func (m *mediaMTX) optional(ctx context.Context, name string) ([]mediaMTXItem, time.Duration, error) {
	items, clock, err := m.list(ctx, name)
	if errors.Is(err, errNotFound) {
		return nil, 0, nil
	}
	return items, clock, err
}

func (m *mediaMTX) list(ctx context.Context, name string) (items []mediaMTXItem, clock time.Duration, err error) {
	for page := range maxPages {
		body, offset, err := m.get(ctx, "v3/"+name+"/list",
			url.Values{"itemsPerPage": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)}})
		if err != nil {
			return nil, 0, err
		}
		p, err := decodeMediaMTX(body)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", name, err)
		}
		items, clock = append(items, p.Items...), offset
		if page+1 >= p.PageCount {
			return items, clock, nil
		}
	}
	return nil, 0, fmt.Errorf("%s: the list has more than %d pages", name, maxPages)
}

// mediaMTXSource returns what a path fetches itself, such as a camera: it is in no list of connections.
func mediaMTXSource(path *mediaMTXItem, clock time.Duration) (Connection, bool) {
	if path.Source == nil || !path.Ready {
		return Connection{}, false
	}
	protocol, ok := strings.CutSuffix(path.Source.Type, "Source")
	if !ok || protocol == "" {
		return Connection{}, false
	}
	return Connection{
		ID: "path " + path.Name + " " + path.ReadyTime.Format(time.RFC3339Nano), Stream: streamName(path.Name), Publisher: true,
		Protocol: label(strings.ToLower(protocol), event.MaxTextBytes), Received: path.received(), Sent: event.Absent, Since: local(path.ReadyTime, clock),
	}, true
}

func mediaMTXMuxer(muxer *mediaMTXItem, clock time.Duration) Stream {
	return Stream{
		Name: streamName(muxer.Path), ID: muxer.Created.Format(time.RFC3339Nano), Protocol: "hls",
		Received: event.Absent, Sent: muxer.sent(), Since: local(muxer.Created, clock),
	}
}

// mediaMTXConnection returns false for a connection that neither reads nor publishes yet. HLS sessions have no state.
func mediaMTXConnection(item *mediaMTXItem, protocol string, clock time.Duration) (Connection, bool) {
	if item.ID == "" || item.Path == "" || item.State == "idle" {
		return Connection{}, false
	}
	return Connection{
		ID: item.ID, Stream: streamName(item.Path), Publisher: item.State == "publish", Protocol: protocol,
		Address: address(item.RemoteAddr), UserAgent: item.UserAgent, Client: item.UserAgent, Relay: item.IsCDN,
		Received: item.received(), Sent: item.sent(), Since: local(item.Created, clock),
	}, true
}

// local converts a time of the server's clock to this machine's.
func local(t time.Time, clock time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(clock)
}
