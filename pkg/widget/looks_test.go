package widget

import (
	"slices"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/measure"
)

func TestCountryName(t *testing.T) {
	for code, want := range map[string]string{
		"DE": "Germany", "GB": "United Kingdom", "XK": "Kosovo", "ZZ": "Unknown", "(other)": "(other)", "QQ": "QQ", "": "", "de-DE": "de-DE", "001": "001",
	} {
		if got := CountryName(code); got != want {
			t.Errorf("%q is called %q, want %q", code, got, want)
		}
	}
}

func TestNamesOfPeriods(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, to string
		want     [3]string
	}{
		{"within a month", "2026-11-29T06:28:00Z", [3]string{"Oct 2026", "1–29 Oct 2026", "1–29 Nov 2026"}},
		{"a whole month", "2026-10-31T23:00:00Z", [3]string{"Sep 2026", "1–30 Sep 2026", "Oct 2026"}},
		{"the first day", "2027-01-01T10:00:00Z", [3]string{"Dec 2026", "1 Dec 2026", "1 Jan 2027"}},
		{"the month before is shorter", "2026-03-31T10:00:00Z", [3]string{"Feb 2026", "1–28 Feb 2026", "1–31 Mar 2026"}},
		{"the zone has begun the next month", "2026-10-31T23:30:00Z", [3]string{"Oct 2026", "1 Oct 2026", "1 Nov 2026"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			to, err := time.Parse(time.RFC3339, test.to)
			if err != nil {
				t.Fatal(err)
			}
			periods := monthsToDate(to, berlin)
			names := namesOfPeriods(periods, berlin)
			for i, p := range periods {
				if names[p.name] != test.want[i] {
					t.Errorf("the %s is called %q, want %q", p.name, names[p.name], test.want[i])
				}
			}
		})
	}
}

// TestColors asks for the same names beside different ones.
func TestColors(t *testing.T) {
	c := allColors
	for label, names := range c.Names {
		if len(names) > len(c.Palette) {
			t.Errorf("%s has more names than the palette has colours", label)
		}
	}
	one := c.of("protocol", []string{"hls", "rtmp", measure.Other})
	other := c.of("protocol", []string{"rtmp", "dash", "hls"})
	if one["hls"] != other["hls"] || one["rtmp"] != other["rtmp"] || one["hls"] == one["rtmp"] {
		t.Errorf("colours go by rank: %v, %v", one, other)
	}
	if one[measure.Other] != c.Rest || c.of("country", []string{"ZZ"})["ZZ"] != c.Rest || c.of("height", []string{"(unknown)"})["(unknown)"] != c.Rest {
		t.Error("the rest has a name's colour")
	}
	versions := []string{"h5live 4.22.0", "h5live 4.23.1", "hlsjs 1.6.2", "hlsjs 1.5.7", "shaka 4.3", "videojs 8.1", "dashjs 5.0", "html5"}
	found := c.of("version", versions)
	seen := map[string]string{}
	for name, color := range found {
		if seen[color] != "" {
			t.Errorf("%s and %s are both %s", name, seen[color], color)
		}
		seen[color] = name
	}
	slices.Reverse(versions)
	for name, color := range c.of("version", versions) {
		if color != found[name] {
			t.Errorf("%s is %s or %s, by its rank", name, found[name], color)
		}
	}
	many := slices.Repeat([]string{"x"}, 30)
	for i := range many {
		many[i] += string(rune('a' + i))
	}
	if got := c.of("stream", many); len(got) != len(many) {
		t.Errorf("%d of %d streams have a colour", len(got), len(many))
	}
}

func TestPercentagesOfAColumnAreAlike(t *testing.T) {
	for _, test := range []struct {
		name   string
		values []float64
		want   uint16
	}{
		{"of a poor line", []float64{0.0007, 0.000957, 0.00193}, 2},
		{"of little buffering", []float64{0.0119, 0.0042}, 2},
		{"shares", []float64{0.934, 0.00748}, 1},
		{"just below ten", []float64{0.0994}, 2},
		{"that would be written as 10.0%", []float64{0.09951}, 1},
		{"less than nothing", []float64{-0.305, 0.01}, 1},
		{"whole", []float64{1, 0, 0.07, 0.29}, 0},
		{"none", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			field := data.NewField("value", nil, test.values)
			withNull := data.NewFieldFromFieldType(data.FieldTypeNullableFloat64, len(test.values)+1)
			for i := range test.values {
				withNull.Set(i, &test.values[i])
			}
			for _, f := range []*data.Field{field, withNull} {
				f.Config = &data.FieldConfig{}
				if alike(f); *f.Config.Decimals != test.want {
					t.Errorf("%d decimals, want %d", *f.Config.Decimals, test.want)
				}
			}
		})
	}
}
