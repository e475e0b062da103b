// Package mediaserver asks media servers, such as MediaMTX and SRS, what they have received and sent so far, and turns the
// growth of their counters into traffic, viewers and broadcasts.
//
// A kind knows one product: it asks for what the product tells and puts it into a Snapshot. A Server takes snapshots, a Differ turns a
// sequence of snapshots into what happened between them, and a Poller keeps both running and hands the result to a Sink. Addresses and referrers are delivered as the server gives them: where they are
// looked up and in which form they are stored is the collector's business.
package mediaserver

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/streamlens/streamlens/pkg/event"
)

// Connection is one publisher or player of a media server, as one snapshot sees it.
type Connection struct {
	ID string // unique within a run of the server
	// Stream is what it sends or plays. A connection that has not chosen a stream yet, or not any more, has "": it is known, and what
	// it does counts when it uses a stream.
	Stream string
	// Unnamed says that the server does not tell the stream: the connection has the one that a hook told.
	Unnamed bool
	// StreamID is the ID of the Stream whose counters hold the connection's, "" if the server does not say.
	StreamID  string
	Publisher bool // sends to the server; else it plays
	// Protocol is in lower case: rtmp, rtmps, rtsp, rtsps, srt, webrtc, hls, flv, moq, …
	Protocol string
	Address  netip.Addr // the zero Addr if unknown
	// Identity tells its player from others if the server knows no addresses, else "". Nothing but a hash of it is kept, as of addresses.
	Identity  string
	Referrer  string // URL of the page that embeds the player, "" if unknown
	UserAgent string
	Client    string // what a publisher says of itself, such as RTMP's flashver
	// Received and Sent are bytes so far, from the server's point of view, event.Absent if it does not count them.
	Received, Sent int64
	Since          time.Time // begin of the connection by this machine's clock, zero if unknown
	// Relay marks a player that passes the stream on, such as a CDN. It is no viewer.
	Relay bool
	// Push marks what the server itself passes on to another server. It is no playout, unless Config.Relays asks for it.
	Push bool
	// Connectionless marks a player that asks for parts of the stream, as by HLS, and of whose end the server learns late. It is a
	// viewer while what it was sent grows.
	Connectionless bool
	Ingest         Ingest
}

// Ingest is what a server measures of what a publisher sends. What is 0 or "" it does not measure.
type Ingest struct {
	VideoCodec, AudioCodec string // as the server writes them
	Width, Height          int    // of the picture
	FrameRate              float64
	RoundTrip, Jitter      time.Duration
	// Packets that came and Lost are numbers so far. What the line lost and the publisher sent again is lost, too.
	Packets, Lost int64
	// MediaTime is the time stamp of the newest media; beside the time on air it shows a publisher that falls behind.
	MediaTime time.Duration
}

// ProtocolRelay is the protocol of what connections with Push were sent.
const ProtocolRelay = "relay"

// Stream is what the server has received and sent for one stream so far, which holds what connections did that came and went
// between two snapshots. It is only there if the server counts the same bytes for the stream as for its connections.
type Stream struct {
	Name string
	// ID tells streams apart that have one name, and changes when the server counts from zero again because the stream was published
	// anew; "" if the server has none.
	ID string
	// Protocol restricts the counters to the connections of one protocol, "" if they are those of all protocols.
	Protocol       string
	Received, Sent int64 // bytes so far, event.Absent if the server does not count them
	Since          time.Time
	// Late says that the counters may be those of some time ago, so that what they grew by may be of players that have gone.
	Late bool
	// VideoBitrate and AudioBitrate of the publisher are in bit/s, 0 if unknown.
	VideoBitrate, AudioBitrate int64
}

// Snapshot is what a server says of itself at one time.
type Snapshot struct {
	Start       string    // identifies the run of the server, "" if it cannot be told; it changes with a restart
	Time        time.Time // when the server was asked; everything before is in the counters
	Streams     []Stream
	Connections []Connection
	// Notice is what the operator should know, "" if nothing.
	Notice string
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
	TypeIcecast   = "icecast"
	TypeLal       = "lal"
	TypeGo2rtc    = "go2rtc"
	// TypeDatarhei is datarhei Core, also within Restreamer.
	TypeDatarhei = "datarhei"
	// TypeNodeMediaServer is version 4 of it.
	TypeNodeMediaServer = "node-media-server"
	TypeLiveKit         = "livekit"
	TypeAntMedia        = "ant-media"
	TypeOvenMediaEngine = "ovenmediaengine"
)

// product is what the package knows of a type of server.
type product struct {
	name string
	// kind returns what asks a server whose API has the given path.
	kind func(path string) kind
	// stream returns the stream that a name of the form APPLICATION/STREAM is by default.
	stream func(application, stream string) string
	// fresh is whether each question needs a connection of its own.
	fresh bool
}

// products are all of them.
func products() []product {
	return []product{
		{name: TypeMediaMTX, kind: newMediaMTX, stream: usualApplication},
		{name: TypeSRS, kind: func(string) kind { return srs{} }, stream: srsDefaultStream},
		// nginx with several processes answers from any of them, so that it is noticed.
		{name: TypeNginxRTMP, kind: func(string) kind { return &nginxRTMP{} }, stream: anyApplication, fresh: true},
		{name: TypeIcecast, kind: func(string) kind { return icecast{} }, stream: noApplication},
		{name: TypeLal, kind: func(string) kind { return lal{} }, stream: anyApplication},
		{name: TypeGo2rtc, kind: func(string) kind { return go2rtc{} }, stream: usualApplication},
		{name: TypeDatarhei, kind: func(string) kind { return &datarhei{} }, stream: usualApplication},
		{name: TypeNodeMediaServer, kind: func(string) kind { return &nodeMediaServer{} }, stream: anyApplication},
		{name: TypeAntMedia, kind: func(string) kind { return antMedia{} }, stream: noApplication},
		{name: TypeOvenMediaEngine, kind: func(string) kind { return &ovenMediaEngine{} }, stream: omeDefaultStream},
		{name: TypeLiveKit, kind: func(string) kind { return liveKit{} }, stream: noApplication},
	}
}

