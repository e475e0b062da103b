package benchmark

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/processtest"
)

const (
	besideConnections = 64
	// besideWindow is for how long the processor's time of both programs is compared: long enough for garbage and samples of several
	// seconds, and short enough that what else the machine does is the same for both.
	besideWindow  = 5 * time.Second
	besideWindows = 9
)

// TestIngestBesideRevision measures the processor's time that an event takes in this build and in an older one, which run at the same
// time on the same core with the same load, and prints the ratio of each window with its spread; go tool mage benchmarkBeside runs
// it. By turns, two equal programs differ by up to a half on a shared machine. At last it measures this build with viewers of many streams
// and of one in the same way.
func TestIngestBesideRevision(t *testing.T) {
	core, now, before := os.Getenv("INGEST_CORE"), os.Getenv("STREAMLENS"), os.Getenv("STREAMLENS_BEFORE")
	if core == "" || before == "" {
		t.Skip("INGEST_CORE must name a core of this machine, and STREAMLENS_BEFORE an older program: go tool mage benchmarkBeside does that")
	}
	for _, shape := range []struct {
		name     string
		profile  string // ends the name of the file with a profile
		viewers  int
		requests func(viewer, string) []*request
		next     turn
		two      [2]besideKind
		beside   string // what the second of them is
	}{
		{"20 events a request", "-20", ingestViewers, beaconRequests, playAfterPlay,
			[2]besideKind{{now, ingestStreams}, {before, ingestStreams}}, "before"},
		{"one event a request", "-1", 10_000, liveRequests, func(round int64) (request, play, event int64) { return min(round, 2), 0, round },
			[2]besideKind{{now, ingestStreams}, {before, ingestStreams}}, "before"},
		{"5,000 streams", "-streams", ingestViewers, beaconRequests, playAfterPlay,
			[2]besideKind{{now, 5000}, {now, 1}}, "of one stream"},
	} {
		t.Run(shape.name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			var senders sync.WaitGroup
			failed := make(chan error, 2*besideConnections)
			var programs [2]*besideProgram
			for i, kind := range shape.two {
				p := &besideProgram{ingestBenchmark: ingestBenchmark{core: core, streams: kind.streams, next: shape.next}}
				programs[i] = p
				folder := t.TempDir()
				p.address, p.private, p.database = processtest.FreeAddress(t), processtest.FreeAddress(t), processtest.FreeAddress(t)
				startProgram(t, folder, os.Getenv("VICTORIAMETRICS"), "-httpListenAddr="+p.database, "-storageDataPath="+filepath.Join(folder, "metrics"),
					"-dedup.minScrapeInterval=1ms", "-retentionPeriod=400d", "-loggerLevel=ERROR")
				waitUntilReady(t, "http://"+p.database+"/health")
				p.process = startStreamlens(t, &p.ingestBenchmark, folder, kind.executable).Process.Pid
				for n := range besideConnections {
					var viewers [][]*request
					for v := n; v < shape.viewers; v += besideConnections {
						viewers = append(viewers, shape.requests(newViewer(v, p.streams), p.address))
					}
					senders.Go(func() {
						if err := p.send(ctx, viewers); err != nil {
							failed <- err
						}
					})
				}
			}
			defer senders.Wait()
			defer stop()
			wait := func(d time.Duration) {
				select {
				case err := <-failed:
					stop()
					t.Fatal(err)
				case <-time.After(d):
				}
			}
			wait(2 * warmUp)
			if profile := os.Getenv("INGEST_PROFILE"); profile != "" {
				senders.Go(func() {
					kind := fmt.Sprintf("profile?seconds=%d", int(besideWindows*besideWindow/time.Second)-1)
					if err := saveProfile(ctx, programs[0].private, kind, profile+shape.profile); err != nil {
						failed <- err
					}
				})
			}
			for _, p := range programs {
				p.window(t)
			}
			var ratios []float64
			for range besideWindows {
				wait(besideWindow)
				one, other := programs[0].window(t), programs[1].window(t)
				ratios = append(ratios, one/other)
				fmt.Printf("%s: %.2f µs of the processor an event, %.2f %s: %.2f\n", shape.name, one, other, shape.beside, one/other)
			}
			slices.Sort(ratios)
			fmt.Printf("%s: %.2f of the processor's time %s (%.2f to %.2f); memory %.0f MB, %.0f %s; load %s\n", shape.name, median(ratios), shape.beside,
				ratios[0], ratios[len(ratios)-1], mostMemory(t, programs[0].process)/1e6, mostMemory(t, programs[1].process)/1e6, shape.beside, loadOfMachine())
			stop()
			senders.Wait()
			fmt.Printf("%s: of the memory %.0f MB live, %.0f %s; the rest is garbage that waits, and buffers\n", shape.name,
				liveHeap(t, programs[0].private)/1e6, liveHeap(t, programs[1].private)/1e6, shape.beside)
			for i, p := range programs {
				if part := p.storedPart(t, takers[0].stored); part != 1 {
					t.Errorf("program %d stored %v of what was sent", i, part)
				}
			}
			http.DefaultClient.CloseIdleConnections()
		})
	}
}

var heapAlloc = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)`)

// liveHeap returns the bytes on the heap of a program after garbage is collected.
func liveHeap(t *testing.T, private string) float64 {
	t.Helper()
	response, err := http.Get("http://" + private + "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := heapAlloc.FindSubmatch(text)
	if found == nil {
		t.Fatalf("no HeapAlloc in the profile of the heap: %.200s", text)
	}
	bytes, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// besideKind is what one of two programs is that run at the same time, and of how many streams its viewers are.
type besideKind struct {
	executable string
	streams    int
}

// besideProgram is one of two programs that run at the same time.
type besideProgram struct {
	ingestBenchmark
	process   int
	processor time.Duration // at the begin of the window
	events    int64         // likewise
}

// window returns the µs of the processor that an event took since the last call.
func (p *besideProgram) window(t *testing.T) float64 {
	t.Helper()
	processor, events := usageOf(t, p.process).processor, p.sent.Load()
	taken := float64((processor - p.processor).Microseconds()) / float64(max(events-p.events, 1))
	p.processor, p.events = processor, events
	return taken
}
