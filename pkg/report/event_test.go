package report

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
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

// someEvent is an event of an hour before today, to which 60 come in Germany and 30 in France, half of whom stay half of it and half to its end.
func someEvent() []usage {
	begin := today.Add(-3 * time.Hour)
	all := []usage{}
	add := func(id measure.ID, at time.Time, country, direction, what string, value int64) {
		all = append(all, usage{id, at, country, "final", direction, what, value})
	}
	for i := range 60 {
		at := begin.Add(time.Duration(i) * time.Minute)
		add(measure.Playing, at, "DE", measure.Ingest, "webcaster", 60_000)
		for country, n := range map[string]int64{"DE": 60, "FR": 30} {
			if i >= 30 {
				n /= 2
			}
			add(measure.Viewing, at, country, "", "", n*60_000)
		}
	}
	for country, n := range map[string]int64{"DE": 60, "FR": 30} {
		device := map[string]string{"DE": "mobile", "FR": "tv"}[country]
		add(measure.Plays, begin, country, "", "", n)
		add(measure.PlaysByOS, begin, country, "", device, n)
		add(measure.Stays, begin, country, "", "", n)
		for half, length := range []time.Duration{30 * time.Minute, time.Hour} {
			end := begin.Add(time.Duration(half+1)*30*time.Minute - time.Millisecond)
			add(measure.Stays, begin, country, "", measure.BucketRange(measure.Bucket(length.Milliseconds())), n/2)
			add(measure.Stops, end, country, "", "normal", n/2)
			add(measure.Quality, end, country, "", []string{measure.QualityBad, measure.QualityGood}[half], n/2)
		}
	}
	return all
}

func TestEventReport(t *testing.T) {
	client := store(t, someEvent(), nil)
	request := widget.Request{Query: widget.Query{Stream: []string{"final"}}, From: today.Add(-4 * time.Hour), To: today.Add(-time.Hour), Now: time.Now(), Level: tenant.Premium}
	r, err := MakeEvent(t.Context(), client, request, 1)
	if err != nil {
		t.Fatal(err)
	}
	r.Title, r.Organization = Event.Title(), "Acme"
	numbers, records := written(t, r)
	for place, want := range map[[3]string]float64{
		{"eventSummary", "", "peakViewers"}: 90, {"eventSummary", "", "plays"}: 90, {"eventSummary", "", "watched"}: 90 * 45 * 60,
		{"eventSummary", "", "averageViewers"}: 67.5, {"eventSummary", "", "watchedPerPlay"}: 2700, {"eventSummary", "", "length"}: 3600,
		{"eventSummary", "", "shareWatched"}: 0.75, {"eventSummary", "", "goodPlays"}: 0.5,
		{"eventSummary", "DE", "plays"}: 60, {"eventSummary", "(the rest)", "plays"}: 30, {"eventSummary", "(the rest)", "goodPlays"}: 0.5,
		{"playsByDevice", "mobile", "plays"}: 60, {"playsByDevice", "(the rest)", "plays"}: 30,
		{"goodPlays", "", "good"}: 0.5, {"retention", "16.7 min", "retained"}: 1, {"retention", "35.9 min", "retained"}: 0.5, {"retention", "1.29 h", "retained"}: 0,
	} {
		if got, ok := numbers[place]; !ok || math.Abs(got-want) > 1e-9 {
			t.Errorf("%v is %v, want %v", place, got, want)
		}
	}
	if !slices.ContainsFunc(records, func(line []string) bool {
		return line[0] == "joinsAndLeaves" && line[2] == "joinsPerMinute" && line[4] == "90"
	}) {
		t.Error("no minute has the joins")
	}
	words := text(t, pdf(t, r, Layout{Paper: A4}))
	for _, want := range []string{
		"Event report", "stream: final", "Peak viewers", "90", "Average viewers", "68", "Watched per play", "45 mins", "Share watched", "75.0 %", "Good plays", "50.0 %",
		"Joins per minute", "Leaves per minute", "Retention", "Countries", "Germany (DE)", "the rest", "Devices", "mobile",
	} {
		if !strings.Contains(words, squeeze(want)) {
			t.Errorf("the PDF lacks %q:\n%s", want, words)
		}
	}
	if name := r.FileName("acme", PDF); !strings.HasPrefix(name, "acme-event-") {
		t.Errorf("the file is called %s", name)
	}
	request.Level = tenant.Default
	if _, err := MakeEvent(t.Context(), client, request, 1); !errors.Is(err, widget.ErrForbidden) {
		t.Errorf("an organisation of the level default gets %v", err)
	}
}

