package collector

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/blocklist"
	"github.com/streamlens/streamlens/pkg/tenant"
)

const blockListToken = "bt_edge"

func startBlocking(t *testing.T, entries ...blocklist.Entry) *collector {
	t.Helper()
	c := start(t, func(o *tenant.Organization) {
		o.ReadKeys = []tenant.ReadKey{{Name: "all", Key: "rk_all"}}
		o.ViewerTokens = []tenant.ViewerToken{{Token: "vt_any"}}
		o.BlockListTokens = []tenant.BlockListToken{{Name: "edge", Token: blockListToken}}
	})
	for i := range entries {
		entries[i].Reason, entries[i].By, entries[i].Added = "shares", "ann", time.Now().Add(-time.Minute)
	}
	if err := c.server.BlockLists.Add("acme", time.Now(), entries...); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestGetBlockList(t *testing.T) {
	c := startBlocking(t, blocklist.Entry{Kind: blocklist.IP, Value: "203.0.113.0/24", Until: time.Now().Add(time.Hour)},
		blocklist.Entry{Kind: blocklist.User, Value: "alice"}, blocklist.Entry{Kind: blocklist.Referrer, Value: "site.example"})
	bearer := "Bearer " + blockListToken
	etags := map[string]string{}
	for form, want := range map[string]string{
		"networks.txt": "203.0.113.0/24\n", "networks.nginx": "203.0.113.0/24 1;\n", "users.nginx": `"\\alice" 1;` + "\n", "referrers.nginx": `"\\site.example" 1;` + "\n",
	} {
		answer, body := c.get(t, blockListPath+"/"+form, auth, bearer)
		if answer.StatusCode != http.StatusOK || body != want || answer.Header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s: %d %q %v, want %q", form, answer.StatusCode, body, answer.Header, want)
		}
		etags[form] = answer.Header.Get("ETag")
	}
	if answer, body := c.get(t, blockListPath+"/list.json?token="+blockListToken); answer.StatusCode != http.StatusOK || !strings.Contains(body, `"reason":"shares","by":"ann"`) {
		t.Errorf("JSON: %d %s", answer.StatusCode, body)
	}
	for form, etag := range etags {
		if answer, body := c.get(t, blockListPath+"/"+form, auth, bearer, "If-None-Match", etag); answer.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("%s again: %d %q", form, answer.StatusCode, body)
		}
	}
	// The network's time ends by itself.
	soon := blocklist.Entry{Kind: blocklist.IP, Value: "203.0.113.0/24", Reason: "shares", By: "ann", Added: time.Now(), Until: time.Now().Add(time.Second)}
	if err := c.server.BlockLists.Add("acme", time.Now(), soon); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		answer, body := c.get(t, blockListPath+"/networks.txt", auth, bearer, "If-None-Match", etags["networks.txt"])
		if answer.StatusCode == http.StatusOK && body == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the network is still there: %d %q", answer.StatusCode, body)
		}
	}
	if answer, body := c.get(t, blockListPath+"/users.nginx", auth, bearer); body != `"\\alice" 1;`+"\n" {
		t.Errorf("users: %d %q", answer.StatusCode, body)
	}
	for name, tt := range map[string]struct {
		path, key string
		want      int
	}{
		"no token":       {"/list.json", "", http.StatusUnauthorized},
		"a read key":     {"/list.json", "rk_all", http.StatusUnauthorized},
		"a viewer token": {"/list.json", "vt_any", http.StatusUnauthorized},
		"a secret key":   {"/list.json", "sk_acme", http.StatusUnauthorized},
		"another form":   {"/list.xml", blockListToken, http.StatusNotFound},
	} {
		if answer, body := c.get(t, blockListPath+tt.path, auth, "Bearer "+tt.key); answer.StatusCode != tt.want {
			t.Errorf("%s: %d %s", name, answer.StatusCode, body)
		}
	}
	// And the token opens nothing else.
	for _, path := range []string{"/v1/widgets/usageByCountry", "/v1/public/viewers/a", "/v1/streams/a/tags"} {
		if answer, body := c.get(t, path, auth, bearer); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", path, answer.StatusCode, body)
		}
	}
}

