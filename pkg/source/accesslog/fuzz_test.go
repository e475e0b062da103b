package accesslog_test

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// examine decodes a line and checks that the answer can be right, and that it is the same for a decoder that has seen others.
func examine(t *testing.T, used accesslog.Decoder, format accesslog.Format, line string) {
	var r, again accesslog.Request
	ok, err := decoder(t, format).Decode([]byte(line), &r)
	if againOK, againErr := used.Decode([]byte(line), &again); ok != againOK || (err == nil) != (againErr == nil) || ok && r != again {
		t.Errorf("%q:\na new decoder says  %v %v %+v,\nanother one says   %v %v %+v", line, ok, err, r, againOK, againErr, again)
	}
	var refused *accesslog.Error
	switch {
	case err != nil && (ok || !errors.As(err, &refused) || refused.Field == "" || refused.Reason == "" || refused.Message == ""):
		t.Errorf("%q: refused as %v %#v", line, ok, err)
	case !ok:
		return
	case r.Time <= 0, r.Bytes < 0, r.Bytes > event.MaxBytes, r.Status < 0, r.Status > 999,
		r.Direction != measure.Playout && r.Direction != measure.Ingest:
		t.Errorf("%q: got %+v", line, r)
	}
	for _, s := range []string{
		r.Method, r.Path, r.Query, r.Referrer, r.UserAgent, r.Protocol, r.Stream, r.CMCD.Query, r.CMCD.Object, r.CMCD.Request,
		r.CMCD.Session, r.CMCD.Status,
	} {
		if !utf8.ValidString(s) {
			t.Errorf("%q: %q is no UTF-8", line, s)
		}
	}
}

// fuzz decodes lines of one of the formats.
func fuzz(f *testing.F, formats []accesslog.Format, seeds []string) {
	for _, seed := range seeds {
		for i := range formats {
			f.Add(uint8(i), seed)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, line string) {
		// A header would change what this decoder knows.
		if strings.HasPrefix(line, "#") {
			return
		}
		format := formats[int(which)%len(formats)]
		used := decoder(t, format)
		for _, seed := range seeds {
			var r accesslog.Request
			// Some seeds are of other formats.
			_, _ = used.Decode([]byte(seed), &r)
		}
		examine(t, used, format, line)
	})
}

// seedsOf returns a line of each format.
func seedsOf(names ...string) []string {
	r := rand.New(rand.NewPCG(11, 12))
	var seeds []string
	for _, w := range writers {
		if slices.Contains(names, w.name) {
			seeds = append(seeds, w.line(r, random(r)))
		}
	}
	return seeds
}

func formatsOf(names ...string) []accesslog.Format {
	formats := make([]accesslog.Format, len(names))
	for i, name := range names {
		formats[i].Name = name
	}
	return formats
}

func FuzzTemplate(f *testing.F) {
	seeds := seedsOf("combined", "apache-vhost-combined", "lighttpd", "haproxy", "haproxy-clf", "traefik", "squid", "trafficserver", "aws-alb", "aws-s3", "gcore")
	fuzz(f, append(formatsOf("nginx-combined", "apache-combined", "lighttpd", "haproxy", "haproxy-clf", "traefik", "squid", "trafficserver", "aws-alb", "aws-s3", "nginx-rtmp"),
		accesslog.Format{Name: "template", Template: ownTemplate}), append(seeds,
		`192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET /a%20.ts?CMCD=a%3D1 HTTP/1.1" 200 7 "http://r/" "x\x22\"\u0041"`,
		`::1 [29/Nov/2026:09:17:08 +0000] PLAY "live" "größe" "" - 405 236955 "https://r/" "LNX 9,0,124,2" (1h 0m 4s)`,
		`::1 [2026-11-24T06:46:31.5+00:00] GET "/hls/gro\xC3\x9Fes studio-2.ts" "a" 206 363 "curl/7.88.1" "-" "sid" 0.000`,
	))
}

