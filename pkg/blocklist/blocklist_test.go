package blocklist

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func entry(kind Kind, value string) Entry {
	return Entry{Kind: kind, Value: value, Reason: "shares", By: "ann", Added: noon}
}

func TestCanonical(t *testing.T) {
	for name, tt := range map[string]struct {
		kind        Kind
		value, want string // "" if it is refused
	}{
		"an address":                {IP, "203.0.113.7", "203.0.113.7"},
		"an address as a network":   {IP, "203.0.113.7/32", "203.0.113.7"},
		"a network":                 {IP, "203.0.113.7/24", "203.0.113.0/24"},
		"IPv6":                      {IP, "2001:DB8:0::1", "2001:db8::1"},
		"a network of IPv6":         {IP, "2001:db8::1/48", "2001:db8::/48"},
		"IPv4 in IPv6":              {IP, "::ffff:203.0.113.7", "203.0.113.7"},
		"a network of IPv4 in IPv6": {IP, "::ffff:203.0.113.0/120", ""},
		"a zone":                    {IP, "fe80::1%eth0", ""},
		"everybody":                 {IP, "0.0.0.0/0", ""},
		"half of everybody":         {IP, "128.0.0.0/1", ""},
		"a large provider":          {IP, "10.0.0.0/8", "10.0.0.0/8"},
		"all of IPv6":               {IP, "2000::/3", ""},
		"a hash of an address":      {IP, "9f86d081884c7d65", ""},
		"a name as an address":      {IP, "site.example", ""},
		"no address":                {IP, "", ""},
		"a directive":               {IP, "203.0.113.7 1; include /etc/passwd", ""},
		"a user":                    {User, "Alice", "Alice"},
		"a user of odd characters":  {User, `~a"b\c{d};$e`, `~a"b\c{d};$e`},
		"a user of two lines":       {User, "a\nb", ""},
		"a user with NUL":           {User, "a\x00b", ""},
		"a user with C1":            {User, "a\u0085b", ""},
		"a user that is no text":    {User, "a\xffb", ""},
		"no user":                   {User, "", ""},
		"a long user":               {User, strings.Repeat("a", 129), ""},
		"a host":                    {Referrer, "Site.Example.", "site.example"},
		"a page":                    {Referrer, "https://site.example:8443/watch?x=1", "site.example"},
		"a host with a quote":       {Referrer, `site"example`, ""},
		"no host":                   {Referrer, "", ""},
		"a long host":               {Referrer, strings.Repeat("a", 254), ""},
		"another kind":              {"stream", "a", ""},
	} {
		got, err := Canonical(tt.kind, tt.value)
		if got != tt.want || (err == nil) != (tt.want != "") || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
		}
	}
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	s, other := NewStore(dir), NewStore(dir)
	blocks := func(v Viewer, now time.Time) bool {
		t.Helper()
		blocked, err := s.Blocks("acme", v, now)
		if err != nil {
			t.Fatal(err)
		}
		return blocked
	}
	address := Viewer{Address: netip.MustParseAddr("::ffff:203.0.113.77")}
	if blocks(address, noon) || blocks(Viewer{}, noon) {
		t.Error("an empty list blocks")
	}
	forAnHour := entry(IP, "203.0.113.0/24")
	forAnHour.Until = noon.Add(time.Hour)
	// Another process changes the list.
	if err := other.Add("acme", noon, forAnHour, entry(User, "alice"), entry(Referrer, "site.example")); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		viewer Viewer
		want   bool
	}{
		"an address of the network": {address, true},
		"another address":           {Viewer{Address: netip.MustParseAddr("203.0.114.1")}, false},
		"the user":                  {Viewer{User: "alice"}, true},
		"another user":              {Viewer{User: "Alice"}, false},
		"the site":                  {Viewer{Referrer: "site.example"}, true},
		"a site under it":           {Viewer{Referrer: "a.site.example"}, false},
		"a site named as the user":  {Viewer{Referrer: "alice"}, false},
		"nobody":                    {Viewer{}, false},
	} {
		if got := blocks(tt.viewer, noon); got != tt.want {
			t.Errorf("%s: blocked is %v", name, got)
		}
	}
	if blocks(address, noon.Add(time.Hour)) || !blocks(Viewer{User: "alice"}, noon.Add(time.Hour)) {
		t.Error("an hour later the network must be free, and the user not")
	}
	if blocked, err := s.Blocks("other", address, noon); err != nil || blocked {
		t.Errorf("another organisation blocks: %v, %v", blocked, err)
	}
	if err := other.Remove("acme", User, "bob"); !errors.Is(err, ErrNotListed) {
		t.Errorf("who is not on the list is removed: %v", err)
	}
	if err := other.Remove("acme", Referrer, "https://Site.example/"); err != nil {
		t.Fatal(err)
	}
	if blocks(Viewer{Referrer: "site.example"}, noon) {
		t.Error("who was removed is blocked")
	}
	// The next change forgets what has ended.
	if err := other.Add("acme", noon.Add(2*time.Hour), entry(User, "carol")); err != nil {
		t.Fatal(err)
	}
	active, err := s.Active("acme", noon)
	if err != nil || len(active) != 2 || active[0].Value != "alice" || active[1].Value != "carol" {
		t.Errorf("the list is %v, %v", active, err)
	}
}

