package mediaserver

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/processtest"
)

const nginxRTMPModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

// start runs a program until the test ends, or until the returned function is called.
func start(t *testing.T, name string, args ...string) (stop func()) {
	t.Helper()
	p := processtest.Start(t, append([]string{name}, args...)...)
	return func() {
		p.Signal(os.Interrupt)
		select {
		case <-p.Ended(): // the status says how the program ended, which it was made to
		case <-time.After(2 * time.Second): // ffmpeg does not hear while it waits for a server
			p.Kill()
		}
	}
}

func runProgram(t *testing.T, name string, args ...string) {
	t.Helper()
	if output, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, output)
	}
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 15 s for %s", what)
		}
	}
}

// makeFLV writes some seconds of test picture and sound, and returns the bytes and number of the audio and video messages
// that ffmpeg sends when it copies the file to an RTMP server.
func makeFLV(t *testing.T, file string, seconds int) (size, messages int64) {
	t.Helper()
	raw := file + ".raw.flv"
	length := strconv.Itoa(seconds)
	runProgram(t, "ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=640x360:rate=25", "-f", "lavfi", "-i", "sine",
		"-t", length, "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac", raw)
	runProgram(t, "ffmpeg", "-loglevel", "error", "-i", raw, "-c", "copy", file)
	sent := file + ".sent.flv"
	runProgram(t, "ffmpeg", "-loglevel", "error", "-i", file, "-c", "copy", sent)
	data, err := os.ReadFile(sent)
	if err != nil {
		t.Fatal(err)
	}
	for data = data[13:]; len(data) >= 11; {
		n := int64(binary.BigEndian.Uint32(data) & 0xffffff)
		if data[0] == 8 || data[0] == 9 { // audio, video
			size += n
			messages++
		}
		data = data[11+n+4:]
	}
	return size, messages
}

var rtmpLogLine = regexp.MustCompile(`(PLAY|PUBLISH) "live" "test" "" - (\d+) (\d+) `)

