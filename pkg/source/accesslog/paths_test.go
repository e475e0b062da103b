package accesslog_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// server is how a server or packager names the files of a stream, by its documentation.
type server struct {
	name string
	// playlists and segments are paths with NAME for the name of the stream; the others stand for what differs from segment to segment,
	// see fill.
	playlists, segments string
	protocol            string
	// needs names the streams whose segments are found only if a playlist was asked for as well, "all" all of them.
	needs string
	// not names the streams that are not found, with the reason.
	not string
	// ids means that the server makes the names itself: these are tried instead.
	ids []string
}

// names are those that every server is tried with: short and usual ones, with numbers, hyphens and dates, and a UUID.
var names = []string{
	"ch1", "tv", "1", "live", "main", "a1", "v2", "2026", "media", "cam-2", "event-2026-11-28", "71946bf8-b2a0-4774-99a3-02783ac0d9db",
	"lobby_12", "data", "Studio B", "20261128",
}

var hexadecimals = []string{
	"257c7359efd4b4aaebcc03aa8fc78a36", "bd0e7ad5572619cf38f14807e52b4d56", "c7ad20b13ad2325c2e78adec62e4f81f", "0af7651916cd43dd8448eb211c80319c",
}

var servers = []server{
	{name: "nginx-rtmp", playlists: "/hls/NAME.m3u8", segments: "/hls/NAME-SEQ.ts", protocol: "hls"},
	{name: "nginx-rtmp, hls_fragment_naming system", playlists: "/hls/NAME.m3u8", segments: "/hls/NAME-MS.ts", protocol: "hls"},
	{name: "nginx-rtmp, hls_nested", playlists: "/hls/NAME/index.m3u8", segments: "/hls/NAME/SEQ.ts", protocol: "hls"},
	{name: "nginx-rtmp, hls_variant", playlists: "/hls/NAME.m3u8 /hls/NAME_low.m3u8 /hls/NAME_hd720.m3u8",
		segments: "/hls/NAME_low-SEQ.ts /hls/NAME_hd720-SEQ.ts", protocol: "hls"},
	{name: "nginx-rtmp, hls_variant, nested", playlists: "/hls/NAME.m3u8 /hls/NAME_720p/index.m3u8", segments: "/hls/NAME_720p/SEQ.ts",
		protocol: "hls"},
	{name: "nginx-rtmp, DASH", playlists: "/dash/NAME.mpd", segments: "/dash/NAME-MS.m4v /dash/NAME-MS.m4a /dash/NAME-init.m4v",
		protocol: "dash"},
	{name: "nginx-rtmp, DASH, nested", playlists: "/dash/NAME/index.mpd", segments: "/dash/NAME/MS.m4v /dash/NAME/init.m4a", protocol: "dash"},
	{name: "nginx-vod", playlists: "/hls/NAME/master.m3u8 /hls/NAME/index-v1-a1.m3u8",
		segments: "/hls/NAME/seg-SEQ-v1-a1.ts /hls/NAME/seg-SEQ-f2-v1-a1.ts", protocol: "hls"},
	{name: "nginx-vod, DASH", playlists: "/dash/NAME/manifest.mpd", segments: "/dash/NAME/fragment-SEQ-f1-v1.m4s /dash/NAME/init-f1-v1.mp4",
		protocol: "dash"},
	{name: "MediaMTX", playlists: "/NAME/index.m3u8 /NAME/main_stream.m3u8 /NAME/video1_stream.m3u8",
		segments: "/NAME/a1b2c3d4e5f6_main_segSEQ.ts /NAME/a1b2c3d4e5f6_video1_segSEQ.mp4 /NAME/a1b2c3d4e5f6_audio2_init.mp4", protocol: "hls"},
	{name: "MediaMTX, low latency, in a folder", playlists: "/live/NAME/index.m3u8 /live/NAME/video1_stream.m3u8",
		segments: "/live/NAME/0f7ac093e11d_video1_partSEQ.mp4 /live/NAME/0f7ac093e11d_audio2_segSEQ.mp4", protocol: "hls"},
	{name: "SRS", playlists: "/live/NAME.m3u8", segments: "/live/NAME-SEQ.ts", protocol: "hls"},
	{name: "SRS, [timestamp]-[seq]", playlists: "/live/NAME.m3u8", segments: "/live/NAME-MS-SEQ.ts", protocol: "hls"},
	{name: "SRS, [seq]-[timestamp]", playlists: "/live/NAME.m3u8", segments: "/live/NAME-SEQ-MS.ts", protocol: "hls", needs: "all"},
	{name: "SRS, folders", playlists: "/live/NAME/index.m3u8", segments: "/live/NAME/NAME-SEQ.ts", protocol: "hls"},
	{name: "a number and a checksum", playlists: "/live/NAME/NAME.m3u8", segments: "/live/NAME/NAME_SEQ_CHECKSUM.ts", protocol: "hls"},
	{name: "SRS, dates", playlists: "/live/NAME.m3u8", segments: "/live/NAME/YmdH/MS_DURATION.ts", protocol: "hls"},
	{name: "SRS, fMP4", playlists: "/live/NAME.m3u8", segments: "/live/NAME-SEQ.m4s /live/NAME-init.mp4", protocol: "hls"},
	{name: "SRS, DASH", playlists: "/live/NAME.mpd", segments: "/live/NAME/video-SEQ.m4s /live/NAME/audio-SEQ.m4s /live/NAME/video-init.mp4",
		protocol: "dash"},
	{name: "lal", playlists: "/hls/NAME.m3u8 /hls/NAME/playlist.m3u8 /hls/NAME/record.m3u8", segments: "/hls/NAME/NAME-MS-SEQ.ts",
		protocol: "hls"},
	{name: "livego", playlists: "/live/NAME.m3u8", segments: "/live/NAME/MS.ts", protocol: "hls"},
	{name: "OvenMediaEngine, LL-HLS", playlists: "/app/NAME/llhls.m3u8 /app/NAME/chunklist_0_video_kQ7xVb2n_llhls.m3u8",
		segments: "/app/NAME/part_0_SEQ_1_video_kQ7xVb2n_llhls.m4s /app/NAME/seg_1_SEQ_audio_kQ7xVb2n_llhls.m4s " +
			"/app/NAME/init_0_video_kQ7xVb2n_llhls.m4s", protocol: "hls"},
	{name: "OvenMediaEngine, HLS", playlists: "/app/NAME/ts:playlist.m3u8 /app/NAME/medialist_720_hls.m3u8",
		segments: "/app/NAME/seg_720_SEQ_hls.ts /app/NAME/seg_bypass_SEQ_hls.ts", protocol: "hls"},
	{name: "MistServer", playlists: "/hls/NAME/index.m3u8 /hls/NAME/0_1/index.m3u8", segments: "/hls/NAME/0_1/SPAN.ts", protocol: "hls"},
	{name: "MistServer, CMAF", playlists: "/cmaf/NAME/index.m3u8 /cmaf/NAME/1/index.m3u8",
		segments: "/cmaf/NAME/1/chunk_SEQ.m4s /cmaf/NAME/1/chunk_SEQ.PART.m4s /cmaf/NAME/1/init.m4s", protocol: "hls"},
	{name: "MistServer, DASH", playlists: "/cmaf/NAME/index.mpd", segments: "/cmaf/NAME/0/chunk_SEQ.m4s", protocol: "dash"},
	{name: "Ant Media", playlists: "/LiveApp/streams/NAME.m3u8 /LiveApp/streams/NAME_adaptive.m3u8 /LiveApp/streams/NAME_480p1000kbps.m3u8",
		segments: "/LiveApp/streams/NAME_480p1000kbpsSEQ4.ts /LiveApp/streams/NAME_240pSEQ4.ts", protocol: "hls"},
	{name: "Ant Media, no renditions", playlists: "/WebRTCAppEE/streams/NAME.m3u8", segments: "/WebRTCAppEE/streams/NAMESEQ9.ts", protocol: "hls",
		needs: "ch1 1 a1 v2 2026 cam-2 event-2026-11-28 lobby_12 20261128"},
	{name: "Ant Media, date and time", playlists: "/LiveApp/streams/NAME-2026-11-28_21-00-04.509.m3u8",
		segments: "/LiveApp/streams/NAME-2026-11-28_21-00-04.509_480p500kbpsSEQ4.ts", protocol: "hls"},
	{name: "Ant Media, DASH", playlists: "/LiveApp/streams/NAME/NAME.mpd",
		segments: "/LiveApp/streams/NAME/init-stream0.m4s /LiveApp/streams/NAME/chunk-stream0-SEQ5.m4s", protocol: "dash"},
	{name: "Flussonic", playlists: "/NAME/index.m3u8 /NAME/tracks-v1a1/mono.m3u8 /NAME/index-1795899601-3600.m3u8 /NAME/archive-1795899601-3600.m3u8",
		segments: "/NAME/tracks-v1a1/Y/m/d/H/M/S-05000.ts", protocol: "hls"},
	{name: "Flussonic, fMP4", playlists: "/NAME/index.fmp4.m3u8 /NAME/tracks-v1/index.fmp4.m3u8 /NAME/index.ll.m3u8",
		segments: "/NAME/tracks-v1/Y/m/d/H/M/S-05000.m4s /NAME/tracks-v1/Y/m/d/H/M/S-05000.partPART.m4s", protocol: "hls"},
	{name: "Flussonic, without tracks", playlists: "/NAME/mono.m3u8", segments: "/NAME/Y/m/d/H/M/S-05000.ts", protocol: "hls"},
	{name: "Owncast", playlists: "/hls/NAME.m3u8 /hls/0/NAME.m3u8", segments: "/hls/0/NAME-kQ7xVb2nSECONDS.ts /hls/1/NAME-_Q7-Vb2nfSECONDS.ts",
		protocol: "hls", ids: []string{"stream"}},
	{name: "Node-Media-Server", playlists: "/live/NAME/index.m3u8", segments: "/live/NAME/indexSEQ.ts", protocol: "hls"},
	{name: "Node-Media-Server, DASH", playlists: "/live/NAME/index.mpd",
		segments: "/live/NAME/init-stream1.m4s /live/NAME/chunk-stream1-SEQ5.m4s", protocol: "dash"},
	{name: "Nimble Streamer", playlists: "/live/NAME/playlist.m3u8 /live/NAME/chunks.m3u8 /live/NAME/playlist_dvr_timeshift-0-60.m3u8",
		segments: "/live/NAME/l_4_MS_SEQ.ts /live/NAME/l_2_SEQ_7.ts", protocol: "hls"},
	{name: "ZLMediaKit", playlists: "/live/NAME/hls.m3u8", segments: "/live/NAME/Y-m-d/H/M-S_SEQ.ts", protocol: "hls"},
	{name: "ZLMediaKit, fMP4", playlists: "/live/NAME/hls.fmp4.m3u8", segments: "/live/NAME/Y-m-d/H/M-S_SEQ.mp4 /live/NAME/init.mp4",
		protocol: "hls"},
	{name: "Monibuca", playlists: "/hls/live/NAME.m3u8", segments: "/hls/live/NAME/SECONDS.ts", protocol: "hls"},
	{name: "Red5", playlists: "/live/NAME.m3u8", segments: "/live/NAME_SEQ.ts", protocol: "hls"},
	{name: "Wowza", playlists: "/live/NAME/playlist.m3u8 /live/NAME/chunklist_w1652912314.m3u8",
		segments: "/live/NAME/media_w1652912314_SEQ.ts /live/NAME/media_SEQ.ts", protocol: "hls"},
	{name: "Wowza, SMIL", playlists: "/app/_definst_/smil:NAME.smil/playlist.m3u8 /app/_definst_/smil:NAME.smil/chunklist_w16_b350000_slENG.m3u8",
		segments: "/app/_definst_/smil:NAME.smil/media_w16_b350000_SEQ.ts", protocol: "hls"},
	{name: "Wowza, DASH", playlists: "/app/NAME/manifest.mpd /app/NAME/manifest_w16.mpd",
		segments: "/app/NAME/chunk_ctvideo_cfm4s_ridp0va0br601392_csSEQ_w16_mpd.m4s /app/NAME/chunk_ctaudio_cfm4s_ridp0aa0br128000_cinit_w16_mpd.m4s",
		protocol: "dash"},
	{name: "Restreamer", playlists: "/memfs/NAME.m3u8 /memfs/NAME_output_0.m3u8", segments: "/memfs/NAME_output_0_SEQ4.ts", protocol: "hls"},
	{name: "PeerTube", playlists: "/static/streaming-playlists/hls/NAME/master.m3u8 /static/streaming-playlists/hls/NAME/0.m3u8",
		segments: "/static/streaming-playlists/hls/NAME/0-SEQ6.ts", protocol: "hls"},
	{name: "ffmpeg hls, as it comes", playlists: "/hls/NAME.m3u8", segments: "/hls/NAMESEQ.ts", protocol: "hls",
		needs: "ch1 1 a1 v2 2026 cam-2 event-2026-11-28 lobby_12 20261128"},
	{name: "ffmpeg hls, -hls_segment_filename", playlists: "/live/NAME.m3u8", segments: "/live/NAME_SEQ3.ts", protocol: "hls"},
	{name: "ffmpeg hls, -var_stream_map", playlists: "/live/NAME/master.m3u8 /live/NAME/stream_0.m3u8 /live/NAME/stream_1.m3u8",
		segments: "/live/NAME/stream_0/dataSEQ6.ts /live/NAME/stream_1/dataSEQ6.ts", protocol: "hls", needs: "tv live"},
	{name: "ffmpeg hls, folders by number", playlists: "/hls/NAME/master.m3u8 /hls/NAME/0/index.m3u8 /hls/NAME/1/index.m3u8",
		segments: "/hls/NAME/0/segmentSEQ3.ts /hls/NAME/1/segmentSEQ3.ts", protocol: "hls", needs: "tv live"},
	{name: "ffmpeg hls, vs%v", playlists: "/live/NAME/master.m3u8 /live/NAME/vs0/out.m3u8", segments: "/live/NAME/vs0/fileSequenceSEQ.m4s",
		protocol: "hls", needs: "tv live"},
	{name: "ffmpeg hls, flat renditions", playlists: "/hls/NAME.m3u8 /hls/NAME_0.m3u8 /hls/NAME_1.m3u8",
		segments: "/hls/NAME_0_SEQ3.ts /hls/NAME_1_SEQ3.ts", protocol: "hls", needs: "all"},
	{name: "ffmpeg hls, strftime", playlists: "/hls/NAME.m3u8", segments: "/hls/NAME_Ymd_HMS.ts /hls/NAME-YmdHMS.ts /hls/NAME-Ymd-SECONDS.ts", protocol: "hls"},
	{name: "ffmpeg hls, strftime with hyphens", playlists: "/hls/NAME.m3u8", segments: "/hls/NAME-Y-m-d_H-M-S.ts /hls/NAME_Y-m-d-H-M-S.ts /hls/NAME_SECONDS.ts",
		protocol: "hls"},
	{name: "ffmpeg hls, strftime and sequence", playlists: "/hls/NAME.m3u8", segments: "/hls/NAME-Ymd-SEQ4.ts", protocol: "hls", needs: "all"},
	{name: "ffmpeg hls, strftime_mkdir", playlists: "/hls/NAME/index.m3u8", segments: "/hls/NAME/Y/m/d/file-Ymd-SECONDS.ts", protocol: "hls"},
	{name: "ffmpeg dash", playlists: "/dash/NAME/manifest.mpd", segments: "/dash/NAME/init-stream0.m4s /dash/NAME/chunk-stream0-SEQ5.m4s",
		protocol: "dash"},
	{name: "ffmpeg dash, out.mpd", playlists: "/live/NAME/out.mpd", segments: "/live/NAME/init-stream0.m4s /live/NAME/chunk-stream1-SEQ5.m4s",
		protocol: "dash", not: "tv live: out may be a stream in live"},
	{name: "MediaPackage", playlists: "/out/v1/NAME/index.m3u8 /out/v1/NAME/index_1.m3u8",
		segments: "/out/v1/NAME/index_1_SEQ.ts /out/v1/NAME/d3a1f0c4b7e64b2c9f0b6a1d2e3f4a5b/0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f/index_1_SEQ.ts", protocol: "hls"},
	{name: "MediaPackage 2", playlists: "/out/v1/group/NAME/hls/index.m3u8 /out/v1/group/NAME/hls/index_1.m3u8",
		segments: "/out/v1/group/NAME/hls/segment_1_SEQ.ts /out/v1/group/NAME/cmaf/ts/index_1_SEQ.ts", protocol: "hls"},
	{name: "MediaPackage 2, DASH", playlists: "/out/v1/group/NAME/dash-endpoint/index.mpd", segments: "/out/v1/group/NAME/dash-endpoint/segment_video_1_SEQ.mp4",
		protocol: "dash"},
	{name: "MediaLive", playlists: "/sports/delivery/NAME.m3u8 /sports/delivery/NAME_high.m3u8", segments: "/sports/delivery/NAME_high_SEQ5.ts",
		protocol: "hls", needs: "71946bf8-b2a0-4774-99a3-02783ac0d9db", not: "tv 1 live main a1 v2 media data 20261128: the folder has a name of its own, and these may be renditions"},
	{name: "MediaStore", playlists: "/live/NAME/index.m3u8 /live/NAME/index_720p30.m3u8", segments: "/live/NAME/index_720p30_SEQ5.ts", protocol: "hls"},
	{name: "Elemental", playlists: "/out/u/NAME.m3u8 /out/u/NAME_720p.m3u8", segments: "/out/u/NAME_720p_SEQ.ts", protocol: "hls"},
	{name: "Unified Origin", playlists: "/NAME.isml/.m3u8 /NAME.isml/NAME-audio=128000-video=2500000.m3u8",
		segments: "/NAME.isml/NAME-audio=128000-video=2500000-SEQ.ts /NAME.isml/hls/NAME-video=2500000-SEQ.m4s", protocol: "hls"},
	{name: "Unified Origin, DASH", playlists: "/live/NAME/NAME.isml/.mpd",
		segments: "/live/NAME/NAME.isml/dash/NAME-video=2500000-SEQ.dash /live/NAME/NAME.isml/dash/NAME-video=2500000.dash", protocol: "dash"},
	{name: "Unified Origin, Smooth Streaming", playlists: "/NAME.isml/Manifest",
		segments: "/NAME.isml/QualityLevels(2500000)/Fragments(video=SEQ)", protocol: "smooth"},
	{name: "Azure, HLS", playlists: "/6f1e2d3c-0001-4b5a-9c8d-7e6f5a4b3c2d/NAME.ism/manifest(format=m3u8-aapl)",
		segments: "/6f1e2d3c-0001-4b5a-9c8d-7e6f5a4b3c2d/NAME.ism/QualityLevels(800000)/Fragments(video=SEQ,format=m3u8-aapl)", protocol: "hls"},
	{name: "Azure, DASH", playlists: "/6f1e2d3c-0001-4b5a-9c8d-7e6f5a4b3c2d/NAME.ism/manifest(format=mpd-time-csf)",
		segments: "/6f1e2d3c-0001-4b5a-9c8d-7e6f5a4b3c2d/NAME.ism/QualityLevels(800000)/Fragments(video=SEQ,format=mpd-time-csf)", protocol: "dash"},
	{name: "Broadpeak", playlists: "/bpk-tv/NAME/default/index.m3u8", segments: "/bpk-tv/NAME/default/NAME-audio_1=96000-video=2499968-SEQ.ts", protocol: "hls"},
	{name: "Broadpeak, DASH", playlists: "/bpk-tv/NAME/output/manifest.mpd", segments: "/bpk-tv/NAME/output/dash/NAME-video=2499968-SEQ.dash", protocol: "dash"},
	{name: "Cloudflare Stream", playlists: "/NAME/manifest/video.m3u8 /NAME/manifest/stream_t7e.m3u8",
		segments: "/NAME/video/480/seg_SEQ.ts /NAME/video/720/init.mp4 /NAME/audio/133/seg_SEQ.ts", protocol: "hls", ids: hexadecimals},
	{name: "Akamai", playlists: "/hls/live/2012345/NAME/master.m3u8 /hls/live/2012345/NAME/master_1080.m3u8",
		segments: "/hls/live/2012345/NAME/YmdTHMS/master_1080/00001/master_1080_SEQ5.ts", protocol: "hls"},
	{name: "Harmonic", playlists: "/Content/HLS/Live/Channel(NAME)/index.m3u8 /Content/HLS/Live/Channel(NAME)/Stream(05)/index.m3u8",
		segments: "/Content/HLS/Live/Channel(NAME)/Stream(05)/Segment(SEQ).ts", protocol: "hls"},
	{name: "Shaka Packager", playlists: "/live/NAME/h264_master.m3u8 /live/NAME/h264_360p.m3u8 /live/NAME/audio.m3u8",
		segments: "/live/NAME/h264_360p_SEQ.ts /live/NAME/audio_SEQ.aac", protocol: "hls", needs: "tv live"},
	{name: "Shaka Packager, DASH", playlists: "/live/NAME/manifest.mpd",
		segments: "/live/NAME/h264_720p_init.mp4 /live/NAME/h264_720p_SEQ.m4s /live/NAME/audio_SEQ.m4s", protocol: "dash"},
	{name: "Shaka Streamer", playlists: "/NAME/hls.m3u8 /NAME/video_480p_1M_h264.m3u8",
		segments: "/NAME/video_480p_1M_h264_SEQ.mp4 /NAME/audio_und_2c_128k_aac_SEQ.mp4", protocol: "hls", needs: "all"},
	{name: "Bento4", playlists: "/NAME/master.m3u8 /NAME/media-1/stream.m3u8", segments: "/NAME/media-1/segment-SEQ.ts", protocol: "hls", needs: "tv live v2"},
	{name: "Bento4, DASH", playlists: "/NAME/manifest.mpd",
		segments: "/NAME/video/avc1/1/seg-SEQ.m4s /NAME/video/avc1/seg-SEQ.m4s /NAME/audio/en/mp4a.40.2/init.mp4", protocol: "dash", needs: "tv live v2"},
	{name: "GStreamer hlssink", playlists: "/live/NAME/playlist.m3u8", segments: "/live/NAME/segmentSEQ5.ts", protocol: "hls"},
	{name: "GStreamer hlscmafsink", playlists: "/live/NAME/playlist.m3u8", segments: "/live/NAME/init00000.mp4 /live/NAME/segmentSEQ5.m4s", protocol: "hls"},
	{name: "Apple mediastreamsegmenter", playlists: "/NAME/prog_index.m3u8", segments: "/NAME/fileSequenceSEQ.ts", protocol: "hls"},
	{name: "Apple, low latency", playlists: "/NAME/gear1/lowLatencyHLS.m3u8 /NAME/gear1/prog_index.m3u8",
		segments: "/NAME/gear1/fileSequenceSEQ.mp4 /NAME/gear1/filePartSEQ.PART.mp4", protocol: "hls"},
	{name: "LiveKit egress", playlists: "/rooms/NAME-2026-11-28T210004.m3u8 /rooms/NAME-2026-11-28T210004-live.m3u8", segments: "/rooms/NAME-2026-11-28T210004_SEQ5.ts",
		protocol: "hls"},
	{name: "Livepeer", playlists: "/hls/NAME/index.m3u8 /hls/NAME/0_1/index.m3u8", segments: "/hls/NAME/1_0/SPAN.ts", protocol: "hls"},
	{name: "Bitmovin", playlists: "/NAME/manifest.m3u8", segments: "/NAME/video/1080_4800000/segment_SEQ.m4s /NAME/audio/128000/segment_SEQ.m4s",
		protocol: "hls", needs: "tv live v2"},
	{name: "an unknown packager", playlists: "/app/NAME/index.m3u8", segments: "/app/NAME/RANDOM.ts", protocol: "hls", needs: "all"},
}

