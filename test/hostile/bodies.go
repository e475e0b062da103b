package hostile

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// packed compresses with gzip.
func packed(text []byte) ([]byte, error) {
	var b bytes.Buffer
	writer := gzip.NewWriter(&b)
	_, err := writer.Write(text)
	if err := errors.Join(err, writer.Close()); err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return b.Bytes(), nil
}

// zeros returns n zero bytes, a multiple of 1 MB, compressed.
func zeros(n int) ([]byte, error) {
	var b bytes.Buffer
	writer, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	block := make([]byte, 1<<20)
	for range n / len(block) {
		if _, err := writer.Write(block); err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return b.Bytes(), nil
}

// gzipBombs sends little that is much when it is decompressed.
func gzipBombs(ctx context.Context, t *target) error {
	const members = 64
	part, err := zeros(16 << 20)
	if err != nil {
		return err
	}
	concatenated := bytes.Repeat(part, members) // 1 GB
	single, err := zeros(128 << 20)
	if err != nil {
		return err
	}
	nested, err := packed(concatenated)
	if err != nil {
		return err
	}
	empty, err := packed(nil)
	if err != nil {
		return err
	}
	good, err := packed(envelope("bomb", "bomb", load()))
	if err != nil {
		return err
	}
	bombs := []struct {
		body   []byte
		status []int
	}{
		{single, []int{http.StatusRequestEntityTooLarge}},
		{concatenated, []int{http.StatusRequestEntityTooLarge}},
		{nested, []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}},
		{single[:len(single)/2], []int{http.StatusRequestEntityTooLarge}},
		{good[:len(good)-9], []int{http.StatusBadRequest}},
		{bytes.Repeat(empty, 40_000), []int{http.StatusBadRequest}},
		{append(bytes.Repeat(empty, 100), good...), []int{http.StatusAccepted}},
		{append(bytes.Clone(good), "garbage"...), []int{http.StatusBadRequest}},
	}
	paths := []string{"/v1/events", "/v1/cmcd/" + account + "/" + accountKey}
	return together(ctx, 4, forever, func(i int) error {
		bomb, path := bombs[i%len(bombs)], paths[i/len(bombs)%2]
		status, err := t.post(ctx, path, bomb.body, "Content-Encoding", "gzip")
		if err != nil || status == 0 || (path != paths[0] && status >= http.StatusBadRequest) {
			return err
		}
		for _, expected := range bomb.status {
			if status == expected {
				return nil
			}
		}
		return fmt.Errorf("bomb %d to %s answers %d, want one of %v", i%len(bombs), path, status, bomb.status)
	})
}

// serverBombs sends the same as a server whose key is right.
func serverBombs(ctx context.Context, t *target) error {
	bomb, err := zeros(256 << 20)
	if err != nil {
		return err
	}
	paths := []string{"/v1/usage", "/v1/logs?format=nginx-combined", "/v1/streams/a/tags"}
	return together(ctx, 4, forever, func(i int) error {
		_, err := t.post(ctx, paths[i%len(paths)], bomb, "Content-Encoding", "gzip", "Authorization", "Bearer "+secretKey)
		return err
	})
}

// shapes sends JSON and CMCD that are small on the wire and large, deep or absurd when they are decoded.
func shapes(ctx context.Context, t *target) error {
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	var keys strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&keys, `"%x":0,`, i)
	}
	now := time.Now().UnixMilli()
	events := []string{
		deep,
		`{"events":` + deep + `}`,
		strings.Repeat(`{"a":`, 100_000) + "0" + strings.Repeat("}", 100_000),
		"{" + keys.String() + `"a":0}`,
		"[" + strings.Repeat("0,", 500_000) + "0]",
		`{"events":[` + strings.Repeat("[],", 300_000) + "[]]}",
		"{" + strings.Repeat(`"a":0,`, 160_000) + `"a":0}`,
		strings.Repeat(" ", 1_000_000),
		strings.Repeat("\x00", 1_000_000),
		`"` + strings.Repeat(`\u0000`, 100_000) + `"`,
		strings.Repeat(`\`, 100_000),
		strings.Replace(string(envelope("shapes", "STREAM", load())), "STREAM", "\xff\xfe", 1),
		strings.Replace(string(envelope("shapes", "STREAM", load())), "STREAM", "a\x00b", 1),
		string(envelope("shapes", "shapes", `{"seq":1e999999,"ts":1e400,"type":"load"}`)),
		string(envelope("shapes", "shapes", `{"seq":`+strings.Repeat("9", 500_000)+`,"ts":1,"type":"load"}`)),
		string(envelope("shapes", "shapes", fmt.Sprintf(`{"seq":2147483649,"ts":%d,"type":"load"}`, now))),
		string(envelope("shapes", "shapes", strings.Repeat(`{"seq":1,"ts":1,"type":"load"},`, 1000)+"7")),
	}
	cmcd := []string{
		strings.Repeat("(", 100_000),
		"a=" + strings.Repeat("(", 100_000) + strings.Repeat(")", 100_000),
		strings.Repeat("a,", 500_000),
		strings.Repeat("a\n", 500_000),
		strings.Repeat(`sid="`, 100_000),
		"ts=" + strings.Repeat("9", 500_000),
		"e=ps,sid=\"\x00\xff\",ts=1,sta=p",
		strings.Repeat("e=ps,sid=\"a\",cid=\"a\",ts=1,sta=p\n", 30_000),
		strings.Repeat("\n", 1_000_000),
	}
	lines := []string{
		deep,
		strings.Repeat("[0,", 1_000_000),
		"[" + strings.Repeat("0,", 3_000_000) + "0]",
		strings.Repeat("x\n", 4_000_000),
		strings.Repeat("\x00", 8_000_000),
		strings.Repeat("{}\n", 90_000),
	}
	secret := []string{"Authorization", "Bearer " + secretKey}
	return together(ctx, 4, forever, func(i int) error {
		var (
			status int
			err    error
			body   string
		)
		turn := i / 5
		switch i % 5 {
		case 0, 1:
			body = events[(2*turn+i%5)%len(events)]
			status, err = t.post(ctx, "/v1/events", []byte(body))
		case 2:
			body = cmcd[turn%len(cmcd)]
			status, err = t.post(ctx, "/v1/cmcd/"+account+"/"+accountKey, []byte(body))
		case 3:
			body = lines[turn%len(lines)]
			status, err = t.post(ctx, "/v1/usage", []byte(body), secret...)
		case 4:
			body = lines[turn%len(lines)]
			status, err = t.post(ctx, "/v1/logs?format=cloudflare", []byte(body), secret...)
			if status == http.StatusAccepted { // lines that are no delivery are passed over
				status = http.StatusBadRequest
			}
		}
		refused := status == 0 || status == http.StatusServiceUnavailable ||
			status >= http.StatusBadRequest && status < http.StatusInternalServerError
		if err == nil && !refused {
			return fmt.Errorf("%.40q… (%d bytes) answers %d", body, len(body), status)
		}
		return err
	})
}
