package benchmark

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/pkg/widget"
)

// chart is a picture of how something grows. The tool charts draws it.
type chart struct {
	File        string
	Title, X, Y string
	// Logarithmic means that the scale of x is.
	Logarithmic bool
	Lines       []*line
}

// line is one line of a chart, with points of x and y.
type line struct {
	Name   string
	Points [][2]float64
}

func (l *line) add(x, y float64) { l.Points = append(l.Points, [2]float64{x, y}) }

// TestGrowth measures how time, memory and storage grow with what there is to do, and writes the points of the charts to the file that
// GROWTH names; go tool mage benchmarkGrowth runs it and draws them.
func TestGrowth(t *testing.T) {
	file := os.Getenv("GROWTH")
	if file == "" {
		t.Skip("GROWTH must name a file: go tool mage benchmarkGrowth does that")
	}
	var charts []chart
	for _, part := range []struct {
		name string
		grow func(*testing.T) []chart
	}{
		{"sessions", growSessions}, {"streams", growStreams}, {"viewers", growViewers}, {"days", growDays}, {"series", growSeries},
	} {
		t.Run(part.name, func(t *testing.T) {
			began := time.Now()
			charts = append(charts, part.grow(t)...)
			fmt.Printf("%s: %s\n", part.name, time.Since(began).Round(time.Second))
		})
	}
	if !t.Failed() {
		writeJSON(t, file, charts)
	}
}

// growSessions lets more and more sessions report every ten seconds.
func growSessions(t *testing.T) []chart {
	const settling, measured = 20 * time.Second, 20 * time.Second
	s := startStack(t)
	collector, storage := &line{Name: "collector"}, &line{Name: "VictoriaMetrics"}
	memory, storageMemory := &line{Name: "collector"}, &line{Name: "VictoriaMetrics"}
	sessions := 0
	for _, more := range []int{5_000, 10_000, 15_000, 30_000} {
		sessions += more
		viewers := exec.Command(os.Getenv("STREAMLENS"), "simulate", "--config", s.configuration, "--viewers", strconv.Itoa(more))
		if err := viewers.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := viewers.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
			if err := viewers.Wait(); err != nil {
				t.Errorf("the viewers: %v", err)
			}
		})
		time.Sleep(time.Duration(more)*time.Second/comingPerSecond + settling)
		programs := []*exec.Cmd{s.collector, s.storage, viewers}
		before := sampleOf(t, programs, s.private)
		time.Sleep(measured)
		after := sampleOf(t, programs, s.private)
		for i, lines := range [][2]*line{{collector, memory}, {storage, storageMemory}} {
			lines[0].add(after.sessions, (after.usage[i].processor-before.usage[i].processor).Seconds()/after.at.Sub(before.at).Seconds())
			lines[1].add(after.sessions, float64(after.usage[i].resident)/1e6)
		}
		fmt.Printf("%6.0f sessions, %6.0f events/s: collector %.2f cores, %.0f MB; VictoriaMetrics %.2f cores, %.0f MB; load %s\n", after.sessions,
			(after.accepted-before.accepted)/after.at.Sub(before.at).Seconds(), last(collector), last(memory), last(storage), last(storageMemory), loadOfMachine())
	}
	return []chart{
		{File: "sessions-processor", Title: "Processor by live sessions, a report every 10 s", X: "live sessions", Y: "cores", Lines: []*line{collector, storage}},
		{File: "sessions-memory", Title: "Memory by live sessions", X: "live sessions", Y: "MB", Lines: []*line{memory, storageMemory}},
	}
}

// growStreams spreads the same viewers over more and more streams.
func growStreams(t *testing.T) []chart {
	core := os.Getenv("INGEST_CORE")
	if core == "" {
		t.Skip("INGEST_CORE must name a core of this machine")
	}
	collector, storage, memory := &line{Name: "collector"}, &line{Name: "VictoriaMetrics"}, &line{Name: "collector"}
	for _, streams := range []int{1, 10, 100, 1000, 5000} {
		t.Run(strconv.Itoa(streams), func(t *testing.T) {
			b := &ingestBenchmark{core: core, streams: streams, next: playAfterPlay}
			r := b.measure(t, takers[0], os.Getenv(takers[0].variable), 10*time.Second)
			collector.add(float64(streams), 1e6/r.perCore)
			storage.add(float64(streams), r.storage)
			memory.add(float64(streams), r.memory)
		})
	}
	return []chart{
		{File: "streams-processor", Title: "Processor for a million events by streams", X: "streams", Y: "s", Logarithmic: true, Lines: []*line{collector, storage}},
		{File: "streams-memory", Title: "Memory by streams, 5,000 viewers", X: "streams", Y: "MB", Logarithmic: true, Lines: []*line{memory}},
	}
}

