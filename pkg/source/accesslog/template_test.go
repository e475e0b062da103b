package accesslog_test

import (
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// TestTemplates reads lines by format strings of several servers. Lines of Apache 2.4.71 and HAProxy 2.6.12 are real.
func TestTemplates(t *testing.T) {
	agent := `A "q" b\c`
	segment := accesslog.Request{Method: "GET", Status: 200, Path: "/seg-1.ts", Query: "CMCD=sid%3D%22a%22", Address: address("127.0.0.1"),
		CMCD: accesslog.CMCD{Query: `sid="a"`}}
	with := func(of accesslog.Request, change func(*accesslog.Request)) accesslog.Request {
		change(&of)
		return of
	}
	for _, test := range []struct {
		name, template, line string
		want                 accesslog.Request
	}{
		{"Apache with %D", `%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D`,
			`127.0.0.1 - - [29/Nov/2026:02:24:31 +0000] "GET /seg-1.ts?CMCD=sid%3D%22a%22 HTTP/1.1" 200 5225 "https://site.example/x" "A \"q\" b\\c" 2400000`,
			with(segment, func(r *accesslog.Request) {
				r.Time, r.Bytes, r.Referrer, r.UserAgent = at("2026-11-29T02:24:33.4Z"), 5225, "https://site.example/x", agent
			})},
		{"Apache with a time in parts", `%a [%{%Y-%m-%dT%H:%M:%S}t.%{msec_frac}t%{%z}t] %m \"%U\" \"%q\" %>s %B %{ms}T \"%{CMCD-Session}i\"`,
			`127.0.0.1 [2026-11-29T02:24:31.951+0000] GET "/seg-1.ts" "?CMCD=sid%3D%22a%22" 200 5000 50 "sid=\"s\""`,
			with(segment, func(r *accesslog.Request) {
				r.Time, r.Bytes, r.CMCD.Session = at("2026-11-29T02:24:32.001Z"), 5000, `sid="s"`
			})},
		{"Apache with the end", `%{end:msec}t %a %{remote}p %m %U%q %>s %O %X`, `1795919071951 127.0.0.1 50874 GET /seg-1.ts?CMCD=sid%3D%22a%22 200 5225 -`,
			with(segment, func(r *accesslog.Request) { r.Time, r.Bytes = 1795919071951, 5225 })},
		{"Apache with a virtual host, two durations and a proxy", `%v:%p %a - %u [%{%d/%b/%Y:%T}t.%{usec_frac}t %{%z}t] \"%r\" %>s %b %T/%D \"%{X-Forwarded-For}i\"`,
			`live.example.com:80 127.0.0.1 - - [29/Nov/2026:02:24:31.951036 +0000] "GET /seg-1.ts?CMCD=sid%3D%22a%22 HTTP/1.1" 200 5000 2/2049000 "81.2.69.142, 10.0.0.1"`,
			with(segment, func(r *accesslog.Request) {
				r.Time, r.Bytes, r.Address = at("2026-11-29T02:24:34Z"), 5000, address("81.2.69.142")
			})},
		{"Apache with JSON", `{\"time\":\"%{%FT%T%z}t\",\"address\":\"%a\",\"method\":\"%m\",\"url\":\"%U%q\",\"status\":%>s,\"bytes\":%O,\"user_agent\":\"%{User-Agent}i\"}`,
			`{"time":"2026-11-29T02:24:31+0000","address":"127.0.0.1","method":"GET","url":"/seg-1.ts?CMCD=sid%3D%22a%22","status":200,"bytes":5225,"user_agent":"A \"q\" b\\c"}`,
			with(segment, func(r *accesslog.Request) { r.Time, r.Bytes, r.UserAgent = at("2026-11-29T02:24:31Z"), 5225, agent })},
		{"Apache with seconds", `%h %{begin:sec}t 100%% \"%r\" %s %O %{us}T`, `127.0.0.1 1795919071 100% "GET /seg-1.ts?CMCD=sid%3D%22a%22 HTTP/1.1" 200 5225 1500400`,
			with(segment, func(r *accesslog.Request) { r.Time, r.Bytes = 1795919072500, 5225 })},
		{"HAProxy", `%ci - - [%trl] "%r" %ST %B "%[capture.req.hdr(0)]" "%[var(txn.user_agent)]" %Ta %{+Q}hr %HM %HU %HV`,
			`127.0.0.1 - - [29/Nov/2026:02:10:14 +0000] "GET /hls/cam1/seg-1.ts?a=b HTTP/1.1" 200 5117 "https://site.example/x" "Player/1.0" 15 "{x}" GET /hls/cam1/seg-1.ts?a=b HTTP/1.1`,
			accesslog.Request{Time: at("2026-11-29T02:10:14.015Z"), Method: "GET", Status: 200, Path: "/hls/cam1/seg-1.ts", Query: "a=b", Bytes: 5117,
				Address: address("127.0.0.1"), UserAgent: "Player/1.0"}},
		{"HAProxy with IPv6 and a port", `%ci:%cp [%tr] %ST %B %HM %HP%HQ`, `2001:db8::7:41224 [29/Nov/2026:02:10:14.500] 200 5 GET /a.ts?b`,
			accesslog.Request{Time: at("2026-11-29T02:10:14.5Z"), Method: "GET", Status: 200, Path: "/a.ts", Query: "b", Bytes: 5, Address: address("2001:db8::7")}},
		{"Squid", `%>a %ui %un [%{%d/%b/%Y:%H:%M:%S %z}tl] "%rm %ru HTTP/%rv" %>Hs %<st "%{Referer}>h" "%{User-Agent}>h" "%{CMCD-Session}>h"`,
			`192.0.2.7 - - [28/Nov/2026:22:57:11 +0000] "GET http://localhost/hls/cam1/seg-0.ts?x HTTP/1.1" 200 83042 "-" "P" "sid=\"s\""`,
			accesslog.Request{Time: at("2026-11-28T22:57:11Z"), Method: "GET", Status: 200, Path: "/hls/cam1/seg-0.ts", Query: "x", Bytes: 83042,
				Address: address("192.0.2.7"), UserAgent: "P", CMCD: accesslog.CMCD{Session: `sid="s"`}}},
		{"Traffic Server", `%<chi> - %<caun> [%<cqtn>] "%<cqhm> %<pquc> %<cqhv>" %<pssc> %<pscl> "%<{User-Agent}cqh>" %<ttms>`,
			`192.0.2.7 - - [28/Nov/2026:22:57:11 -0000] "GET http://o:80/a.ts HTTP/1.1" 200 7 "P" 1500`,
			accesslog.Request{Time: at("2026-11-28T22:57:12.5Z"), Method: "GET", Status: 200, Path: "/a.ts", Bytes: 7, Address: address("192.0.2.7"), UserAgent: "P"}},
		{"nginx with an address and a port", `$remote_addr:$remote_port [$time_local] "$request" $status $bytes_sent`,
			`2001:db8::7:41224 [28/Nov/2026:22:57:11 +0000] "GET /a.ts HTTP/1.1" 200 7`,
			accesslog.Request{Time: at("2026-11-28T22:57:11Z"), Method: "GET", Status: 200, Path: "/a.ts", Bytes: 7, Address: address("2001:db8::7")}},
		{"nginx with padding and a list", `$msec   $request_time $http_x_forwarded_for|$status $bytes_sent "$request"`,
			`1795919071.951        0.005 10.0.0.1, 81.2.69.142:99 , 10.0.0.2|200   7 "GET /a.ts HTTP/1.1"`,
			accesslog.Request{Time: 1795919071951, Method: "GET", Status: 200, Path: "/a.ts", Bytes: 7, Address: address("81.2.69.142")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			want.Direction = "playout"
			var got accesslog.Request
			ok, err := decoder(t, accesslog.Format{Name: "template", Template: test.template}).Decode([]byte(test.line), &got)
			if !ok || err != nil || got != want {
				t.Errorf("got  %+v %v\nwant %+v", got, err, want)
			}
		})
	}
}

func TestTemplatesThatCannotBeRead(t *testing.T) {
	for _, test := range []struct{ template, want string }{
		{`%h %{%I:%M %p}t \"%r\" %>s %O`, "time of a form that is not understood, such as 01:14 PM"},
		{`%h %t \"%r\" %>s`, "needs %O, %b or %B"},
		{`%h \"%r\" %>s %O`, "needs %t"},
		{`%ci [%tr] %{+Q}r %B`, "needs %ST"},
		{`%ts.%03tu %>a %ru %>Hs`, "needs %<st"},
		{`%<cqtq> %<pquc> %<pssc>`, "needs %<psql> or %<pscl>"},
		{`%h%t \"%r\" %>s %O`, "needs $"},
	} {
		_, err := accesslog.NewDecoder(accesslog.Format{Name: "template", Template: test.template})
		if test.want == "needs $" {
			if err != nil {
				t.Errorf("%s: %v", test.template, err) // the bracket of %t is text
			}
		} else if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.template, err, test.want)
		}
	}
}

