package mediaserver

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// nginxRTMP reads what rtmp_stat of nginx-rtmp shows. It counts the audio and video of streams, without RTMP's headers,
// handshakes and control messages, and nothing per connection.
type nginxRTMP struct {
	api

	polled  time.Time // last poll that was answered by the worker whose counters are followed
	pid     int64
	uptime  time.Duration
	start   string
	streams map[string]nginxRun // by name, as of that poll

	several   bool  // answers came from several processes of the same run
	candidate int64 // process that answers instead of pid
	answers   int   // how often in a row it did
}

// nginxRun is a life of a stream, from its first connection to its last.
type nginxRun struct {
	id  string
	age time.Duration
}

// errWorkers says that nginx has several worker processes, each of which only shows its own streams.
var errWorkers = errors.New("nginx runs several worker processes and shows the streams of one at a time: set worker_processes 1")

// respawned is after how many answers in a row another process is taken for the successor of one that crashed.
const respawned = 8

type nginxStat struct {
	XMLName xml.Name `xml:"rtmp"`
	PID     int64    `xml:"pid"`
	Uptime  int64    `xml:"uptime"` // seconds
	Server  []struct {
		Application []struct {
			Name string        `xml:"name"`
			Live []nginxStream `xml:"live>stream"`
			Play []nginxStream `xml:"play>stream"`
		} `xml:"application"`
	} `xml:"server"`
}

type nginxStream struct {
	Name       string        `xml:"name"`
	Time       int64         `xml:"time"` // ms
	BytesIn    *int64        `xml:"bytes_in"`
	BytesOut   *int64        `xml:"bytes_out"`
	AudioRate  int64         `xml:"bw_audio"` // bit/s
	VideoRate  int64         `xml:"bw_video"` // bit/s
	Connection []nginxClient `xml:"client"`
}

type nginxClient struct {
	ID         string    `xml:"id"`
	Address    string    `xml:"address"`
	Time       int64     `xml:"time"` // ms
	FlashVer   string    `xml:"flashver"`
	PageURL    string    `xml:"pageurl"`
	Publishing *struct{} `xml:"publishing"`
}

func decodeNginxRTMP(body []byte) (nginxStat, error) {
	var stat nginxStat
	if err := xml.Unmarshal(body, &stat); err != nil {
		return stat, fmt.Errorf("decode the statistics of nginx-rtmp: %w", err)
	}
	return stat, nil
}

// Poll implements Server.
func (n *nginxRTMP) Poll(ctx context.Context) (Snapshot, error) {
	now := time.Now()
	body, _, err := n.get(ctx, "", nil)
	if err != nil {
		return Snapshot{}, err
	}
	stat, err := decodeNginxRTMP(body)
	if err != nil {
		return Snapshot{}, err
	}
	return n.snapshot(stat, now)
}

func (n *nginxRTMP) snapshot(stat nginxStat, now time.Time) (Snapshot, error) {
	if err := n.follow(&stat, now); err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Start: n.start, Time: now}
	streams := map[string]nginxRun{}
	for _, server := range stat.Server {
		for _, app := range server.Application {
			for i := range app.Live {
				live := &app.Live[i]
				name := streamName(app.Name + "/" + live.Name)
				run := n.run(name, time.Duration(live.Time)*time.Millisecond, now)
				streams[name] = run
				s.Streams = append(s.Streams, Stream{
					Name: name, ID: run.id, Protocol: "rtmp", Received: counter(live.BytesIn), Sent: counter(live.BytesOut),
					Since: now.Add(-run.age), VideoBitrate: live.VideoRate, AudioBitrate: live.AudioRate,
				})
				s.Connections = append(s.Connections, nginxConnections(live, name, now)...)
			}
			for i := range app.Play {
				s.Connections = append(s.Connections, nginxConnections(&app.Play[i], streamName(app.Name+"/"+app.Play[i].Name), now)...)
			}
		}
	}
	n.streams, n.polled = streams, now
	return s, nil
}

// follow finds out whether the answer comes from the process whose counters are followed, or from its successor.
func (n *nginxRTMP) follow(stat *nginxStat, now time.Time) error {
	uptime := time.Duration(stat.Uptime) * time.Second
	restarted := n.polled.IsZero() || beganSince(uptime, n.uptime, now.Sub(n.polled))
	if !restarted {
		switch stat.PID {
		case n.pid:
			n.several = n.several || n.answers > 0
		case n.candidate:
			n.answers++
		default:
			n.candidate, n.answers = stat.PID, 1
		}
		if n.several || stat.PID != n.pid && n.answers < respawned {
			return errWorkers
		}
	}
	if restarted || stat.PID != n.pid {
		n.start = strconv.FormatInt(stat.PID, 10) + " " + now.UTC().Format(time.RFC3339Nano)
		n.streams = nil
		n.several, n.candidate, n.answers = false, 0, 0
	}
	n.pid, n.uptime = stat.PID, uptime
	return nil
}

// run returns the life of a stream that has the given age: the one that the last poll saw, or another one.
func (n *nginxRTMP) run(name string, age time.Duration, now time.Time) nginxRun {
	run, ok := n.streams[name]
	if !ok || beganSince(age, run.age, now.Sub(n.polled)) {
		run.id = now.UTC().Format(time.RFC3339Nano)
	}
	run.age = age
	return run
}

// beganSince reports whether something that has an age now, and had the age before a while ago, has begun anew meanwhile.
// Ages are compared instead of points in time, so that a clock that is set changes nothing.
func beganSince(age, before, meanwhile time.Duration) bool {
	const inaccuracy = time.Second // nginx gives its uptime in whole seconds
	return age < meanwhile && age < before+meanwhile-inaccuracy
}

func nginxConnections(stream *nginxStream, name string, now time.Time) []Connection {
	connections := make([]Connection, 0, len(stream.Connection))
	for i := range stream.Connection {
		client := &stream.Connection[i]
		c := Connection{
			ID: client.ID, Stream: name, Publisher: client.Publishing != nil, Protocol: "rtmp",
			Address: address(client.Address), Referrer: client.PageURL, Client: client.FlashVer,
			Received: event.Absent, Sent: event.Absent,
		}
		if client.Time > 0 && client.Time < event.MaxPlayed {
			c.Since = now.Add(-time.Duration(client.Time) * time.Millisecond)
		}
		connections = append(connections, c)
	}
	return connections
}