// fill puts what is of segment number i into a path. Segments are 4 s long and begin on 28 Nov 2026, 21:00:01 UTC.
func fill(pattern string, i int) string {
	at := time.Date(2026, 11, 28, 21, 0, 1+4*i, 0, time.UTC)
	const letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	random := rand.New(rand.NewPCG(7, uint64(i)))
	var token strings.Builder
	for range 10 {
		token.WriteByte(letters[random.IntN(len(letters))])
	}
	return strings.NewReplacer(
		"YmdTHMS", at.Format("20060102T150405"), "YmdHMS", at.Format("20060102150405"), "Ymd_HMS", at.Format("20060102_150405"),
		"Y/m/d/H/M/S", at.Format("2006/01/02/15/04/05"), "Y/m/d", at.Format("2006/01/02"), "Y-m-d_H-M-S", at.Format("2006-01-02_15-04-05"),
		"Y-m-d-H-M-S", at.Format("2006-01-02-15-04-05"), "Y-m-d/H/M-S", at.Format("2006-01-02/15/04-05"), "YmdH", at.Format("2006010215"),
		"Ymd", at.Format("20060102"), "SECONDS", fmt.Sprint(at.Unix()), "DURATION", fmt.Sprint(3980+i%40),
		"SPAN", fmt.Sprintf("%d_%d", 4000*i, 4000*(i+1)), "RANDOM", token.String(), "CHECKSUM", fmt.Sprintf("%08x", random.Uint32()),
		"SEQ3", fmt.Sprintf("%03d", i), "SEQ4", fmt.Sprintf("%04d", i), "SEQ5", fmt.Sprintf("%05d", i), "SEQ6", fmt.Sprintf("%06d", i),
		"SEQ9", fmt.Sprintf("%09d", i), "SEQ", fmt.Sprint(i), "PART", fmt.Sprint(i%20), "MS", fmt.Sprint(at.UnixMilli()+123),
	).Replace(pattern)
}

