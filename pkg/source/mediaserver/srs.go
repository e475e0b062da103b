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

// srs asks the HTTP API of SRS (https://ossrs.io/lts/en-us/docs/v6/doc/http-api).
type srs struct{}

// text is a JSON string or number: SRS 4 made strings of the numbers that identified things.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		*t = text(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil {
		return fmt.Errorf("neither a string nor a number: %w", err)
	}
	*t = text(n)
	return nil
}

type srsAnswer struct {
	Code    int         `json:"code"`
	Server  text        `json:"server"`
	Service text        `json:"service"`
	PID     text        `json:"pid"`
	Streams []srsStream `json:"streams"`
	Clients []srsClient `json:"clients"`
}

type srsStream struct {
	ID            text   `json:"id"`
	Name          string `json:"name"`
	App           string `json:"app"`
	URL           string `json:"url"`
	SendBytes     *int64 `json:"send_bytes"`
	ReceivedBytes *int64 `json:"recv_bytes"`
	Video         struct {
		Codec  string `json:"codec"`
		Width  int    `json:"width"`
		Height int    `json:"height"`
	} `json:"video"`
	Audio struct {
		Codec string `json:"codec"`
	} `json:"audio"`
}

type srsClient struct {
	ID            text    `json:"id"`
	Stream        text    `json:"stream"`
	IP            string  `json:"ip"`
	PageURL       string  `json:"pageUrl"`
	Type          string  `json:"type"`
	Publish       bool    `json:"publish"`
	Alive         float64 `json:"alive"` // seconds
	SendBytes     *int64  `json:"send_bytes"`
	ReceivedBytes *int64  `json:"recv_bytes"`
}

func decodeSRS(got answer) (srsAnswer, error) {
	var a srsAnswer
	if err := got.json(&a); err != nil {
		return a, err
	}
	if a.Code != 0 {
		return a, fmt.Errorf("%s %w", got.about, failed(ReasonAnswer, "answers with the error code %d of SRS", a.Code))
	}
	if a.Server == "" {
		return a, got.unknown("the API of SRS: it names no server")
	}
	return a, nil
}

// start identifies the run of the server: the service's id is made up anew by each process.
func (a *srsAnswer) start() string {
	return srsStart(string(a.Server), string(a.Service)) + string(a.PID)
}

func srsStart(server, service string) string { return server + "/" + service + "/" }

func (srs) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	var streams, clients srsAnswer
	// Streams come first, so that a stream's counter is never ahead of those of its connections, and what the stream has
	// beyond them is not what a connection is about to show.
	err := a.firstThen(ctx, func(ctx context.Context) (err error) {
		streams, err = srsList(ctx, a, "streams", func(a *srsAnswer) int { return len(a.Streams) })
		return err
	}, func(ctx context.Context) (err error) {
		clients, err = srsList(ctx, a, "clients", func(a *srsAnswer) int { return len(a.Clients) })
		return err
	})
	if err != nil {
		return Snapshot{}, err
	}
	if streams.start() != clients.start() {
		return Snapshot{}, failed(ReasonRestarted, "SRS restarted between two questions")
	}
	return srsSnapshot(streams, clients, time.Now()), nil
}

// srsList asks for a list until it ends: SRS does not say how long it is.
func srsList(ctx context.Context, a *api, name string, length func(*srsAnswer) int) (srsAnswer, error) {
	var all srsAnswer
	for page := range maxPages {
		// Without the slash at the end SRS 7 answers with a redirect.
		got, err := a.get(ctx, "api/v1/"+name+"/", url.Values{"start": {strconv.Itoa(page * pageSize)}, "count": {strconv.Itoa(pageSize)}})
		if err != nil {
			return all, err
		}
		answered, err := decodeSRS(got)
		if err != nil {
			return all, err
		}
		last := length(&answered) < pageSize
		answered.Streams, answered.Clients = append(all.Streams, answered.Streams...), append(all.Clients, answered.Clients...)
		if all = answered; last {
			return all, nil
		}
	}
	return all, fmt.Errorf("%s: %w", name, failed(ReasonAnswer, "the list has more than %d pages", maxPages))
}

