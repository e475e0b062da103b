package session

import (
	"slices"
	"strings"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
)

// isSilent reports whether nothing has come for so long that the session has ended; now is in ms since 1970.
func (s *session) isSilent(now int64) bool { return now-s.received >= silentIntervals*s.interval }

// over reports whether the session has ended and nothing of it waits.
func (s *session) over() bool { return s.ended && s.ahead == nil && !s.unnamed }

// waitsTooLong reports whether events wait for others that are given up.
func (s *session) waitsTooLong(now int64) bool {
	return s.ahead != nil && now-s.ahead.since >= silentIntervals*s.interval
}

// session is the state of one play or broadcast. It is small, because there are many: what many have in common they share.
type session struct {
	name  name
	space *aggregate.Space // shared
	*client
	network *network        // shared
	place   aggregate.Place // of space and player; is no state

	viewer     event.ViewerKey
	address    string          // "" if it is not known
	addressIn  *admission      // nil unless it was counted; is no state
	referrerIn *aggregate.Cell // to which it adds by referrer, or nil; is no state

	seen     sequence
	received int64 // ms since 1970, of the last batch
	lastTime int64 // of the accepted event with the highest seq

	ahead *ahead // nil if nothing waits

	loadTime, startTime      int64
	lastReport               int64 // ms since 1970, of the last report or the start
	played, buffered, paused int64 // ms in the reports since the start, until the end

	firstFrame int64 // ms from load to first frame, or event.Absent
	failedAt   int64 // ms since 1970, of the first fatal code since which nothing was played; 0 if there is none

	startSeq               uint32
	attempt                // beside what is short, so that it takes no more room than it needs
	loaded, started, ended bool
	adopted                bool // another collector counts start and end
	unnamed                bool // the viewer's agent is not found out yet
	isLive                 bool // ends by silence; see Tracker.live
	woken                  bool // has slept; is no state

	codes *codes  // that it had, at most maxCodes, and measure.Other for those beyond; nil if there are none
	held  *[]held // what waits for the viewer's agent; nil if nothing does

	*snapshots // nil if the player tells what it did, not its state at some moments

	record *play.Recorder // nil of a session of which no record is kept, or whose record is made
}

// client is what many sessions have in common. It is shared and must not be changed.
type client struct {
	webcaster bool
	interval  int64 // ms

	playing aggregate.Dimensions // of playing time
	os      aggregate.Dimensions // of the plays or publishes per operating system and device
	browser aggregate.Dimensions // likewise
	version aggregate.Dimensions // likewise
	player  aggregate.Player     // with what is played or published; only plays are counted by it

	direction string
	referrer  *referrer // shared
}

// referrer is where viewers of one organisation come from.
type referrer struct {
	organization, value string
	dimensions          aggregate.Dimensions // under which it counts if it is within the limit
	hour                *Period              // that has admitted it last; is no state
}

// codes are a code that sessions had and those that they had before. Many share each.
type codes struct {
	code   string
	before *codes // nil if there are none
}

// all returns the codes, the first one first.
func (c *codes) all() []string {
	var all []string
	for ; c != nil; c = c.before {
		all = append(all, c.code)
	}
	slices.Reverse(all)
	return all
}

// addCode returns codes and one more, which may be a part of a request.
func (t *Tracker) addCode(code string, before *codes) *codes {
	if known, ok := t.codes[codes{code, before}]; ok {
		return known
	}
	return shared(t.codes, codes{strings.Clone(code), before})
}

// network is whose network a viewer is in, and where in the country. Many viewers have it in common, of any country and client.
type network struct {
	region   string
	asn      uint32
	operator string
}

// entry is where a session adds to.
type entry struct {
	aggregate.Entry
	session *session
	now     int64                 // ms since 1970
	player  aggregate.PlayerEntry // of a player whose agent is known
	tracker *Tracker

	spent                 [2]spent // of even and of odd minutes: the span of a report is often of two
	bufferLength, latency values
}

// values are those of a distribution that reports which come together tell of one minute. Their buckets are counted already.
type values struct {
	at         int64 // ms since 1970, in the minute
	count, sum int64
}

