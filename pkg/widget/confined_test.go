package widget

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// meets reports whether a fact is within fixed filters.
func (f Fixed) meets(of fact) bool {
	has := func(name, value string) bool { return len(f[name]) == 0 || slices.Contains(f[name], value) }
	missing := func(tag string) bool { return !slices.Contains(tagsOf[of.stream], tag) }
	return has(measure.LabelCountry, of.country) && has(measure.LabelStream, of.stream) && has(measure.LabelEvent, of.event) &&
		!slices.ContainsFunc(f[measure.DimensionTag], missing)
}

// TestConfinedIsAsAlone compares what is seen through fixed filters with an organisation that has nothing but what meets them, whatever
// is asked of both.
func TestConfinedIsAsAlone(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	facts := randomFacts(random, 2_000) // enough that each stream plays in each event
	url := vmtest.Start(t)
	vmtest.Import(t, url, lines("acme", facts))
	for stream, tags := range tagsOf {
		setTags(t, url, "acme", stream, tags)
	}
	all := []Fixed{
		{"stream": {"s1"}},
		{"stream": {"s1", "ſ.*3"}},
		{"stream": {".*"}},
		{"country": {"DE", "FR"}},
		{"country": {"XX"}},
		{"tag": {"a"}},
		{"tag": {"b", `"c"=~.*`}},
		{"tag": {"gone"}},
		{"event": {"e1"}},
		{"country": {"DE"}, "stream": {"s1", "s2"}, "tag": {"b"}},
		{"country": {"US", "ZZ"}, "tag": {"a"}, "event": {"e1", "e2"}},
	}
	from, to := day0.Add(-2*day), day0.Add(2*day)
	some := func(values ...string) []string {
		random.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		return values[:max(0, random.IntN(2*len(values))-len(values))]
	}
	for n, fixed := range all {
		if err := fixed.Check(); err != nil {
			t.Fatal(err)
		}
		organization := fmt.Sprintf("alone-%d", n)
		var inside []fact
		for _, f := range facts {
			// What is not stored by event is nothing that a filter on events lets through.
			if fixed.meets(f) {
				inside = append(inside, f)
			}
		}
		vmtest.Import(t, url, lines(organization, inside))
		for stream, tags := range tagsOf {
			if slices.ContainsFunc(inside, func(f fact) bool { return f.stream == stream }) {
				setTags(t, url, organization, stream, tags)
			}
		}
	}
	vmtest.Flush(t, url)
	for n, fixed := range all {
		organization := fmt.Sprintf("alone-%d", n)
		confined, alone := Confine(newClient(t, url, "acme"), fixed), newClient(t, url, organization)
		request := func(q Query) Request {
			return Request{Query: q, From: from, To: to, Now: day0.Add(3 * day), Level: tenant.Premium}
		}
		filters := func() Query {
			return Query{Country: some("DE", "FR", "US", "XX"), Tag: some("a", "b", `"c"=~.*`, "gone"), Stream: some("s1", "s2", "ſ.*3", "s.", ".*"),
				Event: some("e1", "e2", "e3")}
		}
		for _, d := range All() {
			q := filters()
			if slices.Contains(d.Options, OptionDimension) {
				chooseDimension(random, d, &q)
			}
			q.QueryType, q.Form = d.Type, pick(random, []string{FormTotal, FormSeries})
			q.Unit, q.Interval = pick(random, []string{UnitTraffic, UnitPlaytime}), pick(random, []string{"1h", "1d"})
			if len(d.Choices) > 0 {
				q.Metric = pick(random, d.Metrics())
			}
			if strings.HasPrefix(d.Type, "playsBy") {
				q.Metric = pick(random, []string{"plays", "playingTime"}) // by itself it is refused where it is left out else
			}
			want, err := Run(t.Context(), alone, request(q))
			if notStored(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := Run(t.Context(), confined, request(q))
			if len(fixed["event"]) > 0 && errors.Is(err, ErrForbidden) && strings.Contains(err.Error(), "traffic, which is not stored by event") {
				continue
			}
			if notStored(err) {
				continue
			}
			if err != nil {
				t.Fatalf("%s, %+v: %v", fixed, q, err)
			}
			if text(got) != text(want) {
				t.Errorf("%s, %+v: got\n%s\nwant\n%s\nasked\n%s", fixed, q, text(got), text(want), got[0].Meta.ExecutedQueryString)
			}
		}
		for label := range rankings {
			q := filters()
			got, err := Values(t.Context(), confined, label, request(q))
			if notStored(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			want, err := Values(t.Context(), alone, label, request(q))
			if notStored(err) {
				continue
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s, %s of %+v: got %q, want %q, %v", fixed, label, q, got, want, err)
			}
		}
		got, err := Values(t.Context(), confined, "tag", request(filters()))
		if err != nil {
			t.Fatal(err)
		}
		want, err := Values(t.Context(), alone, "tag", request(Query{}))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("tags within %s: got %q, want %q, %v", fixed, got, want, err)
		}
	}
}

// notStored reports whether what was asked is not stored by labels of players together with the other filters.
func notStored(err error) bool {
	return errors.Is(err, ErrBadQuery) && strings.Contains(err.Error(), "not by event: the filters and the breakdown ask for")
}

// TestConfinedLetsNothingElseThrough asks without the fixed filters, or with others.
func TestConfinedLetsNothingElseThrough(t *testing.T) {
	facts := []fact{
		{measure: measure.Traffic, at: clock("10:00"), country: "DE", stream: "s1", dimensions: []string{"playout", "hls"}, value: 1},
		{measure: measure.Traffic, at: clock("10:00"), country: "FR", stream: "s2", dimensions: []string{"playout", "hls"}, value: 10},
		{measure: measure.Traffic, at: clock("10:00"), country: "FR", stream: "ſ.*3", dimensions: []string{"playout", "hls"}, value: 100},
	}
	client := store(t, facts)
	m := measure.Get(measure.Traffic)
	metric := func(labels ...string) string {
		family, _ := m.FamilyWith(labels...)
		return m.Metric(family, measure.Minute)
	}
	whole, byStream, byCountry := metric(), metric(measure.LabelStream), metric(measure.LabelCountry)
	stream := func(names ...string) vm.Filters { return vm.Filters{{Label: measure.LabelStream, Values: names}} }
	tests := []struct {
		name    string
		fixed   Fixed
		metric  string
		filters vm.Filters
		want    int64 // 0 for no answer
	}{
		{"within", Fixed{"stream": {"s1"}}, byStream, stream("s1"), 1},
		{"no filter", Fixed{"stream": {"s1"}}, byStream, nil, 1},
		{"another stream", Fixed{"stream": {"s1"}}, byStream, stream("s2"), 0},
		{"another stream too", Fixed{"stream": {"s1"}}, byStream, stream("s2", "s1"), 1},
		{"an expression", Fixed{"stream": {"s1"}}, byStream, stream(".*"), 0},
		{"two expressions", Fixed{"stream": {"s1"}}, byStream, stream(".*", "s1|s2"), 0},
		{"a list of nothing", Fixed{"stream": {"s1"}}, byStream, stream(), 0},
		{"the whole organisation", Fixed{"stream": {"s1"}}, whole, nil, 0},
		{"the whole organisation, by a list of nothing", Fixed{"stream": {"s1"}}, whole, stream(), 0},
		{"another country", Fixed{"stream": {"s1"}}, byCountry, vm.Filters{{Label: measure.LabelCountry, Values: []string{"FR"}}}, 0},
		{"a selector that says more", Fixed{"stream": {"s1"}}, byStream + `{stream=~".*" or stream="s2"}`, nil, 1},
		{"a tag", Fixed{"tag": {"b"}}, byStream, nil, 101},
		{"two tags", Fixed{"tag": {"b", "a"}}, byStream, nil, 1},
		{"a tag and a stream", Fixed{"tag": {"b"}, "stream": {"s1", "s2"}}, byStream, nil, 1},
		{"a tag that no stream has", Fixed{"tag": {"gone"}}, byStream, nil, 0},
		{"the whole organisation, by a tag that no stream has", Fixed{"tag": {"gone"}}, whole, nil, 0},
		{"an event, which traffic does not have", Fixed{"event": {"e"}}, byStream, nil, 0},
		{"a country", Fixed{"country": {"FR"}}, byCountry, nil, 110},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			question := vm.Question{Query: "sum(sum_over_time(" + tt.metric + "[1h]))", Filters: tt.filters, Start: clock("11:00")}
			// The tags were set in this second, perhaps.
			confined := &Confined{asker: client, fixed: tt.fixed, now: func() time.Time { return time.Now().Add(time.Minute) }}
			answer, err := confined.Ask(t.Context(), question)
			if err != nil {
				t.Fatal(err)
			}
			got := int64(0)
			for _, s := range answer.Series {
				got += s.Points[0].Value
			}
			if got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
	t.Run("without the tags nothing is asked", func(t *testing.T) {
		away := Confine(newClient(t, "http://127.0.0.1:1", "acme"), Fixed{"tag": {"b"}})
		if _, err := away.Ask(t.Context(), vm.Question{Query: whole, Start: clock("11:00")}); err == nil || !strings.Contains(err.Error(), "read tags") {
			t.Errorf("got %v", err)
		}
		_, err := Run(t.Context(), away, Request{Query: Query{QueryType: "usageOverview"}, From: clock("10:00"), To: clock("11:00"), Now: clock("12:00")})
		if !errors.Is(err, ErrUpstream) {
			t.Errorf("got %v", err)
		}
	})
}

func TestConfinedNotices(t *testing.T) {
	client := store(t, handMade())
	tests := []struct {
		name  string
		fixed Fixed
		query Query
		want  string
	}{
		{"outside", Fixed{"stream": {"s1"}}, Query{QueryType: "usageOverview", Stream: []string{"s2"}}, "within the fixed filters"},
		{"a part of it", Fixed{"stream": {"s1"}}, Query{QueryType: "usageOverview", Stream: []string{"s1", "s2"}}, ""},
		{"tags first", Fixed{"stream": {"s1"}}, Query{QueryType: "usageOverview", Tag: []string{"gone"}}, "has all of the tags"},
		{"servers beside players", Fixed{"event": {"final"}}, Query{QueryType: "concurrentViewers"}, "It is left out"},
		{"players", Fixed{"event": {"final"}}, Query{QueryType: "usageOverview", Unit: UnitPlaytime}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, err := Run(t.Context(), Confine(client, tt.fixed), Request{Query: tt.query, From: clock("10:00"), To: clock("11:00"), Now: clock("12:00")})
			if err != nil {
				t.Fatal(err)
			}
			var notices []string
			for _, n := range frames[0].Meta.Notices {
				notices = append(notices, n.Text)
			}
			if got := strings.Join(notices, "|"); (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFixedCheck(t *testing.T) {
	tests := []struct {
		name  string
		fixed Fixed
		want  string
	}{
		{"none", nil, ""},
		{"all", Fixed{"country": {"DE", "ZZ"}, "stream": {`a"b`}, "tag": {"x"}, "event": {"e"}}, ""},
		{"an unknown one", Fixed{"streams": {"a"}}, `the fixed filter "streams" is unknown: it is country, stream, tag, event`},
		{"in capitals", Fixed{"Stream": {"a"}}, `"Stream" is unknown`},
		{"referrer", Fixed{"referrer": {"a"}}, `"referrer" is unknown`},
		{"an empty list", Fixed{"stream": {}}, "the fixed filter stream has no value"},
		{"null", Fixed{"tag": nil}, "the fixed filter tag has no value"},
		{"an empty value", Fixed{"stream": {"a", ""}}, "is empty or no text"},
		{"no text", Fixed{"stream": {"\xff"}}, "is empty or no text"},
		{"a country in small letters", Fixed{"country": {"de"}}, `the value "de"`},
		{"two countries in one", Fixed{"country": {"DE,FR"}}, `the value "DE,FR"`},
		{"too many", Fixed{"stream": slices.Repeat([]string{"a"}, 10_001)}, "has 10001 values"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.fixed.Check()
			if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if got := (Fixed{"tag": {"x"}, "country": {"DE", "FR"}}).String(); got != "country DE, FR; tag x" {
		t.Errorf("in words %q", got)
	}
}
