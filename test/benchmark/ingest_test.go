package benchmark

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

const (
	// ingestViewers is how many viewers send at the same time, each from an address of its own, over ingestConnections connections.
	ingestViewers     = 5000
	ingestStreams     = 100
	ingestConnections = 256
	// ingestRounds is how often each program is measured, by turns.
	ingestRounds = 3
	// warmUp is for how long a program is loaded before it is measured.
	warmUp = 5 * time.Second
	// flushed is how long after the last event everything must be stored.
	flushed = 60 * time.Second
)

// taker is a program that takes events over HTTP, adds them up and stores sums in VictoriaMetrics.
type taker struct {
	name     string
	does     string
	variable string // of the environment, that names the executable
	requests func(v viewer, address string) []*request
	// start starts the program on the core for it.
	start func(t *testing.T, b *ingestBenchmark, folder, executable string) *exec.Cmd
	// stored is the MetricsQL of the ms of playing that are stored, "" if nothing is.
	stored string
}

var takers = []taker{
	{
		name: "Streamlens", does: "JSON; country, sessions, repeated events, families, hours; durable before the answer",
		variable: "STREAMLENS", requests: beaconRequests, start: startStreamlens,
		stored: "sum(sum_over_time(" + measure.Get(measure.Playing).Metric(measure.Families()[0], measure.Minute) + "[1h]))",
	},
	{
		name: "OpenTelemetry Collector", does: "OTLP in Protocol Buffers; country (stand-in); in memory",
		variable: "OTELCOLLECTOR", requests: otlpRequests, start: startOpenTelemetry,
		stored: "sum(max_over_time(playing[1h]))",
	},
	{
		name: "vmagent, text", does: "samples in the text format of Prometheus; no country; in memory",
		variable: "VMAGENT", requests: textRequests, start: startAgent,
		stored: `sum(sum_over_time({__name__=~"playing:.*_sum_samples"}[1h]))`,
	},
	{
		name: "vmagent, remote write", does: "samples in Protocol Buffers; no country; in memory",
		variable: "VMAGENT", requests: remoteWriteRequests, start: startAgent,
		stored: `sum(sum_over_time({__name__=~"playing:.*_sum_samples"}[1h]))`,
	},
	{
		name: "net/http alone", does: "reads the requests of Streamlens, and does nothing",
		variable: "BARESERVER", requests: beaconRequests, start: startBareServer,
	},
}

// ingestBenchmark is one measurement of one taker.
type ingestBenchmark struct {
	address  string // where the taker listens
	private  string // where Streamlens shows profiles
	database string // address of VictoriaMetrics
	core     string // of the taker
	streams  int    // that the viewers watch
	next     turn
	sent     atomic.Int64 // events
	playing  atomic.Int64 // ms in what was sent
}

// turn returns what is sent of a viewer in a round: which of its requests, in which play, after how many events of it.
type turn func(round int64) (request, play, event int64)

// playAfterPlay sends one play after the other.
func playAfterPlay(round int64) (request, play, event int64) {
	request = round % requestsPerPlay
	return request, round / requestsPerPlay, request * eventsPerRequest
}

// ingested is what came out of a measurement.
type ingested struct {
	perSecond float64 // events
	perCore   float64 // events per second of the processor that the taker used
	storage   float64 // s of the processor that VictoriaMetrics used for a million events
	memory    float64 // MB at most
	stored    float64 // part of what was sent
}

