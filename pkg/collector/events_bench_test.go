package collector

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/tenant"
)

// discarded is an answer of which nobody reads more than the status.
type discarded struct {
	header http.Header
	status int
}

func (d *discarded) Header() http.Header               { return d.header }
func (d *discarded) WriteHeader(status int)            { d.status = status }
func (d *discarded) Write(content []byte) (int, error) { return len(content), nil }

// BenchmarkEvents counts batches of 20 reports of 1,000 players of 50 streams, from the handler to the samples, one after the other; it
// reports events per second. Each batch waits for the disk alone, so the time of the processor says more than the clock.
func BenchmarkEvents(b *testing.B) {
	c := start(b, func(o *tenant.Organization) {
		o.Limits.EventsPerSecond, o.Limits.EventsPerSecondPerAddress = 1_000_000_000, 0
	})
	c.store.discard = true
	go func() {
		if err := c.pipeline.Run(b.Context()); err != nil {
			b.Error(err)
		}
	}()
	const events, players = 20, 1000
	var body bytes.Buffer
	answer := &discarded{header: http.Header{}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now := time.Now().UnixMilli()
		body.Reset()
		fmt.Fprintf(&body, `{"accountId":"acme","accountKey":"pk_acme","client":{"kind":"h5live","version":"4.22.0"},"sessionId":"session%d",`+
			`"stream":"stream%d","referrer":"https://site.example/watch","interval":10,"sentAt":%d,"events":[{"seq":%d,"ts":%d,"type":"start"}`,
			i%players, i%50, now, i/players*events+1, now-20)
		for j := 1; j < events; j++ {
			fmt.Fprintf(&body, `,{"seq":%d,"ts":%d,"type":"stats","playing":9.2,"buffering":0.8,"paused":0,"bufferLength":1.123,"latency":1.456,`+
				`"videoBitrate":2500000,"audioBitrate":128000}`, i/players*events+1+j, now-20+int64(j))
		}
		body.WriteString("]}")
		request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/events", &body)
		if err != nil {
			b.Fatal(err)
		}
		request.RemoteAddr = "127.0.0.1:1234"
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i%200))
		clear(answer.header)
		c.Config.Handler.ServeHTTP(answer, request)
		if answer.status != http.StatusAccepted {
			b.Fatalf("answered %d", answer.status)
		}
	}
	b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
