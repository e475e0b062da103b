package accesslog

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// syntax is a language in which servers describe the lines of their logs.
type syntax struct {
	// variable matches a variable. Its groups are what variables makes a part of.
	variable *regexp.Regexp
	// variables returns the function that says what a variable stands for; a format string is read with one of its own.
	variables func() func(groups []string) part
	// prepare undoes the quoting of the server's configuration.
	prepare func(template string) string
	needs   []need // what a template must have
}

// part is what a variable stands for in a line: a value, and text around it.
type part struct {
	before, after string
	column        *column // nil if there is only text
	shown         string  // how the template writes it
	clock         string  // of a time in a form that the template says: what it would be at sampleTime
}

// need is a field that a template must have, and the names by which a user knows it.
type need struct {
	field field
	names string
}

// syntaxOf returns the syntax of a format string.
func syntaxOf(template string) *syntax {
	switch {
	case strings.Contains(template, "$"):
		return nginxSyntax
	case ofTrafficServer.MatchString(template):
		return trafficServerSyntax
	case ofSquid.MatchString(template):
		return squidSyntax
	case ofHAProxy.MatchString(template):
		return haproxySyntax
	case strings.Contains(template, "%"):
		return apacheSyntax
	}
	return nginxSyntax
}

// Variables that only one syntax has.
var (
	ofTrafficServer = regexp.MustCompile(`%<(\{[^}]*\})?[a-z]+>`)
	ofSquid         = regexp.MustCompile(`%[^ %]*?(>a|<st|>Hs|Ss)`)
	ofHAProxy       = regexp.MustCompile(`%(\{[+-]\w+\})?(ci|ST|HM|HU|tr|Ta|\[)`)
)

// compile reads a format string.
func (s *syntax) compile(template string) (start []byte, steps []step, err error) {
	if s.prepare != nil {
		template = s.prepare(template)
	}
	var parts []part
	var texts []string // before the parts, and after the last one
	text, from := "", 0
	read := s.variables()
	for _, at := range s.variable.FindAllStringSubmatchIndex(template, -1) {
		groups := make([]string, len(at)/2)
		for i := range groups {
			if at[2*i] >= 0 {
				groups[i] = template[at[2*i]:at[2*i+1]]
			}
		}
		text += template[from:at[0]]
		from = at[1]
		p := read(groups)
		p.shown = groups[0]
		text += p.before
		if p.column != nil {
			if n := len(parts); n > 0 && parts[n-1].clock != "" && p.clock != "" && strings.Trim(text, " .,T") == "" {
				// A time whose parts have variables of their own is one value.
				parts[n-1].clock += text + p.clock
				text = ""
				continue
			}
			parts, texts = append(parts, p), append(texts, text)
			text = ""
		}
		text += p.after
	}
	texts = append(texts, text+template[from:])
	if len(parts) == 0 {
		return nil, nil, errors.New("the template has no variable")
	}
	for i, p := range parts {
		end := texts[i+1]
		if end == "" && i+1 < len(parts) {
			return nil, nil, fmt.Errorf("the template needs text between %s and the variable after it", p.shown)
		}
		if p.clock != "" {
			var c clock
			if ms, reason := c.read([]byte(p.clock)); reason != "" || ms/1000 != sampleTime.Unix() {
				return nil, nil, fmt.Errorf("the template has a time of a form that is not understood, such as %s; %s would do", p.clock, s.needs[0].names)
			}
		}
		// Runs of spaces stand for one.
		for strings.HasSuffix(end, "  ") {
			end = end[:len(end)-1]
		}
		steps = append(steps, step{
			column: *p.column, end: []byte(end), padded: strings.HasSuffix(end, " "),
			port: p.column.field == fieldAddress && strings.HasPrefix(end, ":"),
		})
	}
	return []byte(strings.TrimLeft(texts[0], " ")), steps, nil
}

