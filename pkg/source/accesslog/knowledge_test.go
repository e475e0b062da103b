package accesslog_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// count returns how many of the paths each stream has, as Match says in their order.
func count(rules *accesslog.Rules, paths []string) map[string]int {
	found := map[string]int{}
	for _, path := range paths {
		stream, _, _, _ := rules.Match(path)
		found[stream]++
	}
	return found
}

// learn returns rules that have learnt paths in an order of their own.
func learn(t *testing.T, paths []string, order uint64) *accesslog.Rules {
	t.Helper()
	rules := accesslog.NewRules(nil)
	for _, i := range rand.New(rand.NewPCG(order, 0)).Perm(len(paths)) {
		rules.Learn(paths[i])
	}
	return rules
}

// answers returns what Find says of all paths.
func answers(rules *accesslog.Rules, paths []string) string {
	var text strings.Builder
	for _, path := range paths {
		found, ok := rules.Find(path)
		fmt.Fprintln(&text, path, found.Stream, found.Protocol, found.Media, ok)
	}
	return text.String()
}

// odd are names of segments that no rule knows: the part before the number differs from segment to segment.
func odd(folder string, n int) []string {
	var paths []string
	for i := range n {
		paths = append(paths, fmt.Sprintf("%s/take%dof%s-x%d-1.ts", folder, i, strings.ReplaceAll(folder, "/", "y"), i*7919))
	}
	return paths
}

func TestManyNamesInAFolder(t *testing.T) {
	const limit = 32
	tests := []struct {
		name  string
		paths []string
		want  map[string]int // streams and numbers of paths; "own" for names of their own
		told  string
	}{
		{"a folder without a playlist", odd("/app/cam1", 3000), map[string]int{"cam1": 3000 - limit, "own": limit}, "cam1"},
		{"a folder with a playlist", append([]string{"/app/cam1/index.m3u8"}, odd("/app/cam1", 3000)...), map[string]int{"cam1": 3001}, ""},
		{"a usual folder", odd("/hls", 3000), map[string]int{"hls": 3000 - limit, "own": limit}, "hls"},
		{"no folder", odd("", 3000), map[string]int{"(other)": 3000 - limit, "own": limit}, "(other)"},
		{"few names", odd("/hls", limit), map[string]int{"own": limit}, ""},
		{"the playlist has the begin of the names", append([]string{"/hls/cam1.m3u8"}, func() (paths []string) {
			for i := range 3000 {
				paths = append(paths, fmt.Sprintf("/hls/cam1_x%d-y_%d.ts", i, i*7919))
			}
			return paths
		}()...), map[string]int{"cam1": 3001 - limit, "own": limit}, "cam1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rules := accesslog.NewRules(nil)
			own := 0
			for stream, n := range count(rules, test.paths) {
				if n == 1 {
					own++
				} else if test.want[stream] != n {
					t.Errorf("%s has %d paths, want %d", stream, n, test.want[stream])
				}
			}
			if own != test.want["own"] {
				t.Errorf("%d names of their own, want %d", own, test.want["own"])
			}
			told := ""
			for _, f := range rules.TakeFolded() {
				told += f.Stream
				if stream, _, _, _ := rules.Match(f.Example); stream != f.Stream && test.want[stream] == 0 {
					t.Errorf("the example %s is of %s, not of %s", f.Example, stream, f.Stream)
				}
			}
			if told != test.told || len(rules.TakeFolded()) > 0 {
				t.Errorf("told of %q, want %q, and of each once", told, test.told)
			}
			// Whoever learns all before needs no names of their own.
			learnt := learn(t, test.paths, 1)
			for stream, n := range count(learnt, test.paths) {
				if n == 1 && len(test.paths) > limit {
					t.Errorf("%s is a stream although all paths are learnt", stream)
				}
			}
		})
	}
}

