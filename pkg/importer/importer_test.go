package importer

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/collector/collectortest"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
	"github.com/streamlens/streamlens/pkg/tenant"
)

// testPiece is how much goes with one request, in bytes.
const testPiece = 100_000

// proxy stands in front of a real collector: it counts the requests that the collector takes, and can fail.
type proxy struct {
	*httptest.Server
	collector *collectortest.Collector
	mu        sync.Mutex // of what follows
	requests  int
	now, most int                                // requests that are served at the same time
	status    []int                              // of the answers to come, which the collector does not see; then its own
	after     func(request *http.Request, n int) // is called when the collector has answered the n-th one, before its answer is passed on
}

func serve(t *testing.T, change func(*tenant.Organization)) *proxy {
	t.Helper()
	p := &proxy{collector: collectortest.Start(t, change)}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		p.mu.Lock()
		if len(p.status) > 0 {
			status := p.status[0]
			p.status = p.status[1:]
			p.mu.Unlock()
			w.WriteHeader(status)
			return
		}
		p.now++
		p.most = max(p.most, p.now)
		p.mu.Unlock()
		answer := httptest.NewRecorder()
		p.collector.Handler.ServeHTTP(answer, request)
		p.mu.Lock()
		p.now--
		p.requests++
		n, after := p.requests, p.after
		p.mu.Unlock()
		if after != nil {
			after(request, n)
		}
		w.WriteHeader(answer.Code)
		if _, err := w.Write(answer.Body.Bytes()); err != nil {
			t.Log(err) // of a client that is gone
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// then sets what is called when the collector has answered.
func (p *proxy) then(after func(request *http.Request, n int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.after = after
}

// taken returns how many requests the collector has answered.
func (p *proxy) taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

func (p *proxy) importer(t *testing.T, state, format string) *Importer {
	t.Helper()
	book, err := OpenBook(state)
	if err != nil {
		t.Fatal(err)
	}
	return &Importer{URL: p.URL, Organization: "acme", SecretKey: "sk_acme", Format: accesslog.Format{Name: format}, Book: book,
		Progress: func(int) {}, pieceBytes: testPiece}
}

// expect compares the bytes that are counted, once and for all: the collector ends.
func (p *proxy) expect(t *testing.T, want int) {
	t.Helper()
	if got := p.collector.Sum(t, "streamlens_traffic_bytes_1m{"); got != int64(want) {
		t.Errorf("%d bytes are counted, want %d", got, want)
	}
}

// sum returns the bytes of lines, of which each has its number.
func sum(first, count int) int { return count * (2*first + count - 1) / 2 }

// begin is the time of line 0.
var begin = time.Now().UTC().Add(-72 * time.Hour).Truncate(24 * time.Hour)

// lines returns lines of a log from number first on.
func lines(first, count int) string {
	var b strings.Builder
	for i := first; i < first+count; i++ {
		at := begin.Add(time.Duration(i) * time.Second).Format("02/Jan/2006:15:04:05 -0700")
		fmt.Fprintf(&b, "192.0.2.1 - - [%s] \"GET /live/one/seg%d.ts HTTP/1.1\" 200 %d \"-\" \"-\"\n", at, i, i)
	}
	return b.String()
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func writeGzip(t *testing.T, name, content string) string {
	t.Helper()
	var b strings.Builder
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return write(t, name, b.String())
}

func TestFileIsCountedOnce(t *testing.T) {
	folder := t.TempDir()
	state := filepath.Join(folder, "state", "imports.json")
	p := serve(t, nil)
	content := lines(0, 5_000) // several chunks
	name := write(t, filepath.Join(folder, "access.log"), content)

	s, err := p.importer(t, state, "nginx-combined").File(t.Context(), name)
	if err != nil || s.Accepted != 5_000 || s.Before != 0 || !s.Counted {
		t.Fatalf("%+v, %v", s, err)
	}
	if p.requests < 2 {
		t.Errorf("%d requests", p.requests)
	}
	for _, again := range []string{
		name,
		write(t, filepath.Join(folder, "access.log.1"), content),
		writeGzip(t, filepath.Join(folder, "access.log.2.gz"), content),
	} {
		requests := p.requests
		s, err := p.importer(t, state, "nginx-combined").File(t.Context(), again)
		if err != nil || s.Accepted != 0 || s.Before != int64(len(content)) || s.Imported.IsZero() || !s.Counted || p.requests != requests {
			t.Errorf("%s: %+v, %v", again, s, err)
		}
	}
	grown := write(t, name, content+lines(5_000, 10)+"192.0.2.1 - - [")
	s, err = p.importer(t, state, "nginx-combined").File(t.Context(), grown)
	if err != nil || s.Accepted != 10 || !s.Open {
		t.Errorf("grown: %+v, %v", s, err)
	}
	// Without what is kept here the collector knows what it has counted.
	s, err = p.importer(t, state+".lost", "nginx-combined").File(t.Context(), write(t, name, content))
	if err != nil || s.Accepted != 0 || s.Repeated != 5_000 {
		t.Errorf("state lost: %+v, %v", s, err)
	}
	p.expect(t, sum(0, 5_010))
}

// TestLogsThatBeginAlike imports a log, and another that begins like it for longer than a file is known by.
func TestLogsThatBeginAlike(t *testing.T) {
	for _, tt := range []struct{ name, begin string }{
		{"all of the first counts", lines(0, 2_000)},
		{"a line of the first is tried again", lines(0, 1_000) + "broken\n" + lines(1_000, 1_000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			state := filepath.Join(folder, "imports.json")
			p := serve(t, nil)
			first := write(t, filepath.Join(folder, "first.log"), tt.begin+lines(5_001, 1))
			if s, err := p.importer(t, state, "nginx-combined").File(t.Context(), first); err != nil || s.Accepted != 2_001 {
				t.Fatalf("%+v, %v", s, err)
			}
			for end, others := range map[string]string{"longer": lines(6_001, 2), "as long": lines(6_001, 1)} {
				name := write(t, filepath.Join(folder, "other.log"), tt.begin+others)
				s, err := p.importer(t, state, "nginx-combined").File(t.Context(), name)
				if !errors.Is(err, errChanged) || !errors.As(err, new(*ReadError)) || s.Accepted != 0 || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: %+v, %v", end, s, err)
				}
			}
			shorter := write(t, filepath.Join(folder, "other.log"), tt.begin)
			if s, err := p.importer(t, state, "nginx-combined").File(t.Context(), shorter); err != nil || s.Accepted != 0 || !s.Shorter {
				t.Errorf("shorter: %+v, %v", s, err)
			}
			grown := write(t, first, tt.begin+lines(5_001, 3))
			if s, err := p.importer(t, state, "nginx-combined").File(t.Context(), grown); err != nil || s.Accepted != 2 || s.Shorter {
				t.Errorf("grown: %+v, %v", s, err)
			}
			p.expect(t, sum(0, 2_000)+sum(5_001, 3))
		})
	}
}

func TestFileGoesOnAfterAnInterruption(t *testing.T) {
	folder := t.TempDir()
	state := filepath.Join(folder, "imports.json")
	p := serve(t, nil)
	name := writeGzip(t, filepath.Join(folder, "access.log.gz"), lines(0, 5_000))

	ctx, cancel := context.WithCancel(t.Context())
	p.then(func(request *http.Request, n int) {
		switch n {
		case 2: // it is counted, and so are those behind it, but nobody waits for their answers
			<-request.Context().Done()
		case 4: // which is sent when the answer to the first one has come
			cancel()
		}
	})
	if s, err := p.importer(t, state, "nginx-combined").File(ctx, name); !errors.Is(err, context.Canceled) || s.Accepted == 0 || s.Accepted == 5_000 {
		t.Fatalf("%+v, %v", s, err)
	}
	p.then(nil)
	s, err := p.importer(t, state, "nginx-combined").File(t.Context(), name)
	if err != nil || s.Before == 0 || s.Repeated == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	p.expect(t, sum(0, 5_000))
}

func TestFileWaitsForTheCollector(t *testing.T) {
	folder := t.TempDir()
	p := serve(t, nil)
	p.status = []int{http.StatusServiceUnavailable, http.StatusTooManyRequests}
	name := write(t, filepath.Join(folder, "access.log"), lines(1, 3))
	s, err := p.importer(t, filepath.Join(folder, "imports.json"), "nginx-combined").File(t.Context(), name)
	if err != nil || s.Accepted != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	p.expect(t, 6)
}

// TestPiecesCountInTheirOrder sends several pieces at the same time, of which the first is not taken at once: only the first stream of the
// file may count.
func TestPiecesCountInTheirOrder(t *testing.T) {
	folder := t.TempDir()
	p := serve(t, func(o *tenant.Organization) { o.Limits.Streams = 1 })
	p.status = []int{http.StatusServiceUnavailable}
	const count = 2_000 // more than a piece
	others := strings.ReplaceAll(lines(count, 3*count), "/one/", "/two/")
	name := write(t, filepath.Join(folder, "access.log"), lines(0, count)+others)
	s, err := p.importer(t, filepath.Join(folder, "imports.json"), "nginx-combined").File(t.Context(), name)
	if err != nil || s.Accepted != count || s.Refused != 3*count || s.Rejected[0].Line != count+1 {
		t.Errorf("%+v, %v", s, err)
	}
	if p.most < 2 {
		t.Error("one piece was sent after the other")
	}
	p.expect(t, sum(0, count))
}

func TestFileIsRefused(t *testing.T) {
	folder := t.TempDir()
	p := serve(t, nil)
	m := p.importer(t, filepath.Join(folder, "imports.json"), "nginx-combined")
	m.SecretKey = "sk_wrong"
	name := write(t, filepath.Join(folder, "access.log"), lines(0, 3))
	if _, err := m.File(t.Context(), name); !errors.Is(err, ErrRefused) {
		t.Errorf("error %v", err)
	}
	if _, err := m.File(t.Context(), filepath.Join(folder, "missing.log")); err == nil {
		t.Error("no error for a missing file")
	}
	m.SecretKey = "sk_acme"
	long := write(t, filepath.Join(folder, "long.log"), "x\n"+strings.Repeat("x", chunkBytes+maxLineBytes))
	if _, err := m.File(t.Context(), long); err == nil {
		t.Error("no error for a line of 5 MB")
	}
}

// nginxJSON returns the lines of nginx's log as JSON.
func nginxJSON(first, count int) string {
	var b strings.Builder
	for i := first; i < first+count; i++ {
		fmt.Fprintf(&b, `{"msec":"%d.000","request":"GET /live/one/seg%d.ts HTTP/1.1","status":"200","bytes_sent":"%d","remote_addr":"192.0.2.1"}`+"\n",
			begin.Unix()+int64(i), i, i)
	}
	return b.String()
}

func TestWhatDidNotCountIsTriedAgain(t *testing.T) {
	folder := t.TempDir()
	state := filepath.Join(folder, "imports.json")
	p := serve(t, nil)
	content := nginxJSON(1, 10)
	name := write(t, filepath.Join(folder, "access.log"), content)
	if s, err := p.importer(t, state, "nginx-combined").File(t.Context(), name); err != nil || s.Refused != 10 || s.Counted {
		t.Fatalf("the wrong format: %+v, %v", s, err)
	}
	compressed := writeGzip(t, filepath.Join(folder, "old.log.gz"), content)
	s, err := p.importer(t, state, "nginx-json").File(t.Context(), compressed)
	if err != nil || s.Accepted != 10 || s.Again != 10 || !s.Counted {
		t.Errorf("the right format: %+v, %v", s, err)
	}
	for _, format := range []string{"nginx-json", "nginx-combined", accesslog.Auto} {
		if s, err := p.importer(t, state, format).File(t.Context(), name); err != nil || s.Accepted+s.Refused+s.Repeated != 0 || !s.Counted {
			t.Errorf("once more as %s: %+v, %v", format, s, err)
		}
	}
	p.expect(t, sum(1, 10))
}

func TestLinesOfTwoFormats(t *testing.T) {
	folder := t.TempDir()
	state := filepath.Join(folder, "imports.json")
	p := serve(t, nil)
	name := write(t, filepath.Join(folder, "access.log"), lines(1, 5)+nginxJSON(6, 3)+lines(9, 2)+"no request\n")
	s, err := p.importer(t, state, accesslog.Auto).File(t.Context(), name)
	if err != nil || s.Accepted != 7 || s.Refused != 4 || len(s.Rejected) != 4 || s.Rejected[0].Line != 6 || s.Rejected[3].Line != 11 {
		t.Fatalf("%+v, %v", s, err)
	}
	s, err = p.importer(t, state, "nginx-json").File(t.Context(), name)
	if err != nil || s.Accepted != 3 || s.Refused != 1 || s.Again != 4 || len(s.Rejected) != 1 || s.Rejected[0].Line != 11 {
		t.Errorf("%+v, %v", s, err)
	}
	p.expect(t, sum(1, 10))
}

func TestWhatOtherPathsMakeStreams(t *testing.T) {
	folder := t.TempDir()
	state := filepath.Join(folder, "imports.json")
	content := strings.ReplaceAll(lines(1, 4), ".ts ", ".flv ")
	name := write(t, filepath.Join(folder, "access.log"), content)
	p := serve(t, nil)
	if s, err := p.importer(t, state, "nginx-combined").File(t.Context(), name); err != nil || s.Ignored != 4 {
		t.Fatalf("%+v, %v", s, err)
	}
	if s, err := p.importer(t, state, "nginx-combined").File(t.Context(), name); err != nil || s.Ignored != 0 {
		t.Errorf("nothing has changed: %+v, %v", s, err)
	}
	rule := tenant.StreamPath{Path: `^/live/(?P<stream>[^/]+)/.*\.flv$`, Protocol: "flv"}
	reloaded := serve(t, func(o *tenant.Organization) { o.StreamPaths = []tenant.StreamPath{rule} })
	for again, want := range []int{4, 0} {
		m := reloaded.importer(t, state, "nginx-combined")
		m.Paths = rule.Path
		if s, err := m.File(t.Context(), name); err != nil || s.Accepted != want {
			t.Errorf("import %d by the rule: %+v, %v", again+1, s, err)
		}
	}
	reloaded.expect(t, sum(1, 4))
}

func TestStreamsOverTheLimitAreTriedAgain(t *testing.T) {
	folder := t.TempDir()
	state := filepath.Join(folder, "imports.json")
	p := serve(t, func(o *tenant.Organization) { o.Limits.Streams = 1 })
	name := write(t, filepath.Join(folder, "access.log"), lines(1, 2)+strings.ReplaceAll(lines(3, 2), "/one/", "/two/"))
	for again := range 2 {
		s, err := p.importer(t, state, "nginx-combined").File(t.Context(), name)
		if err != nil || s.Accepted != 2-2*again || s.Refused != 2 {
			t.Errorf("import %d: %+v, %v", again+1, s, err)
		}
	}
	p.expect(t, 3)
}

// TestEachLineCountsOnce imports files again and again, as one format or the other, while they grow, are renamed and compressed, and
// while the import is killed and what it keeps is lost. What counts is what one reading of each line gives.
func TestEachLineCountsOnce(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 1))
		folder := t.TempDir()
		state := filepath.Join(folder, "imports.json")
		p := serve(t, nil)
		var content strings.Builder
		total, number := 0, 1
		for range 12 {
			for range random.IntN(4) + 1 {
				text := lines
				if random.IntN(2) == 0 {
					text = nginxJSON
				}
				count := random.IntN(20) + 1
				content.WriteString(text(number, count))
				total += sum(number, count)
				number += count
			}
			name := write(t, filepath.Join(folder, fmt.Sprintf("access.log.%d", number)), content.String())
			if random.IntN(3) == 0 {
				name = writeGzip(t, name, content.String())
			}
			format := []string{"nginx-combined", "nginx-json"}[random.IntN(2)]
			ctx, cancel := context.WithCancel(t.Context())
			killed := random.IntN(3) == 0
			last := p.taken() + random.IntN(4) + 1
			p.then(func(_ *http.Request, n int) {
				if killed && n >= last {
					cancel()
				}
			})
			m := p.importer(t, state, format)
			m.pieceBytes = []int{200, 2000, chunkBytes}[random.IntN(3)] // one to many are on their way when it is killed
			_, err := m.File(ctx, name)
			cancel()
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		p.then(nil)
		for _, format := range []string{"nginx-combined", "nginx-json"} {
			if _, err := p.importer(t, state, format).File(t.Context(), write(t, filepath.Join(folder, "last.log"), content.String())); err != nil {
				t.Fatal(err)
			}
		}
		p.expect(t, total)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestLaterChunksNameTheirColumns(t *testing.T) {
	folder := t.TempDir()
	p := serve(t, nil)
	const header = "#Version: 1.0\n#Fields: time date c-ip cs-method cs-uri-stem sc-status sc-bytes\n"
	line := "10:00:00\t" + begin.Format(time.DateOnly) + "\t192.0.2.1\tGET\t/live/one/seg1.ts\t200\t1\n"
	m := p.importer(t, filepath.Join(folder, "imports.json"), "cloudfront")
	s, err := m.File(t.Context(), write(t, filepath.Join(folder, "a.log"), header+strings.Repeat(line, 5_000)))
	if err != nil || s.Accepted != 5_000 || p.requests < 2 {
		t.Fatalf("%d requests, %+v, %v", p.requests, s, err)
	}
	// A log of nothing but a header looks like all others.
	if s, err := m.File(t.Context(), write(t, filepath.Join(folder, "b.log"), header)); err != nil || s.Before != 0 || len(m.Book.Files) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	p.expect(t, 5_000)
}

func TestCompressedFiles(t *testing.T) {
	folder := t.TempDir()
	content := lines(1, 3)
	plain := write(t, filepath.Join(folder, "access.log"), content)
	for _, test := range []struct{ ending, program string }{{"gz", "gzip"}, {"bz2", "bzip2"}, {"xz", "xz"}, {"zst", "zstd"}} {
		t.Run(test.ending, func(t *testing.T) {
			program, err := exec.LookPath(test.program)
			if err != nil {
				t.Skip(err)
			}
			packed, err := exec.CommandContext(t.Context(), program, "-c", plain).Output()
			if err != nil {
				t.Fatal(err)
			}
			p := serve(t, nil)
			name := write(t, filepath.Join(folder, "packed."+test.ending), string(packed))
			s, err := p.importer(t, filepath.Join(t.TempDir(), "imports.json"), accesslog.Auto).File(t.Context(), name)
			if err != nil || s.Accepted != 3 {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
	for _, test := range []struct {
		ending  string
		command []string
	}{{"tar", []string{"tar", "-cf", "-", "-C", folder, "access.log"}}, {"tar.gz", []string{"tar", "-czf", "-", "-C", folder, "access.log"}}} {
		t.Run(test.ending, func(t *testing.T) {
			packed, err := exec.CommandContext(t.Context(), test.command[0], test.command[1:]...).Output()
			if err != nil {
				t.Fatal(err)
			}
			m := &Importer{Format: accesslog.Format{Name: accesslog.Auto}, Progress: func(int) {}}
			if _, err := m.File(t.Context(), write(t, filepath.Join(folder, "packed."+test.ending), string(packed))); !errors.Is(err, ErrArchive) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestSort(t *testing.T) {
	folder := t.TempDir()
	m := &Importer{Format: accesslog.Format{Name: accesslog.Auto}}
	newest := write(t, filepath.Join(folder, "access.log"), lines(5000, 2))
	middle := write(t, filepath.Join(folder, "access.log.1"), "broken\n"+lines(3000, 2))
	oldest := writeGzip(t, filepath.Join(folder, "access.log.2.gz"), nginxJSON(0, 2))
	files := []string{newest, middle, oldest}
	if err := m.Sort(files); err != nil {
		t.Fatal(err)
	}
	if files[0] != oldest || files[1] != middle || files[2] != newest {
		t.Errorf("sorted %v", files)
	}
}

// TestPipe imports what can be read only once, as a shell makes it of <(zcat access.log.gz): nothing may be looked at before.
func TestPipe(t *testing.T) {
	for _, test := range []struct{ name, content string }{
		{"a few lines", lines(1, 3)},
		{"the last line has no end", strings.TrimSuffix(lines(1, 3), "\n")},
		{"more than the begin that is looked at", lines(1, 3000)},
	} {
		t.Run(test.name, func(t *testing.T) {
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			go func() {
				defer writer.Close()
				_, _ = writer.WriteString(test.content) // what is missing is not counted
			}()
			p := serve(t, nil)
			m := p.importer(t, filepath.Join(t.TempDir(), "imports.json"), accesslog.Auto)
			files := []string{fmt.Sprintf("/dev/fd/%d", reader.Fd())}
			if err := m.Sort(files); err != nil {
				t.Fatal(err)
			}
			if err := m.Learn(t.Context(), files); err != nil {
				t.Fatal(err)
			}
			want := strings.Count(strings.TrimSuffix(test.content, "\n"), "\n") + 1
			if s, err := m.File(t.Context(), files[0]); err != nil || s.Accepted != want || s.Refused != 0 {
				t.Errorf("%+v, %v; want %d lines", s, err, want)
			}
		})
	}
}

// TestUnreadableFiles says which file cannot be read, and keeps none of the others from being imported.
func TestUnreadableFiles(t *testing.T) {
	folder := t.TempDir()
	good := write(t, filepath.Join(folder, "access.log"), lines(0, 3))
	whole, err := os.ReadFile(writeGzip(t, filepath.Join(folder, "access.log.1.gz"), lines(10, 3)))
	if err != nil {
		t.Fatal(err)
	}
	bad := []string{
		write(t, filepath.Join(folder, "cut.gz"), string(whole[:len(whole)-20])), write(t, filepath.Join(folder, "nearly.gz"), "\x1f\x8b\x08"),
		write(t, filepath.Join(folder, "long"), strings.Repeat("x", 8<<20)), filepath.Join(folder, "missing"), folder,
	}
	p := serve(t, nil)
	m := p.importer(t, filepath.Join(t.TempDir(), "imports.json"), accesslog.Auto)
	files := append([]string{good}, bad...)
	if err := m.Sort(files); err != nil {
		t.Fatal(err)
	}
	if err := m.Learn(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	for _, name := range bad {
		_, err := m.File(t.Context(), name)
		if !errors.As(err, new(*ReadError)) && !errors.As(err, new(*accesslog.DetectError)) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s, err := m.File(t.Context(), good); err != nil || s.Accepted != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestOrderOfFilesMakesNoDifference has segments whose number is glued to the name, which only the playlist in another file tells.
func TestOrderOfFilesMakesNoDifference(t *testing.T) {
	segments := strings.NewReplacer("/live/one/seg", "/hls/cam1").Replace(lines(12, 3))
	playlist := strings.Replace(lines(1, 1), "/live/one/seg1.ts", "/hls/cam1.m3u8", 1)
	// What an encoder uploads tells the collector nothing, so it must not be taken for told.
	upload := strings.Replace(playlist, "GET", "PUT", 1)
	for _, files := range [][]string{{segments, playlist}, {playlist, segments}, {upload, segments, playlist}} {
		p := serve(t, nil)
		folder := t.TempDir()
		var names []string
		for i, content := range files {
			names = append(names, write(t, filepath.Join(folder, fmt.Sprint(i)), content))
		}
		m := p.importer(t, filepath.Join(folder, "imports.json"), accesslog.Auto)
		for range 2 { // the second time there is nothing to learn, and nothing to count
			if err := m.Learn(t.Context(), names); err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				if _, err := m.File(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := p.collector.Sum(t, `streamlens_traffic_bytes_by_stream_1m{org="acme",collector="c",stream="cam1",`); got != int64(1+sum(12, 3)) {
			t.Errorf("%d bytes are of cam1", got)
		}
	}
}
