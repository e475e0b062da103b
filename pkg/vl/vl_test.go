package vl_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
)

// base is a full hour shortly before now, because VictoriaLogs drops what is older than its retention.
var base = time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)

func record(organization, session string, end time.Time) play.Record {
	r := play.NewRecord()
	r.Organization, r.Session, r.Begin, r.End, r.Stream = organization, session, base.UnixMilli(), end.UnixMilli(), "s"
	return r
}

func newClient(t *testing.T, url string) *vl.Client {
	t.Helper()
	c, err := vl.NewClient(url, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func insert(t *testing.T, c *vl.Client, records ...play.Record) {
	t.Helper()
	var lines [][]byte
	for _, r := range records {
		lines = append(lines, r.Line(nil))
	}
	if err := c.Insert(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// confined returns a client of one organisation.
func confined(t *testing.T, url, organization string) *vl.Client {
	t.Helper()
	transport, err := vl.NewTransport(url, organization, "", http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	c, err := vl.NewClient(url, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// oddTexts are values that must come back as they are, and match only themselves.
var oddTexts = []string{`a"b`, `a|b`, "a\nb", "a\tb", `a\b`, "é😀\u2028", " lead", `") or org:in("b`, `*`, "a:b", "'", "`", "a b"}

func TestRecords(t *testing.T) {
	url := vltest.Start(t)
	writer, reader := newClient(t, url), confined(t, url, "acme")
	var records []play.Record
	for i, text := range oddTexts {
		r := record("acme", fmt.Sprint("s", i), base.Add(time.Duration(i)*time.Minute))
		r.User, r.Playing, r.Buffering, r.Timeline = text, 9_000, int64(i)*1_000, []byte{1, 0, 0, 0, 0}
		records = append(records, r)
	}
	records = append(records, record("other", "s0", base), record("acme", "edge", base.Add(time.Hour)))
	insert(t, writer, records...)
	hour := vl.Question{From: base, To: base.Add(time.Hour)}

	t.Run("each comes back as it was", func(t *testing.T) {
		q := hour
		q.Sort = vl.Sorting{Field: play.Time}
		rows, err := reader.Ask(t.Context(), q)
		if err != nil || len(rows) != len(oddTexts) {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for i, row := range rows {
			got, err := play.Read(row)
			if err != nil || got.User != oddTexts[i] || got.Buffering != int64(i)*1_000 || got.Start != -1 || len(got.Timeline) != 5 {
				t.Errorf("%+v, %v", got, err)
			}
		}
	})
	t.Run("values match only themselves", func(t *testing.T) {
		for i, text := range oddTexts {
			q := hour
			q.Filters, q.Fields = []vl.Filter{{play.User, vl.Is, []string{text}}}, []play.Field{play.Session}
			rows, err := reader.Ask(t.Context(), q)
			if err != nil || len(rows) != 1 || rows[0]["session"] != fmt.Sprint("s", i) {
				t.Errorf("%q: %v, %v", text, rows, err)
			}
		}
	})
	t.Run("the end is exclusive", func(t *testing.T) {
		for _, tt := range []struct {
			to   time.Time
			want string
		}{{base.Add(time.Hour), "13"}, {base.Add(time.Hour + time.Millisecond), "14"}} {
			rows, err := reader.Ask(t.Context(), vl.Question{From: base, To: tt.to, Sums: []vl.Sum{{Name: "n", Function: vl.Count}}})
			if err != nil || len(rows) != 1 || rows[0]["n"] != tt.want {
				t.Errorf("until %s: %v, %v, want %s", tt.to, rows, err, tt.want)
			}
		}
	})
	t.Run("filters, order and pages", func(t *testing.T) {
		for _, tt := range []struct {
			name string
			q    vl.Question
			want []string
		}{
			{"at least", vl.Question{Filters: []vl.Filter{{play.Buffering, vl.AtLeast, []string{"11000"}}}}, []string{"s11", "s12"}},
			{"at most", vl.Question{Filters: []vl.Filter{{play.Buffering, vl.AtMost, []string{"1000"}}}}, []string{"s0", "s1"}},
			{"not", vl.Question{Filters: []vl.Filter{{play.User, vl.IsNot, oddTexts[2:]}}}, []string{"s0", "s1"}},
			{"one of", vl.Question{Filters: []vl.Filter{{play.User, vl.Is, oddTexts[:3]}}}, []string{"s0", "s1", "s2"}},
			{"none of no values", vl.Question{Filters: []vl.Filter{{play.User, vl.Is, nil}}}, nil},
			{"two filters", vl.Question{Filters: []vl.Filter{{play.User, vl.Is, oddTexts[:3]}, {play.Buffering, vl.AtLeast, []string{"2000"}}}}, []string{"s2"}},
			{"worst first", vl.Question{Sort: vl.Sorting{Field: play.BufferShare, Descending: true}, Limit: 2}, []string{"s12", "s11"}},
			{"second page", vl.Question{Sort: vl.Sorting{Field: play.BufferShare, Descending: true}, Limit: 2, Offset: 2}, []string{"s10", "s9"}},
			{"equal ones are on one page each", vl.Question{Sort: vl.Sorting{Field: play.Playing, Descending: true}, Limit: 2, Offset: 4}, []string{"s4", "s5"}},
		} {
			q := tt.q
			q.From, q.To, q.Fields = hour.From, hour.To, []play.Field{play.Session}
			rows, err := reader.Ask(t.Context(), q)
			var got []string
			for _, row := range rows {
				got = append(got, row["session"])
			}
			if tt.q.Limit == 0 {
				slices.Sort(got)
			}
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%s: %v, %v, want %v", tt.name, got, err, tt.want)
			}
		}
	})
	t.Run("sums", func(t *testing.T) {
		q := hour
		q.By = []play.Field{play.Stream}
		q.Sums = []vl.Sum{
			{Name: "n", Function: vl.Count}, {Name: "b", Function: vl.Total, Fields: []play.Field{play.Buffering}},
			{Name: "bad", Function: vl.Count, If: []vl.Filter{{play.Buffering, vl.AtLeast, []string{"10000"}}}},
			{Name: "u", Function: vl.Distinct, Fields: []play.Field{play.User}},
		}
		rows, err := reader.Ask(t.Context(), q)
		want := vl.Row{"stream": "s", "n": "13", "b": "78000", "bad": "3", "u": "13"}
		if err != nil || len(rows) != 1 || !maps.Equal(rows[0], want) {
			t.Errorf("%v, %v, want %v", rows, err, want)
		}
	})
	t.Run("values", func(t *testing.T) {
		got, err := reader.Values(t.Context(), hour, play.User, 100)
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(oddTexts)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("which are stored", func(t *testing.T) {
		missing := play.Key{Organization: "acme", Session: "s1", Begin: 5}
		got, err := writer.Have(t.Context(), []play.Key{records[0].Key(), records[13].Key(), missing}, base.Add(-time.Hour), base.Add(time.Hour))
		if want := map[play.Key]bool{records[0].Key(): true, records[13].Key(): true, records[1].Key(): true}; err != nil || !maps.Equal(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	})
	t.Run("when it started", func(t *testing.T) {
		started, err := writer.Started(t.Context())
		if ago := time.Since(time.Unix(started, 0)); err != nil || ago < 0 || ago > time.Minute {
			t.Errorf("%s ago, %v", ago, err)
		}
	})
	t.Run("whether it writes", func(t *testing.T) {
		hidden := httptest.NewServer(http.NotFoundHandler())
		defer hidden.Close()
		if writing, err := newClient(t, hidden.URL).Writing(t.Context()); err != nil || !writing {
			t.Errorf("without its page of metrics: %t, %v, want true", writing, err)
		}
		wait := func(want bool) {
			t.Helper()
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				if writing, err := writer.Writing(t.Context()); err != nil || time.Now().After(deadline) {
					t.Fatalf("%t, %v, want %t", writing, err, want)
				} else if writing == want {
					return
				}
			}
		}
		body, more := io.Pipe()
		var sending sync.WaitGroup
		sending.Go(func() {
			response, err := http.Post(url+"/insert/jsonline", "application/stream+json", body)
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
		})
		wait(true)
		more.Close()
		sending.Wait()
		wait(false)
	})
}

func TestWhatWouldBeDroppedIsNotSent(t *testing.T) {
	c := newClient(t, "http://127.0.0.1:1") // nothing listens: whatever is sent fails otherwise
	r := record("acme", "s", base)
	good := r.Line(nil)
	for name, lines := range map[string][][]byte{
		"no end of line":   {good[:len(good)-1]},
		"two lines in one": {append(slices.Clone(good), good...)},
		"too long":         {[]byte(`{"a":"` + strings.Repeat("x", play.MaxLine) + "\"}\n")},
		"broken JSON":      {[]byte("{\"a\"}\n")},
		"no organisation":  {[]byte(`{"session":"s","end":1}` + "\n")},
		"too many":         slices.Repeat([][]byte{good}, vl.MaxLines+1),
		"one bad of two":   {good, []byte("{}\n")},
	} {
		if err := c.Insert(t.Context(), lines); !errors.Is(err, vl.ErrForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var unreachable *vl.UnreachableError
	if err := c.Insert(t.Context(), [][]byte{good}); !errors.As(err, &unreachable) {
		t.Errorf("a good line: %v", err)
	}
}

// TestAnswersThatEndEarly cuts answers off, as VictoriaLogs does with those that take too long.
func TestAnswersThatEndEarly(t *testing.T) {
	for name, answer := range map[string]string{
		"in the middle of a chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n{\"n\":\"1\"}\n",
		"before the last chunk":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n{\"n\":\"1\"}\n\r\n",
		"in the middle of a line":  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"n\":\"1\"}\n{\"n\"",
		"before its length":        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"n\":\"1\"}\n",
	} {
		t.Run(name, func(t *testing.T) {
			var config net.ListenConfig
			listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				connection, err := listener.Accept()
				if err != nil {
					return
				}
				defer connection.Close()
				if _, err := http.ReadRequest(bufio.NewReader(connection)); err == nil {
					_, _ = io.WriteString(connection, answer)
				}
			}()
			rows, err := newClient(t, "http://"+listener.Addr().String()).Ask(t.Context(), vl.Question{From: base, To: base.Add(1)})
			if !errors.Is(err, vl.ErrCutOff) {
				t.Errorf("%v, %v", rows, err)
			}
		})
	}
}

func TestErrorsSayNothingOfTheServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "remoteAddr: 10.1.2.3:99; requestURI: /select?secret=x; cannot do it at http://10.0.0.1/x", http.StatusBadRequest)
	}))
	defer server.Close()
	_, err := newClient(t, server.URL).Ask(t.Context(), vl.Question{From: base, To: base.Add(1)})
	if err == nil || strings.Contains(err.Error(), "10.") || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "cannot do it") {
		t.Errorf("%v", err)
	}
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct {
		name  string
		flags []string
		want  string
	}{
		{"as asked for", vltest.Flags, ""},
		{"default retention", []string{"-inmemoryDataFlushInterval=1s", "-delete.enable"}, "start it with -retentionPeriod=30d"},
		{"default flush interval", []string{"-retentionPeriod=30d", "-delete.enable"}, "start it with -inmemoryDataFlushInterval=1s"},
		{"all defaults", nil, "start it with -retentionPeriod=30d -inmemoryDataFlushInterval=1s -delete.enable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := newClient(t, vltest.StartServer(t, tt.flags...).URL).CheckFlags(t.Context(), 30*24*time.Hour)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	t.Run("another server", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		defer server.Close()
		if err := newClient(t, server.URL).CheckFlags(t.Context(), time.Hour); !errors.Is(err, vl.ErrNotVictoriaLogs) {
			t.Errorf("%v", err)
		}
	})
}

// TestHostile attacks another organisation's plays through the transport, with questions that the query builder never makes.
func TestHostile(t *testing.T) {
	server := vltest.Start(t)
	writer := newClient(t, server)
	own, foreign := record("acme", "own-session", base), record("other", "foreign-session", base)
	foreign.User, foreign.Stream = "foreign-user", "foreign-stream"
	insert(t, writer, own, foreign)
	transport, err := vl.NewTransport(server, "acme", "", http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: transport}
	times := url.Values{"start": {base.Add(-time.Hour).Format(time.RFC3339)}, "end": {base.Add(time.Hour).Format(time.RFC3339)}}
	queries := []string{
		`*`, `{org="other"}`, `{org=~".*"}`, `{org!="acme"}`, `* or {org="other"}`, `org:="other"`, `!org:="acme"`, `_stream:{org="other"}`,
		`{org="acme"} or {org="other"}`, `session:in({org="other"} | fields session)`, `* | union ({org="other"})`, `* | union (*)`,
		`* | join by (kind) ({org="other"})`, `* | join by (kind) (*) inner`, `* | stats by (org, session, user) count()`,
		`* | uniq by (org)`, `* | field_values org`, `* | facets`, `* | stream_context before 10 after 10`,
		`options(ignore_global_time_filter=true) *`, `options(allow_partial_response=true) *`, `* | blocks_count`,
		`options(extra_stream_filters="{org=\"other\"}") *`, `* | top 10 by (user)`, `* | fields user`, `foreign*`, `user:~"foreign.*"`,
		`user:contains_any({org="other"} | fields user)`, `kind:in(final) or user:foreign*`, `*) or (*`, `* | format "<user>" as x`,
		`session:contains_all({org="other"} | fields session)`, `user:eq_field(user)`, `* | running_stats count()`,
	}
	extras := []url.Values{
		{}, {"extra_stream_filters": {`{"org":"other"}`}}, {"extra_stream_filters": {""}}, {"extra_filters": {`{org="other"}`}},
		{"hidden_fields_filters": {"org"}}, {"ignore_pipes": {"1"}}, {"AccountID": {"0"}}, {"step": {"1h"}}, {"allow_partial_response": {"1"}},
		{"extra_stream_filters[]": {`{"org":"other"}`}},
	}
	asked := 0
	for _, query := range queries {
		for _, extra := range extras {
			for _, path := range []string{"/select/logsql/query", "/select/logsql/facets", "/select/logsql/field_values"} {
				for _, inURL := range []bool{false, true} {
					form := url.Values{"query": {query}, "field": {"user"}}
					maps.Copy(form, times)
					target := server + path
					if inURL {
						target += "?" + extra.Encode()
					} else {
						maps.Copy(form, extra)
					}
					asked++
					answer := ask(t, client, target, form)
					if strings.Contains(answer, "foreign-") || strings.Contains(answer, `"other"`) {
						t.Errorf("%s %s, %s in the URL %v: %s", path, query, extra.Encode(), inURL, answer)
					}
				}
			}
		}
	}
	if answer := ask(t, client, server+"/select/logsql/query", url.Values{"query": {"*"}, "start": times["start"], "end": times["end"]}); !strings.Contains(answer, "own-session") {
		t.Errorf("the organisation's own play is not found: %s", answer)
	}
	t.Logf("%d requests", asked)
}

func ask(t *testing.T, client *http.Client, target string, form url.Values) string {
	t.Helper()
	response, err := client.PostForm(target, form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	// What is wrong with a query is said with the query.
	if response.StatusCode != http.StatusOK {
		return ""
	}
	return string(answer)
}

func TestTransportRefuses(t *testing.T) {
	sent := false
	transport, err := vl.NewTransport("http://store:9428", "acme", "", roundTripper(func(*http.Request) (*http.Response, error) {
		sent = true
		return nil, errors.New("sent")
	}))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*http.Request){
		"GET":          func(r *http.Request) { r.Method = http.MethodGet },
		"another path": func(r *http.Request) { r.URL.Path = "/select/logsql/tail" },
		"delete":       func(r *http.Request) { r.URL.Path = "/delete/run_task" },
		"insert":       func(r *http.Request) { r.URL.Path = "/insert/jsonline" },
		"way up":       func(r *http.Request) { r.URL.Path = "/select/logsql/query/../tail" },
		"another host": func(r *http.Request) { r.URL.Host = "elsewhere" },
		"another name": func(r *http.Request) { r.Host = "elsewhere" },
		"multipart":    func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") },
		"compressed":   func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") },
		"twice":        func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("query=a&query=b")) },
		"semicolon":    func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("query=a;query=b")) },
		"no body":      func(r *http.Request) { r.Body = nil },
		"too long": func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader("query=" + strings.Repeat("a", 300<<10)))
		},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://store:9428/select/logsql/query", strings.NewReader("query=*"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(r)
		response, err := transport.RoundTrip(r)
		if response != nil {
			response.Body.Close()
		}
		var refused tenant.RefusedError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if sent {
		t.Error("something was sent")
	}
	for _, organization := range []string{"", "A", `x"`, "a,b", strings.Repeat("a", 65)} {
		if _, err := vl.NewTransport("http://store:9428", organization, "", nil); err == nil {
			t.Errorf("the organisation %q is taken", organization)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestDelete(t *testing.T) {
	url := vltest.Start(t)
	c := newClient(t, url)
	var records []play.Record
	for _, organization := range []string{"acme", "other"} {
		for i, text := range oddTexts {
			for hour := range 2 {
				r := record(organization, fmt.Sprint("s", i, hour), base.Add(time.Duration(hour)*time.Hour))
				r.User = text
				records = append(records, r)
			}
		}
		records = append(records, record(organization, "nobody", base))
	}
	insert(t, c, records...)
	count := func(organization string) string {
		rows, err := confined(t, url, organization).Ask(t.Context(), vl.Question{
			From: base.Add(-time.Hour), To: base.Add(2 * time.Hour), Sums: []vl.Sum{{Name: "n", Function: vl.Count}},
		})
		if err != nil || len(rows) != 1 {
			t.Fatalf("%v, %v", rows, err)
		}
		return rows[0]["n"]
	}
	users := func(ids ...string) []vl.Filter { return []vl.Filter{{Field: play.User, Operator: vl.Is, Values: ids}} }
	for _, tt := range []struct {
		name, organization string
		filters            []vl.Filter
		from, to           time.Time
	}{
		{name: "no filter", organization: "acme"},
		{name: "no organisation", filters: users("a b")},
		{name: "another organisation in the name", organization: `acme" or org="other`, filters: users("a b")},
		{name: "those without a user", organization: "acme", filters: users("")},
		{name: "no users", organization: "acme", filters: users()},
		{name: "all but one", organization: "acme", filters: []vl.Filter{{Field: play.User, Operator: vl.IsNot, Values: []string{"a b"}}}},
	} {
		if err := c.Delete(t.Context(), tt.organization, tt.filters, tt.from, tt.to); !errors.Is(err, vl.ErrTooMuch) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := c.Delete(t.Context(), "acme", users(oddTexts[:6]...), base, base.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, want := count("acme"), fmt.Sprint(2*len(oddTexts)+1-6); got != want {
		t.Errorf("%s records are left of an hour of six users, want %s", got, want)
	}
	if err := c.Delete(t.Context(), "acme", users(oddTexts...), time.Time{}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := count("acme"); got != "1" {
		t.Errorf("%s records are left, want that of nobody", got)
	}
	if got, want := count("other"), fmt.Sprint(2*len(oddTexts)+1); got != want {
		t.Errorf("the other organisation has %s records, want %s", got, want)
	}
	plain := newClient(t, vltest.StartServer(t, "-retentionPeriod=30d").URL)
	if err := plain.Delete(t.Context(), "acme", users("a"), time.Time{}, time.Time{}); err == nil || !strings.Contains(err.Error(), "-delete.enable") {
		t.Errorf("a server that deletes nothing: %v", err)
	}
}

// TestRemoveParts removes what was written of running plays, and nothing else.
func TestRemoveParts(t *testing.T) {
	url := vltest.Start(t)
	c := newClient(t, url)
	now := time.Now()
	var lines [][]byte
	for i := range 200 {
		for _, organization := range []string{"acme", "other"} {
			r := record(organization, fmt.Sprint("s", i), base.Add(time.Duration(i)*time.Second))
			r.Outcome = play.Running
			lines = append(lines, r.Line(nil), r.PartLine(nil, base.UnixMilli()+int64(i)*1000), r.PartLine(nil, now.UnixMilli()))
		}
	}
	if err := errors.Join(c.Insert(t.Context(), lines), c.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	count := func(organization string, running bool) string {
		rows, err := confined(t, url, organization).Ask(t.Context(), vl.Question{From: base, To: now.Add(time.Minute), Running: running, Sums: []vl.Sum{{Name: "n", Function: vl.Count}}})
		if err != nil || len(rows) != 1 {
			t.Fatalf("%v, %v", rows, err)
		}
		return rows[0]["n"]
	}
	stored := func() string {
		rows := ask(t, http.DefaultClient, url+"/select/logsql/query", map[string][]string{"query": {`{kind="part"} kind:="part" | stats count() n`}})
		return strings.TrimSpace(rows)
	}
	if got := stored(); got != `{"n":"800"}` {
		t.Fatalf("%s parts are stored", got)
	}
	for range 2 { // the second time there is nothing
		if err := c.RemoveParts(t.Context(), now.Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); stored() != `{"n":"400"}`; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s parts are left", stored())
		}
	}
	for _, organization := range []string{"acme", "other"} {
		if ended, running := count(organization, false), count(organization, true); ended != "200" || running != "200" {
			t.Errorf("%s has %s ended and %s running plays", organization, ended, running)
		}
	}
	refusing := newClient(t, vltest.StartServer(t, "-retentionPeriod=100d").URL)
	insert(t, refusing, record("acme", "s", base))
	if err := refusing.Insert(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(refusing.Flush(t.Context()), refusing.RemoveParts(t.Context(), now)); err == nil || !refusing.Refused(err) {
		t.Errorf("a server that deletes nothing: %v", err)
	}
}
