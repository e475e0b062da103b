package mediaserver

import "time"

// bound is what is known of a stream whose counter holds all of its connections, but less of each than the connection's own counter
// does: the media without the protocol. Where it grew by more than the connections that are known, others came and went between two
// snapshots, and were sent at least the difference.
//
// Counters are not read at the same instant. So what a stream sent between two snapshots is compared with what connections were sent
// from the snapshot before the first of them to the second: of what is unseen less is found, but never more than there was.
type bound struct {
	id      string // of the stream's life
	old     bool   // the last reading was no more than that of before: it may be of before
	missing int
	sent    int64 // of the stream, last read
	known   int64 // what known connections were sent so far
	before  int64 // the same, as of the snapshot before
	floor   int64 // least of sent less before, since it was compared last
	// unseen is what counted as that of connections that no snapshot saw, lately. Some may have been of one that was only left out.
	unseen int64
	quiet  int // number of snapshots since
}

// settle returns what of the growth of something that was left out of snapshots counted already.
func (d *Differ) settle(stream string, grown int64) int64 {
	b := d.bounds[stream]
	if b == nil {
		return 0
	}
	counted := min(grown, b.unseen)
	b.unseen -= counted
	return counted
}

// countKnown counts what known connections of a stream were sent.
func (d *Differ) countKnown(stream string, bytes int64) {
	if b := d.bounds[stream]; b != nil {
		b.known += bytes
	}
}

func (d *Differ) readBounds(s *Snapshot) {
	for _, b := range d.bounds {
		b.missing++
		b.before = b.known
		if b.quiet++; b.quiet > remembered {
			b.unseen = 0
		}
	}
	for i := range s.Bounds {
		stream := &s.Bounds[i]
		b := d.bounds[stream.Name]
		switch {
		case b == nil && d.past(stream.Since):
			b = &bound{floor: stream.Sent}
		case b == nil:
			b = &bound{}
		case b.id != stream.ID:
			b.floor, b.sent = -b.before, -1
		}
		b.old = b.id == stream.ID && stream.Sent <= b.sent
		b.id, b.sent, b.missing = stream.ID, max(stream.Sent, b.sent), 0
		d.bounds[stream.Name] = b
	}
}

// payUnseen makes usage without an address of what was certainly sent to connections that no snapshot saw. If the streams were not read
// before the connections, that waits for the next snapshot.
func (d *Differ) payUnseen(ordered bool, out *Delta, now time.Time) {
	for stream, b := range d.bounds {
		if b.missing > 0 || b.old {
			continue
		}
		next := b.sent - b.before // what the next comparisons begin with
		unseen := b.sent - b.known - b.floor
		if !ordered || unseen <= 0 || unseen > maxGrowth {
			b.floor = min(b.floor, next)
			continue
		}
		b.floor = next
		b.unseen, b.quiet = b.unseen+unseen, 0
		out.Usage = append(out.Usage, d.usage(stream, sent, d.protocolOf(stream), unseen, now))
	}
}

// protocolOf returns the protocol of all known players of a stream.
func (d *Differ) protocolOf(stream string) string {
	var users []*connection
	for _, c := range d.connections {
		if c.Stream == stream {
			users = append(users, c)
		}
	}
	return protocolOf(users, sent)
}
