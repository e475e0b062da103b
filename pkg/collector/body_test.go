package collector

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/sync/semaphore"
)

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, err := io.WriteString(writer, text)
	if err := errors.Join(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func TestBodies(t *testing.T) {
	const limit = 64 << 10
	text := func(n int) string { return strings.Repeat("a", n) }
	empty := gzipped(t, "")
	tests := []struct {
		name, body, encoding string
		length               int64 // that is announced, -1 = none
		want                 string
		reason               string
	}{
		{"nothing", "", "", 0, "", ""},
		{"small", "abc", "", 3, "abc", ""},
		{"larger than the least buffer", text(smallBody + 1), "", -1, text(smallBody + 1), ""},
		{"all that is allowed", text(limit), "", limit, text(limit), ""},
		{"announced too large", "", "", limit + 1, "", "too_large"},
		{"too large", text(limit + 1), "", -1, "", "too_large"},
		{"packed", gzipped(t, text(limit)), "gzip", -1, text(limit), ""},
		{"packed in two members", gzipped(t, "ab") + gzipped(t, "c"), "gzip", -1, "abc", ""},
		{"too large when unpacked", gzipped(t, text(limit+1)), "gzip", -1, "", "too_large"},
		{"too large as it is packed", strings.Repeat(empty, limit/len(empty)+1), "gzip", -1, "", "too_large"},
		{"no gzip", "abc", "gzip", -1, "", "gzip"},
		{"gzip cut short", gzipped(t, "abc")[:20], "gzip", -1, "", "gzip"},
		{"unknown encoding", "abc", "br", -1, "", "encoding"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBodies(semaphore.NewWeighted(1))
			r := httptest.NewRequest(http.MethodPost, "/", iotest.HalfReader(strings.NewReader(test.body)))
			r.ContentLength = test.length
			r.Header.Set("Content-Encoding", test.encoding)
			body, done, err := b.read(r, limit, "text/plain")
			if reason, _ := reasonOf(t, err); reason != test.reason || string(body) != test.want {
				t.Errorf("got %.20q (%d bytes), refused by %q; want %.20q, %q", body, len(body), reason, test.want, test.reason)
			}
			if err == nil {
				done()
			}
			if !b.space.TryAcquire(maxBodies) {
				t.Error("some of the space was not given back")
			}
			if !b.turns.TryAcquire(1) {
				t.Error("the turn did not end")
			}
		})
	}
}

func TestBodiesUseBuffersAgain(t *testing.T) {
	b := newBodies(nil)
	for _, text := range []string{strings.Repeat("a", 5<<20), strings.Repeat("b", 5<<20-1), strings.Repeat("c", smallBody), "d", "", strings.Repeat("e", 5<<20)} {
		body, done, err := b.read(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text)), maxUsageBody)
		if err != nil || string(body) != text {
			t.Errorf("got %.10q (%d bytes), %v; want %.10q (%d bytes)", body, len(body), err, text, len(text))
		}
		done()
	}
	if !b.space.TryAcquire(maxBodies) {
		t.Error("some of the space was not given back")
	}
}

func TestBodiesWithoutRoom(t *testing.T) {
	b := newBodies(nil)
	if !b.space.TryAcquire(maxBodies) {
		t.Fatal("no space from the beginning")
	}
	for _, length := range []int{3, smallBody - 1} {
		small := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("a", length)))
		if _, done, err := b.read(small, maxEventsBody); err != nil {
			t.Errorf("a body of %d bytes: %v", length, err)
		} else {
			done()
		}
	}
	large := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("a", smallBody+1)))
	_, _, err := b.read(large, maxEventsBody)
	if reason, wait := reasonOf(t, err); reason != "busy" || wait != retryBody {
		t.Errorf("a large body is refused by %q for %v", reason, wait)
	}
}

func TestBodiesTakeTurns(t *testing.T) {
	b := newBodies(semaphore.NewWeighted(1))
	large := func(ctx context.Context) (func(), error) {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(strings.Repeat("a", smallBody+1)))
		_, done, err := b.read(r, maxEventsBody)
		return done, err
	}
	first, err := large(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := large(gone); err == nil {
		t.Error("a second body did not wait for its turn")
	}
	if _, done, err := b.read(httptest.NewRequest(http.MethodPost, "/", strings.NewReader("abc")), maxEventsBody); err != nil {
		t.Errorf("a small body had to wait: %v", err)
	} else {
		done()
	}
	first()
	for name, ctx := range map[string]context.Context{"after the first": t.Context(), "of a client that sends no more": gone} {
		if done, err := large(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			done()
		}
	}
}

// TestCurlNeedsNoContentType sends what curl sends with --data: requests of servers are tried out with it.
func TestCurlNeedsNoContentType(t *testing.T) {
	c := start(t, nil)
	body := `{"ts":` + recently() + `,"stream":"a","direction":"playout","protocol":"hls","bytes":1}`
	if status, a := c.post(t, "/v1/usage", body, "Authorization", "Bearer sk_acme", "Content-Type", curlType); status != http.StatusAccepted {
		t.Errorf("usage: answered %d %+v", status, a)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, c.URL+"/v1/streams/a/tags", strings.NewReader(`{"tags": [1]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer sk_acme")
	request.Header.Set("Content-Type", curlType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	// The body is read, and refused for what is in it: this collector has no store of tags.
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("tags: answered %d", response.StatusCode)
	}
}