// TestGetBadBlockList holds that a list that somebody broke is published by no half.
func TestGetBadBlockList(t *testing.T) {
	c := startBlocking(t, blocklist.Entry{Kind: blocklist.User, Value: "alice"})
	found, err := filepath.Glob(filepath.Join(c.pipeline.Dir, "*", "acme.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	if err := os.WriteFile(found[0], []byte(`{"version":1,"entries":[{"kind":"user","value":"a"},{}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if answer, body := c.get(t, blockListPath+"/users.nginx", auth, "Bearer "+blockListToken); answer.StatusCode != http.StatusInternalServerError || strings.Contains(body, "/") {
		t.Errorf("%d %s", answer.StatusCode, body)
	}
}

func TestCheckViewer(t *testing.T) {
	c := startBlocking(t, blocklist.Entry{Kind: blocklist.IP, Value: "203.0.113.0/24"}, blocklist.Entry{Kind: blocklist.User, Value: "alice"},
		blocklist.Entry{Kind: blocklist.Referrer, Value: "site.example"})
	for name, tt := range map[string]struct {
		body string
		want int
	}{
		"MediaMTX, a blocked address":   {`{"ip":"203.0.113.7","user":"","password":"","action":"read","path":"live","protocol":"hls","id":null,"query":""}`, 403},
		"MediaMTX, another address":     {`{"ip":"198.51.100.7","user":"","password":"","action":"read","path":"live","protocol":"hls","id":null,"query":""}`, 200},
		"MediaMTX, a blocked user":      {`{"ip":"198.51.100.7","user":"alice","password":"x","action":"playback","path":"live"}`, 403},
		"MediaMTX, a user in the query": {`{"ip":"198.51.100.7","action":"read","query":"a=b&user=alice"}`, 403},
		"MediaMTX, a publisher":         {`{"ip":"198.51.100.7","action":"publish","path":"live"}`, 403},
		"MediaMTX, its API":             {`{"ip":"127.0.0.1","action":"api"}`, 403},
		"SRS, a blocked address":        {`{"action":"on_play","client_id":"9308h583","ip":"203.0.113.7","vhost":"__defaultVhost__","app":"live","stream":"livestream","param":"?token=xxx","pageUrl":""}`, 403},
		"SRS, a blocked site":           {`{"action":"on_play","ip":"198.51.100.7","param":"","pageUrl":"https://site.example/watch"}`, 403},
		"SRS, a user in the parameters": {`{"action":"on_play","ip":"198.51.100.7","param":"?user=alice"}`, 403},
		"SRS, another":                  {`{"action":"on_play","ip":"198.51.100.7","param":"?user=bob","pageUrl":"https://other.example/"}`, 200},
		"SRS, a publisher":              {`{"action":"on_publish","ip":"198.51.100.7"}`, 403},
		"another server":                {`{"ip":"::ffff:203.0.113.9"}`, 403},
		"an address with a port":        {`{"ip":"203.0.113.7:443"}`, 403},
		"another address with a port":   {`{"ip":"[2001:db8::7]:443"}`, 200},
		"no address":                    {`{"ip":"viewer.example"}`, 400},
		"nothing is known":              {`{}`, 200},
		"no JSON":                       {`ip=203.0.113.7`, 400},
		"another JSON":                  {`{"ip":["203.0.113.7"]}`, 400},
	} {
		response, err := http.Post(c.URL+blockListPath+"/check?token="+blockListToken, "application/json", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != tt.want || tt.want == 200 && string(body) != "0" {
			t.Errorf("%s: %d %s, %v, want %d", name, response.StatusCode, body, err, tt.want)
		}
	}
	response, err := http.Post(c.URL+blockListPath+"/check?token=bt_wrong", "application/json", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d", response.StatusCode)
	}
}
