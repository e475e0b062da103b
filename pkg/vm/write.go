package vm

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// importPath takes samples in Prometheus' text format with timestamps in ms.
const importPath = "/api/v1/import/prometheus"

const (
	writeTimeout = 30 * time.Second
	// Waiting samples are bounded, so that a database that is away cannot fill the memory.
	maxWaitingBytes = 256 << 20
	minRetryDelay   = 500 * time.Millisecond
	maxRetryDelay   = 10 * time.Second
	drainTimeout    = 20 * time.Second
)

// Writer writes samples to VictoriaMetrics in the order in which they are enqueued, and tries again until they are taken.
type Writer struct {
	url    string
	client *http.Client
	wake   chan struct{}

	mu       sync.Mutex
	waiting  [][]byte
	bytes    int
	written  int64
	failures int64
}

// NewWriter returns a writer to the VictoriaMetrics at url, which may end with the insert path of a cluster's tenant.
func NewWriter(url string, client *http.Client) *Writer {
	return &Writer{url: url, client: client, wake: make(chan struct{}, 1)}
}

// Enqueue takes over samples in Prometheus' text format with timestamps in ms.
func (w *Writer) Enqueue(samples []byte) {
	w.mu.Lock()
	w.waiting = append(w.waiting, samples)
	w.bytes += len(samples)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Full reports whether so many samples wait that no more should be made.
func (w *Writer) Full() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes >= maxWaitingBytes
}

// WriterStats tells how far a Writer is.
type WriterStats struct {
	Waiting  int64 // bytes of samples that wait
	Written  int64 // bytes of samples that VictoriaMetrics has taken
	Failures int64 // attempts that failed
}

// Stats returns how far the writer is.
func (w *Writer) Stats() WriterStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return WriterStats{int64(w.bytes), w.written, w.failures}
}

// Run writes until ctx is done. Then it writes what still waits, until VictoriaMetrics refuses or drainTimeout has passed;
// what is left is lost, and said in the log.
func (w *Writer) Run(ctx context.Context, logger *slog.Logger) {
	for w.wait(ctx) {
		w.write(ctx, ctx, logger)
	}
	// What waits when the process stops should arrive.
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	w.write(drain, ctx, logger)
	if left := w.Stats().Waiting; left > 0 {
		logger.Error("Samples are lost: VictoriaMetrics did not take them before the end", "bytes", left)
	}
}

// wait returns true when something waits, and false when ctx is done.
func (w *Writer) wait(ctx context.Context) bool {
	select {
	case <-w.wake:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// write writes what waits. What fails is tried again with growing delays, until retry or ctx is done.
func (w *Writer) write(ctx, retry context.Context, logger *slog.Logger) {
	delay := minRetryDelay
	for samples := w.first(); samples != nil && ctx.Err() == nil; samples = w.first() {
		// A write that has begun goes on when retry is done.
		err := Import(context.WithoutCancel(ctx), w.client, w.url, samples)
		if err == nil {
			w.remove()
			delay = minRetryDelay
			continue
		}
		w.fail()
		logger.Error("Writing samples failed", "error", err, "waitingBytes", w.Stats().Waiting)
		select {
		case <-time.After(delay):
		case <-retry.Done():
			return
		}
		delay = min(2*delay, maxRetryDelay)
	}
}

func (w *Writer) first() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		return nil
	}
	return w.waiting[0]
}

func (w *Writer) remove() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes -= len(w.waiting[0])
	w.written += int64(len(w.waiting[0]))
	w.waiting = w.waiting[1:]
}

func (w *Writer) fail() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures++
}

// Import writes samples in Prometheus' text format with timestamps in ms to the VictoriaMetrics at baseURL, and returns
// when they are taken. That they are valid is for the caller to see to: VictoriaMetrics drops broken ones silently.
func Import(ctx context.Context, client *http.Client, baseURL string, samples []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var body bytes.Buffer
	z, err := gzip.NewWriterLevel(&body, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err := z.Write(samples); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(baseURL, "/")+importPath, &body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Encoding", "gzip")
	status, answer, err := roundTrip(client, request)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return &StatusError{Code: status, Text: plainText(answer)}
	}
	return nil
}
