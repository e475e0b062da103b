package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
	"github.com/streamlens/streamlens/pkg/widget"
)

// queryOf runs `streamlens query` as a premium organisation, and returns what it prints on the standard output.
func queryOf(t *testing.T, url string, arguments ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "streamlens.yaml")
	content := "victoriametrics:\n  url: " + url + "\norganizations:\n  - {id: acme, level: premium}\n  - {id: victim}\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	command := queryCommand()
	var output bytes.Buffer
	command.SetOut(&output)
	command.SetErr(&bytes.Buffer{})
	command.SetArgs(append(arguments, "--config", file))
	err := command.ExecuteContext(t.Context())
	return output.String(), err
}

// TestExportOfEveryWidget compares the CSV and the JSON of every widget, in both forms, with the frames of the same question.
func TestExportOfEveryWidget(t *testing.T) {
	url := vmtest.Start(t)
	vmtest.Import(t, url, everyDimension())
	to := time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Hour)
	for _, d := range widget.All() {
		for _, form := range []string{widget.FormTotal, widget.FormSeries} {
			t.Run(d.Type+" "+form, func(t *testing.T) {
				ask := func(more ...string) string {
					t.Helper()
					printed, err := queryOf(t, url, append(more, d.Type, "--org", "acme", "--form", form, "--interval", "1h",
						"--from", to.Add(-4*time.Hour).Format(time.RFC3339), "--to", to.Format(time.RFC3339), "--timezone", "Asia/Kolkata")...)
					if err != nil {
						t.Fatal(err)
					}
					return printed
				}
				var answer struct{ Frames data.Frames }
				if err := json.Unmarshal([]byte(ask("--json")), &answer); err != nil {
					t.Fatal(err)
				}
				want := numbersOf(t, answer.Frames[0])
				lines, err := csv.NewReader(strings.NewReader(ask("--format", "csv"))).ReadAll()
				if err != nil {
					t.Fatal(err)
				}
				inCSV := map[string]string{}
				var table struct {
					Columns []struct{ Name, Unit string }
					Rows    []map[string]any
				}
				decoder := json.NewDecoder(strings.NewReader(ask("--format", "json")))
				decoder.UseNumber()
				if err := decoder.Decode(&table); err != nil {
					t.Fatal(err)
				}
				inJSON := map[string]string{}
				for n, line := range lines[1:] {
					key := ""
					for i, c := range table.Columns {
						if head := lines[0][i]; head != c.Name && head != c.Name+" ("+c.Unit+")" {
							t.Fatalf("a column is %q in CSV and %+v in JSON", head, c)
						}
						switch value := table.Rows[n][c.Name].(type) {
						case nil:
							inCSV[key+c.Name], inJSON[key+c.Name] = line[i], ""
						case json.Number:
							inCSV[key+c.Name], inJSON[key+c.Name] = line[i], value.String()
						case string:
							if isNumber(answer.Frames[0], c.Name) { // one that has a word
								inCSV[key+c.Name], inJSON[key+c.Name] = line[i], value
							} else {
								key += value + "|"
							}
						}
					}
				}
				if len(inCSV) != len(want) || len(inJSON) != len(want) || len(want) == 0 {
					t.Errorf("%d numbers in CSV, %d in JSON, want %d", len(inCSV), len(inJSON), len(want))
				}
				for key, value := range want {
					if inCSV[key] != value || inJSON[key] != value {
						t.Errorf("%s is %q in CSV and %q in JSON, want %q", key, inCSV[key], inJSON[key], value)
					}
				}
			})
		}
	}
}

// everyDimension returns series of every measure that is no distribution, with a value for each of its dimensions.
func everyDimension() string {
	var lines strings.Builder
	stamp := time.Now().Add(-26 * time.Hour).Truncate(time.Hour).Add(58 * time.Minute) // on air at the end of an hour, so that there is a state
	for _, m := range measure.All() {
		if m.Kind == measure.Distribution {
			continue
		}
		for _, f := range m.Families() {
			for i, direction := range []string{measure.Playout, measure.Ingest} {
				labels := []string{`org="acme"`, `collector="a"`}
				for _, l := range slices.Concat(f.Labels, m.Dimensions) {
					value := map[string]string{measure.LabelCountry: "DE", measure.DimensionDirection: direction, measure.DimensionRange: measure.BucketRange(60)}[l]
					labels = append(labels, fmt.Sprintf("%s=%q", l, cmp.Or(value, "of "+l)))
				}
				for _, r := range m.Resolutions(f) {
					fmt.Fprintf(&lines, "%s{%s} %d %d\n", m.Metric(f, r), strings.Join(labels, ","), 1_000_000_007*(i+1), stamp.Truncate(r.Length).UnixMilli()+1)
				}
			}
		}
	}
	return lines.String()
}

// isNumber reports whether a column of a frame has numbers.
func isNumber(frame *data.Frame, column string) bool {
	return slices.ContainsFunc(frame.Fields, func(f *data.Field) bool { return f.Name == column && f.Type() == data.FieldTypeNullableFloat64 })
}

// numbersOf returns the numbers of a frame, as text, or the words for them, by time, name and column.
func numbersOf(t *testing.T, frame *data.Frame) map[string]string {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]string{}
	for i := range frame.Rows() {
		key := ""
		for _, f := range frame.Fields {
			switch value := f.At(i).(type) {
			case time.Time:
				key += value.In(zone).Format(time.RFC3339) + "|"
			case string:
				key += value + "|"
			case *float64:
				of := key
				for _, label := range f.Labels {
					of += label + "|"
				}
				numbers[of+f.Name] = ""
				if value != nil {
					numbers[of+f.Name] = strconv.FormatFloat(*value, 'f', -1, 64)
					if word, ok := widget.Words(f, *value); ok {
						numbers[of+f.Name] = word
					}
				}
			default:
				t.Fatalf("%s is a %T", f.Name, value)
			}
		}
	}
	return numbers
}

func TestQueryFormat(t *testing.T) {
	if _, err := queryOf(t, "http://127.0.0.1:1", "usageOverview", "--org", "acme", "--format", "xml"); err == nil ||
		!strings.Contains(err.Error(), `--format "xml"`) {
		t.Errorf("the error is %v", err)
	}
	url := vmtest.Start(t)
	vmtest.Import(t, url, everySeries([]string{"192.0.2.1"}))
	got, err := queryOf(t, url, "usageByStream", "--org", "acme", "--from", "now-3d", "--format", "csv")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got, "stream,ingest (bytes),playout (bytes)\n") {
		t.Errorf("the CSV is\n%s", got)
	}
}
