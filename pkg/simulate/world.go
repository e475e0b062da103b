package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// world is all that sessions have in common.
type world struct {
	options   Options
	seed      uint64
	streams   []stream
	networks  networks
	byStream  chooser // of plays: a power law
	byPlace   chooser
	byAgent   chooser
	byPlayer  [devices]chooser
	byVersion map[*player]chooser
	sites     []weighted[string]
}

// stream is a live stream.
type stream struct {
	name       string
	event      string
	token      bool // pulled from a server of the customer's own, its traffic counts as h5live_token
	returnFeed bool // the publisher watches the stream back, over RTMP
	encoder    bool // sent by an encoder, else by a webcaster
	bitrate    int64
}

// pace is how often a session reports, and how often its server writes a line of usage of it.
type pace struct{ interval, billing time.Duration }

// Kinds of sessions, which have seeds of their own.
const (
	livePlay uint64 = iota
	liveBroadcast
	pastPlay
	pastBroadcast
	pastUsage
	setting
	silent
)

const (
	// streamExponent is that of the power law by which plays choose streams.
	streamExponent  = 1.1
	medianPlay      = 4 * time.Minute
	sigmaPlay       = 1.2
	longestPlay     = 6 * time.Hour
	medianBroadcast = 90 * time.Minute
	sigmaBroadcast  = 0.6
	longestTime     = 12 * time.Hour // of a broadcast
	vanishChance    = 0.05           // that a broadcast ends without a stop
)

// meanPlay is the mean of the log-normal distribution of the lengths of plays, above the cut at longestPlay.
func meanPlay() time.Duration {
	return time.Duration(float64(medianPlay) * math.Exp(sigmaPlay*sigmaPlay/2))
}

func newWorld(o Options) (*world, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	w := &world{options: o, seed: o.Seed, sites: sites, byVersion: map[*player]chooser{}}
	if w.seed == 0 {
		w.seed = rand.Uint64()
	}
	r := rand.New(w.source(setting, 0))
	if len(o.GeoIP) > 0 {
		wanted := map[string]bool{}
		for _, p := range places {
			wanted[p.country] = true
		}
		if w.networks, err = readNetworks(o.GeoIP, wanted, r); err != nil {
			return nil, err
		}
	}
	for i := range o.Streams {
		w.streams = append(w.streams, newStream(i))
	}
	if origins := o.Account.Origins; len(origins) > 0 {
		w.sites = nil
		for i, origin := range origins {
			w.sites = append(w.sites, weighted[string]{origin, 1 / float64(i+1)})
		}
	}
	w.byStream = newChooser(len(w.streams), func(i int) float64 { return math.Pow(float64(i+1), -streamExponent) })
	w.byPlace = newChooser(len(places), func(i int) float64 { return places[i].weight })
	w.byAgent = newChooser(len(agents), func(i int) float64 { return agents[i].weight })
	for d := range devices {
		w.byPlayer[d] = newChooser(len(players), func(i int) float64 { return players[i].weights[d] })
	}
	for i := range players {
		w.byVersion[&players[i]] = newVersionChooser(&players[i])
	}
	w.byVersion[&webcaster] = newVersionChooser(&webcaster)
	return w, nil
}

func newVersionChooser(p *player) chooser {
	return newChooser(len(p.versions), func(i int) float64 { return versionWeights[i] })
}

func newStream(i int) stream {
	name := streamNames[i%len(streamNames)]
	if round := i / len(streamNames); round > 0 {
		name = fmt.Sprintf("%s-%d", name, round+1)
	}
	return stream{
		name:       name,
		event:      streamEvents[i],
		token:      i%7 == 2,
		returnFeed: i%5 == 1,
		encoder:    i%2 == 1,
		bitrate:    int64(ladder[len(ladder)-1-i%3]),
	}
}

// source returns the source of chance of one session, which does not depend on any other.
func (w *world) source(kind, number uint64) *rand.PCG {
	return rand.NewPCG(w.seed, kind<<56|number)
}

