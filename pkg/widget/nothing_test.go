package widget

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// inPlaceOf returns the words that a frame has in place of its numbers, and those in place of each number that it lacks.
func inPlaceOf(t *testing.T, frame *data.Frame) (all, each string) {
	t.Helper()
	if custom, ok := frame.Meta.Custom.(map[string]any); ok {
		all, _ = custom[CustomNothing].(string)
	}
	for _, field := range frame.Fields {
		if field.Type() == data.FieldTypeNullableFloat64 {
			each = field.Config.NoValue
		}
	}
	return all, each
}

func noticesOf(frame *data.Frame) string {
	var texts []string
	for _, n := range frame.Meta.Notices {
		texts = append(texts, n.Text)
	}
	return strings.Join(texts, " ")
}

// TestWordsForNothing asks an organisation of which players have reported, and neither publishers nor servers.
func TestWordsForNothing(t *testing.T) {
	plain := func(id measure.ID, at string, value int64, dimensions ...string) fact {
		return fact{measure: id, at: clock(at), country: "DE", stream: "s1", dimensions: dimensions, value: value}
	}
	client := store(t, []fact{
		plain(measure.Loads, "10:05", 3), plain(measure.Plays, "10:05", 2), plain(measure.Viewing, "10:05", 60_000),
		plain(measure.Playing, "10:05", 60_000, "playout", "hls"), plain(measure.PlaysByOS, "10:05", 2, "iOS", "mobile"),
		plain(measure.StartTime, "10:05", 900),
	})
	tests := []struct {
		name     string
		query    Query
		from, to string
		all      string // in place of all numbers
		each     string
		notice   string // what the notices hold
	}{
		{"something", Query{QueryType: "playsByOS"}, "10:00", "11:00", "", "", ""},
		{"no rows", Query{QueryType: "playsByOS"}, "11:00", "12:00", "None in this time range", "None in this time range", "There is none in this time range."},
		{"no ratio", Query{QueryType: "bufferingRatio"}, "11:00", "12:00", "None in this time range", "None in this time range", ""},
		{"no ratio in any interval", Query{QueryType: "bufferingRatio", Form: FormSeries}, "11:00", "12:00", "None in this time range", "None in this time range", ""},
		{"a sum of nothing is 0", Query{QueryType: "usageOverview", Unit: UnitPlaytime}, "11:00", "12:00", "", "None in this time range", "There is none"},
		{"errors, of which there were never any", Query{QueryType: "statusCodes"}, "10:00", "11:00", "None in this time range", "None in this time range", ""},
		{"another country", Query{QueryType: "playsByOS", Country: []string{"FR"}}, "10:00", "11:00", "Nothing matches the filters", "Nothing matches the filters", "nothing that matches the filters"},
		{"another country in a time of nothing", Query{QueryType: "playsByOS", Country: []string{"FR"}}, "11:00", "12:00", "None in this time range", "None in this time range", ""},
		{"an unknown tag", Query{QueryType: "playsByOS", Tag: []string{"unknown"}}, "10:00", "11:00", "No stream has all of the tags", "No stream has all of the tags", "No stream of those asked for has all of the tags."},
		{"no server", Query{QueryType: "usageOverview"}, "10:00", "11:00", "No server reports yet", "No server reports yet", "Players do report: choose the unit playtime."},
		{"no server, by stream", Query{QueryType: "usageByStream"}, "10:00", "11:00", "No server reports yet", "No server reports yet", "docs/sources/README.md"},
		{"viewers that only servers see", Query{QueryType: "concurrentViewers", Metric: "serverViewers"}, "10:00", "11:00", "No server reports yet", "No server reports yet", ""},
		{"viewers beside them", Query{QueryType: "concurrentViewers"}, "10:00", "11:00", "", "", ""},
		{"no webcaster", Query{QueryType: "videoBitrate"}, "10:00", "11:00", "No publisher reports yet", "No publisher reports yet", "Webcasters report when they have the beacon"},
		{"players without latency", Query{QueryType: "latency"}, "10:00", "11:00", "Nobody reports this", "Nobody reports this", "not every player"},
		{"a metric of the map", Query{QueryType: "worldMap", Metric: "latency"}, "10:00", "11:00", "", "Nobody reports this", "not every player"},
		{"the last two months", Query{QueryType: "monthToDate"}, "10:00", "11:00", "No server reports yet", "No server reports yet", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request := Request{Query: test.query, From: clock(test.from), To: clock(test.to), Now: clock("12:00"), Level: tenant.Premium}
			frames, err := Run(t.Context(), client, request)
			if err != nil {
				t.Fatal(err)
			}
			all, each := inPlaceOf(t, frames[0])
			if all != test.all || each != test.each {
				t.Errorf("in place of all numbers %q, of each %q, want %q and %q", all, each, test.all, test.each)
			}
			if got := noticesOf(frames[0]); !strings.Contains(got, test.notice) || (test.each == "") != (got == "") {
				t.Errorf("notices: %q, want %q", got, test.notice)
			}
			if len(all) > len("Nothing within the fixed filters") {
				t.Errorf("%q is too long for a small tile", all)
			}

			request.Alert = true
			if frames, err = Run(t.Context(), client, request); err != nil {
				t.Fatal(err)
			}
			if all, each := inPlaceOf(t, frames[0]); test.query.Tag == nil && all+each != "" {
				t.Errorf("an alert rule gets the words %q and %q", all, each)
			}
		})
	}
	t.Run("within fixed filters", func(t *testing.T) {
		confined := Confine(client, Fixed{"stream": {"s1"}})
		frames, err := Run(t.Context(), confined, Request{Query: Query{QueryType: "playsByOS", Country: []string{"FR"}},
			From: clock("10:00"), To: clock("11:00"), Now: clock("12:00"), Level: tenant.Premium})
		if err != nil {
			t.Fatal(err)
		}
		if all, _ := inPlaceOf(t, frames[0]); all != "Nothing matches the filters" {
			t.Errorf("got %q", all)
		}
		confined = Confine(client, Fixed{"stream": {"s2"}})
		if frames, err = Run(t.Context(), confined, Request{Query: Query{QueryType: "playsByOS"},
			From: clock("10:00"), To: clock("11:00"), Now: clock("12:00"), Level: tenant.Premium}); err != nil {
			t.Fatal(err)
		}
		if all, _ := inPlaceOf(t, frames[0]); all != "No player reports yet" {
			t.Errorf("of a stream that nobody has played: %q", all)
		}
	})
}

