package processtest

import (
	"os"
	"testing"
)

// Database is a VictoriaMetrics or VictoriaLogs that can be killed and started again with what it has kept.
type Database struct {
	*Process
	URL string
}

// StartDatabase runs an executable, which is found as by Executable, with flags on an empty folder until the test ends. The test is skipped if
// there is none.
func StartDatabase(t testing.TB, variable, path string, flags ...string) *Database {
	t.Helper()
	executable, address := Executable(t, variable, path), FreeAddress(t)
	// Before the process is made, so that the folder is removed after the process has ended.
	folder := t.TempDir()
	// On a busy machine its last answers take longer than the 7 s after which it ends with an error by default.
	own := []string{executable, "-httpListenAddr=" + address, "-storageDataPath=" + folder, "-loggerLevel=ERROR", "-http.maxGracefulShutdownDuration=1m"}
	d := &Database{URL: "http://" + address, Process: New(t, append(own, flags...)...)}
	d.Start()
	t.Cleanup(func() {
		if err := d.Stop(os.Interrupt); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Start starts the database, which does not run, and returns when it answers.
func (d *Database) Start() {
	d.Run()
	d.WaitReady(d.URL + "/health")
}
