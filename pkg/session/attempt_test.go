package session

import (
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/aggregate"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
)

func fatal(seq int64, s float64, excuse event.Excuse) event.Event {
	e := status(seq, s, "7")
	e.Fatal, e.Excuse = true, excuse
	return e
}

// counted returns what is counted once each, with the minute after noon.
func counted(outcomes ...string) map[string]int64 {
	all := map[string]int64{}
	for _, o := range outcomes {
		all[o]++
	}
	return all
}

func TestOutcomes(t *testing.T) {
	const (
		played   = `outcomes{outcome="played"} @0`
		badExit  = `quality{quality="bad",cause="exit"} @0`
		badStart = `quality{quality="bad",cause="startfailure"} @0`
		badPlay  = `quality{quality="bad",cause="playbackfailure"} @1`
		good     = `quality{quality="good",cause=""} @0`
	)
	long := func(events ...event.Event) []event.Event {
		return append([]event.Event{load(1, 0), start(2, 1)}, events...)
	}
	tests := []struct {
		name    string
		session event.Session
		events  []event.Event
		want    map[string]int64
	}{
		{"a play that ends", player, long(stop(3, 30, "normal")), counted(played, good)},
		{"a play that runs", player, []event.Event{load(1, 0), start(2, 1), stats(3, 58, 57, 0, 0)}, counted(played)},
		{"a fatal code before the first frame", player, []event.Event{load(1, 0), fatal(2, 0.4, 0), stop(3, 0.4, "playbackerror")},
			counted(`outcomes{outcome="startfailure"} @0`, badStart)},
		{"a code that is not fatal is none", player, []event.Event{load(1, 0), status(2, 0.4, "7"), start(3, 1)}, counted(played)},
		{"a fatal code of a viewer who may not watch", player, []event.Event{load(1, 0), fatal(2, 0.4, event.Business), stop(3, 1, "normal")},
			counted(`outcomes{outcome="startbusiness"} @0`)},
		{"a browser that wants a touch", player, []event.Event{load(1, 0), with(status(2, 0.1, "1005"), func(e *event.Event) { e.Excuse = event.Blocked })},
			counted(`outcomes{outcome="blocked"} @0`)},
		{"a stop because the browser wants a touch", player,
			[]event.Event{load(1, 0), with(stop(2, 5, "interactionrequired"), func(e *event.Event) { e.Excuse = event.Blocked })},
			counted(`outcomes{outcome="blocked"} @0`)},
		{"leaving within a second", player, []event.Event{load(1, 0), stop(2, 0.999, "destroy")}, counted(`outcomes{outcome="exitearly"} @0`)},
		{"leaving after a second", player, []event.Event{load(1, 0), stop(2, 1, "destroy")}, counted(`outcomes{outcome="exit"} @0`, badExit)},
		{"silence after the load", player, []event.Event{load(1, 0)}, counted(`outcomes{outcome="exitearly"} @0`)},
		{"silence after a report", player, []event.Event{load(1, 0), stats(2, 10, 0, 0, 0)}, counted(`outcomes{outcome="exit"} @0`, badExit)},
		{"the first outcome stays", player, []event.Event{load(1, 0), fatal(2, 0.4, 0), start(3, 1), fatal(4, 5, 0), stop(5, 5, "destroy")},
			counted(`outcomes{outcome="startfailure"} @0`, badStart)},
		{"no load is no attempt", player, []event.Event{start(1, 0), load(2, 1), fatal(3, 2, 0), stop(4, 3, "normal")}, counted()},
		{"a broadcast is no attempt", webcaster, []event.Event{load(1, 0), fatal(2, 1, 0), stop(3, 1, "normal")}, counted()},
		{"a fatal code after which nothing is played", player,
			long(stats(3, 11, 10, 0, 0), fatal(4, 65, 0), with(stop(5, 65.9, "playbackerror"), func(e *event.Event) { e.Playing = 54_900 })),
			counted(played, `outcomes{outcome="playbackfailure"} @1`, badPlay)},
		{"a fatal code within 30 s of the first frame", player, long(fatal(3, 31, 0), fatal(4, 40, 0), stop(5, 31, "playbackerror")),
			counted(played, `outcomes{outcome="playbackfailure"} @0`, "early_playback_failures @0", `quality{quality="bad",cause="playbackfailure"} @0`)},
		{"a play that goes on after a fatal code", player, long(fatal(3, 31, 0), stats(4, 33, 3, 0, 0), stop(5, 34, "normal")),
			counted(played, good)},
		{"a play that falls silent after a fatal code", player, long(fatal(3, 61, 0)),
			counted(played, `outcomes{outcome="playbackfailure"} @1`, badPlay)},
		{"players that name states", player, []event.Event{snapshot(1, 0, starting), snapshot(2, 0.5, failed)},
			counted(`outcomes{outcome="startfailure"} @0`, badStart)},
		{"players that name states and quit", player, []event.Event{snapshot(1, 0, starting), snapshot(2, 1.5, event.StateQuit)},
			counted(`outcomes{outcome="exit"} @0`, badExit)},
		{"players that name states and fail while they play", player,
			[]event.Event{snapshot(1, 0, starting), snapshot(2, 1, rendering), snapshot(3, 41, failed)},
			counted(played, `outcomes{outcome="playbackfailure"} @0`, `quality{quality="bad",cause="playbackfailure"} @0`)},
		{"a session that another collector started", with2(player, func(s *event.Session) { s.Started = event.Started{Seq: 2, Time: at(1)} }),
			[]event.Event{fatal(3, 5, 0), stop(4, 5, "playbackerror")}, counted()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ledger := aggregate.New("c")
			tracker := NewTracker(ledger, keep)
			tracker.Apply(event.Batch{Session: test.session, Received: noon, Events: test.events})
			running := test.name == "a play that runs" || test.name == "a code that is not fatal is none"
			if !running {
				tracker.Expire(noon + time.Minute.Milliseconds())
			}
			got := totals(t, ledger, true)
			maps.DeleteFunc(got, func(k string, _ int64) bool {
				return !strings.HasPrefix(k, "outcomes") && !strings.HasPrefix(k, "quality") && !strings.HasPrefix(k, "early_")
			})
			if !maps.Equal(got, test.want) {
				t.Errorf("counted\n%s\nwant\n%s", list(got), list(test.want))
			}
		})
	}
}

