package ingest

import (
	"fmt"
	"math"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/session"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// recordKind begins every record of the journal.
type recordKind uint8

const (
	recordOpening   recordKind = iota + 1 // a batch of a session that was not known, or not all of it
	recordBatch                           // a batch of a session that was known
	recordDelivery                        // a Delivery
	recordLimits                          // limits of an organisation, from here on
	recordTick                            // silent sessions were ended, and what was added was taken, at a time
	recordResume                          // the pipeline was opened at a time
	recordSamples                         // samples that something else has written
	recordJudgement                       // by what an organisation judges attempts to play, from here on
	recordRecording                       // whether records of plays are kept from here on
)

// format says how the records and the state are coded. It changes when any of that does.
var format = fmt.Sprintf("streamlens ingest 3.%d.%d", event.CodeVersion, session.StateVersion)

// older is the format before, which can be read as long as the state is the same: its events have all their texts.
var older = fmt.Sprintf("streamlens ingest 3.5.%d", session.StateVersion)

func newCoder() any { return codec.NewWriter(nil) }

// write makes a record durable and then lets it take effect. With an error, which is an ErrDisk, there is neither.
func (p *Pipeline) write(kind recordKind, fields func(*codec.Coder), effect func()) error {
	return p.writeNumbered(kind, fields, func(number uint64) { p.takeEffect(number, effect) })
}

// takeEffect lets the record with a number take effect.
func (p *Pipeline) takeEffect(number uint64, effect func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number = number
	effect()
}

// writeNumbered is write for an effect that calls takeEffect.
func (p *Pipeline) writeNumbered(kind recordKind, fields func(*codec.Coder), effect func(number uint64)) error {
	coders := &p.coders
	if kind == recordDelivery {
		coders = &p.large
	}
	c := coders.Get().(*codec.Coder)
	defer coders.Put(c)
	c.Reset()
	codec.Number(c, &kind)
	fields(c)
	if err := p.journal.Write(c.Bytes(), effect); err != nil {
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	return nil
}

// fields codes a delivery.
func (d *Delivery) fields(c *codec.Coder) {
	codec.Number(c, &d.Received)
	codec.Text(c, &d.Organization)
	codec.Text(c, &d.ID)
	codec.Text(c, &d.Cursor.Source)
	codec.Text(c, &d.Cursor.Position)
	codec.List(c, &d.Lines, func(u *event.Usage) { u.Fields(c, d.Received) })
	codec.List(c, &d.Sessions, func(b *event.Batch) { b.Fields(c, false) })
}

// codeLimits codes the limits of an organisation that decide what counts under which name.
func codeLimits(c *codec.Coder, organization *string, l *tenant.Limits) {
	codec.Text(c, organization)
	codec.Number(c, &l.Streams)
	codec.Number(c, &l.IPsPerHour)
}

// codeJudgement codes by what an organisation judges attempts to play.
func codeJudgement(c *codec.Coder, organization *string, j *tenant.Judgement) {
	codec.Text(c, organization)
	q := &j.Quality
	for _, limit := range [...]*float64{&q.StartSeconds, &q.BufferingRatio, &q.FairStartSeconds, &q.FairBufferingRatio} {
		bits := math.Float64bits(*limit)
		codec.Number(c, &bits)
		*limit = math.Float64frombits(bits)
	}
	codec.List(c, &j.BusinessCodes, func(code *string) { codec.Text(c, code) })
}

// replay lets a record of the journal take effect again.
func (p *Pipeline) replay(record []byte) error {
	var (
		c       = codec.NewReader(record)
		kind    recordKind
		effect  func()
		problem error
	)
	codec.Number(c, &kind)
	switch kind {
	case recordOpening, recordBatch:
		var b event.Batch
		b.Fields(c, kind == recordBatch)
		effect = func() {
			// What was refused then is refused again.
			_, _ = p.take(kind, b)
		}
	case recordDelivery:
		var d Delivery
		d.fields(c)
		effect = func() { p.count(d) }
	case recordLimits:
		var (
			organization string
			l            tenant.Limits
		)
		codeLimits(c, &organization, &l)
		effect = func() { p.limits[organization] = l }
	case recordJudgement:
		var (
			organization string
			j            tenant.Judgement
		)
		codeJudgement(c, &organization, &j)
		effect = func() { p.judgements[organization] = j }
	case recordTick:
		var now int64
		codec.Number(c, &now)
		effect = func() { problem = p.expire(now, true).addTo(p.samples) }
	case recordResume:
		var now int64
		codec.Number(c, &now)
		effect = func() { p.resume(now) }
	case recordSamples:
		var text string
		c.Unique(&text)
		effect = func() { p.put = append(p.put, text...) }
	case recordRecording:
		var on bool
		c.Flags(&on)
		effect = func() { p.tracker.SetRecording(on) }
	default:
		return fmt.Errorf("the journal has a record of the unknown kind %d", kind)
	}
	if err := c.End(); err != nil {
		return err
	}
	p.number++
	effect()
	return problem
}

// resume is the effect of the record that the pipeline was opened.
func (p *Pipeline) resume(now int64) { p.tracker.Resume(p.advance(now)) }
