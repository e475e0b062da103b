package vm_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/streamlens/streamlens/pkg/vm"
	"github.com/streamlens/streamlens/pkg/vm/vmtest"
)

// run runs the writer until the returned function is called, which returns when it has ended.
func run(w *vm.Writer) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx, slog.New(slog.DiscardHandler))
	}()
	return func() {
		cancel()
		<-ended
	}
}

func TestWriterWritesToVictoriaMetrics(t *testing.T) {
	url := vmtest.Start(t)
	w := vm.NewWriter(url, http.DefaultClient)
	stop := run(w)
	now := time.Now().Truncate(time.Minute)
	for i := range 100 {
		w.Enqueue(fmt.Appendf(nil, "written{org=\"acme\",n=\"%d\"} %d %d\n", i, i, now.UnixMilli()))
	}
	stop()
	vmtest.Flush(t, url)
	client, err := vm.NewClient(url, http.DefaultClient)
	if err != nil {
		t.Fatal(err)
	}
	series, err := client.Query(t.Context(), "sum(written)", now, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(series) != 1 || series[0].Points[0].Value != 4950 {
		t.Errorf("stored %+v, want the sum 4950", series)
	}
	if s := w.Stats(); s.Waiting != 0 || s.Failures != 0 || s.Written == 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestWriterTriesAgainInOrder(t *testing.T) {
	var taken strings.Builder
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) <= 2 {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Error(err)
		}
		taken.Write(text)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	w := vm.NewWriter(server.URL, http.DefaultClient)
	stop := run(w)
	for i := range 5 {
		w.Enqueue(fmt.Appendf(nil, "%d\n", i))
	}
	for deadline := time.Now().Add(10 * time.Second); w.Stats().Waiting > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	if got := taken.String(); got != "0\n1\n2\n3\n4\n" {
		t.Errorf("took %q, want all lines once and in order", got)
	}
	if s := w.Stats(); s.Failures != 2 {
		t.Errorf("%d failures, want 2", s.Failures)
	}
}

func TestWriterEndsWhenVictoriaMetricsIsAway(t *testing.T) {
	w := vm.NewWriter("http://127.0.0.1:1", http.DefaultClient)
	stop := run(w)
	w.Enqueue([]byte("x 1 1\n"))
	begun := time.Now()
	stop()
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %s to end", took)
	}
	if s := w.Stats(); s.Waiting == 0 {
		t.Error("says that nothing waits, although nothing was taken")
	}
}

func TestWriterIsFull(t *testing.T) {
	w := vm.NewWriter("http://127.0.0.1:1", http.DefaultClient)
	if w.Full() {
		t.Error("is full from the start")
	}
	w.Enqueue(make([]byte, 256<<20))
	if !w.Full() {
		t.Error("is not full with 256 MB")
	}
}
