package mediaserver

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/streamlens/streamlens/pkg/event"
)

// go2rtc asks the API of go2rtc (https://go2rtc.org). It counts bytes of connections, and says neither when they began nor which run of
// the server they are of.
type go2rtc struct{}

// go2rtcRun is the Start of all runs. A connection has the id of one of another run only if it has its address and port, too, as cameras
// do. Then its counter looks as if it had fallen, of which too little counts and never too much.
const go2rtcRun = "go2rtc"

type go2rtcStream struct {
	Producers []go2rtcConnection `json:"producers"`
	Consumers []go2rtcConnection `json:"consumers"`
}

type go2rtcConnection struct {
	ID         int64         `json:"id"` // 0 of a producer that nobody watches, so that it is not connected
	FormatName string        `json:"format_name"`
	RemoteAddr string        `json:"remote_addr"` // may be followed by more
	UserAgent  string        `json:"user_agent"`
	Received   *int64        `json:"bytes_recv"`
	Sent       *int64        `json:"bytes_send"`
	Receivers  []go2rtcTrack `json:"receivers"`
	Senders    []go2rtcTrack `json:"senders"`
}

type go2rtcTrack struct {
	Bytes int64 `json:"bytes"` // of media, without the protocol
	Codec struct {
		Name string `json:"codec_name"`
		Type string `json:"codec_type"`
	} `json:"codec"`
}

func decodeGo2rtc(got answer) (map[string]go2rtcStream, error) {
	var streams map[string]go2rtcStream
	if err := got.json(&streams); err != nil {
		return nil, err
	}
	if streams == nil {
		return nil, got.unknown("the API of go2rtc: it has no streams")
	}
	for _, stream := range streams {
		for _, c := range append(stream.Producers, stream.Consumers...) {
			if c.ID == 0 && c.RemoteAddr != "" {
				return nil, got.unknown("the API of go2rtc 1.9.4 or newer: a connection has no id")
			}
		}
	}
	return streams, nil
}

func (go2rtc) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	got, err := a.get(ctx, "api/streams", nil)
	if err != nil {
		return Snapshot{}, err
	}
	streams, err := decodeGo2rtc(got)
	if err != nil {
		return Snapshot{}, err
	}
	return go2rtcSnapshot(streams), nil
}

func go2rtcSnapshot(streams map[string]go2rtcStream) Snapshot {
	s := Snapshot{Start: go2rtcRun}
	for name, stream := range streams {
		for i := range stream.Producers {
			producer := &stream.Producers[i]
			if producer.ID == 0 {
				continue
			}
			c := producer.connection(streamName(name))
			c.Publisher, c.Client = true, producer.UserAgent
			c.Received = counter(producer.Received)
			for k := range producer.Receivers {
				switch codec := producer.Receivers[k].Codec; codec.Type {
				case "video":
					c.Ingest.VideoCodec = codec.Name
				case "audio":
					c.Ingest.AudioCodec = codec.Name
				}
			}
			s.Connections = append(s.Connections, c)
		}
		for i := range stream.Consumers {
			consumer := &stream.Consumers[i]
			if consumer.ID == 0 {
				continue
			}
			c := consumer.connection(streamName(name))
			c.Sent = consumer.sent()
			s.Connections = append(s.Connections, c)
		}
	}
	slices.SortFunc(s.Connections, func(a, b Connection) int { return cmp.Compare(a.ID, b.ID) })
	return s
}

// sent returns what a consumer was sent. Of RTSP it is the media alone.
func (c *go2rtcConnection) sent() int64 {
	if c.Sent != nil || len(c.Senders) == 0 {
		return counter(c.Sent)
	}
	var sum int64
	for i := range c.Senders {
		sum += max(c.Senders[i].Bytes, 0)
	}
	return counter(&sum)
}

func (c *go2rtcConnection) connection(stream string) Connection {
	from, _, _ := strings.Cut(c.RemoteAddr, " ")
	protocol, _, _ := strings.Cut(c.FormatName, "/")
	return Connection{
		// Each run numbers from 1.
		ID: strconv.FormatInt(c.ID, 10) + " " + c.RemoteAddr, Stream: stream, Address: address(from), UserAgent: c.UserAgent,
		Protocol: protocolName(protocol), Received: event.Absent, Sent: event.Absent,
	}
}
