package tenancy

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/test/program"
)

// TestPrivacyModes sends one viewer to organisations of all modes and looks for the address in every place that keeps something:
// the database, the collector's data directory, its metrics and its log.
func TestPrivacyModes(t *testing.T) {
	t.Parallel()
	// Nobody else's address has these digits.
	const address, network = "198.51.177.93", "198.51.177.0"
	modes := []string{"full", "truncated", "hashed", "off"}
	dir := t.TempDir()
	database := vmtest.Start(t)
	collector := program.NewCollector(t, dir, nil)
	plugin := startPlugin(t)
	w := &world{plugin: plugin, now: time.Now()}

	// run is one life of a collector, in which the viewer is seen by a server and plays.
	lives := 0
	run := func(modes ...string) {
		t.Helper()
		var organizations []any
		for _, mode := range modes {
			organizations = append(organizations, map[string]any{"id": "org-" + mode, "secretKey": "sk_" + mode, "privacy": map[string]string{"ip": mode},
				"accounts": []any{map[string]string{"id": mode, "key": "pk_" + mode}}})
		}
		collector.Configure(map[string]any{"victoriametrics": map[string]string{"url": database}, "trustedProxies": []string{"127.0.0.1/32"},
			"organizations": organizations})
		collector.Start()
		at := begin(w.now).Add(30 * time.Second).UnixMilli()
		lives++
		for _, mode := range modes {
			usage := fmt.Sprintf(`{"ts":%d,"stream":"live","direction":"playout","protocol":"hls","bytes":5,"ip":%q}`, at, address)
			events := fmt.Sprintf(`{"accountId":%[1]q,"accountKey":"pk_%[1]s","client":{"kind":"h5live"},"sessionId":"s%[3]d","stream":"live",
				"events":[{"seq":1,"ts":%[2]d,"type":"load"},{"seq":2,"ts":%[2]d,"type":"start"},{"seq":3,"ts":%[2]d,"type":"stats","playing":1}]}`, mode, at, lives)
			for path, body := range map[string]string{"/v1/usage": usage, "/v1/events": events} {
				status, answer, err := request(t.Context(), http.MethodPost, collector.URL+path, []byte(body), "Authorization", "Bearer sk_"+mode, "X-Forwarded-For", address)
				if err != nil || status != http.StatusAccepted {
					t.Fatalf("%s of %s: %d %s %v", path, mode, status, answer, err)
				}
			}
		}
		_, shown, err := request(t.Context(), http.MethodGet, collector.URL+"/metrics", nil)
		if err != nil || strings.Contains(shown, address) {
			t.Errorf("the collector's metrics show the address: %v", err)
		}
		if err := collector.Stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if strings.Contains(collector.Output.String(), address) {
			t.Errorf("the collector's log shows the address: %s", collector.Output.String())
		}
		vmtest.Flush(t, database)
	}
	// byIP returns what the widget shows of an organisation in a unit.
	byIP := func(mode, unit string) string {
		t.Helper()
		s := w.sourceOf(map[string]any{"url": database, "organization": "org-" + mode, "level": "premium"})
		return w.ask(t, s, "", model("usageByIP", map[string]any{"unit": unit})).text
	}

	// Without the mode full, nothing may have the address.
	run(modes[1:]...)
	err := filepath.WalkDir(filepath.Join(dir, "collector"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), address) {
			t.Errorf("%s has the address", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, exported, err := request(t.Context(), http.MethodGet, database+"/api/v1/export?"+url.Values{"match[]": {`{__name__!=""}`}}.Encode(), nil)
	if err != nil || strings.Contains(exported, address) || !strings.Contains(exported, network) {
		t.Errorf("the database has the address, or not even the network: %v", err)
	}
	hashes := regexp.MustCompile(`"[0-9a-f]{16}"`)
	first := map[string][]string{}
	for _, unit := range []string{"traffic", "playtime"} {
		if got := byIP("truncated", unit); !strings.Contains(got, network) {
			t.Errorf("truncated, %s: %s", unit, got)
		}
		if got := byIP("off", unit); !strings.Contains(got, "does not store addresses") || strings.Contains(got, network) {
			t.Errorf("off, %s: %s", unit, got)
		}
		if first[unit] = hashes.FindAllString(byIP("hashed", unit), -1); len(first[unit]) != 1 {
			t.Errorf("hashed, %s: %v", unit, first[unit])
		}
	}

	// The hash lasts through a restart. Another day may begin meanwhile, which nobody can help.
	info, err := os.Stat(filepath.Join(dir, "collector", "salt"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the salt's file: %v, %v", info, err)
	}
	run(modes...)
	for _, unit := range []string{"traffic", "playtime"} {
		if got := hashes.FindAllString(byIP("hashed", unit), -1); w.now.UTC().Day() == time.Now().UTC().Day() && strings.Join(got, " ") != strings.Join(first[unit], " ") {
			t.Errorf("hashed, %s: after a restart %v, before %v", unit, got, first[unit])
		}
		if got := byIP("full", unit); !strings.Contains(got, address) {
			t.Errorf("full, %s: %s", unit, got)
		}
	}
}
