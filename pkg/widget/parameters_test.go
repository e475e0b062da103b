package widget_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/widget"
)

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		text string
		want time.Time // zero for an error
	}{
		{"now", now},
		{"now-24h", now.Add(-24 * time.Hour)},
		{"now-30d", now.Add(-30 * 24 * time.Hour)},
		{"now+5m", now.Add(5 * time.Minute)},
		{"2026-11-01T10:00:00+02:00", time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)},
		{"1793527200000", time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)},
		{"", time.Time{}},
		{"now-", time.Time{}},
		{"now*2h", time.Time{}},
		{"yesterday", time.Time{}},
		{"2026-11-01", time.Time{}},
	}
	for _, test := range tests {
		got, err := widget.ParseTime(test.text, now)
		if (err != nil) != test.want.IsZero() || err == nil && !got.Equal(test.want) {
			t.Errorf("%q is %v, %v; want %v", test.text, got, err, test.want)
		}
	}
}

// TestSetParameter holds that every field of a query can be given in an address, and means the same there as in JSON.
func TestSetParameter(t *testing.T) {
	want := widget.Query{}
	fields := map[string]any{}
	got := widget.Query{}
	for i, name := range widget.Parameters() {
		inJSON := name
		if name == widget.ParameterWidget {
			inJSON = "queryType"
		}
		values := []string{"7"}
		switch f := reflect.ValueOf(want).FieldByIndex([]int{i + 1}); f.Kind() {
		case reflect.Slice:
			values = []string{"a", "b,c"}
			fields[inJSON] = values
		case reflect.Int:
			fields[inJSON] = 7
		default:
			fields[inJSON] = "7"
		}
		if err := got.SetParameter(name, values); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) || slices.Contains(widget.Parameters(), "refId") {
		t.Errorf("the query is %+v, want %+v", got, want)
	}
	for _, wrong := range []struct {
		name   string
		values []string
	}{{"org", []string{"victim"}}, {"refId", []string{"A"}}, {"", []string{"a"}}, {"queryType", []string{"plays"}}, {"unit", []string{"traffic", "playtime"}}, {"top", []string{"many"}}} {
		if err := got.SetParameter(wrong.name, wrong.values); !errors.Is(err, widget.ErrBadQuery) {
			t.Errorf("%s=%v: %v, want a bad query", wrong.name, wrong.values, err)
		}
	}
}
