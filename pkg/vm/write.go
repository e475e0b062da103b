package vm

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
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
}

// Write writes samples, as Import does.
func (t Target) Write(ctx context.Context, samples []byte) error {
	return Import(ctx, t.Client, t.URL, samples)
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
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	body := bytes.NewReader(s2.EncodeSnappy(nil, samples))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(baseURL, "/")+importPath, body)
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
