package tag_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/tag"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

func TestNormalize(t *testing.T) {
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	tests := []struct {
		name string
		tags []string
		want []string // nil for ErrInvalid
	}{
		{"none", nil, []string{}},
		{"ordered, without repetitions", []string{"b", "a", "b", "A"}, []string{"A", "a", "b"}},
		{"any text", []string{`key1:value "1"`, "Köln", "{a}=~.*"}, []string{"Köln", `key1:value "1"`, "{a}=~.*"}},
		{"64 bytes", []string{strings.Repeat("x", 64)}, []string{strings.Repeat("x", 64)}},
		{"65 bytes", []string{strings.Repeat("x", 65)}, nil},
		{"empty", []string{""}, nil},
		{"comma", []string{"a,b"}, nil},
		{"control character", []string{"a\nb"}, nil},
		{"no UTF-8", []string{"\xff"}, nil},
		{"too many", many, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			slices.Sort(test.want)
			got, err := tag.Normalize(test.tags)
			if test.want == nil != errors.Is(err, tag.ErrInvalid) {
				t.Fatalf("error %v", err)
			}
			if err == nil && !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// database is a real VictoriaMetrics with its clients.
type database struct {
	url string
}

func (d database) client(organization string) (*vm.Client, error) {
	transport, err := tenant.NewTransport(d.url, organization, http.DefaultTransport)
	if err != nil {
		return nil, err
	}
	return vm.NewClient(d.url, &http.Client{Transport: transport})
}

// shows makes VictoriaMetrics show at once what was written.
func (d database) shows(t *testing.T) {
	t.Helper()
	response, err := http.Get(d.url + "/internal/force_flush") //nolint:noctx // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func (d database) store(clock func() time.Time) *tag.Store {
	return tag.NewStore(func() string { return d.url }, http.DefaultClient, d.client, func([]byte) error { return nil }, clock)
}

func TestStore(t *testing.T) {
	d := database{vmtest.Start(t)}
	ctx := t.Context()
	now := time.Now()
	clock := func() time.Time { return now }
	store := d.store(clock)
	set := func(s *tag.Store, organization, stream string, tags ...string) {
		t.Helper()
		if _, err := s.Set(ctx, organization, stream, tags); err != nil {
			t.Fatal(err)
		}
	}
	check := func(organization string, tags []string, want ...string) {
		t.Helper()
		d.shows(t)
		client, err := d.client(organization)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tag.Streams(ctx, client, tags, now.Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("streams of %s with all of %q are %q, want %q", organization, tags, got, want)
		}
	}

	odd := `a"b\{}.*=~|Ω`
	set(store, "acme", "one", "sport", "live", odd)
	set(store, "acme", "two", "sport")
	set(store, "acme", odd, "live", "sport")
	set(store, "other", "one", "sport", "secret")
	check("acme", []string{"sport"}, odd, "one", "two")
	check("acme", []string{"sport", "live"}, odd, "one")
	check("acme", []string{"sport", "live", odd, odd}, "one")
	check("acme", []string{"sport|live"})
	check("acme", []string{".*"})
	check("acme", []string{"secret"})
	check("other", []string{"secret"}, "one")

	// Changes in the same millisecond hold in their order.
	set(store, "acme", "one", "live")
	set(store, "acme", "one")
	set(store, "acme", "one", "sport")
	check("acme", []string{"live"}, odd)
	check("acme", []string{"sport"}, odd, "one", "two")

	// Another collector sees what this one set, and takes it away.
	now = now.Add(2 * time.Minute)
	another := d.store(clock)
	if got, err := another.Get(ctx, "acme", "two"); err != nil || !slices.Equal(got, []string{"sport"}) {
		t.Errorf("another collector gets %q, %v", got, err)
	}
	set(another, "acme", "two")
	check("acme", []string{"sport"}, odd, "one")
	if got, err := store.Get(ctx, "acme", "two"); err != nil || len(got) != 0 {
		t.Errorf("the first collector gets %q, %v, want none", got, err)
	}
	if got, err := store.Get(ctx, "acme", "unknown"); err != nil || len(got) != 0 {
		t.Errorf("the tags of an unknown stream are %q, %v, want none", got, err)
	}
}

func TestStoreSeesItsOwnChangesAtOnce(t *testing.T) {
	d := database{vmtest.Start(t)}
	store := d.store(time.Now)
	for _, tags := range [][]string{{"a"}, {"b", "c"}, {}} {
		if _, err := store.Set(t.Context(), "acme", "s", tags); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Get(t.Context(), "acme", "s"); err != nil || !slices.Equal(got, tags) {
			t.Errorf("after setting %q it gets %q, %v", tags, got, err)
		}
	}
}

func TestRenewKeepsOldTags(t *testing.T) {
	d := database{vmtest.Start(t)}
	ctx := context.Background()
	now := time.Now().Add(-100 * 24 * time.Hour)
	clock := func() time.Time { return now }
	store := d.store(clock)
	for stream, tags := range map[string][]string{"kept": {"old", "older"}, "cleared": {"old"}} {
		if _, err := store.Set(ctx, "acme", stream, tags); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.Set(ctx, "acme", "cleared", nil); err != nil {
		t.Fatal(err)
	}
	now = time.Now()
	d.shows(t)
	for range 2 {
		if err := store.Renew(ctx, "acme"); err != nil {
			t.Fatal(err)
		}
		d.shows(t)
	}
	client, err := d.client("acme")
	if err != nil {
		t.Fatal(err)
	}
	series, err := client.Query(ctx, "sum(count_over_time(streamlens_stream_tag[2d])) by (stream)", now, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(series) != 1 || series[0].Label("stream") != "kept" || series[0].Points[0].Value != 2 {
		t.Errorf("renewed %+v, want the two tags of stream kept, once", series)
	}
	if got, err := tag.Of(ctx, client, "kept", now); err != nil || !slices.Equal(got, []string{"old", "older"}) {
		t.Errorf("the tags are %q, %v", got, err)
	}
}
