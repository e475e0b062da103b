package accesslog_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// truth is what the client knows of one of its requests.
type truth struct {
	IP, Path, Method string
	Status           int
	Header, Body     int64
	End              float64 // s since 1970
}

// TestServers reads the default logs of real servers, without a word about their formats. testdata/servers has what the client
// of each knows.
func TestServers(t *testing.T) {
	for _, test := range []struct {
		server, log, format string
		// By how many ms the time of the log may differ from the client's, which has not read yet what the system has kept for it:
		// some logs have whole seconds, and Varnish's those of the begin.
		late, early int64
		headers     bool // the server counts bytes of headers
	}{
		{"caddy", "caddy.all.log", "caddy", 100, 600, false},
		{"haproxy", "haproxy.log", "haproxy", 1300, 700, true},
		{"lighttpd", "lighttpd.default.log", "lighttpd", 1000, 2300, false},
		{"squid", "squid.default.log", "squid", 100, 500, true},
		{"varnish", "varnish.default.log", "combined", 1000, 6100, false},
	} {
		t.Run(test.server, func(t *testing.T) {
			log, err := os.ReadFile(filepath.Join("testdata/servers", test.log))
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join("testdata/servers", test.server+".truth.json"))
			if err != nil {
				t.Fatal(err)
			}
			var requests map[string]truth
			if err := json.Unmarshal(text, &requests); err != nil {
				t.Fatal(err)
			}
			found, err := accesslog.Detect(log, nil)
			if err != nil || found.Format.Name != test.format {
				t.Fatalf("got %+v %v, want %s", found, err, test.format)
			}
			d := decoder(t, found.Format)
			lines := map[netip.Addr][]accesslog.Request{}
			for line := range bytes.Lines(log) {
				var r accesslog.Request
				ok, err := d.Decode(bytes.TrimSuffix(line, []byte("\n")), &r)
				if err != nil {
					t.Errorf("%s%v", line, err)
				}
				if !ok {
					if r.Left != accesslog.LeftInternal || !strings.Contains(string(line), "PRI * HTTP") {
						t.Errorf("%sleft as %q", line, r.Left)
					}
					continue
				}
				lines[r.Address] = append(lines[r.Address], r)
			}
			if len(lines) != len(requests)-1 {
				t.Errorf("got %d addresses for %d requests, of which two had the same", len(lines), len(requests))
			}
			for name, want := range requests {
				address := netip.MustParseAddr(want.IP)
				u, err := url.Parse(want.Path)
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(lines[address], func(r accesslog.Request) bool { return r.Path == u.Path })
				if i < 0 {
					t.Errorf("%s: there is no line", name)
					continue
				}
				got := lines[address][i]
				query := u.RawQuery
				if test.server == "squid" {
					query = "" // by default Squid does not log it
				}
				if got.Query != query || got.Method != want.Method || got.Status != want.Status {
					t.Errorf("%s: got %+v", name, got)
				}
				if query != "" && !strings.Contains(got.CMCD.Query, `sid="aaaaaaaa-0000`) {
					t.Errorf("%s: got the CMCD %q", name, got.CMCD.Query)
				}
				// Of dropped transfers a server knows only what it gave to the system.
				most := want.Body
				if test.headers {
					most += want.Header
				}
				if least := most - 60; name != "h2" && want.Status == 200 && name != "abort" && name != "h2abort" && (got.Bytes < least || got.Bytes > most) {
					t.Errorf("%s: got %d bytes, want %d", name, got.Bytes, most)
				}
				if late := got.Time - int64(want.End*1000); late > test.late || late < -test.early {
					t.Errorf("%s: got a time that is %d ms after the client's end", name, late)
				}
			}
		})
	}
}
