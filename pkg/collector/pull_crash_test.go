package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/ingest"
	"github.com/streamlens/streamlens/pkg/source/logfile"
	"github.com/streamlens/streamlens/pkg/source/mediaserver"
)

// kill abandons the pipeline, and opens another one on what it has left on disk.
func (c *collector) kill(t *testing.T) {
	t.Helper()
	pipeline, err := ingest.Open(c.pipeline.Options)
	if err != nil {
		t.Fatal(err)
	}
	c.pipeline, c.server.Pipeline = pipeline, pipeline
	c.stop = func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := pipeline.Run(ctx); err != nil {
			t.Error(err)
		}
	}
}

// deaths are the moments in which a collector is killed while something is handed to its pipeline.
var deaths = []string{"does not die", "dies before it counts", "dies when it counts"}

var errDead = errors.New("dead")

// dying calls take once, and dies as it is told: after that, nothing is taken.
type dying struct {
	death string
	dead  atomic.Bool
}

func (d *dying) take(take func() error) error {
	if d.dead.Load() || d.death == "dies before it counts" {
		d.dead.Store(true)
		return errDead
	}
	if err := take(); err != nil {
		return err
	}
	if d.death == "dies when it counts" {
		d.dead.Store(true)
		return errDead
	}
	return nil
}

