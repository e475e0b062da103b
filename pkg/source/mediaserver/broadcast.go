package mediaserver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// reasonNormal is the stop reason of broadcasts: servers do not say why a connection ended.
const reasonNormal = "normal"

// broadcast is what one publisher sends to one stream, as a session of events.
type broadcast struct {
	id      string
	stream  string // as it counts
	client  string
	method  string
	began   time.Time
	last    time.Time // up to which it is reported
	seq     int64
	stopped bool
}

// continueBroadcast reports that a publisher is on air.
func (d *Differ) continueBroadcast(c *connection, out *Delta, now time.Time) {
	if !c.Publisher {
		return
	}
	var events []event.Event
	if c.broadcast == nil {
		c.broadcast = d.newBroadcast(c, now)
		events = c.broadcast.begin()
	}
	b := c.broadcast
	if passed := now.Sub(b.last).Milliseconds(); passed > 0 {
		stats := b.event(event.Stats, now)
		stats.Playing = passed
		if t := d.total(c); t != nil {
			stats.VideoBitrate, stats.AudioBitrate = bitrate(t.VideoBitrate), bitrate(t.AudioBitrate)
		}
		c.measure(&stats, now)
		events = append(events, stats)
		b.last = b.last.Add(time.Duration(passed) * time.Millisecond) // what is less than 1 ms is left to the next report
	}
	d.emit(c, events, now, out)
}

// measure adds what the server measured of a publisher to a report. A loss is that of the packets since the report before.
func (c *connection) measure(stats *event.Event, now time.Time) {
	of := &c.Ingest
	stats.Height = within(int64(of.Height), event.MaxHeight)
	stats.FrameRate = within(int64(math.Round(of.FrameRate*1000)), event.MaxFrameRate)
	stats.RoundTripTime, stats.Jitter = wholeMilliseconds(of.RoundTrip), wholeMilliseconds(of.Jitter)
	// The first report has no report before it.
	arrived, lost := of.Packets-c.packets, of.Lost-c.lost
	if c.snapshots > 1 && of.Packets > 0 && arrived >= 0 && lost >= 0 && arrived+lost > 0 && arrived+lost < math.MaxInt64/event.Million {
		stats.PacketLoss = lost * event.Million / (arrived + lost)
	}
	c.packets, c.lost = of.Packets, of.Lost
	if of.MediaTime > 0 {
		// The least that the clock was ever ahead of the media is what they were when nothing had fallen behind yet.
		media := of.MediaTime.Milliseconds()
		ahead := now.UnixMilli() - media
		if c.ahead == 0 || ahead < c.ahead || media < c.media { // time stamps that fall have begun anew
			c.ahead = ahead
		}
		c.media = media
		if lag := ahead - c.ahead; lag <= event.MaxDuration {
			stats.MediaLag = lag
		}
	}
}

// wholeMilliseconds returns a duration in ms, rounded up: what is measured is not 0.
func wholeMilliseconds(d time.Duration) int64 {
	return within(int64((d+time.Millisecond-1)/time.Millisecond), event.MaxDuration)
}

// within returns a number from 1 to a limit, and event.Absent for others.
func within(n, limit int64) int64 {
	if n < 1 || n > limit {
		return event.Absent
	}
	return n
}

// endBroadcast reports that a publisher is gone. Without a hook that says when, it was on air until a snapshot saw it last.
func (d *Differ) endBroadcast(c *connection, out *Delta) {
	var events []event.Event
	if c.broadcast == nil && c.Publisher && !c.closed.IsZero() {
		c.broadcast = d.newBroadcast(c, c.closed)
		events = c.broadcast.begin()
	}
	b := c.broadcast
	if b == nil || b.stopped {
		return
	}
	b.stopped = true
	end := b.last
	for _, said := range [...]time.Time{c.closed, c.ended} {
		if said.After(end) {
			end = said
		}
	}
	stop := b.event(event.Stop, end)
	stop.Reason, stop.Playing, stop.Played = reasonNormal, end.Sub(b.last).Milliseconds(), end.Sub(b.began).Milliseconds()
	b.last = end
	d.emit(c, append(events, stop), end, out)
}

// newBroadcast returns the broadcast of a publisher that is seen for the first time. It began with the connection, but not
// before the snapshot that did not have it; if the connection is older than the Differ, the broadcast begins now, under an id
// that an earlier Differ cannot have used.
func (d *Differ) newBroadcast(c *connection, now time.Time) *broadcast {
	began := now
	if c.Since.After(d.began) && c.Since.Before(now) {
		began = c.Since
		if began.Before(d.last) {
			began = d.last
		}
	}
	id := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d %d",
		d.server, d.start, c.ID, c.Stream, d.began.UnixMilli(), began.UnixMilli()))
	return &broadcast{
		id: hex.EncodeToString(id[:16]), stream: d.named(c.Stream), method: c.Protocol, began: began, last: began,
		client: label(strings.TrimSpace(c.Protocol+" "+c.Client), event.MaxTextBytes),
	}
}

func (b *broadcast) begin() []event.Event {
	return []event.Event{b.event(event.Load, b.began), b.event(event.Start, b.began)}
}

func (b *broadcast) event(t event.Type, at time.Time) event.Event {
	b.seq++
	return event.New(b.seq, at.UnixMilli(), t)
}

func (d *Differ) emit(c *connection, events []event.Event, now time.Time, out *Delta) {
	if len(events) == 0 {
		return
	}
	b := c.broadcast
	session := event.Session{
		Organization: d.organization, ID: b.id, Stream: b.stream, Webcaster: true, Client: b.client, Method: b.method, Interval: d.interval,
		Viewer: event.Viewer{Referrer: c.Referrer},
	}
	if c.Address.IsValid() {
		session.Viewer.Address = c.Address.String()
	}
	out.Broadcasts = append(out.Broadcasts, event.Batch{Session: session, Received: now.UnixMilli(), Events: events})
}

func bitrate(v int64) int64 {
	if v <= 0 || v > event.MaxBitrate {
		return event.Absent
	}
	return v
}
