package vm

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"
)

// importPath takes samples in Prometheus' text format with timestamps in ms.
const importPath = "/api/v1/import/prometheus"

const writeTimeout = 30 * time.Second

// Target is a VictoriaMetrics to write to.
type Target struct {
	// URL may end with the insert path of a cluster's tenant.
	URL    string
	Client *http.Client
	Packed *Packed // nil if each time takes new memory
}

// Packed is memory for compressed samples, which is used again.
type Packed struct{ free sync.Pool }

// Write writes samples, as Import does.
func (t Target) Write(ctx context.Context, samples []byte) error {
	if t.Packed == nil {
		return Import(ctx, t.Client, t.URL, samples)
	}
	memory, _ := t.Packed.free.Get().(*[]byte)
	if memory == nil {
		memory = new([]byte)
	}
	*memory = s2.EncodeSnappy(*memory, samples)
	err := post(ctx, t.Client, t.URL, *memory)
	if err == nil { // else some of it may still be on its way
		t.Packed.free.Put(memory)
	}
	return err
}

var startLine = regexp.MustCompile(`(?m)^vm_app_start_timestamp (\d+)`)

// Started returns when VictoriaMetrics started, in s since 1970, or 0 if it does not say so, as a proxy.
func (t Target) Started(ctx context.Context) (int64, error) {
	status, body, err := serverMetrics(ctx, t.Client, t.URL)
	if err != nil {
		return 0, err
	}
	found := startLine.FindSubmatch(body)
	if status != http.StatusOK || found == nil {
		return 0, nil
	}
	return strconv.ParseInt(string(found[1]), 10, 64)
}

// Import writes samples in Prometheus' text format with timestamps in ms to the VictoriaMetrics at baseURL, and returns
// when they are taken. VictoriaMetrics reads at most 56 MB of snappy at once. That they are valid is for the
// caller to see to: VictoriaMetrics drops broken ones silently.
func Import(ctx context.Context, client *http.Client, baseURL string, samples []byte) error {
	return post(ctx, client, baseURL, s2.EncodeSnappy(nil, samples))
}

func post(ctx context.Context, client *http.Client, baseURL string, packed []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(baseURL, "/")+importPath, bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Encoding", "snappy")
	status, answer, err := roundTrip(client, request)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return &StatusError{Code: status, Text: plainText(answer)}
	}
	return nil
}
