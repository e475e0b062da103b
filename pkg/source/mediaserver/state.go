package mediaserver

import (
	"time"

	"github.com/streamlens/streamlens/pkg/codec"
)

// stateVersion is the version of what the code methods write. It grows with every change of the fields below.
const stateVersion = 3

// stateful tells runs and streams apart by what it saw before.
type stateful interface {
	code(c *codec.Coder)
}

func (p *polled) code(c *codec.Coder) {
	if k, ok := p.kind.(stateful); ok {
		k.code(c)
	}
}

// position returns the state of a Differ, and of the server whose snapshots it takes, as it is between two snapshots. What
// identifies people, such as addresses, is not in it: snapshots name it again.
func position(d *Differ, s Server) string {
	c := codec.NewWriter(nil)
	codeState(c, d, s)
	return string(c.Bytes())
}

// restore sets a new Differ and a new server to what position returned.
func restore(text string, d *Differ, s Server) error {
	c := codec.NewReader([]byte(text))
	codeState(c, d, s)
	return c.End()
}

func codeState(c *codec.Coder, d *Differ, s Server) {
	version := stateVersion
	codec.Number(c, &version)
	if version != stateVersion {
		return // End says that something is left
	}
	d.code(c)
	if s, ok := s.(stateful); ok {
		s.code(c)
	}
}

func (d *Differ) code(c *codec.Coder) {
	codeTime(c, &d.began)
	c.Flags(&d.seen)
	codec.Text(c, &d.start)
	codeTime(c, &d.last)
	codec.List(c, &d.times, func(t *time.Time) { codeTime(c, t) })
	codeTime(c, &d.forgotten)
	codec.Map(c, &d.connections, func(id *string, of **connection) {
		if c.Reading() {
			*of = &connection{}
		}
		(*of).code(c)
		*id = (*of).ID
	})
	codec.Map(c, &d.totals, func(key *totalKey, of **total) {
		if c.Reading() {
			*of = &total{}
		}
		t := *of
		codec.Text(c, &t.Name)
		c.Unique(&t.ID)
		codec.Text(c, &t.Protocol)
		codeTime(c, &t.Since)
		codeMeters(c, &t.read)
		codec.Number(c, &t.missing)
		codec.Number(c, &t.arrived)
		codec.Number(c, &t.behind)
		*key = totalKey{streamKey{t.Name, t.Protocol}, t.ID}
	})
}

func (c *connection) code(to *codec.Coder) {
	to.Unique(&c.ID)
	codec.Text(to, &c.Stream)
	codec.Text(to, &c.StreamID)
	codec.Text(to, &c.Protocol)
	codeTime(to, &c.Since)
	codec.Number(to, &c.snapshots)
	codeMeters(to, &c.read)
	codeCounters(to, &c.owed)
	codeCounters(to, &c.final)
	codeCounters(to, &c.alone)
	codec.Number(to, &c.missing)
	codeTime(to, &c.closed)
	codeTime(to, &c.ended)
	for _, n := range [...]*int64{&c.packets, &c.lost, &c.media, &c.ahead} {
		codec.Number(to, n)
	}
	onAir := c.broadcast != nil
	to.Flags(&c.Publisher, &c.late, &c.covered, &c.counted, &onAir)
	if !onAir {
		return
	}
	if to.Reading() {
		c.broadcast = &broadcast{}
	}
	b := c.broadcast
	to.Unique(&b.id)
	codec.Text(to, &b.stream)
	codec.Text(to, &b.client)
	codec.Text(to, &b.method)
	codeTime(to, &b.began)
	codeTime(to, &b.last)
	codec.Number(to, &b.seq)
	to.Flags(&b.stopped)
}

func (n *nginxRTMP) code(c *codec.Coder) {
	codeTime(c, &n.polled)
	codec.Number(c, &n.pid)
	codec.Number(c, &n.uptime)
	codec.Text(c, &n.start)
	codec.Number(c, &n.lives)
	codec.List(c, &n.streams, func(run *nginxRun) {
		codec.Number(c, &run.server)
		codec.Text(c, &run.name)
		c.Unique(&run.id)
		codec.Number(c, &run.age)
		codec.List(c, &run.clients, c.Unique)
		codeTime(c, &run.seen)
		codec.Number(c, &run.missing)
	})
}

func codeMeters(c *codec.Coder, v *meters) {
	for dir := range v {
		m := &v[dir]
		codec.Number(c, &m.counted)
		fallen := m.rises > 0
		c.Flags(&fallen)
		if fallen {
			codec.Number(c, &m.first)
			codec.Number(c, &m.last)
			codec.Number(c, &m.rises)
		}
	}
}

func codeCounters(c *codec.Coder, v *counters) {
	for dir := range v {
		codec.Number(c, &v[dir])
	}
}

// codeTime codes a time to the nanosecond, without its monotonic clock.
func codeTime(c *codec.Coder, t *time.Time) {
	var ns int64
	if !t.IsZero() {
		ns = t.UnixNano()
	}
	codec.Number(c, &ns)
	if c.Reading() {
		*t = time.Time{}
		if ns != 0 {
			*t = time.Unix(0, ns)
		}
	}
}
