package accesslog_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// viewers make lines as a live stream does: many viewers fetch the same few segments, from some pages, with some browsers.
func viewers(line func(i int) string) [][]byte {
	lines := make([][]byte, 10_000)
	for i := range lines {
		lines[i] = []byte(line(i))
	}
	return lines
}

var browsers = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile Safari/604.1",
	"AppleCoreMedia/1.0.0.21F79 (iPad; U; CPU OS 17_5 like Mac OS X; en_us)",
}

func benchmark(b *testing.B, format string, lines [][]byte) {
	d, err := accesslog.NewDecoder(accesslog.Format{Name: format})
	if err != nil {
		b.Fatal(err)
	}
	var r accesslog.Request
	bytes := 0
	for _, line := range lines {
		if ok, err := d.Decode(line, &r); !ok || err != nil {
			b.Fatalf("%s: %v %v", line, ok, err)
		}
		bytes += len(line)
	}
	b.SetBytes(int64(bytes / len(lines)))
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := d.Decode(lines[i%len(lines)], &r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNginxCombined(b *testing.B) {
	benchmark(b, "nginx-combined", viewers(func(i int) string {
		return fmt.Sprintf(`203.0.%d.%d - - [10/Oct/2023:13:%02d:%02d +0000] "GET /hls/stream%d-%d.ts HTTP/1.1" 200 812345 `+
			`"https://site.example/watch" "%s"`, i%7, i%251, i/3600, i/60%60, i%20, i/500, browsers[i%3])
	}))
}

// BenchmarkNginxCombinedCMCD has a query that differs with every line.
func BenchmarkNginxCombinedCMCD(b *testing.B) {
	benchmark(b, "nginx-combined", viewers(func(i int) string {
		return fmt.Sprintf(`203.0.%d.%d - - [10/Oct/2023:13:%02d:%02d +0000] "GET /hls/stream%d-%d.ts?CMCD=bl%%3D%d%%2Cbr%%3D3000`+
			`%%2Csid%%3D%%226e2fb550-c457-11e9-bb97-%012d%%22 HTTP/1.1" 200 812345 "https://site.example/watch" "%s"`,
			i%7, i%251, i/3600, i/60%60, i%20, i/500, i, i, browsers[i%3])
	}))
}

func BenchmarkCloudflare(b *testing.B) {
	benchmark(b, "cloudflare", viewers(func(i int) string {
		return fmt.Sprintf(`{"ClientIP":"203.0.%d.%d","ClientRequestHost":"site.example","ClientRequestMethod":"GET",`+
			`"ClientRequestURI":"/hls/stream%d-%d.ts","ClientRequestReferer":"https://site.example/watch","ClientRequestUserAgent":"%s",`+
			`"EdgeEndTimestamp":"2023-10-10T13:%02d:%02dZ","EdgeResponseBytes":812345,"EdgeResponseStatus":200,`+
			`"EdgeStartTimestamp":"2023-10-10T13:%02d:%02dZ","RayID":"%016x"}`,
			i%7, i%251, i%20, i/500, browsers[i%3], i/3600, i/60%60, i/3600, i/60%60, i)
	}))
}

func BenchmarkCloudFront(b *testing.B) {
	benchmark(b, "cloudfront", viewers(func(i int) string {
		return fmt.Sprintf("2023-10-10\t13:%02d:%02d\tFRA56-C1\t812345\t203.0.%d.%d\tGET\td111111abcdef8.cloudfront.net\t"+
			"/hls/stream%d-%d.ts\t200\thttps://site.example/watch\tMozilla/5.0%%20(Windows%%20NT%%2010.0;%%20Win64;%%20x64)%%20"+
			"AppleWebKit/537.36%%20(KHTML,%%20like%%20Gecko)%%20Chrome/78.0.3904.108%%20Safari/537.36\t-\t-\tHit\t"+
			"SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\td111111abcdef8.cloudfront.net\thttps\t23\t0.001\t-\tTLSv1.2\t"+
			"ECDHE-RSA-AES128-GCM-SHA256\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\tvideo/mp2t\t812000\t-\t-",
			i/3600, i/60%60, i%7, i%251, i%20, i/500)
	}))
}

// typical makes the requests of a live stream: many viewers fetch the same few segments, one after the other.
func typical(i int) delivery {
	return delivery{
		end: time.UnixMilli(1_795_900_000_000 + int64(i)*10).UTC(), duration: time.Duration(20+i%200) * time.Millisecond,
		address: netip.AddrFrom4([4]byte{203, 0, byte(i % 7), byte(i % 251)}), method: "GET", status: 200, bytes: 812_345,
		target:   fmt.Sprintf("/hls/stream%d-%d.ts", i%20, i/500),
		referrer: "https://site.example/watch", agent: browsers[i%3], host: "live.example.com", port: 1024 + i%60000, number: i,
	}
}

// BenchmarkFormats decodes lines of every format, as a live stream would give them.
func BenchmarkFormats(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, w := range writers {
		b.Run(w.name, func(b *testing.B) {
			d, err := accesslog.NewDecoder(w.format())
			if err != nil {
				b.Fatal(err)
			}
			var request accesslog.Request
			for line := range strings.Lines(w.header) {
				if _, err := d.Decode([]byte(line), &request); err != nil {
					b.Fatal(err)
				}
			}
			lines := viewers(func(i int) string { return w.line(r, typical(i)) })
			bytes := 0
			for _, line := range lines {
				bytes += len(line)
			}
			b.SetBytes(int64(bytes / len(lines)))
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if ok, err := d.Decode(lines[i%len(lines)], &request); !ok || err != nil {
					b.Fatalf("%s: %v", lines[i%len(lines)], err)
				}
			}
		})
	}
}

func BenchmarkDetect(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	var head []byte
	for len(head) < accesslog.MaxHead {
		head = append(head, writers[0].line(r, random(r))...)
		head = append(head, '\n')
	}
	for range b.N {
		if _, err := accesslog.Detect(head, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRules(b *testing.B) {
	rules := accesslog.NewRules(nil)
	for _, path := range []string{
		"/hls/NAME-123.ts", "/hls/NAME/index.m3u8", "/app/NAME/media_w1652912314_b350000_155709.ts", "/live/NAME/720p/seg1.ts",
		"/NAME/a1b2c3d4e5f6_video1_seg7.mp4", "/index.html",
	} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				rules.Match(path)
			}
		})
	}
}
