package accesslog

// cloudfrontFieldsKnown are fields of CloudFront's standard logs and, with other names, of its real-time logs, see
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html and real-time-logs.html.
var cloudfrontFieldsKnown = []column{
	{name: "date", field: fieldDate},
	{name: "time", field: fieldOfDay},
	{name: "timestamp", field: fieldTime},
	{name: "timestamp(ms)", field: fieldTime},
	{name: "c-ip", field: fieldAddress},
	{name: "cs-method", field: fieldMethod},
	{name: "cs-uri-stem", field: fieldStem},
	{name: "cs-uri-query", field: fieldQuery},
	{name: "sc-status", field: fieldStatus},
	{name: "sc-bytes", field: fieldBytes},
	{name: "cs(Referer)", field: fieldReferrer},
	{name: "cs(User-Agent)", field: fieldUserAgent},
	{name: "cs-referer", field: fieldReferrer},
	{name: "cs-user-agent", field: fieldUserAgent},
	{name: "x-forwarded-for", field: fieldForwarded},
	{name: "cmcd-encoded-bitrate", field: fieldCMCDKey, key: "br"},
	{name: "cmcd-buffer-length", field: fieldCMCDKey, key: "bl"},
	{name: "cmcd-buffer-starvation", field: fieldCMCDKey, key: "bs"},
	{name: "cmcd-content-id", field: fieldCMCDKey, key: "cid"},
	{name: "cmcd-object-duration", field: fieldCMCDKey, key: "d"},
	{name: "cmcd-deadline", field: fieldCMCDKey, key: "dl"},
	{name: "cmcd-measured-throughput", field: fieldCMCDKey, key: "mtp"},
	{name: "cmcd-next-object-request", field: fieldCMCDKey, key: "nor"},
	{name: "cmcd-next-range-request", field: fieldCMCDKey, key: "nrr"},
	{name: "cmcd-object-type", field: fieldCMCDKey, key: "ot"},
	{name: "cmcd-playback-rate", field: fieldCMCDKey, key: "pr"},
	{name: "cmcd-requested-maximum-throughput", field: fieldCMCDKey, key: "rtp"},
	{name: "cmcd-streaming-format", field: fieldCMCDKey, key: "sf"},
	{name: "cmcd-session-id", field: fieldCMCDKey, key: "sid"},
	{name: "cmcd-stream-type", field: fieldCMCDKey, key: "st"},
	{name: "cmcd-startup", field: fieldCMCDKey, key: "su"},
	{name: "cmcd-top-bitrate", field: fieldCMCDKey, key: "tb"},
	{name: "cmcd-version", field: fieldCMCDKey, key: "v"},
}

var cloudfrontColumns = columnsByName(cloudfrontFieldsKnown...)

// cloudfrontFields are the columns of a standard log; their order is the same since 2019.
const cloudfrontFields = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) " +
	"cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes " +
	"time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status " +
	"fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len " +
	"sc-range-start sc-range-end"

// cloudfrontRealtimeFields are the columns of a real-time log with all fields, in the order in which CloudFront offers them.
const cloudfrontRealtimeFields = "timestamp c-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host " +
	"cs-uri-stem cs-bytes x-edge-location x-edge-request-id x-host-header time-taken cs-protocol-version c-ip-version " +
	"cs-user-agent cs-referer cs-cookie cs-uri-query x-edge-response-result-type x-forwarded-for ssl-protocol ssl-cipher " +
	"x-edge-result-type fle-encrypted-fields fle-status sc-content-type sc-content-len sc-range-start sc-range-end c-port " +
	"x-edge-detailed-result-type c-country cs-accept-encoding cs-accept cache-behavior-path-pattern cs-headers " +
	"cs-header-names cs-headers-count primary-distribution-id primary-distribution-dns-name origin-fbl origin-lbl asn " +
	"cmcd-encoded-bitrate cmcd-buffer-length cmcd-buffer-starvation cmcd-content-id cmcd-object-duration cmcd-deadline " +
	"cmcd-measured-throughput cmcd-next-object-request cmcd-next-range-request cmcd-object-type cmcd-playback-rate " +
	"cmcd-requested-maximum-throughput cmcd-streaming-format cmcd-session-id cmcd-stream-type cmcd-startup " +
	"cmcd-top-bitrate cmcd-version"
