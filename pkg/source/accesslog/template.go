package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// combinedTemplate is the format "combined" of nginx, and of Apache but for the way of escaping, of which both are read.
const combinedTemplate = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" ` +
	`"$http_user_agent"`

// nginxColumns are the variables of nginx that tell something, see
// https://nginx.org/en/docs/http/ngx_http_core_module.html#variables and ngx_http_log_module.html.
//
// X-Forwarded-For is not among them: everyone can send it. nginx's realip module knows the proxies to trust and puts the
// client's address into $remote_addr.
var nginxColumns = columnsByName(
	column{name: "msec", field: fieldTime},
	column{name: "time_local", field: fieldTime, fallback: true},
	column{name: "time_iso8601", field: fieldTime, fallback: true},
	column{name: "remote_addr", field: fieldAddress},
	column{name: "request", field: fieldRequest},
	column{name: "request_method", field: fieldMethod},
	column{name: "request_uri", field: fieldTarget},
	column{name: "uri", field: fieldPath, fallback: true},
	column{name: "args", field: fieldQuery},
	column{name: "query_string", field: fieldQuery},
	column{name: "status", field: fieldStatus},
	column{name: "bytes_sent", field: fieldBytes},
	column{name: "body_bytes_sent", field: fieldBytes, fallback: true},
	column{name: "http_referer", field: fieldReferrer},
	column{name: "http_user_agent", field: fieldUserAgent},
	column{name: "arg_cmcd", field: fieldCMCDQuery},
	column{name: "http_cmcd_object", field: fieldCMCDObject},
	column{name: "http_cmcd_request", field: fieldCMCDRequest},
	column{name: "http_cmcd_session", field: fieldCMCDSession},
	column{name: "http_cmcd_status", field: fieldCMCDStatus},
)

// step reads a variable and the text after it.
type step struct {
	column column
	end    []byte // the text after the variable; the last step's is empty if the variable ends the line
}

// templateDecoder decodes lines that were made by a template.
type templateDecoder struct {
	record
	start     []byte // the text before the first variable
	steps     []step
	unescaped []byte
}

var variable = regexp.MustCompile(`\$(?:\{(\w+)\}|(\w+))`)

func combined(f Format) (Decoder, error) {
	f.Template = combinedTemplate
	return template(f)
}

// template makes a decoder from a format string of nginx's log_format.
func template(f Format) (Decoder, error) {
	d := &templateDecoder{record: newRecord(f)}
	found := variable.FindAllStringSubmatchIndex(f.Template, -1)
	if found == nil {
		return nil, errors.New("the template has no variable")
	}
	d.start = []byte(f.Template[:found[0][0]])
	var has uint32
	for i, at := range found {
		name := strings.ToLower(strings.Trim(f.Template[at[0]:at[1]], "${}"))
		end := len(f.Template)
		if i+1 < len(found) {
			if end = found[i+1][0]; end == at[1] {
				return nil, fmt.Errorf("the template needs text between $%s and the variable after it", name)
			}
		}
		c, known := nginxColumns[name]
		if !known {
			c = column{name: name}
		}
		has |= c.field.slot()
		d.steps = append(d.steps, step{column: c, end: []byte(f.Template[at[1]:end])})
	}
	for _, need := range []struct {
		fields uint32
		names  string
	}{
		{fieldTime.slot(), "$msec, $time_local or $time_iso8601"},
		{fieldTarget.slot(), "$request, $request_uri or $uri"},
		{fieldStatus.slot(), "$status"},
		{fieldBytes.slot(), "$bytes_sent or $body_bytes_sent"},
	} {
		if has&need.fields == 0 {
			return nil, errors.New("the template needs " + need.names)
		}
	}
	return d, nil
}

// Decode implements Decoder. What follows the end of the template is passed over: many logs are the combined format and more.
func (d *templateDecoder) Decode(line []byte, r *Request) (bool, error) {
	line, err := trim(line)
	if err != nil || len(line) == 0 {
		*r = Request{Left: LeftBlank}
		return false, err
	}
	d.reset(r)
	rest, ok := bytes.CutPrefix(line, d.start)
	if !ok {
		return false, &Error{"line", "malformed", fmt.Sprintf("does not begin with %q", d.start)}
	}
	escaped := bytes.IndexByte(line, '\\') >= 0
	for i := range d.steps {
		s := &d.steps[i]
		value := rest
		if len(s.end) > 0 {
			at := find(rest, s.end, escaped)
			if at < 0 {
				return false, &Error{s.column.name, "malformed", fmt.Sprintf("is not followed by %q", s.end)}
			}
			value, rest = rest[:at], rest[at+len(s.end):]
			if escaped && bytes.IndexByte(value, '\\') >= 0 {
				d.unescaped = appendUnescaped(d.unescaped[:0], value)
				value = d.unescaped
			}
		}
		if err := d.set(&s.column, value); err != nil {
			return false, err
		}
	}
	if err := d.finish(); err != nil {
		return false, err
	}
	return true, nil
}

// find returns where the text that ends a value begins, -1 if it does not. In a line with backslashes, a quotation mark after
// one, as Apache writes it, ends nothing.
func find(b, end []byte, escaped bool) int {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], end[0])
		if i < 0 {
			return -1
		}
		i += from
		if bytes.HasPrefix(b[i:], end) && !(escaped && end[0] == '"' && endsEscaped(b[:i])) {
			return i
		}
		from = i + 1
	}
}

// endsEscaped reports whether the text ends with a backslash that is not itself escaped.
func endsEscaped(b []byte) bool {
	n := 0
	for n < len(b) && b[len(b)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}
