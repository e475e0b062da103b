package vm_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

func newClient(t *testing.T, url, organization string) *vm.Client {
	t.Helper()
	transport, err := tenant.NewTransport(url, organization, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	client, err := vm.NewClient(url, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestCanary(t *testing.T) {
	tests := []struct {
		name  string
		flags []string
		want  error
	}{
		{"as it must be", []string{"-dedup.minScrapeInterval=1ms"}, nil},
		{"no deduplication", nil, vm.ErrDeduplication},
		{"of 2 ms", []string{"-dedup.minScrapeInterval=2ms"}, vm.ErrDeduplication},
		{"of a second", []string{"-dedup.minScrapeInterval=1s"}, vm.ErrDeduplication},
		{"of a minute", []string{"-dedup.minScrapeInterval=60s"}, vm.ErrDeduplication},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := vmtest.StartWith(t, append(tt.flags, "-retentionPeriod=400d")...)
			now := time.Now()
			client := newClient(t, url, "acme")
			if err := vm.CheckCanary(t.Context(), client, now); !errors.Is(err, vm.ErrUnknownOrganization) {
				t.Fatalf("before: %v", err)
			}
			// Two collectors, one of which started an hour ago and again within the same minute.
			for _, c := range []struct {
				collector string
				ago       time.Duration
				settings  vm.Settings
			}{
				{"a", time.Hour, vm.Settings{Level: 1}}, {"a", 0, vm.Settings{Level: 1}},
				{"a", -time.Second, vm.Settings{Level: 1, Addresses: true}}, {"b", time.Minute, vm.Settings{Addresses: true}},
			} {
				if err := vm.WriteCanary(t.Context(), http.DefaultClient, url, "acme", c.collector, c.settings, now.Add(-c.ago)); err != nil {
					t.Fatal(err)
				}
			}
			vmtest.Flush(t, url)
			now = now.Add(2 * time.Second)
			if err := vm.CheckCanary(t.Context(), client, now); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err := vm.CheckCanary(t.Context(), newClient(t, url, "other"), now); !errors.Is(err, vm.ErrUnknownOrganization) {
				t.Errorf("another organisation: %v", err)
			}
			level, known, err := vm.ReadLevel(t.Context(), client, now)
			if level != 0 || !known || err != nil {
				t.Errorf("level %d, %t, %v; the lowest of both collectors is 0", level, known, err)
			}
			if stored, err := vm.ReadAddresses(t.Context(), client, now); !stored || err != nil {
				t.Errorf("addresses are stored: %t, %v; both collectors said so last", stored, err)
			}
			off := vm.Settings{Level: 1}
			if err := vm.WriteCanary(t.Context(), http.DefaultClient, url, "acme", "b", off, now.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			vmtest.Flush(t, url)
			now = now.Add(2 * time.Minute)
			if stored, err := vm.ReadAddresses(t.Context(), client, now); stored || err != nil {
				t.Errorf("addresses are stored: %t, %v; one collector does not", stored, err)
			}
			if stored, err := vm.ReadAddresses(t.Context(), newClient(t, url, "other"), now); !stored || err != nil {
				t.Errorf("addresses of an organisation that no collector knows are hidden: %t, %v", stored, err)
			}
		})
	}
}

func TestCheckFlagsOfARealServer(t *testing.T) {
	for _, tt := range []struct {
		flag, want string
	}{
		{"-retentionPeriod=400d", ""},
		{"-retentionPeriod=13", ""},
		{"-retentionPeriod=2y", ""},
		{"-retentionPeriod=12", "-retentionPeriod=12;"},
		{"-retentionPeriod=399d", "-retentionPeriod=399d;"},
		{"-retentionPeriod=50w", "-retentionPeriod=50w;"},
	} {
		t.Run(tt.flag, func(t *testing.T) {
			url := vmtest.StartWith(t, tt.flag, "-dedup.minScrapeInterval=1ms")
			checkFlags(t, url, tt.want)
		})
	}
	t.Run("no deduplication", func(t *testing.T) {
		checkFlags(t, vmtest.StartWith(t, "-retentionPeriod=2y"), "-dedup.minScrapeInterval=1ms")
	})
	t.Run("the retention of one month that is the default", func(t *testing.T) {
		checkFlags(t, vmtest.StartWith(t, "-dedup.minScrapeInterval=1ms"), "-retentionPeriod=1M;")
	})
}

func checkFlags(t *testing.T, url, want string) {
	t.Helper()
	_, err := vm.CheckFlags(t.Context(), http.DefaultClient, url)
	if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// The server stands in for vmselect: a page of flags at the root and none below the tenant's path.
func TestCheckFlagsOfACluster(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := w.Write([]byte("flag{name=\"dedup.minScrapeInterval\", value=\"30s\", is_set=\"true\"} 1\n")); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, path := range []string{"/select/0/prometheus", "/select/7:3/prometheus/"} {
		checkFlags(t, server.URL+path, "-dedup.minScrapeInterval=1ms")
	}
	checkFlags(t, server.URL+"/proxy", "")
}

func TestCheckFlagsWithoutPage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"not found", http.StatusNotFound, "", ""},
		{"protected", http.StatusUnauthorized, "", ""},
		{"other flags", http.StatusOK, "flag{name=\"httpListenAddr\", value=\":8481\", is_set=\"true\"} 1\n", ""},
		{"downsampling", http.StatusOK, "flag{name=\"downsampling.period\", value=\"30d:5m\", is_set=\"true\"} 1\n", "-downsampling.period=30d:5m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				if _, err := w.Write([]byte(tt.body)); err != nil {
					t.Error(err)
				}
			}))
			defer server.Close()
			checkFlags(t, server.URL, tt.want)
		})
	}
}