// TestAddresses reads what stands for the client in a line of the format combined.
func TestAddresses(t *testing.T) {
	for _, test := range []struct{ written, tail, want, why string }{
		{"81.2.69.142", "", "81.2.69.142", ""},
		{"81.2.69.142:42918", "", "81.2.69.142", ""},
		{"[2001:db8::7]:42918", "", "2001:db8::7", ""},
		{"[2001:db8::7]", "", "2001:db8::7", ""},
		{"10.0.0.1, 81.2.69.142", "", "81.2.69.142", ""},
		{" 81.2.69.142 ", "", "81.2.69.142", ""},
		{`"81.2.69.142"`, "", "81.2.69.142", ""},
		{"081.002.069.142", "", "81.2.69.142", ""},
		{"81.2.69.142/32", "", "81.2.69.142", ""},
		{"81.2.69.0/24", "", "81.2.69.0", ""},
		{"live.example.com:443 81.2.69.142", "", "81.2.69.142", ""},
		{"::ffff:81.2.69.142", "", "81.2.69.142", ""},
		{"10.0.0.1", ` "81.2.69.142, 10.0.0.2"`, "81.2.69.142", ""},
		{"10.0.0.1", ` "-"`, "10.0.0.1", ""},
		{"10.0.0.1", ` "by hand" 5`, "10.0.0.1", ""},
		{"89.160.20.112", ` "81.2.69.142"`, "89.160.20.112", ""},
		{"-", ` "81.2.69.142"`, "81.2.69.142", ""},
		{"-", "", "", accesslog.AddressAbsent},
		{"", "", "", accesslog.AddressAbsent},
		{"client.example.com", "", "", accesslog.AddressName},
		{"unix:", "", "", accesslog.AddressName},
		{"300.2.69.142", "", "", accesslog.AddressUnreadable},
		{"x=y", "", "", accesslog.AddressUnreadable},
	} {
		for _, format := range []string{"combined", "nginx-combined", "apache-combined"} {
			line := test.written + ` - - [10/Oct/2026:13:55:36 +0000] "GET /a.ts HTTP/1.1" 200 7 "-" "x"` + test.tail
			var r accesslog.Request
			ok, err := decoder(t, accesslog.Format{Name: format}).Decode([]byte(line), &r)
			if !ok || err != nil || r.NoAddress != test.why || (test.want == "") == r.Address.IsValid() || test.want != "" && r.Address != address(test.want) {
				t.Errorf("%s, %q: got %v %q %v", format, test.written, r.Address, r.NoAddress, err)
			}
		}
	}
}

