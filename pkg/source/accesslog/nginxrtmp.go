package accesslog

import (
	"fmt"

	"github.com/streamlens/streamlens/pkg/event"
)

// nginxRTMPDecoder decodes the access_log of nginx-rtmp in its default format, see
// https://github.com/arut/nginx-rtmp-module/wiki/Directives#access-log. The line is written when a connection ends, so that its time is
// the end. Its bytes are all that the connection was sent, of which nginx-rtmp keeps 32 bits.
//
// nginx-rtmp escapes nothing. A name with a quotation mark could say anything, so that such a line is refused.
type nginxRTMPDecoder struct{ record }

var nginxRTMPLine = expression(`^(\S+) \[([^\]]+)\] (NONE|PLAY|PUBLISH|PLAY\+PUBLISH) "([^"]*)" "([^"]*)" "[^"]*" - \d+ (\d{1,10}) "([^"]*)" "[^"]*" ` +
	`\((?:\d+d )?(?:\d+h )?(?:\d+m )?\d+s\)(?P<tail>)$`)

var (
	nginxRTMPAddress  = column{name: "remote_addr", field: fieldAddress}
	nginxRTMPTime     = column{name: "time_local", field: fieldTime}
	nginxRTMPStream   = column{name: "name", field: fieldStream}
	nginxRTMPBytes    = column{name: "bytes_sent", field: fieldBytes}
	nginxRTMPReferrer = column{name: "pageurl", field: fieldReferrer}
)

func nginxRTMP(f Format) (Decoder, error) { return &nginxRTMPDecoder{newRecord(f)}, nil }

// Decode implements Decoder. Publishers are left out: what they send is known while they send it, if nginx-rtmp is polled.
func (d *nginxRTMPDecoder) Decode(line []byte, r *Request) (bool, error) {
	d.reset(r)
	line, err := trim(line)
	if err != nil || len(line) == 0 {
		r.Left = LeftBlank
		return false, err
	}
	if mayHaveSyslog(line) {
		line = afterSyslog(line)
	}
	groups := nginxRTMPLine().FindSubmatch(line)
	if groups == nil {
		return false, &Error{"line", "malformed", "is not as nginx-rtmp writes it by default"}
	}
	command, application, name := string(groups[3]), groups[4], groups[5]
	switch {
	case command == "PUBLISH":
		r.Left = LeftPublisher
		return false, nil
	case command == "NONE" || len(name) == 0:
		r.Left = LeftUnanswered
		return false, nil
	}
	for _, told := range []struct {
		column *column
		value  []byte
	}{
		{&nginxRTMPAddress, groups[1]}, {&nginxRTMPTime, groups[2]}, {&nginxRTMPStream, name}, {&nginxRTMPBytes, groups[6]},
		{&nginxRTMPReferrer, groups[7]},
	} {
		if err := d.set(told.column, told.value); err != nil {
			return false, err
		}
	}
	if ok, err := d.finish(); !ok {
		return false, err
	}
	if !event.ValidText(r.Stream, event.MaxNameBytes) {
		return false, &Error{"name", "text", fmt.Sprintf("is no text of at most %d bytes", event.MaxNameBytes)}
	}
	r.Polled, r.Protocol = string(application)+"/"+r.Stream, "rtmp"
	return true, nil
}
