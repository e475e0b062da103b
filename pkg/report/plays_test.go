package report

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/play"
	"github.com/streamlens/streamlens/pkg/tenant"
	"github.com/streamlens/streamlens/pkg/vl"
	"github.com/streamlens/streamlens/pkg/vl/vltest"
	"github.com/streamlens/streamlens/pkg/widget"
)

// reader returns a reader of acme's plays at a URL.
func reader(t *testing.T, url string) *vl.Client {
	t.Helper()
	transport, err := vl.NewTransport(url, "acme", "", http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	client, err := vl.NewClient(url, &http.Client{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// insertPlays stores 400 plays of 100 users: those of the operator Bad Net, a quarter, stall for half of their time.
func insertPlays(t *testing.T, url string, end time.Time) {
	t.Helper()
	store, err := vl.NewClient(url, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for i := range 400 {
		r := play.NewRecord()
		r.Organization, r.Session, r.Direction, r.Stream, r.User = "acme", fmt.Sprint("s", i), measure.Playout, "live", fmt.Sprint("u", i%100)
		r.Outcome, r.Operator = measure.OutcomePlayed, "Good Net"
		r.Begin, r.End = end.Add(-time.Hour).UnixMilli(), end.Add(-time.Minute).UnixMilli()
		r.Start, r.Playing, r.Buffering = r.Begin, 60_000, 0
		if i%4 == 0 {
			r.Operator, r.Buffering = "Bad Net", 60_000
		}
		lines = append(lines, r.Line(nil))
	}
	if err := store.Insert(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	if err := store.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestPlaysInReports holds what reports say of single plays, and that they do without.
func TestPlaysInReports(t *testing.T) {
	sums, url := store(t, nil, nil), vltest.Start(t)
	end := time.Now().UTC().Truncate(time.Minute)
	insertPlays(t, url, end)
	for _, tt := range []struct {
		name, url string
		days      int
		level     tenant.Level
		tables    []string
		notice    string
	}{
		{"a day", url, 1, tenant.Premium, []string{"uniqueViewers", "worstSegments"}, ""},
		{"a month", url, 30, tenant.Premium, []string{"uniqueViewers"}, "Worst segments are left out: the range is too long"},
		{"half a year", url, 180, tenant.Premium, nil, "Unique viewers are left out: the range is too long"},
		{"the level default", url, 1, tenant.Default, nil, ""},
		{"a store that is away", "http://127.0.0.1:1", 1, tenant.Premium, nil, "Unique viewers are left out: plays: VictoriaLogs cannot be reached"},
	} {
		for _, kind := range []Kind{Usage, Event} {
			if kind == Event && tt.level == tenant.Default {
				continue
			}
			request := widget.Request{From: end.Add(-time.Duration(tt.days) * 24 * time.Hour), To: end, Now: time.Now(), Level: tt.level, Plays: reader(t, tt.url)}
			r, err := kind.Make(t.Context(), sums, request, 20)
			if err != nil {
				t.Fatalf("%s, %s: %v", tt.name, kind, err)
			}
			r.Title, r.Organization = kind.Title(), "Acme"
			var tables []string
			for _, table := range r.Tables {
				if table.Name == "uniqueViewers" || table.Name == "worstSegments" {
					tables = append(tables, table.Name)
				}
			}
			if !slices.Equal(tables, tt.tables) {
				t.Errorf("%s, %s: tables %q, want %q; %q", tt.name, kind, tables, tt.tables, r.Notices)
			}
			if tt.notice != "" && !slices.ContainsFunc(r.Notices, func(n string) bool { return strings.HasPrefix(n, tt.notice) }) {
				t.Errorf("%s, %s: it says %q, want %q", tt.name, kind, r.Notices, tt.notice)
			}
			if tt.days != 1 || len(tt.tables) == 0 {
				continue
			}
			_, records := written(t, r)
			for _, want := range [][3]string{{"uniqueViewers", "viewers", "100"}, {"uniqueViewers", "plays", "400"}, {"worstSegments", "plays", "100"}, {"worstSegments", "ratio", "0.5"}} {
				if !slices.ContainsFunc(records, func(line []string) bool {
					return line[0] == want[0] && line[2] == want[1] && line[4] == want[2] && (want[0] != "worstSegments" || line[1] == "operator Bad Net")
				}) {
					t.Errorf("%s: the CSV lacks %q", kind, want)
				}
			}
			words := text(t, pdf(t, r, Layout{Paper: A4}))
			for _, want := range []string{"Unique viewers", "Worst segments", "operator Bad Net", "50.0 %"} {
				if !strings.Contains(words, squeeze(want)) {
					t.Errorf("%s: the PDF lacks %q:\n%s", kind, want, words)
				}
			}
		}
	}
}
