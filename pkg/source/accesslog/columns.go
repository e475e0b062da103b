package accesslog

import (
	"bytes"
	"fmt"
	"strings"
)

// cloudfrontColumns are fields of CloudFront's standard logs and, with other names, of its real-time logs, see
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html and real-time-logs.html.
var cloudfrontColumns = columnsByName(
	column{name: "date", field: fieldDate},
	column{name: "time", field: fieldOfDay},
	column{name: "timestamp", field: fieldTime},
	column{name: "timestamp(ms)", field: fieldTime},
	column{name: "c-ip", field: fieldAddress},
	column{name: "cs-method", field: fieldMethod},
	column{name: "cs-uri-stem", field: fieldStem},
	column{name: "cs-uri-query", field: fieldQuery},
	column{name: "sc-status", field: fieldStatus},
	column{name: "sc-bytes", field: fieldBytes},
	column{name: "cs(Referer)", field: fieldReferrer},
	column{name: "cs(User-Agent)", field: fieldUserAgent},
	column{name: "cs-referer", field: fieldReferrer},
	column{name: "cs-user-agent", field: fieldUserAgent},
	column{name: "cmcd-encoded-bitrate", field: fieldCMCDKey, key: "br"},
	column{name: "cmcd-buffer-length", field: fieldCMCDKey, key: "bl"},
	column{name: "cmcd-buffer-starvation", field: fieldCMCDKey, key: "bs"},
	column{name: "cmcd-content-id", field: fieldCMCDKey, key: "cid"},
	column{name: "cmcd-object-duration", field: fieldCMCDKey, key: "d"},
	column{name: "cmcd-deadline", field: fieldCMCDKey, key: "dl"},
	column{name: "cmcd-measured-throughput", field: fieldCMCDKey, key: "mtp"},
	column{name: "cmcd-next-object-request", field: fieldCMCDKey, key: "nor"},
	column{name: "cmcd-next-range-request", field: fieldCMCDKey, key: "nrr"},
	column{name: "cmcd-object-type", field: fieldCMCDKey, key: "ot"},
	column{name: "cmcd-playback-rate", field: fieldCMCDKey, key: "pr"},
	column{name: "cmcd-requested-maximum-throughput", field: fieldCMCDKey, key: "rtp"},
	column{name: "cmcd-streaming-format", field: fieldCMCDKey, key: "sf"},
	column{name: "cmcd-session-id", field: fieldCMCDKey, key: "sid"},
	column{name: "cmcd-stream-type", field: fieldCMCDKey, key: "st"},
	column{name: "cmcd-startup", field: fieldCMCDKey, key: "su"},
	column{name: "cmcd-top-bitrate", field: fieldCMCDKey, key: "tb"},
	column{name: "cmcd-version", field: fieldCMCDKey, key: "v"},
)

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

// columnDecoder decodes lines of values between tabs (W3C Extended Log File Format).
type columnDecoder struct {
	record
	known   map[string]column
	columns []column // of the log, in their order
	last    int      // position of the last of them that tells something, -1 if none does
}

// columnsFormat makes decoders of the known columns, which by default are the named ones in that order.
func columnsFormat(known map[string]column, byDefault string) func(Format) (Decoder, error) {
	return func(f Format) (Decoder, error) {
		d, err := newColumnDecoder(f, known, byDefault)
		if err != nil {
			return nil, err
		}
		d.percent = true
		return d, nil
	}
}

func newColumnDecoder(f Format, known map[string]column, byDefault string) (*columnDecoder, error) {
	d := &columnDecoder{record: newRecord(f), known: known}
	names := f.Fields
	if len(names) == 0 {
		names = strings.Fields(byDefault)
	}
	d.order(names)
	for _, name := range names {
		if c, ok := known[name]; ok && c.field == fieldBytes {
			return d, nil
		}
	}
	return nil, fmt.Errorf("the fields of a %s log need the number of bytes", f.Name)
}

// order sets the columns of the log.
func (d *columnDecoder) order(names []string) {
	d.columns, d.last = d.columns[:0], -1
	for i, name := range names {
		c, ok := d.known[name]
		if ok {
			d.last = i
		}
		d.columns = append(d.columns, c)
	}
}

// Decode implements Decoder.
func (d *columnDecoder) Decode(line []byte, r *Request) (bool, error) {
	ok, err := d.read(line, r)
	if ok {
		err = d.finish()
	}
	return ok && err == nil, err
}

// read reads the values of a line and reports whether it has any.
func (d *columnDecoder) read(line []byte, r *Request) (bool, error) {
	line, err := trim(line)
	if err != nil || len(line) == 0 {
		*r = Request{Left: LeftBlank}
		return false, err
	}
	if line[0] == '#' {
		*r = Request{Left: LeftHeader}
		if names, ok := bytes.CutPrefix(line, []byte("#Fields:")); ok {
			d.order(strings.Fields(string(names)))
		}
		return false, nil
	}
	d.reset(r)
	rest, more := line, true
	for i := 0; i <= d.last && more; i++ {
		value := rest
		tab := bytes.IndexByte(rest, '\t')
		if more = tab >= 0; more {
			value, rest = rest[:tab], rest[tab+1:]
		}
		if err := d.set(&d.columns[i], value); err != nil {
			return false, err
		}
	}
	return true, nil
}