func TestManyFoldersDoNotFillTheLimitOfStreams(t *testing.T) {
	rules := accesslog.NewRules(nil)
	streams := map[string]bool{}
	for folder := range 400 {
		for _, path := range odd(fmt.Sprintf("/app/room%d", folder), 30) {
			stream, _, _, _ := rules.Match(path)
			streams[stream] = true
		}
	}
	if len(streams) > 1000+400 {
		t.Errorf("%d streams", len(streams))
	}
	if len(rules.Folded()) == 0 {
		t.Error("nobody is told")
	}
}

// TestManyStreamsInAFolder has a folder with 500 cameras.
func TestManyStreamsInAFolder(t *testing.T) {
	var playlists, segments []string
	for camera := range 500 {
		playlists = append(playlists, fmt.Sprintf("/hls/cam%03d.m3u8", camera))
		for i := range 20 {
			segments = append(segments, fmt.Sprintf("/hls/cam%03d-%d.ts", camera, i))
		}
	}
	check := func(how string, found map[string]int) {
		t.Helper()
		if len(found) != 500 || found["cam007"] != 21 {
			t.Errorf("%s: %d streams, cam007 has %d paths", how, len(found), found["cam007"])
		}
	}
	all := append(append([]string{}, playlists...), segments...)
	rules := accesslog.NewRules(nil)
	check("in order", count(rules, all))
	if folded := rules.Folded(); len(folded) > 0 {
		t.Errorf("folded: %v", folded)
	}
	learnt := learn(t, all, 2)
	check("learnt before", count(learnt, all))
	if folded := learnt.TakeFolded(); len(folded) > 0 {
		t.Errorf("folded: %v", folded)
	}

	// Without playlists the cameras are streams as soon as they have made enough segments.
	segments = nil
	for i := range 200 {
		for camera := range 500 {
			segments = append(segments, fmt.Sprintf("/hls/cam%03d-%d.ts", camera, i))
		}
	}
	found := count(accesslog.NewRules(nil), segments)
	if len(found) != 501 || found["cam007"] < 100 || found["hls"] > 500*100 {
		t.Errorf("without playlists: %d streams, cam007 has %d paths, hls %d", len(found), found["cam007"], found["hls"])
	}
	found = count(learn(t, segments, 3), segments)
	if len(found) != 500 || found["cam007"] != 200 {
		t.Errorf("without playlists, learnt before: %d streams, cam007 has %d paths", len(found), found["cam007"])
	}
}

// mixed are paths of all servers and of folders with odd names, of some streams each.
func mixed() []string {
	var paths []string
	for i, s := range servers {
		tried := names
		if s.ids != nil {
			tried = s.ids
		}
		for _, name := range []string{tried[i%len(tried)], tried[(i+3)%len(tried)]} {
			paths = append(append(paths, named(pathsOf(s.playlists, 1), name)...), named(pathsOf(s.segments, 4), name)...)
		}
	}
	paths = append(paths, odd("/odd/cam", 50)...)
	return append(paths, odd("/odd/hall", 5)...)
}

func TestOrderOfPathsMakesNoDifference(t *testing.T) {
	paths := mixed()
	want := answers(learn(t, paths, 0), paths)
	for order := range uint64(20) {
		if got := answers(learn(t, paths, order), paths); got != want {
			t.Fatalf("order %d: %s", order, difference(got, want))
		}
	}
}

// difference returns the first lines that differ.
func difference(got, want string) string {
	gots, wants := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range gots {
		if gots[i] != wants[i] {
			return fmt.Sprintf("got %q, want %q", gots[i], wants[i])
		}
	}
	return ""
}

