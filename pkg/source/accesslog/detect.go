package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// MaxHead is how much of a log's begin Detect looks at, in bytes.
const MaxHead = 64 << 10

// maxLines is how many lines Detect looks at.
const maxLines = 200

// Detection is the format of a log, as its begin shows it.
type Detection struct {
	Format Format
	Reason string // a sentence: from what it was found out
	Notice string // what a person should know: times that name no zone, lines that are not of the format; "" if there is nothing
}

// DetectError says why the format of a log could not be found out: no format fits, or several of different meaning do.
type DetectError struct {
	Fits    []string // the formats that fit
	Message string   // sentences
	Line    string   // an excerpt of the first line that fits no format, "" if there is none
}

func (e *DetectError) Error() string { return e.Message }

// Detect finds out the format of a log from its begin, of which it reads at most MaxHead bytes; location is that of times
// that name no zone, nil if it is not known. The error is a *DetectError.
func Detect(head []byte, location *time.Location) (Detection, error) {
	head = head[:min(len(head), MaxHead)]
	for _, known := range contents {
		if known.is(head) {
			return Detection{}, &DetectError{Message: "the file is no text of lines: " + known.name}
		}
	}
	d := &detector{location: location}
	d.divide(head)
	if len(d.lines) == 0 {
		if len(d.fields) > 0 {
			return Detection{}, &DetectError{Message: "the log has a header, and no line of a request yet"}
		}
		return Detection{}, &DetectError{Message: "the log has no line"}
	}
	for _, known := range otherLogs {
		if known.line.Match(d.lines[0]) {
			return Detection{}, &DetectError{Message: known.name, Line: Excerpt(d.lines[0])}
		}
	}
	if len(d.fields) > 0 {
		return d.result([]*fit{d.decode(d.headed())})
	}
	objects := 0
	for _, line := range d.lines {
		if line[0] == '{' {
			objects++
		}
	}
	var fits []*fit
	for i := range formats {
		if f := &formats[i]; f.json && objects*2 > len(d.lines) || f.shape != nil && objects*2 <= len(d.lines) {
			fits = append(fits, d.decode(f))
		}
	}
	return d.result(fits)
}

// detector holds the begin of a log.
type detector struct {
	location *time.Location
	lines    [][]byte // those that are not blank and no header, without what syslog puts before them
	headers  []header // of W3C logs, which have another one where their server began anew
	fields   []string // the names of the columns by it
	syslog   int      // how many of the lines came by syslog
}

// header is a line of a header.
type header struct {
	line   []byte
	before int // how many of the lines of the log are before it
}

func (d *detector) divide(head []byte) {
	// The last line may be cut.
	if end := bytes.LastIndexByte(head, '\n'); end >= 0 {
		head = head[:end]
	}
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		line, _ = trim(line)
		switch {
		case len(line) == 0:
		case line[0] == '#':
			d.headers = append(d.headers, header{line, len(d.lines)})
			if names, ok := bytes.CutPrefix(line, []byte(FieldsPrefix)); ok {
				d.fields = strings.Fields(string(names))
			}
		case len(d.lines) < maxLines:
			if mayHaveSyslog(line) {
				if rest := afterSyslog(line); len(rest) > 0 && len(rest) < len(line) {
					d.syslog++
					line = rest
				}
			}
			d.lines = append(d.lines, line)
		}
	}
}

// headed returns the format of a log with the header.
func (d *detector) headed() *description {
	has := func(names ...string) bool {
		for _, name := range names {
			if !slices.ContainsFunc(d.fields, func(f string) bool { return strings.EqualFold(f, name) }) {
				return false
			}
		}
		return true
	}
	name := "w3c"
	switch {
	case has("x-category", "x-event", "x-sname"):
		name = "wowza"
	case has("x-edge-location"), has("x-edge-request-id"), has("x-edge-result-type"):
		name = "cloudfront"
	case has("cs-ip", "cs-uri"):
		name = "akamai"
	case has("s-ip"), has("sc-win32-status"), has("s-port"), slices.ContainsFunc(d.headers, func(h header) bool {
		return bytes.Contains(h.line, []byte("Internet Information Services"))
	}):
		name = "iis"
	}
	return described(name)
}

