package collector

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// BenchmarkLogs counts an nginx log of 400 viewers of 200 live streams, who each fetch a playlist and a segment every six
// seconds for ten minutes, from the handler to the samples; it reports lines per second.
func BenchmarkLogs(b *testing.B) {
	c := start(b, nil)
	c.store.discard = true
	go func() {
		if err := c.pipeline.Run(b.Context()); err != nil {
			b.Error(err)
		}
	}()
	random := rand.New(rand.NewPCG(1, 1))
	const linesPerRequest, requests, viewers, linesPerSecond = 20_000, 50, 400, 133
	bodies := make([][]byte, requests)
	begin := time.Now().Add(-3 * time.Hour).Truncate(time.Hour)
	for i := range bodies {
		var body bytes.Buffer
		body.Grow(200 * linesPerRequest)
		for j := range linesPerRequest {
			number := i*linesPerRequest + j
			at := begin.Add(time.Duration(number) * time.Second / linesPerSecond)
			path, size := "seg1234.ts", 300_000+random.IntN(600_000)
			if j%2 == 0 {
				path, size = "index.m3u8", 400+random.IntN(500)
			}
			viewer := number/2%viewers + viewers*(number/linesPerSecond/600)
			fmt.Fprintf(&body, "203.0.%d.%d - - [%s] \"GET /live/stream%d/720p/%s HTTP/1.1\" 200 %d \"https://site%d.example/watch\" \"Mozilla/5.0 (X11; Linux x86_64) Chrome/%d.0.0.0\"\n",
				viewer/200, viewer%200, at.UTC().Format("02/Jan/2006:15:04:05 -0700"), viewer%200, path, size, viewer%30, 100+viewer%50)
		}
		bodies[i] = body.Bytes()
	}
	b.ResetTimer()
	lines := 0
	for i := 0; b.Loop(); i++ {
		request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/logs?format=nginx-combined", bytes.NewReader(bodies[i%requests]))
		request.Header.Set("Authorization", "Bearer sk_acme")
		answer := httptest.NewRecorder()
		c.Config.Handler.ServeHTTP(answer, request)
		if answer.Code != http.StatusAccepted {
			b.Fatalf("answered %d %s", answer.Code, answer.Body)
		}
		lines += linesPerRequest
	}
	b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
}
