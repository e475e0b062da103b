package mediaserver

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// nginxStatText is what nginx-rtmp 1.1.4 shows.
const nginxStatText = `<?xml version="1.0" encoding="utf-8" ?>
<?xml-stylesheet type="text/xsl" href="/stat.xsl" ?>
<rtmp>
<nginx_version>1.22.1</nginx_version>
<nginx_rtmp_version>1.1.4</nginx_rtmp_version>
<built>Feb 13 2023 11:56:56</built>
<pid>%d</pid>
<uptime>%d</uptime>
<naccepted>2</naccepted>
<bw_in>0</bw_in>
<bytes_in>222078</bytes_in>
<bw_out>0</bw_out>
<bytes_out>121844</bytes_out>
<server>
<application>
<name>live</name>
<live>
<stream>
<name>test</name>
<time>%d</time><bw_in>0</bw_in>
<bytes_in>217690</bytes_in>
<bw_out>0</bw_out>
<bytes_out>118622</bytes_out>
<bw_audio>64000</bw_audio>
<bw_video>900000</bw_video>
<client><id>2</id><address>192.0.2.2</address><time>3747</time><flashver>LNX 9,0,124,2</flashver>` +
	`<pageurl>https://site.example/?a=1&amp;b=2</pageurl><dropped>0</dropped><avsync>-23</avsync><timestamp>6223</timestamp><active/></client>
<client><id>1</id><address>192.0.2.1</address><time>6578</time><flashver>FMLE/3.0 (compatible; Lavf59.27</flashver>` +
	`<dropped>0</dropped><avsync>-23</avsync><timestamp>6223</timestamp><publishing/><active/></client>
<client><id>3</id><address>unix:/tmp/nginx-rtmp.1</address><time>0</time><active/></client>
<meta><video><width>320</width><height>240</height><frame_rate>25</frame_rate><codec>H264</codec></video></meta>
<nclients>3</nclients>
<publishing/>
<active/>
</stream>
<nclients>3</nclients>
</live>
</application>
<application>
<name>vod</name>
<play>
<stream>
<name>film.flv</name>
<client><id>4</id><address>192.0.2.4</address><time>1000</time></client>
<nclients>1</nclients>
</stream>
</play>
</application>
</server>
</rtmp>
`

func TestNginxRTMP(t *testing.T) {
	const none = event.Absent
	stat, err := decodeNginxRTMP(answer{body: fmt.Appendf(nil, nginxStatText, 21146, 7, 6400)})
	if err != nil {
		t.Fatal(err)
	}
	now := after(100)
	got, err := new(nginxRTMP).read(stat, now)
	if err != nil {
		t.Fatal(err)
	}
	checkSnapshot(t, got, []Stream{{Name: "live/test", ID: "1", Protocol: "rtmp", Received: 217690, Sent: 118622,
		Since: after(93.6), VideoBitrate: 900000, AudioBitrate: 64000}}, []Connection{
		{ID: "4", Stream: "vod/film.flv", Protocol: "rtmp", Address: address("192.0.2.4"), Received: none, Sent: none, Since: after(99).UTC()},
		{ID: "2", Stream: "live/test", StreamID: "1", Protocol: "rtmp", Address: address("192.0.2.2"), Referrer: "https://site.example/?a=1&b=2",
			Client: "LNX 9,0,124,2", Received: none, Sent: none, Since: after(100 - 3.747).UTC()},
		{ID: "1", Stream: "live/test", StreamID: "1", Publisher: true, Protocol: "rtmp", Address: address("192.0.2.1"),
			Client: "FMLE/3.0 (compatible; Lavf59.27", Received: none, Sent: none, Since: after(100 - 6.578).UTC(),
			Ingest: Ingest{VideoCodec: "H264", Width: 320, Height: 240, FrameRate: 25, MediaTime: 6223 * time.Millisecond}},
		{ID: "3", Stream: "live/test", StreamID: "1", Protocol: "rtmp", Received: none, Sent: none, Since: time.Time{}.UTC()},
	})
	for _, body := range []string{``, `<html></html>`, `<rtmp><pid>x</pid></rtmp>`, `<rtmp><pid>1</pid>`} {
		if _, err := decodeNginxRTMP(answer{body: []byte(body)}); err == nil {
			t.Errorf("%q is taken", body)
		}
	}
}

