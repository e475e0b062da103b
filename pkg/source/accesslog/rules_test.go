package accesslog_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// match is what Rules should say of a path: "stream protocol", and a plus if it is media; "" for no streaming media.
type match struct{ path, want string }

func check(t *testing.T, rules *accesslog.Rules, matches []match) {
	t.Helper()
	for _, m := range matches {
		stream, protocol, media, ok := rules.Match(m.path)
		got := stream + " " + protocol
		switch {
		case !ok:
			got = ""
		case media:
			got += "+"
		}
		if got != m.want {
			t.Errorf("%s: got %q, want %q", m.path, got, m.want)
		}
	}
}

// TestRules asks for the paths in their order: what a path means may depend on the manifests before it.
func TestRules(t *testing.T) {
	for _, test := range []struct {
		name    string
		matches []match
	}{
		{"nginx-rtmp", []match{
			{"/hls/NAME.m3u8", "NAME hls"},
			{"/hls/NAME-123.ts", "NAME hls+"},
			{"/hls/NAME/index.m3u8", "NAME hls"},
			{"/hls/NAME/123.ts", "NAME hls+"},
			{"/hls/NAME_720p/index.m3u8", "NAME hls"},
			{"/hls/NAME_720p/12.ts", "NAME hls+"},
			{"/hls/NAME_low.m3u8", "NAME hls"},
			{"/hls/NAME_hd720-7.ts", "NAME hls+"},
			{"/hls/stream.m3u8", "stream hls"},
			{"/hls/stream-12.ts", "stream hls+"},
			{"/hls/1.m3u8", "1 hls"},
			{"/hls/1/index.m3u8", "1 hls"},
			{"/hls/148820.m3u8", "148820 hls"},
			{"/hls/148820-12.ts", "148820 hls+"},
			{"/hls/cam-2.m3u8", "cam-2 hls"},
			{"/hls/cam-2-15.ts", "cam-2 hls+"},
			{"/hls/video-chat-1.m3u8", "video-chat-1 hls"},
			{"/hls/live-events.m3u8", "live-events hls"},
			{"/dash/NAME.mpd", "NAME dash"},
			{"/dash/NAME-123.m4v", "NAME dash+"},
			{"/dash/NAME-init.m4a", "NAME dash+"},
			{"/dash/NAME/index.mpd", "NAME dash"},
			{"/dash/NAME/34000.m4v", "NAME dash+"},
			{"/hls/großes studio.m3u8", "großes studio hls"},
			{"/hls/ライブ-5.ts", "ライブ hls+"},
		}},
		{"MediaMTX", []match{
			{"/NAME/index.m3u8", "NAME hls"},
			{"/NAME/video1_stream.m3u8", "NAME hls"},
			{"/NAME/main_stream.m3u8", "NAME hls"},
			{"/NAME/audio2_stream.m3u8", "NAME hls"},
			{"/NAME/a1b2c3d4e5f6_video1_init.mp4", "NAME hls+"},
			{"/NAME/a1b2c3d4e5f6_video1_seg7.mp4", "NAME hls+"},
			{"/NAME/a1b2c3d4e5f6_video1_part12.mp4", "NAME hls+"},
			{"/NAME/a1b2c3d4e5f6_main_seg7.ts", "NAME hls+"},
			{"/live/video1_stream.m3u8", "live hls"},
			{"/live/a1b2c3d4e5f6_video1_seg7.mp4", "live hls+"},
			{"/live/cam1/index.m3u8", "cam1 hls"},
		}},
		{"SRS", []match{
			{"/live/livestream.m3u8", "livestream hls"},
			{"/live/livestream-1.ts", "livestream hls+"},
			{"/live/livestream.mpd", "livestream dash"},
			{"/live/livestream/video-123.m4s", "livestream dash+"},
			{"/live/livestream/video-init.mp4", "livestream dash+"},
			{"/live/livestream/audio-123.m4s", "livestream dash+"},
		}},
		{"ffmpeg", []match{
			{"/hls/cam1.m3u8", "cam1 hls"},
			{"/hls/cam10.ts", "cam1 hls+"},
			{"/hls/cam1123.ts", "cam1 hls+"},
			{"/hls/hall0.ts", "hall hls+"},
			{"/live/NAME/stream_0.m3u8", "NAME hls"},
			{"/live/NAME/stream_0/data000012.ts", "NAME hls+"},
			{"/live/NAME/v0/fileSequence3.m4s", "NAME hls+"},
			{"/live/NAME/init-stream0.m4s", "NAME hls+"},
			{"/live/NAME2/init-stream0.m4s", "NAME2 dash+"},
			{"/live/NAME2/chunk-stream0-00001.m4s", "NAME2 dash+"},
			{"/memfs/71946bf8-b2a0-4774-99a3-02783ac0d9db.m3u8", "71946bf8-b2a0-4774-99a3-02783ac0d9db hls"},
			{"/memfs/71946bf8-b2a0-4774-99a3-02783ac0d9db_output_0.m3u8", "71946bf8-b2a0-4774-99a3-02783ac0d9db hls"},
			{"/memfs/71946bf8-b2a0-4774-99a3-02783ac0d9db_output_0_0002.ts", "71946bf8-b2a0-4774-99a3-02783ac0d9db hls+"},
		}},
		{"Google's Live Stream API", []match{
			{"/NAME/manifest.m3u8", "NAME hls"},
			{"/NAME/mux_video_ts/index-1.m3u8", "NAME hls"},
			{"/NAME/mux_video_ts/segment-0000000001.ts", "NAME hls+"},
		}},
		{"Wowza", []match{
			{"/app/NAME/playlist.m3u8", "NAME hls"},
			{"/app/NAME/chunklist_w1652912314.m3u8", "NAME hls"},
			{"/app/NAME/chunklist_w1652912314_b350000.m3u8", "NAME hls"},
			{"/app/NAME/media_w1652912314_12.ts", "NAME hls+"},
			{"/app/NAME/media_w1652912314_b350000_155709.ts", "NAME hls+"},
			{"/app/NAME/media_12.ts", "NAME hls+"},
			{"/app/_definst_/NAME/playlist.m3u8", "NAME hls"},
			{"/app/_definst_/NAME/media_w99_1.ts", "NAME hls+"},
			{"/live/myStream.stream/playlist.m3u8", "myStream.stream hls"},
			{"/live/myStream_720p/media_w1_5.ts", "myStream hls+"},
			{"/live/smil:NAME.smil/playlist.m3u8", "NAME hls"},
			{"/live/dvr:NAME/media_w1_5.ts", "NAME hls+"},
			{"/live/room:1/playlist.m3u8", "room:1 hls"},
			{"/live/hall:1/media_w1_5.ts", "hall:1 hls+"},
			{"/live/ngrp:NAME_all/chunklist_b800000.m3u8", "NAME hls"},
			{"/vsqlive/148820/playlist.m3u8", "148820 hls"},
			{"/whatever/15~max/media_575.ts", "15~max hls+"},
			{"/app/NAME/manifest.mpd", "NAME dash"},
			{"/app/NAME/chunk_ctvideo_rid0_cs100_w1_mpd.m4s", "NAME dash+"},
		}},
		{"DASH packagers", []match{
			{"/dash/NAME/manifest.mpd", "NAME dash"},
			{"/dash/NAME/chunk-stream0-00001.m4s", "NAME dash+"},
			{"/dash/NAME/init-stream0.m4s", "NAME dash+"},
			{"/dash/NAME/video/avc1/init.mp4", "NAME dash+"},
			{"/dash/NAME/video/avc1/seg-1.m4s", "NAME dash+"},
			{"/dash/NAME/audio/en/mp4a.40.2/seg-12.m4s", "NAME dash+"},
			{"/content/NAME2/video_720p_1.m4s", "NAME2 hls+"},
			{"/content/NAME2/video_1080p.mp4", ""},
			{"/content/NAME2/manifest.mpd", "NAME2 dash"},
			{"/content/NAME2/video_720p_1.m4s", "NAME2 dash+"},
			{"/content/NAME2/video_1080p.mp4", "NAME2 dash+"},
			{"/content/NAME_dash.mpd", "NAME dash"},
			{"/content/NAME_dash1.m4s", "NAME dash+"},
			{"/content/NAME_dashinit.mp4", "NAME dash+"},
			{"/NAME.isml/NAME-audio=128000-video=3000000-12.ts", "NAME hls+"},
		}},
		{"CDNs", []match{
			{"/live/NAME/720p/seg1.ts", "NAME hls+"},
			{"/live/NAME/1280x720/index.m3u8", "NAME hls"},
			{"/live/NAME/audio/seg1.aac", "NAME hls+"},
			{"/live/NAME/audio/segment_00017.m4a", "NAME hls+"},
			{"/live/NAME/0/12.ts", "NAME hls+"},
			{"/NAME/live/hi/index_1.ts", "NAME hls+"},
			{"/v1/NAME/master.m3u8", "NAME hls"},
			{"/live/NAME/3f2a9c41d07b.ts", "NAME hls+"},
			{"/live/NAME/subtitles/en/seg12.vtt", "NAME hls+"},
			{"//live//NAME//720P//SEG1.TS", "NAME hls+"},
			{"/live/seg-1-f1-v1-a1.ts", "live hls+"},
			{"/live/channel5/index-f1-v1.m3u8", "channel5 hls"},
		}},
		{"names that rules could lose", []match{
			{"/main/index.m3u8", "main hls"},
			{"/a1/segment-1.ts", "a1 hls+"},
			{"/output/index.m3u8", "output hls"},
			{"/track1/index.m3u8", "track1 hls"},
			{"/text/segment1.ts", "text hls+"},
			{"/720p/index.m3u8", "720p hls"},
			{"/segment/index.m3u8", "segment hls"},
			{"/live/main.m3u8", "main hls"},
			{"/live/part1/index.m3u8", "part1 hls"},
			{"/tenant/live/arena/audio/en/segment-00012.m4s", "arena hls+"},
			{"/rec/2026/11/28/stadium/12.ts", "stadium hls+"},
			{"/rec/stadium/2026-11-28/seg_12.ts", "stadium hls+"},
			{"/api/v1/streams/7/hls/12.ts", "7 hls+"},
			{"/media/live/7/12.ts", "7 hls+"},
			{"/hls/user_8812_3.ts", "user_8812 hls+"},
			{"/token/4f9c2a71b3e8d605/1764363601/hls/plaza/12.ts", "plaza hls+"},
			{"/live/plaza@720p/index.m3u8", "plaza hls"},
			{"/radio/jazz-96k/playlist.m3u8", "jazz hls"},
			{"/live/cam9/fullhd/12.ts", "cam9 hls+"},
			{"/live/cam9/LWcrCpnBmf.ts", ""}, // TypeScript, as far as is known
			{"/live/cam9/index.m3u8", "cam9 hls"},
			{"/live/cam9/LWcrCpnBmf.ts", "cam9 hls+"},
		}},
		{"protocol by the last manifest", []match{
			{"/NAME/master.m3u8", "NAME hls"},
			{"/NAME/video/12.m4s", "NAME hls+"},
			{"/NAME/manifest.mpd", "NAME dash"},
			{"/NAME/video/13.m4s", "NAME dash+"},
			{"/other/video/13.cmfv", "other hls+"},
			{"/NAME/hls/14.m4s", "NAME hls+"},
		}},
		{"no streaming media", []match{
			{"/", ""}, {"", ""}, {"/index.html", ""}, {"/live/NAME/", ""}, {"/live/NAME", ""},
			{"/live/NAME/poster.jpg", ""}, {"/hls/key.bin", ""}, {"/api/v1/streams.json", ""},
			{"/src/app.ts", ""}, {"/videos/movie.mp4", ""}, {"/videos/movie-2.mp4", ""}, {"/podcast/episode12.m4a", ""},
			{"/captions/movie.vtt", ""}, {"/index.m3u8", ""}, {"/.m3u8", ""}, {"/12.ts", ""},
			{"/hls/bad\nname.m3u8", ""}, {"/hls/\x00.m3u8", ""}, {"/hls/" + strings.Repeat("n", 129) + ".m3u8", ""},
			{"/hls/\xff\xfe.m3u8", ""},
		}},
	} {
		t.Run(test.name, func(t *testing.T) { check(t, accesslog.NewRules(nil), test.matches) })
	}
}

