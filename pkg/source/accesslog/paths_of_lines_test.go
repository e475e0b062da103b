package accesslog_test

import (
	"testing"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// TestPathsOfLines decodes what servers write beside a path.
func TestPathsOfLines(t *testing.T) {
	const clf = `192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET `
	for _, test := range []struct{ name, format, header, line, path, query string }{
		{"the session of a server in Java", "common", "", clf + `/app/NAME.m3u8;jsessionid=5F3A?a=1 HTTP/1.1" 200 7`, "/app/NAME.m3u8", "a=1"},
		{"parameters of a folder", "common", "", clf + `/app/NAME;v=1.1;u=x/seg-1.ts HTTP/1.1" 200 7`, "/app/NAME/seg-1.ts", ""},
		{"a semicolon alone", "common", "", clf + `/app/a;b/seg-1.ts HTTP/1.1" 200 7`, "/app/a;b/seg-1.ts", ""},
		{"a semicolon with an escape", "common", "", clf + `/app/a%3Bb=1/seg-1.ts HTTP/1.1" 200 7`, "/app/a;b=1/seg-1.ts", ""},
		{"the common format and a duration", "common", "", clf + `/a/seg-1.ts HTTP/1.1" 200 7 12345`, "/a/seg-1.ts", ""},
		{"a URL for the stem", "w3c", "#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes",
			"2000-10-10 13:55:36 192.0.2.1 GET https://cdn.example/a/index.m3u8?t=1 200 7", "/a/index.m3u8", "t=1"},
		{"JSON of nginx for Elasticsearch", "nginx-json", "",
			`{"@timestamp":"2000-10-10T15:55:36+02:00","remote_addr":"192.0.2.1","request_uri":"/a/seg-1.ts","status":"200","body_bytes_sent":"7"}`,
			"/a/seg-1.ts", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := accesslog.NewDecoder(accesslog.Format{Name: test.format})
			if err != nil {
				t.Fatal(err)
			}
			var r accesslog.Request
			if test.header != "" {
				if _, err := d.Decode([]byte(test.header), &r); err != nil {
					t.Fatal(err)
				}
			}
			ok, err := d.Decode([]byte(test.line), &r)
			if !ok || err != nil || r.Path != test.path || r.Query != test.query || r.Bytes != 7 || r.Time != at("2000-10-10T13:55:36Z") {
				t.Errorf("%v %v, got %+v", ok, err, r)
			}
		})
	}
}
