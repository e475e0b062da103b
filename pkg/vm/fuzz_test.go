package vm

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/VictoriaMetrics/metricsql"
)

// FuzzFilters reads what filters become with the parser of VictoriaMetrics: it must be one selector with the filters that
// were meant, whatever the values are.
func FuzzFilters(f *testing.F) {
	f.Add("DE\x00FR", "stream")
	f.Add(`a"} or {org="victim`, ".*")
	f.Add("a\x00"+`"|.*`+"\x00\n", "\\")
	f.Add("\xff", "\u2028\x00{}")
	f.Fuzz(func(t *testing.T, first, second string) {
		filters := Filters{{Label: "country", Values: strings.Split(first, "\x00")}, {Label: "stream", Values: strings.Split(second, "\x00")}}
		for _, filter := range filters {
			if slices.Contains(filter.Values, "") {
				return // package widget refuses it
			}
		}
		text := filters.String()
		parsed, err := metricsql.Parse("m" + text)
		if err != nil {
			// Bytes that are no UTF-8 are no regular expression; VictoriaMetrics refuses the query, as package widget does before.
			if utf8.ValidString(first) && utf8.ValidString(second) {
				t.Fatalf("%s does not parse: %v", text, err)
			}
			return
		}
		selector, ok := parsed.(*metricsql.MetricExpr)
		if !ok || len(selector.LabelFilterss) != 1 || len(selector.LabelFilterss[0]) != 1+len(filters) {
			t.Fatalf("%s is %s", text, parsed.AppendString(nil))
		}
		for i, got := range selector.LabelFilterss[0][1:] {
			want := filters[i]
			if got.Label != want.Label || got.IsNegative || got.IsRegexp != (len(want.Values) > 1) {
				t.Fatalf("%s has the filter %s", text, got.AppendString(nil))
			}
			if !got.IsRegexp {
				if got.Value != want.Values[0] {
					t.Fatalf("%s lets %q through, want %q", text, got.Value, want.Values[0])
				}
				continue
			}
			expression, err := regexp.Compile("^(?:" + got.Value + ")$")
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			for _, probe := range append([]string{first, second, "", "victim", first + "x"}, want.Values...) {
				if expression.MatchString(probe) != slices.Contains(want.Values, probe) {
					t.Fatalf("%s: %q matches: %v", text, probe, expression.MatchString(probe))
				}
			}
		}
	})
}
