package accesslog

import (
	"strings"

	"github.com/valyala/fastjson"
)

// cloudflareColumns are fields of the data set http_requests of Cloudflare's Logpush, see
// https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/zone/http_requests/.
var cloudflareColumns = columnsByName(
	column{name: "EdgeEndTimestamp", field: fieldTime},
	column{name: "EdgeStartTimestamp", field: fieldTime, fallback: true},
	column{name: "ClientIP", field: fieldAddress},
	column{name: "ClientRequestMethod", field: fieldMethod},
	column{name: "ClientRequestURI", field: fieldTarget},
	column{name: "ClientRequestPath", field: fieldStem, fallback: true},
	column{name: "EdgeResponseStatus", field: fieldStatus},
	column{name: "EdgeResponseBytes", field: fieldBytes},
	column{name: "EdgeResponseBodyBytes", field: fieldBytes, fallback: true},
	column{name: "ClientRequestReferer", field: fieldReferrer},
	column{name: "ClientRequestUserAgent", field: fieldUserAgent},
	// Custom fields, inside RequestHeaders.
	column{name: "cmcd-object", field: fieldCMCDObject},
	column{name: "cmcd-request", field: fieldCMCDRequest},
	column{name: "cmcd-session", field: fieldCMCDSession},
	column{name: "cmcd-status", field: fieldCMCDStatus},
)

// fastlyColumns are the keys of the log format that the documentation gives for Fastly.
var fastlyColumns = columnsByName(
	column{name: "time", field: fieldTime},
	column{name: "address", field: fieldAddress},
	column{name: "method", field: fieldMethod},
	column{name: "url", field: fieldTarget},
	column{name: "status", field: fieldStatus},
	column{name: "bytes", field: fieldBytes},
	column{name: "referrer", field: fieldReferrer},
	column{name: "user_agent", field: fieldUserAgent},
	column{name: "cmcd_object", field: fieldCMCDObject},
	column{name: "cmcd_request", field: fieldCMCDRequest},
	column{name: "cmcd_session", field: fieldCMCDSession},
	column{name: "cmcd_status", field: fieldCMCDStatus},
)

// jsonDecoder decodes lines that are JSON objects.
type jsonDecoder struct {
	record
	columns map[string]column
	parser  fastjson.Parser
	visit   func(key []byte, v *fastjson.Value)
	err     error // of the first key that is refused
	number  []byte
}

// jsonFormat makes decoders of JSON whose keys are the columns.
func jsonFormat(columns map[string]column) func(Format) (Decoder, error) {
	return func(f Format) (Decoder, error) {
		d := &jsonDecoder{record: newRecord(f), columns: columns}
		d.visit = d.key
		return d, nil
	}
}

// Decode implements Decoder.
func (d *jsonDecoder) Decode(line []byte, r *Request) (bool, error) {
	line, err := trim(line)
	if err != nil || len(line) == 0 {
		*r = Request{Left: LeftBlank}
		return false, err
	}
	v, err := d.parser.ParseBytes(line)
	if err != nil {
		return false, &Error{"line", "malformed", "is no valid JSON"}
	}
	o, err := v.Object()
	if err != nil {
		return false, &Error{"line", "malformed", "is no JSON object"}
	}
	d.reset(r)
	d.err = nil
	o.Visit(d.visit)
	if d.err != nil {
		return false, d.err
	}
	if d.has == 0 && o.Get("content") != nil {
		// Cloudflare tries a destination with {"content":"tests"} before it sends logs there.
		r.Left = LeftTest
		return false, nil
	}
	if err := d.finish(); err != nil {
		return false, err
	}
	return true, nil
}

// key takes a key of the object. A number may be written as text.
func (d *jsonDecoder) key(key []byte, v *fastjson.Value) {
	if d.err != nil {
		return
	}
	if v.Type() == fastjson.TypeObject && string(key) == "RequestHeaders" {
		v.GetObject().Visit(d.visit)
		return
	}
	c, ok := d.columns[string(key)]
	if !ok {
		return
	}
	var value []byte
	switch v.Type() {
	case fastjson.TypeString:
		value = v.GetStringBytes()
	case fastjson.TypeNumber:
		d.number = v.MarshalTo(d.number[:0])
		value = d.number
	case fastjson.TypeNull:
	default:
		d.err = &Error{strings.Clone(c.name), "malformed", "must be a text or a number"}
		return
	}
	d.err = d.set(&c, value)
}
