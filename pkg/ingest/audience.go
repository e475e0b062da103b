package ingest

import (
	"time"

	"github.com/streamlens/streamlens/pkg/codec"
	"github.com/streamlens/streamlens/pkg/event"
)

const (
	// audienceRemembered is for how long an hour is known after its last line came: lines of another server of the same
	// hour, or of a file that is imported later, find the viewers that are counted.
	audienceRemembered = 24 * time.Hour
	// maxAudience bounds the viewers of all known hours together, some 60 bytes each. Beyond it new ones are not counted.
	maxAudience = 4_000_000
)

// audience is the viewers that servers see, each of which counts once a minute, in whatever order the lines come.
type audience struct {
	hours   map[int64]*audienceHour // by their number since 1970
	viewers int                     // of all hours together
}

type audienceHour struct {
	minutes map[event.ViewerKey]uint64 // a bit for each minute in which the viewer was there
	used    int64                      // ms since 1970
}

// isNew reports whether the viewer was not there before in the minute of the time at; both times are in ms since 1970.
func (a *audience) isNew(viewer event.ViewerKey, at, now int64) bool {
	number := at / time.Hour.Milliseconds()
	hour := a.hours[number]
	if hour == nil {
		hour = &audienceHour{minutes: map[event.ViewerKey]uint64{}}
		if a.hours == nil {
			a.hours = map[int64]*audienceHour{}
		}
		a.hours[number] = hour
	}
	hour.used = now
	minutes, known := hour.minutes[viewer]
	if !known {
		if a.viewers >= maxAudience {
			return false
		}
		a.viewers++
	}
	bit := uint64(1) << (at / time.Minute.Milliseconds() % 60)
	hour.minutes[viewer] = minutes | bit
	return minutes&bit == 0
}

// forget forgets the hours of which nothing has come for long; now is in ms since 1970.
func (a *audience) forget(now int64) {
	for number, hour := range a.hours {
		if now-hour.used >= audienceRemembered.Milliseconds() {
			a.viewers -= len(hour.minutes)
			delete(a.hours, number)
		}
	}
}

// code codes all hours.
func (a *audience) code(c *codec.Coder) {
	codec.Number(c, &a.viewers)
	codec.Map(c, &a.hours, func(number *int64, hour **audienceHour) {
		codec.Number(c, number)
		if c.Reading() {
			*hour = &audienceHour{}
		}
		codec.Number(c, &(*hour).used)
		codec.Map(c, &(*hour).minutes, func(viewer *event.ViewerKey, minutes *uint64) {
			codec.Number(c, viewer)
			codec.Number(c, minutes)
		})
	})
}
