package enrich

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/enrich/enrichtest"
	"github.com/streamlens/streamlens/pkg/measure"
)

// writeDatabase writes a database and returns its path.
func writeDatabase(t testing.TB, schema enrichtest.Schema, networks ...enrichtest.Network) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.mmdb")
	if err := enrichtest.Write(path, schema, networks); err != nil {
		t.Fatal(err)
	}
	return path
}

func openCountries(t testing.TB, path string) *Countries {
	t.Helper()
	c, err := OpenCountries(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCountry(t *testing.T) {
	networks := []enrichtest.Network{
		{Prefix: "81.2.69.0/24", Country: "GB", Registered: "US"},
		{Prefix: "2001:db8:1::/48", Country: "DE"},
		{Prefix: "10.0.0.0/8", Country: "FR"},
		{Prefix: "5.0.0.0/24", Registered: "SE"},
		{Prefix: "6.0.0.0/24"},
		{Prefix: "7.0.0.0/24", Country: "Atlantis", Registered: "PT"},
		{Prefix: "8.0.0.0/24", Country: "A1"},
	}
	tests := []struct{ address, want, wantFlat string }{
		{"81.2.69.142", "GB", "GB"},
		{"::ffff:81.2.69.142", "GB", "GB"},
		{"2001:db8:1:2::1", "DE", "DE"},
		{"10.1.2.3", "FR", "FR"},
		{"5.0.0.1", "SE", "ZZ"},
		{"6.0.0.1", "ZZ", "ZZ"},
		{"7.0.0.1", "PT", "ZZ"},
		{"8.0.0.1", "ZZ", "ZZ"},
		{"81.2.70.1", "ZZ", "ZZ"},
		{"2001:db8:2::1", "ZZ", "ZZ"},
		{"127.0.0.1", "ZZ", "ZZ"},
		{"::1", "ZZ", "ZZ"},
	}
	for _, schema := range []enrichtest.Schema{enrichtest.MaxMindCountry, enrichtest.MaxMindCity, enrichtest.DBIP, enrichtest.Flat} {
		t.Run(string(schema), func(t *testing.T) {
			c := openCountries(t, writeDatabase(t, schema, networks...))
			for _, test := range tests {
				want := test.want
				if schema == enrichtest.Flat {
					want = test.wantFlat
				}
				if got := c.Country(netip.MustParseAddr(test.address)); got != want {
					t.Errorf("Country(%s) = %q, want %q", test.address, got, want)
				}
			}
			if got := c.Country(netip.Addr{}); got != measure.UnknownCountry {
				t.Errorf("no address: %q, want %q", got, measure.UnknownCountry)
			}
		})
	}
}

func TestCountryOfIPv4Database(t *testing.T) {
	c := openCountries(t, writeDatabase(t, enrichtest.FlatIPv4, enrichtest.Network{Prefix: "81.2.69.0/24", Country: "GB"}))
	for address, want := range map[string]string{"81.2.69.142": "GB", "::ffff:81.2.69.142": "GB", "2001:db8::1": "ZZ"} {
		if got := c.Country(netip.MustParseAddr(address)); got != want {
			t.Errorf("Country(%s) = %q, want %q", address, got, want)
		}
	}
}

func TestCountryWithoutDatabase(t *testing.T) {
	c := openCountries(t, "")
	if got := c.Country(netip.MustParseAddr("81.2.69.142")); got != measure.UnknownCountry {
		t.Errorf("got %q, want %q", got, measure.UnknownCountry)
	}
}

func TestOpenCountriesRefuses(t *testing.T) {
	directory := t.TempDir()
	garbage := filepath.Join(directory, "garbage.mmdb")
	if err := os.WriteFile(garbage, []byte("<html>404</html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(writeDatabase(t, enrichtest.MaxMindCountry, enrichtest.Network{Prefix: "81.2.69.0/24", Country: "GB"}))
	if err != nil {
		t.Fatal(err)
	}
	truncated := filepath.Join(directory, "truncated.mmdb")
	if err := os.WriteFile(truncated, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(directory, "damaged.mmdb")
	if err := os.WriteFile(damaged, append(bytes.Repeat([]byte{0xff}, 300), whole[300:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ path, want string }{
		"missing file":          {filepath.Join(directory, "missing.mmdb"), "no such file"},
		"directory":             {directory, "not a regular file"},
		"garbage":               {garbage, "garbage.mmdb"},
		"first half":            {truncated, "truncated.mmdb"},
		"damaged search tree":   {damaged, "damaged.mmdb"},
		"database of no places": {writeDatabase(t, enrichtest.NoCountry, enrichtest.Network{Prefix: "1.0.0.0/8"}), `"GeoLite2-ASN": no countries in it`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := OpenCountries(test.path, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// logBuffer is a log that a test reads while it is written.
type logBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

func TestCountriesWatch(t *testing.T) {
	address := netip.MustParseAddr("81.2.69.142")
	path := writeDatabase(t, enrichtest.MaxMindCountry, enrichtest.Network{Prefix: "81.2.69.0/24", Country: "GB"})
	var log logBuffer
	c, err := OpenCountries(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.Watch(ctx, 5*time.Millisecond) })
	for range 4 { // look-ups must never meet a database that is gone
		running.Go(func() {
			for ctx.Err() == nil {
				if got := c.Country(address); got != "GB" && got != "DE" {
					t.Errorf("Country = %q during a change", got)
					return
				}
			}
		})
	}
	defer running.Wait()
	defer cancel()
	eventually := func(what string, condition func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s did not happen; log: %s", what, log.String())
			}
		}
	}

	if err := os.WriteFile(path, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually("refusal of a broken file", func() bool { return strings.Contains(log.String(), "refused") })
	if got := c.Country(address); got != "GB" {
		t.Errorf("after a broken file: %q, want the old GB", got)
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually("report of a missing file", func() bool { return strings.Contains(log.String(), "cannot be read") })
	if got := c.Country(address); got != "GB" {
		t.Errorf("after the file was removed: %q, want the old GB", got)
	}

	if err := enrichtest.Write(path, enrichtest.Flat, []enrichtest.Network{{Prefix: "81.2.69.0/24", Country: "DE"}}); err != nil {
		t.Fatal(err)
	}
	eventually("change to the new file", func() bool { return c.Country(address) == "DE" })
	if n := strings.Count(log.String(), "refused"); n != 1 {
		t.Errorf("the broken file was refused %d times in the log, want once", n)
	}
}

func TestCountriesReplace(t *testing.T) {
	address := netip.MustParseAddr("81.2.69.142")
	c := openCountries(t, "")
	british := writeDatabase(t, enrichtest.MaxMindCountry, enrichtest.Network{Prefix: "81.2.69.0/24", Country: "GB"})
	german := writeDatabase(t, enrichtest.Flat, enrichtest.Network{Prefix: "81.2.69.0/24", Country: "DE"})
	for _, test := range []struct {
		name, path, want string
		refused          bool
	}{
		{"none to one", british, "GB", false},
		{"another", german, "DE", false},
		{"one that is not there", german + ".new", "DE", true},
		{"one to none", "", measure.UnknownCountry, false},
	} {
		if err := c.Replace(test.path); (err != nil) != test.refused {
			t.Errorf("%s: error %v", test.name, err)
		}
		if got := c.Country(address); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestCountryDoesNotAllocate(t *testing.T) {
	c := openCountries(t, writeDatabase(t, enrichtest.MaxMindCity, enrichtest.Network{Prefix: "81.2.69.0/24", Country: "GB"}))
	address := netip.MustParseAddr("81.2.69.142")
	if n := testing.AllocsPerRun(1000, func() { c.Country(address) }); n != 0 {
		t.Errorf("%v allocations per look-up, want 0", n)
	}
}

func BenchmarkCountry(b *testing.B) {
	var networks []enrichtest.Network
	for i := range 60_000 {
		networks = append(networks, enrichtest.Network{
			Prefix:  fmt.Sprintf("%d.%d.%d.0/24", 1+i%200, i/200%250, i*7%250),
			Country: string([]byte{'A' + byte(i%26), 'A' + byte(i/26%26)}),
		})
	}
	for _, schema := range []enrichtest.Schema{enrichtest.MaxMindCountry, enrichtest.MaxMindCity, enrichtest.Flat} {
		b.Run(string(schema), func(b *testing.B) {
			c := openCountries(b, writeDatabase(b, schema, networks...))
			addresses := make([]netip.Addr, 1024)
			for i := range addresses {
				prefix := netip.MustParsePrefix(networks[i*53%len(networks)].Prefix)
				addresses[i] = prefix.Addr().Next()
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c.Country(addresses[i%len(addresses)])
			}
		})
	}
}