func with2(s event.Session, change func(*event.Session)) event.Session {
	change(&s)
	return s
}

func TestQuality(t *testing.T) {
	limits := tenant.Quality{StartSeconds: 2, BufferingRatio: 0.01, FairStartSeconds: 4, FairBufferingRatio: 0.03}
	for _, test := range []struct {
		name                      string
		start, playing, buffering float64 // s
		quality, cause            string
		limits                    tenant.Quality
	}{
		{"at both limits", 2, 99, 1, "good", "", limits},
		{"start beyond the limit", 2.001, 99, 0, "fair", "", limits},
		{"buffering beyond the limit", 1, 98.9, 1.1, "fair", "", limits},
		{"at both limits of fair", 4, 97, 3, "fair", "", limits},
		{"start beyond fair", 4.001, 99, 0, "bad", "starttime", limits},
		{"buffering beyond fair", 1, 96, 4, "bad", "buffering", limits},
		{"both beyond fair", 5, 96, 4, "bad", "starttime", limits},
		{"too short for its buffering", 1, 5, 4.9, "good", "", limits},
		{"as long as is judged", 1, 5, 5, "bad", "buffering", limits},
		{"limits of the organisation", 5, 96, 4, "good", "", tenant.Quality{StartSeconds: 5, BufferingRatio: 0.04, FairStartSeconds: 5, FairBufferingRatio: 0.04}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ledger := aggregate.New("c")
			tracker := NewTracker(ledger, keep)
			tracker.Judge(func(string) tenant.Quality { return test.limits })
			end := test.start + test.playing + test.buffering
			tracker.Apply(event.Batch{Session: player, Received: noon, Events: []event.Event{
				load(1, 0), start(2, test.start), stats(3, end, test.playing, test.buffering, 0), stop(4, end, "normal")}})
			want := `quality{quality="` + test.quality + `",cause="` + test.cause + `"}`
			if got := totals(t, ledger, false); got[want] != 1 {
				t.Errorf("counted\n%s\nwant %s", list(got), want)
			}
		})
	}
}

var byStreamAndCountry = regexp.MustCompile(`stays_by_stream_country_1m\{(.*?),stream="[^"]*",country="[^"]*"`)

// TestStays holds that a play that ends counts in the minute in which it began, beside its begin, with the time it played.
func TestStays(t *testing.T) {
	began, longer := "stays @0", `stays{vmrange="`+measure.BucketRange(measure.Bucket(125_000))+`"} @0`
	for _, test := range []struct {
		name    string
		session event.Session
		events  []event.Event
		expires bool
		want    map[string]int64
	}{
		{"a play that runs", player, []event.Event{load(1, 0), start(2, 1), stats(3, 58, 57, 0, 0)}, false, map[string]int64{began: 1}},
		{"a play that ends minutes later", player, []event.Event{load(1, 0), start(2, 1), stop(3, 126, "normal"), stop(3, 130, "normal")}, false,
			map[string]int64{began: 1, longer: 1}},
		{"a play that falls silent", player, []event.Event{load(1, 0), start(2, 1), stats(3, 126, 60, 65, 0)}, true, map[string]int64{began: 1, longer: 1}},
		{"pauses are not played", player, []event.Event{load(1, 0), start(2, 1), stats(3, 226, 125, 0, 100), stop(4, 226, "normal")}, false,
			map[string]int64{began: 1, longer: 1}},
		{"players that name states", player, []event.Event{snapshot(1, 0, starting), snapshot(2, 1, rendering), snapshot(3, 26, rendering), snapshot(4, 51, rendering),
			snapshot(5, 76, rendering), snapshot(6, 101, rendering), snapshot(7, 126, event.StateEnded)}, false,
			map[string]int64{began: 1, longer: 1}},
		{"no first frame", player, []event.Event{load(1, 0), stop(2, 5, "normal")}, false, map[string]int64{}},
		{"a broadcast", webcaster, []event.Event{start(1, 1), stop(2, 126, "normal")}, false, map[string]int64{}},
		{"a session that another collector started", with2(player, func(s *event.Session) { s.Started = event.Started{Seq: 2, Time: at(1)} }),
			[]event.Event{stop(3, 126, "normal")}, false, map[string]int64{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			ledger := aggregate.New("c")
			tracker := NewTracker(ledger, keep)
			tracker.Apply(event.Batch{Session: test.session, Received: at(130), Events: test.events})
			if test.expires {
				tracker.Expire(at(190))
			}
			// They are stored by stream and country alone.
			got := totalsOf(t, byStreamAndCountry.ReplaceAllString(taken(ledger), `stays_1m{$1`), true)
			maps.DeleteFunc(got, func(k string, _ int64) bool { return !strings.HasPrefix(k, "stays") })
			if !maps.Equal(got, test.want) {
				t.Errorf("counted\n%s\nwant\n%s", list(got), list(test.want))
			}
		})
	}
}
