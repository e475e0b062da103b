// Package mediaserver asks media servers (MediaMTX, SRS, nginx-rtmp) what they have received and sent so far, and turns the
// growth of their counters into traffic, viewers and broadcasts.
//
// A Server takes snapshots, a Differ turns a sequence of snapshots into what happened between them, and a Poller keeps both
// running and hands the result to a Sink. Addresses and referrers are delivered as the server gives them: where they are
// looked up and in which form they are stored is the collector's business.
package mediaserver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/streamlens/streamlens/pkg/event"
)

// Connection is one publisher or player of a media server, as one snapshot sees it.
type Connection struct {
	ID        string // unique within a run of the server
	Stream    string
	StreamID  string     // ID of the Stream whose counters hold the connection's, "" if unknown
	Publisher bool       // sends to the server; else it plays
	Protocol  string     // lower case: rtmp, rtmps, rtsp, rtsps, srt, webrtc, hls, flv, moq, …
	Address   netip.Addr // the zero Addr if unknown
	Referrer  string     // URL of the page that embeds the player, "" if unknown
	UserAgent string
	Client    string // what a publisher says of itself, such as RTMP's flashver
	// Received and Sent are bytes so far, from the server's point of view, event.Absent if it does not count them.
	Received, Sent int64
	Since          time.Time // begin of the connection by this machine's clock, zero if unknown
	// Relay marks a player that passes the stream on, such as a CDN. It is no viewer.
	Relay bool
}

// Stream is what the server has received and sent for one stream so far, which holds what connections did that came and went
// between two snapshots. It is only there if the server counts the same bytes for the stream as for its connections.
type Stream struct {
	Name string
	// ID changes when the server counts from zero again because the stream was published anew, "" if the server has none.
	ID string
	// Protocol restricts the counters to the connections of one protocol, "" if they are those of all protocols.
	Protocol       string
	Received, Sent int64 // bytes so far, event.Absent if the server does not count them
	Since          time.Time
	// VideoBitrate and AudioBitrate of the publisher are in bit/s, 0 if unknown.
	VideoBitrate, AudioBitrate int64
}

// Snapshot is what a server says of itself at one time.
type Snapshot struct {
	Start       string    // identifies the run of the server, "" if it cannot be told; it changes with a restart
	Time        time.Time // when the server was asked; everything before is in the counters
	Streams     []Stream
	Connections []Connection
}

// Server is a media server that can be asked for snapshots. Poll must not be called by several goroutines at once.
type Server interface {
	Poll(ctx context.Context) (Snapshot, error)
}

// The types of servers.
const (
	TypeMediaMTX  = "mediamtx"
	TypeSRS       = "srs"
	TypeNginxRTMP = "nginx-rtmp"
)

// Config says how a media server is reached.
type Config struct {
	Type string // one of the types above
	// URL is that of the API. MediaMTX: http://host:9997, or http://host:9998/metrics to read its metrics instead; SRS:
	// http://host:1985; nginx-rtmp: the location that has rtmp_stat.
	URL                string
	Username, Password string // for HTTP Basic, none if the user name is empty
	Token              string // for HTTP Bearer, used if there is no user name
	Organization       string // whose traffic it is
	Interval           time.Duration
	// StreamName returns the name under which a stream counts, by the server's name; nil for the same.
	StreamName func(string) string
}

// DefaultInterval is the time between two polls if the configuration names none.
const DefaultInterval = 10 * time.Second

// ErrType says that the configuration names an unknown type of server.
var ErrType = errors.New("the type of a media server must be mediamtx, srs or nginx-rtmp")

// New returns the server that the configuration describes, without asking it anything.
func New(c Config) (Server, error) {
	api, err := newAPI(c)
	if err != nil {
		return nil, err
	}
	switch c.Type {
	case TypeMediaMTX:
		if strings.HasSuffix(api.base.Path, "/metrics") {
			return &mediaMTXMetrics{api}, nil
		}
		return &mediaMTX{api}, nil
	case TypeSRS:
		return &srs{api}, nil
	case TypeNginxRTMP:
		return &nginxRTMP{api: api}, nil
	}
	return nil, fmt.Errorf("%q: %w", c.Type, ErrType)
}

// label makes a name that a server gives fit to become a label: UTF-8 without control characters, of at most limit bytes.
func label(s string, limit int) string {
	if event.ValidText(s, limit) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	for len(s) > limit {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

func streamName(s string) string { return label(strings.Trim(s, "/"), event.MaxNameBytes) }

// address decodes an IP address with or without a port. What is neither, such as a unix socket, is the zero Addr.
func address(s string) netip.Addr {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone("")
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().WithZone("")
	}
	return netip.Addr{}
}
