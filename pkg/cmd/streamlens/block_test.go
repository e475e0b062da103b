package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
)

// blockConfiguration writes a configuration with the organisations acme and victim.
func blockConfiguration(t *testing.T, plays, privacy string) string {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf("dataDir: %q\n%sorganizations:\n- {id: acme, privacy: {ip: %s}}\n- {id: victim}\n", filepath.Join(dir, "data"), plays, privacy)
	path := filepath.Join(dir, "streamlens.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBlock(t *testing.T) {
	path := blockConfiguration(t, "", "full")
	run := func(want string, arguments ...string) string {
		t.Helper()
		out, err := execute(t, blockCommand(), "", slices.Insert(arguments, 1, "--config", path)...)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", arguments, err, want)
		}
		return out
	}
	acme := []string{"--org", "acme"}
	add := func(arguments ...string) []string {
		return slices.Concat([]string{"add"}, acme, []string{"--by", "ann", "--reason", "shares its account"}, arguments)
	}
	run("", add("--ip", "203.0.113.7/24", "--user", "alice", "--user", "default", "--until", "now+7d")...)
	run("", add("--referrer", "https://Site.example/watch", "--user", "alice")...) // in the place of the one with an end
	if out := run("", add("--user", "bob", "--dry-run")...); !strings.Contains(out, "there is no store of plays") || !strings.Contains(out, "Nothing is changed.") {
		t.Errorf("a dry run says %q", out)
	}
	run("too broad", add("--ip", "0.0.0.0/0")...)
	run("no address or network", add("--ip", "9f86d081884c7d65")...)
	run("control characters", add("--user", "a\nb")...)
	run("over already", add("--user", "bob", "--until", "now-1h")...)
	run("--until", add("--user", "bob", "--until", "tomorrow")...)
	run("at least one", add()...)
	run(`"reason"`, slices.Concat([]string{"add"}, acme, []string{"--user", "bob"})...)
	run("reason must be", slices.Concat([]string{"add"}, acme, []string{"--user", "bob", "--reason", ""})...)
	run("--org is missing", "add", "--user", "bob", "--reason", "a")
	run("not on the list", "remove", "--org", "acme", "--user", "bob")
	run("not on the list", "remove", "--org", "victim", "--user", "alice")

	var read struct{ Entries blocklist.List }
	if err := json.Unmarshal([]byte(run("", "list", "--org", "acme", "--format", "json")), &read); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range read.Entries {
		got = append(got, fmt.Sprintf("%s %s %s %s %v", e.Kind, e.Value, e.By, e.Reason, e.Until.Sub(e.Added)))
	}
	never := time.Until(time.Time{})
	want := []string{
		"ip 203.0.113.0/24 ann shares its account 168h0m0s", fmt.Sprintf("referrer site.example ann shares its account %v", never),
		fmt.Sprintf("user alice ann shares its account %v", never), "user default ann shares its account 168h0m0s",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the list is %q, want %q", got, want)
	}
	run("", "remove", "--org", "acme", "--ip", "203.0.113.0/24", "--referrer", "site.example", "--user", "default")
	csv := run("", "list", "--org", "acme", "--format", "csv")
	if lines := strings.Split(csv, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[1], "user,alice,20") || !strings.HasSuffix(lines[1], ",,ann,shares its account") {
		t.Errorf("CSV is %q", csv)
	}
	if out := run("", "list", "--org", "victim"); out != "kind  value  since  until  by  reason\n" {
		t.Errorf("the list of another organisation is %q", out)
	}
	run("--format", "list", "--org", "acme", "--format", "xml")
}

// TestBlockHits compares how many plays an entry is said to have with those that are stored.
func TestBlockHits(t *testing.T) {
	logs := vltest.Start(t)
	store, err := vl.NewClient(logs, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	record := func(organization, address, user, referrer string, ago time.Duration) {
		r := play.NewRecord()
		r.Organization, r.Session, r.Direction, r.Stream = organization, fmt.Sprint("s", len(lines)), "playout", "live"
		r.Address, r.User, r.Referrer = address, user, referrer
		r.Begin, r.End = time.Now().Add(-ago-time.Hour).UnixMilli(), time.Now().Add(-ago).UnixMilli()
		lines = append(lines, r.Line(nil))
	}
	record("acme", "203.0.113.7", "alice", "site.example", time.Hour)
	record("acme", "203.0.113.8", "alice", "site.example", time.Hour)
	record("acme", "2001:db8::1", "bob", "", time.Hour)
	record("acme", "", "", "", time.Hour)
	record("acme", "203.0.113.7", "alice", "site.example", 25*time.Hour) // too long ago
	record("victim", "203.0.113.7", "alice", "site.example", time.Hour)
	if err := store.Insert(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	if err := store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, privacy, flag, value, want string }{
		{"an address", "full", "--ip", "203.0.113.7", "ip 203.0.113.7 had 1 of the 4 plays"},
		{"a network", "full", "--ip", "203.0.113.0/24", "had 2 of the 4 plays"},
		{"a network of IPv6", "full", "--ip", "2001:db8::/32", "had 1 of the 4 plays"},
		{"a user", "full", "--user", "alice", "had 2 of the 4 plays"},
		{"a user who is not there", "full", "--user", "al*", "had 0 of the 4 plays"},
		{"a site", "full", "--referrer", "site.example", "had 2 of the 4 plays"},
		{"hashes", "hashed", "--ip", "203.0.113.7", "the organisation stores no addresses"},
		{"networks", "truncated", "--ip", "203.0.113.128/25", "had 0 of the 4 plays that ended in the last 24 hours, by the networks"},
	} {
		path := blockConfiguration(t, fmt.Sprintf("plays: {url: %q}\n", logs), tt.privacy)
		out, err := execute(t, blockCommand(), "", "add", "--config", path, "--org", "acme", tt.flag, tt.value, "--reason", "a", "--dry-run")
		if err != nil || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %v, it says %q, want %q", tt.name, err, out, tt.want)
		}
	}
	// Who must be blocked is blocked while the store of plays is away.
	path := blockConfiguration(t, "plays: {url: \"http://127.0.0.1:1\"}\n", "full")
	out, err := execute(t, blockCommand(), "", "add", "--config", path, "--org", "acme", "--user", "alice", "--reason", "a", "--by", "ann")
	if err != nil || !strings.Contains(out, "VictoriaLogs cannot be reached") || !strings.Contains(out, "1 on the block list of acme") {
		t.Errorf("without the store: %v, it says %q", err, out)
	}
}
