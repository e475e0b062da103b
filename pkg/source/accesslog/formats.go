package accesslog

import (
	"bytes"
	"regexp"
	"sync"
)

// description says how the logs of a server or a CDN are written.
type description struct {
	name  string
	title string // what logs they are
	make  func(Format) (Decoder, error)
	// shape is an expression that matches the lines of the format and those of no other, as far as one line can tell; its group
	// tail is what more there is. It is nil of JSON, which its keys tell, of formats whose header tells, and of those that are
	// never found out.
	shape func() *regexp.Regexp
	open  bool // every line has a tail
	json  bool
	utc   bool // times without a zone are UTC by the definition of the format
}

// formats are all that are known. What the numbers of bytes and the times of each are, docs/sources/other-logs.md says.
var formats = []description{
	lines("combined", "the format combined, of nginx, Apache, Varnish, H2O and others", nginxSyntax,
		`$address - $user [$time] "$request" $status $bytes "$referrer" "$user_agent"`, lineRules{forwarded: true}),
	lines("common", "the Common Log Format, of Apache, Traffic Server and others", nginxSyntax,
		`$address - $user [$time] "$request" $status $bytes`, lineRules{}),
	unseen(lines("nginx-combined", "nginx's format combined", nginxSyntax,
		`$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`,
		lineRules{forwarded: true})),
	object("nginx-json", "variables of nginx as JSON", escapes{}, append(append(plainNames, nginxVariables...),
		column{name: "@timestamp", field: fieldTime, fallback: true})...), // as for Elasticsearch
	unseen(lines("apache-combined", "Apache's format combined", apacheSyntax,
		`%h - %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`, lineRules{forwarded: true})),
	unseen(lines("apache-common", "Apache's format common", apacheSyntax, `%h - %u %t "%r" %>s %O`, lineRules{})),
	lines("apache-vhost-combined", "Apache's format vhost_combined", apacheSyntax,
		`%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"`, lineRules{forwarded: true}),
	lines("lighttpd", "lighttpd's default", apacheSyntax,
		`%h %V %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`, lineRules{forwarded: true}),
	unseen(lines("h2o", "H2O's default", apacheSyntax,
		`%h - %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i"`, lineRules{forwarded: true})),
	unseen(lines("varnish", "varnishncsa's default", apacheSyntax,
		`%h - %u %t "%r" %s %b "%{Referer}i" "%{User-agent}i"`, lineRules{forwarded: true})),
	object("caddy", "Caddy's JSON", escapes{}, caddyKeys...),
	lines("haproxy", "HAProxy's option httplog", haproxySyntax,
		`%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %{+Q}r`,
		lineRules{other: ofHAProxyItself, cut: true}),
	open(lines("haproxy-clf", "HAProxy's option httplog clf", haproxySyntax,
		`%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS`,
		lineRules{other: ofHAProxyItself})),
	lines("traefik", "Traefik's format common", nginxSyntax,
		`$address - $user [$start] "$request" $status $bytes "$referrer" "$user_agent" $number "$router" "$server" ${milliseconds}ms`,
		lineRules{}),
	object("traefik-json", "Traefik's JSON", escapes{}, traefikKeys...),
	lines("squid", "Squid's native format", squidSyntax, `%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt`, lineRules{}),
	lines("squid-combined", "Squid's format combined", squidSyntax,
		`%>a %ui %un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st "%{Referer}>h" "%{User-Agent}>h" %Ss:%Sh`, lineRules{other: ofSquidItself}),
	lines("trafficserver", "Traffic Server's format squid", trafficServerSyntax,
		`%<cqtq> %<ttms> %<chi> %<crc>/%<pssc> %<psql> %<cqhm> %<pquc> %<caun> %<phr>/%<shn> %<psct>`, lineRules{}),
	unseen(lines("trafficserver-common", "Traffic Server's format common", trafficServerSyntax,
		`%<chi> - %<caun> [%<cqtn>] "%<cqtx>" %<pssc> %<pscl>`, lineRules{})),
	unseen(lines("trafficserver-combined", "Traffic Server's format combined", trafficServerSyntax,
		`%<chi> - %<caun> [%<cqtn>] "%<cqtx>" %<pssc> %<pscl> "%<{Referer}cqh>" "%<{User-Agent}cqh>"`, lineRules{})),
	table("iis", "IIS's W3C format", columnsOf{known: w3cColumns, quotes: true, escapes: escapes{plus: true, plusPath: true}}, ""),
	table("w3c", "the W3C Extended Log File Format", columnsOf{known: w3cColumns, quotes: true}, ""),
	table("cloudfront", "CloudFront's standard logs",
		columnsOf{known: cloudfrontColumns, byDefault: cloudfrontFields, separator: '\t', escapes: escapes{percent: true}},
		`^\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t[A-Z]{3}\d+[^\t]*\t\d+\t[^\t]+\t[A-Z]+\t[^\t]*\t/[^\t]*\t\d{3}\t(?P<tail>.*)$`),
	object("cloudfront-json", "CloudFront's standard logs as JSON", escapes{percent: true}, cloudfrontFieldsKnown...),
	table("cloudfront-realtime", "CloudFront's real-time logs with all fields",
		columnsOf{known: cloudfrontColumns, byDefault: cloudfrontRealtimeFields, separator: '\t', escapes: escapes{percent: true}},
		`^\d{10}\.\d+\t[0-9a-fA-F.:]+\t[\d.-]+\t\d{3}\t\d+\t[A-Z]+\t[^\t]*\t[^\t]*\t/[^\t]*\t\d+\t(?P<tail>(?:[^\t]*\t){25,}.*)$`),
	table("akamai", "Akamai's Log Delivery in the W3C format",
		columnsOf{known: w3cColumns, quotes: true, escapes: escapes{percent: true}}, ""),
	object("akamai-json", "Akamai's DataStream 2 as JSON", escapes{percent: true, plus: true}, akamaiKeys...),
	table("akamai-structured", "Akamai's DataStream 2, structured",
		columnsOf{known: columnsByName(akamaiKeys...), needsFields: true, escapes: escapes{percent: true, plus: true}}, ""),
	open(lines("aws-alb", "an Application Load Balancer's access log", nginxSyntax,
		`$type $time $balancer $address $target $number $number $number $status $target_status $received $bytes "$request" "$user_agent"`,
		lineRules{})),
	open(lines("aws-s3", "S3's server access log", nginxSyntax,
		`$owner $bucket [$start] $address $requester $id $operation $key "$request" $status $error $bytes $size $milliseconds $wait `+
			`"$referrer" "$user_agent"`,
		lineRules{other: ofS3Itself})),
	object("mediapackage", "MediaPackage's access logs", escapes{}, mediaPackageKeys...),
	object("google-cloud", "Cloud Logging of Cloud CDN, load balancers and Media CDN", escapes{}, googleKeys...),
	object("azure-front-door", "Azure Front Door's access log", escapes{}, azureKeys...),
	table("bunny", "Bunny's logs",
		columnsOf{known: nginxColumns, byDefault: "cache status time bytes zone address referrer url edge user_agent id country", separator: '|'},
		`^[A-Z-]+\|\d{3}\|\d{13}\|\d+\|\d+\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|.*\|[^|]*\|(?:[A-Z]{2}|-)?(?P<tail>)$`),
	table("keycdn", "KeyCDN's logs",
		columnsOf{known: nginxColumns, byDefault: "time pop address status bytes user zone host cache request date referrer user_agent",
			separator: '|', quotes: true},
		`^\d{10}\.\d{3}\|\w+\|[^|]*\|\d{3}\|\d+\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|"[^"]*"\|\[[^\]]*\]\|"(?P<tail>.*)$`),
	open(lines("gcore", "Gcore's logs", nginxSyntax,
		`"$remote_addr" "-" "$remote_user" "[$time_local]" "$request" "$status" "$body_bytes_sent" "$http_referer" "$http_user_agent" `+
			`"$bytes_sent" "$edgename"`, lineRules{})),
	object("cloudflare", "data set http_requests of Cloudflare's Logpush", escapes{}, cloudflareKeys...),
	unseen(object("fastly", "JSON as documented for Fastly", escapes{}, plainNames...)),
	object("json", "JSON as documented for Fastly, which most servers can write", escapes{}, plainNames...),
	{name: "wowza", title: "Wowza Streaming Engine's access log", make: wowza, shape: expression(
		`^\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t[\w:+-]+\t[\w-]+\t(?:stream|session|server|application|app|vhost|cache|rtsp|comment)\t(?P<tail>.*)$`),
		open: true},
	{name: "nginx-rtmp", title: "nginx-rtmp's access_log", make: nginxRTMP, shape: nginxRTMPLine},
	{name: "icecast", title: "Icecast's access log", make: icecast},
	{name: "template", title: "lines as a format string of a server says, which template gives", make: template},
}

