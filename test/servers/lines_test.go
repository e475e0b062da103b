package servers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// entry is what a line says, as this test reads it. The product's decoders have no part in it.
type entry struct {
	address  string // "" if the line has none
	method   string
	target   string
	status   int
	bytes    int64
	time     time.Time
	duration time.Duration // to be added to the time; 0 if the time is the end or the line has no duration
	rubbish  bool          // what the client sent is no request
	cut      bool          // the server has cut the line, so that the number of bytes is not in it
}

// foreign reports whether a line is of no exchange: lighttpd has a line for each connection of HTTP/2, Squid and others for
// connections without a request, the client sends some rubbish, and the test itself asks from the usual address whether a server
// is there.
func (e entry) foreign() bool {
	return !e.cut && (e.rubbish || e.status == 400 || slices.Contains([]string{"", "-", "PRI", "<BADREQ>"}, e.method) || e.address == "127.0.0.1" || strings.Contains(e.target, "/late/"))
}

// longestOfHAProxy is the length at which HAProxy cuts lines by default, with what a syslog adds.
const longestOfHAProxy = 900

// rubbish matches lines of what is no request: the first bytes of TLS and half of a request, in all the ways in which servers show
// them.
var rubbish = regexp.MustCompile(`"( *|-|<BADREQ>|GET /hls/cam1/seg-0.ts HTT|(\\x16|\\x[0-9a-f]|\x16).*)" (400|408|0)|<BADREQ>|error:invalid-request`)

// parser reads a line.
type parser func(line string) (entry, error)

// fields are the names of the groups that a regular expression of a line may have.
const (
	clfTime     = "02/Jan/2006:15:04:05 -0700"
	haproxyTime = "02/Jan/2006:15:04:05.000"
)

// byExpression makes a parser of a regular expression with the groups address, time, method, target, status, bytes and perhaps
// ms, that of the time's second, and duration (ms). The layout is that of the time, "" for seconds since 1970.
func byExpression(expression, layout string) parser {
	compiled := regexp.MustCompile(expression)
	return func(line string) (entry, error) {
		match := compiled.FindStringSubmatch(line)
		if match == nil && len(line) > longestOfHAProxy && strings.Contains(line, "127.0.1.") {
			_, address, _ := strings.Cut(line, "127.0.1.")
			address, _, _ = strings.Cut(address, " ")
			return entry{address: "127.0.1." + address, cut: true}, nil
		}
		if match == nil && rubbish.MatchString(line) {
			return entry{rubbish: true}, nil
		}
		if match == nil {
			return entry{}, fmt.Errorf("does not match: %s", line)
		}
		text := map[string]string{}
		for i, name := range compiled.SubexpNames() {
			text[name] = match[i]
		}
		e := entry{address: bareAddress(text["address"]), method: text["method"], target: strings.ReplaceAll(text["target"], `\/`, "/")}
		var err error
		if e.status, err = strconv.Atoi(text["status"]); err != nil {
			return e, err
		}
		if text["bytes"] != "-" {
			if e.bytes, err = strconv.ParseInt(text["bytes"], 10, 64); err != nil {
				return e, err
			}
		}
		if layout == "" {
			seconds, err := strconv.ParseFloat(text["time"], 64)
			if err != nil {
				return e, err
			}
			e.time = time.UnixMilli(int64(seconds * 1000))
		} else if e.time, err = time.ParseInLocation(layout, text["time"], time.Local); err != nil {
			return e, err
		}
		if text["ms"] != "" {
			ms, err := strconv.Atoi(text["ms"])
			if err != nil {
				return e, err
			}
			e.time = e.time.Add(time.Duration(ms) * time.Millisecond)
		}
		if text["duration"] != "" {
			ms, err := strconv.Atoi(text["duration"])
			if err != nil {
				return e, err
			}
			e.duration = time.Duration(ms) * time.Millisecond
		}
		return e, nil
	}
}