// TestIngestBesidePeers measures how many events a second Streamlens and its peers take on one core, each with a VictoriaMetrics of its
// own on the other cores, where the events come from as well; go tool mage benchmarkIngest runs it. INGEST_SECONDS changes the time of a
// measurement, INGEST_ONLY names the programs to measure, and INGEST_PROFILE a file for a profile of Streamlens.
func TestIngestBesidePeers(t *testing.T) {
	core, geoIP := os.Getenv("INGEST_CORE"), os.Getenv("GEOIP")
	if core == "" || geoIP == "" {
		t.Skip("INGEST_CORE and GEOIP must name a core of this machine and the GeoIP database: go tool mage benchmarkIngest does that")
	}
	length := time.Duration(number(t, "INGEST_SECONDS", 15)) * time.Second
	found := map[string][]ingested{}
	for range ingestRounds {
		for _, p := range takers {
			if only := os.Getenv("INGEST_ONLY"); only != "" && !strings.Contains(only, p.name) {
				continue
			}
			executable := os.Getenv(p.variable)
			if executable == "" {
				t.Fatalf("%s does not name the executable of %s", p.variable, p.name)
			}
			t.Run(p.name, func(t *testing.T) {
				b := &ingestBenchmark{core: core, streams: ingestStreams, next: playAfterPlay}
				found[p.name] = append(found[p.name], b.measure(t, p, executable, length))
			})
		}
	}
	if t.Failed() {
		return
	}
	fmt.Printf("\n| program | events/s | events per second of its core | times | s of the core for a million | memory | VictoriaMetrics: s for a million | stored | what it does |\n")
	fmt.Printf("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
	ours := 0.0
	for _, p := range takers {
		rounds := found[p.name]
		if len(rounds) == 0 {
			continue
		}
		of := func(value func(ingested) float64) float64 {
			var values []float64
			for _, r := range rounds {
				values = append(values, value(r))
			}
			return median(values)
		}
		perCore := of(func(r ingested) float64 { return r.perCore })
		if p.name == "Streamlens" {
			ours = perCore
		}
		ratio := ""
		if ours > 0 {
			ratio = fmt.Sprintf("%.1f", ours/perCore)
		}
		fmt.Printf("| %s | %.0f | %.0f | %s | %.2f | %.0f MB | %.2f | %.1f %% | %s |\n", p.name, of(func(r ingested) float64 { return r.perSecond }),
			perCore, ratio, 1e6/perCore, of(func(r ingested) float64 { return r.memory }), of(func(r ingested) float64 { return r.storage }),
			100*of(func(r ingested) float64 { return r.stored }), p.does)
	}
}

func (b *ingestBenchmark) measure(t *testing.T, p taker, executable string, length time.Duration) ingested {
	folder := t.TempDir()
	b.address, b.private, b.database = processtest.FreeAddress(t), processtest.FreeAddress(t), processtest.FreeAddress(t)
	storage := startProgram(t, folder, os.Getenv("VICTORIAMETRICS"), "-httpListenAddr="+b.database, "-storageDataPath="+filepath.Join(folder, "metrics"),
		"-dedup.minScrapeInterval=1ms", "-retentionPeriod=400d", "-loggerLevel=ERROR")
	waitUntilReady(t, "http://"+b.database+"/health")
	process := p.start(t, b, folder, executable)

	ctx, stop := context.WithCancel(t.Context())
	var senders sync.WaitGroup
	failed := make(chan error, ingestConnections)
	for n := range ingestConnections {
		var viewers [][]*request
		for v := n; v < ingestViewers; v += ingestConnections {
			viewers = append(viewers, p.requests(newViewer(v, b.streams), b.address))
		}
		senders.Go(func() {
			if err := b.send(ctx, viewers); err != nil {
				failed <- err
			}
		})
	}
	wait := func(d time.Duration) {
		select {
		case err := <-failed:
			stop()
			t.Fatal(err)
		case <-time.After(d):
		}
	}
	wait(warmUp)
	if p.name == "Streamlens" && os.Getenv("INGEST_PROFILE") != "" {
		senders.Go(func() {
			if err := saveProfile(ctx, b.private, fmt.Sprintf("profile?seconds=%d", int(length.Seconds())-1), os.Getenv("INGEST_PROFILE")); err != nil {
				failed <- err
			}
		})
	}
	begin, sent, used, storageUsed := time.Now(), b.sent.Load(), usageOf(t, process.Process.Pid), usageOf(t, storage.Process.Pid)
	wait(length)
	events, passed := float64(b.sent.Load()-sent), time.Since(begin)
	processor := usageOf(t, process.Process.Pid).processor - used.processor
	storageProcessor := usageOf(t, storage.Process.Pid).processor - storageUsed.processor
	memory := mostMemory(t, process.Process.Pid)
	load := loadOfMachine()
	stop()
	senders.Wait()
	result := ingested{
		perSecond: events / passed.Seconds(), perCore: events / processor.Seconds(), storage: storageProcessor.Seconds() / events * 1e6,
		memory: memory / 1e6,
	}
	if p.stored != "" {
		result.stored = b.storedPart(t, p.stored)
	}
	fmt.Printf("%-24s %8.0f events/s, %8.0f per second of its core, which it used to %3.0f %%; VictoriaMetrics %.2f s for a million; %4.0f MB; "+
		"%5.1f %% stored; load %s\n", p.name, result.perSecond, result.perCore, 100*processor.Seconds()/passed.Seconds(), result.storage,
		result.memory, 100*result.stored, load)
	if p.name == "Streamlens" && result.stored != 1 {
		t.Errorf("%v of what was sent is stored", result.stored)
	}
	return result
}

// send sends the requests of viewers over one connection, each when the one before is answered, until ctx is done.
func (b *ingestBenchmark) send(ctx context.Context, viewers [][]*request) error {
	connection, err := net.Dial("tcp", b.address)
	if err != nil {
		return err
	}
	defer connection.Close()
	answers := bufio.NewReader(connection)
	for round := int64(0); ; round++ {
		for _, requests := range viewers {
			if ctx.Err() != nil {
				return nil
			}
			number, play, event := b.next(round)
			r := requests[number%int64(len(requests))]
			r.fill(play, event, time.Now().UnixMilli())
			if _, err := connection.Write(r.data); err != nil {
				return err
			}
			response, err := http.ReadResponse(answers, nil)
			if err != nil {
				return err
			}
			body, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode/100 != 2 || response.Close {
				return fmt.Errorf("answer %s: %s, %w", response.Status, body, errors.Join(err, response.Body.Close()))
			}
			b.sent.Add(r.events)
			b.playing.Add(r.playing)
		}
	}
}

// saveProfile writes a profile of the collector whose private port is at an address to a file: heap, or profile?seconds=10 of the processor.
func saveProfile(ctx context.Context, private, kind, name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+private+"/debug/pprof/"+kind, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(file, response.Body)
	return err
}

// storedPart returns which part of the playing time that was sent is stored, as soon as that is all, or after a time.
func (b *ingestBenchmark) storedPart(t *testing.T, query string) float64 {
	t.Helper()
	part := 0.0
	for deadline := time.Now().Add(flushed); time.Now().Before(deadline) && part != 1; time.Sleep(time.Second) {
		vmtest.Flush(t, "http://"+b.database)
		part = instant(t, b.database, query) / float64(b.playing.Load())
	}
	return part
}

// mostMemory returns the greatest number of bytes that a process has had in memory.
func mostMemory(t *testing.T, process int) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kilobytes, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes * 1024
		}
	}
	t.Fatal("the process has no VmHWM")
	return 0
}