// observe counts a value, and adds those before it if they are of another minute. Where a report is held for the agent, it is alone.
func (to *entry) observe(v *values, id measure.ID, at, value int64) {
	if to.session.unnamed {
		to.Observe(id, at, value)
		return
	}
	to.CountValue(id, at, value)
	if v.at/minute != at/minute {
		to.addValues(v, id)
		v.at = at
	}
	v.count++
	v.sum += value
}

func (to *entry) addValues(v *values, id measure.ID) {
	if v.count > 0 {
		to.AddValues(id, v.at, v.sum)
		if measure.IsByPlayer(id) {
			to.player.AddValues(id, v.at, v.count, v.sum)
		}
	}
	*v = values{}
}

// spent is how time of one minute was spent, by reports that come together: most are of the same minute, and are added at once.
type spent struct {
	at                    int64 // ms since 1970, in the minute
	playing, buffering    int64
	heights               [len(measure.HeightClasses)]int64 // of playing
	videoTime, videoBytes int64
	address, referrer     *aggregate.Cell // nil if playing is not added by it
}

// end adds what was left to be added at once.
func (to *entry) end() {
	to.addSpent(&to.spent[0])
	to.addSpent(&to.spent[1])
	to.addValues(&to.bufferLength, measure.BufferLength)
	to.addValues(&to.latency, measure.Latency)
}

func (to *entry) addSpent(sp *spent) {
	s := to.session
	to.Add(measure.Playing, sp.at, sp.playing, s.playing)
	if sp.address != nil {
		to.AddTo(sp.address, sp.at, sp.playing)
	}
	if !s.webcaster {
		to.AddTo(sp.referrer, sp.at, sp.playing)
		to.Add(measure.Buffering, sp.at, sp.buffering, "")
		to.Add(measure.Viewing, sp.at, sp.playing+sp.buffering, "")
		for class, playing := range sp.heights {
			to.Add(measure.PlayingByHeight, sp.at, playing, heightDimensions[class])
		}
		to.Add(measure.VideoPlayedTime, sp.at, sp.videoTime, "")
		to.Add(measure.VideoPlayed, sp.at, sp.videoBytes, "")
	}
	*sp = spent{}
}

// held is what is to be added by the labels of players once the viewer's agent is known.
type held struct {
	measure    measure.ID
	at         int64 // ms since 1970
	value      int64
	dimensions aggregate.Dimensions
}

// Add adds to a Sum, also by the labels of players.
func (to *entry) Add(id measure.ID, at, value int64, dimensions aggregate.Dimensions) {
	if value == 0 {
		return
	}
	to.Entry.Add(id, at, value, dimensions)
	to.addByPlayer(held{id, at, value, dimensions})
}

// Observe adds to a Distribution, also by the labels of players.
func (to *entry) Observe(id measure.ID, at, value int64) {
	to.Entry.Observe(id, at, value)
	to.addByPlayer(held{id, at, value, ""})
}

func (to *entry) addByPlayer(h held) {
	switch {
	case to.session.webcaster || !measure.IsByPlayer(h.measure):
	case to.session.unnamed:
		if to.session.held == nil {
			to.session.held = new([]held)
		}
		*to.session.held = append(*to.session.held, h)
	default:
		to.addNamed(h)
	}
}

func (to *entry) addNamed(h held) {
	if measure.Get(h.measure).Kind == measure.Distribution {
		to.player.AddValues(h.measure, h.at, 1, h.value)
	} else {
		to.player.Add(h.measure, h.at, h.value, h.dimensions)
	}
}

// ahead is what waits for events of lower seq.
type ahead struct {
	events []aheadEvent // in the order of seq
	since  int64        // ms since 1970, receipt of the first of them
}

type aheadEvent struct {
	event.Event
	credited bool // its playing and buffering are counted already
}

// admission remembers where an address counts as long as it is within the limit.
type admission struct {
	hour *Period         // that has admitted it last
	cell *aggregate.Cell // to which it adds
}

// minute and hour are one in ms.
const (
	minute = 60_000
	hour   = 60 * minute
)