// named returns the column of a name, one that tells nothing if it is unknown.
func named(known map[string]column, name, shown string) *column {
	c, ok := known[name]
	if !ok {
		c.field = fieldNone
	}
	c.name = shown
	return &c
}

// headers are the request headers that tell something, by their names in lower case.
var headers = columnsByName(
	column{name: "referer", field: fieldReferrer},
	column{name: "user-agent", field: fieldUserAgent},
	column{name: "x-forwarded-for", field: fieldForwarded},
	column{name: "cmcd-object", field: fieldCMCDObject},
	column{name: "cmcd-request", field: fieldCMCDRequest},
	column{name: "cmcd-session", field: fieldCMCDSession},
	column{name: "cmcd-status", field: fieldCMCDStatus},
)

// nginxVariables are those of nginx that tell something, see
// https://nginx.org/en/docs/http/ngx_http_core_module.html#variables and ngx_http_log_module.html.
//
// X-Forwarded-For counts only where the address of the connection is none of the Internet: everyone can send it. nginx's realip
// module knows the proxies to trust and puts the client's address into $remote_addr.
var nginxVariables = []column{
	{name: "msec", field: fieldTime},
	{name: "time_local", field: fieldTime, fallback: true},
	{name: "time_iso8601", field: fieldTime, fallback: true},
	{name: "remote_addr", field: fieldAddress},
	{name: "http_x_forwarded_for", field: fieldForwarded},
	{name: "request", field: fieldRequest},
	{name: "request_method", field: fieldMethod},
	{name: "request_uri", field: fieldTarget},
	{name: "uri", field: fieldPath, fallback: true},
	{name: "args", field: fieldQuery},
	{name: "query_string", field: fieldQuery},
	{name: "status", field: fieldStatus},
	{name: "bytes_sent", field: fieldBytes},
	{name: "body_bytes_sent", field: fieldBytes, fallback: true},
	{name: "http_referer", field: fieldReferrer},
	{name: "http_user_agent", field: fieldUserAgent},
	{name: "arg_cmcd", field: fieldCMCDQuery},
	{name: "http_cmcd_object", field: fieldCMCDObject},
	{name: "http_cmcd_request", field: fieldCMCDRequest},
	{name: "http_cmcd_session", field: fieldCMCDSession},
	{name: "http_cmcd_status", field: fieldCMCDStatus},
}

// plainNames are those of our own, for logs whose server has no language for them, and for JSON that anything can write.
var plainNames = []column{
	{name: "time", field: fieldTime, fallback: true},
	{name: "start", field: fieldStart},
	{name: "seconds", field: fieldDuration, unit: seconds},
	{name: "milliseconds", field: fieldDuration, unit: milliseconds},
	{name: "address", field: fieldAddress},
	{name: "forwarded_for", field: fieldForwarded},
	{name: "request", field: fieldRequest},
	{name: "method", field: fieldMethod},
	{name: "url", field: fieldTarget},
	{name: "status", field: fieldStatus},
	{name: "bytes", field: fieldBytes},
	{name: "referrer", field: fieldReferrer},
	{name: "user_agent", field: fieldUserAgent},
	{name: "cmcd_object", field: fieldCMCDObject},
	{name: "cmcd_request", field: fieldCMCDRequest},
	{name: "cmcd_session", field: fieldCMCDSession},
	{name: "cmcd_status", field: fieldCMCDStatus},
}

var nginxColumns = columnsByName(append(append([]column{
	{name: "number", shape: `[-+]?\d+(?:\.\d+)?`},
}, plainNames...), nginxVariables...)...)

// nginxSyntax is that of nginx's log_format.
var nginxSyntax = &syntax{
	variable: regexp.MustCompile(`\$(?:\{(\w+)\}|(\w+))`),
	variables: func() func([]string) part {
		return func(groups []string) part {
			name := strings.ToLower(groups[1] + groups[2])
			return part{column: named(nginxColumns, name, name)}
		}
	},
	needs: []need{
		{fieldTime, "$msec, $time_local or $time_iso8601"},
		{fieldTarget, "$request, $request_uri or $uri"},
		{fieldStatus, "$status"},
		{fieldBytes, "$bytes_sent or $body_bytes_sent"},
	},
}

