package session

import (
	"maps"
	"testing"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/event"
)

func TestRenditions(t *testing.T) {
	seen := func(e event.Event, bitrate, height int64) event.Event {
		e.VideoBitrate, e.Height = bitrate, height
		return e
	}
	played := func(class string, ms int64) map[string]int64 {
		return map[string]int64{`playing_height_ms{height="` + class + `"}`: ms}
	}
	and := func(counts ...map[string]int64) map[string]int64 {
		all := map[string]int64{}
		for _, c := range counts {
			for k, v := range c {
				all[k] += v
			}
		}
		return all
	}
	for _, test := range []struct {
		name    string
		session event.Session
		events  []event.Event
		want    map[string]int64
	}{
		{"each report by its own rendition", player, []event.Event{start(1, 0), seen(stats(2, 10, 10, 0, 0), 1_000_000, 480),
			seen(stats(3, 20, 6, 4, 0), 3_000_001, 1080), seen(with(stop(4, 22, "normal"), func(e *event.Event) { e.Playing = 2000 }), 3_000_001, 1080)},
			and(played("480p", 10_000), played("1080p", 8000), map[string]int64{
				"video_played_ms": 18_000, "video_played_bytes": 1_250_000 + 3_000_001*6000/8000 + 3_000_001*2000/8000})},
		{"over a minute", player, []event.Event{start(1, 55), seen(stats(2, 62.001, 7.001, 0, 0), 999_999, 241)},
			and(played("360p", 7001), map[string]int64{"video_played_ms": 7001, "video_played_bytes": 999_999 * 7001 / 8000})},
		{"what is not known", player, []event.Event{start(1, 0), stats(2, 10, 9, 1, 0), stop(3, 12, "normal")}, played("(unknown)", 11_000)},
		{"the rest before a stop without a report", player, []event.Event{start(1, 0), seen(stop(2, 12, "normal"), 800_000, 4320)},
			and(played("above 2160p", 12_000), map[string]int64{"video_played_ms": 12_000, "video_played_bytes": 1_200_000})},
		{"stalls, switches and frames", player, []event.Event{start(1, 0), with(stats(2, 10, 9, 1, 0), func(e *event.Event) {
			e.Stalls, e.SwitchesUp, e.SwitchesDown, e.SwitchesFailed, e.Frames, e.DroppedFrames = 2, 3, 1, 0, 250, 7
		}), with(stop(3, 10, "normal"), func(e *event.Event) { e.Stalls, e.DroppedFrames = 1, 9 })},
			and(played("(unknown)", 9000), map[string]int64{"stalls": 3, `switches{switch="up"}`: 3, `switches{switch="down"}`: 1, "frames": 250, "dropped_frames": 7})},
		{"players that name states", player, []event.Event{
			seen(snapshot(1, 0, starting), 500_000, event.Absent), snapshot(2, 1, rendering), seen(snapshot(3, 5, kept), 2_000_000, event.Absent),
			snapshot(4, 9, rebuffering), snapshot(5, 10, rebuffering), snapshot(6, 11, rendering), seen(snapshot(7, 12, ended), 500_000, event.Absent)},
			and(played("(unknown)", 9000), map[string]int64{"stalls": 1, `switches{switch="up"}`: 1, `switches{switch="down"}`: 1,
				"video_played_ms": 9000, "video_played_bytes": 250_000 + 1_000_000 + 250_000})},
		{"a broadcast has none", webcaster, []event.Event{start(1, 0), seen(with(stats(2, 10, 10, 0, 0), func(e *event.Event) { e.Stalls = 1 }), 1_000_000, 720)},
			map[string]int64{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ledger := aggregate.New("c")
			tracker := NewTracker(ledger, keep)
			tracker.Apply(event.Batch{Session: test.session, Received: at(30), Events: test.events})
			got := totals(t, ledger, false)
			maps.DeleteFunc(got, func(k string, _ int64) bool {
				return !ofAttempts(k) || k[:2] == "ou" || k[:2] == "qu" || k[:2] == "ea"
			})
			if !maps.Equal(got, test.want) {
				t.Errorf("counted\n%s\nwant\n%s", list(got), list(test.want))
			}
		})
	}
}
