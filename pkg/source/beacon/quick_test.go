package beacon

import (
	"reflect"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/event"
)

type quickBody struct {
	name, body string
	quick      bool // it is decoded in one pass
}

const usual = `{"accountId":"acme","accountKey":"pk_a","client":{"kind":"h5live","version":"4.22.0"},"sessionId":"s","stream":"bühne",
	"eventId":"e","userId":"u","cdn":"north","customField1":"c","customField10":"d","protocol":"HLS","referrer":"https://site.example/w","interval":2.5,
	"sentAt":1763800016000,"started":{"seq":1,"ts":1763799000000},"new":7,
	"events":[{"seq":1,"ts":1763800000000,"type":"load"},{"seq":2,"ts":1763800000840,"type":"start","startTime":0.84},
	{"seq":3,"ts":1763800010840,"type":"stats","playing":9.2,"buffering":0.8,"paused":0,"bufferLength":1.1005,"latency":null,
	"videoBitrate":2500000,"audioBitrate":128000,"new":true,"height":1080,"stalls":1,"frames":250,"droppedFrames":3,"switches":{"up":1,"down":2,"failed":0,"new":1},
	"roundTripTime":0.0305,"packetLoss":0.0125},{"seq":4,"ts":1763800012000,"type":"status","code":2002,"fatal":false},
	{"seq":5,"ts":1763800012000,"type":"status","code":"bufferStalledError","fatal":true,"business":true},
	{"seq":6,"ts":1763800016000,"type":"stop","reason":"normal","played":15.16,"height":720,"videoBitrate":900000,"switches":{"up":3}}]}`

// quickBodies are bodies that are usual but for one thing.
func quickBodies() []quickBody {
	but := func(from, to string) string {
		if !strings.Contains(usual, from) {
			panic(from)
		}
		return strings.Replace(usual, from, to, 1)
	}
	head, _, _ := strings.Cut(usual, `"events"`)
	return []quickBody{
		{"usual", usual, true},
		{"spaces around", " \r\n" + usual + "\t ", true},
		{"a clock that is wrong", but("1763800016000", "1763803616000"), true},
		{"no optional field", `{"accountId":"a","accountKey":"k","client":{"kind":"c"},"sessionId":"s","stream":"x","events":[{"seq":1,"ts":1763800000000,"type":"load"}]}`, true},
		{"null for what is optional", but(`"HLS"`, "null"), true},
		{"an escape", but("bühne", `b\u00fchne`), false},
		{"a field twice", but(`"userId":"u"`, `"stream":"other"`), false},
		{"a field that is null first", but(`"userId":"u"`, `"userId":null,"userId":"u"`), false},
		{"a required field that is null first", but(`"stream":"bühne"`, `"stream":null,"stream":"bühne"`), false},
		{"a field of an event that is null first", but(`"paused":0`, `"paused":null,"paused":0`), false},
		{"switches that are null first", but(`"switches":{"up":3}`, `"switches":null,"switches":{"up":3}`), false},
		{"one of switches that is null first", but(`"failed":0`, `"failed":null,"failed":5`), false},
		{"a field of an event twice", but(`"paused":0`, `"playing":0`), false},
		{"client twice", but(`"new":7`, `"client":{"kind":"x"}`), false},
		{"events twice", but(`"new":7`, `"events":[{"seq":1,"ts":1763800000000,"type":"load"}]`), false},
		{"an exponent", but("9.2", "92e-1"), false},
		{"a negative number", but("9.2", "-9.2"), false},
		{"a number of zeros", but("9.2", "0009.2"), false},
		{"a number without digits behind the point", but("9.2", "9."), false},
		{"a number without digits before the point", but("9.2", ".2"), false},
		{"a number of many digits", but("9.2", "9.20000000000000000001"), false},
		{"a text for a number", but("9.2", `"9.2"`), false},
		{"a number for a text", but(`"HLS"`, "1"), false},
		{"a text that is too long", but("HLS", strings.Repeat("x", 65)), false},
		{"a CDN that is too long", but(`"north"`, `"`+strings.Repeat("x", 65)+`"`), false},
		{"a user that is too long", but(`"u"`, `"`+strings.Repeat("x", 129)+`"`), false},
		{"a control character", but("HLS", "H\x01LS"), false},
		{"no UTF-8", but("HLS", "H\xffLS"), false},
		{"an empty stream", but("bühne", ""), false},
		{"an object where none is known", but(`"new":7`, `"new":{}`), false},
		{"switches that are no object", but(`{"up":3}`, "true"), false},
		{"switches that are a number", but(`{"up":3}`, "3"), false},
		{"switches without any", but(`{"up":3}`, "{}"), false},
		{"null for switches", but(`{"up":3}`, "null"), true},
		{"an object among switches", but(`"failed":0`, `"failed":{}`), false},
		{"switches of a negative number", but(`"failed":0`, `"failed":-1`), false},
		{"a loss of more than all", but("0.0125", "1.0125"), false},
		{"a business that is a text", but(`"business":true`, `"business":"yes"`), false},
		{"an event of an unknown type", but(`"load"`, `"loaded"`), false},
		{"an event in the future", but(`"seq":6,"ts":1763800016000`, `"seq":6,"ts":1763800096000`), false},
		{"an event in seconds", but(`"seq":6,"ts":1763800016000`, `"seq":6,"ts":1763800016`), false},
		{"a seq of zero", but(`"seq":6`, `"seq":0`), false},
		{"a broken seq", but(`"seq":6`, `"seq":6.5`), false},
		{"an interval that is too short", but("2.5", "0.5"), false},
		{"more than one body", usual + usual, false},
		{"a comma at the end", but(`"load"}`, `"load",}`), false},
		{"a comma behind the last event", but(`{"up":3}}]`, `{"up":3}},]`), false},
		{"no end", strings.TrimSuffix(usual, "}"), false},
		{"no events", head + `"events":[]}`, false},
		{"events that are no objects", head + `"events":[1]}`, false},
		{"nothing", "", false},
		{"no object", "[]", false},
	}
}

func TestQuick(t *testing.T) {
	for _, test := range quickBodies() {
		t.Run(test.name, func(t *testing.T) {
			decoder := NewDecoder(event.MaxPlayerAge)
			got, ok := decoder.quick([]byte(test.body), received, nil)
			if ok != test.quick {
				t.Errorf("decoded in one pass: %t, want %t", ok, test.quick)
			}
			want, refused := decoder.decode([]byte(test.body), received, nil)
			if ok && (refused != nil || !reflect.DeepEqual(got, want)) {
				t.Errorf("%+v in one pass, %+v by the tree, refused %+v", got, want, refused)
			}
			// The memory of what was decoded in one pass is used again by the tree.
			both, refusedAgain := decoder.Decode([]byte(test.body), received, make([]event.Event, 0, 1))
			if !reflect.DeepEqual(refusedAgain, refused) || refused == nil && !reflect.DeepEqual(both, want) {
				t.Errorf("%+v refused %+v, want %+v refused %+v", both, refusedAgain, want, refused)
			}
		})
	}
}
