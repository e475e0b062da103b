package accesslog_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// TestJavaZones reads the times of Wowza in every time zone, with the names that Java 17 gives it in English and German.
// testdata/java-zones.txt has a time zone a line, and the names and offsets in January and in July.
func TestJavaZones(t *testing.T) {
	text, err := os.ReadFile("testdata/java-zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		location, err := time.LoadLocation(words[0])
		if err != nil {
			t.Logf("%s is not known here", words[0])
			continue
		}
		d := decoder(t, accesslog.Format{Name: "wowza", Location: location})
		for i, local := range []string{"2026-01-15  12:00:00", "2026-07-15  12:00:00"} {
			name := words[1+2*i]
			ahead, err := strconv.Atoi(words[2+2*i])
			if err != nil {
				t.Fatal(err)
			}
			log := strings.Replace(wowza("destroy", "stream", "rtmp", "192.0.2.1", 0, 1, "show"), tabs("2026-11-24  06:00:00  UTC"), tabs(local+"  "+name), 1)
			var r accesslog.Request
			want := at(strings.Replace(local, "  ", "T", 1)+"Z") - int64(ahead)*1000
			if ok, err := d.Decode([]byte(log), &r); !ok || err != nil || r.Time != want {
				t.Errorf("%s %s: got %v %v %d, want %d", words[0], name, ok, err, r.Time, want)
			}
		}
	}
}

// TestTimes reads times in the forms in which logs have them.
func TestTimes(t *testing.T) {
	for _, test := range []struct{ written, zone, want string }{
		{"10/Oct/2026:13:55:36 +0000", "", "2026-10-10T13:55:36Z"},
		{"10/Oct/2026:13:55:36 -0730", "America/New_York", "2026-10-10T21:25:36Z"},
		{"10/Oct/2026:13:55:36 -0000", "Europe/Berlin", "2026-10-10T13:55:36Z"},
		{"10/Oct/2026:13:55:36.789", "", "2026-10-10T13:55:36.789Z"},
		{"10/Oct/2026:13:55:36.789", "Europe/Berlin", "2026-10-10T11:55:36.789Z"},
		{"10/Oct/2026:13:55:36.789123 +0200", "", "2026-10-10T11:55:36.789Z"},
		{"10/Oct/2026:13:55:36", "America/New_York", "2026-10-10T17:55:36Z"},
		{"2026-10-10T13:55:36", "", "2026-10-10T13:55:36Z"},
		{"2026-10-10T13:55:36,789", "Europe/Berlin", "2026-10-10T11:55:36.789Z"},
		{"2026-10-10 13:55:36.7", "", "2026-10-10T13:55:36.7Z"},
		{"2026-10-10T13:55:36.123456789Z", "Europe/Berlin", "2026-10-10T13:55:36.123Z"},
		{"2026-10-10T13:55:36+05:30", "", "2026-10-10T08:25:36Z"},
		{"2026/10/10 13:55:36.789", "Europe/Berlin", "2026-10-10T11:55:36.789Z"},
		{"2026-10-10 13:55:36 GMT-03:00", "America/Sao_Paulo", "2026-10-10T16:55:36Z"},
		{"2026-10-10 13:55:36 -0300", "Europe/Berlin", "2026-10-10T16:55:36Z"},
		{"2026-10-10 13:55:36 -03", "", "2026-10-10T16:55:36Z"},
		{"2026-10-10 13:55:36 UTC+3", "", "2026-10-10T10:55:36Z"},
		{"2026-10-10 13:55:36 GMT+5:45", "", "2026-10-10T08:10:36Z"},
		{"2026-10-10 13:55:36 Z", "Europe/Berlin", "2026-10-10T13:55:36Z"},
		{"2026-10-10 13:55:36 BRT", "America/Sao_Paulo", "2026-10-10T16:55:36Z"},
		{"2026-10-10 13:55:36 SGT", "Asia/Singapore", "2026-10-10T05:55:36Z"},
		{"2026-10-10 13:55:36 MESZ", "Europe/Berlin", "2026-10-10T11:55:36Z"},
		// The clocks never show this time, which is in the hour that is left out.
		{"2026-03-29 02:30:00", "Europe/Berlin", "2026-03-29T01:30:00Z"},
		{"1795906776", "Europe/Berlin", "2026-11-28T22:59:36Z"},
		{"1795906776.3438785", "", "2026-11-28T22:59:36.343Z"},
		{"1795906776343", "", "2026-11-28T22:59:36.343Z"},
		{"1795906776343878", "", "2026-11-28T22:59:36.343Z"},
		{"1795906776343878500", "", "2026-11-28T22:59:36.343Z"},
		{"2026-10-10 13:55:36 BRT", "", ""},
		{"2026-10-10 13:55:36 EST", "Europe/Berlin", ""},
		{"2026-10-10 13:55:36 +25:00", "", ""},
		{"2026-10-10 13:55:36 GMT+", "", ""},
		{"2026-10-10 13:55:36 12", "", ""},
		{"2026-13-10 13:55:36", "", ""},
		{"2026-10-32 13:55:36", "", ""},
		{"10/Oct/2026:24:55:36 +0000", "", ""},
		{"10/Oct/2026:13:55:60 +0000", "", ""},
		{"1795906776.x", "", ""},
		{"Sat Oct 10 13:55:36 2026", "", ""},
	} {
		f := accesslog.Format{Name: "template", Template: `[$time_local] $request_uri $status $bytes_sent`}
		if test.zone != "" {
			location, err := time.LoadLocation(test.zone)
			if err != nil {
				t.Fatal(err)
			}
			f.Location = location
		}
		var r accesslog.Request
		ok, err := decoder(t, f).Decode([]byte(`[`+test.written+`] /a.ts 200 5`), &r)
		switch {
		case test.want == "" && err == nil:
			t.Errorf("%s in %q: got %d", test.written, test.zone, r.Time)
		case test.want != "" && (!ok || err != nil || r.Time != at(test.want)):
			t.Errorf("%s in %q: got %d %v, want %d", test.written, test.zone, r.Time, err, at(test.want))
		}
	}
}

