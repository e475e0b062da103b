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
	// was only left out of one.
	remembered = 6
	// protocolOther is the protocol of traffic of connections that no snapshot saw, on a stream with several protocols.
	protocolOther = "other"
)

// Delta is what happened between two snapshots.
type Delta struct {
	Usage      []event.Usage
	Broadcasts []event.Batch
}

// Differ turns the snapshots of one server into what happened between them.
//
// What the server counted before the first snapshot is left out, but for connections and streams that began after the Differ
// did. A counter that falls, and all counters of another run of the server, count from zero. Where the server counts a
// stream as a whole, the sum of its usage is what that counter grew by, to the byte: connections give their part of it an
// address, the rest has none. What players send and publishers are sent is no usage.
//
// It must not be used by several goroutines at once.
type Differ struct {
	name         func(string) string // of a stream, as it counts
	organization string
	server       string // tells the sessions of several servers apart
	interval     time.Duration
	began        time.Time

	seen        bool // a snapshot
	start       string
	last        time.Time              // of the last snapshot
	connections map[string]*connection // by ID
	totals      map[totalKey]*total
}

// NewDiffer returns a Differ for a server that is polled at the given interval from the given time on. The name of the server
// and the time make the ids of its broadcasts unique.
func NewDiffer(organization, server string, interval time.Duration, began time.Time) *Differ {
	return &Differ{
		organization: organization, server: server, interval: interval, began: began, name: func(name string) string { return name },
		connections: map[string]*connection{}, totals: map[totalKey]*total{},
	}
}

// The directions of counters.
const (
	received = iota
	sent
)

// counters are bytes by direction.
type counters [2]int64

// since returns by how much counters grew, from zero if one of them fell, and 0 for what is not counted.
func (c counters) since(before counters) counters {
	if fell(before[received], c[received]) || fell(before[sent], c[sent]) {
		before = counters{}
	}
	var grown counters
	for d := range c {
		// An implausible counter of a broken server must not spoil sums for good.
		if growth := c[d] - max(before[d], 0); c[d] != event.Absent && growth <= event.MaxBytes {
			grown[d] = growth
		}
	}
	return grown
}

func fell(before, now int64) bool { return now != event.Absent && now < before }

// connection is what is known of a connection.
type connection struct {
	Connection
	snapshots int       // how many had it
	read      counters  // last read
	owed      counters  // read, but not counted yet
	missing   int       // number of snapshots since it was in one
	closed    time.Time // when a hook said that it ended
	late      bool      // that was after a snapshot that did not have it any more
	covered   bool      // what it did last is in its stream's counter
	broadcast *broadcast
}

// useful returns the direction that counts as usage.
func (c *connection) useful() int {
	if c.Publisher {
		return received
	}
	return sent
}

type totalKey struct{ stream, protocol string }

// total is what is known of a stream's counters.
type total struct {
	Stream
	read    counters
	missing int

	// Of the current snapshot:
	known bool     // by how much they grew
	fresh bool     // the stream was published anew
	left  counters // growth that is not counted yet; event.Absent if it is not known
	users []*connection
}

// another reports whether a connection belonged to another life of the stream.
func (t *total) another(c *connection) bool {
	return c.StreamID != "" && t.ID != "" && c.StreamID != t.ID
}

// Opened tells of a connection that has just begun. The next snapshots need not have it for Closed to count it.
func (d *Differ) Opened(c Connection) {
	if d.seen && d.connections[c.ID] == nil && c.Stream != "" {
		d.connections[c.ID] = &connection{Connection: c}
	}
}

// Closed tells that a connection has ended, and its final counters, event.Absent if they are not known. What it says of a
// connection that neither a snapshot nor Opened told of is ignored.
func (d *Differ) Closed(id string, receivedBytes, sentBytes int64, at time.Time) {
	c := d.connections[id]
	if c == nil || !c.closed.IsZero() {
		return
	}
	c.closed, c.late = at, c.missing > 0
	if c.late && c.covered {
		return
	}
	for dir, final := range (counters{receivedBytes, sentBytes}) {
		if growth := final - max(c.read[dir], 0); growth > 0 && growth <= event.MaxBytes {
			c.owed[dir] += growth
			c.read[dir] = final
		}
	}
}

// Next returns what happened since the snapshot before.
func (d *Differ) Next(s Snapshot) Delta {
	out := Delta{}
	if d.seen && s.Start != d.start {
		d.restart(&out, s.Time)
	}
	d.readTotals(&s)
	d.readConnections(&s, &out)
	all := d.sorted()
	d.settleUncounted(all)
	for _, c := range all {
		if c.closed.After(s.Time) { // the snapshot cannot have all of it
			continue
		}
		d.pay(c, &out, s.Time)
	}
	d.payRest(&out, s.Time)
	d.forget()
	d.seen, d.start, d.last = true, s.Start, s.Time
	return out
}

// restart ends everything, because another run of the server counts from zero.
func (d *Differ) restart(out *Delta, now time.Time) {
	d.totals = map[totalKey]*total{}
	for _, c := range d.sorted() {
		d.endBroadcast(c, out)
		d.pay(c, out, now)
	}
	d.connections = map[string]*connection{}
}

func (d *Differ) sorted() []*connection {
	all := make([]*connection, 0, len(d.connections))
	for _, c := range d.connections {
		all = append(all, c)
	}
	// What has ended is counted first: what lives gets its turn with the next snapshot.
	slices.SortFunc(all, func(a, b *connection) int {
		return cmp.Or(cmp.Compare(b.missing, a.missing), b.closed.Compare(a.closed), cmp.Compare(a.ID, b.ID))
	})
	return all
}

