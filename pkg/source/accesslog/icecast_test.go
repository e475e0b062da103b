package accesslog_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// TestIcecast reads the access log that Icecast 2.4.4 wrote.
func TestIcecast(t *testing.T) {
	log, err := os.ReadFile("testdata/icecast/access.log")
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		method, stream, protocol, address, userAgent string
		bytes                                        int64
	}
	var got []row
	d := decoder(t, accesslog.Format{Name: "icecast"})
	for line := range bytes.Lines(log) {
		var r accesslog.Request
		if told, err := d.Decode(bytes.TrimSpace(line), &r); err != nil || !told {
			t.Fatalf("%s: %t %v", line, told, err)
		}
		if r.Stream != "" {
			got = append(got, row{r.Method, r.Stream, r.Protocol, r.Address.String(), r.UserAgent, r.Bytes})
		}
	}
	if want := []row{
		{"GET", "hooked.mp3", "icecast", "127.0.0.62", "Radio/2.0", 376844},
		{"GET", "radio.mp3", "icecast", "127.0.0.61", "Radio/1.0", 378259},
		{"PUT", "hooked.mp3", "icecast", "127.0.0.1", "Lavf/59.27.100", 63},
		{"PUT", "radio.mp3", "icecast", "127.0.0.1", "Lavf/59.27.100", 63},
	}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