// ownRules are rules of a user.
func ownRules() []accesslog.Rule {
	return []accesslog.Rule{
		{Path: regexp.MustCompile(`^/live/(?P<stream>[^/]+)\.flv$`), Protocol: "flv"},
		{Path: regexp.MustCompile(`^/t/(?P<tenant>\w+)/(?P<protocol>HLS|DASH)/(?P<stream>[^/]*)/`)},
		{Path: regexp.MustCompile(`^/m/(?P<stream>\w+/\w+)/`)},
		{Path: regexp.MustCompile(`^/long/(?P<stream>.+)/`)},
	}
}

func TestOwnRules(t *testing.T) {
	rules := accesslog.NewRules(ownRules())
	check(t, rules, []match{
		{"/live/NAME.flv", "NAME flv+"},
		{"/t/acme/HLS/NAME/720p/index.m3u8", "NAME hls"},
		{"/t/acme/DASH/NAME/720p/1.m4s", "NAME dash+"},
		{"/t/acme/DASH//NAME.mpd", "NAME dash"}, // The stream is empty: by default.
		{"/m/live/cam1/index.m3u8", "live/cam1 hls"},
		{"/m/live/cam1/abc.mp4", "live/cam1 hls+"},
		{"/m/live/cam2/manifest.mpd", "live/cam2 dash"},
		{"/m/live/cam2/abc.mp4", "live/cam2 dash+"},
		{"/hls/NAME.m3u8", "NAME hls"},
		{"/long/" + strings.Repeat("n", 129) + "/index.m3u8", ""},
	})
}

