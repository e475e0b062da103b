package accesslog

import (
	"fmt"
	"strings"

	"github.com/streamlens/streamlens/pkg/event"
	"github.com/streamlens/streamlens/pkg/measure"
)

// wowzaColumns are fields of the access log of Wowza Streaming Engine, see
// https://www.wowza.com/docs/about-logging-in-wowza-streaming-engine.
var wowzaColumns = columnsByName(
	column{name: "date", field: fieldDate},
	column{name: "time", field: fieldOfDay},
	column{name: "tz", field: fieldZone},
	column{name: "x-category", field: fieldCategory},
	column{name: "x-event", field: fieldEvent},
	column{name: "x-status", field: fieldStatus},
	column{name: "c-ip", field: fieldAddress},
	column{name: "c-proto", field: fieldProtocol},
	column{name: "c-referrer", field: fieldReferrer},
	column{name: "c-user-agent", field: fieldUserAgent},
	column{name: "x-sname", field: fieldStream},
	column{name: "sc-stream-bytes", field: fieldBytes},
	column{name: "cs-stream-bytes", field: fieldBytesIn},
	column{name: "cs-uri-query", field: fieldQuery},
)

// wowzaFields are the columns of the access log as Wowza is installed.
const wowzaFields = "date time tz x-event x-category x-severity x-status x-ctx x-comment x-vhost x-app x-appinst x-duration " +
	"s-ip s-port s-uri c-ip c-proto c-referrer c-user-agent c-client-id cs-bytes sc-bytes x-stream-id x-spos " +
	"cs-stream-bytes sc-stream-bytes x-sname x-sname-query x-file-name x-file-ext x-file-size x-file-length x-suri " +
	"x-suri-stem x-suri-query cs-uri-stem cs-uri-query"

// wowzaDecoder decodes the access log of Wowza.
type wowzaDecoder struct{ *columnDecoder }

func wowza(f Format) (Decoder, error) {
	d, err := newColumnDecoder(f, columnsOf{known: wowzaColumns, byDefault: wowzaFields, separator: '\t'})
	if err != nil {
		return nil, err
	}
	return &wowzaDecoder{d}, nil
}

// Decode implements Decoder. The counters of Wowza grow with every line of a stream, and a stream that ends writes several:
// stop or unpublish, destroy, and for its connection disconnect. Exactly one of them, destroy of the category stream, comes
// once for every stream that a client played or published, by RTMP as by HTTP, so this alone counts.
func (d *wowzaDecoder) Decode(line []byte, r *Request) (bool, error) {
	ok, err := d.read(line, r)
	if !ok {
		return false, err
	}
	if d.category != "stream" || d.event != "destroy" {
		r.Left = LeftSession
		return false, nil
	}
	if r.Protocol == "" {
		// Streams without a client's protocol are those of its transcoder and the like.
		r.Left = LeftInternal
		return false, nil
	}
	if ok, err := d.finish(); !ok {
		return false, err
	}
	if d.bytesIn > r.Bytes {
		r.Direction, r.Bytes = measure.Ingest, d.bytesIn
	}
	r.Protocol = wowzaProtocol(r.Protocol)
	if r.Stream = wowzaStream(r.Stream); !event.ValidText(r.Stream, event.MaxNameBytes) {
		return false, &Error{"x-sname", "text", fmt.Sprintf("is no text of at most %d bytes", event.MaxNameBytes)}
	}
	return true, nil
}

// wowzaProtocol returns the name of a protocol of c-proto, such as "http (cupertino)" or "rtmps (HTTP-1.1)".
func wowzaProtocol(protocol string) string {
	carrier, kind, _ := strings.Cut(strings.ToLower(protocol), " (")
	switch strings.TrimSuffix(kind, ")") {
	case "cupertino", "hls":
		return "hls"
	case "mpegdash", "dash":
		return "dash"
	case "smooth", "smooth streaming":
		return "smooth"
	case "sanjose":
		return "hds"
	}
	if strings.HasPrefix(carrier, "rtmp") {
		return "rtmp"
	}
	return carrier
}

// wowzaStream returns the name of a stream of x-sname, such as "mp4:name", or the URL of an origin.
func wowzaStream(name string) string {
	if _, rest, ok := strings.Cut(name, "://"); ok {
		name = rest[strings.LastIndexByte(rest, '/')+1:]
	}
	return nameOfFolder(name)
}
