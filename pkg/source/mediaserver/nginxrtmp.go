package mediaserver

import (
	"context"
	"encoding/xml"
	"slices"
	"strconv"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// nginxRTMP reads what rtmp_stat of nginx-rtmp shows. It counts the audio and video of streams, without RTMP's headers,
// handshakes and control messages, and nothing per connection.
type nginxRTMP struct {
	polled  time.Time // last poll that was answered by the worker whose counters are followed
	pid     int64
	uptime  time.Duration
	start   string
	streams []nginxRun // as of that poll, and of some before
	lives   int64      // number of the last life of a stream

	several   bool  // answers came from several processes of the same run
	candidate int64 // process that answers instead of pid
	answers   int   // how often in a row it did
}

// nginxRun is a life of a stream, from its first connection to its last. Several may have one name: those of several server blocks,
// and those whose names differ in letters that nginx-rtmp shows as blanks.
type nginxRun struct {
	server  int // number of the server block
	name    string
	id      string
	age     time.Duration
	clients []string  // ids of its connections, which are those of no others
	seen    time.Time // when it was shown last
	missing int       // in how many polls it was not shown since
}

// errWorkers says that nginx has several worker processes, each of which only shows its own streams.
var errWorkers = failed(ReasonWorkers, "nginx runs several worker processes and shows the streams of one at a time: set worker_processes 1")

// nginxRelay is the flashver of connections by which nginx-rtmp itself pushes a stream to another server.
const nginxRelay = "ngx-local-relay"

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
	Video      struct {
		Width     int     `xml:"width"`
		Height    int     `xml:"height"`
		FrameRate float64 `xml:"frame_rate"`
		Codec     string  `xml:"codec"`
	} `xml:"meta>video"`
	Audio struct {
		Codec string `xml:"codec"`
	} `xml:"meta>audio"`
}

type nginxClient struct {
	ID         string    `xml:"id"`
	Address    string    `xml:"address"`
	Time       int64     `xml:"time"` // ms
	FlashVer   string    `xml:"flashver"`
	PageURL    string    `xml:"pageurl"`
	Timestamp  int64     `xml:"timestamp"` // of the newest media, ms
	Publishing *struct{} `xml:"publishing"`
}

func decodeNginxRTMP(a answer) (nginxStat, error) {
	var stat nginxStat
	if err := xml.Unmarshal(a.body, &stat); err != nil {
		return stat, a.unknown("rtmp_stat of nginx-rtmp: " + err.Error())
	}
	return stat, nil
}

func (n *nginxRTMP) snapshot(ctx context.Context, a *api) (Snapshot, error) {
	now := time.Now()
	got, err := a.get(ctx, "", nil)
	if err != nil {
		return Snapshot{}, err
	}
	stat, err := decodeNginxRTMP(got)
	if err != nil {
		return Snapshot{}, err
	}
	return n.read(stat, now)
}

// read returns what the statistics of a time say.
func (n *nginxRTMP) read(stat nginxStat, now time.Time) (Snapshot, error) {
	if err := n.follow(&stat, now); err != nil {
		return Snapshot{}, err
	}
	s := Snapshot{Start: n.start, Time: now}
	var runs []nginxRun
	var streams []*nginxStream
	for number, server := range stat.Server {
		for _, app := range server.Application {
			for i := range app.Live {
				live := &app.Live[i]
				run := nginxRun{server: number, name: streamName(app.Name + "/" + live.Name), seen: now,
					age: time.Duration(live.Time) * time.Millisecond}
				for k := range live.Connection {
					run.clients = append(run.clients, live.Connection[k].ID)
				}
				runs, streams = append(runs, run), append(streams, live)
			}
			for i := range app.Play {
				s.Connections = append(s.Connections, nginxConnections(&app.Play[i], streamName(app.Name+"/"+app.Play[i].Name), "", now)...)
			}
		}
	}
	n.recognise(runs, now)
	for i, run := range runs {
		live := streams[i]
		s.Streams = append(s.Streams, Stream{
			Name: run.name, ID: run.id, Protocol: "rtmp", Received: counter(live.BytesIn), Sent: counter(live.BytesOut),
			Since: now.Add(-run.age), VideoBitrate: live.VideoRate, AudioBitrate: live.AudioRate,
		})
		s.Connections = append(s.Connections, nginxConnections(live, run.name, run.id, now)...)
	}
	n.polled = now
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

// recognise gives streams the ids that they had in polls before, and others new ones. A stream is known again by its connections, else
// by its age.
func (n *nginxRTMP) recognise(runs []nginxRun, now time.Time) {
	known := make(map[string][]*nginxRun, len(n.streams)) // by name
	for i := range n.streams {
		known[n.streams[i].name] = append(known[n.streams[i].name], &n.streams[i])
	}
	alike := make(map[string]int, len(runs))
	for i := range runs {
		alike[runs[i].name]++
	}
	taken := map[*nginxRun]bool{}
	for _, same := range [...]func(run, before *nginxRun) bool{
		func(run, before *nginxRun) bool {
			return slices.ContainsFunc(run.clients, func(id string) bool { return slices.Contains(before.clients, id) })
		},
		func(run, before *nginxRun) bool {
			return (before.age + now.Sub(before.seen) - run.age).Abs() < time.Second
		},
		func(run, _ *nginxRun) bool { return alike[run.name] == 1 && len(known[run.name]) == 1 }, // if a clock was set
	} {
		for i := range runs {
			run := &runs[i]
			if run.id != "" {
				continue
			}
			for _, before := range known[run.name] {
				if before.server == run.server && !taken[before] && !beganSince(run.age, before.age, now.Sub(before.seen)) && same(run, before) {
					run.id, taken[before] = before.id, true
					break
				}
			}
		}
	}
	for i := range runs {
		if runs[i].id == "" {
			n.lives++
			runs[i].id = strconv.FormatInt(n.lives, 10)
		}
	}
	all := slices.Clone(runs)
	for i := range n.streams {
		before := &n.streams[i]
		if before.missing++; !taken[before] && before.missing <= remembered {
			all = append(all, *before)
		}
	}
	n.streams = all
}

// beganSince reports whether something that has an age now, and had the age before a while ago, has begun anew meanwhile.
// Ages are compared instead of points in time, so that a clock that is set changes nothing.
func beganSince(age, before, meanwhile time.Duration) bool {
	const inaccuracy = time.Second // nginx gives its uptime in whole seconds
	return age < meanwhile && age < before+meanwhile-inaccuracy
}

func nginxConnections(stream *nginxStream, name, id string, now time.Time) []Connection {
	connections := make([]Connection, 0, len(stream.Connection))
	for i := range stream.Connection {
		client := &stream.Connection[i]
		c := Connection{
			ID: client.ID, Stream: name, StreamID: id, Publisher: client.Publishing != nil, Protocol: "rtmp",
			Address: address(client.Address), Referrer: client.PageURL, Client: client.FlashVer,
			Received: event.Absent, Sent: event.Absent,
		}
		c.Push = !c.Publisher && client.FlashVer == nginxRelay
		if c.Publisher {
			c.Ingest = Ingest{
				VideoCodec: stream.Video.Codec, AudioCodec: stream.Audio.Codec, Width: stream.Video.Width, Height: stream.Video.Height,
				FrameRate: stream.Video.FrameRate, MediaTime: time.Duration(client.Timestamp) * time.Millisecond,
			}
		}
		if client.Time > 0 && client.Time < event.MaxPlayed {
			c.Since = now.Add(-time.Duration(client.Time) * time.Millisecond)
		}
		connections = append(connections, c)
	}
	return connections
}