// fit says how well a format fits the lines.
type fit struct {
	*description
	full, partly int    // numbers of lines that are of the format, and that are with something behind it
	tails        int    // how much is behind it, in bytes
	left         int    // the number of lines that are no requests
	lines        int    // of those that are of the format, how many are taken for it
	bads         int    // how many of them cannot be read
	bad          []byte // the first of these
	err          error  // why it cannot
	known        int    // how much of a request it tells nonetheless
	strange      []byte // the first line that is not of the format
	zoneless     bool   // a time names no zone
}

// decode tries a format.
func (d *detector) decode(f *description) *fit {
	result := &fit{description: f}
	var shape *regexp.Regexp
	if f.shape != nil && len(d.fields) == 0 {
		shape = f.shape()
		if !slices.ContainsFunc(d.lines, shape.Match) {
			result.strange = d.lines[0]
			return result
		}
	}
	decoder, err := f.make(Format{Name: f.name, Location: d.location})
	if err != nil {
		return result
	}
	headers := d.headers
	for i, line := range d.lines {
		for ; len(headers) > 0 && headers[0].before <= i; headers = headers[1:] {
			var r Request
			// A header tells of no request.
			_, _ = decoder.Decode(headers[0].line, &r)
		}
		var tail []byte
		if shape != nil {
			groups := shape.FindSubmatch(line)
			if groups != nil {
				tail = groups[shape.SubexpIndex("tail")]
			} else if !isOther(decoder, line) {
				var r Request
				if _, err := decoder.Decode(line, &r); err != nil && result.strange == nil {
					result.strange = line
				}
				continue
			}
		}
		var r Request
		ok, err := decoder.Decode(line, &r)
		switch {
		case err != nil && result.bad == nil:
			result.bad, result.err = line, err
			result.bads++
			if told, can := decoder.(interface{ known() int }); can {
				result.known = told.known()
			}
		case err != nil:
			result.bads++
		case !ok:
			result.left++
		}
		switch {
		case err != nil && shape == nil, err == nil && !ok:
		case len(tail) > 0 && !f.open:
			result.partly++
			result.tails += len(tail)
		default:
			result.full++
		}
	}
	if times, can := decoder.(interface{ withoutZone() bool }); can {
		result.zoneless = times.withoutZone()
	}
	return result
}

// isOther reports whether a line is one that the format has beside those of requests.
func isOther(decoder Decoder, line []byte) bool {
	t, ok := decoder.(*templateDecoder)
	return ok && t.rules.other != nil && t.rules.other(line) != ""
}

// result says which of the formats it is.
func (d *detector) result(fits []*fit) (Detection, error) {
	for _, partly := range []bool{false, true} {
		var best []*fit
		for _, f := range fits {
			if !partly {
				f.lines = f.full
			} else {
				f.lines = f.full + f.partly
			}
			if f.lines > 0 && (f.lines+f.left)*2 > len(d.lines) {
				best = append(best, f)
			}
		}
		best = withoutAliases(best)
		if partly && len(best) > 1 {
			// The one that tells most of a line: combined, not common.
			best = []*fit{slices.MinFunc(best, func(a, b *fit) int { return a.tails - b.tails })}
		}
		switch len(best) {
		case 0:
		case 1:
			return d.found(best[0])
		default:
			e := &DetectError{}
			titles := make([]string, len(best))
			for i, f := range best {
				e.Fits = append(e.Fits, f.name)
				titles[i] = fmt.Sprintf("%s (%s)", f.title, f.name)
			}
			e.Message = "the lines can be " + strings.Join(titles, " or ") + ", which do not mean the same; the format must be given"
			return Detection{}, e
		}
	}
	return Detection{}, d.nothing(fits)
}

