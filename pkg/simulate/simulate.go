// Package simulate plays the part of the world: it sends over HTTP what players, webcasters and streaming servers would
// send to a collector, live or for days that have passed.
//
// Everything is drawn from one seed. The same options give the same sessions; only the times of a live run differ.
package simulate

import (
	"errors"
	"fmt"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// Options say what is simulated.
type Options struct {
	// URL is the root of the collector. It must trust this machine's X-Forwarded-For, in which viewers' addresses travel.
	URL string
	// Account is the identity of the players; their pages are on its origins, if it has any.
	Account tenant.Account
	// SecretKey is that of the organisation's servers; empty = no usage is sent.
	SecretKey string
	// GeoIP are the paths of the GeoIP databases from which addresses are drawn, best the collector's own. None = addresses
	// of no country.
	GeoIP []string
	// Viewers is how many plays run at a time, in Live.
	Viewers int
	// Publishers is how many broadcasts run at a time: every second one from a browser, the others from encoders that send
	// RTMP and no events. There is at most one per stream.
	Publishers int
	// Streams is the number of streams; default 24.
	Streams int
	// PlaysPerDay is how many plays History makes of a day; default as many as keep about Viewers at the busiest hour.
	PlaysPerDay int
	// Seed makes a run repeatable. The default 0 draws another one for each run: a collector knows the sessions of the last
	// 24 h and counts none of them twice.
	Seed uint64
	// Interval is the time between the reports of a live session, 1 s to 60 s; default 10 s.
	Interval time.Duration
	// Troubles and Outages are what goes wrong, so that there is something to be found.
	Troubles []Trouble
	Outages  []Outage
	// SilentViewers is how many watch a further stream at a time whose players report nothing: they are in the access logs alone, of
	// the last 24 h and of now. They need SecretKey.
	SilentViewers int
	// Status is told every 10 s how Live goes on; nil = it is not.
	Status func(Status)
}

// Trouble makes players of one kind and version in one country stall for 40 % of the time.
type Trouble struct {
	Country, Kind, Version string
	From, To               time.Time
}

// Outage takes the publisher of a stream away for a time, and so its viewers: those who come meanwhile fail to start.
type Outage struct {
	Stream   string
	From, To time.Time
}

// StreamNames are the names of the streams that a simulation of so many has, the most watched first.
func StreamNames(count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = newStream(i).name
	}
	return names
}

const (
	defaultStreams  = 24
	defaultInterval = 10 * time.Second
)

// playsPerViewer is how many plays of the mean duration, by day and night, one of the viewers of the busiest hour stands for.
const playsPerViewer = 100

func (o Options) withDefaults() (Options, error) {
	if o.URL == "" {
		return o, errors.New("simulate: the URL of the collector is missing")
	}
	if o.Viewers < 0 || o.Publishers < 0 || o.Streams < 0 || o.PlaysPerDay < 0 || o.SilentViewers < 0 {
		return o, errors.New("simulate: viewers, publishers, streams, plays a day and silent viewers must not be negative")
	}
	if o.Streams == 0 {
		o.Streams = defaultStreams
	}
	o.Publishers = min(o.Publishers, o.Streams)
	if o.PlaysPerDay == 0 {
		o.PlaysPerDay = playsPerViewer * o.Viewers
	}
	if o.Interval == 0 {
		o.Interval = defaultInterval
	}
	if o.Interval < time.Second || o.Interval > time.Minute {
		return o, fmt.Errorf("simulate: the interval must be 1 s to 60 s, not %s", o.Interval)
	}
	return o, nil
}

// Summary is what a run has sent.
type Summary struct {
	Sessions int64 // plays and broadcasts that sent events
	Batches  int64 // requests with events that were taken
	Events   int64 // accepted events
	Lines    int64 // accepted lines of usage
	Refused  int64 // refused events and lines
	Repeated int64 // requests that were sent again, because they failed or the answer was to come back later
	Late     int64 // steps of live sessions that came more than a second after their time
	Latency  Latency
}

// Latency is how long a collector took to answer requests with events, to 5 %.
type Latency struct{ Median, P99, Max time.Duration }

// String returns the latencies for a line of text.
func (l Latency) String() string {
	return fmt.Sprintf("median %s p99 %s max %s", short(l.Median), short(l.P99), short(l.Max))
}

func short(d time.Duration) string { return d.Round(max(d/100, time.Microsecond)).String() }

// Status is how a live run goes on.
type Status struct {
	Live int // sessions that have sent something and are not over
	// BatchesPerSecond and Latency are of the time since the last status.
	BatchesPerSecond float64
	Latency          Latency
	// Refused, Repeated and Late are those of the Summary so far.
	Refused, Repeated, Late int64
}