// TestConcurrentChanges holds that nothing is lost when several change a list at the same time, also by several processes.
func TestConcurrentChanges(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := NewStore(dir).Add("acme", noon, entry(User, strconv.Itoa(i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if active, err := NewStore(dir).Active("acme", noon); err != nil || len(active) != 8 {
		t.Errorf("%d entries, %v", len(active), err)
	}
}

func TestAddRefuses(t *testing.T) {
	s := NewStore(t.TempDir())
	for name, change := range map[string]func(*Entry){
		"no reason":             func(e *Entry) { e.Reason = "" },
		"a reason of two lines": func(e *Entry) { e.Reason = "a\nb" },
		"nobody":                func(e *Entry) { e.By = "" },
		"no time":               func(e *Entry) { e.Added = time.Time{} },
		"an end before":         func(e *Entry) { e.Until = noon },
		"not canonical":         func(e *Entry) { e.Kind, e.Value = IP, "203.0.113.7/24" },
	} {
		e := entry(User, "alice")
		change(&e)
		if err := s.Add("acme", noon, e); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var many []Entry
	for i := range MaxEntries + 1 {
		many = append(many, entry(User, strconv.Itoa(i)))
	}
	if err := s.Add("acme", noon, many...); !errors.Is(err, ErrInvalid) {
		t.Errorf("too many: %v", err)
	}
	if active, err := s.Active("acme", noon); err != nil || len(active) != 0 {
		t.Errorf("what was refused is there: %v, %v", active, err)
	}
}

// TestBadFile holds that a list that was changed by hand so that it could harm a server is not published at all.
func TestBadFile(t *testing.T) {
	for name, content := range map[string]string{
		"no JSON":           `{`,
		"another version":   `{"version": 2, "entries": []}`,
		"a bad address":     `{"version": 1, "entries": [{"kind": "ip", "value": "0.0.0.0/0", "reason": "a", "by": "a", "added": "2026-11-29T12:00:00Z"}]}`,
		"a user of 2 lines": `{"version": 1, "entries": [{"kind": "user", "value": "a\n1;", "reason": "a", "by": "a", "added": "2026-11-29T12:00:00Z"}]}`,
	} {
		dir := t.TempDir()
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, folder), 0o700), os.WriteFile(filepath.Join(dir, folder, "acme.json"), []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
		s := NewStore(dir)
		if active, err := s.Active("acme", noon); err == nil {
			t.Errorf("%s: %v", name, active)
		}
		if err := s.Add("acme", noon, entry(User, "a")); err == nil {
			t.Errorf("%s: the list is overwritten", name)
		}
	}
}

func TestForms(t *testing.T) {
	l := List{
		entry(IP, "203.0.113.7"), entry(IP, "203.0.113.0/24"), entry(IP, "2001:db8::/48"), entry(IP, "198.51.100.1"),
		entry(User, "Alice"), entry(User, "alice"), entry(User, `~a"b\c`), entry(User, "default"),
		entry(Referrer, "site.example"),
	}
	text := func(form func() ([]byte, error)) string {
		t.Helper()
		got, err := form()
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	if got, want := text(l.CIDR), "198.51.100.1/32\n203.0.113.0/24\n2001:db8::/48\n"; got != want {
		t.Errorf("networks are %q, want %q", got, want)
	}
	if got, want := text(l.NginxGeo), "198.51.100.1/32 1;\n203.0.113.0/24 1;\n2001:db8::/48 1;\n"; got != want {
		t.Errorf("networks of nginx are %q, want %q", got, want)
	}
	if got, want := string(l.NginxMap(User)), `"\\Alice" 1;`+"\n"+`"\\~a\"b\\c" 1;`+"\n"+`"\\default" 1;`+"\n"; got != want {
		t.Errorf("users of nginx are %s, want %s", got, want)
	}
	if got, want := string(l.NginxMap(Referrer)), `"\\site.example" 1;`+"\n"; got != want {
		t.Errorf("referrers of nginx are %s, want %s", got, want)
	}
	var read Published
	inJSON := func() ([]byte, error) { return l.JSON("acme") }
	if err := json.Unmarshal([]byte(text(inJSON)), &read); err != nil || read.Organization != "acme" || len(read.Entries) != len(l) || read.Entries[4] != l[4] {
		t.Errorf("JSON: %v, %v", read.Entries, err)
	}
	if got := text(func() ([]byte, error) { return List(nil).JSON("acme") }); got != `{"organization":"acme","entries":[]}`+"\n" {
		t.Errorf("an empty list is %s", got)
	}
	if got, err := List(nil).CIDR(); err != nil || !bytes.Equal(got, nil) {
		t.Errorf("an empty list is %q, %v", got, err)
	}
}