// growViewers stores a day of more and more viewers of 24 streams, as players and servers report it.
func growViewers(t *testing.T) []chart {
	perHour, perStream := &line{Name: "a viewer's hour"}, &line{Name: "a stream's day"}
	for _, viewers := range []int{10, 100, 1000} {
		t.Run(strconv.Itoa(viewers), func(t *testing.T) {
			const streams = 24
			s := startStack(t)
			output, err := exec.Command(os.Getenv("STREAMLENS"), "simulate", "--config", s.configuration, "--viewers", strconv.Itoa(viewers),
				"--streams", strconv.Itoa(streams), "--history", "1d", "--for", "1s").CombinedOutput()
			if err != nil {
				t.Fatalf("simulate: %v\n%s", err, output)
			}
			for waiting := 1.0; waiting > 0; time.Sleep(time.Second) {
				waiting = metrics(t, s.private)["waiting_samples"]
			}
			stored := storedBytes(t, s.database)
			viewing := measure.Get(measure.Viewing).Metric(measure.Families()[0], measure.Minute)
			hours := instant(t, s.database, "sum(sum_over_time("+viewing+"[2d]))") / time.Hour.Seconds() / 1000
			perHour.add(hours, stored/hours)
			perStream.add(hours, stored/streams/1000)
			fmt.Printf("%d viewers at most, %.0f hours: %.1f MB, %.0f bytes for an hour of a viewer, %.0f KB for a day of a stream\n", viewers, hours,
				stored/1e6, stored/hours, stored/streams/1000)
		})
	}
	return []chart{
		{File: "viewers-storage", Title: "Storage of a day with 24 streams", X: "hours of viewing", Y: "bytes for an hour", Logarithmic: true, Lines: []*line{perHour}},
		{File: "viewers-stream", Title: "Storage of a day with 24 streams", X: "hours of viewing", Y: "KB for each stream", Logarithmic: true, Lines: []*line{perStream}},
	}
}

// growDays keeps more and more days of 100 streams.
func growDays(t *testing.T) []chart {
	storage := &line{Name: "stored"}
	var times []*line
	for _, days := range []int{1, 7, 30, 60} {
		t.Run(strconv.Itoa(days), func(t *testing.T) {
			size, _, took := growHistory(t, 100, days)
			storage.add(float64(days), size/1e6)
			times = addTo(times, float64(days), took)
		})
	}
	return []chart{
		{File: "days-storage", Title: "Storage by days, 100 streams, 6 hours a day on air", X: "days", Y: "MB", Lines: []*line{storage}},
		{File: "days-queries", Title: "Queries over all days, 100 streams", X: "days", Y: "ms", Lines: times},
	}
}

// growSeries keeps a week of more and more streams.
func growSeries(t *testing.T) []chart {
	storage := &line{Name: "stored"}
	var times []*line
	for _, streams := range []int{10, 100, 300, 600} {
		t.Run(strconv.Itoa(streams), func(t *testing.T) {
			size, series, took := growHistory(t, streams, 7)
			storage.add(series, size/1e6)
			times = addTo(times, series, took)
		})
	}
	return []chart{
		{File: "series-storage", Title: "Storage by series, 7 days, 6 hours a day on air", X: "series", Y: "MB", Lines: []*line{storage}},
		{File: "series-queries", Title: "Queries over 7 days by series", X: "series", Y: "ms", Lines: times},
	}
}

// grown are queries whose time is measured while what is stored grows.
var grown = []panel{
	{name: "usageByStream", query: widget.Query{QueryType: "usageByStream"}},
	{name: "concurrentViewers of a tag of half the streams", query: widget.Query{QueryType: "concurrentViewers", Tag: []string{"half"}}},
	{name: "bufferLength", query: widget.Query{QueryType: "bufferLength"}},
}