func TestRestart(t *testing.T) {
	paths := mixed()
	paths = append(paths, odd("/odd/later", 20)...)
	for order := range uint64(5) {
		rand.New(rand.NewPCG(order, 1)).Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
		through, restarted := accesslog.NewRules(nil), accesslog.NewRules(nil)
		through.Know("camera/1")
		restarted.Know("camera/1")
		for i, path := range paths {
			if i%100 == 99 {
				before := restarted
				restarted = accesslog.NewRules(nil)
				if err := restarted.Restore(before.State()); err != nil {
					t.Fatal(err)
				}
			}
			want, _, _, _ := through.Match(path)
			if got, _, _, _ := restarted.Match(path); got != want {
				t.Fatalf("%s is of %q after a restart, else of %q", path, got, want)
			}
		}
		if got, want := answers(restarted, paths), answers(through, paths); got != want {
			t.Fatal(difference(got, want))
		}
		if stream, _, _, _ := restarted.Match("/camera/1/seg-1.ts"); stream != "camera/1" {
			t.Errorf("what a media server told is forgotten: %q", stream)
		}
	}
}

func TestStateOfOthers(t *testing.T) {
	learnt := accesslog.NewRules(ownRules())
	learnt.Match("/live/index.m3u8")
	state := learnt.State()
	other := accesslog.NewRules(nil)
	if err := other.Restore(state); err != nil || other.Changes() != 0 {
		t.Errorf("what other rules have learnt is taken: %v", err)
	}
	if before := learnt.Changes(); before == 0 {
		t.Error("nothing has changed")
	}
	for length := range state {
		rules := accesslog.NewRules(ownRules())
		if err := rules.Restore(state[:length]); err == nil && length > 0 {
			t.Errorf("the first %d of %d bytes are no damage", length, len(state))
		}
	}
}

func TestKnow(t *testing.T) {
	rules := accesslog.NewRules(ownRules())
	for _, name := range []string{"camera/1", "a/b/camera/1", "show/a1", "720p", "concert_audio", "hall/audio", "7", "live/part1"} {
		if !rules.Know(name) {
			t.Errorf("%s is not taken", name)
		}
	}
	if rules.Know("") || rules.Know("a\nb") || rules.Know(strings.Repeat("n", event.MaxNameBytes+1)) {
		t.Error("names that cannot be are taken")
	}
	check(t, rules, []match{
		{"/camera/1/index.m3u8", "camera/1 hls"},
		{"/camera/1/a1b2c3d4e5f6_video1_seg7.mp4", "camera/1 hls+"},
		{"/hls/camera/1/12.ts", "camera/1 hls+"},
		{"/hls/camera/1.m3u8", "camera/1 hls"},
		{"/hls/camera/1-12.ts", "camera/1 hls+"},
		{"/hls/camera/12-1.ts", "camera hls+"},
		{"/a/b/camera/1/seg-1.ts", "a/b/camera/1 hls+"},
		{"/thecamera/1/index.m3u8", "thecamera hls"},
		{"/show/a1/index.m3u8", "show/a1 hls"},
		{"/live/720p/index.m3u8", "720p hls"},
		{"/cam1/720p/index.m3u8", "cam1 hls"},
		{"/live/concert_audio/index.m3u8", "concert_audio hls"},
		{"/live/concert_audio.m3u8", "concert_audio hls"},
		{"/live/concert_audio-12.ts", "concert_audio hls+"},
		{"/hall/audio/index.m3u8", "hall/audio hls"},
		{"/newcam/7/12.ts", "newcam hls+"},
		{"/live/part1/manifest.mpd", "live/part1 dash"},
		{"/live/part1/12.m4s", "live/part1 dash+"},
		{"/m/live/cam1/index.m3u8", "live/cam1 hls"}, // the rules of the user come first
	})
}

func TestOwn(t *testing.T) {
	rules := accesslog.NewRules(ownRules())
	for _, test := range []struct {
		path, stream, protocol string
		ok                     bool
	}{
		{"/live/NAME.flv", "NAME", "flv", true},
		{"/m/live/cam1/index.m3u8", "live/cam1", "", true},
		{"/t/acme/HLS/NAME/x", "NAME", "hls", true},
		{"/hls/NAME.m3u8", "", "", false},
	} {
		if stream, protocol, ok := rules.Own(test.path); stream != test.stream || protocol != test.protocol || ok != test.ok {
			t.Errorf("%s: got %q, %q, %v", test.path, stream, protocol, ok)
		}
	}
}
