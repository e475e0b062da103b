// Package scale tests several collectors behind a real nginx, in front of a real VictoriaMetrics: the sums over all of them are
// those of the events that were acknowledged, while collectors stop, die and join.
package scale

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/test/program"
)

const (
	accountKey = "pk_scale"
	secretKey  = "sk_scale"
	streams    = 40
)

// startCollector starts a collector that writes to one URL and reads from another.
func startCollector(t *testing.T, victoriaMetrics, writeURL string) *program.Collector {
	t.Helper()
	return program.StartCollector(t, map[string]any{
		"trustedProxies":  []string{"127.0.0.1/32"},
		"victoriametrics": map[string]string{"url": victoriaMetrics, "writeUrl": writeURL},
		"organizations": []any{map[string]any{
			"id": "acme", "level": "premium", "secretKey": secretKey, "accounts": []any{map[string]string{"id": "acme", "key": accountKey}},
		}},
	})
}

// balancer is nginx with the example of the documentation.
type balancer struct {
	t       *testing.T
	folder  string
	address string
	process *processtest.Process
}

func startBalancer(t *testing.T, change func(example string) string, servers ...string) *balancer {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed")
	}
	b := &balancer{t: t, folder: t.TempDir(), address: processtest.FreeAddress(t)}
	var main strings.Builder
	if os.Getuid() == 0 {
		main.WriteString("user root;\n") // nobody else may read the test's folder
	}
	main.WriteString("daemon off;\nworker_processes 2;\npid nginx.pid;\nevents {}\nhttp {\naccess_log off;\n")
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&main, "%s_temp_path %s;\n", name, name)
	}
	main.WriteString("include streamlens.conf;\n}\n")
	b.write("nginx.conf", main.String())
	b.configure(change, servers...)
	b.process = processtest.Start(t, nginx, "-p", b.folder, "-c", "nginx.conf", "-e", "error.log")
	t.Cleanup(func() {
		if err := b.process.Stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if log, err := os.ReadFile(filepath.Join(b.folder, "error.log")); t.Failed() && err == nil {
			t.Logf("nginx:\n%.2000s", log)
		}
	})
	b.process.WaitUntil("it answers", func() error {
		response, err := http.Get(b.url("/"))
		if err != nil {
			return err
		}
		return response.Body.Close()
	})
	return b
}

func (b *balancer) url(path string) string { return "http://" + b.address + path }

// configure writes the example with other addresses.
func (b *balancer) configure(change func(string) string, servers ...string) {
	b.t.Helper()
	example, err := os.ReadFile("../../docs/examples/nginx-balancer.conf")
	if err != nil {
		b.t.Fatal(err)
	}
	first, second := "    server 10.0.0.11:8095 max_fails=0;\n", "    server 10.0.0.12:8095 max_fails=0;\n"
	text := strings.Replace(string(example), first, "", 1)
	list := ""
	for _, s := range servers {
		list += "    server " + s + " max_fails=0;\n"
	}
	if !strings.Contains(text, second) || !strings.Contains(text, "listen 80;") {
		b.t.Fatal("the example has changed, and the test does not know it")
	}
	text = strings.NewReplacer(second, list, "listen 80;", "listen "+b.address+";").Replace(text)
	b.write("streamlens.conf", change(text))
}

func (b *balancer) write(name, content string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.folder, name), []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// reload lets nginx take over a changed configuration.
func (b *balancer) reload() {
	b.t.Helper()
	b.process.Signal(syscall.SIGHUP)
	time.Sleep(time.Second) // until the old workers have gone
}

func asItIs(example string) string { return example }

// event is one of POST /v1/events.
type event map[string]any

// totals are what was sent and acknowledged.
type totals struct {
	loads, plays, stops, playing, traffic atomic.Int64 // playing in ms, traffic in bytes
	refused                               atomic.Int64 // attempts that were not acknowledged
}

// player sends what players would.
type player struct {
	t      *testing.T
	url    string // of the balancer or a collector
	client *http.Client
	begins time.Time // the sessions
	sent   totals
}

