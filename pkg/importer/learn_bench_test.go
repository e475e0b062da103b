package importer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// BenchmarkLearn reads a log ahead of 400 viewers who each fetch a playlist and a segment every six seconds.
func BenchmarkLearn(b *testing.B) {
	const lines = 20_000
	var text strings.Builder
	for i := range lines {
		file := "index.m3u8"
		if i%2 == 1 {
			file = fmt.Sprintf("seg%d.ts", i/800)
		}
		viewer := i / 2 % 400
		fmt.Fprintf(&text, `203.0.%d.%d - - [28/Nov/2026:11:%02d:%02d +0000] "GET /live/stream%d/720p/%s HTTP/1.1" 200 %d "https://site.example/watch" `+
			`"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36"`+"\n",
			viewer/200, viewer%200, i/133/60, i/133%60, viewer%200, file, 300_000+i, 100+viewer%50)
	}
	name := filepath.Join(b.TempDir(), "access.log")
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	rules := accesslog.NewRules(nil)
	for b.Loop() {
		if err := LearnFiles(b.Context(), []string{name}, accesslog.Format{Name: "nginx-combined"}, rules); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/line")
}
