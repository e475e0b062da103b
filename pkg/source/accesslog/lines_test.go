package accesslog_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// delivery is a request as a log could tell of it.
type delivery struct {
	end      time.Time
	duration time.Duration
	address  netip.Addr
	method   string
	target   string // path and query as they are sent
	status   int
	bytes    int64
	referrer string
	agent    string
	host     string
	port     int
	number   int // any
}

// random makes a request.
func random(r *rand.Rand) delivery {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	d := delivery{
		end:      time.UnixMilli(1_795_900_000_000 + r.Int64N(40_000_000)).UTC(),
		duration: time.Duration(r.Int64N(20_000)) * time.Millisecond,
		address:  netip.AddrFrom4([4]byte{byte(1 + r.IntN(220)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))}),
		method:   pick("GET", "GET", "GET", "GET", "HEAD", "POST", "OPTIONS"),
		status:   []int{200, 200, 200, 206, 304, 404, 499, 503}[r.IntN(8)],
		bytes:    r.Int64N(9_000_000),
		referrer: pick("-", "-", "https://site.example/watch?v=1&list=a", "https://www.example.com/"),
		agent: pick("-", "curl/7.88.1", "VLC/3.0.18 LibVLC/3.0.18", "AppleCoreMedia/1.0.0.21F79 (iPad; U; CPU OS 17_5 like Mac OS X; en_us)",
			"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
			"Lavf/60.3.100", "Player"),
		host: pick("live.example.com", "localhost", "cdn-1.example.net"), port: 1024 + r.IntN(60000), number: r.IntN(1 << 30),
	}
	if r.IntN(4) == 0 {
		d.address = netip.MustParseAddr(fmt.Sprintf("2a00:%x:%x::%x", r.IntN(1<<16), r.IntN(1<<16), 1+r.IntN(1<<16-1)))
	}
	d.target = fmt.Sprintf("/%s/%s/%s-%d.%s", pick("hls", "live", "app", "dash"), pick("cam1", "stu%20dio", "b%C3%BChne", "ch2"), pick("seg", "chunk", "media"),
		r.IntN(100_000), pick("ts", "m4s", "m3u8"))
	if r.IntN(3) == 0 {
		d.target += fmt.Sprintf("?token=%08x&CMCD=bl%%3D%d%%2Csid%%3D%%22a-%d%%22", d.number, r.IntN(30_000), d.number)
	}
	return d
}

func (d delivery) start() time.Time { return d.end.Add(-d.duration) }

// quotedAgent is the user agent as JSON.
func (d delivery) path() string  { p, _, _ := strings.Cut(d.target, "?"); return p }
func (d delivery) query() string { _, q, _ := strings.Cut(d.target, "?"); return orHyphen(q) }

