package session

import (
	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

// rendition is what a player renders: event.Absent where it does not know.
type rendition struct {
	bitrate int64 // bit/s
	height  int64 // lines
}

func renditionOf(e *event.Event) rendition { return rendition{e.VideoBitrate, e.Height} }

var heightDimensions = func() (d [len(measure.HeightClasses)]aggregate.Dimensions) {
	for i, class := range measure.HeightClasses {
		d[i] = aggregate.NewDimensions(measure.PlayingByHeight, class)
	}
	return d
}()

// switchDimensions are those of switches up, down and failed.
var switchDimensions = [...]aggregate.Dimensions{
	aggregate.NewDimensions(measure.Switches, measure.SwitchUp),
	aggregate.NewDimensions(measure.Switches, measure.SwitchDown),
	aggregate.NewDimensions(measure.Switches, measure.SwitchFailed),
}

// bytesAfter returns how many bytes of video have played after so many ms.
func (r rendition) bytesAfter(ms int64) int64 { return r.bitrate * ms / 8000 }

// render counts what was rendered for p ms, before which ms of the same report were.
func (r rendition) render(sp *spent, p, before int64) {
	sp.heights[measure.HeightClass(r.height)] += p
	if r.bitrate != event.Absent {
		sp.videoTime += p
		sp.videoBytes += r.bytesAfter(before+p) - r.bytesAfter(before)
	}
}

// tell counts how many stalls, switches and frames a report of a player tells of.
func tell(to *entry, e *event.Event) {
	add := func(id measure.ID, value int64, d aggregate.Dimensions) {
		if value != event.Absent {
			to.Add(id, e.Time, value, d)
		}
	}
	add(measure.Stalls, e.Stalls, "")
	for i, n := range [...]int64{e.SwitchesUp, e.SwitchesDown, e.SwitchesFailed} {
		add(measure.Switches, n, switchDimensions[i])
	}
	// Frames that were dropped of nobody knows how many say nothing.
	if e.Frames != event.Absent && e.DroppedFrames != event.Absent {
		add(measure.Frames, e.Frames, "")
		add(measure.DroppedFrames, min(e.DroppedFrames, e.Frames), "")
	}
}
