package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// hostileName is a stream whose name would end the selector if it were not quoted.
const hostileName = `x"} or {stream="other`

// everySeries returns what collectors store of two organisations: every measure in every family, for some streams and addresses,
// and a tag; and what somebody else stores.
func everySeries(addresses []string) string {
	var lines strings.Builder
	stamp := time.Now().Add(-26 * time.Hour).UnixMilli()
	write := func(metric string, labels ...string) {
		lines.WriteString(metric + "{")
		for i := 0; i < len(labels); i += 2 {
			measure.WriteLabel(&lines, labels[i], labels[i+1])
		}
		fmt.Fprintf(&lines, "} 5 %d\n", stamp)
	}
	for _, organization := range []string{"acme", "victim"} {
		for _, stream := range []string{"live", "live2", "other", hostileName} {
			for _, m := range measure.All() {
				for _, f := range m.Families() {
					labels := []string{"org", organization, "collector", "a"}
					for _, l := range f.Labels {
						labels = append(labels, l, map[string]string{"country": "DE", "stream": stream, "event": "e"}[l])
					}
					for _, r := range m.Resolutions(f) {
						switch {
						case m.Kind == measure.Distribution:
							write(m.SumMetric(f, r), labels...)
						case slices.Contains(m.Dimensions, measure.DimensionIP):
							for _, address := range addresses {
								write(m.Metric(f, r), append(slices.Clone(labels), "ip", address)...)
							}
						default:
							write(m.Metric(f, r), labels...)
						}
					}
				}
			}
			write(measure.StreamTagMetric, "org", organization, "stream", stream, "tag", "t")
		}
		write("other_product", "org", organization, "stream", "live", "ip", addresses[0])
	}
	return lines.String()
}

// seriesIn returns the labels of every series, as text and in order.
func seriesIn(t *testing.T, server string) []string {
	t.Helper()
	response, err := http.PostForm(server+"/api/v1/series", url.Values{"match[]": {`{__name__!=""}`}, "start": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Data []map[string]string }
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, labels := range answer.Data {
		text, err := json.Marshal(labels)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	slices.Sort(all)
	return all
}

// without returns the series that carry none of the values of a label in an organisation.
func without(series []string, organization, label string, values ...string) []string {
	return slices.DeleteFunc(slices.Clone(series), func(text string) bool {
		var labels map[string]string
		if err := json.Unmarshal([]byte(text), &labels); err != nil {
			panic(err) // it was made of labels
		}
		return labels["org"] == organization && slices.Contains(values, labels[label]) && strings.HasPrefix(labels["__name__"], measure.Prefix)
	})
}

func TestDelete(t *testing.T) {
	const address = "81.2.69.142"
	dir := t.TempDir()
	salts, err := enrich.OpenSalts(dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	hash := enrich.StoredIP(netip.MustParseAddr(address), tenant.IPHashed, salts.At(time.Now()))
	addresses := []string{address, "81.2.69.0", "81.2.69.143", hash, "(other)"}
	run := func(t *testing.T, server, privacy, input string, arguments ...string) (string, error) {
		t.Helper()
		config := filepath.Join(t.TempDir(), "streamlens.yaml")
		text := fmt.Sprintf("dataDir: %q\nvictoriametrics: {url: %q}\norganizations:\n- {id: acme, privacy: {ip: %s}}\n- {id: victim}\n", dir, server, privacy)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		command := deleteCommand()
		var out bytes.Buffer
		command.SetOut(&out)
		command.SetErr(&out)
		command.SetIn(strings.NewReader(input))
		command.SetArgs(append([]string{"--config", config, "--org", "acme"}, arguments...))
		err := command.ExecuteContext(t.Context())
		return out.String(), err
	}

	tests := []struct {
		name, privacy, input string
		arguments            []string
		label                string
		values               []string // that are deleted
		says                 string
		err                  string
	}{
		{"a stream", "full", "y\n", []string{"--stream", "live"}, "stream", []string{"live"}, "keep the sums", ""},
		{"a stream with a hostile name", "full", "", []string{"--stream", hostileName, "--yes"}, "stream", []string{hostileName}, "", ""},
		{"a stream that is not there", "full", "y\n", []string{"--stream", "nothing"}, "", nil, "0 series", ""},
		{"a pattern", "full", "", []string{"--stream", ".*", "--yes"}, "", nil, "0 series", ""},
		{"nothing", "full", "", []string{"--stream", "", "--yes"}, "", nil, "", "would be all of them"},
		{"no answer", "full", "", []string{"--stream", "live"}, "", nil, "[y/N]", "nothing is deleted"},
		{"another answer", "full", "yes please\n", []string{"--stream", "live"}, "", nil, "[y/N]", "nothing is deleted"},
		{"an address", "full", "Y\n", []string{"--ip", "::ffff:" + address}, "ip", []string{address}, "", ""},
		{"an address of a network", "truncated", "", []string{"--ip", address, "--yes"}, "ip", []string{address, "81.2.69.0"}, "of the network 81.2.69.0", ""},
		{"an address that is hashed", "hashed", "", []string{"--ip", address, "--yes"}, "ip", []string{address, hash}, "hashes can be traced to an address by nobody", ""},
		{"an address of before", `"off"`, "", []string{"--ip", address, "--yes"}, "ip", []string{address}, "stores no addresses", ""},
		{"no address", "full", "", []string{"--ip", "live", "--yes"}, "", nil, "", "no IP address"},
		{"both", "full", "", []string{"--ip", address, "--stream", "live"}, "", nil, "", "none of the others can be"},
		{"neither", "full", "", nil, "", nil, "", "at least one"},
		{"all tenants", "full", "", []string{"--stream", "live", "--delete-url", "http://127.0.0.1:1/delete/multitenant/prometheus"}, "", nil, "", "not multitenant"},
		{"a URL with another organisation", "full", "", []string{"--stream", "live", "--delete-url", "http://127.0.0.1:1/?extra_label=org=victim"}, "", nil, "", "query string"},
	}
	server := vmtest.Start(t)
	vmtest.Import(t, server, everySeries(addresses))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			vmtest.Import(t, server, everySeries(addresses))
			before := seriesIn(t, server)
			out, err := run(t, server, test.privacy, test.input, test.arguments...)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			if !strings.Contains(out, test.says) {
				t.Errorf("it says %q, want %q", out, test.says)
			}
			vmtest.Flush(t, server)
			after, want := seriesIn(t, server), without(before, "acme", test.label, test.values...)
			if !slices.Equal(after, want) {
				t.Errorf("%d series are left of %d, want %d", len(after), len(before), len(want))
			}
			if test.values != nil && !strings.Contains(out, fmt.Sprintf("%d series", len(before)-len(want))) {
				t.Errorf("it says %q, and %d were deleted", out, len(before)-len(want))
			}
			if len(test.values) > 0 && len(want) == len(before) {
				t.Error("there was nothing to delete")
			}
		})
	}
	if _, err := run(t, "http://127.0.0.1:1", "full", "", "--stream", "live", "--yes"); err == nil || errors.Is(err, errNotDeleted) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("without VictoriaMetrics: %v", err)
	}
}

