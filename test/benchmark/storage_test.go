package benchmark

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
)

const (
	storageStreams = 24
	// storageSeed makes the traffic of both programs the same.
	storageSeed = 7
)

// TestStorageBesideRevision stores the same day of the same viewers by this build and by an older one, and prints what an hour of a
// viewer and a stream cost in each, and which measures take the difference; go tool mage benchmarkStorage runs it.
func TestStorageBesideRevision(t *testing.T) {
	before := os.Getenv("STREAMLENS_BEFORE")
	if before == "" {
		t.Skip("STREAMLENS_BEFORE must name an older program: go tool mage benchmarkStorage does that")
	}
	viewers, history := cmp.Or(os.Getenv("STORAGE_VIEWERS"), "100"), cmp.Or(os.Getenv("STORAGE_HISTORY"), "1d")
	now, old := store(t, os.Getenv("STREAMLENS"), viewers, history), store(t, before, viewers, history)
	for _, c := range []struct {
		name string
		of   func(stored) float64
	}{
		{"hours of viewing", func(s stored) float64 { return s.hours }},
		{"bytes for an hour of a viewer", func(s stored) float64 { return s.bytes / s.hours }},
		{"samples for an hour of a viewer", func(s stored) float64 { return s.samples / s.hours }},
		{"series of a stream", func(s stored) float64 { return s.series / storageStreams }},
	} {
		fmt.Printf("%s: %.0f, %.0f before: %.3f\n", c.name, c.of(now), c.of(old), c.of(now)/c.of(old))
	}
	now.printGrowth(old)
}

// stored is what a collector has stored.
type stored struct {
	hours                  float64 // of viewing
	bytes, series, samples float64
	byMeasure              map[string]float64 // samples, by what names them without resolution
}

// store lets the simulation of this build send viewers to a collector of some build.
func store(t *testing.T, executable, viewers, history string) stored {
	t.Helper()
	s := startStackOf(t, executable)
	output, err := exec.Command(os.Getenv("STREAMLENS"), "simulate", "--config", s.configuration, "--viewers", viewers,
		"--streams", strconv.Itoa(storageStreams), "--seed", strconv.Itoa(storageSeed), "--history", history, "--for", "1s").CombinedOutput()
	if err != nil {
		t.Fatalf("simulate: %v\n%s", err, output)
	}
	for waiting := 1.0; waiting > 0; time.Sleep(time.Second) {
		waiting = metrics(t, s.private)["waiting_samples"]
	}
	all := stored{bytes: storedBytes(t, s.database)}
	viewing := measure.Get(measure.Viewing).Metric(measure.Families()[0], measure.Minute)
	all.hours = instant(t, s.database, "sum(sum_over_time("+viewing+"[2d]))") / time.Hour.Seconds() / 1000
	all.series = seriesIn(t, s.database)
	all.byMeasure = map[string]float64{}
	for name, n := range samplesByName(t, s.database) {
		name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(name, measure.Prefix), "_1m"), "_1h")
		all.byMeasure[name] += n
		all.samples += n
	}
	return all
}

// seriesIn returns how many series a VictoriaMetrics has.
func seriesIn(t *testing.T, database string) float64 {
	t.Helper()
	response, err := http.Get("http://" + database + "/api/v1/series/count")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Data []float64 }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || len(answer.Data) != 1 {
		t.Fatalf("the number of series is %v: %v", answer.Data, err)
	}
	return answer.Data[0]
}

// printGrowth prints what of each metric is stored, what has grown most beyond an older program first.
func (s stored) printGrowth(old stored) {
	names := make([]string, 0, len(s.byMeasure))
	for name := range s.byMeasure {
		names = append(names, name)
	}
	growth := func(name string) float64 { return s.byMeasure[name]/s.hours - old.byMeasure[name]/old.hours }
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(growth(b), growth(a)) })
	fmt.Println("samples for an hour of a viewer, now and before, by metric without resolution:")
	for _, name := range names {
		fmt.Printf("  %6.1f %6.1f %s\n", s.byMeasure[name]/s.hours, old.byMeasure[name]/old.hours, name)
	}
}

// samplesByName returns how many samples of two days each metric of Streamlens has.
func samplesByName(t *testing.T, database string) map[string]float64 {
	t.Helper()
	response, err := http.Get("http://" + database + "/api/v1/label/__name__/values")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Data []string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, name := range answer.Data {
		all[name] = instant(t, database, "sum(count_over_time("+name+"[2d]))")
	}
	return all
}