// TestRulesAtOnce is for the race detector; it also fills the memory of manifests beyond its limit.
func TestRulesAtOnce(t *testing.T) {
	rules := accesslog.NewRules(nil)
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 5000 {
				stream := fmt.Sprintf("w%dx%dx", worker, i)
				check(t, rules, []match{
					{"/a/" + stream + ".mpd", stream + " dash"},
					{"/hls/shared-1.m4s", "shared hls+"},
				})
			}
		})
	}
	group.Wait()
}

// TestHostilePaths has paths that would take seconds if a name was looked for in each of their parts.
func TestHostilePaths(t *testing.T) {
	rules := accesslog.NewRules(nil)
	rules.Know("low-x/y")
	rules.Match("/hls/cam.m3u8")
	paths := []string{
		"/hls/" + strings.Repeat("low-x-", 10_000) + "1.ts", "/hls/" + strings.Repeat("1", 60_000) + ".ts",
		strings.Repeat("/"+strings.Repeat("0a1b2c3d", 500), 16) + "/1.ts", strings.Repeat("/a", 30_000) + "/cam-1_2-3.ts",
		"/hls/" + strings.Repeat("_1", 30_000) + ".ts", "/hls/" + strings.Repeat("-low", 15_000) + ".m3u8",
	}
	for try := 1; ; try++ {
		began := time.Now()
		for range 20 {
			for _, path := range paths {
				rules.Match(path)
			}
		}
		took := time.Since(began)
		if took <= 2*time.Second {
			return
		}
		if try == 3 { // other tests may have had the processor
			t.Fatalf("120 paths take %v", took)
		}
	}
}
