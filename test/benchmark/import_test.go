// Package benchmark compares Streamlens with programs of others on the same machine, in the same run. Each test prints its
// figures; go tool mage benchmarkImport runs it with everything that it needs.
package benchmark

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

const (
	lines = 2_000_000
	// rounds is how often each program is timed, by turns.
	rounds = 3
)

// TestImportBesideGoAccess times streamlens import and GoAccess on the same log of nginx, both with the same GeoIP database.
func TestImportBesideGoAccess(t *testing.T) {
	goAccess, err := exec.LookPath("goaccess")
	if err != nil {
		t.Skip("goaccess is not installed")
	}
	streamlens, geoIP := os.Getenv("STREAMLENS"), os.Getenv("GEOIP")
	if streamlens == "" || geoIP == "" {
		t.Skip("STREAMLENS and GEOIP must name the program and the GeoIP database")
	}
	folder := t.TempDir()
	log := filepath.Join(folder, "access.log")
	writeLog(t, log)

	var imported, analysed []float64 // lines a second
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			imported = append(imported, lines/importLog(t, streamlens, geoIP, log).Seconds())
			began := time.Now()
			output, err := exec.CommandContext(t.Context(), goAccess, log, "--log-format=COMBINED", "--no-global-config", "--no-progress",
				"--geoip-database="+geoIP, "--output="+filepath.Join(folder, "report.html")).CombinedOutput()
			if err != nil {
				t.Fatalf("goaccess: %v\n%s", err, output)
			}
			analysed = append(analysed, lines/time.Since(began).Seconds())
		})
	}
	ours, theirs := median(imported), median(analysed)
	t.Logf("streamlens import: %.0f lines/s %.0f\nGoAccess: %.0f lines/s %.0f\nratio %.1f", ours, imported, theirs, analysed, ours/theirs)
}

// writeLog writes the log of viewers of live HLS, who each fetch a playlist and a segment every six seconds for ten minutes.
func writeLog(t *testing.T, name string) {
	t.Helper()
	const viewers, streams, linesPerSecond = 400, 200, 133
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 1<<20)
	random := rand.New(rand.NewPCG(1, 1))
	begin := time.Now().Add(-lines / linesPerSecond * time.Second).Add(-time.Hour)
	for i := range lines {
		viewer := i/2%viewers + viewers*(i/linesPerSecond/600)
		at := begin.Add(time.Duration(i) * time.Second / linesPerSecond)
		path, size := "index.m3u8", 400+random.IntN(500)
		if i%2 == 1 {
			path, size = fmt.Sprintf("seg%d.ts", i/(2*viewers)), 300_000+random.IntN(600_000)
		}
		address := fmt.Sprintf("%d.%d.%d.%d", 1+viewer*7%223, viewer*31%256, viewer/200%256, 1+viewer%254)
		fmt.Fprintf(w, "%s - - [%s] \"GET /live/stream%03d/720p/%s HTTP/1.1\" 200 %d \"https://site%d.example/watch?v=1\" "+
			"\"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36\"\n",
			address, at.UTC().Format("02/Jan/2006:15:04:05 -0700"), viewer%streams, path, size, viewer%30, 100+viewer%50)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// importLog imports the log into a database of its own, and returns how long it took until everything was stored.
func importLog(t *testing.T, streamlens, geoIP, log string) time.Duration {
	t.Helper()
	folder, listen := t.TempDir(), processtest.FreeAddress(t)
	configuration, err := json.Marshal(map[string]any{ // JSON is YAML
		"listen": listen, "dataDir": folder, "victoriametrics": map[string]string{"url": vmtest.Start(t)}, "geoip": map[string]string{"database": geoIP},
		"organizations": []map[string]string{{"id": "acme", "secretKey": "sk_benchmark"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "streamlens.yaml")
	if err := os.WriteFile(file, configuration, 0o600); err != nil {
		t.Fatal(err)
	}
	collector := exec.CommandContext(t.Context(), streamlens, "collect", "--config", file)
	if err := collector.Start(); err != nil {
		t.Fatal(err)
	}
	waitUntilReady(t, "http://"+listen+"/readyz")
	began := time.Now()
	output, err := exec.CommandContext(t.Context(), streamlens, "import", "--config", file, "--format", "nginx-combined", log).CombinedOutput()
	if err != nil {
		t.Fatalf("import: %v\n%s", err, output)
	}
	// A collector that ends writes what it has counted.
	if err := collector.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := collector.Wait(); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

func waitUntilReady(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		response, err := http.Get(url)
		if err != nil {
			continue
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatalf("%s is not ready", url)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
