package mediaserver

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// srs asks the HTTP API of SRS (https://ossrs.io/lts/en-us/docs/v6/doc/http-api).
type srs struct{ api }

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

func decodeSRS(body []byte) (srsAnswer, error) {
	var a srsAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("decode an answer of SRS: %w", err)
	}
	if a.Code != 0 {
		return a, fmt.Errorf("SRS answers with the error code %d", a.Code)
	}
	return a, nil
}

// start identifies the run of the server: the service's id is made up anew by each process.
func (a *srsAnswer) start() string {
	return srsStart(string(a.Server), string(a.Service)) + string(a.PID)
}

func srsStart(server, service string) string { return server + "/" + service + "/" }

// Poll implements Server.
func (s *srs) Poll(ctx context.Context) (Snapshot, error) {
	now := time.Now()
	// Streams come first, so that a stream's counter is never ahead of those of its connections, and what the stream has
	// beyond them is not what a connection is about to show.
	streams, err := s.list(ctx, "api/v1/streams", func(a *srsAnswer) int { return len(a.Streams) })
	if err != nil {
		return Snapshot{}, err
	}
	clients, err := s.list(ctx, "api/v1/clients", func(a *srsAnswer) int { return len(a.Clients) })
	if err != nil {
		return Snapshot{}, err
	}
	if streams.start() != clients.start() {
		return Snapshot{}, fmt.Errorf("SRS restarted between two questions (%q, then %q)", streams.start(), clients.start())
	}
	return srsSnapshot(streams, clients, now), nil
}

func (s *srs) list(ctx context.Context, path string, length func(*srsAnswer) int) (srsAnswer, error) {
	var all srsAnswer
	for page := range maxPages {
		body, _, err := s.get(ctx, path, url.Values{"start": {strconv.Itoa(page * pageSize)}, "count": {strconv.Itoa(pageSize)}})
		if err != nil {
			return all, err
		}
		a, err := decodeSRS(body)
		if err != nil {
			return all, fmt.Errorf("%s: %w", path, err)
		}
		last := length(&a) < pageSize
		a.Streams, a.Clients = append(all.Streams, a.Streams...), append(all.Clients, a.Clients...)
		if all = a; last {
			return all, nil
		}
	}
	return all, fmt.Errorf("%s: the list has more than %d pages", path, maxPages)
}

func srsSnapshot(streams, clients srsAnswer, now time.Time) Snapshot {
	s := Snapshot{Start: streams.start(), Time: now}
	names := make(map[text]string, len(streams.Streams))
	for i := range streams.Streams {
		stream := &streams.Streams[i]
		name := srsStreamName(stream.URL, stream.App, stream.Name)
		names[stream.ID] = name
		s.Streams = append(s.Streams, Stream{
			Name: name, ID: string(stream.ID), Received: counter(stream.ReceivedBytes), Sent: counter(stream.SendBytes),
		})
	}
	for i := range clients.Clients {
		client := &clients.Clients[i]
		name, ok := names[client.Stream]
		if !ok { // its stream began after the streams were listed; the next poll sees both
			continue
		}
		c := Connection{
			ID: string(client.ID), Stream: name, StreamID: string(client.Stream), Publisher: client.Publish || strings.HasSuffix(client.Type, "publish"),
			Protocol: srsProtocol(client.Type), Address: address(client.IP), Referrer: client.PageURL,
			Received: counter(client.ReceivedBytes), Sent: counter(client.SendBytes),
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