// TestEventReportHasViewers has plays of two users of the stream and one of another, and a range that is too long for viewers.
func TestEventReportHasViewers(t *testing.T) {
	client := store(t, someEvent(), nil)
	url := vltest.Start(t)
	writer, err := vl.NewClient(url, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for i, of := range []struct{ user, stream string }{{"u1", "final"}, {"u1", "final"}, {"u2", "final"}, {"u3", "other"}} {
		p := play.NewRecord()
		p.Organization, p.Session, p.Direction, p.User, p.Stream = "acme", strconv.Itoa(i), measure.Playout, of.user, of.stream
		p.Begin = today.Add(-3 * time.Hour).UnixMilli()
		p.Start, p.End = p.Begin, p.Begin+int64(i+1)*60_000
		lines = append(lines, p.Line(nil))
	}
	if err := writer.Insert(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	if err := writer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	request := widget.Request{Query: widget.Query{Stream: []string{"final"}}, From: today.Add(-4 * time.Hour), To: today.Add(-time.Hour), Now: time.Now(), Level: tenant.Premium,
		Plays: writer}
	r, err := MakeEvent(t.Context(), client, request, 20)
	if err != nil {
		t.Fatal(err)
	}
	r.Title, r.Organization = Event.Title(), "Acme"
	numbers, _ := written(t, r)
	if viewers, plays := numbers[[3]string{"uniqueViewers", "", "viewers"}], numbers[[3]string{"uniqueViewers", "", "plays"}]; viewers != 2 || plays != 3 {
		t.Errorf("%v viewers with %v plays", viewers, plays)
	}
	if words := text(t, pdf(t, r, Layout{Paper: A4})); !strings.Contains(words, squeeze("Unique viewers")) {
		t.Errorf("the PDF has no viewers:\n%s", words)
	}
	leftOut := func(r *Report) bool {
		return slices.ContainsFunc(r.Notices, func(n string) bool {
			return strings.HasPrefix(n, "Unique viewers") && strings.Contains(n, "are left out")
		})
	}
	if leftOut(r) {
		t.Errorf("viewers are left out: %q", r.Notices)
	}
	for name, change := range map[string]func(*widget.Request){
		"no store":    func(r *widget.Request) { r.Plays = nil },
		"a long time": func(r *widget.Request) { r.From = today.Add(-40 * 24 * time.Hour) },
	} {
		of := request
		change(&of)
		if r, err := MakeEvent(t.Context(), client, of, 20); err != nil || !leftOut(r) {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
}

// TestEventReportOfNothing makes the report of a time in which nothing was, each chart and table of which says so.
func TestEventReportOfNothing(t *testing.T) {
	client := store(t, someEvent(), nil)
	for name, stream := range map[string]string{"an unknown stream": "none", "before all": "final"} {
		t.Run(name, func(t *testing.T) {
			request := widget.Request{Query: widget.Query{Stream: []string{stream}}, From: today.Add(-40 * time.Hour), To: today.Add(-30 * time.Hour), Now: time.Now(),
				Level: tenant.Premium}
			r, err := MakeEvent(t.Context(), client, request, 20)
			if err != nil {
				t.Fatal(err)
			}
			r.Title, r.Organization = Event.Title(), "Acme"
			if words := text(t, pdf(t, r, Layout{Paper: Letter})); !strings.Contains(words, squeeze("Nothing in this range.")) || strings.Contains(words, "NaN") {
				t.Errorf("the PDF says\n%s", words)
			}
			if _, records := written(t, r); slices.ContainsFunc(records, func(line []string) bool { return line[4] == "NaN" }) {
				t.Error("the CSV has no numbers")
			}
		})
	}
}
