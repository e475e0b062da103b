package benchmark

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/klauspost/compress/snappy"
)

const (
	// eventsPerRequest is how many events are in one request.
	eventsPerRequest = 20
	// requestsPerPlay is how many requests a play sends: at a report every 10 s it lasts 33 minutes.
	requestsPerPlay = 10
	// betweenEvents is the distance of events in one request, in ms. A request comes too soon after the one before for more.
	betweenEvents = 2
)

// viewer is who sends events.
type viewer struct {
	number  int
	stream  string
	country string // of the address, as far as a program cannot look it up
	address string
}

func newViewer(number, streams int) viewer {
	stream := number % streams
	return viewer{
		number: number, stream: "stream" + strconv.Itoa(stream), country: countries[(stream*7+number/streams%playoutCountries)%len(countries)],
		address: fmt.Sprintf("%d.%d.%d.%d", 1+number*7%223, number*31%256, number/200%256, 1+number%254),
	}
}

// report is what the n-th report of a viewer says, in ms.
type report struct{ playing, buffering, bufferLength, latency int }

func (v viewer) report(n int) report {
	varied := (v.number*131 + n*37) % 1000
	stalled := 0
	if varied%10 == 0 {
		stalled = varied
	}
	return report{10_000 - stalled, stalled, 500 + 3*varied, 900 + 2*varied}
}

// request is what is sent, complete with the header of HTTP/1.1. Its numbers change each time.
type request struct {
	data    []byte
	numbers []digits
	events  int64
	playing int64 // ms that its reports say
}

// digits are where a request has a number, which ends before the position end.
type digits struct {
	kind  digitsKind
	end   int
	width int // digits at most; what is left of them are spaces, or zeros in a text
	plus  int64
}

type digitsKind uint8

const (
	ofPlay   digitsKind = iota // which play of the viewer it is
	ofEvents                   // how many events of the play came before this request
	ofTime                     // ms since 1970
)

// fill sets the numbers.
func (r *request) fill(play, event, now int64) {
	for _, n := range r.numbers {
		value, pad := n.plus, byte(' ')
		switch n.kind {
		case ofPlay:
			value, pad = value+play, '0'
		case ofEvents:
			value += event
		case ofTime:
			value += now
		}
		for i := n.end - 1; i >= n.end-n.width; i-- {
			if value == 0 {
				r.data[i] = pad
				continue
			}
			r.data[i] = byte('0' + value%10)
			value /= 10
		}
	}
}

// newRequest returns a request to post a body to a path of a server; numbers are where they are in the body.
func newRequest(v viewer, address, path, header string, body []byte, numbers []digits) *request {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: %s\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) "+
		"AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36\r\n%sContent-Length: %d\r\n\r\n",
		path, address, v.address, 100+v.number%50, header, len(body))
	for i := range numbers {
		numbers[i].end += len(head)
	}
	return &request{data: append([]byte(head), body...), numbers: numbers, events: eventsPerRequest}
}

// beaconRequests returns the requests of a play, as players send them to Streamlens: load, start, 197 reports and a status, and the stop.
func beaconRequests(v viewer, address string) []*request {
	var requests []*request
	for i := range requestsPerPlay {
		last := i == requestsPerPlay-1
		requests = append(requests, beaconRequest(v, address, eventsPerRequest, func(j int) (string, int) {
			switch {
			case i == 0 && j == 0:
				return `"type":"load"`, 0
			case i == 0 && j == 1:
				return `"type":"start","startTime":0.84`, 0
			case last && j == eventsPerRequest-2:
				return `"type":"status","code":2002,"fatal":false`, 0
			case last && j == eventsPerRequest-1:
				return `"type":"stop","reason":"normal","playing":0,"played":1965.16`, 0
			}
			return v.stats(i*eventsPerRequest + j)
		}))
	}
	return requests
}

// liveRequests returns requests of one event each: load, start, and a report that is sent again and again by a play that does not end.
func liveRequests(v viewer, address string) []*request {
	var requests []*request
	for i := range 3 {
		requests = append(requests, beaconRequest(v, address, 1, func(int) (string, int) {
			switch i {
			case 0:
				return `"type":"load"`, 0
			case 1:
				return `"type":"start","startTime":0.84`, 0
			}
			return v.stats(v.number)
		}))
	}
	return requests
}

// stats returns the fields of the n-th report and its ms of playing.
func (v viewer) stats(n int) (fields string, playing int) {
	r := v.report(n)
	return fmt.Sprintf(`"type":"stats","playing":%g,"buffering":%g,"paused":0,"bufferLength":%g,"latency":%g,"videoBitrate":2500000,"audioBitrate":128000`,
		seconds(r.playing), seconds(r.buffering), seconds(r.bufferLength), seconds(r.latency)), r.playing
}

