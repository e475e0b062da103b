// Package servers runs real web servers, plays HLS through them with a client that counts, imports the logs that they write by
// default without a word about their format, and compares what the product counts with the logs' own numbers, and these with
// what the servers document and what the client received.
package servers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// allServers are the servers that this test can run.
func allServers() []server {
	return []server{
		{name: "nginx", programs: []string{"nginx"}, packages: "nginx", version: []string{"nginx", "-v"}, quick: true, start: startNginx},
		{name: "apache", programs: []string{"apache2"}, packages: "apache2", version: []string{"apache2", "-v"}, start: startApache},
		{name: "lighttpd", programs: []string{"lighttpd"}, packages: "lighttpd lighttpd-mod-openssl", version: []string{"lighttpd", "-v"}, start: startLighttpd(false)},
		{name: "lighttpd json", programs: []string{"lighttpd"}, packages: "lighttpd lighttpd-mod-openssl", version: []string{"lighttpd", "-v"}, start: startLighttpd(true)},
		{name: "h2o", programs: []string{"h2o"}, packages: "h2o", version: []string{"h2o", "-v"}, start: startH2O},
		{name: "caddy", programs: []string{"caddy"}, packages: "none: go tool mage servers builds it", version: []string{"caddy", "build-info"}, of: "caddyserver/caddy", start: startCaddy},
		{name: "haproxy", programs: []string{"haproxy", "rsyslogd"}, packages: "haproxy rsyslog", version: []string{"haproxy", "-v"},
			start: startHAProxy("option\thttplog", "", accessLog{name: "haproxy", page: "haproxy.md", shown: "/var/log/haproxy.log", format: "haproxy",
				parse: byExpression(haproxyLine, haproxyTime), has: columns{queries: true}})},
		{name: "haproxy clf", programs: []string{"haproxy", "rsyslogd"}, packages: "haproxy rsyslog", version: []string{"haproxy", "-v"},
			start: startHAProxy("option\thttplog clf", "", accessLog{name: "haproxy-clf", format: "haproxy-clf",
				parse: byExpression(haproxyCLFLine, clfTime), has: columns{queries: true}})},
		{name: "haproxy json", programs: []string{"haproxy", "rsyslogd"}, packages: "haproxy rsyslog", version: []string{"haproxy", "-v"},
			start: startHAProxy("option\thttplog", "haproxy.md", accessLog{name: "haproxy-json", format: "nginx-json",
				parse: parseJSON, has: columns{true, true, true, true}})},
		{name: "varnish", programs: []string{"varnishd", "varnishncsa"}, packages: "varnish", version: []string{"varnishd", "-V"}, start: startVarnish},
		{name: "squid", programs: []string{"squid"}, packages: "squid", version: []string{"squid", "-v"}, start: startSquid},
		{name: "traffic server", programs: []string{"traffic_server", "traffic_logcat"}, packages: "trafficserver", version: []string{"traffic_server", "-V"},
			start: startTrafficServer},
		{name: "traefik", programs: []string{"traefik"}, packages: "none: go tool mage servers builds it", version: []string{"traefik", "version"}, start: startTraefik(false)},
		{name: "traefik json", programs: []string{"traefik"}, packages: "none: go tool mage servers builds it", version: []string{"traefik", "version"}, start: startTraefik(true)},
	}
}

// result is what was played through a server.
type result struct {
	server    server
	version   string
	exchanges []exchange
	logs      []accessLog
	entries   map[string][]entry // by name of the log
	missing   error
}

// long reports whether all servers run, which takes minutes. It is set by go tool mage servers.
func long() bool { return os.Getenv("SERVERS") != "" }

// TestServers plays through all servers at the same time, or only through the quick ones.
func TestServers(t *testing.T) {
	var results []*result
	folder := t.TempDir() // of the logs
	t.Run("play", func(t *testing.T) {
		for _, s := range allServers() {
			if !long() && !s.quick {
				continue
			}
			if only := os.Getenv("SERVERS_ONLY"); only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
				continue
			}
			r := &result{server: s, entries: map[string][]entry{}}
			results = append(results, r)
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				r.play(t, folder)
			})
		}
	})
	var logs []playedLog
	for _, r := range results {
		for _, l := range r.logs {
			logs = append(logs, playedLog{r, l, r.truth(l)})
		}
	}
	if len(logs) == 0 {
		t.Skip("no server is installed")
	}
	printTable(t, results)
	if folder := os.Getenv("SERVERS_KEEP"); folder != "" {
		keep(t, folder, results)
	}
	countAll(t, folder, logs)
}

// playedLog is a log and what should be counted of it.
type playedLog struct {
	*result
	accessLog
	want truth
}