// maxCodes is how many codes of one session are told apart in measure.PlaysByCode. Players have a handful.
const maxCodes = 32

// maxShared bounds what is shared of each kind.
const maxShared = 100_000

// shared returns a value that is equal to one that sessions share, and lets them share this one if there is none.
func shared[T comparable](all map[T]*T, one T) *T {
	if known, ok := all[one]; ok {
		return known
	}
	if len(all) >= maxShared {
		clear(all)
	}
	all[one] = &one
	return &one
}

func (t *Tracker) newSession(n name, d event.Session) session {
	s := session{
		name: n, address: d.Viewer.Address,
		space:   shared(t.spaces, aggregate.Space{Organization: d.Organization, Stream: d.Stream, Country: d.Viewer.Country, Event: d.Event}),
		client:  shared(t.clients, t.newClient(d)),
		network: shared(t.networks, network{d.Viewer.Region, d.Viewer.ASN, d.Viewer.Operator}),
	}
	s.unnamed = d.Viewer.Unnamed
	if !s.webcaster {
		s.viewer = d.Viewer.Key
	}
	return s
}

// referrerOf returns a referrer, which sessions share.
func (t *Tracker) referrerOf(organization, value string) *referrer {
	return shared(t.referrers, referrer{organization: organization, value: value, dimensions: aggregate.NewDimensions(measure.PlayingByReferrer, value)})
}

// The dimensions of addresses and referrers beyond the limit.
var (
	otherPlayoutAddress = aggregate.NewDimensions(measure.PlayingByIP, measure.Playout, measure.Other)
	otherIngestAddress  = aggregate.NewDimensions(measure.PlayingByIP, measure.Ingest, measure.Other)
	otherReferrer       = aggregate.NewDimensions(measure.PlayingByReferrer, measure.Other)
)

// otherAddress returns the dimensions of addresses beyond the limit.
func (of *client) otherAddress() aggregate.Dimensions {
	if of.webcaster {
		return otherIngestAddress
	}
	return otherPlayoutAddress
}

func (t *Tracker) newClient(d event.Session) client {
	direction, os, browser, versions := measure.Playout, measure.PlaysByOS, measure.PlaysByBrowser, measure.PlaysByVersion
	if d.Webcaster {
		direction, os, browser, versions = measure.Ingest, measure.PublishesByOS, measure.PublishesByBrowser, measure.PublishesByVersion
	}
	return client{
		player:    aggregate.Player{Version: d.Client, Protocol: d.Method, OS: d.Viewer.OS, Browser: d.Viewer.Browser, Device: d.Viewer.Device},
		webcaster: d.Webcaster,
		interval:  d.Interval.Milliseconds(),
		playing:   aggregate.NewDimensions(measure.Playing, direction, d.Method),
		os:        aggregate.NewDimensions(os, d.Viewer.OS, d.Viewer.Device),
		browser:   aggregate.NewDimensions(browser, d.Viewer.Browser),
		version:   aggregate.NewDimensions(versions, d.Client),

		direction: direction,
		referrer:  t.referrerOf(d.Organization, d.Viewer.Referrer),
	}
}

// adopt lets a session go on whose start another collector has counted.
func (s *session) adopt(start event.Started) {
	s.adopted, s.loaded, s.started = true, true, true
	s.startSeq, s.startTime = uint32(start.Seq), start.Time
	s.seen.skipTo(start.Seq + 1)
}