// TestCrashesCountLinesOnce kills a collector that follows a log again and again, while the log is written and rotated.
func TestCrashesCountLinesOnce(t *testing.T) {
	c := start(t, nil)
	file := filepath.Join(t.TempDir(), "access.log")
	write := func(name, text string) {
		log, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		if _, err := log.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	offset := func(f *logfile.Follower) int64 {
		var at struct{ Offset int64 }
		if err := json.Unmarshal([]byte(c.server.Pipeline.Cursor(sourceName("log", "acme", file))), &at); err != nil && f.Restore != "" {
			t.Fatal(err)
		}
		return at.Offset
	}
	// follow follows until all is read, or until the collector is dead.
	follow := func(death string) {
		p, err := newPull(config.Config{Logs: []config.LogFile{{File: file, Format: "nginx-combined", Organization: "acme"}}},
			c.server, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		f, d := p.followers[0], &dying{death: death}
		take := f.Take
		f.Take = func(ctx context.Context, lines []byte, position string) error {
			return d.take(func() error { return take(ctx, lines, position) })
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var done sync.WaitGroup
		done.Go(func() { p.run(ctx) })
		for !d.dead.Load() {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if offset(f) == info.Size() {
				break
			}
			if ctx.Err() != nil {
				t.Fatal("the log is not read")
			}
			time.Sleep(time.Millisecond)
		}
		cancel()
		done.Wait()
		c.kill(t)
	}
	number, bytes := 0, int64(0)
	line := func() string {
		number++
		bytes += int64(number)
		return nginxLine("203.0.113.7", fmt.Sprintf("/live/one/seg%d.ts", number), 200, number, "A")
	}
	ignored := nginxLine("203.0.113.7", "/favicon.ico", 200, 99, "A")
	write(file, nginxLine("203.0.113.7", "/live/one/before.ts", 200, 1_000_000, "A"))
	follow("dies before it counts") // then it begins at the end of the file again
	follow("does not die")
	for i, death := range deaths {
		write(file, line()+line())
		follow(death)
		write(file, ignored) // moves the position, and counts nothing
		follow(death)
		write(file, line())
		rotated := fmt.Sprintf("%s.%d", file, i+1)
		if err := os.Rename(file, rotated); err != nil {
			t.Fatal(err)
		}
		write(file, line())
		write(rotated, line()) // nginx writes on until it is told to open the new file
		follow(death)
	}
	follow("does not die")
	c.expect(t, map[string]int64{
		`streamlens_traffic_bytes_by_stream_1m{org="acme",collector="c",stream="one",direction="playout",protocol="hls"}`: bytes,
		`streamlens_server_viewers_by_stream_1m{org="acme",collector="c",stream="one"}`:                                   1,
	})
}

// TestFollowedLogKeepsItsColumns follows a log that names its columns in its first line, and goes on in its middle.
func TestFollowedLogKeepsItsColumns(t *testing.T) {
	c := start(t, nil)
	file := filepath.Join(t.TempDir(), "cloudfront.log")
	at := time.Now().UTC().Truncate(time.Minute).Add(-30 * time.Second)
	text := "#Version: 1.0\n#Fields: sc-status sc-bytes c-ip cs-method cs-uri-stem date time\n"
	for i := range 3 {
		if i > 0 {
			text += fmt.Sprintf("200\t%d\t203.0.113.7\tGET\t/live/one/seg%d.ts\t%s\n", i, i, at.Format("2006-01-02\t15:04:05"))
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := newPull(config.Config{Logs: []config.LogFile{{File: file, Format: "cloudfront", Organization: "acme"}}},
			c.server, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		take := p.followers[0].Take
		p.followers[0].Take = func(ctx context.Context, lines []byte, position string) error {
			defer cancel()
			return take(ctx, lines, position)
		}
		p.run(ctx)
		cancel()
		c.kill(t)
	}
	c.expect(t, map[string]int64{
		`streamlens_traffic_bytes_by_stream_1m{org="acme",collector="c",stream="one",direction="playout",protocol="hls"}`: 1 + 2,
	})
}

// risingServer stands in for a media server: it has one publisher, whose bytes rise by 1,000 with each look, until it leaves.
type risingServer struct {
	began  time.Time
	looks  int64
	run    int64
	absent bool
}

func (r *risingServer) restart() { r.run, r.began, r.looks = r.run+1, time.Now(), 0 }

// nginxRTMP answers as the statistics page of nginx-rtmp.
func (r *risingServer) nginxRTMP(w http.ResponseWriter, _ *http.Request) {
	r.looks++
	stream, age := "", time.Since(r.began)
	if !r.absent {
		stream = fmt.Sprintf(`<stream><name>two</name><time>%[1]d</time><bytes_in>%[2]d</bytes_in><bytes_out>0</bytes_out>
<client><id>1</id><address>203.0.113.9</address><time>%[1]d</time><flashver>FMLE/3.0</flashver><publishing/><active/></client>
<nclients>1</nclients><publishing/><active/></stream>`, age.Milliseconds(), r.looks*1000)
	}
	fmt.Fprintf(w, `<rtmp><pid>%d</pid><uptime>%d</uptime><server><application><name>live</name>
<live>%s</live></application></server></rtmp>`, 7+r.run, int(age.Seconds()), stream)
}

// mediaMTX answers as the API of MediaMTX.
func (r *risingServer) mediaMTX(w http.ResponseWriter, request *http.Request) {
	items := ""
	if strings.Contains(request.URL.Path, "/rtmpconns/") && !r.absent {
		r.looks++
		items = fmt.Sprintf(`{"id":"connection %d","created":%q,"remoteAddr":"203.0.113.9:5000","state":"publish","path":"live/two","bytesReceived":%d,"bytesSent":0}`,
			r.run, r.began.Format(time.RFC3339Nano), r.looks*1000)
	}
	fmt.Fprintf(w, `{"pageCount":1,"items":[%s]}`, items)
}

// srs answers as the API of SRS.
func (r *risingServer) srs(w http.ResponseWriter, request *http.Request) {
	streams, clients := "", ""
	if !r.absent {
		if strings.Contains(request.URL.Path, "/streams") {
			r.looks++
			streams = fmt.Sprintf(`{"id":"vid-1","name":"two","app":"live","url":"/live/two","send_bytes":0,"recv_bytes":%d}`, r.looks*1000)
		}
		clients = fmt.Sprintf(`{"id":"c","stream":"vid-1","ip":"203.0.113.9","type":"fmle-publish","publish":true,"alive":%f,"send_bytes":0,"recv_bytes":%d}`,
			time.Since(r.began).Seconds(), r.looks*1000)
	}
	fmt.Fprintf(w, `{"code":0,"server":"s","service":"run %d","pid":"1","streams":[%s],"clients":[%s]}`, r.run, streams, clients)
}

// dyingSink hands to a sink until it dies.
type dyingSink struct {
	dying
	mediaserver.Sink
}

func (d *dyingSink) Take(lines []event.Usage, broadcasts []event.Batch, position string) error {
	return d.take(func() error { return d.Sink.Take(lines, broadcasts, position) })
}

// TestCrashesCountCountersOnce kills a collector that polls a media server again and again: before what it found out counts, and
// when it counts but the poller does not know.
func TestCrashesCountCountersOnce(t *testing.T) {
	for _, test := range []struct {
		kind   string
		answer func(*risingServer) http.HandlerFunc
	}{
		{mediaserver.TypeNginxRTMP, func(r *risingServer) http.HandlerFunc { return r.nginxRTMP }},
		{mediaserver.TypeMediaMTX, func(r *risingServer) http.HandlerFunc { return r.mediaMTX }},
		{mediaserver.TypeSRS, func(r *risingServer) http.HandlerFunc { return r.srs }},
	} {
		t.Run(test.kind, func(t *testing.T) {
			c := start(t, nil)
			rising := &risingServer{began: time.Now().Add(-time.Hour)}
			stub := httptest.NewServer(test.answer(rising))
			defer stub.Close()
			polled := config.MediaServer{Type: test.kind, URL: stub.URL, Interval: 60, Organization: "acme"}.Polled()
			polled.StreamName = c.server.streamName("acme", test.kind)
			// poll polls twice, with the begin of the collector and with its end, unless it dies with the first.
			poll := func(death string) {
				server, err := mediaserver.New(polled)
				if err != nil {
					t.Fatal(err)
				}
				sink := &dyingSink{dying{death: death}, &mediaServerSink{c.server, "acme", "server"}}
				poller := mediaserver.NewPoller(polled, server, c.server.Pipeline.Cursor("server"), sink, slog.New(slog.NewTextHandler(t.Output(), nil)))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				before := c.server.Pipeline.Cursor("server")
				var done sync.WaitGroup
				done.Go(func() { poller.Run(ctx) })
				for deadline := time.Now().Add(10 * time.Second); !sink.dead.Load() && c.server.Pipeline.Cursor("server") == before; {
					if time.Now().After(deadline) {
						t.Fatal("the server is not polled")
					}
					time.Sleep(time.Millisecond)
				}
				cancel()
				done.Wait()
				c.kill(t)
			}
			poll("does not die")
			var first int64 = 1000 // the first poll finds out what was there before
			for range 3 {
				for _, death := range deaths {
					poll(death)
				}
			}
			poll("does not die")
			last := rising.looks * 1000
			rising.absent = true
			for _, death := range deaths {
				poll(death)
			}
			poll("does not die")
			want := last - first
			publishes := int64(1)

			// Another run of the server counts from zero.
			rising.restart()
			rising.absent = false
			for _, death := range deaths {
				poll(death)
			}
			poll("does not die")
			want += rising.looks * 1000
			publishes++
			c.expect(t, map[string]int64{
				`streamlens_traffic_bytes_by_stream_1m{org="acme",collector="c",stream="two",direction="ingest",protocol="rtmp"}`:                          want,
				`streamlens_traffic_ip_bytes_by_stream_country_1h{org="acme",collector="c",stream="two",country="DE",direction="ingest",ip="203.0.113.9"}`: want,
				`streamlens_publishes_1m{org="acme",collector="c"}`:                                                                                        publishes,
				`streamlens_ingest_time_ms_count_1m{org="acme",collector="c"}`:                                                                             1,
			})
		})
	}
}
