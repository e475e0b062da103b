package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"
)

// benchmarkedLogs are lines of several formats: of the formats of JSON the one with the shortest and those with the longest lines.
var benchmarkedLogs = []struct {
	format string
	line   func(b *bytes.Buffer, at time.Time, address, path, site, agent string, size int)
}{
	{"nginx-combined", func(b *bytes.Buffer, at time.Time, address, path, site, agent string, size int) {
		fmt.Fprintf(b, `%s - - [%s] "GET %s HTTP/1.1" 200 %d "%s" "%s"`, address, at.Format("02/Jan/2006:15:04:05 -0700"), path, size, site, agent)
	}},
	{"json", func(b *bytes.Buffer, at time.Time, address, path, site, agent string, size int) {
		fmt.Fprintf(b, `{"time":%d,"address":"%s","method":"GET","url":"%s","status":200,"bytes":%d,"referrer":"%s","user_agent":"%s"}`, at.UnixMilli(), address,
			path, size, site, agent)
	}},
	{"caddy", func(b *bytes.Buffer, at time.Time, address, path, site, agent string, size int) {
		fmt.Fprintf(b, `{"level":"info","ts":%d.3438785,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"%s","remote_port":"36293",`+
			`"client_ip":"%[2]s","proto":"HTTP/2.0","method":"GET","host":"live.example.com","uri":"%s","headers":{"Accept-Encoding":["gzip, deflate, br"],`+
			`"User-Agent":["%s"],"Accept":["*/*"],"Referer":["%s"],"Sec-Fetch-Mode":["cors"]},"tls":{"resumed":false,"version":772,"cipher_suite":4865,"proto":"h2",`+
			`"server_name":"live.example.com"}},"bytes_read":0,"user_id":"","duration":0.013619766,"size":%d,"status":200,"resp_headers":{"Accept-Ranges":["bytes"],`+
			`"Content-Length":["82720"],"Server":["Caddy"],"Vary":["Accept-Encoding"],"Etag":["\"dn5if9zcqz66-1rts\""],"Content-Type":["video/mp2t"],`+
			`"Last-Modified":["Thu, 26 Nov 2026 22:52:51 GMT"]}}`, at.Unix(), address, path, agent, site, size)
	}},
	{"google-cloud", func(b *bytes.Buffer, at time.Time, address, path, site, agent string, size int) {
		fmt.Fprintf(b, `{"httpRequest":{"cacheHit":true,"cacheLookup":true,"latency":"0.015342s","referer":"%s","remoteIp":"%s","requestMethod":"GET","requestSize":"577",`+
			`"requestUrl":"https://live.example.com%s","responseSize":"%d","status":200,"userAgent":"%s"},"insertId":"1oek5rg3l3fxj7","jsonPayload":{"@type":`+
			`"type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry","cacheId":"HKG-a","statusDetails":"response_from_cache"},"logName":`+
			`"projects/example/logs/requests","receiveTimestamp":"2026-11-28T22:56:06.1Z","resource":{"labels":{"backend_service_name":"","forwarding_rule_name":"live",`+
			`"project_id":"example","zone":"global"},"type":"http_load_balancer"},"severity":"INFO","timestamp":"%s"}`, site, address, path, size, agent,
			at.Format("2006-01-02T15:04:05.000000Z"))
	}},
}

// BenchmarkLogs counts a log of 400 viewers of 200 live streams, who each fetch a playlist and a segment every six seconds for
// ten minutes, from the handler to the samples; it reports lines per second, and the time of the processors that a line takes.
func BenchmarkLogs(b *testing.B) {
	for _, log := range benchmarkedLogs {
		b.Run(log.format, func(b *testing.B) { benchmarkLogs(b, log.format, log.line) })
	}
}

func benchmarkLogs(b *testing.B, format string, line func(b *bytes.Buffer, at time.Time, address, path, site, agent string, size int)) {
	c := start(b, nil)
	c.store.discard = true
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.pipeline.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
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
			line(&body, at.UTC(), fmt.Sprintf("203.0.%d.%d", viewer/200, viewer%200), fmt.Sprintf("/live/stream%d/720p/%s", viewer%200, path),
				fmt.Sprintf("https://site%d.example/watch", viewer%30), fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) Chrome/%d.0.0.0", 100+viewer%50), size)
			body.WriteByte('\n')
		}
		bodies[i] = body.Bytes()
	}
	b.ResetTimer()
	lines, used := 0, processorTime(b)
	for i := 0; b.Loop(); i++ {
		request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/v1/logs?format="+format, bytes.NewReader(bodies[i%requests]))
		request.Header.Set("Authorization", "Bearer sk_acme")
		answer := httptest.NewRecorder()
		c.Config.Handler.ServeHTTP(answer, request)
		if answer.Code != http.StatusAccepted {
			b.Fatalf("answered %d %s", answer.Code, answer.Body)
		}
		lines += linesPerRequest
	}
	b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(lines), "cpu-ns/line")
}

// processorTime returns how long the processors have worked for this process.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