// accept counts what does not depend on other events, and queues what does.
func (s *session) accept(to *entry, e *event.Event, received int64) {
	if e.Seq == s.seen.highest() {
		s.lastTime = e.Time
	}
	if e.Code != "" {
		if s.record != nil {
			s.record.Status(e.Time, e.Code, e.Fatal)
		}
		id := measure.Statuses
		if s.webcaster {
			id = measure.PublishStatuses
		}
		to.Add(id, e.Time, 1, aggregate.NewDimensions(id, e.Code, fatality(e.Fatal)))
	}
	if e.Type == event.Status && s.webcaster {
		return
	}
	if e.Type == event.Stats || e.Type == event.Snapshot {
		s.observe(to, e)
	}
	if !s.webcaster && (e.Type == event.Stats || e.Type == event.Stop) {
		tell(to, e)
	}
	credited := false
	if s.started && e.Seq > int64(s.startSeq) && e.Reports() {
		s.credit(to, e.Time, e.Playing, e.Buffering, e.Paused, renditionOf(e))
		s.note(e, e.Time, e.Playing, e.Buffering, e.Paused)
		credited = true
	}
	if s.ahead == nil {
		if e.Seq < s.seen.below() {
			s.follow(to, e, credited)
			return
		}
		s.ahead = &ahead{since: received}
	}
	events := s.ahead.events
	i, _ := slices.BinarySearchFunc(events, e.Seq, func(a aheadEvent, seq int64) int { return int(a.Seq - seq) })
	s.ahead.events = slices.Insert(events, i, aheadEvent{*e, credited})
}

// settle counts the queued events whose predecessors are all there or given up.
func (s *session) settle(to *entry) {
	if s.ahead == nil {
		return
	}
	limit, done := s.seen.below(), 0
	for i := range s.ahead.events {
		e := &s.ahead.events[i]
		if e.Seq >= limit {
			break
		}
		s.follow(to, &e.Event, e.credited)
		done++
	}
	if s.ahead.events = slices.Delete(s.ahead.events, 0, done); len(s.ahead.events) == 0 {
		s.ahead = nil
	}
}

// follow counts an event all of whose predecessors are counted or given up.
func (s *session) follow(to *entry, e *event.Event, credited bool) {
	if e.Code != "" && !s.webcaster {
		s.countCode(to, e.Time, e.Code)
	}
	switch e.Type {
	case event.Load:
		s.load(to, e.Time)
	case event.Start:
		if s.started {
			return
		}
		s.started, s.startTime, s.startSeq, s.lastReport = true, e.Time, uint32(e.Seq), e.Time
		if e.StartTime == event.Absent && s.loaded && e.Time >= s.loadTime {
			e.StartTime = e.Time - s.loadTime
		}
		s.count(to, e.Time, e.StartTime)
	case event.Stats:
		if !s.started || e.Seq < int64(s.startSeq) {
			return
		}
		if !credited {
			s.credit(to, e.Time, e.Playing, e.Buffering, e.Paused, renditionOf(e))
			s.note(e, e.Time, e.Playing, e.Buffering, e.Paused)
		}
		s.lastReport = e.Time
		s.spent(e.Time, amount(e.Playing), amount(e.Buffering), amount(e.Paused))
	case event.Status:
		s.fail(to, e.Time, e.Fatal, e.Excuse)
	case event.Stop:
		if !s.started {
			s.leave(to, e.Time, e.Excuse)
			return
		}
		if e.Seq < int64(s.startSeq) {
			return
		}
		if e.Reports() {
			if !credited {
				s.credit(to, e.Time, e.Playing, e.Buffering, e.Paused, renditionOf(e))
				s.note(e, e.Time, e.Playing, e.Buffering, e.Paused)
			}
			s.spent(e.Time, amount(e.Playing), amount(e.Buffering), amount(e.Paused))
		}
		if s.ended {
			return
		}
		if !e.Reports() {
			rest := s.unreported(e)
			s.credit(to, e.Time, rest, event.Absent, event.Absent, renditionOf(e))
			s.spent(e.Time, rest, 0, 0)
			if rest > 0 {
				s.note(e, e.Time, rest, event.Absent, event.Absent)
			}
		}
		s.end(to, ending{time: e.Time, reason: e.Reason, played: e.Played})
	case event.Snapshot:
		s.turn(to, e)
	}
}

// countCode counts the session among those with a code, once.
func (s *session) countCode(to *entry, at int64, code string) {
	had := 0
	for c := s.codes; c != nil; c = c.before {
		if c.code == code {
			return
		}
		had++
	}
	if had >= maxCodes {
		if code = measure.Other; s.codes.code == code {
			return
		}
	}
	s.codes = to.tracker.addCode(code, s.codes)
	to.Add(measure.PlaysByCode, at, 1, aggregate.NewDimensions(measure.PlaysByCode, code))
}

