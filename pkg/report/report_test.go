package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/widget"
)

// today begins the day in which the usage of someUsage ends; it lies within the retention.
var today = time.Now().UTC().Truncate(24 * time.Hour)

// names are streams whose names are long, or of scripts that need more than one font.
var names = []string{
	"a-camera-with-a-very-long-name-" + strings.Repeat("that-does-not-fit-into-a-line-", 5),
	"Новости", "Ελληνικά", "東京マラソン", "서울", "مباشر", "שידור", "emoji 🎥", "=SUM(A1)",
}

// someUsage is usage of 500 streams in 30 countries over the five days before today.
func someUsage() []usage {
	protocols := []string{"hls", "h5live", "rtmp"}
	var all []usage
	for i := range 500 {
		stream := fmt.Sprintf("stream-%03d", i)
		if i < len(names) {
			stream = names[i]
		}
		at := today.Add(-time.Duration(i%(5*24*60)+1) * 13 * time.Minute)
		country := fmt.Sprintf("A%c", 'A'+i%26)
		value := int64(1_000_000_007 * (500 - i))
		all = append(all,
			usage{measure.Traffic, at, country, stream, measure.Playout, protocols[i%3], value},
			usage{measure.Traffic, at, country, stream, measure.Ingest, "rtmp", value / 997},
			usage{measure.Playing, at, country, stream, measure.Playout, "hls", value / 1_000_001},
		)
	}
	return all
}

// someTags are tags of the streams of someUsage: one of 30 each, but for each seventh, and of each fifth another beside it.
func someTags() map[string][]string {
	tags := map[string][]string{}
	for i, u := range someUsage() {
		if i%7 == 0 {
			continue
		}
		tags[u.stream] = []string{fmt.Sprintf("customer-%02d", i%30)}
		if i%5 == 0 {
			tags[u.stream] = append(tags[u.stream], fmt.Sprintf("sport-%d", i%4))
		}
	}
	return tags
}

// answer returns the numbers of a widget's column by the names of its rows.
func answer(t *testing.T, client *vm.Client, r widget.Request, queryType, column string) map[string]float64 {
	t.Helper()
	r.QueryType = queryType
	if queryType == "monthToDate" {
		r.To = lastMoment(r.To)
	}
	frames, err := widget.Run(t.Context(), client, r)
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]float64{}
	for i := range frames[0].Rows() {
		name := ""
		if first := frames[0].Fields[0]; first.Type() == data.FieldTypeString {
			name = first.At(i).(string)
		}
		field, index := frames[0].FieldByName(column)
		if index < 0 {
			t.Fatalf("the widget %s has no column %s", queryType, column)
		}
		value, err := field.FloatAt(i)
		if err != nil {
			t.Fatal(err)
		}
		numbers[name] = value
	}
	return numbers
}

// written reads a report's CSV: numbers by table, row and column, and the lines.
func written(t *testing.T, r *Report) (map[[3]string]float64, [][]string) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[[3]string]float64{}
	for _, line := range records[1:] {
		if line[0] == "report" {
			continue
		}
		value, err := strconv.ParseFloat(line[4], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		numbers[[3]string(line[:3])] = value
	}
	return numbers, records
}

// pdf returns a report as a PDF.
func pdf(t *testing.T, r *Report, layout Layout) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.WritePDF(&b, layout); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// text returns the text of a PDF without spaces: pdftotext sees none between short words.
func text(t *testing.T, content []byte) string {
	t.Helper()
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is missing: install Poppler's tools (poppler-utils) to compare the text of the PDF")
	}
	file := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "-layout", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return squeeze(string(out))
}

// squeeze takes out of a text the spaces, and the marks of direction that pdftotext adds.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
}