// Types are the types of all servers that are known.
func Types() []string {
	var types []string
	for _, p := range products() {
		types = append(types, p.name)
	}
	return types
}

// productOf returns what is known of a type, false if there is no such type.
func productOf(serverType string) (product, bool) {
	all := products()
	i := slices.IndexFunc(all, func(p product) bool { return p.name == serverType })
	if i < 0 {
		return product{}, false
	}
	return all[i], true
}

// Config says how a media server is reached.
type Config struct {
	Type string // one of the types above
	// URL is that of the API. MediaMTX: http://host:9997, or http://host:9998/metrics to read its metrics instead; SRS:
	// http://host:1985; nginx-rtmp: the location that has rtmp_stat; Icecast: http://host:8000.
	URL                string
	Username, Password string // for HTTP Basic, none if the user name is empty
	Token              string // for HTTP Bearer, used if there is no user name
	HookSecret         string // by which hooks are signed, of a server that has a secret of their own for that
	CA                 string // path of a PEM file with the certificates that are trusted, "" for those that the system trusts
	Organization       string // whose traffic it is
	Interval           time.Duration
	Relays             bool // what is passed on to other servers counts as playout, as ProtocolRelay
	Logged             bool // the server's access log counts the bytes of players, so that polls only tell who plays
	// StreamName returns the name under which a stream counts, by the server's name; nil for the same.
	StreamName func(string) string
}

// DefaultInterval is the time between two polls if the configuration names none.
const DefaultInterval = 10 * time.Second

// kind asks one type of server.
type kind interface {
	// snapshot returns what the server says, without Time.
	snapshot(ctx context.Context, a *api) (Snapshot, error)
}

// StreamName returns the stream that a name of a server's is by default. A name of a server of RTMP is the one of an application, as
// in live/NAME, and a stream's; its application is left out. Names of other servers are kept as they are, but for a usual application.
func StreamName(serverType, name string) string {
	application, stream, ok := strings.Cut(name, "/")
	p, known := productOf(serverType)
	if !ok || stream == "" || !known {
		return name
	}
	return p.stream(application, stream)
}

// anyApplication leaves out what every name of the server has in front.
func anyApplication(_, stream string) string { return stream }

// noApplication keeps names as they are: the server has no applications.
func noApplication(first, rest string) string { return first + "/" + rest }

// usualApplication leaves out what names have in front by custom.
func usualApplication(application, stream string) string {
	switch strings.ToLower(application) {
	case "live", "app":
		return stream
	}
	return application + "/" + stream
}

// Check returns what is wrong with a configuration, without a look at anything that it names.
func (c Config) Check() error {
	if _, err := parseURL(c.URL); err != nil {
		return err
	}
	if _, ok := productOf(c.Type); !ok {
		return fmt.Errorf("%q: the type of a media server must be one of %s", c.Type, strings.Join(Types(), ", "))
	}
	if c.HookSecret != "" && c.Type != TypeOvenMediaEngine {
		return fmt.Errorf("hookSecret is of %s only; hooks of %s are not signed, or with a secret that polls need, too", TypeOvenMediaEngine, c.Type)
	}
	return nil
}

// Name returns what the server is called if it has no name: host, port and path of its URL, "" if that is none.
func (c Config) Name() string {
	base, err := parseURL(c.URL)
	if err != nil {
		return ""
	}
	return base.Host + strings.TrimSuffix(base.Path, "/")
}

// New returns the server that the configuration describes, without asking it anything.
func New(c Config) (Server, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	a, err := newAPI(c)
	if err != nil {
		return nil, err
	}
	p, _ := productOf(c.Type) // Check knows it
	return &polled{a, p.kind(a.base.Path)}, nil
}

// polled is a Server.
type polled struct {
	*api
	kind kind
}

// Poll implements Server.
func (p *polled) Poll(ctx context.Context) (Snapshot, error) {
	now := time.Now()
	s, err := p.kind.snapshot(ctx, p.api)
	s.Notice = p.takeNotice()
	if s.Time.IsZero() {
		s.Time = now
	}
	return s, err
}

// hook implements hooked for kinds that do.
func (p *polled) hook(r HookRequest) ([]Hook, HookAnswer, error) {
	if k, ok := p.kind.(signed); ok {
		if err := k.verify(p.config, r); err != nil {
			return nil, HookAnswer{}, fmt.Errorf("%w: %w", ErrSignature, err)
		}
	}
	if k, ok := p.kind.(hooked); ok {
		return k.hook(r)
	}
	return nil, HookAnswer{}, fmt.Errorf("%s has no hooks", p.config.Type)
}

// redacted returns an address without its password and query.
func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return plainURL(u)
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

// protocolName makes a protocol of what a server calls it.
func protocolName(s string) string {
	return cmp.Or(label(strings.ToLower(s), event.MaxTextBytes), protocolOther)
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