// load counts the load, once.
func (s *session) load(to *entry, at int64) {
	if s.loaded {
		return
	}
	s.loaded, s.loadTime = true, at
	if s.record != nil {
		s.record.Load(at)
	}
	if !s.webcaster {
		to.Add(measure.Loads, at, 1, "")
		s.tries = !s.started
	}
}

// count counts a play or a publish that began at the time at, after startTime ms or event.Absent.
func (s *session) count(to *entry, at, startTime int64) {
	if s.record != nil {
		s.record.Start(at, startTime)
	}
	if !s.unnamed {
		s.countAgent(to, at)
	}
	if s.webcaster {
		to.Add(measure.Publishes, at, 1, "")
		to.Add(measure.PublishesByVersion, at, 1, s.version)
		return
	}
	to.Add(measure.Plays, at, 1, "")
	to.Add(measure.PlaysByVersion, at, 1, s.version)
	to.Add(measure.Stays, at, 1, "")
	if startTime != event.Absent {
		to.Observe(measure.StartTime, at, startTime)
	}
	s.show(to, at, startTime)
}

// countAgent counts with which system, device and browser a play or a publish began at the time at.
func (s *session) countAgent(to *entry, at int64) {
	if s.webcaster {
		to.Add(measure.PublishesByOS, at, 1, s.os)
		to.Add(measure.PublishesByBrowser, at, 1, s.browser)
		return
	}
	to.Add(measure.PlaysByOS, at, 1, s.os)
	to.Add(measure.PlaysByBrowser, at, 1, s.browser)
}

// settleAgent counts, of a session whose agent was not found out, what was left out for that.
func (s *session) settleAgent(to *entry) {
	s.unnamed = false
	s.release(to)
	if s.started && !s.adopted {
		s.countAgent(to, s.startTime)
	}
}

// release counts what waits for the agent, by what is known of it.
func (s *session) release(to *entry) {
	if s.held == nil {
		return
	}
	for _, h := range *s.held {
		to.addNamed(h)
	}
	s.held = nil
}

// observe counts the numbers of a report that stand for themselves.
func (s *session) observe(to *entry, e *event.Event) {
	add := func(id measure.ID, value int64) {
		if value != event.Absent {
			to.Observe(id, e.Time, value)
		}
	}
	if s.webcaster {
		add(measure.VideoBitrate, e.VideoBitrate)
		add(measure.AudioBitrate, e.AudioBitrate)
		add(measure.RoundTripTime, e.RoundTripTime)
		add(measure.PacketLoss, e.PacketLoss)
		add(measure.PictureHeight, e.Height)
		add(measure.FrameRate, e.FrameRate)
		add(measure.Jitter, e.Jitter)
		add(measure.MediaLag, e.MediaLag)
		return
	}
	if e.BufferLength != event.Absent {
		to.observe(&to.bufferLength, measure.BufferLength, e.Time, e.BufferLength)
	}
	if e.Latency != event.Absent {
		to.observe(&to.latency, measure.Latency, e.Time, e.Latency)
	}
}

// unreported is how long a play that stops without a report of its own has played since the last one (docs/rules.md, 9).
func (s *session) unreported(stop *event.Event) int64 {
	if s.lastReport == 0 {
		return 0 // the last report went to the collector that had the session before
	}
	rest := stop.Time - s.lastReport
	if stop.Played != event.Absent {
		rest = min(rest, stop.Played-s.played-s.buffered)
	}
	return max(rest, 0)
}

type ending struct {
	time   int64
	reason string
	played int64 // or Absent
}

// stayDimensions are the dimensions of measure.Stays of plays that ended, by the bucket of the time they played.
var stayDimensions = func() (d [measure.BucketCount]aggregate.Dimensions) {
	for bucket := range d {
		d[bucket] = aggregate.NewDimensions(measure.Stays, measure.BucketRange(bucket))
	}
	return d
}()