// growHistory stores a history, and returns its bytes, its series, and how long Home and other queries over all of it take, in ms.
func growHistory(t *testing.T, streams, days int) (size, series float64, took map[string]float64) {
	t.Helper()
	h := history{streams: streams, recent: days, days: days, hoursOnAir: 6, end: time.Now().UTC().Truncate(24 * time.Hour)}
	server := vmtest.Start(t)
	h.write(t, server)
	b := newQueries(t, server, h.end)
	length := time.Duration(days) * 24 * time.Hour
	took = map[string]float64{"Home at once": b.home(t, length).Seconds() * 1000}
	for _, p := range grown {
		fastest := time.Hour
		for range queryRounds {
			began := time.Now()
			if _, err := widget.Run(t.Context(), b.client, b.request(p.query, length)); err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
			fastest = min(fastest, time.Since(began))
		}
		took[p.name] = fastest.Seconds() * 1000
	}
	size = storedBytes(t, strings.TrimPrefix(server, "http://"))
	series = instant(t, strings.TrimPrefix(server, "http://"), fmt.Sprintf(`count(last_over_time({__name__!=""}[%dd]))`, days+1))
	fmt.Printf("%d streams, %d days: %.1f million samples in %.0f series, %.1f MB, %.2f bytes a sample; ms: %v; load %s\n", streams, days,
		float64(h.samples)/1e6, series, size/1e6, size/float64(h.samples), took, loadOfMachine())
	return size, series, took
}

// addTo adds a point to each of the lines, which have the names of the values.
func addTo(lines []*line, x float64, values map[string]float64) []*line {
	if lines == nil {
		lines = []*line{{Name: "Home at once"}}
		for _, p := range grown {
			lines = append(lines, &line{Name: p.name})
		}
	}
	for _, l := range lines {
		l.add(x, values[l.Name])
	}
	return lines
}

func last(l *line) float64 { return l.Points[len(l.Points)-1][1] }

// storedBytes returns how much a VictoriaMetrics has on disk after it has merged all that it can.
func storedBytes(t *testing.T, database string) float64 {
	t.Helper()
	vmtest.Flush(t, "http://"+database)
	response, err := http.Get("http://" + database + "/internal/force_merge")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	time.Sleep(time.Second) // it merges in the background
	for deadline := time.Now().Add(5 * time.Minute); metricsOf(t, database, "vm_")["active_force_merges"] > 0; time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			t.Fatal("VictoriaMetrics still merges")
		}
	}
	return metricsOf(t, database, "vm_")["data_size_bytes"]
}

// instant returns the one number that a query of a VictoriaMetrics gives, 0 if it gives none.
func instant(t *testing.T, database, query string) float64 {
	t.Helper()
	values := url.Values{"nocache": {"1"}, "query": {query}}
	response, err := http.Get("http://" + database + "/api/v1/query?" + values.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Data.Result) == 0 {
		return 0
	}
	value, err := strconv.ParseFloat(answer.Data.Result[0].Value[1].(string), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// stack is a collector with its VictoriaMetrics.
type stack struct {
	configuration             string // file
	listen, private, database string // addresses
	collector, storage        *exec.Cmd
}

// startStack starts the collector that STREAMLENS names, on the core that INGEST_CORE names if it does, with the VictoriaMetrics and
// the GeoIP database of the environment.
func startStack(t *testing.T) *stack {
	t.Helper()
	return startStackOf(t, os.Getenv("STREAMLENS"))
}

// startStackOf is startStack with a collector of another build.
func startStackOf(t *testing.T, executable string) *stack {
	t.Helper()
	folder := t.TempDir()
	s := &stack{configuration: filepath.Join(folder, "streamlens.yaml"),
		listen: processtest.FreeAddress(t), private: processtest.FreeAddress(t), database: processtest.FreeAddress(t)}
	writeJSON(t, s.configuration, map[string]any{ // JSON is YAML
		"listen": s.listen, "privateListen": s.private, "dataDir": filepath.Join(folder, "collector"), "victoriametrics": map[string]string{"url": "http://" + s.database},
		"geoip": map[string]string{"database": os.Getenv("GEOIP")}, "trustedProxies": []string{"127.0.0.1/32"},
		"organizations": []any{map[string]any{
			"id": "acme", "secretKey": "sk_load", "accounts": []any{map[string]string{"id": "acme", "key": "pk_load"}},
		}},
	})
	s.storage = startProgram(t, folder, os.Getenv("VICTORIAMETRICS"), "-httpListenAddr="+s.database, "-storageDataPath="+filepath.Join(folder, "metrics"),
		"-dedup.minScrapeInterval=1ms", "-retentionPeriod=400d", "-loggerLevel=ERROR")
	waitUntilReady(t, "http://"+s.database+"/health")
	s.collector = startOn(t, os.Getenv("INGEST_CORE"), folder, executable, "collect", "--config", s.configuration)
	waitUntilReady(t, "http://"+s.listen+"/readyz")
	return s
}