// TestDeletePlays deletes plays by everything they can be deleted by, and compares what is left in both organisations.
func TestDeletePlays(t *testing.T) {
	const address = "81.2.69.142"
	metrics, logs := vmtest.Start(t), vltest.Start(t)
	store, err := vl.NewClient(logs, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	salts, err := enrich.OpenSalts(dir, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	hash := enrich.StoredIP(netip.MustParseAddr(address), tenant.IPHashed, salts.At(time.Now()))
	now := time.Now().Truncate(time.Millisecond)
	var lines [][]byte
	number := 0
	for _, organization := range []string{"acme", "victim"} {
		for _, user := range []string{"", "a b", "*", hostileName, "bob"} {
			for _, stream := range []string{"live", "other", hostileName} {
				for _, ip := range []string{address, "81.2.69.0", hash} {
					number++
					r := play.NewRecord()
					r.Organization, r.Session, r.User, r.Stream, r.Address = organization, fmt.Sprint("s", number), user, stream, ip
					r.Begin, r.End = now.Add(-time.Hour).UnixMilli(), now.Add(-time.Duration(number)*time.Second).UnixMilli()
					lines = append(lines, r.Line(nil))
				}
			}
		}
	}
	if err := store.Insert(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	if err := store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := func() map[string]int {
		rows, err := store.Ask(t.Context(), vl.Question{From: now.Add(-time.Hour), To: now.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		counts := map[string]int{}
		for _, row := range rows {
			counts[row["org"]]++
			counts[row["org"]+" user="+row["user"]]++
			counts[row["org"]+" stream="+row["stream"]]++
			counts[row["org"]+" ip="+row["ip"]]++
		}
		return counts
	}
	users := filepath.Join(dir, "users")
	if err := os.WriteFile(users, []byte("a b\r\n\n*\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "streamlens.yaml")
	text := fmt.Sprintf("dataDir: %q\nvictoriametrics: {url: %q}\nplays: {url: %q}\norganizations:\n- {id: acme, privacy: {ip: hashed}}\n- {id: victim}\n", dir, metrics, logs)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	before := left()["victim"]
	for _, tt := range []struct {
		name      string
		arguments []string
		gone      []string
		left      int // of acme
		says      string
	}{
		{"a user with a hostile name", []string{"--user", hostileName}, []string{"user=" + hostileName}, 36, "9 plays of the organisation acme"},
		{"users of a file", []string{"--users", users}, []string{"user=a b", "user=*"}, 18, "18 plays of the organisation acme"},
		{"a stream", []string{"--stream", "live"}, []string{"stream=live"}, 12, "6 plays"},
		{"a user who is not there", []string{"--user", ".*"}, nil, 12, "0 series and 0 plays"},
		{"an address and its hash", []string{"--ip", address}, []string{"ip=" + address, "ip=" + hash}, 4, "8 plays"},
	} {
		out, err := execute(t, deleteCommand(), "y\n", append([]string{"--config", config, "--org", "acme"}, tt.arguments...)...)
		if err != nil || !strings.Contains(out, tt.says) {
			t.Errorf("%s: %v, it says %q, want %q", tt.name, err, out, tt.says)
		}
		counts := left()
		for _, gone := range tt.gone {
			if counts["acme "+gone] != 0 {
				t.Errorf("%s: %d plays of %s are left", tt.name, counts["acme "+gone], gone)
			}
		}
		if counts["acme"] != tt.left || counts["victim"] != before {
			t.Errorf("%s: %d plays are left, want %d, and of the other organisation %d, want %d", tt.name, counts["acme"], tt.left, counts["victim"], before)
		}
	}
	for _, arguments := range [][]string{{"--user", ""}, {"--users", os.DevNull}, {"--users", filepath.Join(dir, "none")}} {
		if out, err := execute(t, deleteCommand(), "y\n", append([]string{"--config", config, "--org", "acme"}, arguments...)...); err == nil {
			t.Errorf("%q: it says %q", arguments, out)
		}
	}
	if counts := left(); counts["acme"] != 4 {
		t.Errorf("%d plays are left, want 4", counts["acme"])
	}
}