// pathsOf returns n paths of each pattern, with NAME for the stream.
func pathsOf(patterns string, n int) []string {
	var paths []string
	for i := range n {
		for _, pattern := range strings.Fields(patterns) {
			paths = append(paths, fill(pattern, i))
		}
	}
	return paths
}

// named returns paths of a stream.
func named(paths []string, name string) []string {
	of := make([]string, len(paths))
	for i, path := range paths {
		of[i] = strings.ReplaceAll(path, "NAME", name)
	}
	return of
}

// streams returns what the paths are, and how many of them.
func streams(t *testing.T, paths []string, find func(path string) (stream, protocol string, media, ok bool)) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, path := range paths {
		stream, protocol, _, ok := find(path)
		if !ok {
			stream, protocol = "", path
		}
		if found[stream+" "+protocol]++; !ok {
			break
		}
	}
	return found
}

func TestServersAndPackagers(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			tried := names
			if s.ids != nil {
				tried = s.ids
			}
			anyPlaylists, anySegments := pathsOf(s.playlists, 1), pathsOf(s.segments, 300)
			for _, name := range tried {
				if isOneOf(name, s.not) {
					continue
				}
				want := name + " " + s.protocol
				check := func(how string, found map[string]int) {
					t.Helper()
					if len(found) != 1 || found[want] == 0 {
						t.Errorf("%s, %s: %s", name, how, few(found))
					}
				}
				segments := named(anySegments, name)
				all := append(named(anyPlaylists, name), segments...)
				check("in order", streams(t, all, accesslog.NewRules(nil).Match))

				learnt := accesslog.NewRules(nil)
				rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				for _, path := range all {
					learnt.Learn(path)
				}
				check("learnt before, in another order", streams(t, all, learnt.Match))
				if !isOneOf(name, s.needs) && s.needs != "all" {
					found := streams(t, segments, accesslog.NewRules(nil).Match)
					delete(found, name+" hls") // only the manifest tells DASH, mostly
					delete(found, want)
					if len(found) > 0 {
						t.Errorf("%s, without playlists: %s", name, few(found))
					}
				}
			}
		})
	}
}

func isOneOf(name, list string) bool {
	list, _, _ = strings.Cut(list, ":")
	for _, other := range strings.Fields(list) {
		if name == other {
			return true
		}
	}
	return false
}

// few names some of what was found.
func few(found map[string]int) string {
	var text []string
	for _, name := range slices.Sorted(maps.Keys(found)) {
		text = append(text, fmt.Sprintf("%.60s × %d", name, found[name]))
	}
	if len(text) > 4 {
		text = append(text[:4], fmt.Sprintf("and %d more", len(text)-4))
	}
	return strings.Join(text, ", ")
}