// TestWhatIsLeft reads lines that tell of no request to count.
func TestWhatIsLeft(t *testing.T) {
	const cloudflare = `{"EdgeEndTimestamp":1546480452,"EdgeResponseBytes":5000,"ClientIP":"81.2.69.142","ClientRequestURI":"/a.ts","ClientRequestSource":"SOURCE"}`
	for _, test := range []struct{ format, line, left string }{
		{"combined", "", accesslog.LeftBlank},
		{"caddy", "  \r", accesslog.LeftBlank},
		{"iis", "#Date: x", accesslog.LeftHeader},
		{"cloudflare", strings.Replace(cloudflare, "SOURCE", "eyeball", 1), ""},
		{"cloudflare", strings.Replace(cloudflare, "SOURCE", "edgeWorkerFetch", 1), accesslog.LeftSubrequest},
		{"cloudflare", strings.Replace(cloudflare, "SOURCE", "edgeWorkerCacheAPI", 1), accesslog.LeftSubrequest},
		{"cloudflare", strings.Replace(cloudflare, "SOURCE", "imageResizing", 1), accesslog.LeftSubrequest},
		{"cloudflare", strings.Replace(cloudflare, "SOURCE", "healthcheck", 1), accesslog.LeftSubrequest},
		{"cloudflare", strings.Replace(cloudflare, "SOURCE", "", 1), ""},
		{"cloudflare", strings.Replace(cloudflare, `"ClientRequestSource":"SOURCE"`, `"WorkerSubrequest":true`, 1), accesslog.LeftSubrequest},
		{"cloudflare", strings.Replace(cloudflare, `"ClientRequestSource":"SOURCE"`, `"WorkerSubrequest":false`, 1), ""},
		{"cloudflare", `{"content":"tests"}`, accesslog.LeftTest},
		{"azure-front-door", `{"time":"2026-11-28T22:56:05Z","category":"FrontDoorAccessLog","properties":{"requestUri":"https://h/a.ts","responseBytes":"5","isReceivedFromClient":false}}`,
			accesslog.LeftSubrequest},
		{"azure-front-door", `{"time":"2026-11-28T22:56:05Z","category":"FrontDoorHealthProbeLog","properties":{"httpStatusCode":"x"}}`, accesslog.LeftInternal},
		{"google-cloud", `{"timestamp":"2026-11-28T22:56:05Z","httpRequest":{"requestUrl":"https://h/a.ts","responseSize":"5"},"jsonPayload":{"backendLatency":"0.1s"}}`,
			accesslog.LeftSubrequest},
		{"caddy", `{"level":"info","ts":1646861401.5,"msg":"using adjacent Caddyfile","status":"none","request":[1]}`, accesslog.LeftInternal},
		{"traefik-json", `{"level":"info","msg":"Configuration loaded","time":"2026-11-28T22:56:05Z"}`, accesslog.LeftInternal},
		{"traefik-json", `{"level":"info","message":"Configuration loaded","time":"2026-11-28T22:56:05Z"}`, accesslog.LeftInternal},
		{"lighttpd", `127.0.1.7 localhost - [28/Nov/2026:22:54:41 +0000] "PRI * HTTP/2.0" 100 82401 "-" "-"`, accesslog.LeftInternal},
		{"haproxy", `Proxy front started.`, accesslog.LeftInternal},
		{"haproxy", `<134>Nov 28 22:56:05 haproxy[1]: Server back/s is DOWN, reason: Layer4 connection problem`, accesslog.LeftInternal},
		{"haproxy", `192.0.2.1:60000 [06/Dec/2012:18:20:28] ft/sock1: SSL handshake failure`, accesslog.LeftInternal},
		{"haproxy", `127.0.0.1:37938 [29/Nov/2026:02:10:14.958] http http/<NOSRV> -1/-1/-1/-1/0 -1 0 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"`, accesslog.LeftUnanswered},
		{"squid-combined", `::1 - - [29/Nov/2026:02:34:30 +0000] "- error:transaction-end-before-headers NONE/0.0" 0 0 "-" "-" NONE_NONE:HIER_NONE`, accesslog.LeftUnanswered},
		{"squid", `1795919670.400      0 ::1 NONE_NONE/000 0 - error:transaction-end-before-headers - HIER_NONE/- -`, accesslog.LeftUnanswered},
		{"aws-s3", `79a5 bucket [06/Feb/2019:00:00:38 +0000] - AmazonS3 3E57 S3.EXPIRE.OBJECT a.ts - - - - 5 - - "-" "-" - - - - - - - -`, accesslog.LeftInternal},
	} {
		var r accesslog.Request
		ok, err := decoder(t, accesslog.Format{Name: test.format}).Decode([]byte(test.line), &r)
		if err != nil || r.Left != test.left || ok != (test.left == "") {
			t.Errorf("%s: %s: got %v %q %v", test.format, test.line, ok, r.Left, err)
		}
	}
}