func TestWordsForTheFutureAndForNobody(t *testing.T) {
	empty := newClient(t, vmtest.Start(t), "acme")
	tests := []struct {
		query Query
		from  time.Duration
		want  string
	}{
		{Query{QueryType: "usageOverview"}, time.Hour, "This time is in the future"},
		{Query{QueryType: "concurrentViewers"}, time.Hour, "This time is in the future"},
		{Query{QueryType: "bufferingRatio", Form: FormSeries}, time.Hour, "This time is in the future"},
		{Query{QueryType: "concurrentViewers"}, -30 * time.Second, "No minute is complete yet"},
		{Query{QueryType: "concurrentViewers"}, -time.Hour, "Nothing reports yet"},
		{Query{QueryType: "playsByOS"}, -time.Hour, "No player reports yet"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s %s", test.query.QueryType, test.from), func(t *testing.T) {
			now := time.Now()
			frames, err := Run(t.Context(), empty, Request{Query: test.query, From: now.Add(test.from), To: now.Add(2 * time.Hour), Now: now, Level: tenant.Premium})
			if err != nil {
				t.Fatal(err)
			}
			if all, _ := inPlaceOf(t, frames[0]); all != test.want {
				t.Errorf("got %q, want %q; notices %q", all, test.want, noticesOf(frames[0]))
			}
		})
	}
}

func TestShortOf(t *testing.T) {
	request := Request{Query: Query{QueryType: "bufferingRatio"}, From: noon.Add(-time.Hour), To: noon, Now: noon, Level: tenant.Premium}
	after := func(change func(*Request), upstream error) error {
		r := request
		change(&r)
		_, err := Run(t.Context(), answers{err: upstream}, r)
		return err
	}
	same := func(*Request) {}
	tests := []struct {
		err  error
		want string
	}{
		{after(func(r *Request) { r.Level = tenant.Default }, nil), "Needs the level premium"},
		{after(func(r *Request) { r.Form = "x" }, nil), "The query is not possible"},
		{after(same, fmt.Errorf("%w: too long", vm.ErrLimit)), "The query is not possible"},
		{after(same, &vm.UnreachableError{Err: errors.New("refused")}), "The database does not answer"},
		{after(same, &vm.UnreachableError{Err: context.DeadlineExceeded}), "The database is too slow"},
		{after(same, vm.ErrNotVictoriaMetrics), "The database refuses"},
	}
	var seen []string
	for _, test := range tests {
		if got := ShortOf(test.err); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
		if !slices.Contains(seen, test.want) {
			seen = append(seen, test.want)
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d different words", len(seen))
	}
}

// TestWordsAreSent looks at what a client gets.
func TestWordsAreSent(t *testing.T) {
	frames, err := Run(t.Context(), answers{}, Request{Query: Query{QueryType: "playsByOS"}, From: noon.Add(-time.Hour), To: noon, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := json.Marshal(frames)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"custom":{"nothing":"No player reports yet"}`, `"noValue":"No player reports yet"`} {
		if !strings.Contains(string(sent), want) {
			t.Errorf("%s is missing in %s", want, sent)
		}
	}
}