func TestReportEqualsWidgets(t *testing.T) {
	client := store(t, someUsage(), someTags())
	tests := []struct {
		name  string
		query widget.Query
		from  time.Duration // before today
	}{
		{"five days", widget.Query{}, 5 * 24 * time.Hour},
		{"a day in another zone", widget.Query{Timezone: "Asia/Kolkata"}, 24 * time.Hour},
		{"five months", widget.Query{}, 150 * 24 * time.Hour},
		{"filters", widget.Query{Country: []string{"AB", "AC"}, Stream: names}, 5 * 24 * time.Hour},
		{"playtime", widget.Query{Unit: widget.UnitPlaytime}, 5 * 24 * time.Hour},
		{"nothing", widget.Query{Stream: []string{"unknown"}}, 5 * 24 * time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request := widget.Request{Query: test.query, From: today.Add(-test.from), To: today, Now: time.Now()}
			r, err := Make(t.Context(), client, request, 20)
			if err != nil {
				t.Fatal(err)
			}
			r.Title, r.Organization = "Usage report", "Acme"
			inCSV, _ := written(t, r)
			checkTotals(t, client, request, inCSV)
			checkBreakdowns(t, client, request, r, inCSV)
			listed := slices.ContainsFunc(r.Tables, func(table Table) bool { return table.Name == byTag })
			if some := len(answer(t, client, request, byTag, "playout")) > 0; listed != some {
				t.Errorf("a table by tag: %v, want %v", listed, some)
			}

			words := text(t, pdf(t, r, Layout{Paper: A4}))
			for _, column := range []string{"sent", "received"} {
				total := answer(t, client, request, "usageReport", column)[""]
				unit := r.Totals.Columns[0].Unit
				for _, want := range []string{exactly(total, unit), format(total, unit)} {
					if !strings.Contains(words, squeeze(want)) {
						t.Errorf("the PDF lacks %s %q:\n%s", column, want, words)
					}
				}
			}
			for stream, value := range answer(t, client, request, "usageByStream", "playout") {
				want := stream + " " + format(value, r.Totals.Columns[0].Unit)
				if strings.HasPrefix(stream, "stream-00") && !strings.Contains(words, squeeze(want)) {
					t.Errorf("the PDF lacks %q:\n%s", want, words)
				}
			}
		})
	}
}

// TestCompared holds what a report says of an earlier range to the widgets' answers about that range.
func TestCompared(t *testing.T) {
	client := store(t, someUsage(), nil)
	request := widget.Request{From: today.Add(-36 * time.Hour), To: today, Now: time.Now(), Query: widget.Query{Compare: widget.ComparePrevious}}
	r, err := Make(t.Context(), client, request, 5)
	if err != nil {
		t.Fatal(err)
	}
	r.Title, r.Organization = "Usage report", "Acme"
	inCSV, _ := written(t, r)
	words := text(t, pdf(t, r, Layout{Paper: A4}))
	now, before := request, request
	now.Compare, before.Compare = "", ""
	before.From, before.To = request.From.Add(-36*time.Hour), request.From
	for _, part := range []struct{ table, row, column, total string }{
		{"usageReport", "", "sent", "sent"}, {"usageReport", "", "received", "received"},
		{"usagePlayout", "(total)", "value", "sent"}, {"usageByStream", "(total)", "playout", "sent"}, {"usageByStream", "(total)", "ingest", "received"},
	} {
		is, was := answer(t, client, now, "usageReport", part.total)[""], answer(t, client, before, "usageReport", part.total)[""]
		for suffix, want := range map[string]float64{"": is, "Before": was, "Change": is/was - 1} {
			if got, ok := inCSV[[3]string{part.table, part.row, part.column + suffix}]; !ok || !near(got, want) || was == 0 {
				t.Errorf("%s%s of %s is %v, want %v", part.column, suffix, part.table, got, want)
			}
		}
		if want := signed(is/was-1, widget.Ratio) + " from " + format(was, widget.Bytes); part.row == "" && !strings.Contains(words, squeeze(want)) {
			t.Errorf("the PDF lacks %q:\n%s", want, words)
		}
	}
	listed, rest := 0.0, inCSV[[3]string{"usageByStream", "(the rest)", "playoutBefore"}]
	for key, value := range inCSV {
		if key[0] == "usageByStream" && !strings.HasPrefix(key[1], "(") && key[2] == "playoutBefore" {
			listed += value
		}
		if key[0] == "usageReport" && key[1] != "" && key[2] != "sent" && key[2] != "received" || strings.HasPrefix(key[2], "share") && key[2] != "share" {
			t.Errorf("the report has %v", key)
		}
	}
	if total := answer(t, client, before, "usageReport", "sent")[""]; rest == 0 || !near(listed+rest, total) {
		t.Errorf("listed streams had %v before and the rest %v, of %v", listed, rest, total)
	}
	if want := "delivered before change received before change"; !strings.Contains(words, squeeze(want)) {
		t.Errorf("the PDF lacks %q:\n%s", want, words)
	}
	var summary bytes.Buffer
	if err := r.WriteSummary(&summary); err != nil || strings.Count(summary.String(), " % from ") != 2 {
		t.Errorf("%v: the mail says\n%s", err, summary.String())
	}
}