// countAll lets a product count the logs in all the ways that the docs show, and compares.
func countAll(t *testing.T, folder string, logs []playedLog) {
	var organizations []string
	var follow []map[string]any
	for _, l := range logs {
		organizations = append(organizations, l.name, curlOf(l.accessLog), followOf(l.accessLog))
		if entry := followed(t, l.accessLog, filepath.Join(folder, l.name+"-followed.log")); entry != nil {
			follow = append(follow, entry)
		}
	}
	p := startProduct(t, organizations, map[string]any{"logs": follow})
	last := time.Now()
	for _, l := range logs {
		t.Run("import "+l.name, func(t *testing.T) { p.importLog(t, l) })
		if command := p.curlCommand(t, l.accessLog); command != "" {
			t.Run("post "+l.name, func(t *testing.T) { p.postLog(t, l, command) })
		}
	}
	for _, entry := range follow {
		// The collector has seen that there was no such file, so all lines count.
		file := fmt.Sprint(entry["file"])
		text, err := os.ReadFile(strings.TrimSuffix(file, "-followed.log") + ".log")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("wait", func(*testing.T) {
		if long() {
			// Viewers of a minute are complete some time after its end.
			time.Sleep(time.Until(last.Truncate(time.Minute).Add(time.Minute + 40*time.Second)))
		}
	})
	for _, l := range logs {
		t.Run("count "+l.name, func(t *testing.T) { p.compare(t, l.name, l.want, last) })
		if p.curlCommand(t, l.accessLog) != "" {
			t.Run("count "+curlOf(l.accessLog), func(t *testing.T) { p.compare(t, curlOf(l.accessLog), l.want, last) })
		}
	}
	for _, entry := range follow {
		for _, l := range logs {
			if entry["organization"] == followOf(l.accessLog) {
				t.Run("count "+followOf(l.accessLog), func(t *testing.T) { p.compare(t, followOf(l.accessLog), l.want, last) })
			}
		}
	}
}

func (r *result) play(t *testing.T, folder string) {
	for _, name := range r.server.programs {
		if _, err := lookProgram(name); err != nil {
			r.missing = err
			t.Skipf("%v (%s)", err, r.server.packages)
		}
	}
	version, err := exec.Command(installed(t, r.server.version[0]), r.server.version[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, version)
	}
	for line := range strings.Lines(string(version)) {
		if r.version == "" && strings.Contains(line, r.server.of) {
			r.version = strings.TrimSpace(line)
		}
	}
	w := newWorld(t)
	running := r.server.start(t, w)
	r.exchanges = play(t, running.endpoints, w.modified, long())
	time.Sleep(max(500*time.Millisecond, running.keeps))
	running.stop()
	r.logs = running.logs
	for _, l := range r.logs {
		var err error
		if r.entries[l.name], err = readLog(l); err != nil {
			t.Errorf("%s: %v", l.name, err)
			continue
		}
		r.check(t, l)
	}
	// The folder of the server is gone before its logs are imported.
	for i, l := range r.logs {
		text, err := os.ReadFile(l.file)
		if err != nil {
			t.Fatal(err)
		}
		r.logs[i].file = filepath.Join(folder, l.name+".log")
		if err := os.WriteFile(r.logs[i].file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// line returns the entry of each exchange, nil if the log has none.
func (r *result) lines(l accessLog) []*entry {
	used := map[int]bool{}
	find := func(is func(e entry) bool) *entry {
		for i, e := range r.entries[l.name] {
			if !used[i] && !e.foreign() && is(e) {
				used[i] = true
				return &r.entries[l.name][i]
			}
		}
		return nil
	}
	found := make([]*entry, len(r.exchanges))
	for i, x := range r.exchanges {
		// Lines of connections that follow each other closely may be in another order.
		path, _, _ := strings.Cut(x.Target, "?")
		found[i] = find(func(e entry) bool { return e.address == x.Address && (e.cut || strings.Contains(e.target, path)) })
		if found[i] == nil && l.anonymous[x.Name] {
			found[i] = find(func(e entry) bool { return e.address == "" && strings.Contains(e.target, "seg-900.ts") })
		}
	}
	return found
}

// kernelBytes is the most that a server can have handed to its kernel and the client's before it notices that the client left.
func kernelBytes(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/net/ipv4/tcp_wmem")
	if err != nil {
		t.Fatal(err)
	}
	most, err := strconv.ParseInt(strings.Fields(string(text))[2], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	const ofTheServer = 1 << 20 // its own buffers, and the client's kernel
	return 2*most + ofTheServer
}

// check compares a log with what the server documents: every exchange has one line, with the right number.
func (r *result) check(t *testing.T, l accessLog) {
	t.Helper()
	lines := r.lines(l)
	count := 0
	for i, x := range r.exchanges {
		e := lines[i]
		if e == nil {
			t.Errorf("%s: %s has no line", l.name, x.Name)
			continue
		}
		count++
		if e.cut {
			continue
		}
		from, to := l.documented(x)
		if x.Dropped {
			to = max(to, from+kernelBytes(t))
		}
		if e.bytes < from || e.bytes > to || e.status != x.Status || e.method != x.Method {
			t.Errorf("%s: %s: the line has %s, %d and %d bytes; the client sent %s and got %d, header %d, body %d, wire %d: the server documents %d to %d",
				l.name, x.Name, e.method, e.status, e.bytes, x.Method, x.Status, x.Header, x.Body, x.Wire, from, to)
		}
		const slack = 2500 * time.Millisecond // some servers look at the clock once a second
		if e.time.Before(x.Start.Add(-slack)) || e.time.After(x.End.Add(slack)) {
			t.Errorf("%s: %s: the line is of %v, the exchange from %v to %v", l.name, x.Name, e.time, x.Start, x.End)
		}
	}
	for _, e := range r.entries[l.name] {
		if e.foreign() {
			count++
		}
	}
	if all := len(r.entries[l.name]); all != count {
		t.Errorf("%s: %d lines, of which %d were expected", l.name, all, count)
	}
}

// stamp says what time a line has: that of the begin of an answer, or of its end.
func (r *result) stamp(l accessLog) string {
	lines := r.lines(l)
	for i, x := range r.exchanges {
		if x.Name != "slow" || lines[i] == nil {
			continue
		}
		switch e := lines[i]; {
		case e.time.Sub(x.Start).Abs() < 1500*time.Millisecond && e.duration > 0:
			return "start, and duration"
		case e.time.Sub(x.Start).Abs() < 1500*time.Millisecond:
			return "start"
		case e.time.Sub(x.End).Abs() < 2500*time.Millisecond:
			return "end"
		}
		return "neither"
	}
	return ""
}

// truth is what should be counted, by the lines of the log.
type truth struct {
	lines, refused, bytes        int64
	streams, addresses, referrer map[string]int64
	minutes                      map[time.Time]int64
	viewers                      int64 // of the greatest minute
}

func (r *result) truth(l accessLog) truth {
	k := truth{streams: map[string]int64{}, addresses: map[string]int64{}, referrer: map[string]int64{}, minutes: map[time.Time]int64{}}
	viewers := map[time.Time]map[string]bool{}
	lines := r.lines(l)
	for i, x := range r.exchanges {
		e := lines[i]
		if e != nil && e.cut {
			k.refused++
			continue
		}
		if e == nil || x.Stream == "" || x.Method != http.MethodGet || x.Status >= 400 {
			continue
		}
		k.lines++
		k.bytes += e.bytes
		k.streams[x.Stream] += e.bytes
		if e.address != "" {
			k.addresses[e.address] += e.bytes
		}
		host := "(none)"
		if u, err := url.Parse(x.Referrer); l.has.referrers && x.Referrer != "" {
			if err != nil {
				host, _, _ = strings.Cut(strings.TrimPrefix(x.Referrer, "https://"), "/")
			} else {
				host = u.Hostname()
			}
		}
		k.referrer[host] += e.bytes
		minute := e.time.Add(e.duration).UTC().Truncate(time.Minute)
		k.minutes[minute] += e.bytes
		if viewers[minute] == nil {
			viewers[minute] = map[string]bool{}
		}
		if viewer := l.viewer(x, e); viewer != "" && !strings.HasSuffix(x.Target, ".m3u8") {
			viewers[minute][x.Stream+" "+viewer] = true
		}
	}
	for _, of := range viewers {
		k.viewers = max(k.viewers, int64(len(of)))
	}
	return k
}

// viewer tells viewers apart as far as the log lets: by the session of CMCD, else by address and user agent.
func (l accessLog) viewer(x exchange, e *entry) string {
	switch {
	case l.has.queries && x.Query != "":
		return x.Query
	case l.has.cmcd && x.Headers != "":
		return x.Headers
	case e.address == "":
		return ""
	case l.has.agents:
		return e.address + " " + x.UserAgent
	}
	return e.address
}

// importLog imports a log as its page says, or as a newcomer does.
func (p *product) importLog(t *testing.T, l playedLog) {
	output, status := shell(t, p.importCommand(t, l.accessLog))
	t.Log(output)
	if status != 0 {
		t.Errorf("exit status %d", status)
	}
	for _, part := range []string{fmt.Sprintf(" %d counted", l.want.lines), fmt.Sprintf(" %d refused", l.want.refused), ": " + l.format} {
		if !strings.Contains(output, part) {
			t.Errorf("it should say %q", part)
		}
	}
}

// postLog posts a log as its page says.
func (p *product) postLog(t *testing.T, l playedLog, command string) {
	output, status := shell(t, command)
	if part := fmt.Sprintf(`"accepted":%d,`, l.want.lines); status != 0 || !strings.Contains(output, part) {
		t.Errorf("exit status %d, want %s\n%s", status, part, output)
	}
}

// compare compares what the product counted for an organisation with the numbers of a log.
func (p *product) compare(t *testing.T, organization string, want truth, last time.Time) {
	from, to := last.Add(-time.Hour), last.Add(time.Minute)
	total := func() int64 {
		rows := p.query(t, organization, "usageOverview", from, to)
		if len(rows) == 0 {
			return 0
		}
		return rows[0].number(t, "playout")
	}
	// What was imported shows within 15 s.
	for deadline := time.Now().Add(20 * time.Second); total() != want.bytes && time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
	}
	if got := total(); got != want.bytes {
		t.Errorf("bytes: got %d, the log has %d", got, want.bytes)
	}
	sums := func(widget, key, value string, more ...string) map[string]int64 {
		all := map[string]int64{}
		for _, r := range p.query(t, organization, widget, from, to, more...) {
			if n := r.number(t, value); n != 0 {
				all[r.text(key)] = n
			}
		}
		return all
	}
	same := func(what string, got, want map[string]int64) {
		t.Helper()
		want = maps.Clone(want)
		maps.DeleteFunc(want, func(_ string, n int64) bool { return n == 0 })
		if !maps.Equal(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", what, got, want)
		}
	}
	same("streams", sums("usageByStream", "stream", "playout"), want.streams)
	same("addresses", sums("usageByIP", "ip", "playout"), want.addresses)
	same("referrers", sums("usageByReferrer", "referrer", "playout"), want.referrer)
	minutes := map[string]int64{}
	for at, n := range want.minutes {
		minutes[at.Format(time.RFC3339)] = n
	}
	same("minutes", sums("usageOverview", "time", "playout", "--form", "series", "--interval", "1m"), minutes)
	if long() {
		var viewers int64
		if rows := p.query(t, organization, "concurrentViewers", from, to); len(rows) > 0 {
			viewers = rows[0].number(t, "serverViewers")
		}
		if viewers != want.viewers {
			t.Errorf("viewers: got %d, by the log there were %d", viewers, want.viewers)
		}
	}
}

// printTable prints what each log has for each exchange beyond the body that the client received.
func printTable(t *testing.T, results []*result) {
	t.Helper()
	var b bytes.Buffer
	out := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	names := []string{"whole", "head", "range", "ranges", "not modified", "HTTP/1.0", "dropped", "TLS", "HTTP/2", "HTTP/2 dropped", "HTTP/2 in cleartext dropped"}
	fmt.Fprintf(out, "log\tlines\treceived\tlogged\ttime\t%s\n", strings.Join(names, "\t"))
	for _, r := range results {
		if r.missing != nil {
			fmt.Fprintf(out, "%s\t%v (%s)\n", r.server.name, r.missing, r.server.packages)
			continue
		}
		fmt.Fprintf(out, "%s\n", r.version)
		for _, l := range r.logs {
			lines := r.lines(l)
			var received int64
			differences := map[string]string{}
			for i, x := range r.exchanges {
				if x.Stream != "" && x.Method == http.MethodGet && x.Status < 400 {
					received += x.Body
				}
				if e := lines[i]; e != nil {
					differences[x.Name] = fmt.Sprintf("%+d", e.bytes-x.Body)
				}
			}
			fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%s", l.name, len(r.entries[l.name]), received, r.truth(l).bytes, r.stamp(l))
			for _, name := range names {
				fmt.Fprintf(out, "\t%s", differences[name])
			}
			fmt.Fprintln(out)
		}
	}
	out.Flush()
	t.Logf("Bytes of the logs, and how far they are from the body that the client received:\n%s", b.String())
}

// keep copies the logs and what the client counted to a folder.
func keep(t *testing.T, folder string, results []*result) {
	t.Helper()
	for _, r := range results {
		for _, l := range r.logs {
			text, err := os.ReadFile(l.file)
			if err != nil {
				t.Fatal(err)
			}
			counted, err := json.MarshalIndent(map[string]any{"server": r.version, "format": l.format, "exchanges": r.exchanges}, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			for name, content := range map[string][]byte{l.name + ".log": text, l.name + ".truth.json": counted} {
				if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
