package mediaserver

import (
	"cmp"
	"slices"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

const (
	// remembered is for how many snapshots something is remembered that is gone, so that it does not count from zero if it
	// was only left out of some. What comes back later is known by its age, and its past is left out.
	remembered = 12
	// rememberedUndated is the same for what has no known age.
	rememberedUndated = 100
	// inaccuracy is how wrong the age of something may be: servers tell their time in whole seconds.
	inaccuracy = 3 * time.Second
	// protocolOther is the protocol of traffic of connections that no snapshot saw, on a stream with several protocols.
	protocolOther = "other"
)

// Delta is what happened between two snapshots.
type Delta struct {
	Usage      []event.Usage
	Broadcasts []event.Batch
	// LeftOut are bytes that counters have and that do not count: those of something that a server began to show long after it
	// had begun, those of players whose stream nobody told, and those of counters that cannot be true.
	LeftOut int64
}

// Differ turns the snapshots of one server into what happened between them.
//
// What the server counted before the first snapshot is left out, but for connections and streams that began after the Differ
// did. All counters of another run of the server count from zero. Where the server counts a stream as a whole, the sum of its
// usage is what that counter grew by, to the byte: connections give their part of it an address, the rest has none. What players
// send and publishers are sent is no usage.
//
// It must not be used by several goroutines at once.
type Differ struct {
	name         func(string) string // of a stream, as it counts
	names        map[string]string   // what name returned for the current snapshot: it may be slow, and change between two
	organization string
	server       string // tells the sessions of several servers apart
	interval     time.Duration
	began        time.Time
	relays       bool // what was passed on to other servers is usage
	logged       bool // what players were sent is no usage, because an access log has it

	seen        bool // a snapshot
	start       string
	last        time.Time              // of the last snapshot
	times       []time.Time            // of the last snapshots, at most remembered
	forgotten   time.Time              // what is younger was not forgotten in this run of the server; zero if nothing was
	connections map[string]*connection // by ID
	totals      map[totalKey]*total
	present     map[streamKey][]*total // of the current snapshot
	absent      map[streamKey][]*total // those that it lacks
}

// NewDiffer returns a Differ for a server that is polled at the given interval from the given time on. The name of the server
// and the time make the ids of its broadcasts unique.
func NewDiffer(organization, server string, interval time.Duration, began time.Time) *Differ {
	return &Differ{
		organization: organization, server: server, interval: interval, began: began, name: func(name string) string { return name },
		connections: map[string]*connection{}, totals: map[totalKey]*total{},
	}
}

// connection is what is known of a connection.
type connection struct {
	Connection
	snapshots int // how many had it while it used a stream
	read      meters
	owed      counters  // read from snapshots, but not counted yet
	grown     counters  // of that, what the current snapshot had more than the last
	final     counters  // what a hook said at the end, but not counted yet
	counted   bool      // it is in its stream's counter, so that what of it is owed at the end may have counted as the stream's
	alone     counters  // what counted while there was no such counter
	missing   int       // number of snapshots since it was in one
	waited    int       // number of snapshots that had it without a stream
	listed    bool      // the current snapshot has it, if only without a stream
	closed    time.Time // when a hook said that it ended
	ended     time.Time // when a hook said that it was about to
	late      bool      // that was after a snapshot that did not have it any more
	covered   bool      // what it did last is in its stream's counter
	broadcast *broadcast
	// Of a publisher: the packets and the time of the media that the last report knew, and by how much the clock was ahead of the media at
	// least, in ms.
	packets, lost, media, ahead int64
}

// useful returns the direction that counts as usage.
func (c *connection) useful() int {
	if c.Publisher {
		return received
	}
	return sent
}

// streamKey is what a counter is of: the connections of a stream, of one protocol or, if that is "", of all.
type streamKey struct{ stream, protocol string }

// totalKey tells counters apart that have one name.
type totalKey struct {
	streamKey
	id string
}

// total is what is known of a stream's counters.
type total struct {
	Stream
	read    meters
	missing int
	arrived int64 // what publishers sent before the last snapshot, since the one before; event.Absent if that is not known
	behind  int64 // what relays may still have to be sent of what publishers sent

	// Of the current snapshot:
	known bool     // by how much they grew
	anew  bool     // they began anew
	late  bool     // they are shown for the first time, but may have been there before
	grown counters // by how much they grew
	left  counters // growth that is not counted yet; event.Absent if it is not known
	users []*connection
}

// Opened tells of a connection that has just begun. The next snapshots need not have it for Closed to count it.
func (d *Differ) Opened(c Connection) {
	if !d.seen || c.Stream == "" {
		return
	}
	switch known := d.connections[c.ID]; {
	case known == nil:
		d.connections[c.ID] = &connection{Connection: c}
	case known.Unnamed && known.Stream == "":
		known.Stream, known.Publisher = c.Stream, c.Publisher
	case c.Publisher && !known.Publisher && c.Stream == known.Stream && known.closed.IsZero(): // it was a player until now
		known.Publisher, known.Since = true, c.Since
	}
}

// Closed tells that a connection has ended, and its final counters, event.Absent if they are not known. What it says of a
// connection that neither a snapshot nor Opened told of is ignored.
func (d *Differ) Closed(id string, receivedBytes, sentBytes int64, at time.Time) {
	c := d.connections[id]
	if c == nil || c.Stream == "" || !c.closed.IsZero() {
		return
	}
	c.closed, c.late, c.Sent = at, c.missing > 0, sentBytes
	if c.late && c.covered {
		return
	}
	for dir, final := range (counters{receivedBytes, sentBytes}) {
		if growth := final - max(c.read[dir].counted, 0); growth > 0 && growth <= maxGrowth {
			c.final[dir] += growth
			c.read[dir] = metered(final)
		}
	}
}

// Ended tells that a connection ends. Its final counters are those that a snapshot still has.
func (d *Differ) Ended(id string, at time.Time) {
	switch c := d.connections[id]; {
	case c == nil:
	case c.snapshots == 0 && c.Stream != "":
		d.Closed(id, event.Absent, event.Absent, at)
	default:
		c.ended = at
	}
}

// Next returns what happened since the snapshot before.
func (d *Differ) Next(s Snapshot) Delta {
	out := Delta{}
	d.names = make(map[string]string, len(d.names))
	switch {
	case s.Start == "": // the server did not say this time
		s.Start = d.start
	case d.start != "" && s.Start != d.start:
		d.restart(&out, s.Time)
	}
	d.readTotals(&s, &out)
	d.readConnections(&s, &out)
	all := d.sorted()
	d.settleLate(all)
	d.settleUncounted(all, &out, s.Time)
	for _, c := range all {
		if c.closed.After(s.Time) { // the snapshot cannot have all of it
			continue
		}
		d.pay(c, &out, s.Time)
	}
	d.payRest(&out, s.Time)
	if d.logged {
		out.Usage = withoutPlayout(out.Usage)
	}
	d.forget()
	d.seen, d.start, d.last = true, s.Start, s.Time
	d.times = append(d.times, s.Time)
	d.times = d.times[max(len(d.times)-remembered, 0):]
	return out
}

// withoutPlayout leaves out the bytes that players were sent, but not who plays.
func withoutPlayout(lines []event.Usage) []event.Usage {
	kept := lines[:0]
	for _, u := range lines {
		if u.Direction == measure.Playout && u.Protocol != ProtocolRelay {
			if u.Viewer == 0 {
				continue
			}
			u.Bytes = 0
		}
		kept = append(kept, u)
	}
	return kept
}

// restart ends everything, because another run of the server counts from zero.
func (d *Differ) restart(out *Delta, now time.Time) {
	d.times, d.forgotten = nil, time.Time{}
	d.totals, d.present, d.absent = map[totalKey]*total{}, nil, nil
	for _, c := range d.sorted() {
		d.endBroadcast(c, out)
		d.pay(c, out, now)
	}
	d.connections = map[string]*connection{}
}

// sorted returns the connections that use a stream, or did.
func (d *Differ) sorted() []*connection {
	all := make([]*connection, 0, len(d.connections))
	for _, c := range d.connections {
		if c.Stream != "" {
			all = append(all, c)
		}
	}
	// What has ended is counted first: what lives gets its turn with the next snapshot.
	slices.SortFunc(all, func(a, b *connection) int {
		if a.missing != b.missing {
			return cmp.Compare(b.missing, a.missing)
		}
		return cmp.Or(b.closed.Compare(a.closed), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// past reports whether something that is shown for the first time, or again after it was forgotten, may have counted before, so that
// it is not known what of its counters is new: it is older than the Differ, or than what is remembered.
func (d *Differ) past(since time.Time) bool {
	if !d.seen {
		return !since.After(d.began)
	}
	return !since.IsZero() && (since.Before(d.began.Add(-inaccuracy)) || !d.forgotten.IsZero() && since.Before(d.forgotten.Add(inaccuracy)))
}

func (d *Differ) readTotals(s *Snapshot, out *Delta) {
	for _, t := range d.totals {
		t.known, t.missing = false, t.missing+1
	}
	d.present = make(map[streamKey][]*total, len(s.Streams))
	for i := range s.Streams {
		stream := &s.Streams[i]
		if stream.Name == "" {
			continue
		}
		key := totalKey{streamKey{stream.Name, stream.Protocol}, stream.ID}
		now := counters{stream.Received, stream.Sent}
		t := d.totals[key]
		switch {
		case t != nil && t.missing == 0: // a server that cannot tell two streams apart
			continue
		case t == nil && d.past(stream.Since):
			t = &total{read: metersAt(now), arrived: event.Absent}
			if d.seen {
				out.LeftOut += now.sum()
			}
		default:
			late := t == nil && stream.Since.Before(d.last)
			if t == nil {
				t = &total{}
			}
			t.late = late
			var implausible int64
			t.grown, t.anew, implausible = t.read.advance(now, stream.ID != "")
			t.known, t.left = true, t.grown
			out.LeftOut += implausible
		}
		for dir := range now {
			if now[dir] == event.Absent {
				t.left[dir] = event.Absent
			}
		}
		t.Stream, t.missing = *stream, 0
		d.totals[key] = t
		d.present[key.streamKey] = append(d.present[key.streamKey], t)
	}
	d.absent = map[streamKey][]*total{}
	for key, t := range d.totals {
		if t.missing > 0 {
			d.absent[key.streamKey] = append(d.absent[key.streamKey], t)
		}
	}
}

// total returns the counters that hold what a connection does, nil if there are none in the current snapshot.
func (d *Differ) total(c *connection) *total { return counterOf(c, d.present) }

// counterOf returns those of some counters that hold what a connection does. For a connection that does not say which of the counters
// of its name hold it, it takes those that have most that is not counted yet.
func counterOf(c *connection, some map[streamKey][]*total) *total {
	var found *total
	for _, key := range [...]streamKey{{c.Stream, c.Protocol}, {c.Stream, ""}} {
		for _, t := range some[key] {
			switch {
			case c.StreamID != "" && t.ID != "" && c.StreamID != t.ID:
			case found == nil, t.left[c.useful()] > found.left[c.useful()]:
				found = t
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

func (d *Differ) readConnections(s *Snapshot, out *Delta) {
	for _, c := range d.connections {
		c.listed, c.grown = false, counters{}
	}
	present := make(map[string]bool, len(s.Connections))
	for i := range s.Connections {
		seen := &s.Connections[i]
		if seen.ID == "" || present[seen.ID] {
			continue
		}
		now := counters{seen.Received, seen.Sent}
		c := d.connections[seen.ID]
		if c == nil {
			c = &connection{Connection: *seen}
			if d.past(seen.Since) {
				c.read = metersAt(now)
				if d.seen && seen.Stream != "" {
					out.LeftOut += max(now[c.useful()], 0)
				}
			}
			d.connections[seen.ID] = c
		}
		c.listed, c.Unnamed = true, seen.Unnamed
		if seen.Unnamed && seen.Stream == "" {
			seen.Stream = c.Stream
		}
		switch {
		case seen.Stream == "": // it waits for a stream, or has left it
			if c.waited++; c.Unnamed && c.waited > 1 { // the hook would have come
				grown, _, implausible := c.read.advance(now, true)
				out.LeftOut += grown[c.useful()] + implausible
			}
			continue
		case !c.closed.IsZero(): // it ended after the server was asked, and said more
			present[seen.ID] = true
			continue
		case c.Stream == "": // it has waited
		case c.Stream != seen.Stream || c.Publisher != seen.Publisher:
			d.endBroadcast(c, out)
			c.broadcast, c.Since, c.alone, c.ahead = nil, s.Time, counters{}, 0
		}
		present[seen.ID] = true
		d.readConnection(c, *seen, now, out)
		d.continueBroadcast(c, out, s.Time)
	}
	for id, c := range d.connections {
		if present[id] || c.Stream == "" {
			continue
		}
		c.missing++
		if c.snapshots > 0 && c.missing == 1 {
			t := d.total(c)
			c.covered = t != nil && t.known && !t.anew
		}
		if c.snapshots > 0 || !c.closed.IsZero() {
			d.endBroadcast(c, out)
		}
	}
}

// readConnection reads the counters of a connection that uses a stream.
func (d *Differ) readConnection(c *connection, seen Connection, now counters, out *Delta) {
	// The ids of a run that is known are of one connection each.
	grown, _, implausible := c.read.advance(now, d.start != "" || !c.Since.IsZero() && c.Since.Equal(seen.Since))
	out.LeftOut += implausible
	for dir := range grown {
		c.owed[dir] += grown[dir]
	}
	if c.snapshots > 0 || seen.Since.IsZero() {
		seen.Since = c.Since
	}
	c.Connection, c.missing = seen, 0
	c.snapshots++
	c.grown = grown
	t := d.total(c)
	if t != nil {
		c.StreamID = cmp.Or(c.StreamID, t.ID)
	}
}

// settleLate takes what connections did out of counters that are shown late, if it counted without them.
func (d *Differ) settleLate(all []*connection) {
	late := false
	for _, t := range d.totals {
		late = late || t.late && t.missing == 0
	}
	if !late {
		return
	}
	for _, c := range all {
		if c.alone == (counters{}) {
			continue
		}
		if t := d.total(c); t != nil && t.late {
			for dir := range c.alone {
				counted := min(c.alone[dir], max(t.left[dir], 0))
				t.left[dir] -= counted
				c.alone[dir] -= counted
			}
		}
	}
}

// settleUncounted owes what a stream's counters grew by to the one connection that it can come from, if the server does not
// count for connections.
func (d *Differ) settleUncounted(all []*connection, out *Delta, now time.Time) {
	for _, t := range d.totals {
		t.users = t.users[:0]
	}
	for _, c := range all {
		if t := d.total(c); t != nil {
			t.users = append(t.users, c)
		}
	}
	for _, t := range d.totals {
		if !t.known || t.missing > 0 {
			continue
		}
		d.payRelays(t, out, now)
		for dir, left := range t.left {
			if left <= 0 {
				continue
			}
			if dir == sent && t.Late {
				continue
			}
			if c := t.only(dir); c != nil && c.read[dir].counted == event.Absent {
				c.owed[dir] += left
			}
		}
	}
}

// payRelays takes the part of relays out of what a stream sent, if the server does not count for connections: each was sent what the
// publisher sent, though perhaps somewhat later. What is beyond that went to players.
func (d *Differ) payRelays(t *total, out *Delta, now time.Time) {
	relays, players := int64(0), false
	for _, c := range t.users {
		switch {
		case c.Publisher || c.snapshots == 0 || c.missing > 1:
		case !c.Push:
			players = true
		case c.read[sent].counted == event.Absent:
			relays++
		}
	}
	arrived := t.arrived
	t.arrived = max(t.grown[received], 0)
	if relays == 0 {
		t.behind = 0
		return
	}
	part := max(t.left[sent], 0)
	t.behind = min(t.behind, relays*max(arrived, 0)) + relays*t.arrived
	if players && t.left[received] != event.Absent && arrived != event.Absent { // else it is not known how far they were behind
		part = min(part, t.behind)
	}
	t.behind = max(t.behind-part, 0)
	t.left[sent] -= part
	if d.relays && part > 0 {
		out.Usage = append(out.Usage, d.usage(t.Name, sent, ProtocolRelay, part, now))
	}
}

// only returns the one connection that used a stream in a direction since the snapshot before, nil if there were none or
// several. A player counts if both snapshots had it, because others may have played before it began.
func (t *total) only(dir int) *connection {
	var found *connection
	for _, c := range t.users {
		if c.useful() != dir || c.snapshots == 0 || c.missing > 1 || c.missing == 1 && t.anew || c.Push {
			continue
		}
		if found != nil {
			return nil
		}
		found = c
	}
	if found != nil && dir == sent && (found.snapshots < 2 || found.missing > 0) {
		return nil
	}
	return found
}

// pay makes usage of what a connection is owed: as much as its stream's counter grew by, if there is one. The rest waits for
// the next snapshot, because the counters of streams and connections are not read at the same instant.
func (d *Differ) pay(c *connection, out *Delta, now time.Time) {
	t := d.total(c)
	switch {
	case t == nil && c.missing == 0 && counterOf(c, d.absent) != nil: // when the counter is shown again, it has what is owed now
		t = &total{}
	case t == nil:
		if c.counted || counterOf(c, d.absent) != nil {
			c.owed = counters{}
		}
	case !t.known:
		if c.counted {
			c.owed = c.grown
		}
		t = nil
	case c.late, t.anew && c.missing > 0 && c.snapshots > 0: // the counter does not have what the connection did last
		t = nil
	default:
		c.counted = true
	}
	var paid counters
	for dir := range paid {
		owed := c.owed[dir] + c.final[dir]
		paid[dir] = owed
		if t != nil && t.left[dir] != event.Absent {
			paid[dir] = min(owed, t.left[dir])
			t.left[dir] -= paid[dir]
		}
		// What is left of the end is paid last: it is what the counter may not have yet.
		c.final[dir] = min(c.final[dir], owed-paid[dir])
		c.owed[dir] = owed - paid[dir] - c.final[dir]
		if t == nil {
			c.alone[dir] += paid[dir]
		}
	}
	bytes := paid[c.useful()]
	if c.Push && !d.relays {
		return
	}
	protocol := c.Protocol
	if c.Push {
		protocol = ProtocolRelay
	}
	watching := !c.Publisher && !c.Relay && !c.Push && (c.Address.IsValid() || c.Identity != "")
	// What has no connection is shown long after it has gone. Of who came and went between two snapshots, hooks told; where
	// they count bytes, these say whether it played.
	there := c.missing == 0 && (c.grown[c.useful()] > 0 || !c.Connectionless) ||
		c.snapshots == 0 && c.closed.After(d.last) && c.Sent == event.Absent
	if bytes > 0 || watching && there {
		u := d.usage(c.Stream, c.useful(), protocol, bytes, now)
		u.Referrer = c.Referrer
		if c.Address.IsValid() {
			u.Address = c.Address.String()
		}
		if watching && (there || !c.Connectionless) {
			u.Viewer = event.NewViewerKey(d.organization, u.Stream, u.Address, c.UserAgent)
			if u.Address == "" {
				u.Viewer = event.NewViewerKey(d.organization, u.Stream, c.Identity, d.server)
			}
			u.Client = u.Viewer
		}
		out.Usage = append(out.Usage, u)
	}
}

// payRest makes usage without an address of what streams have beyond their connections.
func (d *Differ) payRest(out *Delta, now time.Time) {
	for _, t := range d.totals {
		if !t.known || t.missing > 0 {
			continue
		}
		for dir, bytes := range t.left {
			if bytes > 0 {
				out.Usage = append(out.Usage, d.usage(t.Name, dir, t.protocol(dir), bytes, now))
			}
		}
	}
}

// protocol returns the protocol of what a stream's counter has beyond its connections: the one of the counter, else that of
// all connections in this direction that are known.
func (t *total) protocol(dir int) string {
	if t.Protocol != "" {
		return t.Protocol
	}
	return protocolOf(t.users, dir)
}

// protocolOf returns the protocol that all of the connections have in a direction.
func protocolOf(users []*connection, dir int) string {
	protocol := ""
	for _, c := range users {
		if c.useful() != dir || c.Protocol == protocol || c.Push {
			continue
		}
		if protocol != "" {
			return protocolOther
		}
		protocol = c.Protocol
	}
	return cmp.Or(protocol, protocolOther)
}

func (d *Differ) forget() {
	// What is forgotten was seen last before the snapshots that are remembered.
	note := func(since time.Time) {
		if !since.IsZero() && len(d.times) > 0 {
			d.forgotten = d.times[0]
		}
	}
	for id, c := range d.connections {
		switch {
		case c.listed:
		case c.Stream == "", c.missing > rememberedFor(c.Since):
			if c.Stream != "" {
				note(c.Since)
			}
			delete(d.connections, id)
		}
	}
	for key, t := range d.totals {
		if t.missing > rememberedFor(t.Since) {
			note(t.Since)
			delete(d.totals, key)
		}
	}
}

// rememberedFor returns for how many snapshots something is remembered that began at the given time and is gone.
func rememberedFor(since time.Time) int {
	if since.IsZero() {
		return rememberedUndated
	}
	return remembered
}

// named returns the name under which a stream counts.
func (d *Differ) named(stream string) string {
	name, ok := d.names[stream]
	if !ok {
		name = d.name(stream)
		d.names[stream] = name
	}
	return name
}

func (d *Differ) usage(stream string, dir int, protocol string, bytes int64, now time.Time) event.Usage {
	direction := measure.Playout
	if dir == received {
		direction = measure.Ingest
	}
	return event.Usage{Time: now.UnixMilli(), Stream: d.named(stream), Direction: direction, Protocol: protocol, Bytes: bytes}
}
