package accesslog_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

func decoder(t testing.TB, f accesslog.Format) accesslog.Decoder {
	t.Helper()
	d, err := accesslog.NewDecoder(f)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// at returns the ms since 1970 of a time in RFC 3339.
func at(s string) int64 {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

func address(s string) netip.Addr { return netip.MustParseAddr(s) }

// tabs makes a line of columns from one that is written with two spaces between them.
func tabs(s string) string { return strings.ReplaceAll(s, "  ", "\t") }

const ownTemplate = `$remote_addr [$time_iso8601] $request_method "$uri" "$args" $status $bytes_sent "$http_user_agent" ` +
	`"$arg_CMCD" "${http_cmcd_session}" $request_time`

func TestDecode(t *testing.T) {
	type line struct {
		text string
		want accesslog.Request // without Direction, which is playout unless it is set; the zero Request: nothing is told
	}
	for _, test := range []struct {
		name   string
		format accesslog.Format
		lines  []line
	}{
		// Lines that nginx 1.22 wrote.
		{"nginx combined", accesslog.Format{Name: "nginx-combined"}, []line{
			{`127.0.0.1 - - [24/Nov/2026:06:46:30 +0000] "GET /hls/NAME-1.ts?CMCD=bl%3D1200%2Cbr%3D3000%2Csid%3D%226e2f%22&x=1 ` +
				`HTTP/1.1" 200 5000 "https://site.example/watch?a=b" "A \x22quoted\x22 back\x5Cslash \xC3\xBCn\xC3\xAF"`,
				accesslog.Request{
					Time: at("2026-11-24T06:46:30Z"), Method: "GET", Status: 200, Path: "/hls/NAME-1.ts",
					Query: "CMCD=bl%3D1200%2Cbr%3D3000%2Csid%3D%226e2f%22&x=1", Bytes: 5000, Address: address("127.0.0.1"),
					Referrer: "https://site.example/watch?a=b", UserAgent: `A "quoted" back\slash ünï`,
					CMCD: accesslog.CMCD{Query: `bl=1200,br=3000,sid="6e2f"`},
				}},
			{`::1 - - [24/Nov/2026:06:46:31 +0000] "GET /hls/gro%C3%9Fes%20studio-2.ts HTTP/1.1" 206 100 "-" "curl/7.88.1"`,
				accesslog.Request{
					Time: at("2026-11-24T06:46:31Z"), Method: "GET", Status: 206, Path: "/hls/großes studio-2.ts", Bytes: 100,
					Address: address("::1"), UserAgent: "curl/7.88.1",
				}},
			// What is no HTTP is a request without a path.
			{`127.0.0.1 - - [24/Nov/2026:06:46:33 +0000] "\x16\x03\x01\x02" 400 157 "-" "-"`, accesslog.Request{
				Time: at("2026-11-24T06:46:33Z"), Status: 400, Bytes: 157, Address: address("127.0.0.1"),
			}},
			{`127.0.0.1 - - [24/Nov/2026:06:46:33 +0000] "GET http://host.example/hls/NAME-1.ts HTTP/1.0" 200 5000 "-" "-"`,
				accesslog.Request{
					Time: at("2026-11-24T06:46:33Z"), Method: "GET", Status: 200, Path: "/hls/NAME-1.ts", Bytes: 5000,
					Address: address("127.0.0.1"),
				}},
		}},
		// Lines that nobody wrote, but that could come.
		{"odd combined", accesslog.Format{Name: "nginx-combined"}, []line{
			{"", accesslog.Request{}}, {"  \r", accesslog.Request{}}, {"\x00\x00\x00", accesslog.Request{}},
			{"\x00\x00\x00" + `unix: - a user [x] [10/Oct/2000:13:55:36 -0730] "GET /a%zz%2 HTTP/1.1" 000 - "-" "x" "10.1.2.3" 0.1` + "\r\n",
				accesslog.Request{}},
			{"\x00\x00" + `unix: - a user [10/Oct/2000:13:55:36 -0730] "GET /a%zz%2?? HTTP/1.1" 000 7 "-" "x" "10.1.2.3" 0.1` + "\r\n",
				accesslog.Request{
					Time: at("2000-10-10T13:55:36-07:30"), Method: "GET", Path: "/a%zz%2", Query: "?", Bytes: 7, UserAgent: "x", Address: address("10.1.2.3"),
				}},
			{`::ffff:192.0.2.7 - - [10/Oct/2000:13:56:59 -0730] "GET /a b.ts HTTP/2.0" 200 0 "" "` + "\xff\xfe" + `"`,
				accesslog.Request{
					Time: at("2000-10-10T13:56:59-07:30"), Method: "GET", Status: 200, Path: "/a b.ts", Address: address("192.0.2.7"),
					UserAgent: "\uFFFD",
				}},
			// H2O writes backslashes as they are.
			{`192.0.2.7 - - [10/Oct/2000:13:56:59 -0730] "GET /a.ts HTTP/1.1" 200 7 "https://site.example/\" "C:\"`,
				accesslog.Request{
					Time: at("2000-10-10T13:56:59-07:30"), Method: "GET", Status: 200, Path: "/a.ts", Bytes: 7, Address: address("192.0.2.7"),
					Referrer: `https://site.example/\`, UserAgent: `C:\`,
				}},
			{`fe80::1%eth0 - - [10/Oct/2000:13:56:59 -0730] "OPTIONS * HTTP/1.1" 204 0 "-" "\u0041\u00e9\q\x4\\"`,
				accesslog.Request{
					Time: at("2000-10-10T13:56:59-07:30"), Method: "OPTIONS", Status: 204, Address: address("fe80::1"),
					UserAgent: `A\u00e9\q\x4\`,
				}},
		}},
		// Lines that nginx 1.22 wrote with the log format of docs/sources/nginx.md.
		{"nginx JSON", accesslog.Format{Name: "nginx-json"}, []line{
			{`{"msec":"1795502790.944","remote_addr":"127.0.0.1","request_method":"GET",` +
				`"request_uri":"/hls/NAME-1.ts?CMCD=bl%3D1200%2Csid%3D%226e2f%22&x=1","status":"200","bytes_sent":"5241",` +
				`"http_referer":"https://site.example/watch?a=b","http_user_agent":"A \"quoted\" back\\slash ünï",` +
				`"http_cmcd_object":"","http_cmcd_request":"","http_cmcd_session":"","http_cmcd_status":""}`,
				accesslog.Request{
					Time: at("2026-11-24T06:46:30.944Z"), Method: "GET", Status: 200, Path: "/hls/NAME-1.ts",
					Query: "CMCD=bl%3D1200%2Csid%3D%226e2f%22&x=1", Bytes: 5241, Address: address("127.0.0.1"),
					Referrer: "https://site.example/watch?a=b", UserAgent: `A "quoted" back\slash ünï`,
					CMCD: accesslog.CMCD{Query: `bl=1200,sid="6e2f"`},
				}},
			{`{"msec":"1795502791.044","remote_addr":"::1","request_method":"GET","request_uri":"/hls/gro%C3%9Fes%20studio-2.ts",` +
				`"status":"206","bytes_sent":"363","http_referer":"","http_user_agent":"curl/7.88.1","http_cmcd_object":"br=3000",` +
				`"http_cmcd_request":"","http_cmcd_session":"sid=\"6e2f\",v=2","http_cmcd_status":""}`,
				accesslog.Request{
					Time: at("2026-11-24T06:46:31.044Z"), Method: "GET", Status: 206, Path: "/hls/großes studio-2.ts", Bytes: 363,
					Address: address("::1"), UserAgent: "curl/7.88.1",
					CMCD: accesslog.CMCD{Object: "br=3000", Session: `sid="6e2f",v=2`},
				}},
			// Other variables, as numbers, and in an order in which what counts comes first.
			{`{"bytes_sent":700,"body_bytes_sent":500,"msec":1795502791.5,"time_iso8601":"2000-01-01T00:00:00Z","status":200,` +
				`"uri":"/hls/a b.ts","args":"t=1","upstream":[1,{"status":"x"}]}`,
				accesslog.Request{
					Time: at("2026-11-24T06:46:31.5Z"), Status: 200, Path: "/hls/a b.ts", Query: "t=1", Bytes: 700,
				}},
		}},
		// Lines that nginx 1.22 wrote with this template.
		{"template", accesslog.Format{Name: "template", Template: ownTemplate}, []line{
			{`127.0.0.1 [2026-11-24T06:46:30+00:00] GET "/hls/NAME-1.ts" "CMCD=bl%3D1200%2Csid%3D%226e2f%22&x=1" 200 5241 ` +
				`"A \x22quoted\x22 back\x5Cslash \xC3\xBCn\xC3\xAF" "bl%3D1200%2Csid%3D%226e2f%22" "-" 0.000`,
				accesslog.Request{
					Time: at("2026-11-24T06:46:30Z"), Method: "GET", Status: 200, Path: "/hls/NAME-1.ts",
					Query: "CMCD=bl%3D1200%2Csid%3D%226e2f%22&x=1", Bytes: 5241, Address: address("127.0.0.1"),
					UserAgent: `A "quoted" back\slash ünï`, CMCD: accesslog.CMCD{Query: `bl=1200,sid="6e2f"`},
				}},
			{`::1 [2026-11-24T06:46:31+00:00] GET "/hls/gro\xC3\x9Fes studio-2.ts" "-" 206 363 "curl/7.88.1" "-" ` +
				`"sid=\x226e2f\x22,v=2" 0.000`,
				accesslog.Request{
					Time: at("2026-11-24T06:46:31Z"), Method: "GET", Status: 206, Path: "/hls/großes studio-2.ts", Bytes: 363,
					Address: address("::1"), UserAgent: "curl/7.88.1", CMCD: accesslog.CMCD{Session: `sid="6e2f",v=2`},
				}},
			{`127.0.0.1 [2026-11-24T06:46:33+00:00] - "-" "-" 400 309 "-" "-" "-" 0.002`, accesslog.Request{
				Time: at("2026-11-24T06:46:33Z"), Status: 400, Bytes: 309, Address: address("127.0.0.1"),
			}},
		}},
		{"template with JSON in it", accesslog.Format{
			Name: "template", Template: `{"t":$msec,"u":"$request_uri","b":$body_bytes_sent,"s":$status,"a":"$http_user_agent"}`,
		}, []line{
			{`{"t":1795502790.944,"u":"/a.ts","b":7,"s":200,"a":"A \"quoted\" back\\slash\u001f"}`, accesslog.Request{
				Time: at("2026-11-24T06:46:30.944Z"), Status: 200, Path: "/a.ts", Bytes: 7, UserAgent: "A \"quoted\" back\\slash\x1f",
			}},
		}},
		// Lines that Apache 2.4.71 wrote, with %b and with %O.
		{"Apache combined", accesslog.Format{Name: "apache-combined"}, []line{
			{`127.0.0.1 - - [24/Nov/2026:06:47:13 +0000] "GET /hls/NAME-1.ts?CMCD=bl%3D1200%2Csid%3D%226e2f%22 HTTP/1.1" 200 5000 ` +
				`"https://site.example/watch?a=b" "A \"quoted\" back\\slash \xc3\xbcn\xc3\xaf"`,
				accesslog.Request{
					Time: at("2026-11-24T06:47:13Z"), Method: "GET", Status: 200, Path: "/hls/NAME-1.ts",
					Query: "CMCD=bl%3D1200%2Csid%3D%226e2f%22", Bytes: 5000, Address: address("127.0.0.1"),
					Referrer: "https://site.example/watch?a=b", UserAgent: `A "quoted" back\slash ünï`,
					CMCD: accesslog.CMCD{Query: `bl=1200,sid="6e2f"`},
				}},
			{`127.0.0.1 - - [24/Nov/2026:06:47:13 +0000] "HEAD /hls/NAME-1.ts HTTP/1.1" 200 - "-" "curl/7.88.1"`,
				accesslog.Request{
					Time: at("2026-11-24T06:47:13Z"), Method: "HEAD", Status: 200, Path: "/hls/NAME-1.ts",
					Address: address("127.0.0.1"), UserAgent: "curl/7.88.1",
				}},
			{`127.0.0.1 - - [24/Nov/2026:06:47:14 +0000] "GET /no\"pe.ts HTTP/1.1" 404 397 "-" "curl/7.88.1"`,
				accesslog.Request{
					Time: at("2026-11-24T06:47:14Z"), Method: "GET", Status: 404, Path: `/no"pe.ts`, Bytes: 397,
					Address: address("127.0.0.1"), UserAgent: "curl/7.88.1",
				}},
			// The example of Apache's documentation of the format, https://httpd.apache.org/docs/2.4/logs.html#combined.
			{`127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326 ` +
				`"http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"`,
				accesslog.Request{
					Time: at("2000-10-10T20:55:36Z"), Method: "GET", Status: 200, Path: "/apache_pb.gif", Bytes: 2326,
					Address: address("127.0.0.1"), Referrer: "http://www.example.com/start.html",
					UserAgent: "Mozilla/4.08 [en] (Win98; I ;Nav)",
				}},
		}},
		{"CloudFront standard", accesslog.Format{Name: "cloudfront"}, []line{
			// The example of the reference of standard logs, in the order of the default columns.
			{tabs(`2019-12-04  21:02:31  LAX1  392  192.0.2.100  GET  d111111abcdef8.cloudfront.net  /index.html  200  -  ` +
				`Mozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)%20AppleWebKit/537.36%20(KHTML,%20like%20Gecko)%20` +
				`Chrome/78.0.3904.108%20Safari/537.36  -  -  Hit  SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==  ` +
				`d111111abcdef8.cloudfront.net  https  23  0.001  -  TLSv1.2  ECDHE-RSA-AES128-GCM-SHA256  Hit  HTTP/2.0  -  -  ` +
				`11040  0.001  Hit  text/html  78  -  -`),
				accesslog.Request{
					Time: at("2019-12-04T21:02:31Z"), Method: "GET", Status: 200, Path: "/index.html", Bytes: 392,
					Address: address("192.0.2.100"),
					UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
						"Chrome/78.0.3904.108 Safari/537.36",
				}},
			{"#Version: 1.0", accesslog.Request{}},
			{"#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) " +
				"cs-uri-query", accesslog.Request{}},
			// An example of older documentation, which many parsers have in their tests; the user agent is encoded twice, as it was.
			{tabs(`2014-05-23  01:13:12  LAX1  2390282  192.0.2.202  GET  d111111abcdef8.cloudfront.net  /soundtrack/happy.mp3  ` +
				`304  www.unknownsingers.com  Mozilla/4.0%2520(compatible;%2520MSIE%25207.0;%2520Windows%2520NT%25205.1)  a=b&c=d`),
				accesslog.Request{
					Time: at("2014-05-23T01:13:12Z"), Method: "GET", Status: 304, Path: "/soundtrack/happy.mp3", Query: "a=b&c=d",
					Bytes: 2390282, Address: address("192.0.2.202"), Referrer: "www.unknownsingers.com",
					UserAgent: "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1)",
				}},
			{tabs(`2014-05-23  01:13:13  LAX1  1  2001:db8::7  GET  h  /live/gro%25C3%259Fes%2520studio/1.ts  000  -  -  ` +
				`CMCD=br%253D3000%252Csid%253D%25226e2f%2522&a=%2520`),
				accesslog.Request{
					Time: at("2014-05-23T01:13:13Z"), Method: "GET", Path: "/live/großes studio/1.ts",
					Query: "CMCD=br%3D3000%2Csid%3D%226e2f%22&a=%20", Bytes: 1, Address: address("2001:db8::7"),
					CMCD: accesslog.CMCD{Query: `br=3000,sid="6e2f"`},
				}},
			// Version 2 of the standard logs has the time also as a number.
			{"#Fields: timestamp(ms) sc-bytes cs-uri-stem sc-status", accesslog.Request{}},
			{tabs(`1731620046814  5  /a.ts  200`), accesslog.Request{
				Time: 1731620046814, Status: 200, Path: "/a.ts", Bytes: 5,
			}},
		}},
		// The columns are those of the documentation; it has no example of their values, so these are made up.
		{"CloudFront real-time", accesslog.Format{Name: "cloudfront-realtime"}, []line{
			{tabs(`1663583003.838  2001:DB8::FFFF  0.001  200  812345  GET  https  site.example  /hls/NAME-1.ts  57  FRA56-C1  ` +
				`SOX4==  d111111abcdef8.cloudfront.net  0.002  HTTP/2.0  IPv6  Mozilla/5.0%20(X11)  https://site.example/watch  -  ` +
				`CMCD=sid%3D%226e2f%22  Hit  -  TLSv1.2  ECDHE  Hit  -  -  video/mp2t  812000  -  -  80  Hit  DE  gzip  */*  *  -  -  1`),
				accesslog.Request{
					Time: 1663583003838, Method: "GET", Status: 200, Path: "/hls/NAME-1.ts", Query: "CMCD=sid%3D%226e2f%22",
					Bytes: 812345, Address: address("2001:db8::ffff"), Referrer: "https://site.example/watch",
					UserAgent: "Mozilla/5.0 (X11)", CMCD: accesslog.CMCD{Query: `sid="6e2f"`},
				}},
		}},
		{"CloudFront real-time with columns of CMCD", accesslog.Format{Name: "cloudfront-realtime", Fields: strings.Fields(
			"cs-uri-stem timestamp c-ip sc-bytes x-edge-location cmcd-encoded-bitrate cmcd-buffer-starvation cmcd-startup " +
				"cmcd-content-id cmcd-session-id cmcd-streaming-format cmcd-version sc-status")},
			[]line{
				{tabs(`/a.ts  1663583003.838  -  1  -  3000  true  false  my%20%22show%22  "6e2f"  h  1  200`),
					accesslog.Request{
						Time: 1663583003838, Status: 200, Path: "/a.ts", Bytes: 1,
						CMCD: accesslog.CMCD{Query: `br=3000,bs,cid="my \"show\"",sid="6e2f",sf=h`},
					}},
				{tabs(`/b.ts  1663583003.838  -  1  -  -  -  -  -  -  -  -  200`),
					accesslog.Request{Time: 1663583003838, Status: 200, Path: "/b.ts", Bytes: 1}},
			}},
		{"Cloudflare", accesslog.Format{Name: "cloudflare"}, []line{
			{`{"content":"tests"}`, accesslog.Request{}},
			// The example of Cloudflare's documentation of Logpull and Logpush, shortened by fields that tell nothing.
			{`{"CacheCacheStatus":"miss","CacheResponseBytes":2478,"ClientASN":56046,"ClientCountry":"cn","ClientIP":"1.1.1.1",` +
				`"ClientRequestBytes":400,"ClientRequestHost":"foo.com","ClientRequestMethod":"GET","ClientRequestPath":"/",` +
				`"ClientRequestProtocol":"HTTP/1.1","ClientRequestReferer":"","ClientRequestURI":"/",` +
				`"ClientRequestUserAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_13_6)","EdgeColoID":134,` +
				`"EdgeEndTimestamp":"2019-01-03T01:54:12Z","EdgeResponseBytes":808,"EdgeResponseStatus":200,` +
				`"EdgeStartTimestamp":"2019-01-03T01:54:11Z","OriginResponseBytes":0,"WorkerSubrequest":false}`,
				accesslog.Request{
					Time: at("2019-01-03T01:54:12Z"), Method: "GET", Status: 200, Path: "/", Bytes: 808, Address: address("1.1.1.1"),
					UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_13_6)",
				}},
			{`{"EdgeEndTimestamp":1546480452000000000,"EdgeStartTimestamp":1546480451000000000,"EdgeResponseBodyBytes":500,` +
				`"EdgeResponseStatus":0,"ClientRequestURI":"/hls/NAME%20x-1.ts?CMCD=sid%3D%22a%22","ClientRequestPath":"/hls/other.ts",` +
				`"RequestHeaders":{"cmcd-session":"sid=\"b\"","cmcd-status":"bs","x":"y"}}`,
				accesslog.Request{
					Time: at("2019-01-03T01:54:12Z"), Path: "/hls/NAME x-1.ts", Query: "CMCD=sid%3D%22a%22", Bytes: 500,
					CMCD: accesslog.CMCD{Query: `sid="a"`, Session: `sid="b"`, Status: "bs"},
				}},
			{`{"EdgeStartTimestamp":1546480451,"EdgeResponseBytes":1,"ClientRequestPath":"/hls/NAME%20x-1.ts","ClientRequestURI":null}`,
				accesslog.Request{Time: at("2019-01-03T01:54:11Z"), Path: "/hls/NAME x-1.ts", Bytes: 1}},
			{`{"EdgeEndTimestamp":"2019-01-03T01:54:11.250Z","EdgeResponseBytes":1,"ClientRequestURI":"/a"}`,
				accesslog.Request{Time: at("2019-01-03T01:54:11.25Z"), Path: "/a", Bytes: 1}},
			{`{"EdgeEndTimestamp":"2019-01-03T03:54:11.250123456+02:00","EdgeResponseBytes":1,"ClientRequestURI":"/a"}`,
				accesslog.Request{Time: at("2019-01-03T01:54:11.25Z"), Path: "/a", Bytes: 1}},
		}},
		// The shape is our own, see docs/sources/fastly.md; the line is what it would give.
		{"Fastly", accesslog.Format{Name: "fastly"}, []line{
			{`{"time":1663583003838,"address":"203.0.113.9","method":"GET","url":"/hls/NAME-1.ts?CMCD=sid%3D%22a%22","status":200,` +
				`"bytes":812345,"referrer":"https://site.example/","user_agent":"VLC/3.0.18 \"x\"","cmcd_object":"",` +
				`"cmcd_request":"bl=1200","cmcd_session":"sid=\"a\"","cmcd_status":""}`,
				accesslog.Request{
					Time: 1663583003838, Method: "GET", Status: 200, Path: "/hls/NAME-1.ts", Query: "CMCD=sid%3D%22a%22", Bytes: 812345,
					Address: address("203.0.113.9"), Referrer: "https://site.example/", UserAgent: `VLC/3.0.18 "x"`,
					CMCD: accesslog.CMCD{Query: `sid="a"`, Request: "bl=1200", Session: `sid="a"`},
				}},
		}},
		// Real lines of Wowza 3.6 with anonymous addresses, from the tests of a parser for them; the time zone is made UTC.
		{"Wowza", accesslog.Format{Name: "wowza"}, []line{
			{"#Version: 1.0", accesslog.Request{}},
			{tabs(`2013-09-17  00:00:04  UTC  comment  server  WARN  200  -  LiveMediaStreamReceiver.doWatchdog: streamTimeout  -  -  ` +
				`-  382109.883  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -  -`), accesslog.Request{}},
			{"\tat com.wowza.wms.Something(Unknown Source)", accesslog.Request{}},
			{tabs(`2013-09-17  21:51:53  UTC  destroy  stream  INFO  200  rtmp://server.host:1935/whatever/_definst_/15~max  -  ` +
				`_defaultVHost_  whatever  _definst_  34.061  server.host  1935  ` +
				`http://server.host:1935/whatever/15~max/media_575.ts?wowzasessionid=1516262997  217.226.61.42  http (cupertino)  -  ` +
				`AppleCoreMedia/1.0.0.10B329 (iPad; U; CPU OS 6_1_3 like Mac OS X; de_de)  1516262997  0  2316598  2731  9211062  0  ` +
				`2315784  15~max  wowzasessionid=1516262997  -  -  -  -  http://server.host:1935/whatever/15~max/media_575.ts  ` +
				`http://server.host:1935/whatever/15~max/media_575.ts  -  http://server.host:1935/whatever/15~max/media_575.ts  -`),
				accesslog.Request{
					Time: at("2013-09-17T21:51:53Z"), Status: 200, Bytes: 2315784, Address: address("217.226.61.42"),
					UserAgent: "AppleCoreMedia/1.0.0.10B329 (iPad; U; CPU OS 6_1_3 like Mac OS X; de_de)", Protocol: "hls", Stream: "15~max",
				}},
			{tabs(`2013-09-17  22:29:06  UTC  destroy  stream  INFO  200  rtmp://server.host:1935/whatever/_definst_/15  -  ` +
				`_defaultVHost_  whatever  _definst_  311.903  [any]  1935  rtmp://server.host/whatever  88.100.151.103  rtmp  ` +
				`http://client.host/assets/player.swf  WIN 11,8,800,168  1655135296  3837  8344  1  -  0  0  ` +
				`rtmp://server.host:1935/whatever/_definst_/15  -  -  -  -  -  -  -  -  rtmp://server.host/whatever  -`),
				accesslog.Request{
					Time: at("2013-09-17T22:29:06Z"), Status: 200, Address: address("88.100.151.103"),
					Referrer: "http://client.host/assets/player.swf", UserAgent: "WIN 11,8,800,168", Protocol: "rtmp", Stream: "15",
				}},
			// The lines of one play and of one broadcast by RTMP, in their order: each counts once.
			{wowza("play", "stream", "rtmps (HTTP-1.1)", "192.0.2.1", 0, 0, "mp4:show"), accesslog.Request{}},
			{wowza("pause", "stream", "rtmps (HTTP-1.1)", "192.0.2.1", 0, 700, "mp4:show"), accesslog.Request{}},
			{wowza("stop", "stream", "rtmps (HTTP-1.1)", "192.0.2.1", 0, 900, "mp4:show"), accesslog.Request{}},
			{wowza("destroy", "stream", "rtmps (HTTP-1.1)", "192.0.2.1", 0, 900, "mp4:show"), accesslog.Request{
				Time: at("2026-11-24T06:00:00Z"), Status: 200, Bytes: 900, Address: address("192.0.2.1"), Protocol: "rtmp", Stream: "show",
			}},
			{wowza("disconnect", "session", "rtmps (HTTP-1.1)", "192.0.2.1", 0, 0, "-"), accesslog.Request{}},
			{wowza("publish", "stream", "rtmp", "192.0.2.2", 0, 0, "show"), accesslog.Request{}},
			{wowza("unpublish", "stream", "rtmp", "192.0.2.2", 5000, 0, "show"), accesslog.Request{}},
			{wowza("destroy", "stream", "rtmp", "192.0.2.2", 5000, 0, "show"), accesslog.Request{
				Time: at("2026-11-24T06:00:00Z"), Status: 200, Bytes: 5000, Address: address("192.0.2.2"), Protocol: "rtmp", Stream: "show",
				Direction: measure.Ingest,
			}},
			{wowza("disconnect", "session", "rtmp", "192.0.2.2", 0, 0, "-"), accesslog.Request{}},
			// The transcoder publishes without a client.
			{wowza("destroy", "stream", "-", "-", 4000, 0, "show_720p"), accesslog.Request{}},
			{wowza("destroy", "stream", "http (mpegdash)", "192.0.2.3", 0, 1, "ngrp:show_all"), accesslog.Request{
				Time: at("2026-11-24T06:00:00Z"), Status: 200, Bytes: 1, Address: address("192.0.2.3"), Protocol: "dash", Stream: "show",
			}},
			{"#Fields: x-category\tx-event\tdate\ttime\tc-ip\tc-proto\tx-sname\tsc-stream-bytes", accesslog.Request{}},
			{tabs("stream  destroy  2026-11-24  06:00:00  192.0.2.3  http (smooth)  show_720p  7"), accesslog.Request{
				Time: at("2026-11-24T06:00:00Z"), Bytes: 7, Address: address("192.0.2.3"), Protocol: "smooth", Stream: "show",
			}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := decoder(t, test.format)
			for _, line := range test.lines {
				var got accesslog.Request
				ok, err := d.Decode([]byte(line.text), &got)
				var refused *accesslog.Error
				if err != nil && (!errors.As(err, &refused) || line.want != accesslog.Request{}) {
					t.Errorf("%s: %v", line.text, err)
					continue
				}
				want := line.want
				if want == (accesslog.Request{}) {
					if ok || (err == nil) != (got.Left != "") {
						t.Errorf("%s:\ngot %+v %v, want nothing", line.text, got, err)
					}
					continue
				}
				if want.Direction == "" {
					want.Direction = measure.Playout
				}
				if !want.Address.IsValid() && want.NoAddress == "" {
					want.NoAddress = accesslog.AddressAbsent
				}
				if !ok || got != want {
					t.Errorf("%s:\ngot  %v %+v\nwant %+v", line.text, ok, got, want)
				}
			}
		})
	}
}

// wowza makes a line of Wowza with its default columns.
func wowza(event, category, protocol, address string, in, out int, stream string) string {
	return tabs(fmt.Sprintf(`2026-11-24  06:00:00  UTC  %s  %s  INFO  200  -  -  _defaultVHost_  live  _definst_  10.0  [any]  1935  `+
		`rtmp://h/live  %s  %s  -  -  1  9000  9000  1  0  %d  %d  %s  -  -  -  -  -  -  -  -  rtmp://h/live  -`,
		event, category, address, protocol, in, out, stream))
}

// TestDecodeZone reads times of a server that logs its local time, also in the hour that comes twice.
func TestDecodeZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	d := decoder(t, accesslog.Format{Name: "wowza", Location: berlin})
	for _, test := range []struct{ zone, local, want string }{
		{"CEST", "2026-10-25  02:30:00", "2026-10-25T00:30:00Z"},
		{"CET", "2026-10-25  02:30:00", "2026-10-25T01:30:00Z"},
		{"UTC", "2026-10-25  02:30:00", "2026-10-25T02:30:00Z"},
		{"GMT", "2026-10-25  02:30:01", "2026-10-25T02:30:01Z"},
		{"EST", "2026-10-25  02:30:00", ""},
	} {
		line := wowza("destroy", "stream", "rtmp", "192.0.2.1", 0, 1, "show")
		line = strings.Replace(line, tabs("2026-11-24  06:00:00  UTC"), tabs(test.local+"  "+test.zone), 1)
		var r accesslog.Request
		ok, err := d.Decode([]byte(line), &r)
		if test.want == "" {
			var refused *accesslog.Error
			if !errors.As(err, &refused) || refused.Field != "time" {
				t.Errorf("%s: got %v, want an error of the time", test.zone, err)
			}
		} else if !ok || err != nil || r.Time != at(test.want) {
			t.Errorf("%s: got %v %v %d, want %d", test.zone, ok, err, r.Time, at(test.want))
		}
	}
}

func TestRefuse(t *testing.T) {
	const combined = `192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET /a.ts HTTP/1.1" 200 7 "-" "x"`
	const cloudflare = `{"EdgeEndTimestamp":1546480452,"EdgeResponseBytes":1,"EdgeResponseStatus":200,"ClientRequestURI":"/a.ts"}`
	cloudfront := tabs(`2019-12-04  21:02:31  LAX1  392  192.0.2.100  GET  h  /a.ts  200`)
	destroy := wowza("destroy", "stream", "rtmp", "192.0.2.1", 3, 4, "show")
	for _, test := range []struct {
		format, line, old, new string
		field, reason          string
	}{
		{"nginx-combined", combined, "192", "1\x0092", "line", "malformed"},
		{"nginx-combined", combined, ` "x"`, ` "x"` + "\r" + combined, "line", "malformed"},
		{"nginx-combined", combined, "a.ts", strings.Repeat("a", 70_000), "line", "range"},
		{"nginx-combined", combined, combined, "nonsense", "remote_addr", "malformed"},
		{"nginx-combined", combined, ` "x"`, ``, "http_referer", "malformed"},
		{"nginx-combined", combined, `"x"`, `"x`, "http_user_agent", "malformed"},
		{"nginx-combined", combined, "10/Oct/2000", "32/Oct/2000", "time_local", "malformed"},
		{"nginx-combined", combined, "10/Oct/2000", "10/Okt/2000", "time_local", "malformed"},
		{"nginx-combined", combined, "10/Oct/2000", "10/Oct/1950", "time_local", "malformed"},
		{"nginx-combined", combined, ":36", ":60", "time_local", "malformed"},
		{"nginx-combined", combined, ":36", ":3x", "time_local", "malformed"},
		{"nginx-combined", combined, "10/Oct/2000:13:55:36 +0000", "-", "time", "missing"},
		{"nginx-combined", combined, " 200 ", " 2000 ", "status", "range"},
		{"nginx-combined", combined, " 200 ", " OK ", "status", "range"},
		{"nginx-combined", combined, " 7 ", " -7 ", "body_bytes_sent", "range"},
		{"nginx-combined", combined, " 7 ", " 7.5 ", "body_bytes_sent", "range"},
		{"nginx-combined", combined, " 7 ", " 1125899906842625 ", "body_bytes_sent", "range"},
		{"nginx-combined", combined, " 7 ", " 99999999999999999999999 ", "body_bytes_sent", "range"},
		{"cloudflare", cloudflare, cloudflare, cloudflare[:40], "line", "malformed"},
		{"cloudflare", cloudflare, cloudflare, "[]", "line", "malformed"},
		{"cloudflare", cloudflare, `1546480452`, `"yesterday"`, "EdgeEndTimestamp", "malformed"},
		{"cloudflare", cloudflare, `1546480452`, `0`, "EdgeEndTimestamp", "malformed"},
		{"cloudflare", cloudflare, `1546480452`, `-5`, "EdgeEndTimestamp", "malformed"},
		{"cloudflare", cloudflare, `1546480452`, `{}`, "EdgeEndTimestamp", "malformed"},
		{"cloudflare", cloudflare, `1546480452`, `null`, "time", "missing"},
		{"cloudflare", cloudflare, `"EdgeResponseBytes":1,`, ``, "bytes", "missing"},
		{"cloudflare", cloudflare, `"EdgeResponseBytes":1,`, `"EdgeResponseBytes":-1,`, "EdgeResponseBytes", "range"},
		{"cloudflare", cloudflare, `"EdgeResponseBytes":1,`, `"EdgeResponseBytes":1e3,`, "EdgeResponseBytes", "range"},
		{"cloudflare", cloudflare, `ClientRequestURI`, `Other`, "path", "missing"},
		{"cloudfront", cloudfront, cloudfront, "2019-12-04", "time", "missing"},
		{"cloudfront", cloudfront, cloudfront, cloudfront[:40], "path", "missing"},
		{"cloudfront", cloudfront, "2019-12-04", "2019-13-04", "time", "malformed"},
		{"cloudfront", cloudfront, "392", "x", "sc-bytes", "range"},
		{"wowza", destroy, "UTC", "CEST", "time", "malformed"},
		{"wowza", destroy, tabs("4  show"), tabs("4  " + strings.Repeat("s", 129)), "x-sname", "text"},
		{"wowza", destroy, tabs("0  3  4"), tabs("0  -3  4"), "cs-stream-bytes", "range"},
		{"fastly", `{"time":1,"url":"/a","bytes":0,"status":200}`, "1", "1e9", "time", "malformed"},
	} {
		if !strings.Contains(test.line, test.old) {
			t.Fatalf("%q is not in the line", test.old)
		}
		d := decoder(t, accesslog.Format{Name: test.format})
		var r accesslog.Request
		if ok, err := d.Decode([]byte(test.line), &r); !ok || err != nil {
			if test.format != "fastly" {
				t.Fatalf("the line without its fault: %v %v", ok, err)
			}
		}
		line := strings.Replace(test.line, test.old, test.new, 1)
		ok, err := d.Decode([]byte(line), &r)
		var refused *accesslog.Error
		if ok || !errors.As(err, &refused) || refused.Field != test.field || refused.Reason != test.reason {
			t.Errorf("%s, %.20q for %.20q: got %v %v, want %s of %s", test.format, test.new, test.old, ok, err, test.reason, test.field)
		}
		// A refusal leaves no trace.
		if ok, err := d.Decode([]byte(test.line), &r); !ok || err != nil {
			t.Errorf("the line after it: %v %v", ok, err)
		}
	}
}

func TestNewDecoder(t *testing.T) {
	for _, name := range accesslog.Formats() {
		f := accesslog.Format{Name: name}
		switch name {
		case "template":
			f.Template = ownTemplate
		case "akamai-structured":
			f.Fields = []string{"reqTimeSec", "bytes"}
		}
		if _, err := accesslog.NewDecoder(f); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, test := range []struct {
		name   string
		format accesslog.Format
		want   string
	}{
		{"unknown", accesslog.Format{Name: "apache"}, `unknown log format "apache"`},
		{"no template", accesslog.Format{Name: "template"}, "needs a template"},
		{"a template too many", accesslog.Format{Name: "nginx-json", Template: ownTemplate}, "no other may have one"},
		{"no variable", accesslog.Format{Name: "template", Template: "combined"}, "no variable"},
		{"no time", accesslog.Format{Name: "template", Template: "$request $status $bytes_sent"}, "$time_local"},
		{"no path", accesslog.Format{Name: "template", Template: "$msec $status $bytes_sent"}, "$request_uri"},
		{"no status", accesslog.Format{Name: "template", Template: "$msec $request $bytes_sent"}, "$status"},
		{"no bytes", accesslog.Format{Name: "template", Template: "$msec $request $status"}, "$bytes_sent"},
		{"nothing between", accesslog.Format{Name: "template", Template: "$msec$request"}, "text between $msec"},
		{"no bytes in columns", accesslog.Format{Name: "cloudfront-realtime", Fields: []string{"timestamp"}}, "number of bytes"},
		{"no columns", accesslog.Format{Name: "akamai-structured"}, "names of the columns"},
		{"not found out", accesslog.Format{Name: accesslog.Auto}, "found out"},
	} {
		if _, err := accesslog.NewDecoder(test.format); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q in it", test.name, err, test.want)
		}
	}
	if !slices.Contains(accesslog.Formats(), "nginx-combined") {
		t.Errorf("got %q", accesslog.Formats())
	}
}

// TestKeptText checks that what a Request holds does not change with the line that it came from, and that a long text is
// whole.
func TestKeptText(t *testing.T) {
	d := decoder(t, accesslog.Format{Name: "nginx-combined"})
	agent := strings.Repeat("agent ", 200)
	line := []byte(`192.0.2.1 - - [10/Oct/2000:13:55:36 +0000] "GET /a%20b.ts?c HTTP/1.1" 200 7 "r" "` + agent + `"`)
	var r accesslog.Request
	if _, err := d.Decode(line, &r); err != nil {
		t.Fatal(err)
	}
	clear(line)
	if r.Path != "/a b.ts" || r.Query != "c" || r.Referrer != "r" || r.UserAgent != agent || r.Method != http.MethodGet {
		t.Errorf("got %+v", r)
	}
	if event.MaxBytes != 1125899906842624 {
		t.Error("TestRefuse takes the limit of bytes for granted")
	}
}