// withoutAliases leaves out formats of which another one that fits is a part.
func withoutAliases(fits []*fit) []*fit {
	if slices.ContainsFunc(fits, func(f *fit) bool { return f.name == "json" }) {
		return slices.DeleteFunc(fits, func(f *fit) bool { return f.name == "nginx-json" })
	}
	return fits
}

func (d *detector) found(f *fit) (Detection, error) {
	if f.err != nil && f.bads >= f.lines {
		return Detection{}, &DetectError{Fits: []string{f.name}, Line: Excerpt(f.bad),
			Message: fmt.Sprintf("the lines are as %s, but the first cannot be read: %s", f.title, d.why(f))}
	}
	found := Detection{Format: Format{Name: f.name, Location: d.location}}
	found.Reason = fmt.Sprintf("%d of %d lines are as %s", f.lines, len(d.lines), f.title)
	if len(d.fields) > 0 {
		found.Reason = "the header names the columns of " + f.title
	}
	if f.left > 0 {
		found.Reason += fmt.Sprintf(", %d others tell of no request to count", f.left)
	}
	if d.syslog > 0 {
		found.Reason += ", behind a header of syslog"
	}
	var notices []string
	if f.zoneless && d.location == nil && !f.utc {
		notices = append(notices, "its times name no zone and are taken for UTC; give the time zone of the server if it has another")
	}
	switch {
	case f.strange != nil:
		notices = append(notices, "other lines are not, such as: "+Excerpt(f.strange))
	case f.bad != nil:
		notices = append(notices, "a line cannot be read: "+f.err.Error()+": "+Excerpt(f.bad))
	}
	found.Notice = strings.Join(notices, "; ")
	return found, nil
}

// why says why a line is refused, and what would help.
func (d *detector) why(f *fit) string {
	var refused *Error
	if errors.As(f.err, &refused) && refused.Field == "bytes" && len(d.fields) > 0 {
		return "its fields do not have the number of bytes that were sent; in IIS it is the field Bytes Sent (sc-bytes)"
	}
	return f.err.Error()
}

// nothing says that no format fits, and which comes nearest.
func (d *detector) nothing(fits []*fit) *DetectError {
	e := &DetectError{Line: Excerpt(d.lines[0])}
	var nearest *fit
	for _, f := range fits {
		if nearest == nil || f.near() > nearest.near() {
			nearest = f
		}
	}
	switch {
	case nearest == nil:
		e.Message = "no format fits the first line: " + e.Line
	case nearest.full+nearest.partly > 0:
		if nearest.strange == nil {
			nearest.strange = nearest.bad
		}
		e.Line = Excerpt(nearest.strange)
		e.Message = fmt.Sprintf("only %d of %d lines are as %s (%s), and others are not: %s; the format must be given",
			nearest.full+nearest.partly, len(d.lines), nearest.title, nearest.name, e.Line)
		e.Fits = []string{nearest.name}
	case nearest.known >= 3 || len(d.fields) > 0:
		e.Message = fmt.Sprintf("no format fits; the log is most like %s (%s), but: %s. The first line is: %s", nearest.title, nearest.name,
			d.why(nearest), e.Line)
	default:
		e.Message = "no format fits the first line: " + e.Line
	}
	return e
}

// near says how near a format comes to the lines.
func (f *fit) near() int { return (2*f.full+f.partly)*64 + f.known }