// beaconRequest returns a request with a number of events, of which event returns the fields and the ms of playing.
func beaconRequest(v viewer, address string, events int, event func(n int) (fields string, playing int)) *request {
	var b strings.Builder
	var numbers []digits
	playing := 0
	put := func(kind digitsKind, width int, plus int64) {
		b.WriteString(strings.Repeat("0", width))
		numbers = append(numbers, digits{kind, b.Len(), width, plus})
	}
	fmt.Fprintf(&b, `{"accountId":"acme","accountKey":"pk_benchmark","client":{"kind":"h5live","version":"4.22.0"},"sessionId":"%06d-`, v.number)
	put(ofPlay, 6, 0)
	fmt.Fprintf(&b, `","stream":%q,"userId":"viewer%d","referrer":"https://site%d.example/watch","interval":10,"sentAt":`, v.stream, v.number, v.number%30)
	put(ofTime, 13, 0)
	b.WriteString(`,"events":[`)
	for n := range events {
		if n > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"seq":`)
		put(ofEvents, 6, int64(n+1))
		b.WriteString(`,"ts":`)
		put(ofTime, 13, int64((n+1-events)*betweenEvents))
		fields, played := event(n)
		playing += played
		fmt.Fprintf(&b, ",%s}", fields)
	}
	b.WriteString("]}")
	// With the stream in the URL, as the beacon sends it.
	r := newRequest(v, address, "/v1/events?stream="+v.stream, "Content-Type: application/json\r\n", []byte(b.String()), numbers)
	r.events, r.playing = int64(events), int64(playing)
	return r
}

func seconds(ms int) float64 { return float64(ms) / 1000 }

// field appends a field of the wire type 2 of Protocol Buffers: bytes, a text or a message.
func field(b []byte, number uint64, value []byte) []byte {
	b = binary.AppendUvarint(b, number<<3|2)
	b = binary.AppendUvarint(b, uint64(len(value)))
	return append(b, value...)
}

// otlpRequests returns the request of a viewer with the events as log records of the OpenTelemetry protocol. What all of them share is
// in their resource.
func otlpRequests(v viewer, address string) []*request {
	keyed := func(key string, value []byte) []byte { return field(field(nil, 1, []byte(key)), 2, value) }
	text := func(key, value string) []byte { return keyed(key, field(nil, 1, []byte(value))) }
	integer := func(key string, value int) []byte {
		return keyed(key, binary.AppendUvarint([]byte{3 << 3}, uint64(value)))
	}

	var resource, logs []byte
	for _, attribute := range [][2]string{
		{"client.address", v.address}, {"session", fmt.Sprintf("%06d-000001", v.number)}, {"stream", v.stream}, {"client", "h5live 4.22.0"},
		{"user", "viewer" + strconv.Itoa(v.number)}, {"referrer", fmt.Sprintf("https://site%d.example/watch", v.number%30)},
	} {
		resource = field(resource, 1, text(attribute[0], attribute[1]))
	}
	for j := range eventsPerRequest {
		r := v.report(j)
		record := binary.LittleEndian.AppendUint64([]byte{1<<3 | 1}, 1_763_800_000_000_000_000+uint64(j)*1_000_000)
		for _, attribute := range [][]byte{
			text("type", "stats"), integer("seq", j+1), integer("playing", r.playing), integer("buffering", r.buffering), integer("paused", 0),
			integer("bufferLength", r.bufferLength), integer("latency", r.latency), integer("videoBitrate", 2_500_000), integer("audioBitrate", 128_000),
		} {
			record = field(record, 6, attribute)
		}
		logs = field(logs, 2, record)
	}
	body := field(nil, 1, field(field(nil, 1, resource), 2, logs))
	return v.always(newRequest(v, address, "/v1/logs", "Content-Type: application/x-protobuf\r\n", body, nil))
}

// always returns the requests of a viewer who sends the same request each time.
func (v viewer) always(r *request) []*request {
	for j := range eventsPerRequest {
		r.playing += int64(v.report(j).playing)
	}
	return []*request{r}
}

// measurements returns the numbers of the reports of a request by the names of their metrics.
func (v viewer) measurements() map[string][]int {
	all := map[string][]int{}
	for j := range eventsPerRequest {
		r := v.report(j)
		for name, value := range map[string]int{"playing": r.playing, "buffering": r.buffering, "buffer_length": r.bufferLength, "latency": r.latency} {
			all[name] = append(all[name], value)
		}
	}
	return all
}

// textRequests returns the request of a viewer with the numbers of the events as samples in the text format of Prometheus, each with its
// country, because vmagent cannot look it up.
func textRequests(v viewer, address string) []*request {
	var b strings.Builder
	for name, values := range v.measurements() {
		for _, value := range values {
			fmt.Fprintf(&b, "%s{stream=%q,country=%q} %d\n", name, v.stream, v.country, value)
		}
	}
	return v.always(newRequest(v, address, "/api/v1/import/prometheus", "Content-Type: text/plain\r\n", []byte(b.String()), nil))
}

// remoteWriteRequests returns the same samples in the form of Prometheus remote write: four series with 20 samples.
func remoteWriteRequests(v viewer, address string) []*request {
	label := func(name, value string) []byte { return field(field(nil, 1, []byte(name)), 2, []byte(value)) }
	var body []byte
	for name, values := range v.measurements() {
		var series []byte
		for _, l := range [][2]string{{"__name__", name}, {"country", v.country}, {"stream", v.stream}} {
			series = field(series, 1, label(l[0], l[1]))
		}
		for j, value := range values {
			sample := binary.LittleEndian.AppendUint64([]byte{1<<3 | 1}, math.Float64bits(float64(value)))
			series = field(series, 2, binary.AppendUvarint(append(sample, 2<<3), uint64(1_763_800_000_000+j)))
		}
		body = field(body, 1, series)
	}
	return v.always(newRequest(v, address, "/api/v1/write", "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n",
		snappy.Encode(nil, body), nil))
}