func (d *Differ) readTotals(s *Snapshot) {
	for _, t := range d.totals {
		t.known, t.missing = false, t.missing+1
	}
	for _, stream := range s.Streams {
		if stream.Name == "" {
			continue
		}
		key := totalKey{stream.Name, stream.Protocol}
		now := counters{stream.Received, stream.Sent}
		t := d.totals[key]
		switch {
		case t != nil && t.missing == 0: // two streams of that name: nginx-rtmp has one per server block
			continue
		case t == nil && !d.seen && !stream.Since.After(d.began):
			t = &total{read: now}
		case t == nil:
			t = &total{known: true, left: now.since(counters{})}
		default:
			t.fresh = t.ID != stream.ID || fell(t.read[received], now[received]) || fell(t.read[sent], now[sent])
			if t.fresh {
				t.read = counters{}
			}
			t.known, t.left = true, now.since(t.read)
		}
		for dir := range now {
			if now[dir] == event.Absent {
				t.left[dir] = event.Absent
			}
		}
		t.Stream, t.read, t.missing = stream, now, 0
		d.totals[key] = t
	}
}

// total returns the counters that hold what a connection does, nil if there are none in the current snapshot.
func (d *Differ) total(c *connection) *total {
	for _, key := range [...]totalKey{{c.Stream, c.Protocol}, {c.Stream, ""}} {
		if t := d.totals[key]; t != nil && t.missing == 0 {
			return t
		}
	}
	return nil
}

func (d *Differ) readConnections(s *Snapshot, out *Delta) {
	present := make(map[string]bool, len(s.Connections))
	for _, seen := range s.Connections {
		if seen.ID == "" || seen.Stream == "" || present[seen.ID] {
			continue
		}
		present[seen.ID] = true
		now := counters{seen.Received, seen.Sent}
		c := d.connections[seen.ID]
		switch {
		case c == nil:
			c = &connection{Connection: seen}
			if !d.seen && !seen.Since.After(d.began) {
				c.read = now
			}
			d.connections[seen.ID] = c
		case !c.closed.IsZero(): // it ended after the server was asked, and said more
			continue
		case c.Stream != seen.Stream || c.Publisher != seen.Publisher:
			d.endBroadcast(c, out)
			c.broadcast, c.Since = nil, s.Time
		}
		grown := now.since(c.read)
		for dir := range grown {
			c.owed[dir] += grown[dir]
		}
		if c.snapshots > 0 || seen.Since.IsZero() {
			seen.Since = c.Since
		}
		c.Connection, c.read, c.missing = seen, now, 0
		c.snapshots++
		d.continueBroadcast(c, out, s.Time)
	}
	for id, c := range d.connections {
		if present[id] {
			continue
		}
		c.missing++
		if c.snapshots > 0 && c.missing == 1 {
			t := d.total(c)
			c.covered = t != nil && t.known && !t.fresh
		}
		if c.snapshots > 0 || !c.closed.IsZero() {
			d.endBroadcast(c, out)
		}
	}
}

// settleUncounted owes what a stream's counters grew by to the one connection that it can come from, if the server does not
// count for connections.
func (d *Differ) settleUncounted(all []*connection) {
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
		for dir, left := range t.left {
			if left <= 0 {
				continue
			}
			if c := t.only(dir); c != nil && c.read[dir] == event.Absent {
				c.owed[dir] += left
			}
		}
	}
}

// only returns the one connection that used a stream in a direction since the snapshot before, nil if there were none or
// several. A player counts if both snapshots had it, because others may have played before it began.
func (t *total) only(dir int) *connection {
	var found *connection
	for _, c := range t.users {
		if c.useful() != dir || c.snapshots == 0 || c.missing > 1 || c.missing == 1 && t.fresh {
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
	if t != nil && (!t.known || c.late || t.fresh && c.missing > 0 && c.snapshots > 0 || t.another(c)) {
		t = nil // the counter does not have what the connection did
	}
	var paid counters
	for dir := range paid {
		paid[dir] = c.owed[dir]
		if t != nil && t.left[dir] != event.Absent {
			paid[dir] = min(paid[dir], t.left[dir])
			t.left[dir] -= paid[dir]
		}
		c.owed[dir] -= paid[dir]
	}
	watching := !c.Publisher && !c.Relay && c.Address.IsValid()
	if bytes := paid[c.useful()]; bytes > 0 || watching && c.missing == 0 {
		u := d.usage(c.Stream, c.useful(), c.Protocol, bytes, now)
		u.Referrer = c.Referrer
		if c.Address.IsValid() {
			u.Address = c.Address.String()
		}
		if watching {
			u.Viewer = event.NewViewerKey(d.organization, u.Stream, u.Address, c.UserAgent)
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
	protocol := ""
	for _, c := range t.users {
		if c.useful() != dir || c.Protocol == protocol {
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
	for id, c := range d.connections {
		if c.missing > remembered {
			delete(d.connections, id)
		}
	}
	for key, t := range d.totals {
		if t.missing > remembered {
			delete(d.totals, key)
		}
	}
}

func (d *Differ) usage(stream string, dir int, protocol string, bytes int64, now time.Time) event.Usage {
	direction := measure.Playout
	if dir == received {
		direction = measure.Ingest
	}
	return event.Usage{Time: now.UnixMilli(), Stream: d.name(stream), Direction: direction, Protocol: protocol, Bytes: bytes}
}