// lines describes a format by a format string.
func lines(name, title string, s *syntax, template string, rules lineRules) description {
	return description{name: name, title: title,
		make: func(f Format) (Decoder, error) {
			f.Template = template
			d, err := newTemplate(f, s, rules)
			if err != nil {
				return nil, err
			}
			return d, nil
		},
		shape: sync.OnceValue(func() *regexp.Regexp {
			start, steps, err := s.compile(template)
			if err != nil {
				return nil
			}
			return pattern(start, steps)
		}),
	}
}

// object describes a format of JSON by the columns that it has.
func object(name, title string, added escapes, columns ...column) description {
	return description{name: name, title: title, make: jsonFormat(added, columns...), json: true}
}

// table describes a format of columns. The expression is for logs without a header.
func table(name, title string, o columnsOf, shape string) description {
	d := description{name: name, title: title, make: o.decoder, open: true, utc: true}
	if shape != "" {
		d.shape = expression(shape)
	}
	return d
}

func expression(shape string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(shape) })
}

// unseen describes a format that is another one by its lines; that one is found out.
func unseen(d description) description {
	d.shape, d.json = nil, false
	return d
}

// open describes a format whose lines have more than its format string says, and get more over the years.
func open(d description) description {
	d.open = true
	return d
}

// ofHAProxyItself knows what HAProxy tells of itself and its servers, and of connections without a request.
func ofHAProxyItself(line []byte) string {
	if haproxyItself.Match(line) {
		return LeftInternal
	}
	return ""
}

