package mediaserver

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// antMedia asks the REST API of one application of Ant Media Server (https://docs.antmedia.io/guides/developer-sdk-and-api/rest-api-guide/).
// It counts what a publisher sent, and of players only how many there are.
//
// A broadcast's record outlives it: when it is published again, the record has the bytes of before until the server renews it.
type antMedia struct{}

type antMediaBroadcast struct {
	StreamID      string `json:"streamId"`
	Status        string `json:"status"`
	PublishType   string `json:"publishType"`
	StartTime     int64  `json:"startTime"`  // ms since 1970
	UpdateTime    int64  `json:"updateTime"` // the same
	ReceivedBytes *int64 `json:"receivedBytes"`
	RemoteIP      string `json:"remoteIp"`
	UserAgent     string `json:"userAgent"`
	Width         int    `json:"width"`
	Height        int    `json:"height"`
	JitterMS      int64  `json:"jitterMs"`
	RoundTripMS   int64  `json:"rttMs"`
	PacketsLost   int64  `json:"packetsLost"`
	// Virtual marks what groups the broadcasts of a conference, and has no media of its own.
	Virtual bool  `json:"virtual"`
	HLS     int64 `json:"hlsViewerCount"`
	DASH    int64 `json:"dashViewerCount"`
	WebRTC  int64 `json:"webRTCViewerCount"`
	RTMP    int64 `json:"rtmpViewerCount"`
}

const (
	// antMediaPage is how many broadcasts the server lists at once.
	antMediaPage = 50
	// antMediaLive is the status of a broadcast that is on air. It is the first in the order of the alphabet.
	antMediaLive = "broadcasting"
)

func (antMedia) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	var s Snapshot
	for number := range maxPages {
		got, err := a.get(ctx, fmt.Sprintf("rest/v2/broadcasts/list/%d/%d", number*antMediaPage, antMediaPage),
			url.Values{"sort_by": {"status"}, "order_by": {"asc"}})
		if err != nil {
			return Snapshot{}, err
		}
		page, err := decodeAntMedia(got)
		if err != nil {
			return Snapshot{}, err
		}
		if err := addAntMedia(&s, page, got); err != nil {
			return Snapshot{}, err
		}
		if antMediaEnds(page) {
			return s, nil
		}
	}
	return Snapshot{}, failed(ReasonAnswer, "the list of broadcasts has more than %d pages", maxPages)
}

func decodeAntMedia(got answer) ([]antMediaBroadcast, error) {
	var page []antMediaBroadcast
	if err := got.json(&page); err != nil {
		return nil, err
	}
	if page == nil || slices.ContainsFunc(page, func(b antMediaBroadcast) bool { return b.StreamID == "" || b.Status == "" }) {
		return nil, got.unknown("the API of Ant Media: it has no broadcasts with streamId and status")
	}
	return page, nil
}

// antMediaEnds reports whether no page after this one has broadcasts that are on air. A server that does not sort is asked for all.
func antMediaEnds(page []antMediaBroadcast) bool {
	return len(page) < antMediaPage || page[len(page)-1].Status != antMediaLive &&
		slices.IsSortedFunc(page, func(a, b antMediaBroadcast) int { return strings.Compare(a.Status, b.Status) })
}

// addAntMedia adds the broadcasts of a page that are on air.
func addAntMedia(s *Snapshot, page []antMediaBroadcast, got answer) error {
	for i := range page {
		b := &page[i]
		if b.Status != antMediaLive {
			continue
		}
		name := streamName(b.StreamID)
		id := fmt.Sprintf("%s %d", b.StreamID, b.StartTime)
		for protocol, number := range map[string]int64{"hls": b.HLS, "dash": b.DASH, "webrtc": b.WebRTC, "rtmp": b.RTMP} {
			players, err := nameless(name, id, protocol, number)
			if err != nil {
				return fmt.Errorf("the answer of %s: %w", got.about, err)
			}
			s.Connections = append(s.Connections, players...)
		}
		if b.Virtual {
			continue
		}
		c := Connection{
			ID: id, Stream: name, StreamID: id, Publisher: true, Protocol: protocolName(b.PublishType), Address: address(b.RemoteIP),
			Received: event.Absent, Sent: event.Absent,
			Ingest: Ingest{
				Width: b.Width, Height: b.Height, RoundTrip: milliseconds(b.RoundTripMS), Jitter: milliseconds(b.JitterMS), Lost: max(b.PacketsLost, 0),
			},
		}
		if b.UserAgent != "N/A" {
			c.Client = b.UserAgent
		}
		if ms := b.StartTime; ms > 0 && ms < maxMilliseconds {
			c.Since = local(time.UnixMilli(ms), got.clock)
		}
		total := Stream{Name: name, ID: id, Received: 0, Sent: event.Absent, Since: c.Since}
		if b.UpdateTime > b.StartTime { // else it has the bytes of before
			total.Received = counter(b.ReceivedBytes)
		}
		s.Connections, s.Streams = append(s.Connections, c), append(s.Streams, total)
	}
	return nil
}

// milliseconds is a length that a server tells, 0 if that is impossible.
func milliseconds(n int64) time.Duration {
	if n < 0 || n > time.Hour.Milliseconds() {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

// maxNameless is the greatest number of players of one stream and protocol that is believed.
const maxNameless = 100_000

// nameless returns players of whom the server tells only how many they are. Their identities are numbers, so that a minute has as many viewers as
// there were at once at most.
func nameless(stream, streamID, protocol string, number int64) ([]Connection, error) {
	if number > maxNameless {
		return nil, failed(ReasonAnswer, "a stream has %d players by %s; at most %d are believed", number, protocol, maxNameless)
	}
	var all []Connection
	for n := range number {
		identity := fmt.Sprintf("%s %d", protocol, n)
		all = append(all, Connection{
			ID: streamID + " " + identity, Stream: stream, StreamID: streamID, Identity: identity, Protocol: protocol, Received: event.Absent, Sent: event.Absent,
		})
	}
	return all, nil
}
