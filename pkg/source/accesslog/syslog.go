package accesslog

import "regexp"

// syslogHeader matches what stands before a line that came by syslog (RFC 5424, RFC 3164, and as rsyslog and journalctl write
// it), or that a container's runtime has kept.
var syslogHeader = regexp.MustCompile(`^(?:<\d{1,3}>)?(?:` +
	`1 \S+ \S+ \S+ \S+ \S+ (?:-|\[.*?\]) ` + `|` +
	`(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ [^\s:\[]+(?:\[\d+\])?: ?` + `|` +
	`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [^\s:\[]+(?:\[\d+\])?: ?` + `|` +
	`\d{4}-\d\d-\d\dT\S+ std(?:out|err) [FP] ` + `|` + `)`)

// afterSyslog returns the line without such a header.
func afterSyslog(line []byte) []byte {
	return line[len(syslogHeader.Find(line)):]
}

// mayHaveSyslog reports whether the line may begin so; lines of few other logs do.
func mayHaveSyslog(line []byte) bool {
	switch c := line[0]; {
	case c == '<':
		return true
	case 'A' <= c && c <= 'Z':
		return len(line) > 15 && line[3] == ' ' && line[6] == ' ' && line[9] == ':'
	}
	return len(line) > 20 && line[4] == '-' && line[10] == 'T'
}