// startOn starts a program on one core, or on any if that is "", until the test ends.
func startOn(t *testing.T, core, folder, program string, arguments ...string) *exec.Cmd {
	t.Helper()
	if core == "" {
		return startProgram(t, folder, program, arguments...)
	}
	return startProgram(t, folder, "taskset", slices.Concat([]string{"--cpu-list", core, program}, arguments)...)
}

func startStreamlens(t *testing.T, b *ingestBenchmark, folder, executable string) *exec.Cmd {
	t.Helper()
	file := filepath.Join(folder, "streamlens.yaml")
	writeJSON(t, file, map[string]any{ // JSON is YAML
		"listen": b.address, "privateListen": b.private, "dataDir": filepath.Join(folder, "collector"),
		"victoriametrics": map[string]string{"url": "http://" + b.database}, "geoip": map[string]string{"database": os.Getenv("GEOIP")},
		"trustedProxies": []string{"127.0.0.1/32"},
		"organizations": []any{map[string]any{
			"id": "acme", "accounts": []any{map[string]string{"id": "acme", "key": "pk_benchmark"}}, "limits": map[string]int{"eventsPerSecond": 10_000_000},
		}},
	})
	process := startOn(t, b.core, folder, executable, "collect", "--config", file)
	waitUntilReady(t, "http://"+b.address+"/readyz")
	return process
}

