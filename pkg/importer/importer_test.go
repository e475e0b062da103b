package importer

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamlens/streamlens/pkg/collector"
	"github.com/streamlens/streamlens/pkg/source/accesslog"
)

// recorder stands in for the collector: it keeps what comes, each request by its key once.
type recorder struct {
	*httptest.Server
	text   strings.Builder
	keys   map[string]bool
	status []int  // of the answers to come; then 202
	before func() // is called before a request is taken
}

func record(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{keys: map[string]bool{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil || request.Header.Get("Authorization") != "Bearer sk_x" || request.URL.Query().Get("format") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if len(r.status) > 0 {
			status := r.status[0]
			r.status = r.status[1:]
			w.WriteHeader(status)
			return
		}
		if r.before != nil {
			r.before()
		}
		if key := request.Header.Get("Idempotency-Key"); !r.keys[key] {
			r.keys[key] = true
			r.text.Write(body)
		}
		w.WriteHeader(http.StatusAccepted)
		if err := json.NewEncoder(w).Encode(collector.LogAnswer{Accepted: strings.Count(string(body), "\n")}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func newImporter(t *testing.T, url, state string) *Importer {
	t.Helper()
	book, err := OpenBook(state)
	if err != nil {
		t.Fatal(err)
	}
	return &Importer{URL: url, Organization: "acme", SecretKey: "sk_x", Format: accesslog.Format{Name: "nginx-combined"}, Book: book,
		Progress: func(int) {}}
}

// lines returns lines of a log from number first on.
func lines(first, count int) string {
	var b strings.Builder
	begin := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
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
	r := record(t)
	content := lines(0, 100_000) // several chunks
	name := write(t, filepath.Join(folder, "access.log"), content)

	s, err := newImporter(t, r.URL, state).File(t.Context(), name)
	if err != nil || s.Accepted != 100_000 || s.Before != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	if len(r.keys) < 2 {
		t.Errorf("%d requests", len(r.keys))
	}
	for _, again := range []string{
		name,
		write(t, filepath.Join(folder, "access.log.1"), content),
		writeGzip(t, filepath.Join(folder, "access.log.2.gz"), content),
	} {
		s, err := newImporter(t, r.URL, state).File(t.Context(), again)
		if err != nil || s.Accepted != 0 || s.Before != int64(len(content)) || s.Imported.IsZero() {
			t.Errorf("%s: %+v, %v", again, s, err)
		}
	}
	grown := write(t, name, content+lines(100_000, 10)+"192.0.2.1 - - [")
	s, err = newImporter(t, r.URL, state).File(t.Context(), grown)
	if err != nil || s.Accepted != 10 || !s.Open {
		t.Errorf("grown: %+v, %v", s, err)
	}
	if got := r.text.String(); got != content+lines(100_000, 10) {
		t.Errorf("%d bytes were sent, want %d", len(got), len(content))
	}
}

func TestFileGoesOnAfterAnInterruption(t *testing.T) {
	folder := t.TempDir()
	state := filepath.Join(folder, "imports.json")
	r := record(t)
	content := lines(0, 150_000)
	name := writeGzip(t, filepath.Join(folder, "access.log.gz"), content)

	ctx, cancel := context.WithCancel(t.Context())
	m := newImporter(t, r.URL, state)
	r.before = func() {
		if len(r.keys) == 1 {
			cancel() // the second request comes, but nobody waits for its answer
		}
	}
	if s, err := m.File(ctx, name); !errors.Is(err, context.Canceled) || s.Accepted == 0 || s.Accepted == 150_000 {
		t.Fatalf("%+v, %v", s, err)
	}
	r.before = nil
	s, err := newImporter(t, r.URL, state).File(t.Context(), name)
	if err != nil || s.Before == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if r.text.String() != content {
		t.Errorf("%d bytes were sent, want %d", r.text.Len(), len(content))
	}
}

func TestFileWaitsForTheCollector(t *testing.T) {
	folder := t.TempDir()
	r := record(t)
	r.status = []int{http.StatusServiceUnavailable, http.StatusTooManyRequests}
	name := write(t, filepath.Join(folder, "access.log"), lines(0, 3))
	s, err := newImporter(t, r.URL, filepath.Join(folder, "imports.json")).File(t.Context(), name)
	if err != nil || s.Accepted != 3 || r.text.String() != lines(0, 3) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestFileIsRefused(t *testing.T) {
	folder := t.TempDir()
	r := record(t)
	m := newImporter(t, r.URL, filepath.Join(folder, "imports.json"))
	m.SecretKey = "sk_wrong"
	name := write(t, filepath.Join(folder, "access.log"), lines(0, 3))
	if _, err := m.File(t.Context(), name); !errors.Is(err, ErrRefused) {
		t.Errorf("error %v", err)
	}
	if _, err := m.File(t.Context(), filepath.Join(folder, "missing.log")); err == nil {
		t.Error("no error for a missing file")
	}
	long := write(t, filepath.Join(folder, "long.log"), "x\n"+strings.Repeat("x", chunkBytes+maxLineBytes))
	m.SecretKey = "sk_x"
	if _, err := m.File(t.Context(), long); err == nil {
		t.Error("no error for a line of 5 MB")
	}
}

func TestLaterChunksNameTheirColumns(t *testing.T) {
	folder := t.TempDir()
	r := record(t)
	const header = "#Version: 1.0\n#Fields: date time c-ip\n"
	body := strings.Repeat("2026-11-20\t10:00:00\t192.0.2.1\n", 300_000)
	m := newImporter(t, r.URL, filepath.Join(folder, "imports.json"))
	m.Format.Name = "cloudfront"
	if _, err := m.File(t.Context(), write(t, filepath.Join(folder, "a.log"), header+body)); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Count(r.text.String(), "#Fields:"), len(r.keys); got != want || want < 2 {
		t.Errorf("%d of %d requests name the columns", got, want)
	}
	// A log of nothing but a header looks like all others.
	if s, err := m.File(t.Context(), write(t, filepath.Join(folder, "b.log"), header)); err != nil || s.Before != 0 || len(m.Book.Files) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestSort(t *testing.T) {
	folder := t.TempDir()
	m := newImporter(t, "", filepath.Join(folder, "imports.json"))
	newest := write(t, filepath.Join(folder, "access.log"), lines(5000, 2))
	middle := write(t, filepath.Join(folder, "access.log.1"), "broken\n"+lines(3000, 2))
	oldest := writeGzip(t, filepath.Join(folder, "access.log.2.gz"), lines(0, 2))
	files := []string{newest, middle, oldest}
	if err := m.Sort(files); err != nil {
		t.Fatal(err)
	}
	if files[0] != oldest || files[1] != middle || files[2] != newest {
		t.Errorf("sorted %v", files)
	}
}
