package event

import "github.com/streamlens/streamlens/pkg/codec"

// CodeVersion is the version of what the Fields methods write. It grows with every change of the fields below.
const CodeVersion = 6

// textsFlagged is in what is written for the type since version 6: there are only those texts that are not "". Before, all were there, in front of
// the flags.
const textsFlagged Type = 1 << 4

// Fields codes an event, and reads one of version 5, too; the time is coded as its distance from near, in ms since 1970.
func (e *Event) Fields(c *codec.Coder, near int64) {
	codec.Number(c, &e.Seq)
	c.Near(&e.Time, near)
	written := e.Type | textsFlagged
	codec.Number(c, &written)
	e.Type = written &^ textsFlagged
	codec.Number(c, &e.State)
	c.Numbers(&e.StartTime, &e.Playing, &e.Buffering, &e.Paused, &e.BufferLength, &e.Latency, &e.VideoBitrate, &e.AudioBitrate, &e.Played)
	if written&textsFlagged == 0 {
		codec.Text(c, &e.Reason)
		codec.Text(c, &e.Code)
	}
	excused, more, reasoned, coded := e.Excuse != NoExcuse, e.saysMore(), e.Reason != "", e.Code != ""
	if written&textsFlagged == 0 {
		c.Flags(&e.Fatal, &excused, &more)
		reasoned, coded = false, false
	} else {
		c.Flags(&e.Fatal, &excused, &more, &reasoned, &coded)
	}
	if reasoned {
		codec.Text(c, &e.Reason)
	}
	if coded {
		codec.Text(c, &e.Code)
	}
	if excused {
		codec.Number(c, &e.Excuse)
	}
	if !more && !c.Reading() {
		return
	}
	all := e.more()
	if more {
		c.Numbers(all[:]...)
		return
	}
	for _, n := range all {
		*n = Absent
	}
}

// more returns the numbers that few events carry, which take no place in those that carry none.
func (e *Event) more() [12]*int64 {
	return [...]*int64{
		&e.Height, &e.Stalls, &e.SwitchesUp, &e.SwitchesDown, &e.SwitchesFailed, &e.Frames, &e.DroppedFrames, &e.RoundTripTime, &e.PacketLoss,
		&e.Jitter, &e.FrameRate, &e.MediaLag,
	}
}

func (e *Event) saysMore() bool {
	return e.Height != Absent || e.Stalls != Absent || e.SwitchesUp != Absent || e.SwitchesDown != Absent || e.SwitchesFailed != Absent ||
		e.Frames != Absent || e.DroppedFrames != Absent || e.RoundTripTime != Absent || e.PacketLoss != Absent || e.Jitter != Absent ||
		e.FrameRate != Absent || e.MediaLag != Absent
}

// Fields codes a batch. Of a session that the reader knows, only what identifies it and its interval are coded.
func (b *Batch) Fields(c *codec.Coder, known bool) {
	codec.Number(c, &b.Received)
	s := &b.Session
	codec.Text(c, &s.Organization)
	codec.Text(c, &s.ID)
	codec.Number(c, &s.Interval)
	if !known {
		codec.Text(c, &s.Stream)
		codec.Text(c, &s.Event)
		codec.Text(c, &s.User)
		codec.Text(c, &s.CDN)
		codec.Text(c, &s.Client)
		codec.Text(c, &s.Method)
		v := &s.Viewer
		codec.Text(c, &v.Country)
		codec.Text(c, &v.Region)
		codec.Number(c, &v.ASN)
		codec.Text(c, &v.Operator)
		codec.Text(c, &v.OS)
		codec.Text(c, &v.Browser)
		codec.Text(c, &v.Device)
		c.Flags(&v.Unnamed)
		codec.Text(c, &v.Address)
		codec.Text(c, &v.Referrer)
		codec.Number(c, &v.Key)
		codec.Number(c, &s.Started.Seq)
		codec.Number(c, &s.Started.Time)
	}
	codec.Number(c, &b.Correction)
	c.Flags(&s.Webcaster, &b.Logged)
	codec.List(c, &b.Events, func(e *Event) { e.Fields(c, b.Received) })
}

// Fields codes an amount of traffic; the time is coded as its distance from near, in ms since 1970.
func (u *Usage) Fields(c *codec.Coder, near int64) {
	c.Near(&u.Time, near)
	codec.Text(c, &u.Stream)
	codec.Text(c, &u.Direction)
	codec.Text(c, &u.Protocol)
	codec.Number(c, &u.Bytes)
	codec.Text(c, &u.Address)
	codec.Text(c, &u.Country)
	codec.Text(c, &u.Referrer)
	codec.Text(c, &u.ID)
	codec.Number(c, &u.Viewer)
	codec.Number(c, &u.Client)
	codec.Text(c, &u.Session)
}