var haproxyItself = regexp.MustCompile(`^(?:Proxy|Server|Health check|backend|Backup Server|Connect from|Pausing|Stopping|Enabling|Starting|` +
	`Loading|New worker|\[(?:NOTICE|WARNING|ALERT)\]) |^\S+ \[\d\d/\w{3}/\d{4}:[\d:.]+\] \S+/\S+: `)

// ofSquidItself knows connections that ended before they had a request.
func ofSquidItself(line []byte) string {
	if bytes.Contains(line, []byte(`"- error:`)) {
		return LeftUnanswered
	}
	return ""
}

// ofS3Itself knows what S3 does for its owner's rules and copies, without a client's request.
func ofS3Itself(line []byte) string {
	if s3Itself.Match(line) {
		return LeftInternal
	}
	return ""
}

var s3Itself = regexp.MustCompile(`^\S+ \S+ \[[^\]]+\] \S+ \S+ \S+ [A-Z0-9._]+ \S+ - `)

var caddyKeys = append(headersAt("request.headers."),
	column{name: "ts", field: fieldTime},
	column{name: "request.client_ip", field: fieldAddress},
	column{name: "request.remote_ip", field: fieldAddress, fallback: true},
	column{name: "request.remote_addr", field: fieldAddress, fallback: true},
	column{name: "request.method", field: fieldMethod},
	column{name: "request.uri", field: fieldTarget},
	column{name: "status", field: fieldStatus},
	column{name: "size", field: fieldBytes},
	// What Caddy says of itself goes to the same log by default.
	column{name: "msg", field: fieldOnly, only: is("handled request"), left: LeftInternal},
)

