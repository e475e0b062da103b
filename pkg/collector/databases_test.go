package collector

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/config"
	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// TestReloadMovesDatabases moves a collector that runs from one VictoriaMetrics and one VictoriaLogs to others: what it writes and what
// is read through it follow, and what it has written last is at the new ones, too.
func TestReloadMovesDatabases(t *testing.T) {
	o := tenant.NewOrganization("acme")
	o.Level = tenant.Premium
	o.Accounts = []tenant.Account{{ID: "acme", Key: "pk_acme"}}
	o.ReadKeys = []tenant.ReadKey{{Name: "wall", Key: "rk_wall", Level: tenant.Premium}}
	c := config.Config{
		Listen: processtest.FreeAddress(t), DataDir: t.TempDir(), MaxDataBytes: 1 << 30, Organizations: []tenant.Organization{o},
		VictoriaMetrics: config.VictoriaMetrics{URL: vmtest.Start(t)}, Plays: config.Plays{URL: vltest.Start(t), Keep: "30d"},
	}
	var log processtest.Output
	changed, ended := make(chan config.Config), make(chan error, 1)
	go func() { ended <- Run(t.Context(), c, changed, slog.New(slog.NewTextHandler(&log, nil))) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Errorf("the collector ended with %v", err)
		}
	})
	eventually := func(what string, condition func() bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s did not happen; log:\n%s", what, log.String())
			}
		}
	}
	eventually("the start", func() bool { return strings.Contains(log.String(), "Collector listens") })
	posted := 0
	post := func() {
		t.Helper()
		posted++
		at := time.Now().UnixMilli() - 2000
		body := fmt.Sprintf(`{"accountId":"acme","accountKey":"pk_acme","client":{"kind":"hlsjs"},"sessionId":"s-%d","stream":"a","events":[{"seq":1,"ts":%d,"type":"load"},`+
			`{"seq":2,"ts":%d,"type":"start"},{"seq":3,"ts":%d,"type":"stop","reason":"destroy","playing":1}]}`, posted, at, at+500, at+1500)
		response, err := http.Post("http://"+c.Listen+"/v1/events", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusAccepted {
			t.Fatalf("status %d", response.StatusCode)
		}
	}
	// sees reports whether a widget has a row with a number, or some rows.
	sees := func(database, widget, column string, want float64) bool {
		t.Helper()
		vmtest.Flush(t, database)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.Listen+"/v1/widgets/"+widget+"?from=now-10m&to=now%2B1m", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer rk_wall")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var read struct{ Rows []map[string]any }
		if err := json.NewDecoder(response.Body).Decode(&read); err != nil {
			t.Fatal(err)
		}
		if column == "" {
			return len(read.Rows) == int(want)
		}
		return len(read.Rows) == 1 && read.Rows[0][column] == want
	}
	post()
	eventually("a play", func() bool { return sees(c.VictoriaMetrics.URL, "loadsByCountry", "loads", 1) })
	eventually("its record", func() bool { return sees(c.VictoriaMetrics.URL, "plays", "", 1) })

	next := c
	next.VictoriaMetrics.URL, next.Plays.URL = vmtest.Start(t), vltest.Start(t)
	changed <- next
	eventually("the reload", func() bool { return strings.Contains(log.String(), "Configuration reloaded") })
	post()
	eventually("both plays", func() bool { return sees(next.VictoriaMetrics.URL, "loadsByCountry", "loads", 2) })
	eventually("the records of both", func() bool { return sees(next.VictoriaMetrics.URL, "plays", "", 2) })
	eventually("that all is well", func() bool { return processtest.GetOK("http://"+c.Listen+"/readyz") == nil })
	if strings.Contains(log.String(), "need a restart") {
		t.Errorf("a restart is asked for:\n%s", log.String())
	}
}
