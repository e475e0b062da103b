package mediaserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// mediaMTX asks version 3 of MediaMTX's API (https://mediamtx.org/docs/references/control-api).
//
// The counters of HLS muxers hold what HLS players were sent. Those of paths hold the media that all readers were sent, since 1.20
// without what recorders and muxers were handed.
type mediaMTX struct{}

// newMediaMTX returns what asks the API, or reads the metrics if that is the address.
func newMediaMTX(path string) kind {
	if strings.HasSuffix(path, "/metrics") {
		return mediaMTXMetrics{}
	}
	return mediaMTX{}
}

// mediaMTXLists are the lists of connections. A server that is switched off, or a version that does not know the protocol,
// answers 404.
var mediaMTXLists = [...]struct{ name, protocol string }{
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
	ID            string    `json:"id"`
	Created       time.Time `json:"created"`
	RemoteAddr    string    `json:"remoteAddr"`
	State         string    `json:"state"`
	Path          string    `json:"path"`
	UserAgent     string    `json:"userAgent"`
	IsCDN         bool      `json:"isCDN"`
	Protocol      string    `json:"protocol"` // of what is passed on
	InboundBytes  *int64    `json:"inboundBytes"`
	OutboundBytes *int64    `json:"outboundBytes"`
	BytesReceived *int64    `json:"bytesReceived"`
	BytesSent     *int64    `json:"bytesSent"`

	// Of paths:
	Name      string    `json:"name"`
	ConfName  string    `json:"confName"`
	Ready     bool      `json:"ready"`
	ReadyTime time.Time `json:"readyTime"`
	Source    *struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"source"`
	Tracks2 []mediaMTXTrack `json:"tracks2"`

	// Of sessions of RTSP and WebRTC:
	RTPPackets *int64 `json:"inboundRTPPackets"`
	RTPLost    *int64 `json:"inboundRTPPacketsLost"`

	// Of connections of SRT:
	RoundTrip  float64 `json:"msRTT"`
	SRTPackets *int64  `json:"packetsReceivedUnique"`
	SRTLost    *int64  `json:"packetsReceivedLoss"`
}

type mediaMTXTrack struct {
	Codec string `json:"codec"`
	Props struct {
		Width  int `json:"width"`
		Height int `json:"height"`
	} `json:"codecProps"`
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

func decodeMediaMTX(a answer) (mediaMTXPage, error) {
	var page mediaMTXPage
	if err := a.json(&page); err != nil {
		return page, err
	}
	if page.Items == nil {
		return page, a.unknown("the API of MediaMTX: it has no items")
	}
	return page, nil
}

// mediaMTXAnswer is what the API says, in the order in which it is put together.
type mediaMTXAnswer struct {
	info        mediaMTXInfo
	paths       []mediaMTXItem
	forwards    map[string][]mediaMTXItem // by path
	muxers      []mediaMTXItem
	connections [len(mediaMTXLists)][]mediaMTXItem
	clock       time.Duration
}

// mediaMTXInfo is there since 1.15.
type mediaMTXInfo struct {
	Version string `json:"version"`
	Started string `json:"started"`
}

// forwards reports whether paths may be passed on to other servers.
func (i mediaMTXInfo) forwards() bool {
	major, rest, _ := strings.Cut(strings.TrimPrefix(i.Version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	first, err := strconv.Atoi(major)
	if err != nil {
		return false
	}
	second, err := strconv.Atoi(minor)
	return err == nil && (first > 1 || first == 1 && second >= 20)
}

func (mediaMTX) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	var m mediaMTXAnswer
	questions := []func(context.Context) error{
		func(ctx context.Context) error { return optional(m.readInfo(ctx, a)) },
		func(ctx context.Context) (err error) {
			m.paths, m.clock, err = mediaMTXList(ctx, a, "paths", nil)
			return err
		},
		func(ctx context.Context) error {
			var err error
			m.muxers, _, err = mediaMTXList(ctx, a, "hlsmuxers", nil)
			return optional(err)
		},
	}
	for i, list := range mediaMTXLists {
		questions = append(questions, func(ctx context.Context) error {
			var err error
			m.connections[i], _, err = mediaMTXList(ctx, a, list.name, nil)
			return optional(err)
		})
	}
	if err := together(ctx, questions...); err != nil {
		return Snapshot{}, err
	}
	if m.info.forwards() {
		if err := m.readForwards(ctx, a); err != nil {
			return Snapshot{}, err
		}
	}
	return m.snapshot(), nil
}

// optional makes nothing of an address that the server does not know.
func optional(err error) error {
	if isStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

func (m *mediaMTXAnswer) readInfo(ctx context.Context, a *api) error {
	got, err := a.get(ctx, "v3/info", nil)
	if err != nil {
		return err
	}
	return got.json(&m.info)
}

// readForwards asks for what paths pass on to other servers, of those paths whose configuration has such.
func (m *mediaMTXAnswer) readForwards(ctx context.Context, a *api) error {
	var confs struct {
		Items []struct {
			Name    string `json:"name"`
			Forward []any  `json:"forward"`
		} `json:"items"`
	}
	got, err := a.get(ctx, "v3/config/paths/list", url.Values{"itemsPerPage": {strconv.Itoa(maxForwarding)}})
	if err != nil {
		return optional(err)
	}
	if err := got.json(&confs); err != nil {
		return err
	}
	forwarding := map[string]bool{}
	for _, c := range confs.Items {
		forwarding[c.Name] = len(c.Forward) > 0
	}
	var questions []func(context.Context) error
	var names []string
	for i := range m.paths {
		if m.paths[i].Ready && forwarding[m.paths[i].ConfName] {
			names = append(names, m.paths[i].Name)
		}
	}
	lists := make([][]mediaMTXItem, len(names))
	for i, name := range names {
		questions = append(questions, func(ctx context.Context) (err error) {
			lists[i], _, err = mediaMTXList(ctx, a, "paths/forward", url.Values{"path": {name}})
			return optional(err) // the path is gone
		})
	}
	if err := together(ctx, questions...); err != nil {
		return err
	}
	m.forwards = map[string][]mediaMTXItem{}
	for i, name := range names {
		m.forwards[name] = lists[i]
	}
	return nil
}

// maxForwarding is how many configurations of paths are looked through for such that forward.
const maxForwarding = 10_000

func (m *mediaMTXAnswer) snapshot() Snapshot {
	s := Snapshot{Start: m.info.Started}
	ingest := map[string]Ingest{} // by the id of the publisher
	for i := range m.paths {
		path := &m.paths[i]
		if path.Source != nil && path.Source.ID != "" {
			ingest[path.Source.ID] = mediaMTXTracks(path.Tracks2)
		}
		if c, ok := mediaMTXSource(path, m.clock); ok {
			s.Connections = append(s.Connections, c)
		}
		for k := range m.forwards[path.Name] {
			if c, ok := mediaMTXForward(&m.forwards[path.Name][k], path, m.clock); ok {
				s.Connections = append(s.Connections, c)
			}
		}
	}
	for i := range m.muxers {
		s.Streams = append(s.Streams, mediaMTXMuxer(&m.muxers[i], m.clock))
	}
	for i, list := range mediaMTXLists {
		for k := range m.connections[i] {
			c, ok := mediaMTXConnection(&m.connections[i][k], list.protocol, m.clock)
			if !ok {
				continue
			}
			if of, ok := ingest[c.ID]; ok && c.Publisher {
				c.Ingest.VideoCodec, c.Ingest.AudioCodec, c.Ingest.Width, c.Ingest.Height = of.VideoCodec, of.AudioCodec, of.Width, of.Height
			}
			s.Connections = append(s.Connections, c)
		}
	}
	return s
}

func mediaMTXList(ctx context.Context, a *api, name string, query url.Values) ([]mediaMTXItem, time.Duration, error) {
	var found []mediaMTXPage
	var clock time.Duration
	err := pages(ctx, func(ctx context.Context, number int) (int, error) {
		asked := url.Values{"itemsPerPage": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(number)}}
		for key, values := range query {
			asked[key] = values
		}
		got, err := a.get(ctx, "v3/"+name+"/list", asked)
		if err != nil {
			return 0, err
		}
		page, err := decodeMediaMTX(got)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		if number == 0 {
			clock = got.clock
			found = make([]mediaMTXPage, min(max(page.PageCount, 1), maxPages))
		}
		found[number] = page
		return page.PageCount, nil
	})
	if err != nil {
		return nil, 0, err
	}
	var items []mediaMTXItem
	for i := range found {
		items = append(items, found[i].Items...)
	}
	return items, clock, nil
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
		Ingest: mediaMTXTracks(path.Tracks2),
	}, true
}

// mediaMTXForward returns what a path passes on to another server.
func mediaMTXForward(item, path *mediaMTXItem, clock time.Duration) (Connection, bool) {
	if item.ID == "" {
		return Connection{}, false
	}
	return Connection{
		ID: item.ID, Stream: streamName(path.Name), Protocol: label(strings.ToLower(item.Protocol), event.MaxTextBytes), Push: true, Received: event.Absent, Sent: item.sent(),
		Since: local(item.Created, clock),
	}, true
}

func mediaMTXMuxer(muxer *mediaMTXItem, clock time.Duration) Stream {
	return Stream{
		Name: streamName(muxer.Path), ID: muxer.Created.Format(time.RFC3339Nano), Protocol: "hls",
		Received: event.Absent, Sent: muxer.sent(), Since: local(muxer.Created, clock),
	}
}

// mediaMTXConnection returns a connection, without a stream if it neither reads nor publishes yet. Sessions of HLS have no state.
func mediaMTXConnection(item *mediaMTXItem, protocol string, clock time.Duration) (Connection, bool) {
	if item.ID == "" {
		return Connection{}, false
	}
	c := Connection{
		ID: item.ID, Stream: streamName(item.Path), Publisher: item.State == "publish", Protocol: protocol,
		Address: address(item.RemoteAddr), UserAgent: item.UserAgent, Client: item.UserAgent, Relay: item.IsCDN, Connectionless: protocol == "hls",
		Received: item.received(), Sent: item.sent(), Since: local(item.Created, clock),
	}
	if item.State == "idle" {
		c.Stream = ""
	}
	if c.Publisher {
		c.Ingest.RoundTrip = time.Duration(max(item.RoundTrip, 0) * float64(time.Millisecond))
		c.Ingest.Packets = max(counter(item.RTPPackets, item.SRTPackets), 0)
		c.Ingest.Lost = max(counter(item.RTPLost, item.SRTLost), 0)
	}
	return c, true
}

// mediaMTXTracks returns what is known of the media of a path.
func mediaMTXTracks(tracks []mediaMTXTrack) Ingest {
	var of Ingest
	for _, t := range tracks {
		switch t.Codec {
		case "AV1", "VP9", "VP8", "H265", "H264", "MPEG-4 Video", "MPEG-1/2 Video", "M-JPEG":
			of.VideoCodec, of.Width, of.Height = t.Codec, t.Props.Width, t.Props.Height
		default:
			of.AudioCodec = t.Codec
		}
	}
	return of
}

// local converts a time of the server's clock to this machine's.
func local(t time.Time, clock time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(clock)
}

// hook decodes what a command of MediaMTX posts as a form: event, path, and the type and id of the publisher or reader. Such a hook
// tells neither addresses nor bytes, so that it asks for a poll.
func (mediaMTX) hook(r HookRequest) ([]Hook, HookAnswer, error) { //nolint:unparam // as hooked wants it
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return nil, HookAnswer{}, fmt.Errorf("a hook of MediaMTX must be a form: %w", err)
	}
	h := Hook{Poll: true, Connection: Connection{
		ID: form.Get("id"), Stream: streamName(form.Get("path")), Protocol: mediaMTXProtocol(form.Get("type")), Received: event.Absent, Sent: event.Absent,
	}}
	switch form.Get("event") {
	case "publish":
		h.Action, h.Connection.Publisher = Opened, true
	case "read":
		h.Action = Opened
	case "unpublish", "unread":
		h.Action = Ended
	default:
		return nil, HookAnswer{}, errors.New("the event of a hook of MediaMTX must be publish, unpublish, read or unread")
	}
	if h.Connection.Stream == "" {
		return nil, HookAnswer{}, errors.New("a hook of MediaMTX must have a path")
	}
	if h.Connection.ID == "" || h.Connection.Protocol == "" { // what a path fetches itself; the poll shows it
		h.Action = Other
	}
	return []Hook{h}, HookAnswer{}, nil
}

// mediaMTXProtocol returns the protocol of a type such as rtmpConn, rtspsSession or webRTCSession, "" for one that is no connection.
func mediaMTXProtocol(kind string) string {
	for _, suffix := range [...]string{"Conn", "Session"} {
		if protocol, ok := strings.CutSuffix(kind, suffix); ok {
			return label(strings.ToLower(protocol), event.MaxTextBytes)
		}
	}
	return ""
}