var traefikKeys = append(headersAt("request_"),
	column{name: "time", field: fieldTime, fallback: true},
	column{name: "StartUTC", field: fieldStart},
	column{name: "StartLocal", field: fieldStart, fallback: true},
	column{name: "Duration", field: fieldDuration, unit: nanoseconds},
	column{name: "ClientHost", field: fieldAddress},
	column{name: "ClientAddr", field: fieldAddress, fallback: true},
	column{name: "RequestMethod", field: fieldMethod},
	column{name: "RequestPath", field: fieldTarget},
	column{name: "DownstreamStatus", field: fieldStatus},
	column{name: "DownstreamContentSize", field: fieldBytes},
	// What Traefik says of itself; it may go to the same place.
	column{name: "msg", field: fieldOnly, only: is(), left: LeftInternal},
	column{name: "message", field: fieldOnly, only: is(), left: LeftInternal},
)

// headersAt returns the columns of headers whose keys begin so.
func headersAt(prefix string) []column {
	var all []column
	for name, c := range headers {
		for _, spelling := range headerSpellings[name] {
			c.name = prefix + spelling
			all = append(all, c)
		}
	}
	return all
}

// headerSpellings are the ways in which servers write names of headers; in lower case they are found anyhow.
var headerSpellings = map[string][]string{
	"referer": {"Referer"}, "user-agent": {"User-Agent"}, "x-forwarded-for": {"X-Forwarded-For"},
	"cmcd-object": {"Cmcd-Object", "CMCD-Object"}, "cmcd-request": {"Cmcd-Request", "CMCD-Request"},
	"cmcd-session": {"Cmcd-Session", "CMCD-Session"}, "cmcd-status": {"Cmcd-Status", "CMCD-Status"},
}

// cloudflareKeys are fields of the data set http_requests of Cloudflare's Logpush, see
// https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/zone/http_requests/.
var cloudflareKeys = append(headersAt("RequestHeaders."),
	column{name: "EdgeEndTimestamp", field: fieldTime},
	column{name: "EdgeStartTimestamp", field: fieldStart},
	column{name: "ClientIP", field: fieldAddress},
	column{name: "ClientRequestMethod", field: fieldMethod},
	column{name: "ClientRequestURI", field: fieldTarget},
	column{name: "ClientRequestPath", field: fieldStem, fallback: true},
	column{name: "EdgeResponseStatus", field: fieldStatus},
	column{name: "EdgeResponseBytes", field: fieldBytes},
	column{name: "EdgeResponseBodyBytes", field: fieldBytes, fallback: true},
	column{name: "ClientRequestReferer", field: fieldReferrer},
	column{name: "ClientRequestUserAgent", field: fieldUserAgent},
	// A Worker, a resizer of images and the like make requests of their own while a client's request waits for them.
	column{name: "ClientRequestSource", field: fieldOnly, only: is("eyeball"), left: LeftSubrequest},
	column{name: "WorkerSubrequest", field: fieldOnly, only: is("false"), left: LeftSubrequest},
	// Cloudflare tries a destination with {"content":"tests"} before it sends logs there.
	column{name: "content", field: fieldOnly, only: is(), left: LeftTest},
)

// akamaiKeys are data set fields of DataStream 2, see https://techdocs.akamai.com/datastream2/docs/data-set-parameters-1. A
// request is received, waits, and is answered; each takes its time.
var akamaiKeys = []column{
	{name: "reqTimeSec", field: fieldStart},
	{name: "reqEndTimeMSec", field: fieldDuration, unit: milliseconds},
	{name: "turnAroundTimeMSec", field: fieldDuration, unit: milliseconds},
	{name: "transferTimeMSec", field: fieldDuration, unit: milliseconds},
	{name: "cliIP", field: fieldAddress},
	{name: "xForwardedFor", field: fieldForwarded},
	{name: "reqMethod", field: fieldMethod},
	{name: "reqPath", field: fieldStem},
	{name: "queryStr", field: fieldQuery},
	{name: "statusCode", field: fieldStatus},
	{name: "bytes", field: fieldBytes},
	{name: "totalBytes", field: fieldBytes, fallback: true},
	{name: "referer", field: fieldReferrer},
	{name: "UA", field: fieldUserAgent},
	{name: "cmcd", field: fieldCMCDQuery},
}