// newPlay returns the play with the number, which begins at the time at. It returns nil if whoever was drawn sleeps then,
// so that the audience follows the hours of the day.
func (w *world) newPlay(kind, number uint64, at time.Time, p pace) *session {
	s := &session{source: *w.source(kind, number), number: number, kind: kind}
	r := rand.New(&s.source)
	s.place = &places[w.byPlace.draw(r)]
	if r.Float64() >= s.place.activity(at) {
		return nil
	}
	s.stream = &w.streams[w.byStream.draw(r)]
	s.agent = &agents[w.byAgent.draw(r)]
	s.player = &players[w.byPlayer[s.agent.device].draw(r)]
	w.begin(s, r, at, p)
	s.best = s.chooseRendition(r)
	// Players begin below what the network carries, and find out.
	s.rendition = int64(ladder[max(rung(s.best)-1, 0)])
	s.ends = s.due + min(int64(logNormal(r, ms(medianPlay), sigmaPlay)), longestPlay.Milliseconds())
	s.fate = plays
	switch chance := r.Float64(); {
	case chance < 0.02*math.Sqrt(s.place.strain):
		s.fate = fails
	case chance < 0.05:
		s.fate = leaves
	case chance < 0.08:
		s.fate = vanishes
	}
	w.meetTrouble(s)
	return s
}

// meetTrouble lets a play meet what goes wrong in its time.
func (w *world) meetTrouble(s *session) {
	for _, t := range w.options.Troubles {
		if t.Country == s.place.country && t.Kind == s.player.kind && t.Version == s.version {
			s.from, s.to = t.From.UnixMilli(), t.To.UnixMilli()
		}
	}
	for _, o := range w.options.Outages {
		if o.Stream != s.stream.name {
			continue
		}
		from, to := o.From.UnixMilli(), o.To.UnixMilli()
		switch {
		case s.due < from:
			s.ends = min(s.ends, from+s.interval)
		case s.loaded < to:
			s.fate = fails
		}
	}
}

// newBroadcast returns the broadcast with the number, on the stream.
func (w *world) newBroadcast(kind, number uint64, onto *stream, at time.Time, p pace) *session {
	for _, o := range w.options.Outages {
		if o.Stream == onto.name && !at.Before(o.From) && at.Before(o.To) {
			at = o.To
		}
	}
	s := &session{source: *w.source(kind, number), number: number, kind: kind}
	r := rand.New(&s.source)
	s.stream = onto
	s.place = &places[w.byPlace.draw(r)]
	s.agent = &agents[w.byAgent.draw(r)]
	for s.agent.device == television {
		s.agent = &agents[w.byAgent.draw(r)]
	}
	s.player = &webcaster
	if onto.encoder {
		s.player = &encoder
	}
	w.begin(s, r, at, p)
	s.rendition, s.best = s.stream.bitrate, s.stream.bitrate
	s.ends = s.due + min(int64(logNormal(r, ms(medianBroadcast), sigmaBroadcast)), longestTime.Milliseconds())
	for _, o := range w.options.Outages {
		if from := o.From.UnixMilli(); o.Stream == onto.name && s.due < from {
			s.ends = min(s.ends, from)
		}
	}
	s.fate = plays
	if r.Float64() < vanishChance {
		s.fate = vanishes
	}
	return s
}

// begin fills in what plays and broadcasts have alike.
func (w *world) begin(s *session, r *rand.Rand, at time.Time, p pace) {
	if versions := w.byVersion[s.player]; versions != nil {
		s.version = s.player.versions[versions.draw(r)]
	}
	s.address = w.networks.address(r, s.place.country)
	s.site = draw(r, w.sites)
	s.interval, s.billing = p.interval.Milliseconds(), p.billing.Milliseconds()
	s.loaded = at.UnixMilli()
	s.due = s.loaded + int64(logNormal(r, s.player.startTime*math.Sqrt(s.place.strain), 0.45))
}

func ms(d time.Duration) float64 { return float64(d.Milliseconds()) }

// head is what every request of the session says of it.
func (w *world) head(s *session) envelope {
	e := envelope{
		AccountID:  w.options.Account.ID,
		AccountKey: w.options.Account.Key,
		SessionID:  s.id(w.seed),
		Stream:     s.stream.name,
		EventID:    s.stream.event,
		UserID:     fmt.Sprintf("user-%d", s.number%100_000),
		Referrer:   s.page(),
		Interval:   float64(s.interval) / 1000,
	}
	e.Client.Kind, e.Client.Version = s.player.kind, s.version
	return e
}

// page is the address of the page with the player, "" for an app.
func (s *session) page() string {
	if s.site == "" {
		return ""
	}
	return strings.TrimSuffix(s.site, "/") + "/live/" + s.stream.name
}
