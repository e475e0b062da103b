package beacon

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/event"
)

// received is when the bodies of the fuzz test come, in ms since 1970.
const received = 1_763_800_016_000

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"accountId":"acme","accountKey":"pk_a","client":{"kind":"h5live","version":"4.22.0"},"sessionId":"s","stream":"st",
		"eventId":"e","userId":"u","cdn":"north","customField1":"c","protocol":"HLS","referrer":"https://site.example/w","interval":10,"sentAt":1763800016000,
		"events":[{"seq":1,"ts":1763800000000,"type":"load"},{"seq":2,"ts":1763800000840,"type":"start","startTime":0.84},
		{"seq":3,"ts":1763800010840,"type":"stats","playing":9.2,"buffering":0.8,"paused":0,"bufferLength":1.1,"latency":1.4,
		"videoBitrate":2500000,"audioBitrate":128000},{"seq":4,"ts":1763800012000,"type":"status","code":2002,"fatal":false},
		{"seq":5,"ts":1763800016000,"type":"stop","reason":"normal","played":15.16}]}`))
	f.Add([]byte(`{"accountId":"a","accountKey":"k","client":{"kind":"webcaster"},"sessionId":"s","stream":"\u0000\ud800","sentAt":1,
		"events":[{"seq":1e3,"ts":-1,"type":"stop"},[],null,{"seq":2147483648,"ts":1e300,"type":"status","code":"\"\\"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		decoder := NewDecoder(event.MaxPlayerAge)
		mine := bytes.Clone(body)
		e, refused := decoder.Decode(mine, received, nil)
		if refused != nil {
			if refused.Reason == "" || refused.Error == "" {
				t.Errorf("refused as %+v", refused)
			}
			return
		}
		for _, text := range []string{e.AccountID, e.SessionID, e.Stream, e.EventID, e.Kind, e.Version, e.Protocol} {
			if !event.ValidText(text, event.MaxNameBytes) {
				t.Errorf("decoded the text %q", text)
			}
		}
		if e.SessionID == "" || e.Stream == "" || e.Kind == "" || e.Interval < time.Second || e.Interval > time.Minute {
			t.Errorf("decoded %+v", e)
		}
		for _, refusal := range e.Refused {
			if refusal.Reason == "" || refusal.Error == "" || refusal.Field == "" {
				t.Errorf("an event is refused as %+v", refusal)
			}
		}
		for _, ev := range e.Events {
			examine(t, ev)
		}
		// The decoder keeps nothing of a body, nor an envelope of its body or of the decoder.
		told := fmt.Sprintf("%+v", e)
		clear(mine)
		again, refused := decoder.Decode(body, received, nil)
		if refused != nil || len(again.Events) != len(e.Events) || len(again.Refused) != len(e.Refused) || again.Stream != e.Stream {
			t.Errorf("a second time: %+v %+v, want %+v", again, refused, e)
		}
		if _, refused := decoder.Decode(bytes.Repeat([]byte(" "), len(body)), received, nil); refused == nil {
			t.Error("spaces are decoded")
		}
		if now := fmt.Sprintf("%+v", e); now != told {
			t.Errorf("what was decoded as %s is %s now", told, now)
		}
	})
}

// FuzzQuick holds what is decoded in one pass to what the tree makes of it.
func FuzzQuick(f *testing.F) {
	for _, test := range quickBodies() {
		f.Add([]byte(test.body))
	}
	decoder := NewDecoder(event.MaxPlayerAge) // has read other bodies, whose names it knows
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 1<<16 {
			t.Skip()
		}
		mine := bytes.Clone(body)
		got, ok := decoder.quick(mine, received, nil)
		if !ok {
			return
		}
		clear(mine) // nothing of it is kept
		want, refused := decoder.decode(body, received, nil)
		if refused != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nis %+v in one pass,\n%+v by the tree, refused %+v", body, got, want, refused)
		}
	})
}

// examine checks what holds for every event that is taken.
func examine(t *testing.T, e event.Event) {
	t.Helper()
	if e.Seq < 1 || e.Seq > event.MaxSeq || event.Outside(e.Time, received) || e.Type > event.Stop {
		t.Errorf("decoded %+v", e)
	}
	for _, text := range []string{e.Code, e.Reason} {
		if !event.ValidText(text, event.MaxTextBytes) {
			t.Errorf("decoded the text %q", text)
		}
	}
	for _, number := range []struct{ value, limit int64 }{
		{e.StartTime, event.MaxDuration}, {e.Playing, event.MaxDuration}, {e.Buffering, event.MaxDuration}, {e.Paused, event.MaxDuration},
		{e.BufferLength, event.MaxDuration}, {e.Latency, event.MaxDuration}, {e.Played, event.MaxPlayed},
		{e.VideoBitrate, event.MaxBitrate}, {e.AudioBitrate, event.MaxBitrate},
	} {
		if number.value < event.Absent || number.value > number.limit {
			t.Errorf("decoded the number %d of %+v", number.value, e)
		}
	}
}