// contents are files that are no lines of text, by their first bytes.
var contents = []struct {
	name string
	is   func(head []byte) bool
}{
	{"it is empty", func(head []byte) bool { return len(head) == 0 }},
	{"it is compressed with gzip", begins("\x1f\x8b")},
	{"it is compressed with xz", begins("\xfd7zXZ\x00")},
	{"it is compressed with zstd", begins("\x28\xb5\x2f\xfd")},
	{"it is compressed with bzip2", func(head []byte) bool {
		return len(head) > 9 && bytes.HasPrefix(head, []byte("BZh")) && string(head[4:10]) == "\x31\x41\x59\x26\x53\x59"
	}},
	{"it is compressed with lz4", begins("\x04\x22\x4d\x18")},
	{"it is a zip archive", begins("PK\x03\x04")},
	{"it is a 7z archive", begins("7z\xbc\xaf\x27\x1c")},
	{"it is a tar archive", func(head []byte) bool { return len(head) > 262 && string(head[257:262]) == "ustar" }},
	{"it is a Parquet file; CSV, JSON and text can be read", begins("PAR1")},
	{"it is a binary log of Traffic Server, which traffic_logcat makes text of", begins("\xce\xfa\xce\x0a")},
	{"it is UTF-16; UTF-8 can be read", func(head []byte) bool {
		return bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) ||
			len(head) > 3 && (head[0] == 0) != (head[1] == 0) && (head[2] == 0) != (head[3] == 0) && (head[0] == 0) == (head[2] == 0)
	}},
	{"its lines end with CR alone; tr '\\r' '\\n' makes lines of them", func(head []byte) bool {
		return bytes.IndexByte(bytes.TrimRight(head, "\r"), '\r') >= 0 && bytes.IndexByte(head, '\n') < 0
	}},
	{"it is a page of HTML", func(head []byte) bool {
		begin := bytes.ToLower(bytes.TrimSpace(head[:min(len(head), 64)]))
		return bytes.HasPrefix(begin, []byte("<!doctype")) || bytes.HasPrefix(begin, []byte("<html"))
	}},
	{"it is XML", func(head []byte) bool {
		return bytes.HasPrefix(bytes.TrimSpace(head[:min(len(head), 64)]), []byte("<?xml"))
	}},
	{"it has bytes that no text has", func(head []byte) bool {
		// A log that was truncated while its server wrote has a run of zeros there, and so has one after a crash.
		head = bytes.ReplaceAll(head, make([]byte, 16), nil)
		odd := 0
		for _, c := range head {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != 0x1b {
				odd++
			}
		}
		return odd*20 > len(head)
	}},
}

func begins(magic string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) }
}

// otherLogs are logs, and forms of logs, that are often met instead of access logs.
var otherLogs = []struct {
	line *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\w+\] \d+#\d+: `), "this is nginx's error log, which does not tell of deliveries"},
	{regexp.MustCompile(`^\[\w{3} \w{3} \d\d [\d:.]+ \d{4}\] \[`), "this is Apache's error log, which does not tell of deliveries"},
	{regexp.MustCompile(`^\d{4}[-/]\d\d[-/]\d\d[T ][\d:.,+Z-]+\t\S+\t\S*http\.log\.access`),
		"this is Caddy's console format, which is for people; set the log's format to json"},
	{regexp.MustCompile(`^\S+:\d+ \[[^\]]+\] \S+ \S+/\S+ -?\d+/-?\d+/\+?\d+ \+?\d+ [A-Za-z-]{2} `),
		"this is HAProxy's option tcplog, which does not tell of requests; use option httplog"},
	{regexp.MustCompile(`^\{"log":".*"stream":"std(out|err)"`),
		"this is a file of Docker's, which has the log within JSON; take the output of docker logs, or of jq -r .log"},
	{regexp.MustCompile(`^\{"(records|Records|logEvents|value|events)":\s*\[`),
		"this is one JSON object with all requests in a list; make a line of each, for example with jq -c '.[][]'"},
	{regexp.MustCompile(`^\[\s*(\{.*)?$`), "this is a JSON array; make a line of each request, for example with jq -c '.[]'"},
	{regexp.MustCompile(`^\{$`), "this is JSON over several lines; make a line of each request, for example with jq -c ."},
	{regexp.MustCompile(`^"?[A-Za-z_ .()-]+"?(,"?[A-Za-z_ .()-]+"?){3,}$`), "this is a table with commas between its columns (CSV), which is not read"},
}
