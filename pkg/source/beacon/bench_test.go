package beacon

import (
	"fmt"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/event"
)

// BenchmarkDecode decodes what a player sends with 20 reports.
func BenchmarkDecode(b *testing.B) {
	var body strings.Builder
	body.WriteString(`{"accountId":"acme","accountKey":"pk_benchmark","client":{"kind":"h5live","version":"4.22.0"},"sessionId":"6e2f0a1c",` +
		`"stream":"XXXXX-YYYYY","userId":"viewer1","referrer":"https://site.example/watch","interval":10,"sentAt":1763800016000,"events":[`)
	const events = 20
	for i := range events {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"seq":%d,"ts":%d,"type":"stats","playing":9.2,"buffering":0.8,"paused":0,"bufferLength":1.123,"latency":1.456,`+
			`"videoBitrate":2500000,"audioBitrate":128000}`, i+1, received-10_000*(events-i))
	}
	body.WriteString("]}")
	data := []byte(body.String())
	decoder := NewDecoder(event.MaxPlayerAge)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var memory []event.Event
	for b.Loop() {
		e, refused := decoder.Decode(data, received, memory[:0])
		if refused != nil || len(e.Events) != events {
			b.Fatal(e, refused)
		}
		memory = e.Events
	}
	b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