func (s *session) end(to *entry, e ending) {
	s.ended = true
	if s.adopted {
		return
	}
	played := e.played
	if played == event.Absent {
		played = max(e.time-s.startTime-s.paused, 0)
	}
	if s.record != nil {
		s.record.End(e.time, played, e.reason)
	}
	if s.webcaster {
		to.Observe(measure.IngestTime, e.time, played)
		to.Add(measure.PublishStops, e.time, 1, aggregate.NewDimensions(measure.PublishStops, e.reason))
		return
	}
	to.Observe(measure.PlayedTime, e.time, played)
	to.Add(measure.Stays, s.startTime, 1, stayDimensions[measure.Bucket(played)])
	to.Add(measure.Stops, e.time, 1, aggregate.NewDimensions(measure.Stops, e.reason))
	s.judge(to, e.time, played)
}

// note notes what an event says of the span that ends at the time end for the record of the play.
func (s *session) note(e *event.Event, end, playing, buffering, paused int64) {
	if s.record == nil {
		return
	}
	bitrate := e.VideoBitrate
	if e.Type == event.Snapshot {
		bitrate = s.record.Told() // what the event tells is of the span that begins
	}
	s.record.Report(play.Entry{
		End: end, Playing: amount(playing), Buffering: amount(buffering), Paused: amount(paused),
		Bitrate: bitrate, Height: e.Height, Latency: e.Latency, BufferLength: e.BufferLength,
	}, e)
}

// credit spreads what a report says over the minutes of its span, which ends at the time end.
func (s *session) credit(to *entry, end, playing, buffering, paused int64, r rendition) {
	playing, buffering, paused = amount(playing), amount(buffering), amount(paused)
	length := playing + buffering + paused
	if length == 0 {
		return
	}
	begin := end - length
	var address, referrer *aggregate.Cell
	if s.address != "" {
		address = s.addressAt(to, end)
	}
	if !s.webcaster {
		referrer = s.referrerAt(to, end)
	}
	var played, buffered int64
	for from := begin; from < end; {
		till := min(from-from%minute+minute, end)
		passed := till - begin
		p, b := playing*passed/length-played, buffering*passed/length-buffered
		sp := &to.spent[from/minute&1]
		if sp.at/minute != from/minute || sp.address != address || sp.referrer != referrer {
			to.addSpent(sp)
			sp.at, sp.address, sp.referrer = from, address, referrer
		}
		sp.playing += p
		sp.buffering += b
		if !s.webcaster {
			r.render(sp, p, played)
		}
		played, buffered = played+p, buffered+b
		from = till
	}
}

// addressAt returns to what playing adds by address at a time, in ms since 1970.
func (s *session) addressAt(to *entry, at int64) *aggregate.Cell {
	in := s.addressIn
	if in == nil || !in.hour.has(at, to.now) {
		value, admitted := to.tracker.hourly(s.space.Organization, measure.DimensionIP, s.address, at)
		if value != s.address {
			return to.Cell(measure.PlayingByIP, s.otherAddress())
		}
		if in == nil {
			in = &admission{}
			s.addressIn = in
		}
		in.hour = admitted
	}
	if !to.Has(in.cell) {
		in.cell = to.OwnCell(measure.PlayingByIP, aggregate.NewDimensions(measure.PlayingByIP, s.direction, s.address))
	}
	return in.cell
}

// referrerAt returns to what playing adds by referrer at a time, in ms since 1970.
func (s *session) referrerAt(to *entry, at int64) *aggregate.Cell {
	r := s.referrer
	if !r.hour.has(at, to.now) {
		value, admitted := to.tracker.hourly(s.space.Organization, measure.DimensionReferrer, r.value, at)
		if value != r.value {
			return to.Cell(measure.PlayingByReferrer, otherReferrer)
		}
		r.hour = admitted
	}
	if !to.Has(s.referrerIn) {
		s.referrerIn = to.Cell(measure.PlayingByReferrer, r.dimensions)
	}
	return s.referrerIn
}

func amount(value int64) int64 {
	if value == event.Absent {
		return 0
	}
	return value
}

func fatality(fatal bool) string {
	if fatal {
		return "true"
	}
	return "false"
}
