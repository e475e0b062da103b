package tenancy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/processtest"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/test/program"
)

// Secrets and personal data that are given to the processes. Each has a text of its own that appears nowhere else.
var (
	secrets = map[string]string{
		"the secret key": "sk_qS3cretKey", "another organisation's secret key": "sk_qOtherKey", "the hook's key": "hk_qHookKey", "a media server's password": "qPassw0rd",
		"a media server's token": "qT0ken", "the password in a media server's URL": "qUrlPassw0rd", "the data source's token": "qDataT0ken", "the block list token": "bt_qBl0ckT0ken", "a wrong key": "sk_qWr0ng",
		"a wrong account key": "pk_qWr0ng", "a foreign Authorization": "qF0reign", "a cookie": "qC00kie",
	}
	// personal data of viewers, whom no log may name. Addresses are of networks for documentation.
	personal = map[string]string{
		"an IPv4 address": "198.51.100.77", "an IPv6 address": "2001:db8:77::7", "a user id": "qUser77", "the path of a referrer": "qPath77", "a user agent": "qAgent77",
		"a session id": "qSession77", "a custom field": "qCustom77",
	}
)

// waitFor waits until the URL answers with the status.
func waitFor(t *testing.T, url string, status int) {
	t.Helper()
	for deadline := time.Now().Add(visible); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if got, _, err := request(t.Context(), http.MethodGet, url, nil); err == nil && got == status {
			return
		}
	}
	t.Fatalf("%s does not answer with %d", url, status)
}

// secretSettings are a configuration with the marked secrets, and with a change.
func secretSettings(t *testing.T, dir, database string, change func(map[string]any)) map[string]any {
	t.Helper()
	nobody := processtest.FreeAddress(t)
	config := map[string]any{
		"trustedProxies":  []string{"127.0.0.1/32"},
		"victoriametrics": map[string]any{"url": database},
		"organizations": []any{
			map[string]any{"id": "acme", "level": "premium", "secretKey": secrets["the secret key"],
				"accounts": []any{
					map[string]any{"id": "acme", "key": "pk_acme", "tags": true}, map[string]any{"id": "site", "key": "pk_site", "origins": []string{"https://site.example"}},
				},
				"limits": map[string]any{"eventsPerSecond": 1000, "streams": 5, "ipsPerHour": 2}},
			map[string]any{"id": "other", "secretKey": secrets["another organisation's secret key"]},
		},
		"logs": []any{
			map[string]any{"file": filepath.Join(dir, "access.log"), "format": "nginx-combined", "organization": "acme"},
			map[string]any{"file": filepath.Join(dir, "access.json"), "format": "cloudflare", "organization": "acme"},
		},
		"servers": []any{
			map[string]any{"type": "mediamtx", "url": "http://" + nobody, "username": "u", "password": secrets["a media server's password"], "interval": 1, "organization": "acme"},
			map[string]any{"type": "nginx-rtmp", "url": "http://u:" + secrets["the password in a media server's URL"] + "@" + nobody + "/stat", "interval": 1, "organization": "acme"},
			map[string]any{"type": "srs", "url": "http://" + nobody, "token": secrets["a media server's token"], "interval": 1, "hookKey": secrets["the hook's key"], "organization": "acme"},
		},
	}
	if change != nil {
		change(config)
	}
	return config
}

// TestSecretsAndPersonalDataStayInside makes collector and plugin fail in many ways and searches all that they say. The collector
// has no other level of logging than the one that it always has.
func TestSecretsAndPersonalDataStayInside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database := vmtest.StartServer(t, vmtest.DefaultFlags...)
	for _, name := range []string{"access.log", "access.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	collector := program.NewCollector(t, dir, secretSettings(t, dir, database.URL, nil))
	collector.Start()

	provoke(t, collector.URL, dir)
	database.Kill()
	waitFor(t, collector.URL+"/readyz", http.StatusServiceUnavailable)
	provoke(t, collector.URL, dir) // what is taken now waits; tags fail
	time.Sleep(6 * time.Second)    // it tries to write
	database.Start()

	// A configuration that is not valid, with its secrets in the wrong places.
	for _, change := range []func(map[string]any){
		func(c map[string]any) {
			c["organizations"].([]any)[0].(map[string]any)["level"] = secrets["the secret key"]
		},
		func(c map[string]any) {
			c["organizations"].([]any)[0].(map[string]any)["secretKey"] = []string{secrets["the secret key"]}
		},
		func(c map[string]any) {
			c["organizations"].([]any)[0].(map[string]any)["secretKey"] = secrets["the secret key"] + " !"
		},
		func(c map[string]any) {
			c["organizations"].([]any)[0].(map[string]any)["accounts"].([]any)[0].(map[string]any)["key"] = secrets["the secret key"]
		},
		func(c map[string]any) { c["servers"].([]any)[0].(map[string]any)["type"] = "unknown" },
		func(c map[string]any) {
			c["servers"].([]any)[2].(map[string]any)["hookKey"] = "x" + secrets["the hook's key"]
		},
		func(c map[string]any) { c["servers"].([]any)[1].(map[string]any)["interval"] = 1000 },
		func(c map[string]any) {
			c["servers"].([]any)[1].(map[string]any)["url"] = "ftp://u:" + secrets["the password in a media server's URL"] + "@x/%zz"
		},
		func(c map[string]any) { c["victoriametrics"] = map[string]any{"url": "http://u:qUrlPassw0rd@x/?y"} },
	} {
		collector.Configure(secretSettings(t, dir, database.URL, change))
		collector.Signal(syscall.SIGHUP)
		time.Sleep(200 * time.Millisecond)
		once := exec.CommandContext(t.Context(), program.Streamlens(t), "query", "usageOverview", "--config", collector.Config, "--org", "acme")
		said, err := once.CombinedOutput()
		if err == nil {
			t.Error("a configuration that is not valid is taken")
		}
		silent(t, "the command line", string(said), secrets)
	}
	if text := collector.Output.String(); strings.Count(text, "Reloading the configuration failed") < 5 {
		t.Errorf("the collector does not say that it refuses configurations: %s", text)
	}
	if err := collector.Stop(os.Interrupt); err != nil {
		t.Error(err)
	}
	silent(t, "the collector", collector.Output.String(), secrets, personal)
	if text := collector.Output.String(); !strings.Contains(text, "VictoriaMetrics") {
		t.Errorf("nothing failed: %s", text)
	}
	provokePlugin(t, database.URL, database.Kill)
}

