package scale

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/pkg/widget"
	"github.com/streamlens/streamlens/test/program"
)

// target is where a collector writes, and where it and the widgets read.
type target struct{ read, write string }

// TestTargets compares every widget's numbers through a target with those of the same events in a single VictoriaMetrics.
func TestTargets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		start func(t *testing.T) target
	}{
		{"vmagent", startVMAgent},
		{"cluster", startCluster},
		{"stand-in for the paths of a cluster", startClusterPaths},
	} {
		t.Run(tt.name, func(t *testing.T) {
			through := tt.start(t)
			single := vmtest.Start(t)
			begins := time.Now().Add(-20 * time.Minute).Truncate(time.Minute)
			const sessions = 60
			var files []string
			for _, c := range []*program.Collector{startCollector(t, single, ""), startCollector(t, through.read, through.write)} {
				p := newPlayer(t, c.URL)
				p.begins = begins
				p.playAll(0, sessions, 90, 0)
				files = append(files, c.Config)
			}
			database := single
			for range 2 {
				waitUntilSum(t, database, sum(measure.Playing), sessions*91_000)
				waitUntilSum(t, database, sum(measure.Traffic), sessions*1000)
				database = through.read
			}
			for _, d := range widget.All() {
				want, got := query(t, files[0], d.Type, begins), query(t, files[1], d.Type, begins)
				if !bytes.Equal(got, want) {
					t.Errorf("%s:\n%s\nwant\n%s", d.Type, got, want)
				}
			}
		})
	}
}

// query returns what a widget shows, as data frames, over a quarter of an hour.
func query(t *testing.T, configuration, widget string, from time.Time) []byte {
	t.Helper()
	command := exec.Command(program.Streamlens(t), "query", widget, "--config", configuration, "--json",
		"--from", from.Format(time.RFC3339), "--to", from.Add(15*time.Minute).Format(time.RFC3339))
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", widget, err, output)
	}
	return output
}

func waitUntilSum(t *testing.T, victoriaMetrics, query string, want int64) {
	t.Helper()
	var got int64
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		if got = value(t, victoriaMetrics, query); got == want {
			return
		}
	}
	t.Fatalf("%s: %s = %d, want %d", victoriaMetrics, query, got, want)
}

// startVMAgent runs a vmagent in front of a single VictoriaMetrics; its program is named by the environment variable VMAGENT.
func startVMAgent(t *testing.T) target {
	t.Helper()
	agent, single := processtest.FreeAddress(t), vmtest.Start(t)
	run(t, named(t, "VMAGENT"), "http://"+agent+"/health", "-httpListenAddr="+agent, "-remoteWrite.url="+single+"/api/v1/write",
		"-remoteWrite.tmpDataPath="+t.TempDir(), "-loggerLevel=ERROR")
	return target{read: single, write: "http://" + agent}
}

// startCluster runs two storage nodes, a vminsert that writes to both and a vmselect, as tenant 0. Their programs are named by the
// environment variables VMSTORAGE, VMINSERT and VMSELECT.
func startCluster(t *testing.T) target {
	t.Helper()
	storage, insert, selects := named(t, "VMSTORAGE"), named(t, "VMINSERT"), named(t, "VMSELECT")
	var inserted, selected []string
	for range 2 {
		web, in, out := processtest.FreeAddress(t), processtest.FreeAddress(t), processtest.FreeAddress(t)
		run(t, storage, "http://"+web+"/health", "-httpListenAddr="+web, "-vminsertAddr="+in, "-vmselectAddr="+out, "-storageDataPath="+t.TempDir(),
			"-dedup.minScrapeInterval=1ms", "-retentionPeriod=400d", "-loggerLevel=ERROR")
		inserted, selected = append(inserted, "-storageNode="+in), append(selected, "-storageNode="+out)
	}
	write, read := processtest.FreeAddress(t), processtest.FreeAddress(t)
	run(t, insert, "http://"+write+"/health", append(inserted, "-httpListenAddr="+write, "-replicationFactor=2", "-loggerLevel=ERROR")...)
	run(t, selects, "http://"+read+"/health", append(selected, "-httpListenAddr="+read, "-cacheDataPath="+t.TempDir(),
		"-dedup.minScrapeInterval=1ms", "-replicationFactor=2", "-loggerLevel=ERROR")...)
	return target{read: "http://" + read + "/select/0/prometheus", write: "http://" + write + "/insert/0/prometheus"}
}

// startClusterPaths is a stand-in: a single VictoriaMetrics behind the paths of a cluster, writing and reading on two addresses. It
// shows that they are used for what they are, and nothing of a cluster.
func startClusterPaths(t *testing.T) target {
	t.Helper()
	single := vmtest.Start(t)
	to, err := url.Parse(single)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	serve := func(path string) string {
		mux := http.NewServeMux()
		mux.Handle(path+"/", http.StripPrefix(path, proxy))
		mux.Handle("/metrics", proxy)
		server := httptest.NewServer(mux)
		t.Cleanup(server.Close)
		return server.URL + path
	}
	return target{read: serve("/select/0/prometheus"), write: serve("/insert/0/prometheus")}
}

// named returns the path in an environment variable, or skips the test.
func named(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("needs the path of the program in %s", variable)
	}
	return path
}

// run runs a program until the test ends, once it answers.
func run(t *testing.T, executable, health string, arguments ...string) {
	t.Helper()
	process := processtest.Start(t, append([]string{executable}, arguments...)...)
	t.Cleanup(func() {
		if err := process.Stop(os.Interrupt); err != nil {
			t.Error(err)
		}
	})
	process.WaitReady(health)
}