func orHyphen(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// bracketed is the address as it is written before a port.
func (d delivery) bracketed() string {
	if d.address.Is6() {
		return "[" + d.address.String() + "]"
	}
	return d.address.String()
}

const clf = "02/Jan/2006:15:04:05 -0700"

// object writes an object with its keys in a random order.
func object(r *rand.Rand, fields map[string]any) string {
	keys := make([]string, 0, len(fields))
	for key := range fields {
		keys = append(keys, key)
	}
	r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	var b strings.Builder
	for i, key := range keys {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		b.Write(encode(key))
		b.WriteByte(':')
		if inner, ok := fields[key].(map[string]any); ok {
			b.WriteString(object(r, inner))
		} else {
			b.Write(encode(fields[key]))
		}
	}
	return b.String() + "}"
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// writer writes lines of a format.
type writer struct {
	name   string // of the format
	found  string // what Detect calls it, if that is another name
	header string
	line   func(r *rand.Rand, d delivery) string
	// What the log does not have.
	noAgent, noReferrer, noMethod, noQuery bool
	// coarse is by how much the time may be wrong.
	coarse time.Duration
	fields []string
}

func combinedText(d delivery, at time.Time, target string) string {
	return fmt.Sprintf(`%s - - [%s] "%s %s HTTP/1.1" %d %d "%s" "%s"`, d.address, at.Format(clf), d.method, target, d.status, d.bytes,
		d.referrer, d.agent)
}

func escapeSpaces(s string) string { return strings.ReplaceAll(s, " ", "%20") }

var writers = []writer{
	{name: "combined", coarse: time.Second, line: func(_ *rand.Rand, d delivery) string { return combinedText(d, d.end, d.target) }},
	{name: "nginx-combined", found: "combined", coarse: time.Second, line: func(r *rand.Rand, d delivery) string {
		// The format main of nginx's packages.
		return combinedText(d, d.end, d.target) + ` "-"`
	}},
	{name: "varnish", found: "combined", coarse: time.Second, line: func(_ *rand.Rand, d delivery) string {
		return combinedText(d, d.end, "http://"+d.host+d.target)
	}},
	{name: "common", coarse: time.Second, noAgent: true, line: func(_ *rand.Rand, d delivery) string {
		return fmt.Sprintf(`%s - frank [%s] "%s %s HTTP/1.1" %d %d`, d.address, d.end.Format(clf), d.method, d.target, d.status, d.bytes)
	}},
	{name: "apache-vhost-combined", coarse: time.Second, line: func(_ *rand.Rand, d delivery) string {
		return fmt.Sprintf("%s:%d %s", d.host, d.port, combinedText(d, d.end, d.target))
	}},
	{name: "lighttpd", coarse: time.Second, line: func(_ *rand.Rand, d delivery) string {
		return fmt.Sprintf(`%s %s:%d - [%s] "%s %s HTTP/2.0" %d %d "%s" "%s"`, d.address, d.host, d.port, d.end.Format(clf), d.method, d.target,
			d.status, d.bytes, d.referrer, d.agent)
	}},
	{name: "nginx-json", line: func(r *rand.Rand, d delivery) string {
		return object(r, map[string]any{"msec": fmt.Sprintf("%.3f", float64(d.end.UnixMilli())/1000), "remote_addr": d.address.String(),
			"request_method": d.method, "request_uri": d.target, "status": fmt.Sprint(d.status), "bytes_sent": fmt.Sprint(d.bytes),
			"http_referer": d.referrer, "http_user_agent": d.agent, "http_cmcd_object": ""})
	}},
	{name: "json", line: func(r *rand.Rand, d delivery) string {
		return object(r, map[string]any{"time": d.end.UnixMilli(), "address": d.address.String(), "method": d.method, "url": d.target,
			"status": d.status, "bytes": d.bytes, "referrer": d.referrer, "user_agent": d.agent, "cmcd_object": ""})
	}},
	{name: "caddy", line: func(r *rand.Rand, d delivery) string {
		return object(r, map[string]any{"level": "info", "ts": float64(d.end.UnixMilli()) / 1000, "logger": "http.log.access.log0",
			"msg": "handled request", "bytes_read": 0, "user_id": "", "duration": d.duration.Seconds(), "size": d.bytes, "status": d.status,
			"request": map[string]any{"remote_ip": "10.0.0.1", "remote_port": fmt.Sprint(d.port), "client_ip": d.address.String(),
				"proto": "HTTP/2.0", "method": d.method, "host": d.host, "uri": d.target, "headers": map[string]any{
					"User-Agent": []string{d.agent}, "Accept": []string{"*/*"}, "Accept-Encoding": []string{"gzip, deflate, br"},
					"Referer": []string{d.referrer}, "Cmcd-Session": []string{fmt.Sprintf(`sid="%d"`, d.number)}}},
			"resp_headers": map[string]any{"Server": []string{"Caddy"}, "Etag": []string{`"dn5if9zcqz66-1rts"`}, "Content-Type": []string{"video/mp2t"},
				"Last-Modified": []string{"Thu, 26 Nov 2026 22:52:51 GMT"}, "Accept-Ranges": []string{"bytes"}, "Vary": []string{"Accept-Encoding"}}})
	}},
	{name: "haproxy", noAgent: true, line: func(r *rand.Rand, d delivery) string {
		captured := []string{"", "", "{live.example.com|Player 1.0} {} "}[r.IntN(3)]
		header := []string{"", "Nov 28 22:56:05 localhost haproxy[14389]: "}[r.IntN(2)]
		return fmt.Sprintf(`%s%s:%d [%s] front~ back/server1 0/0/0/%d/%d %d %d - - ---- 1/1/0/0/0 0/0 %s"%s %s HTTP/1.1"`, header, d.address, d.port,
			d.start().Format("02/Jan/2006:15:04:05.000"), r.IntN(100), d.duration.Milliseconds(), d.status, d.bytes, captured, d.method, d.target)
	}},
	{name: "haproxy-clf", noAgent: true, line: func(r *rand.Rand, d delivery) string {
		captured := []string{"", ` "live.example.com" "x"`}[r.IntN(2)]
		return fmt.Sprintf(`%s - - [%s] "%s %s HTTP/1.1" %d %d "" "" %d %d "front" "back" "server1" 0 0 0 1 %d ---- 1 1 0 0 0 0 0 "" ""%s`, d.address,
			d.start().Format(clf), d.method, d.target, d.status, d.bytes, d.port, d.start().UnixMilli()%1000, d.duration.Milliseconds(), captured)
	}},
	{name: "traefik", coarse: time.Second, line: func(r *rand.Rand, d delivery) string {
		return fmt.Sprintf(`%s - - [%s] "%s %s HTTP/2.0" %d %d "%s" "%s" %d "hls@docker" "http://10.0.0.2:80" %dms`, d.address, d.start().Format(clf),
			d.method, d.target, d.status, d.bytes, d.referrer, d.agent, r.IntN(10_000), d.duration.Milliseconds())
	}},
	{name: "traefik-json", line: func(r *rand.Rand, d delivery) string {
		return object(r, map[string]any{"ClientAddr": d.bracketed() + ":" + fmt.Sprint(d.port), "ClientHost": d.address.String(), "ClientPort": fmt.Sprint(d.port),
			"ClientUsername": "-", "DownstreamContentSize": d.bytes, "DownstreamStatus": d.status, "Duration": d.duration.Nanoseconds(),
			"OriginContentSize": d.bytes, "RequestMethod": d.method, "RequestPath": d.target, "RequestHost": d.host, "RequestProtocol": "HTTP/1.1",
			"StartUTC": d.start().Format(time.RFC3339Nano), "StartLocal": d.start().Format(time.RFC3339Nano), "level": "info", "msg": "",
			"request_User-Agent": d.agent, "request_Referer": d.referrer, "time": d.end.Format(time.RFC3339), "RouterName": "hls@docker"})
	}},
	{name: "squid", noAgent: true, noQuery: true, line: func(r *rand.Rand, d delivery) string {
		return fmt.Sprintf(`%d.%03d %6d %s TCP_MISS/%03d %d %s http://%s%s - HIER_DIRECT/10.0.0.1 video/mp2t`, d.end.Unix(), d.end.UnixMilli()%1000,
			d.duration.Milliseconds(), d.address, d.status, d.bytes, d.method, d.host, d.path())
	}},
	{name: "squid-combined", coarse: time.Second, line: func(_ *rand.Rand, d delivery) string {
		return combinedText(d, d.end, "http://"+d.host+d.target) + ` TCP_MISS:FIRSTUP_PARENT`
	}},
	{name: "trafficserver", noAgent: true, line: func(r *rand.Rand, d delivery) string {
		return fmt.Sprintf(`%d.%03d %d %s TCP_MISS/%03d %d %s http://%s%s - DIRECT/10.0.0.1 video/mp2t`, d.start().Unix(), d.start().UnixMilli()%1000,
			d.duration.Milliseconds(), d.address, d.status, d.bytes, d.method, d.host, d.target)
	}},
	{name: "iis", coarse: time.Second, header: "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2026-11-28 00:00:00\r\n" +
		"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus " +
		"sc-win32-status sc-bytes cs-bytes time-taken\r\n",
		line: func(r *rand.Rand, d delivery) string {
			decoded, err := url.PathUnescape(d.path())
			if err != nil {
				panic(err)
			}
			return fmt.Sprintf("%s 10.0.0.1 %s %s %s 443 - %s %s %s %d 0 0 %d 400 %d\r", d.end.Format("2006-01-02 15:04:05"), d.method,
				strings.ReplaceAll(decoded, " ", "+"), d.query(), d.address, strings.ReplaceAll(d.agent, " ", "+"), d.referrer, d.status, d.bytes,
				d.duration.Milliseconds())
		}},
	{name: "w3c", coarse: time.Second, header: "#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri sc-status sc-bytes cs(User-Agent) cs(Referer)\n",
		line: func(_ *rand.Rand, d delivery) string {
			return fmt.Sprintf(`%s %s %s %s %d %d "%s" "%s"`, d.end.Format("2006-01-02 15:04:05"), d.address, d.method, d.target, d.status, d.bytes,
				d.agent, d.referrer)
		}},
	{name: "cloudfront", coarse: time.Second, header: "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status " +
		"cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken\n",
		line: cloudFront},
	{name: "cloudfront", coarse: time.Second, line: cloudFront},
	{name: "cloudfront-json", coarse: time.Second, line: func(r *rand.Rand, d delivery) string {
		return object(r, map[string]any{"date": d.end.Format("2006-01-02"), "time": d.end.Format("15:04:05"), "x-edge-location": "SFO53-P7",
			"sc-bytes": fmt.Sprint(d.bytes), "c-ip": d.address.String(), "cs-method": d.method, "cs(Host)": "d3.cloudfront.net", "cs-uri-stem": d.path(),
			"sc-status": fmt.Sprint(d.status), "cs(Referer)": d.referrer, "cs(User-Agent)": escapeSpaces(d.agent), "cs-uri-query": d.query(),
			"x-forwarded-for": "-", "time-taken": "0.001"})
	}},
	{name: "cloudfront-realtime", line: func(_ *rand.Rand, d delivery) string {
		return strings.Join([]string{fmt.Sprintf("%d.%03d", d.end.Unix(), d.end.UnixMilli()%1000), d.address.String(), "0.001", fmt.Sprint(d.status),
			fmt.Sprint(d.bytes), d.method, "https", d.host, d.path(), "57", "FRA56-C1", "SOX4==", "d111111abcdef8.cloudfront.net", "0.002", "HTTP/2.0",
			"IPv4", escapeSpaces(d.agent), d.referrer, "-", d.query(), "Hit", "-", "TLSv1.2", "ECDHE", "Hit", "-", "-", "video/mp2t", "812000", "-", "-",
			"80", "Hit", "DE", "gzip", "*/*", "*", "-", "-", "1"}, "\t")
	}},
	{name: "akamai", coarse: time.Second, header: "#Version: 1.0\n#Fields: date time cs-ip cs-method cs-uri sc-status sc-bytes time-taken cs(Referer) cs(User-Agent) cs(Cookie)\n",
		line: func(_ *rand.Rand, d delivery) string {
			return fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%d\t%d\t\"%s\"\t\"%s\"\t\"-\"", d.end.Format("2006-01-02\t15:04:05"), d.address, d.method, d.target,
				d.status, d.bytes, d.duration.Milliseconds(), d.referrer, d.agent)
		}},
	{name: "akamai-json", line: func(r *rand.Rand, d delivery) string {
		return object(r, map[string]any{"version": 1, "streamId": "123", "cp": "123456", "reqId": "1239f220", "reqTimeSec": fmt.Sprintf("%d.%03d", d.start().Unix(),
			d.start().UnixMilli()%1000), "bytes": fmt.Sprint(d.bytes), "totalBytes": fmt.Sprint(d.bytes + 300), "cliIP": d.address.String(),
			"statusCode": fmt.Sprint(d.status), "reqMethod": d.method, "reqPath": strings.TrimPrefix(d.path(), "/"), "queryStr": d.query(),
			"UA": url.QueryEscape(d.agent), "referer": url.QueryEscape(d.referrer), "turnAroundTimeMSec": "0", "transferTimeMSec": fmt.Sprint(d.duration.Milliseconds())})
	}},
	{name: "akamai-structured", found: "-", fields: []string{"version", "cp", "reqTimeSec", "bytes", "cliIP", "statusCode", "reqMethod", "reqPath", "queryStr", "UA",
		"referer", "transferTimeMSec"}, line: func(_ *rand.Rand, d delivery) string {
		return fmt.Sprintf("1 123456 %d.%03d %d %s %d %s %s %s %s %s %d", d.start().Unix(), d.start().UnixMilli()%1000, d.bytes, d.address, d.status, d.method,
			d.path(), d.query(), url.QueryEscape(d.agent), url.QueryEscape(d.referrer), d.duration.Milliseconds())
	}},
	{name: "aws-alb", noReferrer: true, line: func(r *rand.Rand, d delivery) string {
		return fmt.Sprintf(`h2 %s app/my-loadbalancer/50dc6c495c0c9188 %s:%d 10.0.0.66:9000 0.000 0.002 -1 %d %d 5 %d "%s https://%s:443%s HTTP/2.0" "%s" `+
			`ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 `+
			`"Root=1-58337327-72bd00b0343d75b906739c42" "-" "-" 1 %s "forward" "-" "-" "10.0.0.66:9000" "200" "-" "-"`,
			d.end.Format("2006-01-02T15:04:05.000000Z"), d.bracketed(), d.port, d.status, d.status, d.bytes, d.method, d.host, d.target, d.agent,
			d.start().Format("2006-01-02T15:04:05.000000Z"))
	}},
	{name: "aws-s3", coarse: time.Second, line: func(r *rand.Rand, d delivery) string {
		return fmt.Sprintf(`79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be my-bucket [%s] %s - 3E57427F3EXAMPLE REST.GET.OBJECT %s "%s %s HTTP/1.1" %d - %d `+
			`%d %d 7 "%s" "%s" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader `+
			`my-bucket.s3.us-west-1.amazonaws.com TLSV1.2 - -`, d.start().Format(clf), d.address, strings.TrimPrefix(d.path(), "/"), d.method, d.target, d.status,
			d.bytes, d.bytes, d.duration.Milliseconds(), d.referrer, d.agent)
	}},
	{name: "mediapackage", noReferrer: true, line: func(r *rand.Rand, d delivery) string {
		return object(r, map[string]any{"timestamp": d.start().Format("2006-01-02T15:04:05.000000Z"), "clientIp": d.address.String() + map[bool]string{true: "/32",
			false: "/128"}[d.address.Is4()], "processingTime": d.duration.Seconds(), "statusCode": fmt.Sprint(d.status), "receivedBytes": 468, "sentBytes": d.bytes,
			"method": d.method, "request": "https://aaabbbcccdddee.mediapackage.us-east-1.amazonaws.com:443" + d.target, "protocol": "HTTP/1.1",
			"userAgent": d.agent, "account": "111122223333", "channelId": "my_channel", "endpointId": "my_endpoint"})
	}},
	{name: "google-cloud", line: func(r *rand.Rand, d delivery) string {
		return object(r, map[string]any{"insertId": "1oek5rg3l3fxj7", "timestamp": d.start().Format("2006-01-02T15:04:05.000000Z"),
			"receiveTimestamp": d.end.Format(time.RFC3339Nano), "severity": "INFO", "logName": "projects/p/logs/requests",
			"httpRequest": map[string]any{"requestMethod": d.method, "requestUrl": "https://" + d.host + d.target, "requestSize": "577", "status": d.status,
				"responseSize": fmt.Sprint(d.bytes), "userAgent": d.agent, "remoteIp": d.address.String(), "referer": d.referrer,
				"cacheHit": true, "latency": fmt.Sprintf("%.6fs", d.duration.Seconds())},
			"jsonPayload": map[string]any{"@type": "type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry", "cacheId": "HKG-a"},
			"resource":    map[string]any{"type": "http_load_balancer", "labels": map[string]any{"zone": "global"}}})
	}},
	{name: "azure-front-door", line: func(r *rand.Rand, d delivery) string {
		return object(r, map[string]any{"time": d.end.Format("2006-01-02T15:04:05.0000000Z"), "resourceId": "/SUBSCRIPTIONS/X", "category": "FrontDoorAccessLog",
			"operationName": "Microsoft.Cdn/Profiles/AccessLog/Write", "properties": map[string]any{"trackingReference": "0mMxs", "httpMethod": d.method,
				"httpVersion": "2.0", "requestUri": "https://" + d.host + ":443" + d.target, "requestBytes": "2160", "responseBytes": fmt.Sprint(d.bytes),
				"userAgent": d.agent, "clientIp": d.address.String(), "socketIp": d.address.String(), "timeTaken": "0.011", "httpStatusCode": fmt.Sprint(d.status),
				"isReceivedFromClient": true, "rulesEngineMatchNames": []string{}, "referer": d.referrer}})
	}},
	{name: "bunny", noMethod: true, line: func(_ *rand.Rand, d delivery) string {
		return fmt.Sprintf("HIT|%d|%d|%d|390|%s|%s|https://%s%s|WA|%s|322b688bd63fb63f2babe9de30a5d262|DE", d.status, d.end.UnixMilli(), d.bytes, d.address,
			d.referrer, d.host, d.target, d.agent)
	}},
	{name: "keycdn", line: func(_ *rand.Rand, d delivery) string {
		return fmt.Sprintf(`%d.%03d|usla|%s|%d|%d|uid1234|zid4321|example-hexid.kxcdn.com|HIT|"%s %s HTTP/1.1"|[%s]|"%s"|"%s"|https|TLSv1.2|US|CA|"AS14618 Amazon.com, Inc."|-`,
			d.end.Unix(), d.end.UnixMilli()%1000, d.address, d.status, d.bytes, d.method, d.target, d.end.Format(clf), d.referrer, d.agent)
	}},
	{name: "gcore", coarse: time.Second, line: func(_ *rand.Rand, d delivery) string {
		return fmt.Sprintf(`"%s" "-" "-" "[%s]" "%s %s HTTP/1.1" "%d" "%d" "%s" "%s" "%d" "[dh-up-gc18]" "https" "cdn.example.com" "1.500" "0.445" "157" "-" "[dh]" "MISS"`,
			d.address, d.end.Format(clf), d.method, d.target, d.status, max(0, d.bytes-300), d.referrer, d.agent, d.bytes)
	}},
	{name: "cloudflare", line: func(r *rand.Rand, d delivery) string {
		return object(r, map[string]any{"ClientIP": d.address.String(), "ClientRequestHost": d.host, "ClientRequestMethod": d.method, "ClientRequestURI": d.target,
			"ClientRequestReferer": d.referrer, "ClientRequestUserAgent": d.agent, "EdgeEndTimestamp": d.end.UnixNano(), "EdgeStartTimestamp": d.start().UnixNano(),
			"EdgeResponseBytes": d.bytes, "EdgeResponseStatus": d.status, "ClientRequestSource": "eyeball", "RayID": "3a6050bcbe121a87"})
	}},
}

func cloudFront(_ *rand.Rand, d delivery) string {
	return tabs(fmt.Sprintf("%s  %s  FRA56-C1  %d  %s  %s  d111111abcdef8.cloudfront.net  %s  %03d  %s  %s  %s  -  Hit  SOX4==  h  https  23  0.001",
		d.end.Format("2006-01-02"), d.end.Format("15:04:05"), d.bytes, d.address, d.method, d.path(), d.status, d.referrer, escapeSpaces(d.agent), d.query()))
}

func (w writer) format() accesslog.Format { return accesslog.Format{Name: w.name, Fields: w.fields} }