// bareAddress takes the port and the form of an IPv4 address within IPv6 away.
func bareAddress(s string) string {
	if s == "-" {
		return ""
	}
	if ip := net.ParseIP(s); ip != nil {
		return ip.String()
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		if ip := net.ParseIP(strings.Trim(s[:i], "[]")); ip != nil {
			return ip.String()
		}
	}
	return s
}

const (
	// combinedRest is what follows the user in the common and combined formats.
	combinedRest = ` \[(?P<time>[^\]]+)\] "(?P<method>\S+) (?P<target>\S+)[^"]*" (?P<status>\d+) (?P<bytes>\d+|-)`
	combined     = `^(?P<address>\S+) \S+ \S+` + combinedRest
)

// readLog reads the lines of a log.
func readLog(l accessLog) ([]entry, error) {
	file, err := os.Open(l.file)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []entry
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") || lines.Text() == "" {
			continue
		}
		e, err := l.parse(lines.Text())
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, lines.Err()
}

// jsonLine unmarshals a line.
func jsonLine(line string, into any) error {
	if err := json.Unmarshal([]byte(line), into); err != nil {
		return fmt.Errorf("%w: %s", err, line)
	}
	return nil
}

// What servers document that they count.

// bodies: the body alone. Of HTTP/1.1 with chunks it depends; no server here sends chunks.
func bodies(x exchange) (from, to int64) { return x.Body, x.Body }

// headersAndBodies: what is sent. The header of HTTP/2 is packed, and there are frames around everything.
func headersAndBodies(x exchange) (from, to int64) {
	if x.Protocol == "HTTP/2.0" {
		return x.Body, x.Wire
	}
	return x.Header + x.Body, x.Header + x.Body
}

// secondsSince1970 is exact to the microsecond.
func secondsSince1970(s float64) time.Time { return time.UnixMicro(int64(s * 1e6)) }

const (
	haproxyLine    = `(?P<address>\S+) \[(?P<time>[^\]]+)\] \S+ \S+ [-\d]+/[-\d]+/[-\d]+/[-\d]+/\+?(?P<duration>\d+) (?P<status>\d+) \+?(?P<bytes>\d+) \S+ \S+ \S+ \S+ \S+ "(?P<method>\S+) (?P<target>\S+)`
	haproxyCLFLine = `(?P<address>\S+) - - \[(?P<time>[^\]]+)\] "(?P<method>\S+) (?P<target>\S+)[^"]*" (?P<status>\d+) (?P<bytes>\d+) "" "" \d+ (?P<ms>\d+) \S+ \S+ \S+ \S+ \S+ \S+ \S+ (?P<duration>\d+) `
)

// parseJSON reads the variables of nginx as JSON, as the pages of docs/sources let several servers write them.
func parseJSON(line string) (entry, error) {
	_, line, syslog := strings.Cut(line, "{")
	if !syslog {
		return entry{}, fmt.Errorf("no JSON: %s", line)
	}
	var l struct {
		Msec    string `json:"msec"`
		Addr    string `json:"remote_addr"`
		Method  string `json:"request_method"`
		URI     string `json:"request_uri"`
		Request string `json:"request"`
		Status  string `json:"status"`
		Bytes   string `json:"bytes_sent"`
	}
	if err := jsonLine("{"+line, &l); err != nil {
		return entry{}, err
	}
	if words := strings.Fields(l.Request); len(words) > 1 {
		l.Method, l.URI = words[0], words[1]
	}
	e := entry{address: bareAddress(l.Addr), method: l.Method, target: l.URI}
	at, err := strconv.ParseFloat(l.Msec, 64)
	if err != nil {
		return e, err
	}
	if at > 1e11 { // ms
		at /= 1000
	}
	e.time = secondsSince1970(at)
	if e.status, err = strconv.Atoi(l.Status); err != nil {
		return e, err
	}
	if l.Bytes != "-" {
		e.bytes, err = strconv.ParseInt(l.Bytes, 10, 64)
	}
	return e, err
}