func srsSnapshot(streams, clients srsAnswer, now time.Time) Snapshot {
	s := Snapshot{Start: streams.start()}
	names := make(map[text]string, len(streams.Streams))
	media := make(map[text]Ingest, len(streams.Streams))
	for i := range streams.Streams {
		stream := &streams.Streams[i]
		name := srsStreamName(stream.URL, stream.App, stream.Name)
		names[stream.ID] = name
		media[stream.ID] = Ingest{
			VideoCodec: stream.Video.Codec, AudioCodec: stream.Audio.Codec, Width: stream.Video.Width, Height: stream.Video.Height,
		}
		s.Streams = append(s.Streams, Stream{
			Name: name, ID: string(stream.ID), Received: counter(stream.ReceivedBytes), Sent: counter(stream.SendBytes),
		})
	}
	for i := range clients.Clients {
		client := &clients.Clients[i]
		// A stream that began after the streams were listed has no name yet; the next poll sees both.
		c := Connection{
			ID: string(client.ID), Stream: names[client.Stream], StreamID: string(client.Stream),
			Publisher: client.Publish || strings.HasSuffix(client.Type, "publish"),
			Protocol:  srsProtocol(client.Type), Address: address(client.IP), Referrer: client.PageURL,
			Received: counter(client.ReceivedBytes), Sent: counter(client.SendBytes),
		}
		c.Connectionless = c.Protocol == "hls"
		if c.Publisher {
			c.Ingest = media[client.Stream]
		}
		if client.Alive > 0 && client.Alive < event.MaxPlayed {
			c.Since = now.Add(-time.Duration(client.Alive * float64(time.Second)))
		}
		s.Connections = append(s.Connections, c)
	}
	return s
}

// srsStreamName returns the stream's address without scheme and host, which has the vhost in front if it is not the default
// one; old versions only give application and name.
func srsStreamName(address, app, name string) string {
	if address != "" && !strings.Contains(address, "://") {
		return streamName(address)
	}
	return streamName(app + "/" + name)
}

// srsDefaultStream leaves out the application. The virtual host is in front of it if it is not the default one, and stays.
func srsDefaultStream(application, stream string) string {
	if rest, last, ok := strings.Cut(stream, "/"); ok && strings.Contains(application, ".") && rest != "" && last != "" {
		return application + "/" + last
	}
	return stream
}

// srsProtocol returns the protocol of a type of client such as rtmp-play, fmle-publish or rtc-play.
func srsProtocol(clientType string) string {
	kind, _, _ := strings.Cut(strings.ToLower(clientType), "-")
	switch kind {
	case "rtc":
		return "webrtc"
	case "srt", "hls", "flv", "dash":
		return kind
	}
	return "rtmp"
}

// hook decodes a hook of SRS (https://ossrs.io/lts/en-us/docs/v6/doc/http-callback). SRS lets a client in only if the answer is 0.
func (srs) hook(r HookRequest) ([]Hook, HookAnswer, error) {
	h, err := decodeSRSHook(r.Body)
	return []Hook{h}, HookAnswer{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"code":0}`}, err
}

func decodeSRSHook(body []byte) (Hook, error) {
	var m struct {
		Action        string `json:"action"`
		ServerID      text   `json:"server_id"`
		ServiceID     text   `json:"service_id"`
		ClientID      text   `json:"client_id"`
		IP            string `json:"ip"`
		App           string `json:"app"`
		Stream        string `json:"stream"`
		StreamURL     string `json:"stream_url"`
		StreamID      text   `json:"stream_id"`
		TCURL         string `json:"tcUrl"`
		PageURL       string `json:"pageUrl"`
		SendBytes     *int64 `json:"send_bytes"`
		ReceivedBytes *int64 `json:"recv_bytes"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return Hook{}, fmt.Errorf("decode a hook of SRS: %w", err)
	}
	if m.Action == "" || m.ClientID == "" {
		return Hook{}, errors.New("a hook of SRS must have action and client_id")
	}
	h := Hook{Connection: Connection{
		ID: string(m.ClientID), StreamID: string(m.StreamID), Publisher: m.Action == "on_publish" || m.Action == "on_unpublish",
		Address: address(m.IP), Referrer: m.PageURL, Received: counter(m.ReceivedBytes), Sent: counter(m.SendBytes),
	}}
	if m.Stream != "" {
		h.Connection.Stream = srsStreamName(m.StreamURL, m.App, m.Stream)
	}
	scheme, _, _ := strings.Cut(m.TCURL, "://")
	switch scheme = strings.ToLower(scheme); scheme {
	case "webrtc", "srt":
		h.Connection.Protocol = scheme
	case "http", "https":
		h.Connection.Protocol = "flv"
	default:
		h.Connection.Protocol = "rtmp"
	}
	switch {
	case m.Action == "on_publish", m.Action == "on_play":
		h.Action = Opened
	case m.Action == "on_close", (m.Action == "on_unpublish" || m.Action == "on_stop") && (scheme == "webrtc" || strings.HasPrefix(scheme, "http")):
		// Of others, on_close follows.
		h.Action = Closed
	}
	switch { // the server's id came with SRS 4, the service's with SRS 5
	case m.ServiceID != "":
		h.Run = srsStart(string(m.ServerID), string(m.ServiceID))
	case m.ServerID != "":
		h.Run = string(m.ServerID) + "/"
	}
	return h, nil
}
