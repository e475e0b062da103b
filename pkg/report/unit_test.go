package report

import (
	"testing"

	"github.com/streamlens/streamlens/pkg/widget"
)

func TestFormat(t *testing.T) {
	tests := []struct {
		value float64
		unit  widget.Unit
		want  string
	}{
		{0, widget.Bytes, "0 B"},
		{999, widget.Bytes, "999 B"},
		{1000, widget.Bytes, "1 kB"},
		{1234, widget.Bytes, "1.23 kB"},
		{999_400_000, widget.Bytes, "999 MB"},
		{999_900_000, widget.Bytes, "1.00 GB"},
		{45_600_000_000, widget.Bytes, "45.6 GB"},
		{1.5e12, widget.Bytes, "1.50 TB"},
		{1.2e18, widget.Bytes, "1,200 PB"},
		{0, widget.Seconds, "0 s"},
		{59, widget.Seconds, "59 s"},
		{90, widget.Seconds, "1.50 mins"},
		{7200, widget.Seconds, "2 hours"},
		{86400 * 10, widget.Seconds, "1.43 weeks"},
		{0.1234, widget.Ratio, "12.3 %"},
	}
	for _, test := range tests {
		if got := format(test.value, test.unit); got != test.want {
			t.Errorf("%v %s is %q, want %q", test.value, test.unit, got, test.want)
		}
	}
}

func TestExactly(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0 seconds", 1234567.5: "1,234,567.5 seconds", 0.1 + 0.2: "0.3 seconds", 100: "100 seconds",
	} {
		if got := exactly(value, widget.Seconds); got != want {
			t.Errorf("%v is %q, want %q", value, got, want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		most  float64
		tick  float64
		count int
	}{
		{0, 1, 1}, {1, 0.2, 5}, {4e9, 1e9, 4}, {11e9, 2.5e9, 5}, {5e12, 1e12, 5}, {999, 200, 5}, {510e6, 200e6, 3},
	} {
		tick, count := ticks(test.most, stepOf(test.most, widget.Bytes))
		if !near(tick/test.tick, 1) || count != test.count {
			t.Errorf("up to %v there are %d ticks of %v, want %d of %v", test.most, count, tick, test.count, test.tick)
		}
	}
}

func TestVisual(t *testing.T) {
	for text, want := range map[string]string{
		"abc":          "abc",
		"שלום":         "םולש",
		"abc שלום 12":  "abc 12 םולש",
		"שלום abc":     "abc םולש",
		"abc שלום!":    "abc םולש!",
		"abc 7 שלום x": "abc 7 םולש x",
		"باب":          "\uFE8F\uFE8E\uFE91",
	} {
		if got := visual(text); got != want {
			t.Errorf("%q is seen as %q, want %q", text, got, want)
		}
	}
}