// TestDocumentedExamples reads examples of what vendors document, or what was seen, and that writers do not write.
func TestDocumentedExamples(t *testing.T) {
	for _, test := range []struct {
		format, line string
		want         accesslog.Request
	}{
		{"haproxy", `Feb  6 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 ` +
			`{1wt.eu} {} "GET /index.html HTTP/1.1"`,
			accesslog.Request{Time: at("2009-02-06T12:14:14.764Z"), Method: "GET", Status: 200, Path: "/index.html", Bytes: 2750, Address: address("10.0.1.2")}},
		{"haproxy", `::1:41224 [28/Nov/2026:22:56:09.969] f~ o/<CACHE> 0/0/0/0/+5 200 +83678 - - LR-- 1/1/0/0/+0 0/0 "GET https://localhost:22501/hls/a.ts HTTP/2.0"`,
			accesslog.Request{Time: at("2026-11-28T22:56:09.974Z"), Method: "GET", Status: 200, Path: "/hls/a.ts", Bytes: 83678, Address: address("::1")}},
		// Cut after 1023 bytes, in the query and in the path.
		{"haproxy", `192.0.2.1:4000 [28/Nov/2026:22:56:05.000] f o/s 0/0/0/15/15 200 5 - - ---- 1/1/0/0/0 0/0 "GET /hls/a.ts?CMCD=br%3D3200%2Csid%3D%22aaa`,
			accesslog.Request{Time: at("2026-11-28T22:56:05.015Z"), Method: "GET", Status: 200, Path: "/hls/a.ts", Bytes: 5, Address: address("192.0.2.1")}},
		{"haproxy", `192.0.2.1:4000 [28/Nov/2026:22:56:05.000] f o/s 0/0/0/15/15 200 5 - - ---- 1/1/0/0/0 0/0 "GET /hls/a`,
			accesslog.Request{Time: at("2026-11-28T22:56:05.015Z"), Method: "GET", Status: 200, Path: "/hls/a", Bytes: 5, Address: address("192.0.2.1")}},
		{"traefik-json", `{"ClientAddr":"[2001:db8::7]:52162","DownstreamContentSize":5,"DownstreamStatus":200,"RequestMethod":"GET","RequestPath":"/a.ts","time":"2026-11-28T22:56:05Z",` +
			`"request_Cmcd-Session":"sid=\"a\"","level":"info","msg":""}`,
			accesslog.Request{Time: at("2026-11-28T22:56:05Z"), Method: "GET", Status: 200, Path: "/a.ts", Bytes: 5, Address: address("2001:db8::7"),
				CMCD: accesslog.CMCD{Session: `sid="a"`}}},
		// Caddy before 2.5, with a time of another form, and headers of several lines.
		{"caddy", `{"level":"info","ts":"2026/11/28 22:56:05.250","logger":"http.log.access","msg":"handled request","request":{"remote_addr":"192.0.2.1:4000","proto":"HTTP/2.0",` +
			`"method":"GET","uri":"/a.ts","headers":{"Cmcd-Request":["bl=5","su"],"X-Forwarded-For":["81.2.69.142"]}},"size":5,"status":200,"duration":0.5}`,
			accesslog.Request{Time: at("2026-11-28T22:56:05.25Z"), Method: "GET", Status: 200, Path: "/a.ts", Bytes: 5, Address: address("192.0.2.1"),
				CMCD: accesslog.CMCD{Request: "bl=5, su"}}},
		{"nginx-json", `{"time_local":"28/Nov/2026:22:56:05 +0000","remote_addr":"10.0.0.1","http_x_forwarded_for":"81.2.69.142","request":"GET /a.ts HTTP/1.1","status":"200",` +
			`"body_bytes_sent":"5","http_user_agent":"A \x22q\x22"}`,
			accesslog.Request{Time: at("2026-11-28T22:56:05Z"), Method: "GET", Status: 200, Path: "/a.ts", Bytes: 5, Address: address("81.2.69.142"), UserAgent: `A "q"`}},
		{"akamai-json", `{"version":1,"reqTimeSec":"1573840000","bytes":"4995","cliIP":"128.147.28.68","statusCode":"206","reqMethod":"GET","reqPath":"/path1/file.ext",` +
			`"UA":"Mozilla%2F5.0+%28Macintosh%3B+Intel+Mac+OS+X+10_14_3%29","totalBytes":"0","cmcd":"//1.0@V/bl=21600,cid=%22a%22,sf=h","referer":"https%3A%2F%2Ftest.referrer.net%2Fen",` +
			`"xForwardedFor":"8.47.28.38","reqEndTimeMSec":"3","turnAroundTimeMSec":"11","transferTimeMSec":"125"}`,
			accesslog.Request{Time: 1573840000139, Method: "GET", Status: 206, Path: "/path1/file.ext", Bytes: 4995, Address: address("128.147.28.68"),
				UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_3)", Referrer: "https://test.referrer.net/en", CMCD: accesslog.CMCD{Query: `bl=21600,cid="a",sf=h`}}},
		{"mediapackage", `{"timestamp":"2020-07-13T18:59:56.293656Z","clientIp":"192.0.2.0/24","processingTime":0.445,"statusCode":"200","receivedBytes":468,"sentBytes":2587370,` +
			`"method":"GET","request":"https://aaabbbcccdddee.mediapackage.us-east-1.amazonaws.com:443/out/v1/75ee4f20e5df43e5821e5cb17ea19238/hls_7_145095.ts?m=1538005779"}`,
			accesslog.Request{Time: at("2020-07-13T18:59:56.738Z"), Method: "GET", Status: 200, Path: "/out/v1/75ee4f20e5df43e5821e5cb17ea19238/hls_7_145095.ts",
				Query: "m=1538005779", Bytes: 2587370, Address: address("192.0.2.0")}},
		{"keycdn", `1407961382.123|usla|111.111.111.0|200|253061|uid1234|zid4321|example-hexid.kxcdn.com|HIT|"GET /lorem.jpg HTTP/1.1"|[13/Aug/2014:22:23:02 +0200]|` +
			`"http://www.yourwebsite.com"|"Mozilla/5.0 (Windows NT 6.1; WOW64; rv:31.0) Gecko/20100101 Firefox/31.0"|https|TLSv1.2|US|CA|"AS14618 Amazon.com, Inc."|-`,
			accesslog.Request{Time: 1407961382123, Method: "GET", Status: 200, Path: "/lorem.jpg", Bytes: 253061, Address: address("111.111.111.0"),
				Referrer: "http://www.yourwebsite.com", UserAgent: "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:31.0) Gecko/20100101 Firefox/31.0"}},
	} {
		want := test.want
		want.Direction = "playout"
		var got accesslog.Request
		ok, err := decoder(t, accesslog.Format{Name: test.format}).Decode([]byte(test.line), &got)
		if !ok || err != nil || got != want {
			t.Errorf("%s: got  %+v %v\nwant %+v", test.format, got, err, want)
		}
		found, err := accesslog.Detect([]byte(test.line+"\n"), nil)
		if strings.HasSuffix(test.line, `"`) || !strings.HasPrefix(test.format, "haproxy") {
			if err != nil || found.Format.Name != test.format {
				t.Errorf("%s: found out %v %v", test.format, found.Format.Name, err)
			}
		}
	}
}