func TestNginxRTMPFollowsOneProcess(t *testing.T) {
	type step struct {
		at     float64 // seconds
		pid    int
		uptime int // seconds
		age    int // of the stream, ms
		failed bool
		run    int // number of the server's run
		life   int // number of the stream's life
	}
	respawn := []step{{at: 10, pid: 1, uptime: 100, age: 6000, run: 1, life: 1}}
	for i := range respawned - 1 {
		respawn = append(respawn, step{at: float64(20 + 10*i), pid: 2, uptime: 110 + 10*i, age: 7000, failed: true})
	}
	respawn = append(respawn, step{at: 120, pid: 2, uptime: 210, age: 50000, run: 2, life: 2})
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"one run", []step{
			{at: 10, pid: 1, uptime: 100, age: 6000, run: 1, life: 1}, {at: 20, pid: 1, uptime: 110, age: 16000, run: 1, life: 1},
			{at: 80, pid: 1, uptime: 169, age: 75900, run: 1, life: 1}, {at: 90, pid: 1, uptime: 180, age: 4000, run: 1, life: 2},
		}},
		{"a restart", []step{
			{at: 10, pid: 1, uptime: 100, age: 6000, run: 1, life: 1}, {at: 20, pid: 7, uptime: 3, age: 1000, run: 2, life: 2},
		}},
		{"a restart with the same process id, as in a container", []step{
			{at: 10, pid: 1, uptime: 100, age: 6000, run: 1, life: 1}, {at: 20, pid: 1, uptime: 3, age: 1000, run: 2, life: 2},
		}},
		{"nginx's clock is set back by 30 s", []step{
			{at: 10, pid: 1, uptime: 100, age: 6000, run: 1, life: 1}, {at: 20, pid: 1, uptime: 80, age: 16000, run: 1, life: 1},
		}},
		{"several workers", []step{
			{at: 10, pid: 1, uptime: 100, age: 6000, run: 1, life: 1}, {at: 20, pid: 2, uptime: 110, age: 9000, failed: true},
			{at: 30, pid: 1, uptime: 120, age: 26000, failed: true}, {at: 40, pid: 1, uptime: 130, age: 36000, failed: true},
			{at: 50, pid: 2, uptime: 140, age: 6000, failed: true},
			{at: 60, pid: 9, uptime: 2, age: 1000, run: 2, life: 2},
		}},
		{"a worker that crashed has a successor", respawn},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := new(nginxRTMP)
			var runs, lives []string
			number := func(known *[]string, id string) int {
				for i, k := range *known {
					if k == id {
						return i + 1
					}
				}
				*known = append(*known, id)
				return len(*known)
			}
			for i, s := range test.steps {
				stat, err := decodeNginxRTMP(answer{body: fmt.Appendf(nil, nginxStatText, s.pid, s.uptime, s.age)})
				if err != nil {
					t.Fatal(err)
				}
				got, err := n.read(stat, after(s.at))
				if s.failed {
					if !errors.Is(err, errWorkers) {
						t.Fatalf("step %d: error %v", i, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				if run, life := number(&runs, got.Start), number(&lives, got.Streams[0].ID); run != s.run || life != s.life {
					t.Fatalf("step %d: run %d, life %d, want %d, %d", i, run, life, s.run, s.life)
				}
			}
		})
	}
}

func TestNew(t *testing.T) {
	for _, test := range []struct {
		name string
		c    Config
		err  bool
	}{
		{"MediaMTX", Config{Type: TypeMediaMTX, URL: "http://127.0.0.1:9997"}, false},
		{"SRS", Config{Type: TypeSRS, URL: "https://srs.example:1985/"}, false},
		{"nginx-rtmp", Config{Type: TypeNginxRTMP, URL: "http://127.0.0.1/stat"}, false},
		{"an unknown type", Config{Type: "wowza", URL: "http://127.0.0.1"}, true},
		{"no URL", Config{Type: TypeSRS}, true},
		{"no HTTP", Config{Type: TypeSRS, URL: "rtmp://127.0.0.1"}, true},
		{"a broken URL", Config{Type: TypeSRS, URL: "http://[::1"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := New(test.c); (err != nil) != test.err {
				t.Errorf("error %v", err)
			}
		})
	}
}