// checkTotals compares the totals and the sums of the histogram and the breakdowns with the widget's totals.
func checkTotals(t *testing.T, client *vm.Client, request widget.Request, inCSV map[[3]string]float64) {
	t.Helper()
	sent := answer(t, client, request, "usageReport", "sent")[""]
	received := answer(t, client, request, "usageReport", "received")[""]
	bars := map[string]float64{}
	for key, value := range inCSV {
		if key[0] == "usageReport" && key[1] != "" {
			bars[key[2]] += value
		}
	}
	for _, sum := range []struct {
		name      string
		got, want float64
	}{
		{"sent", inCSV[[3]string{"usageReport", "", "sent"}], sent},
		{"received", inCSV[[3]string{"usageReport", "", "received"}], received},
		{"bars of sent", bars["sent"], sent},
		{"bars of received", bars["received"], received},
		{"sent by protocol", inCSV[[3]string{"usagePlayout", "(total)", "value"}], sent},
		{"received by protocol", inCSV[[3]string{"usageIngest", "(total)", "value"}], received},
		{"by country", inCSV[[3]string{"usageByCountry", "(total)", "value"}], sent + received},
		{"sent by stream", inCSV[[3]string{"usageByStream", "(total)", "playout"}], sent},
		{"received by stream", inCSV[[3]string{"usageByStream", "(total)", "ingest"}], received},
	} {
		if !near(sum.got, sum.want) {
			t.Errorf("%s is %v, want %v", sum.name, sum.got, sum.want)
		}
	}
}

// near allows for what adding up fractions of a second leaves; bytes are exact.
func near(a, b float64) bool { return a-b < 1e-5 && b-a < 1e-5 }

// checkBreakdowns compares each listed row with the widget's, and what is not listed with the rest.
func checkBreakdowns(t *testing.T, client *vm.Client, request widget.Request, r *Report, inCSV map[[3]string]float64) {
	t.Helper()
	for _, table := range r.Tables {
		for _, c := range table.Columns {
			left := answer(t, client, request, table.Name, c.Name)
			for _, row := range table.Rows {
				got, written := inCSV[[3]string{table.Name, r.csvName(row), c.Name}]
				want, ok := left[row.Name]
				if math.IsNaN(want) {
					if written {
						t.Errorf("%s of %q in %s is %v, which has no value", c.Name, row.Name, table.Name, got)
					}
				} else if !row.Added && (!ok || !near(got, want)) {
					t.Errorf("%s of %q in %s is %v, want %v", c.Name, row.Name, table.Name, got, want)
				}
				if !row.Added {
					delete(left, row.Name)
				}
			}
			rest := 0.0
			for _, value := range left {
				rest += value
			}
			if table.Name == byTag { // a stream with two of the rest counts once
				short := request
				short.Top = 20
				rest = answer(t, client, short, byTag, c.Name)[measure.Other]
			}
			if got := inCSV[[3]string{table.Name, "(the rest)", c.Name}]; !near(got, rest) {
				t.Errorf("%s of the rest in %s is %v, want %v", c.Name, table.Name, got, rest)
			}
		}
		if listed := len(table.Rows); listed > 22 {
			t.Errorf("%s has %d rows", table.Name, listed)
		}
	}
}

func TestContent(t *testing.T) {
	client := store(t, someUsage(), nil)
	request := widget.Request{
		Query: widget.Query{Country: []string{"AA", "AB"}, Event: []string{"final"}, Timezone: "Europe/Berlin"},
		From:  time.Date(2026, 7, 1, 0, 0, 30, 0, time.UTC), To: time.Date(2026, 7, 3, 12, 0, 30, 0, time.UTC),
		Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	}
	r, err := Make(t.Context(), client, request, 20)
	if err != nil {
		t.Fatal(err)
	}
	r.Title, r.Organization = "=July", "Ακμή & Co."
	_, records := written(t, r)
	for _, want := range [][]string{
		{"table", "row", "column", "unit", "value"},
		{"report", "title", "", "", "'=July"},
		{"report", "from", "", "", "2026-07-01T02:00:00+02:00"},
		{"report", "to", "", "", "2026-07-03T14:01:00+02:00"},
		{"report", "filter", "country", "", "AB"},
		{"report", "notice", "", "", "Traffic knows no events: the event filter does not change it."},
		{"usageReport", "2026-07-02T00:00:00+02:00", "sent", "bytes", "0"},
	} {
		if !slices.ContainsFunc(records, func(line []string) bool { return slices.Equal(line, want) }) {
			t.Errorf("the CSV lacks %q:\n%q", want, records)
		}
	}
	words := text(t, pdf(t, r, Layout{Paper: Letter}))
	for _, want := range []string{
		"=July", "Ακμή & Co.", "1 July 2026 02:00 CEST to 3 July 2026 14:01 CEST", "Europe/Berlin",
		"country one of: AA, AB", "event: final", "22 November 2026 13:00 CET", "Traffic knows no events",
		"Delivered per day", "Received per day", "No usage in this range.", "1 / 2", "2 / 2",
	} {
		if !strings.Contains(words, squeeze(want)) {
			t.Errorf("the PDF lacks %q:\n%s", want, words)
		}
	}
}

