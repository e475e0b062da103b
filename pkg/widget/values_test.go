package widget

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

const hostileName = `a"b\{}.*=~|,Ω"} or {org="other`

func TestValues(t *testing.T) {
	traffic := func(at, country, stream string, bytes int64) fact {
		return fact{measure: measure.Traffic, at: clock(at), country: country, stream: stream, dimensions: []string{"playout", "hls"}, value: bytes}
	}
	ingest := traffic("10:05", "AT", "in", 4_000)
	ingest.dimensions = []string{"ingest", "rtmp"}
	session := func(id measure.ID, at, country, stream, event string, value int64, dimensions ...string) fact {
		return fact{measure: id, at: clock(at), country: country, stream: stream, event: event, value: value, dimensions: dimensions}
	}
	url := vmtest.Start(t)
	vmtest.Import(t, url, lines("acme", []fact{
		traffic("09:30", "US", "early", 1_000_000),
		traffic("10:00", "DE", "big", 5_000), traffic("11:30", "FR", "big", 3_000), traffic("11:30", "FR", hostileName, 2_000),
		traffic("12:00", "JP", "late", 1_000_000),
		ingest,
		session(measure.Playing, "10:10", "CH", "long", "final", 90_000, "playout", "h5live"),
		session(measure.Playing, "10:10", "BR", "short", "semi", 10_000, "playout", "h5live"),
		session(measure.Playing, "10:10", "DE", "long", "final", 10_000, "playout", "h5live"),
		session(measure.Loads, "10:10", "ZZ", "failed", "broken", 9),
		session(measure.Plays, "10:10", "CH", "long", "final", 1), session(measure.Plays, "10:10", "BR", "short", "semi", 2),
		session(measure.Publishes, "10:10", "CH", "long", "rehearsal", 9),
		{measure: measure.TrafficByReferrer, at: clock("10:10"), country: "DE", stream: "big", value: 10, dimensions: []string{"a.example"}},
		{measure: measure.TrafficByReferrer, at: clock("11:10"), country: "FR", stream: "big", value: 20, dimensions: []string{"b.example"}},
		session(measure.PlayingByReferrer, "11:10", "CH", "long", "final", 5_000, "(none)"),
	}))
	vmtest.Import(t, url, lines("other", []fact{
		traffic("10:30", "XX", "foreign", 9_000_000), traffic("10:30", "DE", "big", 1),
		session(measure.Plays, "10:30", "XX", "foreign", "secret", 100),
	}))
	var tags strings.Builder
	for _, of := range [][3]string{
		{"acme", "big", "sport"}, {"acme", "big", "live"}, {"acme", "long", "sport"}, {"acme", "late", "Öl"}, {"other", "foreign", "hidden"},
	} {
		fmt.Fprintf(&tags, "%s{org=%q,stream=%q,tag=%q} 1 %d\n", measure.StreamTagMetric, of[0], of[1], of[2], clock("09:00").UnixMilli())
	}
	vmtest.Import(t, url, tags.String())
	client := newClient(t, url, "acme")

	tests := []struct {
		name, label string
		query       Query
		want        []string
	}{
		{"units", "unit", Query{}, []string{"traffic", "playtime"}},
		{"units where only players report", "unit", Query{Country: []string{"CH"}}, []string{"playtime", "traffic"}},
		{"units where nothing reports", "unit", Query{Country: []string{"AQ"}}, []string{"traffic", "playtime"}},
		{"countries by traffic, then playtime, then loads", "country", Query{}, []string{"DE", "FR", "AT", "CH", "BR", "ZZ"}},
		{"streams", "stream", Query{}, []string{"big", "in", hostileName, "long", "short", "failed"}},
		{"events by plays, then publishes", "event", Query{}, []string{"semi", "final", "rehearsal", "broken"}},
		{"referrers by traffic, then playtime", "referrer", Query{}, []string{"b.example", "a.example", "(none)"}},
		{"tags by name, whatever the range", "tag", Query{}, []string{"live", "sport", "Öl"}},
		{"streams of a country", "stream", Query{Country: []string{"FR"}}, []string{"big", hostileName}},
		{"countries of a hostile stream", "country", Query{Stream: []string{hostileName}}, []string{"FR"}},
		{"countries of an event, which traffic does not know", "country", Query{Event: []string{"final"}}, []string{"CH", "DE"}},
		{"streams with a tag", "stream", Query{Tag: []string{"sport"}}, []string{"big", "long"}},
		{"streams with two tags", "stream", Query{Tag: []string{"sport", "live"}}, []string{"big"}},
		{"streams with a tag of another organisation", "stream", Query{Tag: []string{"hidden"}}, []string{}},
		{"streams of two filters that exclude each other", "stream", Query{Tag: []string{"live"}, Stream: []string{"long"}}, []string{}},
		{"referrers of a country", "referrer", Query{Country: []string{"DE"}}, []string{"a.example"}},
		{"names that as expressions would match", "country", Query{Stream: []string{".*", `x"} or {org="other`}}, []string{}},
		{"a stream of another organisation", "country", Query{Stream: []string{"foreign"}}, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Values(t.Context(), client, tt.label, Request{Query: tt.query, From: clock("10:00"), To: clock("12:00"), Now: clock("13:00")})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestValuesAreLimited(t *testing.T) {
	var facts []fact
	for i := range int64(1_005) {
		facts = append(facts, fact{measure: measure.Traffic, at: clock("10:00"), country: "DE", stream: fmt.Sprintf("s%04d", i),
			dimensions: []string{"playout", "hls"}, value: 1 + i/2})
	}
	got, err := Values(t.Context(), store(t, facts), "stream", Request{From: clock("10:00"), To: clock("11:00"), Now: clock("12:00")})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1000 || got[0] != "s1004" || got[1] != "s1002" || got[2] != "s1003" || !slices.Contains(got, "s0004") || slices.Contains(got, "s0005") {
		t.Errorf("got %d: %q … %q", len(got), got[:3], got[len(got)-3:])
	}
}

func TestValuesRefused(t *testing.T) {
	tests := []struct {
		name, label string
		query       Query
		from, to    string
		want        string
	}{
		{"unknown label", "org", Query{}, "10:00", "11:00", `the label "org" is unknown`},
		{"no label", "", Query{}, "10:00", "11:00", "is unknown: it is country, stream, tag, event, referrer, version"},
		{"label and more", `country) (vm_app_version`, Query{}, "10:00", "11:00", "is unknown"},
		{"IP addresses", "ip", Query{}, "10:00", "11:00", "is unknown"},
		{"empty range", "tag", Query{}, "11:00", "11:00", "the range must end after it begins"},
		{"empty value", "country", Query{Stream: []string{""}}, "10:00", "11:00", "the stream filter has an empty value"},
		{"referrer beside others", "country", Query{Referrer: []string{"x"}}, "10:00", "11:00", "the referrer filter is not available"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Values(t.Context(), newClient(t, "http://127.0.0.1:1", "acme"), tt.label,
				Request{Query: tt.query, From: clock(tt.from), To: clock(tt.to), Now: clock("12:00")})
			if !errors.Is(err, ErrBadQuery) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	for _, label := range append(slices.Sorted(maps.Keys(rankings)), "tag") {
		_, err := Values(t.Context(), newClient(t, "http://127.0.0.1:1", "acme"), label, Request{From: clock("10:00"), To: clock("11:00"), Now: clock("12:00")})
		if !errors.Is(err, ErrUpstream) {
			t.Errorf("%s without VictoriaMetrics: %v", label, err)
		}
	}
}
