package tenancy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/test/program"
)

// has reports whether an organisation has a stream of this name, as its own data source says.
func (w *world) has(t *testing.T, o organization, stream string) bool {
	t.Helper()
	return strings.Contains(w.call(t, w.source(o), http.MethodGet, "values", w.values("stream", "")).text, `"`+stream+`"`)
}

// attackCollector writes and reads with acme's keys and with none, and names victim wherever a name can stand.
func (w *world) attackCollector(t *testing.T) {
	collector := w.product.Collector
	send := func(name string, method, path, body string, headers ...string) (int, string) {
		t.Helper()
		status, answer, err := request(t.Context(), method, collector+path, []byte(body), headers...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w.searched(t, name, answerOf(status, answer))
		return status, answer
	}
	at := begin(w.now).UnixMilli()
	// Each attack has a stream of its own, which must not be victim's afterwards.
	var streams []string
	stream := func() string {
		streams = append(streams, fmt.Sprintf("planted-%d", len(streams)))
		return streams[len(streams)-1]
	}
	usage := func(extra string) string {
		return fmt.Sprintf(`{"ts":%d,"stream":%q,"direction":"playout","protocol":"hls","bytes":1%s}`, at, stream(), extra)
	}
	bearer := func(key string) []string { return []string{"Authorization", "Bearer " + key} }
	allow := []string{"X-Scope-OrgID", "victim", "AccountID", "victim", "X-Organization", "victim", "X-Streamlens-Organization", "victim"}

	for _, extra := range []string{`,"organization":"victim"`, `,"org":"victim"`, `,"accountId":"victim-web","accountKey":"pk_victim"`, `,"extra_label":"org=victim"`} {
		send("usage "+extra, http.MethodPost, "/v1/usage", usage(extra), bearer(acme.secretKey)...)
	}
	for _, query := range []string{"?organization=victim", "?org=victim", "?extra_label=org%3Dvictim", "?accountId=victim-web&accountKey=pk_victim"} {
		send("usage"+query, http.MethodPost, "/v1/usage"+query, usage(""), bearer(acme.secretKey)...)
		send("logs"+query, http.MethodPost, "/v1/logs"+query+"&format=fastly",
			fmt.Sprintf(`{"time":%d,"address":"81.2.0.1","method":"GET","url":"/hls/%s_1.ts","status":200,"bytes":1,"organization":"victim"}`, at, stream()), bearer(acme.secretKey)...)
	}
	send("usage with headers", http.MethodPost, "/v1/usage", usage(""), append(bearer(acme.secretKey), allow...)...)
	send("usage with two keys", http.MethodPost, "/v1/usage", usage(""), append(bearer(acme.secretKey), "X-Bintu-Apikey", "sk_victim")...)
	for _, names := range []string{`x"} 1`, "x\\\"} 1\\nstreamlens_traffic_bytes_1h{org=\\\"victim\\\"", `x\\`, `x{org=\"victim\"}`} {
		body := fmt.Sprintf(`{"ts":%d,"stream":"%s","direction":"playout","protocol":"%s","bytes":1,"referrer":"https://%s/"}`, at, names, names, names)
		send("usage of a hostile name", http.MethodPost, "/v1/usage", body, bearer(acme.secretKey)...)
	}
	for _, key := range []string{"", "sk_", "sk_victim", "pk_victim", acme.accountKey, "sk_victim_987654321", strings.ToUpper(victim.secretKey), "victim"} {
		if status, answer := send("usage with the key "+key, http.MethodPost, "/v1/usage", usage(""), bearer(key)...); status != http.StatusUnauthorized && status != http.StatusTooManyRequests {
			t.Errorf("usage with the key %q: %d %s", key, status, answer)
		}
	}

	events := func(fields map[string]any) string {
		envelope := map[string]any{
			"accountId": acme.account, "accountKey": acme.accountKey, "client": map[string]string{"kind": "h5live"}, "sessionId": stream(), "stream": streams[len(streams)-1],
			"events": []map[string]any{{"seq": 1, "ts": at, "type": "load"}},
		}
		for name, value := range fields {
			envelope[name] = value
		}
		text, err := json.Marshal(envelope)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, field := range []string{"organization", "org", "Organization", "organizationId", "tenant", "AccountID"} {
		send("events with "+field, http.MethodPost, "/v1/events", events(map[string]any{field: "victim"}), allow...)
	}
	for _, account := range []string{"victim", victim.account, "acme-web\x00victim", "../victim-web"} {
		if status, answer := send("events of the account "+account, http.MethodPost, "/v1/events", events(map[string]any{"accountId": account})); status != http.StatusUnauthorized &&
			status != http.StatusBadRequest {
			t.Errorf("events of the account %q with acme's key: %d %s", account, status, answer)
		}
	}
	body := events(nil)
	send("events with keys twice", http.MethodPost, "/v1/events", strings.Replace(body, `"accountId":"acme-web"`, `"accountId":"acme-web","accountId":"victim-web"`, 1))
	// The same session in both organisations is two sessions.
	send("victim's session", http.MethodPost, "/v1/events", events(map[string]any{"sessionId": "h5live-" + marker + "-1", "stream": stream()}))

	report := func() string {
		return fmt.Sprintf(`cid=%q,e=ps,sid=%q,sta=p,sn=0,ts=%d,v=2`, stream(), streams[len(streams)-1], at)
	}
	for _, path := range []string{
		"/v1/cmcd/victim-web/pk_acme", "/v1/cmcd/victim/pk_acme", "/v1/cmcd/acme-web%2F..%2Fvictim-web/pk_acme", "/v1/cmcd/acme-web/../victim-web/pk_acme",
		"/v1/cmcd//victim-web/pk_acme", "/v1/cmcd/acme-web/pk_acme/../../victim-web/pk_acme", "/v1/cmcd/acme-web/pk_acme%00", "/v1/cmcd/%76ictim-web/pk_acme",
		"/v1/cmcd/victim-web/", "/v1/cmcd/victim-web", "/v1/cmcd/acme-web/pk_acme/", "/v1/cmcd/acme-web/pk_acme;victim-web", "/v1/cmcd/ACME-WEB/pk_acme",
	} {
		if status, answer := send("CMCD to "+path, http.MethodPost, path, report(), "Content-Type", "application/cmcd"); status/100 == 2 {
			t.Errorf("CMCD to %s: %d %s", path, status, answer)
		}
	}
	for _, query := range []string{"?organization=victim&account=victim-web", "?stream=" + stream() + "&event=final"} {
		send("CMCD"+query, http.MethodPost, "/v1/cmcd/acme-web/pk_acme"+query, report(), append([]string{"Content-Type", "application/cmcd"}, allow...)...)
	}

	// Tags of a stream that both have, and of one that only victim has.
	for _, name := range []string{sharedStream, "only-victim", "stream-%2e%2e", "..%2fonly-victim"} {
		if _, answer := send("tags of "+name, http.MethodGet, "/v1/streams/"+name+"/tags", "", bearer(acme.secretKey)...); strings.Contains(answer, sharedTag) != (name == sharedStream) {
			t.Errorf("acme sees the tags of %s: %s", name, answer)
		}
		send("tags of "+name, http.MethodPut, "/v1/streams/"+name+"/tags", `{"tags":["planted"],"organization":"victim","org":"victim"}`, append(bearer(acme.secretKey), allow...)...)
		send("tags of "+name, http.MethodDelete, "/v1/streams/"+name+"/tags?org=victim", "", bearer(acme.secretKey)...)
		send("tags of "+name, http.MethodPut, "/stream/"+name+"/tag", `{"tags":["planted"]}`, "X-Bintu-Apikey", acme.secretKey)
		for _, key := range []string{"", acme.accountKey, victim.accountKey} {
			if status, answer := send("tags without a key", http.MethodPut, "/v1/streams/"+name+"/tags", `{"tags":["planted"]}`, bearer(key)...); status != http.StatusUnauthorized &&
				status != http.StatusTooManyRequests {
				t.Errorf("tags with the key %q: %d %s", key, status, answer)
			}
		}
	}
	status, answer, err := request(t.Context(), http.MethodGet, collector+"/v1/streams/"+sharedStream+"/tags", nil, bearer(victim.secretKey)...)
	if err != nil || status != http.StatusOK || !strings.Contains(answer, "tag-"+marker) || !strings.Contains(answer, sharedTag) || strings.Contains(answer, "planted") {
		t.Errorf("victim's tags of the shared stream are %d %s %v", status, answer, err)
	}
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/debug/pprof/", "/debug/pprof/cmdline", "/api/v1/query?query=up", "/../../etc/passwd", "/.git/config", "/v1/organizations"} {
		send("path "+path, http.MethodGet, path, "")
	}

	// What was taken is acme's, and nothing of it victim's.
	for deadline := time.Now().Add(visible); !w.has(t, acme, streams[0]) && time.Now().Before(deadline); {
		time.Sleep(time.Second)
	}
	if !w.has(t, acme, streams[0]) {
		t.Errorf("acme does not have %s, which it wrote", streams[0])
	}
	if a := w.call(t, w.source(victim), http.MethodGet, "values", w.values("stream", "")); strings.Contains(a.text, "planted") {
		t.Errorf("victim has a stream that was planted: %s", a.text)
	}
	if a := w.call(t, w.source(victim), http.MethodGet, "values", w.values("tag", "")); strings.Contains(a.text, "planted") {
		t.Errorf("victim has a tag that was planted: %s", a.text)
	}
}

func answerOf(status int, text string) answer { return answer{text: text, status: status} }

// attackCommandLine asks as the operator of acme, who has a configuration of its own.
func (w *world) attackCommandLine(t *testing.T) {
	streamlens := program.Streamlens(t)
	run := func(arguments ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), streamlens, arguments...)
		output, err := command.CombinedOutput()
		if err != nil && command.ProcessState == nil {
			t.Fatal(err)
		}
		return string(output)
	}
	query := func(arguments ...string) string { t.Helper(); return run(append([]string{"query"}, arguments...)...) }
	config := "--config=" + w.product.Config
	if text := query("usageByStream", config, "--org=victim", "--from=now-1h"); len(textLeaks(text)) == 0 {
		t.Errorf("victim does not see its own data: %s", text)
	}
	for _, arguments := range [][]string{
		{"--org=acme"}, {"--org="}, {}, {"--org=VICTIM"}, {"--org=acme,victim"}, {"--org=acme|victim"}, {"--org=.*"}, {"--org=../victim"}, {"--org=victim "},
		{"--org=victim", "--org=acme"}, {"--org=acme", `--stream="x\"} or {org=\"victim"`}, {"--org=acme", "--stream=only-victim"}, {"--org=acme", "--tag=" + sharedTag},
		{"--org=acme", "--stream=.*"}, {"--org=acme", "--timezone=../../etc/passwd"}, {"--org=acme", "--metric=ip"},
	} {
		w.searched(t, fmt.Sprint(arguments), answerOf(0, query(append([]string{"usageByStream", config, "--from=now-1h", "--json"}, arguments...)...)))
	}
	// The export of plays, which has hours that are over.
	var lines []byte
	ended := w.now.Add(-2 * time.Hour).UnixMilli()
	for _, o := range []organization{acme, victim} {
		lines = fmt.Appendf(lines, `{"_msg":"play","_time":"%d","kind":"final","org":%q,"session":"exported-%s","begin":%d,"end":%d,"direction":"playout","stream":%q}`+"\n",
			ended, o.id, o.mark, ended-1, ended, o.streams[0])
	}
	w.insertPlays(t, lines)
	export := []string{"export", "plays", config, "--format=csv", "--from=now-4h"}
	if text := run(append(export, "--org=victim")...); !strings.Contains(text, "exported-"+marker) {
		t.Errorf("victim's export lacks its plays: %s", text)
	}
	if text := run(append(export, "--org=acme")...); !strings.Contains(text, "exported-acme") {
		t.Errorf("acme's export lacks its plays: %s", text)
	}
	for _, organization := range append(slices.Clone(payloads), playPayloads...) {
		if strings.ContainsRune(organization, 0) || organization == victim.id {
			continue // what no argument can have, and who may see it
		}
		w.searched(t, "export of "+organization, answerOf(0, run(append(export, "--org="+organization)...)))
		w.searched(t, "export of acme and "+organization, answerOf(0, run(append(export, "--org=acme"+organization)...)))
	}
	w.searched(t, "export of acme", answerOf(0, run(append(export, "--org=acme")...)))
}