// silent complains about every one of the texts that something says.
func silent(t *testing.T, who, said string, texts ...map[string]string) {
	t.Helper()
	for _, each := range texts {
		for name, text := range each {
			if i := strings.Index(said, text); i >= 0 {
				t.Errorf("%s says %s: …%s…", who, name, said[max(0, i-150):min(len(said), i+100)])
			}
		}
	}
}

// provoke sends what is good and what is bad with personal data in it to a collector.
func provoke(t *testing.T, collector, dir string) {
	t.Helper()
	viewer := []string{"X-Forwarded-For", personal["an IPv4 address"], "User-Agent", "Mozilla/5.0 " + personal["a user agent"], "Referer",
		"https://site.example/" + personal["the path of a referrer"], "Cookie", secrets["a cookie"]}
	now := time.Now().UnixMilli()
	send := func(method, path, body string, headers ...string) {
		t.Helper()
		_, answer, err := request(t.Context(), method, collector+path, []byte(body), append(headers, viewer...)...)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		silent(t, "the answer to "+method+" "+path, answer, secrets)
	}
	envelope := func(account, key, stream, extra string) string {
		return fmt.Sprintf(`{"accountId":%q,"accountKey":%q,"client":{"kind":"h5live","version":"1"},"sessionId":%q,"stream":%q,"userId":%q,"customField1":%q,
			"referrer":"https://site.example/%s","events":[{"seq":1,"ts":%d,"type":"load"},{"seq":2,"ts":%d,"type":"start"},{"seq":3,"ts":"x","type":"stop"}]%s}`,
			account, key, personal["a session id"]+stream, stream, personal["a user id"], personal["a custom field"], personal["the path of a referrer"], now, now, extra)
	}
	send(http.MethodPost, "/v1/events", envelope("acme", "pk_acme", "live", ""))
	send(http.MethodPost, "/v1/events", envelope("acme", "pk_acme", "live", ",,"))
	send(http.MethodPost, "/v1/events", envelope("acme", secrets["a wrong account key"], "live", ""))
	send(http.MethodPost, "/v1/events", envelope("site", "pk_site", "live", ""), "Origin", "https://foreign.example")
	send(http.MethodPost, "/v1/events", "gzip?", "Content-Encoding", "gzip")
	send(http.MethodPost, "/v1/events?user="+personal["a user id"], strings.Repeat(envelope("acme", "pk_acme", "live", ""), 3000))
	for i := range 8 { // more streams than the organisation may have
		send(http.MethodPost, "/v1/events", envelope("acme", "pk_acme", fmt.Sprintf("s%d", i), ""))
	}
	report := fmt.Sprintf(`cid="live",e=ps,sid=%q,sta=p,ts=%d,v=2,com.streamlens-tags="a,b c"`, personal["a session id"], now)
	send(http.MethodPost, "/v1/cmcd/acme/pk_acme", report, "Content-Type", "application/cmcd")
	send(http.MethodPost, "/v1/cmcd/acme/"+secrets["a wrong account key"], report, "Content-Type", "application/cmcd")
	send(http.MethodPost, "/v1/cmcd/acme/pk_acme?interval="+personal["a user id"], report, "Content-Type", "application/cmcd")

	usage := fmt.Sprintf(`{"ts":%d,"stream":"live","direction":"playout","protocol":"hls","bytes":1,"ip":%q,"referrer":"https://site.example/%s"}`,
		now, personal["an IPv6 address"], personal["the path of a referrer"])
	for _, authorization := range []string{"Bearer " + secrets["the secret key"], "Bearer " + secrets["a wrong key"], "Basic " + secrets["a foreign Authorization"], ""} {
		send(http.MethodPost, "/v1/usage", usage+"\n"+usage[:len(usage)-9]+"\n"+strings.Replace(usage, `"bytes":1`, `"bytes":-1`, 1), "Authorization", authorization)
		send(http.MethodPut, "/v1/streams/live/tags", `{"tags":["a","`+personal["a user id"]+`,"]}`, "Authorization", authorization)
		send(http.MethodPut, "/v1/streams/live/tags", `{"tags":["a"]}`, "Authorization", authorization)
		send(http.MethodPost, "/v1/logs?format=cloudflare", `{"ClientIP":"`+personal["an IPv4 address"]+`"`, "Authorization", authorization)
		send(http.MethodPost, "/v1/logs?format=template&template="+secrets["a wrong key"], "x", "Authorization", authorization)
	}
	for _, key := range []string{secrets["the hook's key"], "hk_" + secrets["a wrong key"]} {
		send(http.MethodPost, "/v1/hooks/srs/"+key, `{"action":"on_publish","client_id":"c","ip":"`+personal["an IPv4 address"]+`","app":"live","stream":"live"}`)
		send(http.MethodPost, "/v1/hooks/srs/"+key, `{"action":"on_publish","ip":`+personal["an IPv4 address"])
	}
	for _, path := range []string{"/metrics", "/readyz", "/" + personal["a user id"], "/v1/events/" + secrets["a wrong key"], "/%00", "/debug/pprof/cmdline"} {
		send(http.MethodGet, path, "")
	}
	breakConnections(t, strings.TrimPrefix(collector, "http://"))
	lines := map[string]string{
		"access.log": fmt.Sprintf("%s - - [x] \"GET /hls/live_1.ts HTTP/1.1\" 200 5 \"https://site.example/%s\" %q\n%s\n", personal["an IPv4 address"],
			personal["the path of a referrer"], personal["a user agent"], personal["an IPv6 address"]),
		"access.json": fmt.Sprintf(`{"ClientIP":%q,"EdgeEndTimestamp":%q,"ClientRequestURI":"/hls/live_1.ts?user=%s","EdgeResponseStatus":"x"}`+"\n{%s\n", personal["an IPv4 address"],
			personal["a user agent"], personal["a user id"], personal["an IPv6 address"]),
	}
	for name, text := range lines {
		file, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(2 * time.Second) // the logs are read and the media servers asked
}

// breakConnections sends what is no HTTP, which servers like to log with the address of the sender.
func breakConnections(t *testing.T, address string) {
	t.Helper()
	for _, text := range []string{
		"\x16\x03\x01" + personal["a user id"], "GET /" + personal["a user id"] + " HTTP/9.9\r\n\r\n", "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n" + personal["a user id"],
		"GET / HTTP/1.1\r\nHost: x\r\nBad Header: " + secrets["a cookie"] + "\r\n\r\n",
	} {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := connection.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := connection.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// provokePlugin lets the plugin answer, and fail when the database goes away.
func provokePlugin(t *testing.T, database string, takeAway func()) {
	t.Helper()
	plugin := startPlugin(t)
	w := &world{plugin: plugin, now: time.Now()}
	ask := func() {
		for _, settings := range []any{
			map[string]any{"url": database, "organization": "acme", "level": "premium"}, map[string]any{"url": database + "/nowhere", "organization": "acme"},
			map[string]any{"url": "http://127.0.0.1:1", "organization": "acme"}, map[string]any{"url": "http://nowhere.invalid", "organization": "acme"},
			map[string]any{"url": "http://u:" + secrets["the password in a media server's URL"] + "@x", "organization": "acme"}, map[string]any{"url": database, "organization": "A!"},
		} {
			s := w.sourceOf(settings)
			s.token, s.blockListToken = secrets["the data source's token"], secrets["the block list token"]
			s.headers = map[string]string{"Authorization": "Bearer " + secrets["a foreign Authorization"], "Cookie": secrets["a cookie"], "X-Forwarded-For": personal["an IPv4 address"],
				"User-Agent": personal["a user agent"]}
			for _, model := range []string{
				model("usageByIP", nil), "{", `{"queryType":7}`, model("usageOverview", map[string]any{"stream": []string{personal["a user id"], "\x00"}}),
				model("usageOverview", map[string]any{"event": []string{personal["an IPv4 address"], ""}, "timezone": "nowhere"}),
				model("usageByReferrer", map[string]any{"referrer": []string{personal["the path of a referrer"]}, "interval": "x", "form": "series"}),
			} {
				silent(t, "an answer of the plugin", w.ask(t, s, "", model).text, secrets)
			}
			silent(t, "a resource of the plugin", w.call(t, s, http.MethodGet, "values", w.values("referrer", "")).text, secrets)
			a, err := plugin.check(context.WithoutCancel(t.Context()), s)
			if err != nil {
				t.Fatal(err)
			}
			silent(t, "a health check", a.text, secrets)
		}
	}
	ask()
	takeAway()
	ask()
	silent(t, "the plugin", plugin.log.String(), secrets, personal)
}
