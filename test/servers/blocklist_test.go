package servers

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/test/program"
)

// TestBlockList lets nginx, configured as docs/blocking.md shows, read the block list of a real collector by the script of the docs, with
// users whose names nginx would take for something else.
func TestBlockList(t *testing.T) {
	p := startProduct(t, nil, map[string]any{"organizations": []map[string]any{{"id": "acme", "blockListTokens": []map[string]string{{"name": "edge", "token": "bt_edge"}}}}})
	block := func(arguments ...string) {
		t.Helper()
		if out, err := exec.Command(program.Streamlens(t), append([]string{"block", arguments[0], "--config", p.Config}, arguments[1:]...)...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", arguments, err, out)
		}
	}
	folder := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file("authorization", "Authorization: Bearer bt_edge\n")
	port := processtest.FreePort(t)
	snippets := strings.NewReplacer("/etc/nginx/blocklist", folder, "$arg_user", "$http_x_user").Replace(snippet(t, "../blocking.md", "map_hash_bucket_size"))
	configuration := file("nginx.conf", fmt.Sprintf(`pid %[1]s/nginx.pid; error_log %[1]s/error.log; events {}
http { access_log off; set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;
%[2]s
server { listen 127.0.0.1:%[3]s; location / { %[4]s return 204; } } }`, folder, snippets, port, snippet(t, "../blocking.md", "if ($blocked)")))
	fetch := func() (string, error) {
		command := exec.Command("../../docs/examples/blocklist/fetch.sh")
		command.Env = append(os.Environ(), "COLLECTOR=http://"+p.Address, "AUTHORIZATION="+filepath.Join(folder, "authorization"), "FOLDER="+folder,
			"NGINX="+installed(t, "nginx")+" -c "+configuration)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	for _, name := range []string{"networks", "users", "referrers"} {
		file(name+".nginx", "")
	}
	nginx := run(t, installed(t, "nginx"), "-c", configuration, "-g", "daemon off;")
	defer stop(t, nginx, syscall.SIGQUIT)
	status := func(header, value string) int {
		request, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+port+"/live/cam1/playlist.m3u8", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(header, value)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0
		}
		response.Body.Close()
		return response.StatusCode
	}
	waitFor(t, "nginx is ready", func() bool { return status("X-User", "bob") == http.StatusNoContent })

	hostile := []string{"default", "hostnames", "volatile", "include", "~.", "~*.", `\default`, `a"b`, `a\b`, "{x}", "$host", "${host}", "a;b", "#c", "'q'", "é", "Alice", "alice", strings.Repeat("x", 128)}
	arguments := []string{"add", "--reason", "a", "--ip", "203.0.113.0/24", "--ip", "203.0.113.7", "--ip", "2001:db8::/32", "--referrer", "pirate.example"}
	for _, user := range hostile {
		arguments = append(arguments, "--user", user)
	}
	block(arguments...)
	if out, err := fetch(); err != nil {
		t.Fatalf("fetch: %v: %s", err, out)
	}
	waitFor(t, "nginx has read the list", func() bool { return status("X-User", "alice") == http.StatusForbidden })
	for _, user := range hostile {
		if got := status("X-User", user); got != http.StatusForbidden {
			t.Errorf("user %q gets %d", user, got)
		}
	}
	for _, free := range [][2]string{{"X-User", "bob"}, {"X-User", "x"}, {"X-User", ""}, {"X-Real-IP", "203.0.114.7"}, {"X-Real-IP", "2001:db9::1"}, {"Referer", "https://site.example/pirate.example"}} {
		if got := status(free[0], free[1]); got != http.StatusNoContent {
			t.Errorf("%s %q gets %d", free[0], free[1], got)
		}
	}
	for _, blocked := range [][2]string{{"X-Real-IP", "203.0.113.200"}, {"X-Real-IP", "2001:db8::1"}, {"Referer", "https://PIRATE.example:8443/watch?x"}} {
		if got := status(blocked[0], blocked[1]); got != http.StatusForbidden {
			t.Errorf("%s %q gets %d", blocked[0], blocked[1], got)
		}
	}
	before, err := os.Stat(filepath.Join(folder, "users.nginx"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := fetch(); err != nil {
		t.Fatalf("fetch: %v: %s", err, out)
	}
	if after, err := os.Stat(filepath.Join(folder, "users.nginx")); err != nil || !os.SameFile(before, after) {
		t.Errorf("a list that has not changed is written again: %v", err)
	}
	block("remove", "--user", "alice", "--user", "Alice")
	if out, err := fetch(); err != nil {
		t.Fatalf("fetch: %v: %s", err, out)
	}
	waitFor(t, "who was removed is free", func() bool { return status("X-User", "alice") == http.StatusNoContent })

	// Without the collector, and with a list that nginx does not take, the one before stays.
	if err := os.WriteFile(configuration, append([]byte("broken "), mustRead(t, configuration)...), 0o600); err != nil {
		t.Fatal(err)
	}
	users := mustRead(t, filepath.Join(folder, "users.nginx"))
	block("remove", "--user", "~.")
	if out, err := fetch(); err == nil {
		t.Errorf("nginx takes everything: %s", out)
	}
	if string(mustRead(t, filepath.Join(folder, "users.nginx"))) != string(users) {
		t.Error("a list that nginx does not take stays")
	}
	stop(t, p.Process, syscall.SIGTERM)
	if out, err := fetch(); err == nil {
		t.Errorf("without the collector: %s", out)
	}
	if string(mustRead(t, filepath.Join(folder, "users.nginx"))) != string(users) || status("X-User", "default") != http.StatusForbidden {
		t.Error("without the collector the list is gone")
	}
	p.Start()
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