// mediaPackageKeys are those of AWS Elemental MediaPackage, see
// https://docs.aws.amazon.com/mediapackage/latest/ug/access-logging.html.
var mediaPackageKeys = []column{
	{name: "timestamp", field: fieldStart},
	{name: "processingTime", field: fieldDuration, unit: seconds},
	{name: "clientIp", field: fieldAddress},
	{name: "method", field: fieldMethod},
	{name: "request", field: fieldTarget},
	{name: "statusCode", field: fieldStatus},
	{name: "sentBytes", field: fieldBytes},
	{name: "userAgent", field: fieldUserAgent},
}

// googleKeys are those of log entries with an HttpRequest, see
// https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest.
var googleKeys = []column{
	{name: "timestamp", field: fieldStart},
	{name: "httpRequest.latency", field: fieldDuration},
	{name: "jsonPayload.latency", field: fieldDuration, fallback: true},
	{name: "httpRequest.remoteIp", field: fieldAddress},
	{name: "httpRequest.requestMethod", field: fieldMethod},
	{name: "httpRequest.requestUrl", field: fieldTarget},
	{name: "httpRequest.status", field: fieldStatus},
	{name: "httpRequest.responseSize", field: fieldBytes},
	{name: "httpRequest.referer", field: fieldReferrer},
	{name: "httpRequest.userAgent", field: fieldUserAgent},
	// Only Media CDN's own requests to an origin have it.
	{name: "jsonPayload.backendLatency", field: fieldOnly, only: is(), left: LeftSubrequest},
}

// azureKeys are those of Front Door's and Azure CDN's access logs, see
// https://learn.microsoft.com/azure/frontdoor/monitor-front-door.
var azureKeys = []column{
	{name: "time", field: fieldTime},
	{name: "properties.clientIp", field: fieldAddress},
	{name: "properties.httpMethod", field: fieldMethod},
	{name: "properties.requestUri", field: fieldTarget},
	{name: "properties.httpStatusCode", field: fieldStatus},
	{name: "properties.responseBytes", field: fieldBytes},
	{name: "properties.referer", field: fieldReferrer},
	{name: "properties.referrer", field: fieldReferrer, fallback: true},
	{name: "properties.userAgent", field: fieldUserAgent},
	{name: "category", field: fieldOnly, only: is("FrontDoorAccessLog", "AzureCdnAccessLog"), left: LeftInternal},
	// What an edge asks of the cache behind it.
	{name: "properties.isReceivedFromClient", field: fieldOnly, only: is("true"), left: LeftSubrequest},
}

// w3cColumns are fields of the W3C Extended Log File Format, https://www.w3.org/TR/WD-logfile.html, as IIS, Akamai and others
// have them, in lower case.
var w3cColumns = columnsByName(
	column{name: "date", field: fieldDate},
	column{name: "time", field: fieldOfDay},
	column{name: "timestamp", field: fieldTime},
	column{name: "c-ip", field: fieldAddress},
	column{name: "cs-ip", field: fieldAddress, fallback: true},
	column{name: "x-forwarded-for", field: fieldForwarded},
	column{name: "cs(x-forwarded-for)", field: fieldForwarded},
	column{name: "cs-method", field: fieldMethod},
	column{name: "cs-uri", field: fieldTarget, fallback: true},
	column{name: "cs-uri-stem", field: fieldStem},
	column{name: "cs-uri-query", field: fieldQuery},
	column{name: "sc-status", field: fieldStatus},
	column{name: "sc-bytes", field: fieldBytes},
	column{name: "cs(referer)", field: fieldReferrer},
	column{name: "cs(user-agent)", field: fieldUserAgent},
	column{name: "cs(cmcd-object)", field: fieldCMCDObject},
	column{name: "cs(cmcd-request)", field: fieldCMCDRequest},
	column{name: "cs(cmcd-session)", field: fieldCMCDSession},
	column{name: "cs(cmcd-status)", field: fieldCMCDStatus},
)
