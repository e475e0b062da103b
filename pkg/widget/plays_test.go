package widget

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/enrich"
	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
	"github.com/streamlens/streamlens/pkg/vm"
)

// noSums is an Asker of a VictoriaMetrics that has nothing: plays do not need it.
type noSums struct{}

func (noSums) Ask(context.Context, vm.Question) (vm.Answer, error) { return vm.Answer{}, nil }

func (noSums) Query(context.Context, string, time.Time, vm.Filters) ([]vm.Series, error) {
	return nil, nil
}

// playsHour is a full hour shortly before now, because VictoriaLogs drops what is older than its retention.
var playsHour = time.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)

// storeOfPlays returns a store with 130 plays of acme in an hour, one a 20 s, and one of another organisation.
func storeOfPlays(t *testing.T) vl.Asker {
	t.Helper()
	url := vltest.Start(t)
	writer, err := vl.NewClient(url, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	none := event.New(0, 0, event.Stats)
	for i := range 130 {
		begin := playsHour.Add(time.Duration(i) * 20 * time.Second).UnixMilli()
		recorder := play.NewRecorder(fmt.Sprint("s", i), "", "", begin)
		recorder.Load(begin)
		if i != 7 {
			recorder.Start(begin+int64(100+i), int64(100+i))
			recorder.Report(play.Entry{
				End: begin + 10_000, Playing: 10_000 - int64(i)*10, Buffering: int64(i) * 10, Bitrate: 1_000_000 + int64(i), Height: event.Absent,
				Latency: 1_000, BufferLength: event.Absent,
			}, &none)
			recorder.End(begin+10_000, 9_000, "destroy")
		} else {
			recorder.Status(begin+3_000, "1008", true)
		}
		r := recorder.Record(begin + 4_000)
		r.Organization, r.Stream, r.Country, r.Event = "acme", []string{"a", "b"}[i%2], []string{"DE", "FR", "US"}[i%3], ""
		r.Device, r.Outcome = "mobile", "played"
		if i == 7 {
			r.Outcome = "startfailure"
		}
		if i%10 == 0 {
			r.User = `al"ice`
		}
		if i%2 == 0 { // the word is stored where a player told of no page, nothing where nobody told
			r.Referrer = enrich.NoReferrer
		}
		lines = append(lines, r.Line(nil))
		if i == 0 {
			r.Organization = "other"
			lines = append(lines, r.Line(nil))
		}
	}
	if err := errors.Join(writer.Insert(t.Context(), lines), writer.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	transport, err := vl.NewTransport(url, "acme", "", http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := vl.NewClient(url, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

// storeOfRunning returns a store of acme's plays of the last minutes: r0 to r4 run, r5 has ended, r6 and r9 have ended without that being known
// to their last part, r7 was last heard of 5 minutes ago, and r8 is another organisation's. Of s0 another play ended before the one that runs, of s1 another began after
// the one that is not known to have ended, and ended, too.
func storeOfRunning(t *testing.T) vl.Asker {
	t.Helper()
	url := vltest.Start(t)
	writer, err := vl.NewClient(url, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	var lines [][]byte
	for i := range 10 {
		r := play.NewRecord()
		r.Organization, r.Session, r.Stream, r.Country, r.Direction, r.Outcome = "acme", fmt.Sprint("r", i), []string{"a", "b"}[i%2], "DE", "playout", play.Running
		if i == 8 {
			r.Organization = "other"
		}
		r.Begin, r.Start = now.Add(-10*time.Minute).UnixMilli(), now.Add(-10*time.Minute).UnixMilli()
		for _, ago := range []time.Duration{160 * time.Second, 100 * time.Second, 40 * time.Second} {
			at := now.Add(-ago).UnixMilli()
			if i == 7 {
				at = now.Add(-5 * time.Minute).UnixMilli()
			}
			r.End, r.Playing, r.Buffering = at, at-r.Begin, int64(i)*ago.Milliseconds()
			lines = append(lines, r.PartLine(nil, at))
		}
		ended := r
		ended.End = now.Add(-30 * time.Second).UnixMilli()
		switch i {
		case 5:
			ended.Outcome = play.Ended
			lines = append(lines, ended.PartLine(nil, ended.End))
		case 6, 9:
			ended.Outcome = "played"
			lines = append(lines, ended.Line(nil))
		}
	}
	for i := range 2 {
		r := play.NewRecord()
		r.Organization, r.Session, r.Stream, r.Country, r.Direction = "acme", fmt.Sprint("s", i), "c", "SE", "playout"
		first, second := now.Add(-30*time.Minute).UnixMilli(), now.Add(-10*time.Minute).UnixMilli()
		if i == 1 {
			first, second = second, first
		}
		r.Begin, r.Start, r.End, r.Outcome = first, first, first+60_000, "played"
		lines = append(lines, r.Line(nil))
		r.Begin, r.Start, r.End, r.Outcome = second, second, now.UnixMilli(), play.Running
		lines = append(lines, r.PartLine(nil, now.Add(-40*time.Second).UnixMilli()))
	}
	if err := errors.Join(writer.Insert(t.Context(), lines), writer.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	transport, err := vl.NewTransport(url, "acme", "", http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := vl.NewClient(url, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

func TestRunningPlays(t *testing.T) {
	store := storeOfRunning(t)
	ask := func(queryType string, change func(*Request)) (*data.Frame, error) {
		frames, err := Run(t.Context(), noSums{}, playsRequest(store, queryType, func(r *Request) {
			r.From, r.To = r.Now.Add(-time.Hour), r.Now
			change(r)
		}))
		if err != nil {
			return nil, err
		}
		return frames[0], nil
	}
	for _, tt := range []struct {
		name, sort string
		where      []string
		change     func(*Request)
		want       []string
	}{
		{"those that run", "session", nil, nil, []string{"r0", "r1", "r2", "r3", "r4"}},
		{"the last part counts", "-bufferingRatio", []string{"bufferingRatio<=0.3"}, nil, []string{"r4", "r3", "r2", "r1", "r0"}},
		{"by what has changed", "session", []string{"bufferingRatio>=0.2"}, nil, []string{"r4"}},
		{"by what has not", "session", []string{"stream=a"}, nil, []string{"r0", "r2", "r4"}},
		{"a filter", "session", nil, func(r *Request) { r.Stream = []string{"b"} }, []string{"r1", "r3"}},
		{"another country", "session", nil, func(r *Request) { r.Country = []string{"FR"} }, []string{}},
		{"of a range of a month", "session", nil, func(r *Request) { r.From = r.Now.Add(-31 * 24 * time.Hour) }, []string{"r0", "r1", "r2", "r3", "r4"}},
	} {
		frame, err := ask("plays", func(r *Request) {
			r.Where, r.Sort = slices.Concat(tt.where, []string{"outcome=running", "stream!=c"}), tt.sort
			if tt.change != nil {
				tt.change(r)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := textsOf(t, frame, "session"); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if got := slices.Compact(textsOf(t, frame, "outcome")); len(got) > 0 && !slices.Equal(got, []string{"running"}) {
			t.Errorf("%s: outcomes %v", tt.name, got)
		}
	}
	frame, err := ask("plays", func(r *Request) { r.Where, r.To = []string{"outcome=running"}, r.Now.Add(-10*time.Minute) })
	if err != nil || frame.Rows() != 0 || len(frame.Meta.Notices) != 1 {
		t.Errorf("a range that has passed: %v, %v", frame, err)
	}
	for _, where := range [][]string{nil, {"outcome!=played"}} {
		if frame, err := ask("plays", func(r *Request) { r.Where = append([]string{"stream!=c"}, where...) }); err != nil || frame.Rows() != 2-2*len(where) {
			t.Errorf("the history with %v: %v, %v", where, frame, err)
		}
	}
	for queryType, where := range map[string][]string{"plays": {"outcome=running", "outcome=played"}, "playQuality": {"outcome=running"}, "uniqueViewers": {"outcome=running"}} {
		if _, err := ask(queryType, func(r *Request) { r.Where = where }); !errors.Is(err, ErrBadQuery) {
			t.Errorf("%s %v: %v", queryType, where, err)
		}
	}
	for session, want := range map[string]map[string][]string{
		"r1": {"": {"running"}, "states": {"starting", "playing"}, "moments": {"begin", "first frame", "it still runs"}, "timeline": {}},
		"r5": {"": nil}, "r6": {"": {"played"}}, "r7": {"": nil}, "r8": {"": nil}, "s0": {"": {"running"}}, "s1": {"": {"played"}},
	} {
		for metric, texts := range want {
			frame, err := ask("play", func(r *Request) { r.Session, r.Metric = session, metric })
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			switch metric {
			case "":
				if i := slices.Index(textsOf(t, frame, "fact"), "outcome"); i >= 0 {
					got = textsOf(t, frame, "value")[i : i+1]
				}
			default:
				got = textsOf(t, frame, frame.Fields[1].Name)
			}
			if !slices.Equal(got, texts) {
				t.Errorf("%s %s: %v, want %v", session, metric, got, texts)
			}
		}
	}
}

func playsRequest(store vl.Asker, queryType string, change func(*Request)) Request {
	r := Request{
		Query: Query{QueryType: queryType}, From: playsHour, To: playsHour.Add(time.Hour), Now: time.Now(), Level: tenant.Premium, Plays: store,
	}
	if change != nil {
		change(&r)
	}
	return r
}

func textsOf(t *testing.T, frame *data.Frame, name string) []string {
	t.Helper()
	field, _ := frame.FieldByName(name)
	if field == nil {
		t.Fatalf("the frame has no field %s", name)
	}
	texts := []string{}
	for i := range field.Len() {
		value, ok := field.ConcreteAt(i)
		if !ok {
			value = nil
		}
		texts = append(texts, fmt.Sprint(value))
	}
	return texts
}

func TestPlaysAreListed(t *testing.T) {
	store := storeOfPlays(t)
	for _, tt := range []struct {
		name   string
		change func(*Request)
		want   []string // sessions, the first ones if there are more
		count  int
	}{
		{"the last first", nil, []string{"s129", "s128"}, 100},
		{"the second page", func(r *Request) { r.Page = 2 }, []string{"s29", "s28"}, 30},
		{"a page behind the last", func(r *Request) { r.Page = 3 }, nil, 0},
		{"the worst first", func(r *Request) { r.Sort = "-bufferingRatio" }, []string{"s129", "s128"}, 100},
		{"by start time", func(r *Request) { r.Sort, r.Where = "startTime", []string{"startTime>=0"} }, []string{"s0", "s1"}, 100},
		{"a user", func(r *Request) { r.Where = []string{`user=al"ice`} }, []string{"s120", "s110"}, 13},
		{"no user", func(r *Request) { r.Where = []string{"user=(none)", "startTime>=0.2", "startTime<=0.202"} }, []string{"s102", "s101"}, 2},
		{"no referrer, by the word and without it", func(r *Request) { r.Where = []string{"referrer=(none)", "session=s4", "session=s5"} }, []string{"s5", "s4"}, 2},
		{"a referrer", func(r *Request) { r.Where = []string{"referrer!=(none)"} }, nil, 0},
		{"an empty field", func(r *Request) { r.Where = []string{"user=", "session=s5"} }, []string{"s5"}, 1},
		{"blank conditions", func(r *Request) { r.Where = []string{"", " ", "session=s5"} }, []string{"s5"}, 1},
		{"a version, as widgets of sums call it", func(r *Request) { r.Where = []string{"version=(none)", "session=s5"} }, []string{"s5"}, 1},
		{"one of two", func(r *Request) { r.Where = []string{"session=s5", "session = s9"} }, []string{"s9", "s5"}, 2},
		{"an outcome", func(r *Request) { r.Where = []string{"outcome!=played"} }, []string{"s7"}, 1},
		{"a ratio", func(r *Request) { r.Where = []string{"bufferingRatio>=0.129"} }, []string{"s129"}, 1},
		{"filters", func(r *Request) { r.Country, r.Stream = []string{"FR"}, []string{"a"} }, []string{"s124", "s118"}, 21},
		{"a part of the hour", func(r *Request) { r.To = playsHour.Add(time.Minute) }, []string{"s2", "s1"}, 3},
		{"nothing", func(r *Request) { r.Stream = []string{"c"} }, nil, 0},
		{"a month of a user", func(r *Request) {
			r.From, r.Where = r.To.Add(-30*24*time.Hour), []string{`user=al"ice`}
		}, []string{"s120"}, 13},
	} {
		t.Run(tt.name, func(t *testing.T) {
			frames, err := Run(t.Context(), noSums{}, playsRequest(store, "plays", tt.change))
			if err != nil {
				t.Fatal(err)
			}
			got := textsOf(t, frames[0], "session")
			if len(got) != tt.count || !slices.Equal(got[:min(len(got), len(tt.want))], tt.want) {
				t.Errorf("%d plays, %v, want %d, %v", len(got), got[:min(len(got), 5)], tt.count, tt.want)
			}
		})
	}
	t.Run("numbers", func(t *testing.T) {
		frames, err := Run(t.Context(), noSums{}, playsRequest(store, "plays", func(r *Request) { r.Where = []string{"session=s20"} }))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"start": playsHour.Add(400 * time.Second).String(), "end": playsHour.Add(410 * time.Second).String(), "duration": "9", "startTime": "0.12",
			"bufferingRatio": "0.02", "bitrate": "1.00002e+06", "latency": "1", "longestStall": "0.2", "stop": "destroy", "country": "US", "stalls": "<nil>",
		} {
			if got := textsOf(t, frames[0], name); !slices.Equal(got, []string{want}) {
				t.Errorf("%s is %v, want %s", name, got, want)
			}
		}
	})
}

func TestOnePlay(t *testing.T) {
	store := storeOfPlays(t)
	for _, tt := range []struct {
		session, metric, field string
		want                   []string
	}{
		{"s20", "", "fact", []string{"start", "end", "duration", "stream", "user", "country", "device", "outcome", "startTime", "bufferingRatio", "longestStall",
			"bitrate", "latency", "errors", "stop", "referrer", "session"}},
		{"s20", "timeline", "latency", []string{"1"}},
		{"s20", "timeline", "bufferingRatio", []string{"0.02"}},
		{"s20", "timeline", "height", []string{"<nil>"}},
		{"s20", "states", "state", []string{"starting", "playing", "stalled", "ended"}},
		{"s7", "states", "state", []string{"starting", "ended"}},
		{"s20", "moments", "text", []string{"begin", "first frame", "stop: destroy"}},
		{"s7", "moments", "text", []string{"begin", "fatal code 1008", "end"}},
		{"unknown", "", "fact", []string{}},
		{"unknown", "timeline", "latency", []string{}},
		{"unknown", "states", "state", []string{}},
	} {
		frames, err := Run(t.Context(), noSums{}, playsRequest(store, "play", func(r *Request) { r.Session, r.Metric = tt.session, tt.metric }))
		if err != nil {
			t.Fatal(err)
		}
		if got := textsOf(t, frames[0], tt.field); !slices.Equal(got, tt.want) {
			t.Errorf("%s %s: %s is %q, want %q", tt.session, tt.metric, tt.field, got, tt.want)
		}
		if (len(frames[0].Meta.Notices) > 0) != (tt.session == "unknown") {
			t.Errorf("%s: notices %v", tt.session, frames[0].Meta.Notices)
		}
	}
}

func TestConfinedPlays(t *testing.T) {
	store := storeOfPlays(t)
	for _, tt := range []struct {
		name  string
		fixed Fixed
		ask   []string
		want  int
	}{
		{"a country", Fixed{"country": {"DE"}}, nil, 44},
		{"another country", Fixed{"country": {"DE"}}, []string{"FR"}, 0},
		{"a stream", Fixed{"stream": {"b"}, "country": {"DE", "FR"}}, nil, 44},
		{"an event", Fixed{"event": {"e"}}, nil, 0},
		{"a tag that no stream has", Fixed{"tag": {"t"}}, nil, 0},
	} {
		asker := Confine(noSums{}, tt.fixed)
		frames, err := Run(t.Context(), asker, playsRequest(store, "plays", func(r *Request) { r.Country = tt.ask }))
		if err != nil {
			t.Fatal(err)
		}
		if got := frames[0].Rows(); got != tt.want {
			t.Errorf("%s: %d plays, want %d", tt.name, got, tt.want)
		}
	}
	frames, err := Run(t.Context(), Confine(noSums{}, Fixed{"country": {"FR"}}), playsRequest(store, "play", func(r *Request) { r.Session = "s0" }))
	if err != nil || frames[0].Rows() != 0 {
		t.Errorf("a play of another country: %v, %v", frames, err)
	}
}

func TestPlaysThatCannotBeAsked(t *testing.T) {
	away, err := vl.NewClient("http://127.0.0.1:1", http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		change func(*Request)
		kind   error
		text   string
		short  string
	}{
		{"no store", func(r *Request) { r.Plays = nil }, ErrBadQuery, "docs/plays.md", "There is no store of plays"},
		{"a store that is away", func(*Request) {}, ErrUpstream, "VictoriaLogs cannot be reached", "The store of plays does not answer"},
		{"a low level", func(r *Request) { r.Level = tenant.Default }, ErrForbidden, "premium", "Needs the level premium"},
		{"two days", func(r *Request) { r.From = r.To.Add(-48 * time.Hour) }, ErrBadQuery, "24 hours", "The query is not possible"},
		{"two months of a user", func(r *Request) {
			r.From, r.Where = r.To.Add(-60*24*time.Hour), []string{"user=a"}
		}, ErrBadQuery, "31 days", ""},
		{"an unknown column", func(r *Request) { r.Where = []string{"x=1"} }, ErrBadQuery, `no column "x"`, ""},
		{"no operator", func(r *Request) { r.Where = []string{"user"} }, ErrBadQuery, "no operator", ""},
		{"another operator", func(r *Request) { r.Where = []string{"duration<5"} }, ErrBadQuery, "unknown operator", ""},
		{"a text that is compared", func(r *Request) { r.Where = []string{"user>=5"} }, ErrBadQuery, "compares a text", ""},
		{"no number", func(r *Request) { r.Where = []string{"duration>=x"} }, ErrBadQuery, "no number", ""},
		{"no finite number", func(r *Request) { r.Where = []string{"duration>=1e300"} }, ErrBadQuery, "no number", ""},
		{"too many conditions", func(r *Request) { r.Where = slices.Repeat([]string{"user=a"}, 21) }, ErrBadQuery, "more than 20", ""},
		{"an unknown order", func(r *Request) { r.Sort = "-x" }, ErrBadQuery, `no column "x"`, ""},
		{"a page below 1", func(r *Request) { r.Page = -1 }, ErrBadQuery, "page", ""},
		{"a series", func(r *Request) { r.Form = FormSeries }, ErrBadQuery, "form total", ""},
		{"an alert rule", func(r *Request) { r.Alert = true }, ErrBadQuery, "alert rule", ""},
		{"a text that is too long", func(r *Request) { r.Where = []string{"user=" + strings.Repeat("a", 17<<10)} }, vl.ErrLimit, "longer than", ""},
		{"conditions elsewhere", func(r *Request) { r.QueryType, r.Where = "usageOverview", []string{"user=a"} }, ErrBadQuery, "usageOverview has no where", ""},
	} {
		_, err := Run(t.Context(), noSums{}, playsRequest(away, "plays", tt.change))
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) || tt.short != "" && ShortOf(err) != tt.short {
			t.Errorf("%s: %v, %q, want %v with %q, %q", tt.name, err, ShortOf(err), tt.kind, tt.text, tt.short)
		}
	}
	if frames, err := Run(t.Context(), noSums{}, playsRequest(away, "play", nil)); err != nil || !reflect.DeepEqual(frames[0].Meta.Custom, map[string]any{CustomNothing: "No play is chosen"}) {
		t.Errorf("no session: %v, %v", frames, err)
	}
}