func newPlayer(t *testing.T, url string) *player {
	return &player{t: t, url: url, begins: time.Now().Add(-2 * time.Minute),
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// play plays a session of so many reports of a second each, with a request for each and some time between them.
func (p *player) play(number, reports int, pause time.Duration) {
	stream := fmt.Sprintf("stream %d", number%streams)
	at := p.begins.UnixMilli()
	seq := 0
	var started event
	send := func(events ...event) bool {
		for i := range events {
			seq++
			events[i]["seq"] = seq
			events[i]["ts"] = at
		}
		envelope := map[string]any{
			"accountId": "acme", "accountKey": accountKey, "sessionId": fmt.Sprintf("session-%d", number), "stream": stream,
			"client": map[string]string{"kind": "html5"}, "interval": 60, "events": events,
		}
		if started != nil {
			envelope["started"] = started
		}
		ok := p.post("/v1/events?stream="+url.QueryEscape(stream), number, envelope)
		at += 1000
		time.Sleep(pause)
		return ok
	}
	if !send(event{"type": "load"}, event{"type": "start", "startTime": 0.5}) {
		return
	}
	started = event{"seq": 2, "ts": p.begins.UnixMilli()}
	p.sent.loads.Add(1)
	p.sent.plays.Add(1)
	for range reports {
		if !send(event{"type": "stats", "playing": 1, "buffering": 0, "paused": 0}) {
			return
		}
		p.sent.playing.Add(1000)
	}
	if send(event{"type": "stop", "reason": "normal", "playing": 1, "buffering": 0, "paused": 0, "played": reports + 1}) {
		p.sent.stops.Add(1)
		p.sent.playing.Add(1000)
	}
	line := map[string]any{"ts": at, "stream": stream, "direction": "playout", "protocol": "hls", "bytes": 1000, "id": fmt.Sprint("line-", number)}
	if p.post("/v1/usage", number, line) {
		p.sent.traffic.Add(1000)
	}
}

// post posts a body until it is acknowledged, as the beacon does, and reports whether it was.
func (p *player) post(path string, number int, body any) bool {
	content, err := json.Marshal(body)
	if err != nil {
		p.t.Error(err)
		return false
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+path, bytes.NewReader(content))
		if err != nil {
			p.t.Error(err)
			return false
		}
		request.Header.Set("Content-Type", "text/plain")
		request.Header.Set("X-Forwarded-For", address(number))
		request.Header.Set("Authorization", "Bearer "+secretKey)
		response, err := p.client.Do(request)
		if err != nil {
			p.sent.refused.Add(1)
			continue
		}
		answer, err := io.ReadAll(response.Body)
		if err = errors.Join(err, response.Body.Close()); err == nil && response.StatusCode == http.StatusAccepted {
			return true
		}
		if response.StatusCode < http.StatusInternalServerError {
			p.t.Errorf("%s: %s: %s", path, response.Status, answer)
			return false
		}
		p.sent.refused.Add(1)
	}
	p.t.Errorf("%s was not acknowledged in a minute", path)
	return false
}

// address is that of a session's viewer.
func address(number int) string { return fmt.Sprintf("198.18.%d.%d", number/200, 1+number%200) }

// playAll plays sessions at the same time and returns when all have ended.
func (p *player) playAll(from, to, reports int, pause time.Duration) {
	var group sync.WaitGroup
	for number := from; number < to; number++ {
		group.Go(func() { p.play(number, reports, pause) })
	}
	group.Wait()
}

// compare fails unless what is stored is what was acknowledged.
func (p *player) compare(victoriaMetrics string, sessions int) {
	p.t.Helper()
	addresses := fmt.Sprintf("count(count by (ip) (last_over_time(%s[6h])))", metric(measure.PlayingByIP))
	wanted := map[string]int64{
		sum(measure.Loads): p.sent.loads.Load(), sum(measure.Plays): p.sent.plays.Load(), sum(measure.Stops): p.sent.stops.Load(),
		sum(measure.Playing): p.sent.playing.Load(), sum(measure.Traffic): p.sent.traffic.Load(), addresses: int64(sessions),
	}
	p.t.Logf("acknowledged: %d plays, %d s of playing; %d attempts failed", p.sent.plays.Load(), p.sent.playing.Load()/1000, p.sent.refused.Load())
	for query, want := range wanted {
		var got int64
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
			if got = value(p.t, victoriaMetrics, query); got == want {
				break
			}
		}
		if got != want {
			p.t.Errorf("%s = %d, want %d", query, got, want)
		}
	}
	// What would be too much comes later, if at all.
	time.Sleep(6 * time.Second)
	for query, want := range wanted {
		if got := value(p.t, victoriaMetrics, query); got != want {
			p.t.Errorf("at the end %s = %d, want %d", query, got, want)
		}
	}
}

// metric is the name of the finest that is stored of a measure.
func metric(id measure.ID) string {
	m := measure.Get(id)
	families := m.Families()
	return m.Metric(families[0], m.Resolutions(families[0])[0])
}

func sum(id measure.ID) string { return fmt.Sprintf("sum(sum_over_time(%s[6h]))", metric(id)) }

