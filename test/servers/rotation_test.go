package servers

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRotation lets the collector follow logs that servers write, by format: auto, while logrotate rotates them as Debian tells it
// to, and while the collector is away. Every line counts once.
func TestRotation(t *testing.T) {
	if !long() {
		t.Skip("runs with go tool mage servers")
	}
	logrotate := installed(t, "logrotate")
	if os.Geteuid() != 0 {
		t.Skip("logrotate gives logs to their owners, which only root may")
	}
	for _, s := range allServers() {
		if !slices.Contains([]string{"nginx", "apache", "lighttpd", "haproxy", "squid"}, s.name) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			running := s.start(t, w)
			log := running.logs[0]
			if s.name == "haproxy" { // logrotate rotates what rsyslog writes
				log = running.logs[1]
			}
			follow(t, w, running, log, func(*client) {
				// Of Squid's logs two are kept. This test wants to read all lines again.
				rotate(t, w, logrotate, strings.Replace(running.rotation, "rotate 2\n", "rotate 7\n", 1))
			})
		})
	}
	t.Run("copytruncate", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		running := startNginx(t, w)
		follow(t, w, running, running.logs[0], func(c *client) {
			// What is written between the copy and the cut is lost, as logrotate's manual says: nobody writes meanwhile.
			c.pause()
			rotate(t, w, logrotate, running.logs[0].file+" {\n rotate 5\n copytruncate\n compress\n delaycompress\n}\n")
			c.goOn()
		})
	})
}

// rotate lets logrotate rotate once.
func rotate(t *testing.T, w *world, logrotate, configuration string) {
	t.Helper()
	file := w.file(t, "logrotate.conf", "su root root\n"+configuration)
	if output, err := exec.Command(logrotate, "-f", "-s", w.path("logrotate.state"), file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

// follow counts a log while a client plays and the log is rotated three times, the second time while no collector runs.
func follow(t *testing.T, w *world, running running, log accessLog, rotate func(*client)) {
	t.Helper()
	p := startProduct(t, []string{"followed"}, map[string]any{"logs": []map[string]any{
		{"file": log.file, "format": "auto", "organization": "followed"},
	}})
	c := newClient(t, running.http)
	for i := range 3 {
		time.Sleep(3 * time.Second)
		if i == 1 {
			stop(t, p.Process, syscall.SIGTERM)
		}
		rotate(c)
		time.Sleep(2 * time.Second)
		if i == 1 {
			p.Start()
		}
	}
	played := c.stop()
	time.Sleep(2 * time.Second)
	running.stop()
	last := time.Now()

	want := truth{streams: map[string]int64{}, addresses: map[string]int64{}, referrer: map[string]int64{}, minutes: map[time.Time]int64{}}
	var lines int
	for _, file := range rotated(t, log.file) {
		log := log
		log.file = file
		entries, err := readLog(log)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.foreign() {
				continue
			}
			lines++
			want.bytes += e.bytes
			want.streams["cam1"] += e.bytes
			want.addresses[e.address] += e.bytes
			want.referrer["(none)"] += e.bytes
			want.minutes[e.time.Add(e.duration).UTC().Truncate(time.Minute)] += e.bytes
		}
	}
	switch {
	case lines < played && strings.HasSuffix(log.name, "-syslog"):
		t.Logf("the client played %d times, %d lines were written: HAProxy does not wait for a syslog that is busy", played, lines)
	case lines != played:
		t.Errorf("the client played %d times, the server wrote %d lines", played, lines)
	}
	t.Logf("%d lines in %d files, %d bytes", lines, len(rotated(t, log.file)), want.bytes)
	p.compare(t, "followed", want, last)
}

// rotated returns a log and the older ones, decompressed.
func rotated(t *testing.T, file string) []string {
	t.Helper()
	files, err := filepath.Glob(file + "*")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range files {
		if !strings.HasSuffix(name, ".gz") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if text, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
		files[i] = filepath.Join(t.TempDir(), "decompressed.log")
		if err := os.WriteFile(files[i], text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// client plays one segment after the other until it is stopped.
type client struct {
	turn  chan struct{} // who has it may play
	end   chan struct{}
	count chan int
}

func newClient(t *testing.T, address string) *client {
	c := &client{turn: make(chan struct{}, 1), end: make(chan struct{}), count: make(chan int)}
	c.goOn()
	go func() {
		played := 0
		for {
			select {
			case <-c.end:
				c.count <- played
				return
			case <-c.turn:
			}
			_, err := connection{address: "127.0.1.1", to: address, agent: agent, requests: []request{{target: "/hls/cam1/seg-0.ts"}}}.play()
			c.goOn()
			if err != nil {
				t.Error(err)
				continue
			}
			played++
			time.Sleep(2 * time.Millisecond)
		}
	}()
	return c
}

func (c *client) pause() {
	<-c.turn
	time.Sleep(100 * time.Millisecond) // the server has written what it had
}

func (c *client) goOn() { c.turn <- struct{}{} }

// stop returns how often it played.
func (c *client) stop() int {
	close(c.end)
	return <-c.count
}
