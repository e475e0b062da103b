package tenancy

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/blocklist"
)

// blockListToken is the token of an organisation's block list.
func blockListToken(organization string) string { return "bt_" + organization + "_0123456789" }

// block puts a user and a network of each organisation, or part of one, on its block list.
func (w *world) block(t *testing.T) {
	t.Helper()
	lists := blocklist.NewStore(filepath.Join(w.dir, "collector"))
	for _, o := range w.all {
		since := w.now.UTC().Truncate(time.Second)
		for kind, value := range map[blocklist.Kind]string{blocklist.User: "user-" + o.mark, blocklist.IP: o.network + "0/24", blocklist.Referrer: o.mark + ".example"} {
			entry := blocklist.Entry{Kind: kind, Value: value, Reason: "reason-" + o.mark, By: "admin-" + o.mark, Added: since}
			if err := lists.Add(o.id, since, entry); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// attackBlockList asks for victim's block list: by tokens, URLs and settings that an administrator of acme could confuse, and as a viewer.
func (w *world) attackBlockList(t *testing.T) {
	for _, o := range []organization{acme, victim} {
		a := w.ask(t, w.source(o), "", model("blockList", nil))
		if a.status != http.StatusOK || !strings.Contains(a.text, "user-"+o.mark) || !strings.Contains(a.text, "streamlens block remove --org="+o.id) {
			t.Fatalf("%s does not see its own block list, so that the attack proves nothing: %d %.600s", o.id, a.status, a.text)
		}
	}
	for name, change := range map[string]func(*source){
		"the token of another":    func(s *source) { s.blockListToken = blockListToken(victim.id) },
		"no token":                func(s *source) { s.blockListToken = "" },
		"a token with a header":   func(s *source) { s.blockListToken = blockListToken(acme.id) + "\r\nX: y" },
		"a read key as the token": func(s *source) { s.blockListToken = readKeys(victim.id, nil)[0] },
		"headers":                 func(s *source) { s.headers = map[string]string{"Authorization": "Bearer " + blockListToken(victim.id)} },
		"a URL with a token": func(s *source) {
			s.jsonData = strings.Replace(s.jsonData, w.product.Collector, w.product.Collector+"/v1/blocklist/list.json?token="+blockListToken(victim.id)+"&x=", 1)
		},
		"another level": func(s *source) { s.jsonData = strings.Replace(s.jsonData, `"premium"`, `"default"`, 1) },
	} {
		s := w.source(acme)
		change(&s)
		for _, fields := range []map[string]any{nil, {"organization": "victim"}, {"where": []string{"org=victim"}}} {
			a := w.attack(t, name, s, "", model("blockList", fields))
			// Neither a header of the viewer nor a token in the URL takes the place of the data source's own token.
			if name != "headers" && name != "a URL with a token" && strings.Contains(a.text, "user-acme") {
				t.Errorf("%s: the list is shown: %.600s", name, a.text)
			}
		}
		for _, format := range []string{"csv", "json"} {
			a := w.download(t, s, "export?widget=blockList&format="+format, "")
			w.attempts.Add(1)
			if found := textLeaks(a.text); len(found) > 0 {
				t.Errorf("%s shows %v in a file: %.600s", name, found, a.text)
			}
		}
	}
}