func startOpenTelemetry(t *testing.T, b *ingestBenchmark, folder, executable string) *exec.Cmd {
	t.Helper()
	bounds := []int{0}
	for bound := 100.0; len(bounds) < 25; bound *= 1.2 {
		bounds = append(bounds, int(bound))
	}
	stream, country := map[string]string{"key": "stream"}, map[string]string{"key": "country"}
	value := func(name string) string { return fmt.Sprintf("attributes[%q]", name) }
	sum := func(name, value string) any {
		return map[string]any{"name": name, "include_resource_attributes": []any{stream, country}, "sum": map[string]any{"value": value}}
	}
	histogram := func(name, value string) any {
		return map[string]any{"name": name, "include_resource_attributes": []any{stream}, "histogram": map[string]any{"value": value, "buckets": bounds}}
	}
	file := filepath.Join(folder, "collector.yaml")
	writeJSON(t, file, map[string]any{
		"receivers": map[string]any{"otlp": map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": b.address}}}},
		"processors": map[string]any{
			"standin_country":   map[string]any{"database": os.Getenv("GEOIP")},
			"batch":             map[string]any{"timeout": "200ms", "send_batch_size": 8192},
			"deltatocumulative": map[string]any{},
			"interval":          map[string]any{"interval": "5s"},
		},
		"connectors": map[string]any{"signaltometrics": map[string]any{"logs": []any{
			sum("events", "1"), sum("playing", value("playing")), sum("buffering", value("buffering")),
			histogram("buffer_length", value("bufferLength")), histogram("latency", value("latency")),
		}}},
		"exporters": map[string]any{"prometheusremotewrite": map[string]any{
			"endpoint": "http://" + b.database + "/api/v1/write", "tls": map[string]any{"insecure": true}, "add_metric_suffixes": false,
			"target_info": map[string]any{"enabled": false}, "resource_to_telemetry_conversion": map[string]any{"enabled": true},
		}},
		"service": map[string]any{
			"telemetry": map[string]any{"metrics": map[string]any{"level": "none"}, "logs": map[string]any{"level": "warn"}},
			"pipelines": map[string]any{
				"logs": map[string]any{"receivers": []string{"otlp"}, "processors": []string{"standin_country", "batch"}, "exporters": []string{"signaltometrics"}},
				"metrics": map[string]any{"receivers": []string{"signaltometrics"}, "processors": []string{"deltatocumulative", "interval"},
					"exporters": []string{"prometheusremotewrite"}},
			},
		},
	})
	process := startOn(t, b.core, folder, executable, "--config", file)
	waitUntilOpen(t, b.address)
	return process
}

func startAgent(t *testing.T, b *ingestBenchmark, folder, executable string) *exec.Cmd {
	t.Helper()
	file := filepath.Join(folder, "aggregation.yaml")
	writeJSON(t, file, []any{
		map[string]any{"match": `{__name__=~"playing|buffering"}`, "interval": "5s", "by": []string{"stream", "country"},
			"outputs": []string{"sum_samples", "count_samples"}, "flush_on_shutdown": true},
		map[string]any{"match": `{__name__=~"buffer_length|latency"}`, "interval": "5s", "by": []string{"stream"},
			"outputs": []string{"histogram_bucket", "sum_samples", "count_samples"}, "flush_on_shutdown": true},
	})
	process := startOn(t, b.core, folder, executable, "-httpListenAddr="+b.address, "-remoteWrite.url=http://"+b.database+"/api/v1/write",
		"-remoteWrite.tmpDataPath="+filepath.Join(folder, "agent"), "-streamAggr.config="+file, "-loggerLevel=ERROR")
	waitUntilReady(t, "http://"+b.address+"/health")
	return process
}

func startBareServer(t *testing.T, b *ingestBenchmark, folder, executable string) *exec.Cmd {
	t.Helper()
	process := startOn(t, b.core, folder, executable, b.address)
	waitUntilOpen(t, b.address)
	return process
}

func waitUntilOpen(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			connection.Close()
			return
		}
	}
	t.Fatalf("nobody listens at %s", address)
}

func writeJSON(t *testing.T, name string, value any) {
	t.Helper()
	content, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