func TestMonthToDateOfWholeMonth(t *testing.T) {
	month := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, time.UTC)
	client := store(t, []usage{
		{measure.Traffic, month.Add(-time.Minute), "DE", "s", measure.Playout, "hls", 1000},
		{measure.Traffic, month.AddDate(0, -1, 0).Add(-time.Minute), "DE", "s", measure.Playout, "hls", 10},
	}, nil)
	request := widget.Request{From: month.AddDate(0, -1, 0), To: month, Now: time.Now()}
	r, err := Make(t.Context(), client, request, 20)
	if err != nil {
		t.Fatal(err)
	}
	numbers, _ := written(t, r)
	for row, want := range map[string]float64{"previous month": 10, "month to date": 1000} {
		if got := numbers[[3]string{"monthToDate", row, "playout"}]; got != want {
			t.Errorf("%s is %v, want %v", row, got, want)
		}
	}
}

func TestNamesInPDF(t *testing.T) {
	client := store(t, someUsage(), nil)
	request := widget.Request{From: today.Add(-5 * 24 * time.Hour), To: today, Now: time.Now()}
	r, err := Make(t.Context(), client, request, 20)
	if err != nil {
		t.Fatal(err)
	}
	r.Title, r.Organization = "Usage report", "Acme"
	words := text(t, pdf(t, r, Layout{Paper: A4}))
	for _, want := range []string{"Новости", "Ελληνικά", "東京マラソン", "서울", "שידור", "emoji □", "=SUM(A1)", "the rest"} {
		if !strings.Contains(words, squeeze(want)) {
			t.Errorf("the PDF lacks %q:\n%s", want, words)
		}
	}
}

func TestHostileNames(t *testing.T) {
	streams := []string{
		"", " ", "a\x00b", "a\r\nb", "č(\\)č", "\u200d\u202e\u0301", "\uffff\ufffd", "\xff\xfe", "𝔘𝔫𝔦",
		strings.Repeat("م", 3000), strings.Repeat(" ", 999),
	}
	columns := []Column{{Name: "playout", Unit: widget.Bytes}}
	table := Table{Name: "usageByStream", Title: "Streams", Names: "stream", Columns: columns}
	for i, s := range streams {
		table.Rows = append(table.Rows, Row{Name: s, Values: []float64{float64(i+1) * 1e9}})
	}
	r := &Report{
		Title: "Usage report", Organization: "\n", Zone: time.UTC, Unit: widget.UnitTraffic, Tables: []Table{table},
		Totals:    Table{Columns: columns, Rows: []Row{{Values: []float64{66e9}}}},
		Histogram: Table{Columns: columns}, Filters: []Filter{{"stream", streams}},
	}
	words := text(t, pdf(t, r, Layout{Paper: A4}))
	for _, want := range []string{"a□b 3 GB", "a□□b 4 GB", "č(\\)č 5 GB", "□□□ 9 GB", "11 GB"} {
		if !strings.Contains(words, squeeze(want)) {
			t.Errorf("the PDF lacks %q:\n%s", want, words)
		}
	}
}

func TestErrors(t *testing.T) {
	client := store(t, nil, nil)
	if _, err := Make(t.Context(), client, widget.Request{From: today, To: today, Now: today}, 20); err == nil {
		t.Error("an empty range has a report")
	}
	r := &Report{Title: "Usage report", Zone: time.UTC, Unit: widget.UnitTraffic, Totals: Table{Rows: []Row{{}}}}
	if err := r.WritePDF(&bytes.Buffer{}, Layout{Paper: A4, Logo: []byte("no image")}); err == nil {
		t.Error("what is no image became a logo")
	}
}

func TestLogo(t *testing.T) {
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewRGBA64(image.Rect(0, 0, 30, 8))); err != nil {
		t.Fatal(err)
	}
	r := &Report{Title: "Usage report", Organization: "Acme", Zone: time.UTC, Unit: widget.UnitTraffic, Totals: Table{Rows: []Row{{}}}}
	with, without := pdf(t, r, Layout{Paper: A4, Logo: logo.Bytes()}), pdf(t, r, Layout{Paper: A4})
	if image := []byte("/Subtype /Image"); !bytes.Contains(with, image) || bytes.Contains(without, image) {
		t.Error("the PDF has no image with a logo, or one without")
	}
}