// TestRealNginxRTMP publishes a file with ffmpeg to nginx-rtmp and plays it with ffmpeg, and compares the poller's sums with
// the file and with nginx's own log.
func TestRealNginxRTMP(t *testing.T) {
	if testing.Short() {
		t.Skip("runs for 10 s")
	}
	if _, err := os.Stat(nginxRTMPModule); err != nil {
		t.Skip("needs nginx's RTMP module (Debian: libnginx-mod-rtmp)")
	}
	for _, program := range []string{"nginx", "ffmpeg"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s", program)
		}
	}
	dir := t.TempDir()
	rtmp, web := processtest.FreeAddress(t), processtest.FreeAddress(t)
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, `
load_module %s;
daemon off;
worker_processes 1;
pid %[2]s/pid;
error_log %[2]s/error.log;
events {}
rtmp {
  access_log %[2]s/rtmp.log;
  server { listen %[3]s; application live { live on; } }
}
http {
  access_log off;
  client_body_temp_path %[2]s/body;
  proxy_temp_path %[2]s/proxy;
  fastcgi_temp_path %[2]s/fastcgi;
  uwsgi_temp_path %[2]s/uwsgi;
  scgi_temp_path %[2]s/scgi;
  server { listen %[4]s; location /stat { rtmp_stat all; } }
}
`, nginxRTMPModule, dir, rtmp, web), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "test.flv")
	payload, messages := makeFLV(t, file, 3)
	start(t, "nginx", "-c", config, "-e", filepath.Join(dir, "error.log"))
	c := Config{Type: TypeNginxRTMP, URL: "http://" + web + "/stat", Organization: "acme", Interval: 500 * time.Millisecond}
	waitFor(t, "nginx", func() bool {
		resp, err := http.Get(c.URL)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	server, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	var sink memorySink
	poller := NewPoller(c, server, "", &sink, slog.New(slog.NewTextHandler(t.Output(), nil)))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		poller.Run(ctx)
	}()
	time.Sleep(c.Interval)

	address := "rtmp://" + rtmp + "/live/test"
	stopPlayer := start(t, "ffmpeg", "-nostdin", "-loglevel", "error", "-i", address, "-c", "copy", "-f", "null", "-")
	time.Sleep(3 * c.Interval)
	runProgram(t, "ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-i", file, "-c", "copy", "-f", "flv", address)
	time.Sleep(3 * c.Interval) // the player keeps the stream and its counters
	stopPlayer()
	log := filepath.Join(dir, "rtmp.log")
	var entries [][]string
	waitFor(t, "nginx's log", func() bool {
		data, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		entries = rtmpLogLine.FindAllStringSubmatch(string(data), -1)
		return len(entries) == 2
	})
	time.Sleep(2 * c.Interval)
	cancel()
	<-ended

	logged := map[string]int64{}
	for _, e := range entries {
		field := map[string]int{"PUBLISH": 2, "PLAY": 3}[e[1]]
		if logged[e[1]], err = strconv.ParseInt(e[field], 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	ingest, ingestRest := sink.sum("ingest")
	playout, playoutRest := sink.sum("playout")
	t.Logf("%d messages of %d bytes; ingest %d + %d without address, nginx logs %d; playout %d + %d without address, nginx logs %d",
		messages, payload, ingest, ingestRest, logged["PUBLISH"], playout, playoutRest, logged["PLAY"])
	if ingest != payload || ingestRest != 0 {
		t.Errorf("ingest is %d bytes with address and %d without, but ffmpeg sent %d bytes of audio and video", ingest, ingestRest, payload)
	}
	// nginx counts what it hands on of the audio and video; the first message of each is sent once more, as a header.
	if total := playout + playoutRest; total > payload || total < payload*98/100 {
		t.Errorf("playout is %d bytes of the %d that were published", total, payload)
	}
	if playout == 0 {
		t.Error("no playout has the address of the only player")
	}
	// The log counts RTMP as a whole: a header of at most 18 bytes per message, one byte per further chunk of 128 (in) or 4096
	// bytes (out), and commands and acknowledgements.
	const commands = 2048
	for _, check := range []struct {
		name              string
		usage, log, chunk int64
	}{{"PUBLISH", ingest, logged["PUBLISH"], 128}, {"PLAY", playout + playoutRest, logged["PLAY"], 128}} {
		if overhead := check.log - check.usage; overhead < 0 || overhead > check.usage/check.chunk+18*messages+commands {
			t.Errorf("%s: usage is %d bytes, nginx logs %d", check.name, check.usage, check.log)
		}
	}
	checkBroadcast(t, &sink, 3*time.Second, c.Interval)
	viewers := map[event.ViewerKey]int{}
	for _, u := range sink.usage {
		if u.Viewer != 0 {
			viewers[u.Viewer]++
		}
	}
	if len(viewers) != 1 {
		t.Errorf("viewers %v, want one", viewers)
	}
}

// checkBroadcast checks that there was one broadcast of about the given length.
func checkBroadcast(t *testing.T, sink *memorySink, length, interval time.Duration) {
	t.Helper()
	sessions := sink.sessions()
	if len(sessions) != 1 {
		t.Fatalf("%d broadcasts, want 1", len(sessions))
	}
	for _, events := range sessions {
		first, last := events[0], events[len(events)-1]
		if first.Type != event.Load || events[1].Type != event.Start || last.Type != event.Stop {
			t.Fatalf("events %+v", events)
		}
		if off := time.Duration(last.Played)*time.Millisecond - length; off < -3*interval || off > 3*interval {
			t.Errorf("the broadcast of %v is said to be %d ms long", length, last.Played)
		}
		var playing int64
		for _, e := range events {
			playing += max(e.Playing, 0)
		}
		if playing != last.Played {
			t.Errorf("%d ms on air are reported, but %d ms at the end", playing, last.Played)
		}
		t.Logf("the broadcast was %d ms long", last.Played)
	}
	if client := sink.batches[0].Session.Client; !strings.HasPrefix(client, "rtmp") || bytes.ContainsAny([]byte(client), "\r\n") {
		t.Errorf("client %q", client)
	}
}