// TestHourThatComesTwice reads a log in the hour that comes twice, whose times tell no zone: the order decides.
func TestHourThatComesTwice(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	f := accesslog.Format{Name: "template", Template: `[$time_local] $request_uri $status $bytes_sent`, Location: berlin}
	d := decoder(t, f)
	for _, step := range []struct{ local, want string }{
		{"01:59:59", "2026-10-24T23:59:59Z"}, {"02:00:00", "2026-10-25T00:00:00Z"}, {"02:10:00", "2026-10-25T00:10:00Z"},
		{"02:09:00", "2026-10-25T00:09:00Z"}, {"02:59:59", "2026-10-25T00:59:59Z"}, {"02:00:01", "2026-10-25T01:00:01Z"},
		{"02:10:00", "2026-10-25T01:10:00Z"}, {"02:59:58", "2026-10-25T01:59:58Z"}, {"03:00:00", "2026-10-25T02:00:00Z"},
	} {
		var r accesslog.Request
		if ok, err := d.Decode(fmt.Appendf(nil, "[25/Oct/2026:%s] /a.ts 200 5", step.local), &r); !ok || err != nil || r.Time != at(step.want) {
			t.Errorf("%s: got %d %v, want %d", step.local, r.Time, err, at(step.want))
		}
	}
	// A part of the log from within that hour needs to know what came before.
	line := []byte("[25/Oct/2026:02:10:00] /a.ts 200 5\n")
	for _, test := range []struct {
		name  string
		after int64
		want  string
	}{{"nothing is known", 0, "2026-10-25T00:10:00Z"}, {"the line before", at("2026-10-25T01:09:59Z"), "2026-10-25T01:10:00Z"}} {
		f.After = test.after
		var r accesslog.Request
		if ok, err := decoder(t, f).Decode(line[:len(line)-1], &r); !ok || err != nil || r.Time != at(test.want) {
			t.Errorf("%s: got %d %v, want %d", test.name, r.Time, err, at(test.want))
		}
	}
	for _, test := range []struct {
		name   string
		format accesslog.Format
		text   string
		want   bool
	}{
		{"in the hour", f, string(line), false},
		{"across it", f, "[25/Oct/2026:00:10:00] /a.ts 200 5\n[25/Oct/2026:05:10:00] /a.ts 200 5\n", false},
		{"before it", f, "[24/Oct/2026:02:10:00] /a.ts 200 5\n", true},
		{"without a time zone", accesslog.Format{Name: f.Name, Template: f.Template}, string(line), true},
		{"with zones", accesslog.Format{Name: "combined", Location: berlin}, `192.0.2.1 - - [25/Oct/2026:02:10:00 +0200] "GET /a.ts HTTP/1.1" 200 7 "-" "x"` + "\n", true},
		{"no log", f, "nonsense\n", true},
		{"nothing", f, "", true},
	} {
		if got := test.format.Divisible([]byte(test.text)); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}