func FuzzJSON(f *testing.F) {
	names := []string{"cloudflare", "nginx-json", "json", "caddy", "traefik-json", "cloudfront-json", "akamai-json", "mediapackage", "google-cloud", "azure-front-door"}
	fuzz(f, formatsOf(names...), append(seedsOf(names...),
		`{"EdgeEndTimestamp":1546480452000000000,"EdgeResponseBytes":5,"ClientRequestURI":"/a?CMCD=b","RequestHeaders":{"cmcd-status":"bs"}}`,
		`{"msec":"1795502790.944","remote_addr":"::1","request_uri":"/a%20b","status":"200","bytes_sent":"5","http_user_agent":"\u00e9"}`,
		`{"time":1663583003838,"address":"203.0.113.9","method":"GET","url":"/a","status":200,"bytes":8,"user_agent":null}`,
	))
}

func FuzzColumns(f *testing.F) {
	w3c := accesslog.Format{Name: "w3c", Fields: strings.Fields("date time c-ip cs-method cs-uri sc-status sc-bytes cs(User-Agent) cs(Referer)")}
	iis := accesslog.Format{Name: "iis", Fields: w3c.Fields}
	structured := accesslog.Format{Name: "akamai-structured", Fields: strings.Fields("reqTimeSec bytes cliIP statusCode reqMethod reqPath queryStr UA transferTimeMSec")}
	fuzz(f, append(formatsOf("cloudfront", "cloudfront-realtime", "wowza", "bunny", "keycdn"), w3c, iis, structured), append(seedsOf("cloudfront", "w3c", "iis", "bunny", "keycdn"),
		tabs(`2019-12-04  21:02:31  LAX1  392  192.0.2.100  GET  h  /a%2520.ts  200  -  Mozilla%2520x  CMCD=sid%253D%25226%2522`),
		tabs(`1663583003.838  ::1  0.001  200  812345  GET  https  h  /a.ts  57  FRA56-C1  x  y  0.002  HTTP/2.0  IPv6  M%20`),
		wowza("destroy", "stream", "http (cupertino)", "192.0.2.1", 3, 4, "mp4:show"),
		wowza("destroy", "stream", "rtmps (HTTP-1.1)", "192.0.2.1", 7, 4, "rtmp://h/live/show"),
		`1573840000.5 5 192.0.2.1 200 GET a%20b.ts - x+y 5`,
	))
}

func FuzzRules(f *testing.F) {
	for _, seed := range []string{
		"/hls/NAME_720p-12.ts", "/live/ngrp:NAME_all/chunklist_b800000.m3u8", "/dash/NAME/chunk-stream0-00001.m4s", "/a/b_1_2_init.mp4",
		"/memfs/71946bf8-b2a0-4774-99a3-02783ac0d9db_output_0_0002.ts", "//%//_stream.m3u8", "/x/-_-.mpd", "/video1_stream.m3u8",
		"/live/cam-2026-11-28_21-00-04.509.ts", "/c/2026/11/28/21/00/00-05000.part3.m4s", "/a.isml/QualityLevels(1)/Fragments(video=1)",
		"/out/v1/a/b/c/index_1_2.ts", "/hls/0/stream-kQ7xVb2n1646944255.ts", "/live/cam1_17_9a70776c.ts", "/streams/1/0.ts",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		rules := accesslog.NewRules(nil)
		stream, protocol, media, ok := rules.Match(path)
		switch {
		case !ok && (stream != "" || protocol != "" || media):
			t.Errorf("%q: got %q %q %v without ok", path, stream, protocol, media)
		case ok && (stream == "" || !event.ValidText(stream, event.MaxNameBytes) || protocol != "hls" && protocol != "dash" && protocol != "smooth"):
			t.Errorf("%q: got %q %q", path, stream, protocol)
		}
		// What it teaches is of others, and after it there is nothing to learn; what is remembered is what is found anew.
		if againStream, againProtocol, _, againOK := rules.Match(path); ok != againOK || againStream != stream || againProtocol != protocol {
			t.Errorf("%q: got %q %q, then %q %q", path, stream, protocol, againStream, againProtocol)
		}
		before := rules.Changes()
		if rules.Learn(path); rules.Changes() != before {
			t.Errorf("%q teaches something twice", path)
		}
		restored := accesslog.NewRules(nil)
		if err := restored.Restore(rules.State()); err != nil {
			t.Fatal(err)
		}
		if found, _ := restored.Find(path); found.Stream != stream {
			t.Errorf("%q: got %q, after a restart %q", path, stream, found.Stream)
		}
		// Segments are the same whatever their number is, so what is cached holds for the next one.
		if extension := strings.LastIndexByte(path, '.'); media && extension > 0 && path[extension-1]-'0' < 10 {
			next := path[:extension-1] + string('0'+(path[extension-1]-'0'+1)%10) + path[extension:]
			cached, _ := rules.Find(next)
			fresh := accesslog.NewRules(nil)
			fresh.Learn(path)
			if found, _ := fresh.Find(next); found.Stream != cached.Stream {
				t.Errorf("%q: %q of what is cached of %q, else %q", next, cached.Stream, path, found.Stream)
			}
		}
	})
}

