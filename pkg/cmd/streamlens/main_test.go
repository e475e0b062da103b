package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/streamlens/streamlens/pkg/config"
)

func TestList(t *testing.T) {
	tests := []struct {
		name  string
		flags []string // one per time that the flag is given
		want  []string
	}{
		{"one value", []string{"DE"}, []string{"DE"}},
		{"several values", []string{"DE,FR"}, []string{"DE", "FR"}},
		{"repeated", []string{"DE,FR", "IT"}, []string{"DE", "FR", "IT"}},
		{"a quotation mark within", []string{`town "hall" (A|B)`}, []string{`town "hall" (A|B)`}},
		{"a comma within", []string{`"a,b",c`}, []string{"a,b", "c"}},
		{"a quotation mark and a comma within", []string{`"say ""a,b"""`}, []string{`say "a,b"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var l list
			for _, f := range test.flags {
				if err := l.Set(f); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(l, test.want) {
				t.Errorf("got %q, want %q", []string(l), test.want)
			}
		})
	}
}

func TestCollectorURL(t *testing.T) {
	for listen, want := range map[string]string{
		":8095":          "http://127.0.0.1:8095",
		"0.0.0.0:80":     "http://127.0.0.1:80",
		"[::]:8095":      "http://127.0.0.1:8095",
		"10.0.0.7:8095":  "http://10.0.0.7:8095",
		"collector:8095": "http://collector:8095",
	} {
		if got := collectorURL(config.Config{Listen: listen}); got != want {
			t.Errorf("a collector that listens on %s is at %s, want %s", listen, got, want)
		}
	}
	encrypted := config.Config{Listen: ":443", TLS: config.TLS{Certificate: "a.pem", Key: "b.pem"}}
	if got := collectorURL(encrypted); got != "https://127.0.0.1:443" {
		t.Errorf("a collector with a certificate is at %s", got)
	}
}

func TestPrintFrames(t *testing.T) {
	third := 1.0 / 3
	frame := data.NewFrame("",
		data.NewField("country", nil, []string{"DE", "US", "FR"}),
		data.NewField("value", data.Labels{"os": "iOS"}, []*float64{&third, nil, &third}))
	frame.Meta = &data.FrameMeta{Notices: []data.Notice{{Text: "A notice."}}}
	var b strings.Builder
	if err := printFrames(&b, data.Frames{frame}, 2); err != nil {
		t.Fatal(err)
	}
	want := "country  value os=iOS\nDE       0.333\nUS       -\n… and 1 more\nNote: A notice.\n"
	if b.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", b.String(), want)
	}
}

func TestHasData(t *testing.T) {
	zero, one := 0.0, 1.0
	for _, test := range []struct {
		name   string
		values []*float64
		want   bool
	}{
		{"no rows", nil, false},
		{"nothing but zero and none", []*float64{&zero, nil}, false},
		{"a number", []*float64{nil, &one}, true},
	} {
		frame := data.NewFrame("", data.NewField("name", nil, make([]string, len(test.values))), data.NewField("value", nil, test.values))
		if got := hasData(data.Frames{frame}); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
