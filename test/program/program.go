// Package program runs the two programs of Streamlens for tests, the collector and the plugin, as users run them.
//
// STREAMLENS and PLUGIN name the executables where they are not the repository's own. TEST_STRICT=1 makes it a failure if one is
// missing; otherwise the test is skipped.
package program

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/streamlens/streamlens/pkg/processtest"
)

// Streamlens returns the path of the command-line program.
func Streamlens(t testing.TB) string {
	t.Helper()
	return processtest.Executable(t, "STREAMLENS", "bin/streamlens")
}

// pluginExecutable returns the path of the data source's program.
func pluginExecutable(t testing.TB) string {
	t.Helper()
	return processtest.Executable(t, "PLUGIN", "dist/gpx_streamlens_"+runtime.GOOS+"_"+runtime.GOARCH)
}

// Collector is a collector with a folder of its own.
type Collector struct {
	*processtest.Process
	Address, URL string
	Config       string // path of streamlens.yaml

	t testing.TB
}

// NewCollector writes the configuration of a collector into a folder, which also gets its data, and does not start it. It must end without an
// error when the test does, at the latest. Settings are
// those of streamlens.yaml without its address and its folder of data.
func NewCollector(t testing.TB, folder string, settings map[string]any) *Collector {
	t.Helper()
	c := &Collector{Address: processtest.FreeAddress(t), Config: filepath.Join(folder, "streamlens.yaml"), t: t}
	c.URL = "http://" + c.Address
	c.Configure(settings)
	c.Process = processtest.New(t, Streamlens(t), "collect", "--config", c.Config)
	c.Grouped = true // with what runs it
	t.Cleanup(func() {
		if err := c.Stop(os.Interrupt); err != nil {
			t.Error(err)
		}
	})
	return c
}

// StartCollector is NewCollector, with a folder of the test, and Start.
func StartCollector(t testing.TB, settings map[string]any) *Collector {
	t.Helper()
	c := NewCollector(t, t.TempDir(), settings)
	c.Start()
	return c
}

// Configure writes streamlens.yaml anew.
func (c *Collector) Configure(settings map[string]any) {
	c.t.Helper()
	all := map[string]any{"listen": c.Address, "dataDir": filepath.Join(filepath.Dir(c.Config), "collector")}
	maps.Copy(all, settings)
	text, err := json.MarshalIndent(all, "", "  ") // JSON is YAML
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(c.Config, text, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// Start starts the collector, the first time or again, by another program if that is given with its arguments, and returns when it is ready.
func (c *Collector) Start(by ...string) {
	c.t.Helper()
	c.Run(by...)
	c.WaitReady(c.URL + "/readyz")
}