// apacheColumns are directives of Apache's LogFormat that tell something, see
// https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats. lighttpd, H2O and varnishncsa have the same.
var apacheColumns = columnsByName(
	column{name: "h", field: fieldAddress},
	column{name: "a", field: fieldAddress},
	column{name: "v", shape: hostShape}, column{name: "V", shape: hostShape}, column{name: "p", shape: `\d+`},
	column{name: "t", field: fieldStart},
	column{name: "r", field: fieldRequest},
	column{name: "m", field: fieldMethod},
	column{name: "U", field: fieldPath},
	column{name: "q", field: fieldQuery},
	column{name: "s", field: fieldStatus},
	column{name: "O", field: fieldBytes},
	column{name: "b", field: fieldBytes, fallback: true},
	column{name: "B", field: fieldBytes, fallback: true},
	column{name: "D", field: fieldDuration, unit: microseconds},
	column{name: "T", field: fieldDuration, unit: seconds, fallback: true},
)

// apacheSyntax is that of Apache's LogFormat, as it stands between the quotation marks of the configuration.
var apacheSyntax = &syntax{
	variable: regexp.MustCompile(`%[!\d,<>]*(?:\{([^}]*)\})?(\^[A-Za-z]{2}|[A-Za-z%])`),
	prepare:  strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\t`, "\t", "%U%q", "%^Uq").Replace,
	variables: func() func([]string) part {
		return func(groups []string) part {
			shown, argument, directive := groups[0], groups[1], groups[2]
			switch {
			case directive == "^Uq":
				return part{column: &column{name: "%U%q", field: fieldTarget}}
			case directive == "%":
				return part{before: "%"}
			case directive == "t" && argument == "":
				return part{before: "[", column: named(apacheColumns, "t", shown), after: "]"}
			case directive == "t":
				form, end := strings.CutPrefix(argument, "end:")
				c := column{name: shown, field: fieldStart}
				if end {
					c.field = fieldTime
				}
				return part{column: &c, clock: strftime(strings.TrimPrefix(form, "begin:"))}
			case directive == "T" && argument != "":
				unit := map[string]float64{"ms": milliseconds, "us": microseconds, "s": seconds}[argument]
				return part{column: &column{name: shown, field: fieldDuration, unit: unit}}
			case directive == "i":
				return part{column: named(headers, strings.ToLower(argument), shown)}
			case argument != "" && directive != "a":
				return part{column: &column{name: shown}}
			}
			return part{column: named(apacheColumns, directive, shown)}
		}
	},
	needs: []need{
		{fieldTime, "%t"},
		{fieldTarget, "%r or %U"},
		{fieldStatus, "%>s"},
		{fieldBytes, "%O, %b or %B"},
	},
}

// sampleTime is a time of which all parts differ.
var sampleTime = time.Date(2021, 11, 28, 13, 14, 15, 0, time.UTC)

// strftime returns what a format of C's strftime, or a word of Apache, makes of sampleTime.
func strftime(format string) string {
	switch format {
	case "sec":
		return strconv.FormatInt(sampleTime.Unix(), 10)
	case "msec":
		return strconv.FormatInt(sampleTime.UnixMilli(), 10)
	case "usec":
		return strconv.FormatInt(sampleTime.UnixMicro(), 10)
	case "msec_frac":
		return "000"
	case "usec_frac":
		return "000000"
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		layout, known := strftimeLayouts[format[i]]
		switch {
		case known:
			b.WriteString(sampleTime.Format(layout))
		case format[i] == 's':
			b.WriteString(strconv.FormatInt(sampleTime.Unix(), 10))
		default:
			b.WriteByte(format[i])
		}
	}
	return b.String()
}

var strftimeLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06", 'e': "_2",
	'F': "2006-01-02", 'h': "Jan", 'H': "15", 'I': "03", 'm': "01", 'M': "04", 'p': "PM", 'R': "15:04", 'S': "05", 'T': "15:04:05",
	'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
}

// haproxyColumns are variables of HAProxy's log-format that tell something, see section 8.2.6 of its configuration manual.
var haproxyColumns = columnsByName(
	column{name: "ci", field: fieldAddress},
	column{name: "tr", field: fieldStart},
	column{name: "trg", field: fieldStart},
	column{name: "trl", field: fieldStart},
	column{name: "t", field: fieldStart, fallback: true},
	column{name: "T", field: fieldStart, fallback: true},
	column{name: "Tl", field: fieldStart, fallback: true},
	column{name: "ts", field: fieldStart, fallback: true},
	column{name: "Ta", field: fieldDuration, unit: milliseconds},
	column{name: "Tt", field: fieldDuration, unit: milliseconds, fallback: true},
	column{name: "r", field: fieldRequest},
	column{name: "HM", field: fieldMethod},
	column{name: "HU", field: fieldTarget},
	column{name: "HPO", field: fieldStem, fallback: true},
	column{name: "HP", field: fieldStem, fallback: true},
	column{name: "HQ", field: fieldQuery},
	column{name: "ST", field: fieldStatus},
	column{name: "B", field: fieldBytes},
	column{name: "cp", shape: `\d+`},
	// The milliseconds within the second of the other time.
	column{name: "ms", field: fieldDuration, unit: milliseconds},
	column{name: "TR", shape: `-?\d+`}, column{name: "Tw", shape: `-?\d+`}, column{name: "Tc", shape: `-?\d+`},
	column{name: "Tr", shape: `-?\d+`},
	column{name: "tsc", shape: `[-\w]{4}`},
	column{name: "ac", shape: `\d+`}, column{name: "fc", shape: `\d+`}, column{name: "bc", shape: `\d+`},
	column{name: "sc", shape: `\d+`}, column{name: "rc", shape: `\+?\d+`}, column{name: "sq", shape: `\d+`},
	// Captured headers stand behind it, if there are any.
	column{name: "bq", shape: `\d+(?: \{[^"]*\}){0,2}`},
)

// haproxyExpressions are parts of expressions by which an own log-format tells of headers.
var haproxyExpressions = []struct {
	pattern *regexp.Regexp
	column  column
}{
	{regexp.MustCompile(`(?i)user[-_]?agent|\bua\b`), column{field: fieldUserAgent}},
	{regexp.MustCompile(`(?i)referr?er`), column{field: fieldReferrer}},
	{regexp.MustCompile(`(?i)forwarded[-_]for|\bxff\b`), column{field: fieldForwarded}},
	{regexp.MustCompile(`(?i)cmcd[-_]object`), column{field: fieldCMCDObject}},
	{regexp.MustCompile(`(?i)cmcd[-_]request`), column{field: fieldCMCDRequest}},
	{regexp.MustCompile(`(?i)cmcd[-_]session`), column{field: fieldCMCDSession}},
	{regexp.MustCompile(`(?i)cmcd[-_]status`), column{field: fieldCMCDStatus}},
}

// haproxyUnquoted are the variables that are never quoted: numbers, times and states.
var haproxyUnquoted = regexp.MustCompile(`^(cp|ms|ST|B|U|T[RTwcraqil]?|t|trg?|trl|[afbsr]c|[sb]q|tsc?|rt|fp|bp|sp|pid)$`)

// haproxySyntax is that of HAProxy's log-format. Captured headers, which HAProxy leaves out with the space before them if there
// are none, belong to the value before them.
var haproxySyntax = &syntax{
	variable: regexp.MustCompile(`%%|%(?:\{([^}]*)\})?(?:\[([^\]]*)\]|([A-Za-z]+))`),
	prepare:  strings.NewReplacer(`\"`, `"`, `\ `, " ", " %hr", "", " %hs", "", "%HPO%HQ", "%HU", "%HP%HQ", "%HU").Replace,
	variables: func() func([]string) part {
		allQuoted := false
		return func(groups []string) part {
			shown, flags, expression, name := groups[0], groups[1], groups[2], groups[3]
			switch {
			case shown == "%%":
				return part{before: "%"}
			case name == "o":
				allQuoted = strings.Contains(flags, "+Q")
				return part{}
			}
			p := part{column: named(haproxyColumns, name, shown)}
			if expression != "" {
				p.column = &column{name: shown}
				for _, known := range haproxyExpressions {
					if known.pattern.MatchString(expression) {
						p.column.field = known.column.field
						break
					}
				}
			}
			isQuoted := (allQuoted || strings.Contains(flags, "+Q")) && !strings.Contains(flags, "-Q")
			if isQuoted && !haproxyUnquoted.MatchString(name) {
				p.before, p.after = `"`, `"`
			}
			return p
		}
	},
	needs: []need{
		{fieldTime, "%tr, %t or %T"},
		{fieldTarget, "%r, %HU or %HP"},
		{fieldStatus, "%ST"},
		{fieldBytes, "%B"},
	},
}

// squidColumns are codes of Squid's logformat that tell something, see http://www.squid-cache.org/Doc/config/logformat/.
var squidColumns = columnsByName(
	column{name: ">a", field: fieldAddress},
	column{name: ">A", field: fieldAddress},
	column{name: "ts", field: fieldTime},
	column{name: "tl", field: fieldTime, fallback: true},
	column{name: "tg", field: fieldTime, fallback: true},
	column{name: ">Hs", field: fieldStatus},
	column{name: "Hs", field: fieldStatus},
	column{name: "<st", field: fieldBytes},
	column{name: "rm", field: fieldMethod},
	column{name: ">rm", field: fieldMethod},
	column{name: "ru", field: fieldTarget},
	column{name: ">ru", field: fieldTarget},
	column{name: "rp", field: fieldTarget, fallback: true},
	column{name: "tr", shape: `(?: {5}\d| {4}\d{2}| {3}\d{3}| {2}\d{4}| \d{5}|\d{6,})`},
	column{name: "Ss", shape: `[A-Z_]+`},
	column{name: "Sh", shape: `[A-Z_]+`},
)

// squidSyntax is that of Squid's logformat.
var squidSyntax = &syntax{
	variable: regexp.MustCompile(`%%|%(?:["\[#'/-]|\d+(?:\.\d+)?|\.\d+)*(?:\{([^}]*)\})?([<>]{0,2}[A-Za-z_]+)`),
	prepare:  strings.NewReplacer(`\"`, `"`, "%ts.%03tu", "%{msec}ts").Replace,
	variables: func() func([]string) part {
		return func(groups []string) part {
			shown, argument, code := groups[0], groups[1], groups[2]
			switch {
			case shown == "%%":
				return part{before: "%"}
			case code == ">h":
				return part{column: named(headers, strings.ToLower(argument), shown)}
			case argument != "" && (code == "tl" || code == "tg"):
				return part{column: named(squidColumns, code, shown), clock: strftime(argument)}
			}
			return part{column: named(squidColumns, code, shown)}
		}
	},
	needs: []need{
		{fieldTime, "%ts.%03tu or %tl"},
		{fieldTarget, "%ru"},
		{fieldStatus, "%>Hs"},
		{fieldBytes, "%<st"},
	},
}

// trafficServerColumns are fields of Traffic Server's logs that tell something, see
// https://docs.trafficserver.apache.org/en/latest/admin-guide/logging/formatting.en.html.
var trafficServerColumns = columnsByName(
	column{name: "chi", field: fieldAddress},
	column{name: "cqtq", field: fieldStart},
	column{name: "cqtn", field: fieldStart, fallback: true},
	column{name: "cqts", field: fieldStart, fallback: true},
	column{name: "ttms", field: fieldDuration, unit: milliseconds},
	column{name: "ttmsf", field: fieldDuration, unit: seconds},
	column{name: "pssc", field: fieldStatus},
	column{name: "psql", field: fieldBytes},
	column{name: "pscl", field: fieldBytes, fallback: true},
	column{name: "cqhm", field: fieldMethod},
	column{name: "cqtx", field: fieldRequest},
	column{name: "pquc", field: fieldTarget},
	column{name: "cquc", field: fieldTarget, fallback: true},
	column{name: "cquuc", field: fieldTarget, fallback: true},
	column{name: "crc", shape: `[A-Z_]+`},
	column{name: "phr", shape: `[A-Z_]+`},
)

// trafficServerSyntax is that of Traffic Server's logging.yaml.
var trafficServerSyntax = &syntax{
	variable: regexp.MustCompile(`%<(?:\{([^}]*)\})?([a-z0-9]+)>`),
	variables: func() func([]string) part {
		return func(groups []string) part {
			if shown, header := groups[0], groups[1]; header != "" {
				return part{column: named(headers, strings.ToLower(header), shown)}
			}
			return part{column: named(trafficServerColumns, groups[2], groups[0])}
		}
	},
	needs: []need{
		{fieldTime, "%<cqtq>, %<cqtn> or %<cqts>"},
		{fieldTarget, "%<pquc>, %<cquc> or %<cqtx>"},
		{fieldStatus, "%<pssc>"},
		{fieldBytes, "%<psql> or %<pscl>"},
	},
}

// hostShape matches names of hosts, also with a port, and not the hyphen that stands for none.
const hostShape = `[\w.:\[\]-]*\w[\w.:\[\]-]*`

// pattern returns an expression that matches the lines of a template and nothing else, as strictly as the template says. The
// group tail is what follows the template.
func pattern(start []byte, steps []step) *regexp.Regexp {
	b := strings.Builder{}
	b.WriteString(`^` + regexp.QuoteMeta(string(start)))
	before := string(start)
	for i := range steps {
		s := &steps[i]
		shape := cmp.Or(s.column.shape, shapes[s.column.field], `\S+`)
		if strings.HasSuffix(before, `"`) && strings.HasPrefix(string(s.end), `"`) {
			shape = `(?:\\.|[^"])*?`
			if s.column.shape != "" || shapes[s.column.field] != "" {
				shape = `(?:` + cmp.Or(s.column.shape, shapes[s.column.field]) + `)?`
			}
		}
		b.WriteString(`(?:` + shape + `)` + regexp.QuoteMeta(string(s.end)))
		before = string(s.end)
	}
	b.WriteString(`(?P<tail>.*)$`)
	return regexp.MustCompile(b.String())
}

// shapes are expressions for the values of fields that look like nothing else.
var shapes = map[field]string{
	fieldTime:     timeShape,
	fieldStart:    timeShape,
	fieldDuration: `[-+]?\d+(?:\.\d+)?(?:[mnuµ]?s)?`,
	fieldAddress:  `[^\s"|\[\]{}]+(?:, ?[^\s"|\[\]{}]+)*|\[[0-9a-fA-F:.]+\](?::\d+)?`,
	fieldMethod:   `[A-Z][A-Z_-]*|-`,
	fieldStatus:   `\d{3}|-1|-`,
	fieldBytes:    `\+?\d+|-`,
}

const timeShape = `\d{2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\.\d+)?(?: [-+]\d{4})?|` +
	`\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z| ?[-+]\d\d:?\d\d)?|\d{10}(?:\.\d+|\d{3}(?:\d{3}){0,2})?`