// value returns what a query gives, 0 if nothing.
func value(t *testing.T, victoriaMetrics, query string) int64 {
	t.Helper()
	client, err := vm.NewClient(victoriaMetrics, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	series, err := client.Query(t.Context(), query, time.Now(), nil)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if len(series) == 0 {
		return 0
	}
	return series[0].Points[0].Value
}

// collectors is how many collectors have counted plays.
func collectors(t *testing.T, victoriaMetrics string) int64 {
	t.Helper()
	return value(t, victoriaMetrics, fmt.Sprintf("count(count by (collector) (last_over_time(%s[6h])))", metric(measure.Plays)))
}

func TestCollectorsBehindABalancer(t *testing.T) {
	t.Parallel()
	const sessions, reports, pause = 200, 20, 250 * time.Millisecond
	for _, tt := range []struct {
		name string
		// disturb is called while sessions run.
		disturb func(t *testing.T, first, second *program.Collector)
	}{
		{"undisturbed", func(*testing.T, *program.Collector, *program.Collector) {}},
		{"one is stopped and started", func(t *testing.T, first, _ *program.Collector) {
			if err := first.Stop(os.Interrupt); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			first.Start()
		}},
		{"one is killed and started, twice", func(_ *testing.T, _, second *program.Collector) {
			for range 2 {
				second.Kill()
				second.Start()
				time.Sleep(500 * time.Millisecond)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			database := vmtest.Start(t)
			first, second := startCollector(t, database, ""), startCollector(t, database, "")
			b := startBalancer(t, asItIs, first.Address, second.Address)
			p := newPlayer(t, b.url(""))
			var running sync.WaitGroup
			running.Go(func() { p.playAll(0, sessions, reports, pause) })
			time.Sleep(2 * time.Second)
			tt.disturb(t, first, second)
			running.Wait()
			p.compare(database, sessions)
			if n := collectors(t, database); n != 2 {
				t.Errorf("%d collectors have counted, want 2", n)
			}

			// A third joins between sessions.
			third := startCollector(t, database, "")
			b.configure(asItIs, first.Address, second.Address, third.Address)
			b.reload()
			// nginx answers by the old configuration for a moment, so that sessions that begin now would move.
			p.client.CloseIdleConnections()
			time.Sleep(3 * time.Second)
			p.playAll(sessions, 2*sessions, 2, 0)
			p.compare(database, 2*sessions)
			if n := collectors(t, database); n != 3 {
				t.Errorf("%d collectors have counted, want 3", n)
			}
		})
	}
}

// TestMovedSessions holds what counts of sessions that run on while their stream moves to another collector: every play once, and all
// of its playing. The ends of those that moved are counted by the first collector, when it has heard nothing for three intervals.
func TestMovedSessions(t *testing.T) {
	t.Parallel()
	const sessions, reports, pause = 100, 16, 250 * time.Millisecond
	database := vmtest.Start(t)
	first := startCollector(t, database, "")
	b := startBalancer(t, asItIs, first.Address)
	p := newPlayer(t, b.url(""))
	var running sync.WaitGroup
	running.Go(func() { p.playAll(0, sessions, reports, pause) })
	time.Sleep(2 * time.Second)
	second := startCollector(t, database, "")
	b.configure(asItIs, first.Address, second.Address)
	b.reload()
	running.Wait()
	time.Sleep(15 * time.Second)
	for id, want := range map[measure.ID]int64{measure.Loads: sessions, measure.Plays: sessions, measure.Playing: p.sent.playing.Load()} {
		if got := value(t, database, sum(id)); got != want {
			t.Errorf("%s = %d, want %d", measure.Get(id).Name, got, want)
		}
	}
	if stops := value(t, database, sum(measure.Stops)); stops == 0 || stops >= p.sent.stops.Load() {
		t.Errorf("%d stops are counted, want fewer than the %d that were sent: some sessions moved, others did not", stops, p.sent.stops.Load())
	}
}

// TestWhatNginxSendsTwice holds what docs/scaling.md says of the settings that the example does not have.
func TestWhatNginxSendsTwice(t *testing.T) {
	failover := func(example string) string {
		return strings.NewReplacer("proxy_next_upstream off;", "proxy_next_upstream error timeout;", " max_fails=0;", " max_fails=1;").Replace(example)
	}
	for _, tt := range []struct {
		name    string
		change  func(string) string
		refuses bool // the first collector is not there; else it breaks the connection once it has the request
		want    int64
		status  int
	}{
		{"as in the example, no collector", asItIs, true, 0, http.StatusBadGateway},
		{"as in the example, a collector that dies over a request", asItIs, false, 0, http.StatusBadGateway},
		{"with failover, no collector", failover, true, 1, http.StatusAccepted},
		{"with failover, a collector that dies over a request", failover, false, 0, http.StatusBadGateway},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var received atomic.Int64
			other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				received.Add(1)
				w.WriteHeader(http.StatusAccepted)
			}))
			defer other.Close()
			first := processtest.FreeAddress(t)
			if !tt.refuses {
				dying := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					panic(http.ErrAbortHandler)
				}))
				defer dying.Close()
				first = strings.TrimPrefix(dying.URL, "http://")
			}
			// Both servers get streams; the one under test is that of the first stream that goes to first.
			b := startBalancer(t, tt.change, first, strings.TrimPrefix(other.URL, "http://"))
			for i := range 100 {
				before := received.Load()
				response, err := http.Post(b.url(fmt.Sprintf("/v1/events?stream=%d", i)), "text/plain", strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				if err := response.Body.Close(); err != nil {
					t.Fatal(err)
				}
				log, err := os.ReadFile(filepath.Join(b.folder, "error.log"))
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(string(log), first) {
					continue // it went to the other
				}
				if got := received.Load() - before; got != tt.want || response.StatusCode != tt.status {
					t.Errorf("the other collector got %d requests, want %d; the player %d, want %d", got, tt.want, response.StatusCode, tt.status)
				}
				return
			}
			t.Error("no stream went to the first collector")
		})
	}
}
