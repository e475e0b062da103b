package mediaserver

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// icecast asks the admin interface of Icecast (https://icecast.org/docs/icecast-2.4.1/admin-interface.html). It counts bytes of mounts,
// renewed every 5 s, and none of listeners.
type icecast struct{}

const protocolIcecast = "icecast"

type icecastStats struct {
	XMLName  xml.Name       `xml:"icestats"`
	ServerID string         `xml:"server_id"`
	Start    string         `xml:"server_start_iso8601"`
	Mounts   []icecastMount `xml:"source"`
}

type icecastMount struct {
	Mount     string `xml:"mount,attr"`
	Listeners int    `xml:"listeners"`
	SourceIP  string `xml:"source_ip"`
	UserAgent string `xml:"user_agent"` // of the source
	Start     string `xml:"stream_start_iso8601"`
	Read      *int64 `xml:"total_bytes_read"`
	Sent      *int64 `xml:"total_bytes_sent"`
	Type      string `xml:"server_type"`
}

type icecastListeners struct {
	XMLName xml.Name `xml:"icestats"`
	Mounts  []struct {
		Mount     string            `xml:"mount,attr"`
		Listeners []icecastListener `xml:"listener"`
	} `xml:"source"`
}

type icecastListener struct {
	ID        string `xml:"ID"`
	IP        string `xml:"IP"`
	UserAgent string `xml:"UserAgent"`
	Connected int64  `xml:"Connected"` // s
}

// icecastTime is how Icecast writes times.
const icecastTime = "2006-01-02T15:04:05-0700"

func decodeIcecast(got answer) (icecastStats, error) {
	var stats icecastStats
	if err := xml.Unmarshal(got.body, &stats); err != nil {
		return stats, got.unknown("the admin interface of Icecast: " + err.Error())
	}
	if !strings.HasPrefix(stats.ServerID, "Icecast") {
		return stats, got.unknown("the admin interface of Icecast: it has no server_id")
	}
	if stats.Start == "" {
		return stats, got.unknown("the admin interface of Icecast 2.4 or newer: it has no server_start_iso8601")
	}
	return stats, nil
}

func (icecast) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	got, err := a.get(ctx, "admin/stats", nil)
	if err != nil {
		return Snapshot{}, err
	}
	stats, err := decodeIcecast(got)
	if err != nil {
		return Snapshot{}, err
	}
	lists := make([]icecastListeners, len(stats.Mounts))
	var questions []func(context.Context) error
	for i, mount := range stats.Mounts {
		if mount.Listeners == 0 {
			continue
		}
		questions = append(questions, func(ctx context.Context) error {
			got, err := a.get(ctx, "admin/listclients", url.Values{"mount": {mount.Mount}})
			switch {
			case isStatus(err, http.StatusBadRequest): // its source has left since the mounts were listed
				return nil
			case err != nil:
				return err
			}
			return decodeIcecastListeners(got, &lists[i])
		})
	}
	if err := together(ctx, questions...); err != nil {
		return Snapshot{}, err
	}
	return icecastSnapshot(stats, lists, time.Now(), got.clock), nil
}

func decodeIcecastListeners(got answer, into *icecastListeners) error {
	if err := xml.Unmarshal(got.body, into); err != nil {
		return got.unknown("the admin interface of Icecast: " + err.Error())
	}
	return nil
}

func icecastSnapshot(stats icecastStats, lists []icecastListeners, now time.Time, clock time.Duration) Snapshot {
	s := Snapshot{Start: stats.Start}
	for i := range stats.Mounts {
		mount := &stats.Mounts[i]
		name := streamName(mount.Mount)
		if name == "" || mount.Start == "" { // no source
			continue
		}
		began, err := time.Parse(icecastTime, mount.Start)
		if err != nil {
			began = time.Time{}
		}
		began = local(began, clock)
		s.Streams = append(s.Streams, Stream{
			Name: name, ID: mount.Start, Received: counter(mount.Read), Sent: counter(mount.Sent), Since: began, Late: true,
		})
		s.Connections = append(s.Connections, Connection{
			ID: "source " + mount.Mount + " " + mount.Start, Stream: name, StreamID: mount.Start, Publisher: true, Protocol: protocolIcecast,
			Address: address(mount.SourceIP), Client: mount.UserAgent, Received: counter(mount.Read), Sent: event.Absent, Since: began,
			Ingest: Ingest{AudioCodec: label(mount.Type, event.MaxTextBytes)},
		})
	}
	for i := range lists {
		for _, mount := range lists[i].Mounts {
			for k := range mount.Listeners {
				s.Connections = append(s.Connections, icecastConnection(&mount.Listeners[k], streamName(mount.Mount), now))
			}
		}
	}
	return s
}

func icecastConnection(listener *icecastListener, stream string, now time.Time) Connection {
	c := Connection{
		ID: listener.ID, Stream: stream, Protocol: protocolIcecast, Address: address(listener.IP), UserAgent: listener.UserAgent,
		Relay:    strings.HasPrefix(listener.UserAgent, "Icecast "), // another Icecast, which hands the stream on
		Received: event.Absent, Sent: event.Absent,
	}
	if seconds := listener.Connected; seconds >= 0 && seconds < event.MaxPlayed/1000 {
		c.Since = now.Add(-time.Duration(seconds) * time.Second)
	}
	return c
}