// FuzzFormat takes the format itself from outside, as the parameters of a request with log lines do.
func FuzzFormat(f *testing.F) {
	names := accesslog.Formats()
	for i := range names {
		f.Add(uint8(i), ownTemplate, "time,c-ip,x-sname", `192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET /a.ts HTTP/1.1" 200 7 "-" "-"`)
	}
	f.Add(uint8(slices.Index(names, "template")), `%h %l [%{%d/%b/%Y}t %{%T}t] \"%r\" %>s %O %D`, "", `::1 - [10/Oct/2000 13:55:36] "GET /a HTTP/1.1" 200 5 7`)
	f.Add(uint8(slices.Index(names, "template")), `%{+Q}o %ci:%cp [%tr] %r %ST %B %[req.hdr(x)]`, "", `::1:5 [10/Oct/2000:13:55:36.5] "GET /a HTTP/1.1" 200 5 "x"`)
	f.Add(uint8(slices.Index(names, "template")), `%ts.%03tu %6tr %>a %>Hs %<st %rm %ru`, "", `1763800000.123      5 ::1 200 5 GET /a`)
	f.Add(uint8(slices.Index(names, "template")), `%<cqtq> %<chi> %<pssc> %<psql> %<pquc> %<{Referer}cqh>`, "", `1763800000.123 ::1 200 5 /a -`)
	f.Add(uint8(slices.Index(names, "template")), `$msec|${request}|$status|$bytes_sent|$nothing`, "", `1763800000.1|GET /a.ts HTTP/1.1|200|5|`)
	f.Fuzz(func(t *testing.T, name uint8, template, fields, line string) {
		format := accesslog.Format{Name: names[int(name)%len(names)]}
		if format.Name == "template" {
			format.Template = template
		}
		if fields != "" {
			format.Fields = strings.Split(fields, ",")
		}
		if _, err := accesslog.NewDecoder(format); err != nil {
			return
		}
		// A header would change what the second decoder knows.
		if !strings.HasPrefix(line, "#") {
			examine(t, decoder(t, format), format, line)
		}
	})
}

// FuzzOwnRules matches paths against a rule of the configuration.
func FuzzOwnRules(f *testing.F) {
	f.Add(`^/vod/(?P<stream>[^/]+)/`, "/vod/name/a.m3u8")
	f.Add(`(?P<protocol>hls|dash)/(?P<stream>.*)`, "/hls/\xff/x")
	f.Add(`(?P<stream>)|(?P<stream>.+)`, "/x")
	f.Fuzz(func(t *testing.T, expression, path string) {
		compiled, err := regexp.Compile(expression)
		if err != nil || compiled.SubexpIndex("stream") < 0 {
			return // the configuration refuses it
		}
		stream, _, _, ok := accesslog.NewRules([]accesslog.Rule{{Path: compiled}}).Match(path)
		if ok && (stream == "" || !event.ValidText(stream, event.MaxNameBytes)) {
			t.Errorf("%q of %q: got %q", expression, path, stream)
		}
	})
}
